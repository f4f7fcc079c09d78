//! SYN cookies (RFC 4987 §3.6, appendix A): under a flood of SYNs nothing is remembered; the initial sequence number of the SYN-ACK
//! is a keyed hash from which the acknowledgement proves that it answers one.
//!
//! ```text
//!   31      29 28     24 23                          0
//!   ┌─────────┬─────────┬────────────────────────────┐
//!   │ MSS no. │ minutes │ keyed hash of ends, peer's │  + peer's sequence number
//!   │         │ mod 32  │ number, minute, MSS no.    │
//!   └─────────┴─────────┴────────────────────────────┘
//! ```
//!
//! Options other than the MSS travel in the low bits of our timestamp, as in Linux; without timestamps they are given up.

use super::ecn::Offer;
use super::flows::Tuple;
use super::half_open::{HalfOpen, transmit_syn_ack};
use super::header::Header;
use super::options::TcpConfig;
use super::seq::Seq;
use super::{Tcp, window};
use crate::base::{Entropy, HashKey, Instant, Key};
use crate::network::{Network, Packet};

/// The segment sizes a cookie can say: the commonest ones (RFC 4987 appendix A).
const SIZES: [u16; 8] = [64, 536, 1220, 1300, 1400, 1440, 1460, 8960];
/// A cookie is good for this many minutes after its own.
const GOOD_MINUTES: u64 = 2;
/// Low bits of the timestamp that carry options: window scale 4 bits (15: none), SACK 1 bit.
const OPTION_BITS: u32 = 5;

/// The key, and when the last cookie was sent.
#[derive(Debug)]
pub(super) struct Cookies {
    key: HashKey,
    last: Option<Instant>,
}

impl Cookies {
    pub(super) fn new(entropy: &Entropy) -> Self {
        Self { key: entropy.key("tcp cookies"), last: None }
    }

    /// True if an acknowledgement may answer a cookie at all: if none was sent lately there is nothing to guess at.
    pub(super) fn recently_sent(&self, now: Instant) -> bool {
        self.last.is_some_and(|last| now.since(last).as_secs() <= 60 * (GOOD_MINUTES + 1))
    }

    /// The sequence number that remembers a SYN.
    fn make(&mut self, now: Instant, tuple: &Tuple, irs: Seq, mss: u16) -> Seq {
        self.last = Some(now);
        let size = SIZES.iter().rposition(|size| *size <= mss).unwrap_or(0) as u32;
        self.value(tuple, irs, minute(now), size)
    }

    fn value(&self, tuple: &Tuple, irs: Seq, minute: u64, size: u32) -> Seq {
        let mut bytes = [0; 56];
        bytes[..16].copy_from_slice(&tuple.local.octets());
        bytes[16..32].copy_from_slice(&tuple.remote.octets());
        bytes[32..34].copy_from_slice(&tuple.local_port.to_be_bytes());
        bytes[34..36].copy_from_slice(&tuple.remote_port.to_be_bytes());
        bytes[36..40].copy_from_slice(&irs.0.to_be_bytes());
        bytes[40..48].copy_from_slice(&minute.to_be_bytes());
        bytes[48..52].copy_from_slice(&size.to_be_bytes());
        let hash = self.key.secret(&bytes) as u32 & 0x00ff_ffff;
        Seq(size << 29 | (minute as u32 & 31) << 24 | hash) + irs.0
    }

    /// The segment size of the SYN that `cookie` answered, if it is one of ours and not too old.
    pub(super) fn check(&self, now: Instant, tuple: &Tuple, irs: Seq, cookie: Seq) -> Option<u16> {
        let size = cookie.0.wrapping_sub(irs.0) >> 29;
        let latest = minute(now);
        let oldest = latest.saturating_sub(GOOD_MINUTES);
        (oldest..=latest).any(|minute| self.value(tuple, irs, minute, size) == cookie).then(|| SIZES[size as usize])
    }
}

fn minute(now: Instant) -> u64 {
    now.millis() / 60_000
}

