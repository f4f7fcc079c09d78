//! SEND and RECEIVE (RFC 9293 §3.10.2, §3.10.3).

use bytes::Bytes;

use super::Unread;
use crate::base::{Base, Budget, Duration, Errno, Key, MsgFlags, Pressure, TcpState};
use crate::network::Network;
use crate::transport::tcp::output::{self, Push, short, transmit};
use crate::transport::tcp::segment_size::MAX_SUPER;
use crate::transport::tcp::tcb::{Tcb, Urgent};
use crate::transport::tcp::{Cx, Stamp, StampsWanted, Tcp, TcpConfig, busy, fast_open, stamps, tuning, window};

use super::writing::{self, Place};

impl Tcp {
    /// What can be read now.
    pub fn unread(&self, id: Key) -> Unread {
        let tcb = &self.records.connections[id];
        let (held, mark) = (tcb.readable_len() as usize, mark(tcb));
        let (readable, hidden) = (readable(tcb), hidden(tcb));
        Unread {
            readable,
            end: tcb.rcv.fin_taken() && readable == held - hidden.min(held),
            mark,
            low_water: tcb.options.rcvlowat as usize,
            state: tcb.state,
        }
    }

    /// How many bytes were read since the connection began: the offset of the next one.
    pub fn read_offset(&self, id: Key) -> u64 {
        let tcb = &self.records.connections[id];
        tcb.rcv.received - u64::from(tcb.readable_len())
    }

    /// How many bytes were written since the connection began.
    pub fn write_offset(&self, id: Key) -> u64 {
        let tcb = &self.records.connections[id];
        tcb.snd.acked + u64::from(tcb.unacked_len())
    }

    /// True if data may be written now or later without a new connection: the stream is open, or opening with data in its SYN.
    pub fn may_write(&self, id: Key) -> bool {
        may_write(&self.records.connections[id])
    }

    /// Copies readable bytes after `skip` without taking them; says how many.
    pub fn peek(&self, id: Key, skip: usize, into: &mut [u8]) -> usize {
        let tcb = &self.records.connections[id];
        let Some(receiving) = &tcb.receiving else { return 0 };
        let room = readable(tcb).saturating_sub(skip).min(into.len());
        receiving.queue.peek(hidden(tcb) + skip, &mut into[..room])
    }

    /// Takes `into.len()` readable bytes, of which there are as many; opens the window when that is worth telling.
    pub fn read(&mut self, net: &mut Network, id: Key, into: &mut [u8]) {
        let Some((tcb, mut cx)) = self.with(net, id) else { return };
        let skip = if into.is_empty() { 0 } else { hidden(tcb) };
        let whole = into.len() + skip;
        pass_urgent(tcb, whole);
        take_out(tcb, &mut cx, skip, into);
    }

    /// What a plain `recv` gets of a stream that is open for reading and without an urgent mark: bytes, as many as it wants to wait for, its end,
    /// or `EAGAIN`. None, and nothing was done, where there is more to ask.
    #[inline(always)] // Called once.
    pub fn read_short(&mut self, net: &mut Network, id: Key, into: &mut [u8]) -> Option<Result<usize, Errno>> {
        let (tcb, mut cx) = self.with(net, id)?;
        let held = tcb.readable_len() as usize;
        if into.is_empty() || tcb.rcv.urgent != Urgent::None {
            return None;
        }
        if held == 0 {
            if tcb.rcv.fin_taken() {
                return Some(Ok(0));
            }
            let comes = tcb.state == TcpState::Established && tcb.inet.error.is_none();
            return comes.then_some(Err(Errno::EAGAIN));
        }
        let count = into.len().min(held);
        if count < tcb.options.rcvlowat as usize {
            return None;
        }
        take_out(tcb, &mut cx, 0, &mut into[..count]);
        Some(Ok(count))
    }

    /// Takes `count` readable bytes away; opens the window when that is worth telling (RFC 9293 MUST-39).
    pub fn consume(&mut self, net: &mut Network, id: Key, count: usize) {
        let Some((tcb, mut cx)) = self.with(net, id) else { return };
        let whole = count + if count > 0 { hidden(tcb) } else { 0 };
        pass_urgent(tcb, whole);
        tcb.with_receiving(&mut cx, |receiving| receiving.queue.consume(whole));
        was_taken(tcb, &mut cx, whole);
    }

