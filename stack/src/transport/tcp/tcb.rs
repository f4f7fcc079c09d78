//! The transmission control block: one connection (or listener), flat, with named sub-parts.
//!
//! What an idle connection does not need is not here: unacknowledged and unread data live in boxes that exist only while there
//! is some ([`Sending`], [`Receiving`]), options are shared with the listener until changed.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::hint::cold_path;

use super::busy::{self, Wait};
use super::chunks::Chunks;
use super::congestion::Congestion;
use super::cx::Cx;
use super::ecn::Ecn;
use super::fast_open::FastOpen;
use super::listener::Listener;
use super::mtu_probe::Search;
use super::options::TcpOptions;
use super::out_of_order::OutOfOrder;
use super::pieces::Pieces;
use super::rate::{Meter, Metered, Rate};
use super::receive_queue::ReceiveQueue;
use super::recovery::losses::Losses;
use super::round_trip::RoundTrip;
use super::scoreboard::{Delivered, Scoreboard};
use super::send_queue::SendQueue;
use super::seq::Seq;
use super::spare::Spare;
use super::stamps::Stamps;
use super::state::{self, Input};
use super::tuning::{self, Tuning};
use super::usage::Usage;
use crate::base::event::class;
use crate::base::{Addr, Base, Cause, Errno, Instant, SockAddr, TcpState, TimerId, What};
use crate::transport::inet::Inet;
use crate::transport::ports::Holder;

/// Unacknowledged data and what is known of it.
#[derive(Debug, Default)]
pub(super) struct Sending {
    pub(super) queue: SendQueue,
    pub(super) pieces: Pieces,
    pub(super) usage: Usage,
    pub(super) wait: Wait,
    pub(super) board: Scoreboard,
    /// When what was written left and arrived, if somebody wants to know.
    pub(super) stamps: Option<Box<Stamps>>,
    pub(super) meter: Meter,
    /// None once all of that is acknowledged.
    pub(super) resized: Option<Resized>,
}

/// What is in flight was sent in segments of another size than what comes now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resized {
    /// Of this size ...
    pub(super) mss: u16,
    /// ... up to here.
    pub(super) until: Seq,
}

/// Unread data, in order and not.
#[derive(Debug, Default)]
pub(super) struct Receiving {
    pub(super) queue: ReceiveQueue,
    pub(super) out_of_order: OutOfOrder,
}

impl Sending {
    /// Everything before `ack` arrived, of it so many bytes of data.
    pub(super) fn acked(&mut self, ack: Seq, data: u32, chunks: &mut Chunks) -> Delivered {
        self.queue.release(data as usize, chunks);
        self.pieces.acked(ack);
        // Forgotten now, because 2 GiB later its end lies ahead again.
        self.resized = self.resized.filter(|resized| resized.until.after(ack));
        self.board.acked(ack)
    }

    /// The first that is written after nothing was kept: a piece of its own, which ends at `end` and is pushed.
    pub(super) fn write_first(&mut self, data: &[u8], end: Seq, now: Instant, chunks: &mut Chunks) {
        self.queue.write(data, chunks);
        self.pieces.begin(end);
        self.pieces.push();
        self.wait = Wait::for_network(now);
    }

    /// Nothing is kept but what was sent at one time and ends here.
    pub(super) fn ends_at(&self, end: Seq) -> bool {
        self.stamps.is_none() && self.board.single().is_some_and(|(from, to)| to == end && self.queue.len() as u32 <= end - from)
    }

    /// As new.
    pub(super) fn clear(&mut self) {
        // All of them by name: what is added must be thought of here.
        let Self { queue, pieces, usage, wait, board, stamps, meter, resized } = self;
        queue.clear();
        pieces.clear();
        board.clear();
        (*usage, *wait, *meter) = (Usage::default(), Wait::default(), Meter::default());
        *resized = None;
        if stamps.is_some() {
            cold_path();
            *stamps = None;
        }
    }

