//! The event stream: everything that captures, views, logs, checks and tests want to know, declared once.
//!
//! An event is a small plain value. Nothing is recorded unless a listener asked for its class, and asking costs one test of a
//! bit. Text is made by whoever reads, not here.

use alloc::collections::VecDeque;
use core::hint::cold_path;

use super::addr::{Addr, SockAddr};
use super::discard::Discard;
use super::errno::Errno;
use super::time::Instant;
use super::{LinkId, SocketId};

/// Classes of events, as bits of [`Events::listen`].
pub mod class {
    /// Frames in and out.
    pub const FRAMES: u16 = 1;
    /// Discards with their reason.
    pub const DISCARDS: u16 = 1 << 1;
    /// TCP segments and UDP datagrams in and out.
    pub const SEGMENTS: u16 = 1 << 2;
    /// State changes.
    pub const STATES: u16 = 1 << 3;
    /// Retransmissions, windows, round trips and congestion.
    pub const CONTROL: u16 = 1 << 4;
    /// Socket calls with their result, and message boundaries.
    pub const CALLS: u16 = 1 << 5;
    /// What becomes of links, addresses and neighbours, and ICMP errors about what was sent.
    pub const NETWORK: u16 = 1 << 6;
    /// Everything.
    pub const ALL: u16 = u16::MAX;
}

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// From the link.
    In,
    /// To the link.
    Out,
}

/// The states of RFC 9293 §3.3.2.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[allow(missing_docs)]
pub enum TcpState {
    #[default]
    Closed,
    Listen,
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
}

/// What changed a state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum Cause {
    /// A call of the application.
    Call,
    /// A segment of the peer.
    Segment,
    /// An acknowledgement of our FIN.
    FinAcked,
    /// A FIN of the peer.
    Fin,
    /// A RST of the peer.
    Reset,
    /// A timer.
    Timeout,
    /// An ICMP error.
    Icmp,
    /// The memory budget.
    Memory,
}

/// Why a segment was sent again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Why {
    /// The retransmission timer fired (RFC 6298).
    Timeout,
    /// Duplicate acknowledgements or SACK told of a loss (RFC 5681, 6675).
    Fast,
    /// A partial acknowledgement during recovery (RFC 6582).
    Partial,
    /// The path turned out to take only smaller packets.
    PathMtu,
    /// A zero-window or keepalive probe.
    Probe,
    /// A tail loss probe (RFC 8985 §7).
    TailLossProbe,
}

impl Why {
    /// The reason in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Fast => "fast retransmit",
            Self::Partial => "fast recovery, partial acknowledgement",
            Self::PathMtu => "the path takes only smaller packets",
            Self::Probe => "probe",
            Self::TailLossProbe => "tail loss probe",
        }
    }
}

/// A socket call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum Call {
    Socket,
    Bind,
    Listen,
    Accept,
    Connect,
    Send,
    Recv,
    Shutdown,
    Close,
    Setsockopt,
    Getsockopt,
}