    /// Takes the first chunk of what is readable, at most `max` bytes (zero copy).
    pub fn take(&mut self, net: &mut Network, id: Key, max: usize) -> Option<Bytes> {
        let (tcb, mut cx) = self.with(net, id)?;
        let max = max.min(readable(tcb));
        if max == 0 {
            return None;
        }
        // Where the mark is counts from what is still here: it must be looked at before anything is taken.
        let (hidden, ahead) = (hidden(tcb), mark(tcb));
        let chunk = tcb.with_receiving(&mut cx, |receiving| {
            receiving.queue.consume(hidden);
            receiving.queue.take(max)
        })?;
        if ahead.is_some_and(|ahead| hidden + chunk.len() > ahead) {
            tcb.rcv.urgent = Urgent::None;
        }
        was_taken(tcb, &mut cx, chunk.len());
        Some(chunk)
    }

    /// The urgent byte, if it is kept out of band: `EINVAL` if there is none (or it was read, or goes in line), `EAGAIN` if it was
    /// announced and is not here.
    pub fn urgent(&mut self, id: Key, peek: bool) -> Result<u8, Errno> {
        let tcb = &mut self.records.connections[id];
        match tcb.rcv.urgent {
            _ if tcb.options.oobinline => Err(Errno::EINVAL),
            Urgent::None | Urgent::Read => Err(Errno::EINVAL),
            Urgent::Announced => Err(Errno::EAGAIN),
            Urgent::Here(byte) => {
                if !peek {
                    tcb.rcv.urgent = Urgent::Read;
                }
                Ok(byte)
            }
        }
    }

    /// Appends to the stream as much as there is room for and sends what may be sent. `MsgFlags::OOB`, `MORE` and `EOR` count.
    pub fn write(&mut self, net: &mut Network, id: Key, data: &[&[u8]], flags: MsgFlags) -> usize {
        let (mut taken, mut whole) = (0, true);
        for part in data {
            let here = self.write_part(net, id, part);
            taken += here;
            if here < part.len() {
                whole = false;
                break;
            }
        }
        if !whole && self.write_room(net, id) == 0 {
            self.note_starved(id);
        }
        let Some((tcb, mut cx)) = self.with(net, id) else { return 0 };
        written(tcb, &mut cx, flags, taken, whole);
        if tcb.is_over() {
            self.settle(net, id);
        }
        taken
    }

    /// Writes and sends a message that one segment takes at once; says if it is such a one.
    pub fn write_short(&mut self, net: &mut Network, id: Key, message: &[u8], flags: MsgFlags) -> bool {
        let Some((tcb, mut cx)) = self.with(net, id) else { return false };
        let is_short = short::is_short(tcb, &cx.common.config, &cx.net.links.base.budget, message.len(), flags);
        if is_short {
            short::write(tcb, &mut cx, message);
        }
        is_short
    }

    /// Appends piece by piece; what is full goes out at once, so that a long write does not wait for its own end.
    fn write_part(&mut self, net: &mut Network, id: Key, part: &[u8]) -> usize {
        let Some((tcb, mut cx)) = self.with(net, id) else { return 0 };
        let most = transmit::most_at_once(tcb, cx.net);
        let mut taken = 0;
        while taken < part.len() {
            let place = writing::place(tcb, most);
            let room = write_room(tcb, &cx.common.config, &cx.net.links.base.budget, &place);
            let count = place.next_piece(tcb, &cx.common.config).min(room).min(part.len() - taken);
            if count == 0 {
                break;
            }
            tcb.with_sending_chunks(&mut cx, |sending, chunks| {
                sending.queue.write(&part[taken..taken + count], chunks);
                place.note(&mut sending.pieces, count as u32);
            });
            taken += count;
            if taken < part.len() && writing::place(tcb, most).is_at_end() {
                writing::push_if_due(tcb);
                output::run(tcb, &mut cx, Push::More);
            }
        }
        taken
    }

    /// What was written up to now is watched: when it leaves, when the peer has it.
    pub fn watch_write(&mut self, base: &mut Base, id: Key, wanted: StampsWanted) {
        stamps::watch(&mut self.records.connections[id], base, wanted);
    }

