//! Questions to name servers that are no host of the lab: whatever server a program was told to ask, the lab answers.

use loggia_lab::world::{HostId, World};
use loggia_stack::base::Key;
use loggia_stack::socket::Address;

use super::Supervisor;
use super::table::Source;

/// The port of name servers.
const PORT: u16 = 53;

impl Supervisor {
    /// Answers what a program sends to a foreign name server; false if it is for somebody else.
    pub(super) fn ask_name_server(&mut self, world: &mut World, key: Key, query: &[u8], to: Option<&Address>) -> bool {
        let Some(entry) = self.table.get(key) else { return false };
        let host = entry.host;
        let server = match to {
            Some(to) if is_foreign_name_server(world, host, to) => to.clone(),
            Some(_) => return false,
            None => match &entry.name_server {
                Some(server) => server.clone(),
                None => return false,
            },
        };
        if let Some(answer) = (self.options.names)(host, query)
            && let Some(entry) = self.table.get_mut(key)
        {
            let source = Source { charge: 0, len: answer.len(), from: server, control: Vec::new() };
            entry.overflow.push_back((answer, source));
            self.datagram_in(world, key);
            self.wake(world, key);
        }
        true
    }
}

/// True if this is the address of a name server that is no host of the lab, or nobody's on this host.
pub(super) fn is_foreign_name_server(world: &mut World, host: HostId, address: &Address) -> bool {
    let Some(to) = address.sock_addr().filter(|to| to.port == PORT && !to.addr.is_multicast()) else { return false };
    if to.addr.is_loopback() || to.addr.is_unspecified() {
        let rows = world.stack(host).socket_rows();
        return !rows.iter().any(|row| row.netid == "udp" && row.local.ends_with(":53"));
    }
    !world.hosts().iter().any(|host| host.stack().addresses().any(|(_, cidr)| cidr.addr == to.addr))
}
