//! `RTM_GETNEIGH`: the neighbours.

use loggia_stack::link::{Neighbour, NeighbourState};

use super::super::interface;
use super::reply::{Body, Reply};
use super::request::Request;

/// All neighbours of the family that is asked for.
pub(super) fn list(reply: &mut Reply, request: &Request<'_>, neighbours: impl Iterator<Item = Neighbour>) {
    let wanted = request.family();
    for neighbour in neighbours.filter(|neighbour| wanted == 0 || interface::family(neighbour.addr) == wanted) {
        reply.message(request, libc::RTM_NEWNEIGH, libc::NLM_F_MULTI, |body| describe(body, &neighbour));
    }
}

fn describe(body: &mut Body, neighbour: &Neighbour) {
    body.put(&[interface::family(neighbour.addr), 0, 0, 0]);
    body.put(&i32::from(neighbour.link.0).to_ne_bytes());
    body.put(&state(neighbour.state).to_ne_bytes());
    body.put(&[if neighbour.router { libc::NTF_ROUTER } else { 0 }, libc::RTN_UNICAST]);
    body.attribute(libc::NDA_DST, &interface::octets(neighbour.addr));
    if let Some(mac) = neighbour.mac {
        body.attribute(libc::NDA_LLADDR, &mac.0);
    }
}

fn state(state: NeighbourState) -> u16 {
    match state {
        NeighbourState::Incomplete => libc::NUD_INCOMPLETE,
        NeighbourState::Reachable => libc::NUD_REACHABLE,
        NeighbourState::Stale => libc::NUD_STALE,
        NeighbourState::Delay => libc::NUD_DELAY,
        NeighbourState::Probe => libc::NUD_PROBE,
        NeighbourState::Failed => libc::NUD_FAILED,
        NeighbourState::Permanent => libc::NUD_PERMANENT,
    }
}
