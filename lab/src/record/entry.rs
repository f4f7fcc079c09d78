//! An entry of the record: one line of `events.jsonl`. The fields are documented in `docs/manual/run-folder.md`.

use std::borrow::Cow;

use loggia_stack::base::Direction;
use serde::{Deserialize, Serialize};

use super::end::{End, Flags};
use super::name::Name;

/// A word out of a fixed list.
pub type Word = Cow<'static, str>;

/// Something that happened in a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// When, in nanoseconds since the start.
    pub t: u64,
    /// On which host; of a fate, the host at the end that sends. None for what happens at a switch or to the lab as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Name>,
    /// What.
    #[serde(flatten)]
    pub fact: Fact,
}

impl Entry {
    /// The host's name, or nothing.
    pub fn host(&self) -> &str {
        self.host.as_deref().unwrap_or_default()
    }
}

/// Which way, seen from the host.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dir {
    /// It arrived.
    In,
    /// It left.
    Out,
}

impl From<Direction> for Dir {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::In => Self::In,
            Direction::Out => Self::Out,
        }
    }
}

/// What happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Fact {
    /// A packet passed the border of a host.
    Packet(Box<Packet>),
    /// A link decided what becomes of a packet.
    Fate(Fate),
    /// A TCP connection changed its state.
    State {
        /// The socket; none while it has not been accepted, or after it was closed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        socket: Option<u64>,
        /// Our end.
        local: End,
        /// The other end.
        peer: End,
        /// From which.
        from: Word,
        /// To which.
        to: Word,
        /// By what.
        cause: Word,
    },
    /// Bytes were sent again. The packets before it at the same moment are the ones.
    Retransmit {
        /// The socket; none after it was closed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        socket: Option<u64>,
        /// First sequence number.
        seq: u32,
        /// How many bytes.
        len: u32,
        /// Why.
        why: Word,
    },
    /// Congestion control moved.
    Congestion {
        /// The socket; none after it was closed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        socket: Option<u64>,
        /// Congestion window in bytes.
        cwnd: u32,
        /// Slow start threshold in bytes.
        ssthresh: u32,
        /// Bytes in flight.
        in_flight: u32,
    },
    /// A round trip was measured.
    Rtt {
        /// The socket; none after it was closed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        socket: Option<u64>,
        /// The sample in microseconds.
        sample_us: u32,
        /// The smoothed one in microseconds.
        srtt_us: u32,
        /// The timeout in microseconds.
        rto_us: u32,
    },
    /// A socket got its ends.
    Named {
        /// The socket.
        socket: u64,
        /// `tcp` or `udp`.
        proto: Word,
        /// Our end.
        local: End,
        /// The other end; port 0 if there is none.
        peer: End,
    },
    /// AF_UNIX: what one socket sent lies in the queue of another on the same host. With no bytes: the two are peers from now on.
    Handed {
        /// Who sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<u64>,
        /// In whose queue it lies; none while that has not been accepted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<u64>,
        /// Where in the receiver's stream the bytes start.
        offset: u64,
        /// Bytes.
        len: u32,
        /// Its borders are kept.
        #[serde(default, skip_serializing_if = "is_false")]
        message: bool,
    },
    /// A socket call that neither sends nor receives.
    Call {
        /// The socket.
        socket: u64,
        /// Which call.
        call: Word,
        /// What it gave: 0, or the number of the accepted socket, or the length of an option.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<u32>,
        /// The error it gave.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<Word>,
    },
    /// A send call.
    Write(Transfer),
    /// A receive call.
    Read(Transfer),
    /// A stack discarded a packet.
    Discard {
        /// Why, in words.
        reason: Word,
        /// Bytes.
        len: u32,
    },
    /// Something a person should find: a program started, a link changed.
    Note {
        /// About what: `program`, `link`, `lab`, `record`.
        topic: Word,
        /// What.
        text: String,
    },
}