    /// True if there is news of what is watched.
    pub fn has_stamps(&self, id: Key) -> bool {
        let stamps = self.records.connections[id].sending.as_ref().and_then(|sending| sending.stamps.as_ref());
        stamps.is_some_and(|stamps| stamps.has_news())
    }

    /// The oldest news of what is watched.
    pub fn take_stamp(&mut self, base: &mut Base, id: Key) -> Option<Stamp> {
        stamps::take(&mut self.records.connections[id], base, &mut self.common.spare)
    }

    /// The same with a chunk that is not copied: all of it if there is any room (the buffer's limit may be passed by one chunk).
    pub fn write_bytes(&mut self, net: &mut Network, id: Key, chunk: Bytes, flags: MsgFlags) -> usize {
        if chunk.is_empty() {
            return 0;
        }
        let taken = if self.write_room(net, id) == 0 { 0 } else { chunk.len() };
        if taken == 0 {
            self.note_starved(id);
        }
        let Some((tcb, mut cx)) = self.with(net, id) else { return 0 };
        if taken > 0 {
            let place = writing::place(tcb, transmit::most_at_once(tcb, cx.net));
            tcb.with_sending(&mut cx, |sending| {
                sending.queue.push(chunk);
                place.note(&mut sending.pieces, taken as u32);
            });
        }
        written(tcb, &mut cx, flags, taken, taken > 0);
        self.settle(net, id);
        taken
    }

    /// Its own buffer has room and yet nothing was taken: the stack's memory is used up. [`Tcp::relieve`] tells when it is not.
    fn note_starved(&mut self, id: Key) {
        let tcb = &mut self.records.connections[id];
        let place = writing::place(tcb, MAX_SUPER);
        if room(tcb, &self.common.config, &place) > 0 && !core::mem::replace(&mut tcb.starved, true) {
            self.starved.push_back(id);
        }
    }

    fn write_room(&self, net: &Network, id: Key) -> usize {
        let tcb = &self.records.connections[id];
        write_room(tcb, &self.common.config, &net.links.base.budget, &writing::place(tcb, MAX_SUPER))
    }
}

/// Room in the send buffer, and in the stack's budget: under pressure only an empty queue takes more.
fn write_room(tcb: &Tcb, config: &TcpConfig, budget: &Budget, place: &Place) -> usize {
    let room = room(tcb, config, place);
    match budget.pressure() {
        Pressure::Low => room.min(budget.limit() - budget.used()),
        Pressure::High => room.min((config.wmem[0] as usize).saturating_sub(tcb.send_charge())),
        Pressure::Full => 0,
    }
}

/// Bytes that may be written now; none before the connection is open or after `SHUT_WR`.
fn room(tcb: &Tcb, config: &TcpConfig, place: &Place) -> usize {
    if tcb.shut_write || !may_write(tcb) {
        return 0;
    }
    place.room((tuning::send_buffer(tcb, config) as usize).saturating_sub(tcb.send_charge()))
}

/// The stream is open for writing, or its SYN brought data.
fn may_write(tcb: &Tcb) -> bool {
    matches!(tcb.state, TcpState::Established | TcpState::CloseWait) || fast_open::server::may_send(tcb)
}

/// Data was appended: urgent mark, then output.
fn written(tcb: &mut Tcb, cx: &mut Cx<'_>, flags: MsgFlags, taken: usize, whole: bool) {
    if flags.contains(MsgFlags::OOB) && taken > 0 && whole {
        // RFC 9293 §3.8.5: the urgent pointer names the end of what was just written.
        tcb.snd.up = tcb.data_begin() + tcb.unacked_len();
        tcb.snd.urgent = true;
    }
    let push = if flags.contains(MsgFlags::MORE) { Push::More } else { Push::Normal };
    writing::end_write(tcb, flags, taken, whole);
    slow_start_after_idle(tcb, cx);
    busy::written(tcb, cx.now(), whole);
    output::run(tcb, cx, push);
}