    /// Memory held by the queue.
    pub(super) fn charge(&self) -> usize {
        self.queue.charge() + self.pieces.charge() + self.stamps.as_ref().map_or(0, |stamps| stamps.charge())
    }

    /// Changes it and settles the difference in memory held with the budget.
    pub(super) fn account<T>(&mut self, base: &mut Base, change: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.charge();
        let result = change(self);
        base.budget.settle(before, self.charge());
        result
    }
}

impl Receiving {
    /// Memory held by both queues.
    fn charge(&self) -> usize {
        self.queue.charge() + self.out_of_order.charge()
    }

    /// Changes it and settles the difference in memory held with the budget.
    fn account<T>(&mut self, base: &mut Base, change: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.charge();
        let result = change(self);
        base.budget.settle(before, self.charge());
        result
    }
}

/// Send sequence space (RFC 9293 §3.3.1, figure 3).
#[derive(Debug)]
pub(super) struct SendSpace {
    /// Oldest unacknowledged.
    pub(super) una: Seq,
    /// Next to be sent.
    pub(super) nxt: Seq,
    /// The peer's window from `una` on, scaled.
    pub(super) wnd: u32,
    /// The largest window the peer ever offered.
    pub(super) max_wnd: u32,
    /// Sequence number of the segment that last updated the window.
    pub(super) wl1: Seq,
    /// End of the last segment sent that was smaller than `mss` (Minshall's variant of Nagle's rule).
    pub(super) small: Seq,
    /// One past the last urgent byte, while `urgent`.
    pub(super) up: Seq,
    /// How long there was something to send, in the ticks of `busy`.
    pub(super) busy: u32,
    /// Bytes of data acknowledged since the connection began: the stream offset of `una`.
    pub(super) acked: u64,
    /// Largest payload of a segment on this path now, options already taken off.
    pub(super) mss: u16,
    /// What the peer said it takes (or 536 / 1220).
    pub(super) peer_mss: u16,
    /// Shift of the windows we receive.
    pub(super) wscale: u8,
    /// There is urgent data to be told of.
    pub(super) urgent: bool,
    /// The application closed its direction: a FIN follows the data.
    pub(super) fin: bool,
    /// It was sent.
    pub(super) fin_sent: bool,
}

/// Receive sequence space (RFC 9293 §3.3.1, figure 4).
#[derive(Debug)]
pub(super) struct ReceiveSpace {
    /// Next expected.
    pub(super) nxt: Seq,
    /// The right edge of the window as last advertised.
    pub(super) edge: Seq,
    /// `nxt` when the last acknowledgement was sent (`rcv_wup`).
    pub(super) acked: Seq,
    /// The urgent byte's sequence number, while `urgent` is not [`Urgent::None`].
    pub(super) up: Seq,
    /// The latest timestamp (RFC 7323 §4.3 TS.Recent) ...
    pub(super) ts_recent: u32,
    /// ... and when it came, in milliseconds since the epoch.
    pub(super) ts_recent_ms: u32,
    /// Bytes of data received in order since the connection began.
    pub(super) received: u64,
    /// The segment size that we announced.
    pub(super) announced_mss: u16,
    /// The peer's segment size as seen, for acknowledgements.
    pub(super) mss: u16,
    /// Shift of the windows we send.
    pub(super) wscale: u8,
    /// What is known of urgent data.
    pub(super) urgent: Urgent,
    /// When data came last, in milliseconds since the epoch.
    pub(super) last_data_ms: u32,
    /// How long an acknowledgement may wait, in milliseconds; 0: no data came yet.
    pub(super) ato_ms: u16,
    /// Acknowledgements still to be sent at once (quick ACK mode).
    pub(super) quick: u8,
    /// How many segments came since the last acknowledgement that end something: smaller than others. 2 are many.
    pub(super) pushed: u8,
    /// Data arrived that is not acknowledged.
    pub(super) ack_due: bool,
    /// It must be acknowledged with the next chance, not later.
    pub(super) ack_now: bool,
    /// The application answers what it receives: acknowledgements can ride on its data (Linux's "pingpong").
    pub(super) interactive: bool,
    /// The window was advertised as zero.
    pub(super) closed_window: bool,
    /// Where the peer's FIN stands, once `fin_seen`: it may arrive ahead of data that is missing.
    pub(super) fin_at: Seq,
    /// The peer's FIN arrived.
    pub(super) fin_seen: bool,
}

