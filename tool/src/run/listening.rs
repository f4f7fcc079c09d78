//! Who listens where, and what follows from it.

use loggia_lab::file::Protocol;
use loggia_lab::record::Recorder;
use loggia_lab::world::{HostId, World};
use loggia_stack::base::Instant;

use super::conductor::{Act, Conductor, Sight};
use crate::engine::shared::Shared;

/// True if a host listens on a port (TCP: `listen`, UDP: `bind`), or on any.
pub fn listens(world: &World, host: HostId, port: Option<(Protocol, u16)>) -> bool {
    world.hosts()[host.0].stack().socket_rows().iter().any(|row| {
        let protocol = match (row.netid, row.state) {
            ("tcp", "LISTEN") => Protocol::Tcp,
            ("udp", "UNCONN") => Protocol::Udp,
            _ => return false,
        };
        let local = row.local.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        match (port, local) {
            // A datagram socket without a stated port is a client's.
            (None, Some(local)) => local != 0,
            (Some((wanted, port)), Some(local)) => wanted == protocol && port == local,
            (_, None) => false,
        }
    })
}

/// States of a TCP connection that was closed and is not over.
const CLOSING: [&str; 4] = ["FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "LAST-ACK"];

impl Sight for World {
    fn listens(&self, host: HostId, port: Option<(Protocol, u16)>) -> bool {
        listens(self, host, port)
    }

    fn is_closing(&self, host: HostId) -> bool {
        self.hosts()[host.0].stack().socket_rows().iter().any(|row| row.netid == "tcp" && CLOSING.contains(&row.state))
    }
}

/// What is to be done now, by the world as it is. The record's table of sockets is made when the run is over, and what is measured ends
/// before the first program is stopped.
pub fn next_act(conductor: &mut Conductor, shared: &Shared, recorder: Option<&Recorder>, now: Instant) -> Option<Act> {
    let inner = shared.lock();
    let act = conductor.next(now, &inner.world);
    if conductor.over().is_some()
        && let Some(recorder) = recorder
    {
        recorder.snapshot(&inner.world);
        if !conductor.is_settling() {
            recorder.measured(&inner.world);
        }
    }
    act
}
