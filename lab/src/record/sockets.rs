//! The sockets of all hosts, as `ss` would list them, with whose they are.

use std::collections::HashMap;

use loggia_stack::SocketId;
use serde_json::{Value, json};

use crate::world::{HostId, World};

/// Program and process of sockets.
pub(super) type Owners = HashMap<(HostId, SocketId), (String, u32)>;

/// All sockets there are now, a row each.
pub(super) fn of(world: &World, owners: &Owners) -> Value {
    let mut rows = Vec::new();
    for (number, host) in world.hosts().iter().enumerate() {
        for row in host.stack().socket_rows() {
            let owner = row.socket.and_then(|socket| owners.get(&(HostId(number), socket)));
            rows.push(json!({
                "host": host.name, "program": owner.map(|(program, _)| program), "pid": owner.map(|(_, pid)| pid),
                "socket": row.socket.map(SocketId::to_bits), "netid": row.netid, "state": row.state,
                "recv_q": row.recv_q, "send_q": row.send_q, "local": row.local, "peer": row.peer,
            }));
        }
    }
    json!({ "schema": 1, "t": world.now().nanos(), "sockets": rows })
}