impl ReceiveSpace {
    /// The peer's FIN is part of what `nxt` counts.
    pub(super) fn fin_taken(&self) -> bool {
        self.fin_seen && self.nxt.after(self.fin_at)
    }
}

/// Receive side of urgent data (RFC 6093).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Urgent {
    /// None announced.
    None,
    /// Announced, its byte is not here yet.
    Announced,
    /// Its byte is here and not read.
    Here(u8),
    /// Its byte was read.
    Read,
}

/// Which recovery is under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Phase {
    /// None.
    #[default]
    Open,
    /// Fast recovery until `point` is acknowledged.
    Recovery,
    /// After a retransmission timeout until `point` is acknowledged.
    Loss,
}

/// Loss recovery (RFC 5681, 6582, 8985).
#[derive(Debug, Default)]
pub(super) struct Recovery {
    /// `snd.nxt` when the present (or last) recovery began.
    pub(super) point: Seq,
    /// Which one is under way.
    pub(super) phase: Phase,
    /// Duplicate acknowledgements in a row, less those that partial acknowledgements used up.
    pub(super) dup_acks: u8,
    /// `point` means something: there was a recovery before (RFC 6582 §3.2 step 1).
    pub(super) has_point: bool,
    /// A loss was found and its first retransmission goes out whatever the window says (RFC 5681 §3.2 step 3).
    pub(super) first: bool,
    /// Consecutive timeouts without progress.
    pub(super) timeouts: u8,
    /// Zero-window or keepalive probes without an answer.
    pub(super) probes: u8,
    /// New data goes before what is lost: it is to tell whether anything is (RFC 5682 §2.1 step 2b).
    pub(super) fresh_first: bool,
    /// The peer makes progress: its neighbour entry may be confirmed with the next segment (RFC 4861 §7.3.1).
    pub(super) progress: bool,
    /// When the first of the present retransmissions was sent, in milliseconds; 0: none.
    pub(super) since_ms: u32,
    /// What is known of losses, once one was suspected.
    pub(super) losses: Option<Box<Losses>>,
}

/// What the retransmission timer is armed for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Retry {
    /// Unacknowledged data (or SYN, FIN).
    Retransmit,
    /// A window that is closed (RFC 9293 §3.8.6.1).
    Persist,
    /// The end of a flight that is met by silence (RFC 8985 §7).
    Probe,
    /// What may still come out of order (RFC 8985 §6.3).
    Reorder,
}

/// Logical timers; one entry in the wheel serves all and is moved lazily: never later than the first of them.
#[derive(Debug)]
pub(super) struct Timers {
    /// Retransmission or zero-window probe.
    pub(super) retry: Instant,
    /// Delayed acknowledgement.
    pub(super) delayed_ack: Instant,
    /// Keepalive while open; the end of FIN-WAIT-2 and of orphans while closing.
    pub(super) slow: Instant,
    /// The wheel's entry.
    pub(super) entry: Option<TimerId>,
    /// What `retry` is for.
    pub(super) retry_kind: Retry,
}

/// Numbers for `TCP_INFO`.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) segs_in: u32,
    pub(super) segs_out: u32,
    /// Those of them with data.
    pub(super) data_segs_in: u32,
    pub(super) data_segs_out: u32,
    pub(super) retransmitted: u32,
    /// Segments that arrived, as far as the peer told.
    pub(super) delivered: u32,
    /// How fast, on connections that keep no samples.
    pub(super) delivery_rate: Metered,
    pub(super) last_sent_ms: u32,
    pub(super) last_received_ms: u32,
    /// When an empty segment outside the window was last answered; 0: never.
    pub(super) last_invalid_ms: u32,
}

