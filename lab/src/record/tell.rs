//! What stacks and links tell, as entries.

use loggia_stack::base::event::Call;
use loggia_stack::base::{Cause, Errno, Event, TcpState, What};

use super::entry::{Fact, Fate, Transfer, Word};
use super::name::Name;
use crate::link::{self, Verdict};
use crate::observe::PipeId;

/// The entry of an event; none if it is not for the record: frames and segments are seen on the wire.
pub(super) fn event(event: &Event) -> Option<Fact> {
    let bits = |socket: Option<loggia_stack::SocketId>| socket.map(loggia_stack::base::Key::to_bits);
    Some(match event.what {
        What::State { socket, local, peer, from, to, cause } => Fact::State {
            socket: bits(socket),
            local: local.into(),
            peer: peer.into(),
            from: state(from).into(),
            to: state(to).into(),
            cause: cause_of(cause).into(),
        },
        What::Retransmit { socket, seq, len, why, .. } => {
            Fact::Retransmit { socket: bits(socket), seq, len, why: why.text().into() }
        }
        What::Congestion { socket, cwnd, ssthresh, in_flight } => {
            Fact::Congestion { socket: bits(socket), cwnd, ssthresh, in_flight }
        }
        What::RoundTrip { socket, sample_us, srtt_us, rto_us } => Fact::Rtt { socket: bits(socket), sample_us, srtt_us, rto_us },
        What::Named { socket, protocol, local, peer } => Fact::Named {
            socket: socket.to_bits(),
            proto: if protocol == 6 { "tcp" } else { "udp" }.into(),
            local: local.into(),
            peer: peer.into(),
        },
        What::Handed { from, to, offset, len, message } => Fact::Handed { from: bits(from), to: bits(to), offset, len, message },
        What::Call { socket, call, result } => {
            let (result, error) = outcome(result);
            Fact::Call { socket: socket.to_bits(), call: call_name(call).into(), result, error }
        }
        What::Write { socket, offset, asked, result } => Fact::Write(transfer(socket.to_bits(), offset, asked, result)),
        What::Read { socket, offset, asked, result } => Fact::Read(transfer(socket.to_bits(), offset, asked, result)),
        What::Discard { reason, len, .. } => Fact::Discard { reason: reason.text().into(), len },
        What::Lost { count } => {
            Fact::Note { topic: "record".into(), text: format!("{count} events came too fast and are missing") }
        }
        _ => return None,
    })
}

/// True if more is done with an event than to make it an entry.
pub(super) const fn is_measured(event: &Event) -> bool {
    !matches!(event.what, What::Congestion { .. } | What::Read { result: Err(_), .. } | What::Call { .. })
}

fn outcome(result: Result<u32, Errno>) -> (Option<u32>, Option<Word>) {
    (result.ok(), result.err().map(|error| error.name().into()))
}

fn transfer(socket: u64, offset: u64, asked: u32, result: Result<u32, Errno>) -> Transfer {
    let (len, error) = outcome(result);
    Transfer { socket, offset, asked, len, error }
}

/// The entry of a fate.
pub(super) fn fate(name: &Name, pipe: PipeId, (pkt, put): (u64, Option<u64>), told: &link::Fate) -> Fate {
    let link::Fate { packet, flow, number, verdict, .. } = told;
    let (fate, arrives, queued, marks) = match verdict {
        Verdict::Dropped(cause) => (cause.name(), None, None, Vec::new()),
        Verdict::Delivered { arrives, queued, marks } => {
            ("delivered", Some(arrives.nanos()), Some(queued.as_nanos() as u64).filter(|wait| *wait > 0), mark_names(marks))
        }
    };
    Fate {
        link: name.clone(),
        end: pipe.end as u8,
        pkt,
        id: packet.0,
        flow: format!("{flow:016x}"),
        number: *number,
        fate: fate.into(),
        put,
        arrives,
        queued,
        marks,
    }
}

fn mark_names(marks: &link::Marks) -> Vec<Word> {
    let link::Marks { duplicate, duplicated, corrupted, reordered, ecn } = *marks;
    let named = [
        (duplicate, "duplicate"),
        (duplicated, "duplicated"),
        (corrupted.is_some(), "corrupted"),
        (reordered, "reordered"),
        (ecn, "ecn"),
    ];
    named.into_iter().filter(|(set, _)| *set).map(|(_, name)| name.into()).collect()
}

/// A state as RFC 9293 names it.
const fn state(state: TcpState) -> &'static str {
    match state {
        TcpState::Closed => "CLOSED",
        TcpState::Listen => "LISTEN",
        TcpState::SynSent => "SYN-SENT",
        TcpState::SynReceived => "SYN-RECEIVED",
        TcpState::Established => "ESTABLISHED",
        TcpState::FinWait1 => "FIN-WAIT-1",
        TcpState::FinWait2 => "FIN-WAIT-2",
        TcpState::CloseWait => "CLOSE-WAIT",
        TcpState::Closing => "CLOSING",
        TcpState::LastAck => "LAST-ACK",
        TcpState::TimeWait => "TIME-WAIT",
    }
}

const fn cause_of(cause: Cause) -> &'static str {
    match cause {
        Cause::Call => "call",
        Cause::Segment => "segment",
        Cause::FinAcked => "fin-acked",
        Cause::Fin => "fin",
        Cause::Reset => "reset",
        Cause::Timeout => "timeout",
        Cause::Icmp => "icmp",
        Cause::Memory => "memory",
    }
}

const fn call_name(call: Call) -> &'static str {
    match call {
        Call::Socket => "socket",
        Call::Bind => "bind",
        Call::Listen => "listen",
        Call::Accept => "accept",
        Call::Connect => "connect",
        Call::Send => "send",
        Call::Recv => "recv",
        Call::Shutdown => "shutdown",
        Call::Close => "close",
        Call::Setsockopt => "setsockopt",
        Call::Getsockopt => "getsockopt",
    }
}