/// What became of an address of ours.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AddressNews {
    /// It is being checked that nobody else has it.
    Tentative,
    /// It is for everything.
    Usable,
    /// It is for what uses it already (RFC 4862 §5.5.4).
    Deprecated,
    /// Somebody else has it: it is not used.
    Duplicate,
    /// It is gone.
    Gone,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum What {
    /// A frame passed the border of the stack.
    Frame {
        /// Which link.
        link: LinkId,
        /// Which way.
        direction: Direction,
        /// Bytes, link header included.
        len: u32,
    },
    /// A packet went no further.
    Discard {
        /// Which link it came from or was to leave by, if known.
        link: Option<LinkId>,
        /// Why.
        reason: Discard,
        /// Bytes.
        len: u32,
    },
    /// A TCP segment; `seq` and `ack` as on the wire.
    Segment {
        /// The socket, if it is that of one.
        socket: Option<SocketId>,
        /// Which way.
        direction: Direction,
        /// Sequence number.
        seq: u32,
        /// Acknowledgement number.
        ack: u32,
        /// Window in bytes, scaled.
        window: u32,
        /// Payload bytes.
        len: u32,
        /// Flags as in the header (FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128).
        flags: u8,
    },
    /// A datagram of UDP, raw or AF_UNIX. UDP keeps boundaries: one call, one datagram.
    Datagram {
        /// The socket, if it is that of one.
        socket: Option<SocketId>,
        /// Which way.
        direction: Direction,
        /// The other end (unspecified for AF_UNIX).
        peer: SockAddr,
        /// Payload bytes.
        len: u32,
    },
    /// A TCP state change.
    State {
        /// The socket; none while it has not been accepted.
        socket: Option<SocketId>,
        /// Our end.
        local: SockAddr,
        /// The other end.
        peer: SockAddr,
        /// From.
        from: TcpState,
        /// To.
        to: TcpState,
        /// By what.
        cause: Cause,
    },
    /// Bytes were sent again, or a SYN.
    Retransmit {
        /// The socket; none while it has not been accepted.
        socket: Option<SocketId>,
        /// Our end.
        local: SockAddr,
        /// The other end.
        peer: SockAddr,
        /// First sequence number.
        seq: u32,
        /// What it takes of the sequence space: bytes, and one for a SYN or FIN.
        len: u32,
        /// It is a SYN.
        syn: bool,
        /// Why.
        why: Why,
    },
    /// Congestion control moved.
    Congestion {
        /// The socket.
        socket: Option<SocketId>,
        /// Congestion window in bytes.
        cwnd: u32,
        /// Slow start threshold in bytes.
        ssthresh: u32,
        /// Bytes in flight.
        in_flight: u32,
    },
    /// A round trip was measured.
    RoundTrip {
        /// The socket.
        socket: Option<SocketId>,
        /// The sample in microseconds.
        sample_us: u32,
        /// The smoothed one in microseconds.
        srtt_us: u32,
        /// The retransmission timeout in microseconds.
        rto_us: u32,
    },
    /// A socket of TCP or UDP got its ends: by `bind`, `listen`, `connect`, `accept` or a first datagram. Joins what is told of
    /// sockets with what is seen on the wire.
    Named {
        /// The socket.
        socket: SocketId,
        /// 6 for TCP, 17 for UDP.
        protocol: u8,
        /// Our end.
        local: SockAddr,
        /// The other end; port 0 if there is none.
        peer: SockAddr,
    },
    /// AF_UNIX: what one socket sent lies in the queue of another. With no bytes: the two are each other's peers from now on.
    Handed {
        /// Who sent; none after it was closed.
        from: Option<SocketId>,
        /// In whose queue it lies; none while that has not been accepted.
        to: Option<SocketId>,
        /// Where in the receiver's stream the bytes start.
        offset: u64,
        /// Bytes.
        len: u32,
        /// Its borders are kept.
        message: bool,
    },
    /// A socket call that neither sends nor receives.
    Call {
        /// The socket.
        socket: SocketId,
        /// Which call.
        call: Call,
        /// What it gave.
        result: Result<u32, Errno>,
    },
    /// A send call took bytes: one write's boundary in the stream (or one datagram).
    Write {
        /// The socket.
        socket: SocketId,
        /// Where in the stream the bytes start; 0 for datagrams.
        offset: u64,
        /// Bytes offered.
        asked: u32,
        /// Bytes taken or the error.
        result: Result<u32, Errno>,
    },
    /// A receive call gave bytes: one read's boundary in the stream (or one datagram).
    Read {
        /// The socket.
        socket: SocketId,
        /// Where in the stream the bytes start; 0 for datagrams.
        offset: u64,
        /// Room offered.
        asked: u32,
        /// Bytes given or the error; a call that would have to wait (`EAGAIN`) is not told of.
        result: Result<u32, Errno>,
    },
    /// An ICMP error came about a packet of ours, and was believed as far as the network layer can tell.
    Icmp {
        /// By which link.
        link: LinkId,
        /// Who sent it.
        from: Addr,
        /// Our end of the flow it is about; port 0 where the protocol has none.
        local: SockAddr,
        /// The other end.
        remote: SockAddr,
        /// Protocol of that flow.
        protocol: u8,
        /// ICMP type, of the family of `from`.
        kind: u8,
        /// ICMP code.
        code: u8,
        /// What the flow's socket is told.
        errno: Errno,
    },
    /// A neighbour on an Ethernet was found, moved, or does not answer.
    Neighbour {
        /// On which link.
        link: LinkId,
        /// Its address.
        addr: Addr,
        /// Its station's address; none: it does not answer.
        mac: Option<[u8; 6]>,
    },
    /// Something became of an address of ours.
    Address {
        /// On which link.
        link: LinkId,
        /// Which.
        addr: Addr,
        /// What.
        news: AddressNews,
    },
    /// A link went up or down.
    Link {
        /// Which.
        link: LinkId,
        /// Up, or down and perhaps gone.
        up: bool,
    },
    /// So many events were lost because nobody fetched them.
    Lost {
        /// How many.
        count: u64,
    },
}

impl What {
    /// The class this belongs to.
    pub const fn class(&self) -> u16 {
        match self {
            Self::Frame { .. } => class::FRAMES,
            Self::Discard { .. } => class::DISCARDS,
            Self::Segment { .. } | Self::Datagram { .. } => class::SEGMENTS,
            Self::State { .. } => class::STATES,
            Self::Retransmit { .. } | Self::Congestion { .. } | Self::RoundTrip { .. } => class::CONTROL,
            Self::Named { .. } | Self::Handed { .. } | Self::Call { .. } | Self::Write { .. } | Self::Read { .. } => class::CALLS,
            Self::Icmp { .. } | Self::Neighbour { .. } | Self::Address { .. } | Self::Link { .. } => class::NETWORK,
            Self::Lost { .. } => class::ALL,
        }
    }
}

/// Something that happened, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// When.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// The bounded queue of events behind `Stack::next_event`.
#[derive(Debug)]
pub struct Events {
    mask: u16,
    limit: usize,
    lost: u64,
    queue: VecDeque<Event>,
}

impl Events {
    /// A queue that holds `limit` events and records none until [`Events::listen`].
    pub const fn new(limit: usize) -> Self {
        Self { mask: 0, limit, lost: 0, queue: VecDeque::new() }
    }

    /// Records the classes of `mask` (see [`class`]) from now on.
    pub fn listen(&mut self, mask: u16) {
        self.mask = mask;
    }

    /// True if somebody wants events of these classes.
    #[inline]
    pub const fn wanted(&self, classes: u16) -> bool {
        self.mask & classes != 0
    }

    /// Records an event if its class is wanted. When the queue is full the newest is counted as lost.
    #[inline(always)] // Nothing is made of an event that nobody wants.
    pub fn emit(&mut self, at: Instant, what: What) {
        if self.wanted(what.class()) {
            cold_path();
            self.record(Event { at, what });
        }
    }

    #[cold]
    fn record(&mut self, event: Event) {
        if self.queue.len() >= self.limit {
            self.lost += 1;
        } else {
            if self.lost > 0 {
                let count = core::mem::take(&mut self.lost);
                self.queue.push_back(Event { at: event.at, what: What::Lost { count } });
            }
            self.queue.push_back(event);
        }
    }

    /// The oldest event nobody has fetched.
    pub fn pop(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }
}