/// What decides who may share a port with a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sharing {
    pub(super) link: u16,
    pub(super) reuse_addr: bool,
    pub(super) reuse_port: bool,
}

impl Sharing {
    /// What stands in the way of others at a port of an address.
    pub(super) fn holder(self, local: Addr) -> Holder {
        let Self { link, reuse_addr, reuse_port } = self;
        Holder { local, link, reuse_addr, reuse_port }
    }
}

/// One connection or listener.
#[derive(Debug)]
pub(super) struct Tcb {
    pub(super) inet: Inet,
    pub(super) options: Arc<TcpOptions>,
    pub(super) listener: Option<Box<Listener>>,
    pub(super) sending: Option<Box<Sending>>,
    pub(super) receiving: Option<Box<Receiving>>,
    /// What its buffers grew to, once it carried bulk data.
    pub(super) tuning: Option<Box<Tuning>>,
    /// The search for the path's MTU, if there is one.
    pub(super) search: Option<Box<Search>>,
    /// What it measures of the path's rate and its own, if it does.
    pub(super) rate: Option<Box<Rate>>,
    /// What it has to do with data in SYNs.
    pub(super) fast_open: Option<Box<FastOpen>>,
    pub(super) snd: SendSpace,
    pub(super) rcv: ReceiveSpace,
    pub(super) round_trip: RoundTrip,
    pub(super) congestion: Congestion,
    pub(super) recovery: Recovery,
    /// Congestion marks, if both ends agreed on feedback, or it was asked for.
    pub(super) ecn: Option<Box<Ecn>>,
    pub(super) timers: Timers,
    pub(super) tally: Tally,
    /// Added to our clock for timestamps, so that they tell nothing about it (RFC 7323 §5.4).
    pub(super) ts_offset: u32,
    pub(super) state: TcpState,
    /// Timestamps are in use (RFC 7323).
    pub(super) timestamps: bool,
    /// SACK is in use (RFC 2018).
    pub(super) sack: bool,
    /// The duplicate that arrived and that the next acknowledgement tells of (RFC 2883); an empty range: none.
    pub(super) dsack: (Seq, Seq),
    /// `SHUT_RD`, or nothing more can come.
    pub(super) shut_read: bool,
    /// `SHUT_WR`, or nothing more can go.
    pub(super) shut_write: bool,
    /// It waits in a listener's accept queue.
    pub(super) queued: bool,
    /// It stands in the table of flows.
    pub(super) in_flows: bool,
    /// With what it holds its port, if not by a binding: options may change meanwhile.
    pub(super) holds: Option<Sharing>,
    /// It could not send because the link was full and stands in the list of those that go on when it is not.
    pub(super) blocked: bool,
    /// A write found no memory left in the stack's budget: it is not writable until there is some again.
    pub(super) starved: bool,
    /// The largest packet of the path, as the network layer knew it when `snd.mss` was made; it counts to 65,535.
    pub(super) path_mtu: u16,
    /// It knows better now.
    pub(super) path_changed: bool,
}

impl Tcb {
    /// What a connection is charged to the budget besides its data.
    pub(super) const CHARGE: usize = 512;