/// RFC 5681 §4.1: after an idle period longer than the timeout the window starts anew.
pub(in crate::transport::tcp) fn slow_start_after_idle(tcb: &mut Tcb, cx: &Cx<'_>) {
    if cx.common.config.slow_start_after_idle && !tcb.in_flight() && tcb.tally.last_sent_ms != 0 {
        let idle_ms = u64::from(cx.now_ms().wrapping_sub(tcb.tally.last_sent_ms));
        if idle_ms > 0 {
            start_anew(tcb, idle_ms);
        }
    }
}

#[inline(never)]
fn start_anew(tcb: &mut Tcb, idle_ms: u64) {
    if idle_ms * 1000 > tcb.round_trip.timeout_us() {
        tcb.congestion.idle(Duration::from_millis(idle_ms), tcb.round_trip.timeout());
    }
}

/// Moves the bytes behind `skip`, of which there are as many, out of the receive queue, and throws away what is before them.
#[inline(always)]
fn take_out(tcb: &mut Tcb, cx: &mut Cx<'_>, skip: usize, into: &mut [u8]) {
    let whole = skip + into.len();
    tcb.with_receiving(cx, |receiving| {
        let copied = receiving.queue.peek(skip, into);
        debug_assert_eq!(copied, into.len(), "as many as there are");
        receiving.queue.consume(whole);
    });
    was_taken(tcb, cx, whole);
}

/// So many bytes were taken out of the receive queue.
#[inline(always)]
fn was_taken(tcb: &mut Tcb, cx: &mut Cx<'_>, count: usize) {
    tcb.shrink_receiving(&mut cx.common.spare);
    tuning::was_read(tcb, cx);
    output::delay::was_read(tcb, cx, count);
    tell_window(tcb, cx);
}

/// Reading made room: told at once if the window at least doubles by it (Linux) or a quarter of it was not told yet (BSD; RFC 9293
/// §3.8.6.2.2 asks for a segment or a part of the buffer), else with the next acknowledgement. Without the second a sender that waits for
/// the window has up to half of it less a round trip.
#[inline(always)]
fn tell_window(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    if !matches!(tcb.state, TcpState::Established | TcpState::FinWait1 | TcpState::FinWait2) {
        return;
    }
    let (pressure, config) = (cx.base().budget.pressure(), &cx.common.config);
    let (offered, full) = (window::offered(tcb), window::full_space(tcb, config));
    let much = (full / 4).max(2 * u32::from(tcb.rcv.mss));
    let is_worth = |next: u32| next > offered && (next >= 2 * offered.max(1) || next - offered >= much);
    // Mostly the window could not be worth it, which is soon found.
    if is_worth(window::most(tcb, full)) && is_worth(window::choose(tcb, config, pressure)) {
        output::acknowledge::send(tcb, cx);
        crate::transport::tcp::timers::sync(tcb, cx);
    }
}

/// Bytes that can be read now: up to the urgent mark, or from it on.
pub(super) fn readable(tcb: &Tcb) -> usize {
    let held = tcb.readable_len() as usize;
    match mark(tcb) {
        Some(ahead) if ahead > 0 => held.min(ahead),
        _ => held - hidden(tcb).min(held),
    }
}

/// RFC 9293 MUST-33: bytes until the urgent mark, if it is not behind the reader.
#[inline]
pub(super) fn mark(tcb: &Tcb) -> Option<usize> {
    // Hardly any stream has one, and each call asks several times.
    if tcb.rcv.urgent == Urgent::None { None } else { mark_ahead(tcb) }
}

fn mark_ahead(tcb: &Tcb) -> Option<usize> {
    let front = tcb.rcv.nxt - tcb.readable_len() - u32::from(tcb.rcv.fin_taken());
    tcb.rcv.up.at_or_after(front).then(|| (tcb.rcv.up - front) as usize)
}

/// The urgent byte at the front, if it is kept out of band, is not part of what is read.
fn hidden(tcb: &Tcb) -> usize {
    usize::from(mark(tcb) == Some(0) && !tcb.options.oobinline && tcb.readable_len() > 0)
}

/// The reader goes past the mark: it is forgotten.
fn pass_urgent(tcb: &mut Tcb, count: usize) {
    if mark(tcb).is_some_and(|ahead| count > ahead) {
        tcb.rcv.urgent = Urgent::None;
    }
}
