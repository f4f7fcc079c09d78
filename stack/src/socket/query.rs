//! What can be asked of a socket without changing it: queues (in the manner of `ioctl`), readiness, a row for a listing.

use alloc::string::{String, ToString};
use core::fmt;

use super::layer::Sockets;
use super::numbers::{SIOCATMARK, SIOCINQ, SIOCOUTQ, SIOCOUTQNSD};
use super::record::{Kind, Record};
use crate::base::{Errno, Key, Ready, SocketId, TcpState};
use crate::transport::unix::UnixState;

/// A socket in a listing, as `ss` prints it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Which socket; none for a connection that was not accepted yet or that its application has closed.
    pub socket: Option<SocketId>,
    /// `tcp`, `udp`, `raw`, `u_str` ...
    pub netid: &'static str,
    /// The state as `ss` names it.
    pub state: &'static str,
    /// Bytes to be read; for a listener connections to be accepted.
    pub recv_q: usize,
    /// Bytes not acknowledged; for a listener the backlog.
    pub send_q: usize,
    /// Our end.
    pub local: String,
    /// The other end.
    pub peer: String,
}

impl Row {
    /// The names of the columns, set as the rows are.
    pub const HEADING: &str = "Netid State      Recv-Q Send-Q Local Address:Port         Peer Address:Port";
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { socket: _, netid, state, recv_q, send_q, local, peer } = self;
        write!(f, "{netid:<5} {state:<10} {recv_q:<6} {send_q:<6} {local:<26} {peer}")
    }
}

impl Sockets {
    /// Answers `SIOCINQ`, `SIOCOUTQ`, `SIOCOUTQNSD` and `SIOCATMARK`. `EINVAL` for a listener, `ENOTTY` for what the socket does not know.
    pub fn query(&self, id: SocketId, request: u32) -> Result<usize, Errno> {
        match self.record(id)?.kind {
            Kind::Tcp(key) => self.query_stream(key, request),
            Kind::Unix(key) => match request {
                SIOCINQ => self.unix.input_queue(key),
                SIOCOUTQ => Ok(self.unix.output_queue(key)),
                SIOCATMARK => self.unix.at_mark(key).map(usize::from),
                _ => Err(Errno::ENOTTY),
            },
            kind => match request {
                // The next datagram alone: what one read would give.
                SIOCINQ => Ok(self.first_datagram(kind)),
                SIOCOUTQ => Ok(0),
                _ => Err(Errno::ENOTTY),
            },
        }
    }

    fn first_datagram(&self, kind: Kind) -> usize {
        let front = match kind {
            Kind::Udp(key) => self.udp.front(key),
            Kind::Raw(key) => self.raw.front(key),
            Kind::Ping(key) => self.ping.front(key),
            Kind::Tcp(_) | Kind::Unix(_) => None,
        };
        front.map_or(0, |datagram| datagram.len())
    }

    fn query_stream(&self, key: Key, request: u32) -> Result<usize, Errno> {
        let state = self.tcp.state(key);
        let unread = self.tcp.unread(key);
        let opening = matches!(state, TcpState::SynSent | TcpState::SynReceived);
        match request {
            SIOCATMARK => Ok(usize::from(unread.mark == Some(0))),
            _ if state == TcpState::Listen => Err(Errno::EINVAL),
            SIOCINQ | SIOCOUTQ | SIOCOUTQNSD if opening => Ok(0),
            SIOCINQ => Ok(super::receive::unmarked(&unread)),
            SIOCOUTQ => Ok(self.unacknowledged(key)),
            SIOCOUTQNSD => Ok(self.tcp.info(key).notsent_bytes as usize),
            _ => Err(Errno::ENOTTY),
        }
    }

    fn unacknowledged(&self, key: Key) -> usize {
        let written = self.tcp.write_offset(key);
        written.saturating_sub(self.tcp.info(key).bytes_acked) as usize
    }

    /// The bits `poll` reports.
    pub fn readiness(&self, id: SocketId) -> Result<Ready, Errno> {
        let record = self.record(id)?;
        Ok(match record.kind {
            Kind::Tcp(key) => {
                let news =
                    if self.has_zero_copy_news(record, key) || self.tcp.has_stamps(key) { Ready::ERR } else { Ready::NONE };
                self.tcp.readiness(key) | shut_bits(record) | news
            }
            Kind::Udp(key) => self.udp.readiness(key),
            Kind::Raw(key) => self.raw.readiness(key),
            Kind::Ping(key) => self.ping.readiness(key),
            Kind::Unix(key) => self.unix.readiness(key),
        })
    }