    #[inline(always)] // Made where it is to lie.
    pub(super) fn new(inet: Inet, options: Arc<TcpOptions>, congestion: Congestion) -> Self {
        Self {
            inet,
            options,
            listener: None,
            sending: None,
            receiving: None,
            tuning: None,
            search: None,
            rate: None,
            fast_open: None,
            snd: SendSpace {
                una: Seq(0),
                nxt: Seq(0),
                wnd: 0,
                max_wnd: 0,
                wl1: Seq(0),
                small: Seq(0),
                up: Seq(0),
                busy: 0,
                acked: 0,
                mss: 536,
                peer_mss: 536,
                wscale: 0,
                urgent: false,
                fin: false,
                fin_sent: false,
            },
            rcv: ReceiveSpace {
                nxt: Seq(0),
                edge: Seq(0),
                acked: Seq(0),
                up: Seq(0),
                ts_recent: 0,
                ts_recent_ms: 0,
                received: 0,
                announced_mss: 536,
                mss: 536,
                wscale: 0,
                urgent: Urgent::None,
                last_data_ms: 0,
                ato_ms: 0,
                quick: 0,
                pushed: 0,
                ack_due: false,
                ack_now: false,
                interactive: false,
                closed_window: false,
                fin_at: Seq(0),
                fin_seen: false,
            },
            round_trip: RoundTrip::new(),
            congestion,
            recovery: Recovery::default(),
            ecn: None,
            timers: Timers {
                retry: Instant::NEVER,
                delayed_ack: Instant::NEVER,
                slow: Instant::NEVER,
                entry: None,
                retry_kind: Retry::Retransmit,
            },
            tally: Tally::default(),
            ts_offset: 0,
            state: TcpState::Closed,
            timestamps: false,
            sack: false,
            dsack: (Seq(0), Seq(0)),
            shut_read: false,
            shut_write: false,
            queued: false,
            in_flows: false,
            holds: None,
            blocked: false,
            starved: false,
            path_mtu: 0,
            path_changed: false,
        }
    }

    /// Moves along the state table and reports it. An input that means nothing in the present state changes nothing.
    #[inline]
    pub(super) fn advance(&mut self, base: &mut Base, input: Input, cause: Cause) {
        let Some(to) = state::next(self.state, input) else { return };
        let from = core::mem::replace(&mut self.state, to);
        if base.events.wanted(class::STATES) {
            self.report_state(base, from, cause);
        }
        let counted = &mut base.counters.tcp.curr_estab;
        *counted = *counted + u64::from(in_curr_estab(to)) - u64::from(in_curr_estab(from));
    }

    #[cold]
    fn report_state(&self, base: &mut Base, from: TcpState, cause: Cause) {
        let (socket, local, peer, to) = (self.inet.owner, self.inet.local_end(), self.peer(), self.state);
        base.emit(What::State { socket, local, peer, from, to, cause });
    }

    /// The connection is over with an error: both directions are shut, what was queued is dropped, the owner is told.
    #[cold]
    #[inline(never)]
    pub(super) fn fail(&mut self, base: &mut Base, errno: Errno, cause: Cause) {
        if self.state == TcpState::SynSent || self.state == TcpState::SynReceived {
            base.counters.tcp.attempt_fails += 1;
        } else if matches!(self.state, TcpState::Established | TcpState::CloseWait) {
            base.counters.tcp.estab_resets += 1;
        }
        self.inet.error = Some(errno);
        self.end(base, cause);
    }

    /// The connection is over: both directions are shut; what can still be read stays.
    pub(super) fn end(&mut self, base: &mut Base, cause: Cause) {
        self.advance(base, Input::End, cause);
        self.shut_read = true;
        self.shut_write = true;
        self.give_up_sending(base);
        self.notify(base);
    }

    /// A TIME-WAIT record takes over; for its owner the connection is closed, in order.
    pub(super) fn retire(&mut self, base: &mut Base) {
        self.state = TcpState::Closed;
        self.shut_read = true;
        self.shut_write = true;
        self.give_up_sending(base);
        self.notify(base);
    }

    /// Tells the owner that its readiness may have changed.
    pub(super) fn notify(&self, base: &mut Base) {
        if let Some(owner) = self.inet.owner {
            base.notify.push(owner);
        }
    }

    pub(super) fn peer(&self) -> SockAddr {
        SockAddr::new(self.inet.remote, self.inet.remote_port)
    }