impl Fact {
    /// The kind's name, as in the file.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Packet(_) => "packet",
            Self::Fate(_) => "fate",
            Self::State { .. } => "state",
            Self::Retransmit { .. } => "retransmit",
            Self::Congestion { .. } => "congestion",
            Self::Rtt { .. } => "rtt",
            Self::Named { .. } => "named",
            Self::Handed { .. } => "handed",
            Self::Call { .. } => "call",
            Self::Write(_) => "write",
            Self::Read(_) => "read",
            Self::Discard { .. } => "discard",
            Self::Note { .. } => "note",
        }
    }
}

/// A packet at the border of a host.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Packet {
    /// Which way, seen from the host.
    pub dir: Dir,
    /// By which interface.
    pub port: Name,
    /// Onto or from which link.
    pub link: Name,
    /// The packet's number in the run: the same wherever it is seen on its way.
    pub pkt: u64,
    /// `tcp`, `udp`, `icmp`, `icmp6`, `arp`, or a protocol number.
    pub proto: Word,
    /// From which end.
    pub src: End,
    /// To which end.
    pub dst: End,
    /// TCP: sequence number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u32>,
    /// TCP: acknowledgement number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack: Option<u32>,
    /// TCP: flags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<Flags>,
    /// TCP: window in bytes, scaled if the handshake was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub win: Option<u32>,
    /// TCP: maximum segment size, on a SYN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mss: Option<u16>,
    /// TCP: window scale, on a SYN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wscale: Option<u8>,
    /// TCP: what arrived out of order, as pairs of sequence numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sack: Vec<(u32, u32)>,
    /// Bytes of payload.
    pub len: u32,
    /// Bytes on the wire, link headers included.
    pub size: u32,
    /// How many segments it is on a wire, if more than one.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub segments: u32,
    /// Bytes of payload of each of them but the last, if more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<u32>,
    /// TCP: some of it was sent before.
    #[serde(default, skip_serializing_if = "is_false")]
    pub again: bool,
    /// A link damaged it on the way here: its fields may be wrong.
    #[serde(default, skip_serializing_if = "is_false")]
    pub damaged: bool,
    /// The host forwards it, or is to.
    #[serde(default, skip_serializing_if = "is_false")]
    pub forwarded: bool,
    /// What it says, for what is neither TCP nor UDP.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub info: String,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's shape.
fn is_false(value: &bool) -> bool {
    !*value
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_one(value: &u32) -> bool {
    *value == 1
}

const fn one() -> u32 {
    1
}

/// What a link decided of a packet.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Fate {
    /// Which link.
    pub link: Name,
    /// From which of its ends (0 or 1).
    pub end: u8,
    /// Which packet of the run; 0 if it is not known.
    pub pkt: u64,
    /// Which packet of this direction of the link.
    pub id: u64,
    /// Its flow, as a number in hexadecimal.
    pub flow: String,
    /// Which packet of the flow.
    pub number: u64,
    /// `delivered`, or why it was not: `loss`, `queue-full`, `codel`, `red`, `down`, `too-big`.
    pub fate: Word,
    /// When it was put onto the link, in nanoseconds since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put: Option<u64>,
    /// When it arrives, in nanoseconds since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrives: Option<u64>,
    /// How many nanoseconds it waited in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<u64>,
    /// What else was done to it: `duplicate`, `duplicated`, `corrupted`, `reordered`, `ecn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Word>,
}

impl Fate {
    /// True if the packet does not arrive.
    pub fn is_dropped(&self) -> bool {
        self.fate != "delivered"
    }
}

/// Bytes that a call took or gave.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Transfer {
    /// The socket.
    pub socket: u64,
    /// Where in the stream the bytes start; 0 for datagrams.
    pub offset: u64,
    /// Bytes offered, or room.
    pub asked: u32,
    /// Bytes taken or given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub len: Option<u32>,
    /// The error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Word>,
}
