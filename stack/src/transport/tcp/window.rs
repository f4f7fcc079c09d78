//! The receive window: how far, when it moves, how it is written (RFC 9293 §3.8.6.2.2, RFC 7323 §2).

use core::hint::cold_path;

use super::options::{TcpConfig, TcpOptions};
use super::tcb::Tcb;
use super::tuning;
use crate::base::Pressure;

/// The largest shift (RFC 7323 §2.3).
pub(super) const MAX_SHIFT: u8 = 14;

/// `SO_RCVBUF` of a connection that begins.
pub(super) fn initial_buffer(options: &TcpOptions, config: &TcpConfig) -> u32 {
    if options.rcvbuf != 0 { options.rcvbuf } else { config.rmem[1] }
}

/// Payload bytes the receive buffer offers now.
#[inline]
pub(super) fn full_space(tcb: &Tcb, config: &TcpConfig) -> u32 {
    space(tuning::receive_buffer(tcb, config), &tcb.options, config)
}

/// Payload bytes a receive buffer offers: the rest of it is for what surrounds the payload.
#[inline]
fn space(buffer: u32, options: &TcpOptions, config: &TcpConfig) -> u32 {
    let space = (u64::from(buffer) * u64::from(config.window_ratio) / 256) as u32;
    if options.window_clamp == 0 { space } else { space.min(options.window_clamp) }
}

/// Payload bytes the receive buffer of a connection that begins offers.
fn initial_space(options: &TcpOptions, config: &TcpConfig) -> u32 {
    space(initial_buffer(options, config), options, config)
}

/// The receive buffer that offers so many payload bytes: the reverse of what [`full_space`] does.
pub(super) fn buffer_for(window: u32, config: &TcpConfig) -> u32 {
    let ratio = u64::from(config.window_ratio.max(1));
    (u64::from(window) * 256).div_ceil(ratio).min(u64::from(u32::MAX)) as u32
}

/// RFC 7323 §2.2: our shift, from the largest buffer this connection may ever have.
#[inline(always)]
pub(super) fn shift(options: &TcpOptions, config: &TcpConfig) -> u8 {
    if !config.window_scaling {
        return 0;
    }
    let initial = initial_space(options, config);
    let largest = if options.rcvbuf != 0 { initial } else { config.rmem[2].max(initial) };
    let largest = if options.window_clamp == 0 { largest } else { largest.min(options.window_clamp) };
    (largest.max(1).ilog2().saturating_sub(15) as u8).min(MAX_SHIFT)
}

/// The window of our SYN or SYN-ACK, which is never scaled (RFC 7323 §2.2): whole segments, as Linux rounds it.
#[inline(always)]
pub(super) fn initial(options: &TcpOptions, config: &TcpConfig, mss: u16) -> u32 {
    let space = initial_space(options, config).min(65_535);
    let mss = u32::from(mss.max(1));
    if space > mss { space / mss * mss } else { space }
}

/// How many bytes from `rcv.nxt` on are to be offered now. Never less than was offered before (RFC 9293 SHLD-14), and not a
/// little more (RFC 9293 MUST-39: silly window avoidance).
pub(super) fn choose(tcb: &Tcb, config: &TcpConfig, pressure: Pressure) -> u32 {
    room_and_choice(tcb, config, pressure).1
}

/// Payload bytes the buffer has room for, and what [`choose`] says.
#[inline(always)] // Two numbers of each segment that leaves.
pub(super) fn room_and_choice(tcb: &Tcb, config: &TcpConfig, pressure: Pressure) -> (u32, u32) {
    let (full, offered) = (full_space(tcb, config), offered(tcb));
    let room = full.saturating_sub(tcb.readable_len());
    let free = if pressure == Pressure::Full { room.min(offered) } else { room };
    let mss = u32::from(tcb.rcv.mss).min(full);
    if free < full / 16 || free < mss {
        return (room, offered);
    }
    let free = free.min(trusted(tcb));
    let little = free <= offered || free - offered < mss.min(full / 2);
    (room, if little { offered } else { free })
}

/// No more than this is ever chosen anew: what there is room for, and the sender is trusted with.
pub(super) fn most(tcb: &Tcb, full: u32) -> u32 {
    full.saturating_sub(tcb.readable_len()).min(trusted(tcb))
}

/// How far a sender is trusted (Linux's `rcv_ssthresh`): with what no handshake window says, and twice as much as it has sent.
fn trusted(tcb: &Tcb) -> u32 {
    tcb.rcv.received.saturating_mul(2).saturating_add(65_535).min(u64::from(u32::MAX)) as u32
}

/// Bytes from `rcv.nxt` on that the peer was told it may send.
pub(super) fn offered(tcb: &Tcb) -> u32 {
    if tcb.rcv.edge.after(tcb.rcv.nxt) { tcb.rcv.edge - tcb.rcv.nxt } else { 0 }
}

/// As [`on_wire`] where the buffer has `room` for the bytes that rounding adds, else rounded down: it would be a little more with
/// every segment smaller than a unit, and the window would never close (RFC 7323 §2.4 allows either). What was offered once is
/// still taken.
pub(super) fn on_wire_within(room: u32, window: u32, shift: u8) -> (u16, u32) {
    let (units, bytes) = on_wire(window, shift);
    if bytes <= window.max(room) {
        return (units, bytes);
    }
    cold_path();
    on_wire(window >> shift << shift, shift)
}

/// A window as the header carries it, and how many bytes that really offers. It is rounded up, lest rounding take back
/// what was offered.
pub(super) fn on_wire(window: u32, shift: u8) -> (u16, u32) {
    let units = window.div_ceil(1 << shift).min(65_535);
    (units as u16, units << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_defaults_give_linux_numbers() {
        let (options, config) = (TcpOptions::default(), TcpConfig::default());
        assert_eq!(shift(&options, &config), 7);
        assert_eq!(initial(&options, &config, 1460), 64_240);
    }

    /// RFC 7323 §2.3: the shift is at most 14.
    #[test]
    fn the_shift_is_bounded() {
        let config = TcpConfig { rmem: [4096, 131_072, u32::MAX], ..TcpConfig::default() };
        assert_eq!(shift(&TcpOptions::default(), &config), MAX_SHIFT);
        assert_eq!(shift(&TcpOptions::default(), &TcpConfig { window_scaling: false, ..config }), 0);
    }

    #[test]
    fn a_buffer_for_a_window_offers_that_window() {
        for ratio in [64, 128, 200, 255] {
            let config = TcpConfig { window_ratio: ratio, ..TcpConfig::default() };
            for window in [1, 1448, 1_000_001] {
                assert_eq!(space(buffer_for(window, &config), &TcpOptions::default(), &config), window);
            }
        }
        assert_eq!(buffer_for(u32::MAX, &TcpConfig::default()), u32::MAX);
    }

    #[test]
    fn writing_a_window_never_takes_back_what_was_offered() {
        assert_eq!(on_wire(1, 7), (1, 128));
        assert_eq!(on_wire(0, 7), (0, 0));
        assert_eq!(on_wire(u32::MAX, 14), (65_535, 65_535 << 14));
    }

    #[test]
    fn rounding_offers_no_more_than_there_is_room_for() {
        assert_eq!(on_wire_within(128, 1, 7), (1, 128));
        assert_eq!(on_wire_within(127, 1, 7), (0, 0));
        assert_eq!(on_wire_within(0, 300, 7), (2, 256));
        assert_eq!(on_wire_within(0, 256, 7), (2, 256), "what was offered stays, room or not");
    }
}