    /// Bytes written and not acknowledged.
    pub(super) fn unacked_len(&self) -> u32 {
        self.sending.as_ref().map_or(0, |sending| sending.queue.len() as u32)
    }

    /// So many segments arrived, as the peer says.
    pub(super) fn count_delivered(&mut self, segments: u32) {
        self.tally.delivered = self.tally.delivered.wrapping_add(segments);
    }

    /// Payload of the segments at `una`, as they were first sent: the path may have become another one since.
    pub(super) fn sent_mss(&self) -> u32 {
        let resized = self.sending.as_ref().and_then(|sending| sending.resized);
        u32::from(resized.map_or(self.snd.mss, |resized| resized.mss).max(1))
    }

    /// Where the data lies of which the queue holds the first byte: behind our SYN as long as that is not acknowledged.
    pub(super) fn data_begin(&self) -> Seq {
        self.snd.una + u32::from(matches!(self.state, TcpState::SynSent | TcpState::SynReceived))
    }

    /// Bytes written and not sent.
    pub(super) fn unsent_len(&self) -> u32 {
        let Some(sending) = &self.sending else { return 0 };
        let begin = self.data_begin();
        let sent = if self.snd.nxt.after(begin) { self.snd.nxt - begin } else { 0 };
        (sending.queue.len() as u32).saturating_sub(sent)
    }

    /// A segment that ends at `end` bears PSH.
    pub(super) fn is_pushed_at(&self, end: Seq) -> bool {
        self.sending.as_ref().is_some_and(|sending| sending.pieces.is_pushed_at(end))
    }

    /// Something of ours is not acknowledged.
    pub(super) fn in_flight(&self) -> bool {
        self.snd.nxt != self.snd.una
    }

    /// The next acknowledgement tells of a duplicate.
    pub(super) fn has_dsack(&self) -> bool {
        self.dsack.0 != self.dsack.1
    }

    /// Bytes held unread, payload only.
    pub(super) fn readable_len(&self) -> u32 {
        self.receiving.as_ref().map_or(0, |receiving| receiving.queue.len() as u32)
    }

    /// The unacknowledged data's box, made if there is none.
    pub(super) fn sending_mut(&mut self) -> &mut Sending {
        self.sending.get_or_insert_default()
    }

    /// Changes what is unacknowledged, in a spare box where one is needed, and settles the difference in memory held with the budget.
    #[inline(always)]
    pub(super) fn with_sending<T>(&mut self, cx: &mut Cx<'_>, change: impl FnOnce(&mut Sending) -> T) -> T {
        self.sending.get_or_insert_with(|| cx.common.spare.sending()).account(cx.base(), change)
    }

    /// As [`Tcb::with_sending`], where the queue takes chunks or gives them back.
    pub(super) fn with_sending_chunks<T>(&mut self, cx: &mut Cx<'_>, change: impl FnOnce(&mut Sending, &mut Chunks) -> T) -> T {
        let Cx { net, common, .. } = cx;
        let spare = &mut common.spare;
        let sending = self.sending.get_or_insert_with(|| spare.sending());
        sending.account(&mut net.links.base, |sending| change(sending, &mut spare.chunks))
    }

    /// Changes what is unread, likewise.
    #[inline(always)]
    pub(super) fn with_receiving<T>(&mut self, cx: &mut Cx<'_>, change: impl FnOnce(&mut Receiving) -> T) -> T {
        self.receiving.get_or_insert_with(|| cx.common.spare.receiving()).account(cx.base(), change)
    }

    /// Memory held by the receive queues.
    pub(super) fn receive_charge(&self) -> usize {
        self.receiving.as_ref().map_or(0, |receiving| receiving.charge())
    }

    /// What stands against the send buffer, as Linux counts it: what was written, and what each of its pieces costs beside.
    pub(super) fn send_charge(&self) -> usize {
        self.sending.as_ref().map_or(0, |sending| sending.queue.len() + sending.pieces.len() * tuning::PIECE)
    }

