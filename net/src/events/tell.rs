//! The core's events in this crate's words.

use std::net::SocketAddr;

use loggia_stack::base::event::{self, AddressNews as News, Cause, Direction as Way, TcpState, Why};
use loggia_stack::engine::Stack;

use super::listeners::Names;
use super::what::{AddressNews, Direction, DropCause, Event, Reason, Resent, Side, What};
use crate::info;
use crate::opening::std_addr;

/// What is to be told of an event: nothing, or one or two things.
pub(super) fn events(stack: &Stack, names: &mut Names, event: &event::Event) -> impl Iterator<Item = Event> + use<> {
    let (first, second) = match event.what {
        event::What::State { local, peer, from, to, cause, .. } => {
            let (local, peer) = (std_addr(local), std_addr(peer));
            let change = What::State { local, peer, from: info::state(from), to: info::state(to) };
            (Some(change), connection(local, peer, (from, to), cause))
        }
        what => (other(stack, names, what), None),
    };
    let at = event.at;
    first.into_iter().chain(second).map(move |what| Event { at, what })
}

/// What a change of state means for a connection.
fn connection(local: SocketAddr, peer: SocketAddr, change: (TcpState, TcpState), cause: Cause) -> Option<What> {
    use TcpState::{Closed, Established, Listen, SynReceived, SynSent, TimeWait};
    Some(match change {
        (SynSent, Established) => What::Opened { local, peer, by: Side::Us },
        (SynReceived, Established) => What::Opened { local, peer, by: Side::Peer },
        (SynSent | SynReceived, Closed) => What::Failed { local, peer, reason: reason(cause) },
        (Listen | TimeWait, Closed) => return None,
        (_, TimeWait) => What::Closed { local, peer, reason: Reason::Finished },
        (_, Closed) => What::Closed { local, peer, reason: reason(cause) },
        _ => return None,
    })
}

fn reason(cause: Cause) -> Reason {
    match cause {
        Cause::Call => Reason::Aborted,
        Cause::Segment | Cause::Reset => Reason::Reset,
        Cause::FinAcked | Cause::Fin => Reason::Finished,
        Cause::Timeout => Reason::TimedOut,
        Cause::Icmp => Reason::Unreachable,
        Cause::Memory => Reason::OutOfMemory,
    }
}

fn other(stack: &Stack, names: &mut Names, what: event::What) -> Option<What> {
    Some(match what {
        event::What::Retransmit { local, peer, len, syn, why, .. } => {
            What::Retransmitted { local: std_addr(local), peer: std_addr(peer), bytes: len, syn, why: resent(why) }
        }
        event::What::Icmp { from, local, remote, protocol, kind, code, errno, .. } => What::IcmpError {
            from: from.into(),
            local: std_addr(local),
            peer: std_addr(remote),
            protocol,
            kind,
            code,
            errno: errno.number(),
        },
        event::What::Neighbour { link, addr, mac } => {
            What::Neighbour { interface: names.of(stack, link), addr: addr.into(), mac }
        }
        event::What::Address { link, addr, news } => {
            What::Address { interface: names.of(stack, link), addr: addr.into(), news: address(news) }
        }
        event::What::Link { link, up } => What::Interface { interface: names.of(stack, link), up },
        event::What::Discard { link, reason, len } => {
            What::Dropped { interface: link.map(|link| names.of(stack, link)), cause: DropCause::of(reason), len }
        }
        event::What::Frame { link, direction, len } => {
            let direction = match direction {
                Way::In => Direction::In,
                Way::Out => Direction::Out,
            };
            What::Packet { interface: names.of(stack, link), direction, len }
        }
        _ => return None,
    })
}

fn resent(why: Why) -> Resent {
    match why {
        Why::Timeout => Resent::Timeout,
        Why::Fast | Why::Partial => Resent::Loss,
        Why::PathMtu => Resent::PathMtu,
        Why::Probe | Why::TailLossProbe => Resent::Probe,
    }
}

fn address(news: News) -> AddressNews {
    match news {
        News::Tentative => AddressNews::Tentative,
        News::Usable => AddressNews::Usable,
        News::Deprecated => AddressNews::Deprecated,
        News::Duplicate => AddressNews::Duplicate,
        News::Gone => AddressNews::Gone,
    }
}
