//! Who listens where.

use loggia_lab::file::Protocol;
use loggia_lab::world::{HostId, World};

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