    /// Every socket as a row, in the order of their places; then TCP connections that are nobody's.
    pub fn rows(&self) -> alloc::vec::Vec<Row> {
        let owned = self.records.iter().map(|(id, record)| self.row(id, record));
        let orphans = self.tcp.keys().into_iter().filter(|key| self.tcp.inet(*key).owner.is_none()).map(|key| self.orphan(key));
        owned.chain(orphans).collect()
    }

    fn row(&self, id: SocketId, record: &Record) -> Row {
        let name = |address: Result<super::Address, Errno>| address.map_or_else(|_| String::from("*:*"), |name| name.to_string());
        let (recv_q, send_q) = self.queues(record);
        Row {
            socket: Some(id),
            netid: record.semantics().name,
            state: self.state_name(record),
            recv_q,
            send_q,
            local: name(self.getsockname(id)),
            peer: self.opening_peer(record).unwrap_or_else(|| name(self.getpeername(id))),
        }
    }

    /// Whom a connection that is opening calls: `getpeername` does not say it yet, a listing does (as `ss`).
    fn opening_peer(&self, record: &Record) -> Option<String> {
        let Kind::Tcp(key) = record.kind else { return None };
        let inet = self.tcp.inet(key);
        let opening = matches!(self.tcp.state(key), TcpState::SynSent | TcpState::SynReceived);
        opening.then(|| crate::base::SockAddr::new(inet.remote, inet.remote_port).to_string())
    }

    fn orphan(&self, key: Key) -> Row {
        let inet = self.tcp.inet(key);
        let end = |addr, port| crate::base::SockAddr::new(addr, port).to_string();
        Row {
            socket: None,
            netid: "tcp",
            state: tcp_state_name(self.tcp.state(key)),
            recv_q: self.tcp.unread(key).readable,
            send_q: self.unacknowledged(key),
            local: end(inet.local, inet.local_port),
            peer: end(inet.remote, inet.remote_port),
        }
    }

    fn queues(&self, record: &Record) -> (usize, usize) {
        match record.kind {
            Kind::Tcp(key) if self.tcp.state(key) == TcpState::Listen => {
                let info = self.tcp.info(key);
                (info.unacked as usize, info.sacked as usize)
            }
            Kind::Tcp(key) => (self.tcp.unread(key).readable, self.unacknowledged(key)),
            Kind::Udp(key) => (self.udp.queued(key), 0),
            Kind::Raw(key) => (self.raw.queued(key), 0),
            Kind::Ping(key) => (self.ping.queued(key), 0),
            Kind::Unix(key) => (self.unix.input_queue(key).unwrap_or(0), self.unix.output_queue(key)),
        }
    }

    fn state_name(&self, record: &Record) -> &'static str {
        match record.kind {
            Kind::Tcp(key) => tcp_state_name(self.tcp.state(key)),
            Kind::Unix(key) => match self.unix.state(key) {
                UnixState::Closed => "UNCONN",
                UnixState::Listening => "LISTEN",
                UnixState::Established => "ESTAB",
            },
            kind if self.inet(kind).is_some_and(super::send::is_connected) => "ESTAB",
            _ => "UNCONN",
        }
    }
}

/// What a shut-down socket adds to its readiness although no connection is there that could say it.
fn shut_bits(record: &Record) -> Ready {
    let mut bits = Ready::NONE;
    if record.read_shut {
        bits |= Ready::IN | Ready::RDHUP;
    }
    if record.read_shut && record.write_shut {
        bits |= Ready::HUP;
    }
    bits
}

/// A state as `ss` names it.
const fn tcp_state_name(state: TcpState) -> &'static str {
    match state {
        TcpState::Closed => "UNCONN",
        TcpState::Listen => "LISTEN",
        TcpState::SynSent => "SYN-SENT",
        TcpState::SynReceived => "SYN-RECV",
        TcpState::Established => "ESTAB",
        TcpState::FinWait1 => "FIN-WAIT-1",
        TcpState::FinWait2 => "FIN-WAIT-2",
        TcpState::CloseWait => "CLOSE-WAIT",
        TcpState::Closing => "CLOSING",
        TcpState::LastAck => "LAST-ACK",
        TcpState::TimeWait => "TIME-WAIT",
    }
}
