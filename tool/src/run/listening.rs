//! Who listens where, and what follows from it.

use loggia_lab::file::Protocol;
use loggia_lab::record::Recorder;
use loggia_lab::world::{HostId, World};
use loggia_stack::base::Instant;

use super::conductor::{Act, Conductor, Sight};
use crate::engine::shared::Shared;

/// Where a host listens (TCP: `listen`, UDP: `bind`).
fn listening(world: &World, host: HostId) -> impl Iterator<Item = (Protocol, u16)> {
    world.hosts()[host.0].stack().socket_rows().into_iter().filter_map(|row| {
        let protocol = match (row.netid, row.state) {
            ("tcp", "LISTEN") => Protocol::Tcp,
            ("udp", "UNCONN") => Protocol::Udp,
            _ => return None,
        };
        let local = row.local.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok())?;
        // A datagram socket without a stated port is a client's.
        (local != 0).then_some((protocol, local))
    })
}

/// States of a TCP connection that was closed and is not over.
const CLOSING: [&str; 4] = ["FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "LAST-ACK"];

impl Sight for World {
    fn listens(&self, host: HostId, port: Option<(Protocol, u16)>) -> bool {
        listening(self, host).any(|found| port.is_none_or(|wanted| wanted == found))
    }

    fn listening(&self, host: HostId) -> Vec<(Protocol, u16)> {
        let mut found: Vec<_> = listening(self, host).collect();
        // One of each address family.
        found.dedup();
        found
    }

    fn is_closing(&self, host: HostId) -> bool {
        self.hosts()[host.0].stack().socket_rows().iter().any(|row| row.netid == "tcp" && CLOSING.contains(&row.state))
    }

    fn is_under_way(&self, host: HostId) -> bool {
        self.is_under_way(host)
    }
}

/// What is to be done now, by the world as it is. When the run is over and the last words have been heard, just before the first program is
/// stopped, the record's table of sockets is made and what is measured ends.
pub fn next_act(conductor: &mut Conductor, shared: &Shared, recorder: Option<&Recorder>, now: Instant) -> Option<Act> {
    let inner = shared.lock();
    let act = conductor.next(now, &inner.world);
    if conductor.over().is_some()
        && !conductor.is_settling()
        && let Some(recorder) = recorder
    {
        recorder.snapshot(&inner.world);
        recorder.measured(&inner.world);
    }
    act
}