    /// Gives the box of unacknowledged data back if nothing is left in it: an idle connection owns no queue.
    #[inline(always)]
    pub(super) fn shrink_sending(&mut self, spare: &mut Spare) {
        let idle = |sending: &Sending| {
            sending.queue.is_empty() && sending.board.is_empty() && sending.stamps.as_ref().is_none_or(|stamps| stamps.is_idle())
        };
        if self.sending.as_deref().is_some_and(idle)
            && let Some(emptied) = self.sending.take()
        {
            spare.keep_sending(emptied);
        }
    }

    /// Gives the box of unread data back if nothing is left in it.
    #[inline(always)]
    pub(super) fn shrink_receiving(&mut self, spare: &mut Spare) {
        let idle = |receiving: &Receiving| receiving.queue.is_empty() && receiving.out_of_order.is_empty();
        if self.receiving.as_deref().is_some_and(idle)
            && let Some(emptied) = self.receiving.take()
        {
            spare.keep_receiving(emptied);
        }
    }

    /// What is not acknowledged never will be; what is yet to be told of what was stays.
    fn give_up_sending(&mut self, base: &mut Base) {
        if self.sending.is_some() {
            self.give_up_kept(base);
        }
    }

    #[cold]
    #[inline(never)]
    fn give_up_kept(&mut self, base: &mut Base) {
        busy::ended(self, base.now);
        let Some(sending) = self.sending.take() else { return };
        base.budget.release(sending.charge());
        if let Some(mut stamps) = sending.stamps.filter(|stamps| stamps.has_news()) {
            stamps.watch_no_more();
            base.budget.charge(stamps.charge());
            self.sending_mut().stamps = Some(stamps);
        }
    }

    /// Nobody will read or acknowledge anything any more.
    pub(super) fn drop_queues(&mut self, base: &mut Base) {
        if self.sending.is_some() {
            self.drop_sending(base);
        }
        if self.receiving.is_some() {
            self.drop_receiving(base);
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn drop_sending(&mut self, base: &mut Base) {
        if let Some(sending) = self.sending.take() {
            base.budget.release(sending.charge());
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn drop_receiving(&mut self, base: &mut Base) {
        if let Some(receiving) = self.receiving.take() {
            base.budget.release(receiving.charge());
        }
    }
}

/// The states that snmp's `CurrEstab` counts (RFC 4022).
fn in_curr_estab(state: TcpState) -> bool {
    matches!(state, TcpState::Established | TcpState::CloseWait)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Together with the socket's record (32 bytes at most, tested there) an idle connection is 472 bytes at most.
    #[test]
    fn an_idle_connection_is_small() {
        let parts = [
            ("inet", size_of::<Inet>()),
            ("snd", size_of::<SendSpace>()),
            ("rcv", size_of::<ReceiveSpace>()),
            ("round trip", size_of::<RoundTrip>()),
            ("congestion", size_of::<Congestion>()),
            ("recovery", size_of::<Recovery>()),
            ("timers", size_of::<Timers>()),
            ("tally", size_of::<Tally>()),
        ];
        assert!(size_of::<Tcb>() <= 440, "{} of which {parts:?}", size_of::<Tcb>());
    }

    /// Sequence numbers go round: what was once behind lies ahead after 2 GiB.
    #[test]
    fn the_size_of_before_is_forgotten_with_the_last_byte_of_it() {
        let mut sending = Sending { resized: Some(Resized { mss: 1460, until: Seq(1000) }), ..Sending::default() };
        sending.acked(Seq(999), 0, &mut Chunks::default());
        assert!(sending.resized.is_some());
        sending.acked(Seq(1000), 0, &mut Chunks::default());
        sending.acked(Seq(1000) + (1 << 31), 0, &mut Chunks::default());
        assert!(sending.resized.is_none());
    }
}
