//! `bind`, `getsockname`, `getpeername`.

use loggia_lab::world::World;
use loggia_stack::Errno;
use loggia_stack::socket::Address;

use super::Supervisor;
use super::answer::Subject;
use super::call::Call;
use super::fault::{DONE, Fault, Outcome};

/// Bytes of `struct sockaddr_in`.
const INET: usize = 16;

/// True for the families an internet socket can have an address of, and `AF_UNSPEC`.
fn is_known_family(address: &[u8]) -> bool {
    let family = address.first_chunk().map(|two| i32::from(u16::from_ne_bytes(*two)));
    matches!(family, Some(libc::AF_UNSPEC | libc::AF_INET | libc::AF_INET6))
}

impl Supervisor {
    pub(super) fn bind(&mut self, world: &mut World, call: &Call, subject: &Subject) -> Outcome {
        let bytes = call.read_address(call.word(1), call.int(2))?;
        if bytes.len() < INET {
            return Err(Fault(libc::EINVAL));
        }
        if !is_known_family(&bytes) {
            return Err(Fault(libc::EAFNOSUPPORT));
        }
        let address = Address::from_bytes(&bytes)?;
        let (host, id) = self.socket_of(subject)?;
        self.touched(host);
        match world.stack(host).bind(id, &address) {
            // Whoever holds the address may have closed it unseen.
            Err(Errno::EADDRINUSE) if self.look(world) => world.stack(host).bind(id, &address)?,
            other => other?,
        }
        DONE
    }

    pub(super) fn socket_name(&mut self, world: &mut World, call: &Call, subject: &Subject) -> Outcome {
        let (host, id) = self.socket_of(subject)?;
        let address = world.stack(host).getsockname(id)?;
        call.write_address(call.word(1), call.word(2), &address.to_bytes())?;
        DONE
    }

    pub(super) fn peer_name(&mut self, world: &mut World, call: &Call, subject: &Subject) -> Outcome {
        let (host, id) = self.socket_of(subject)?;
        let server = self.table.get(subject.key).and_then(|entry| entry.name_server.clone());
        let address = server.map_or_else(|| world.stack(host).getpeername(id), Ok)?;
        call.write_address(call.word(1), call.word(2), &address.to_bytes())?;
        DONE
    }

    /// As the stack names the socket a call is about.
    pub(super) fn socket_of(
        &self,
        subject: &Subject,
    ) -> Result<(loggia_lab::world::HostId, loggia_stack::base::SocketId), Fault> {
        self.table.get(subject.key).map(|entry| (entry.host, entry.id)).ok_or(Fault(libc::EBADF))
    }
}