/// What a cookie's answer does not say itself is read from the echoed timestamp or given up; `shift` is that of our windows.
pub(super) fn restore(half_open: &mut HalfOpen, ack: &Header, mss: u16, shift: u8, config: &TcpConfig) {
    half_open.offer = Offer::default();
    half_open.iss = ack.ack - 1;
    half_open.irs = ack.seq - 1;
    half_open.peer_mss = mss;
    // The first round trip is not known: the SYN-ACK's time is not.
    half_open.retries = 1;
    match ack.options.timestamps {
        Some((_, echo)) if half_open.timestamps => {
            let bits = echo.wrapping_sub(half_open.ts_offset);
            half_open.sack = config.sack && bits & 0x10 != 0;
            half_open.set_scaling((bits & 0xf) as u8, shift);
        }
        _ => {
            half_open.sack = false;
            half_open.set_scaling(15, 0);
        }
    }
}

impl HalfOpen {
    /// The peer's shift, 15 for none, and ours, which counts only if the peer has one.
    fn set_scaling(&mut self, peers: u8, ours: u8) {
        (self.snd_wscale, self.rcv_wscale) = if peers > window::MAX_SHIFT { (u8::MAX, 0) } else { (peers, ours) };
    }
}

impl Tcp {
    /// Answers a SYN with a cookie and forgets it.
    #[cold]
    #[inline(never)]
    pub(super) fn answer_with_cookie(&mut self, net: &mut Network, id: Key, packet: &Packet, header: &Header) {
        let now = net.links.base.now;
        let mut half_open = self.half_open_for(net, id, packet, header);
        // A cookie has no room to remember it.
        half_open.offer = Offer::default();
        half_open.iss = self.cookies.make(now, &half_open.tuple(), half_open.irs, half_open.peer_mss);
        if half_open.timestamps {
            half_open.ts_offset = hide_options(&half_open, now);
        } else {
            half_open.sack = false;
            half_open.set_scaling(15, 0);
        }
        net.links.base.counters.tcp_ext.syncookies_sent += 1;
        let maxseg = self.records.connections[id].options.maxseg;
        transmit_syn_ack(net, &mut self.common.spare, &mut half_open, maxseg, None);
    }
}

/// An offset that makes our clock's low bits say the options; the clock is never ahead of its time by it.
fn hide_options(half_open: &HalfOpen, now: Instant) -> u32 {
    let shift = if half_open.snd_wscale > window::MAX_SHIFT { 15 } else { u32::from(half_open.snd_wscale) };
    let bits = shift | u32::from(half_open.sack) << 4;
    let clock = now.millis() as u32;
    let mut shown = clock & !((1 << OPTION_BITS) - 1) | bits;
    if shown > clock {
        shown = shown.wrapping_sub(1 << OPTION_BITS);
    }
    half_open.ts_offset.wrapping_add(shown.wrapping_sub(clock))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Addr;

    const ENDS: Tuple = Tuple { local: Addr::V4_LOOPBACK, remote: Addr::v4(10, 0, 0, 1), local_port: 80, remote_port: 4711 };

    #[test]
    fn a_cookie_is_good_for_its_minutes_and_for_its_ends_only() {
        let mut cookies = Cookies::new(&Entropy::new(3.into()));
        let (at, irs) = (Instant::from_secs(600), Seq(77));
        let cookie = cookies.make(at, &ENDS, irs, 1450);
        assert_eq!(cookies.check(at, &ENDS, irs, cookie), Some(1440), "the next smaller size of the table");
        assert_eq!(cookies.check(Instant::from_secs(600 + 120), &ENDS, irs, cookie), Some(1440));
        assert_eq!(cookies.check(Instant::from_secs(600 + 180), &ENDS, irs, cookie), None);
        assert_eq!(cookies.check(at, &Tuple { remote_port: 4712, ..ENDS }, irs, cookie), None);
        assert_eq!(cookies.check(at, &ENDS, irs + 1, cookie), None);
        assert_eq!(cookies.check(at, &ENDS, irs, cookie + 1), None);
    }
}
