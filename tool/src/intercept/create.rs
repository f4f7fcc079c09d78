//! `socket`.

use std::os::fd::{AsFd, OwnedFd};

use loggia_lab::world::World;
use loggia_stack::base::Key;

use super::Supervisor;
use super::call::Call;
use super::datagram;
use super::fault::{Answer, Fault, Outcome};
use super::spare::ProgramEnd;
use super::table::{Entry, Phase};
use crate::sys::epoll::mask;
use crate::sys::notify;

impl Supervisor {
    /// `socket`: one of the stack, and a native one that stands for it in the program.
    pub(super) fn create(&mut self, world: &mut World, call: &Call) -> Outcome {
        let (family, ty, protocol) = (call.int(0), call.int(1), call.int(2));
        let host = call.host();
        self.may_have_another(host)?;
        let id = world.stack(host).socket(family, ty, protocol)?;
        let made = if ty & 0xf == libc::SOCK_STREAM {
            self.make_stream(call, ty, Entry::new(host, id, 0, 0, family, Phase::Fresh))
        } else {
            self.make_datagram(call, ty, Entry::new(host, id, 0, 0, family, Phase::Datagram))
        };
        let given = made.and_then(|(key, program)| self.give(call, key, &program, ty & libc::SOCK_CLOEXEC != 0));
        if given.is_err() {
            let _ = world.stack(host).close(id);
        }
        self.look_later(world);
        given
    }

    fn make_stream(&mut self, call: &Call, ty: i32, entry: Entry) -> Result<(Key, OwnedFd), Fault> {
        let program = self.spares.unconnected(ty)?;
        Ok((self.keep(call, entry, &program), program.fd))
    }

    fn make_datagram(&mut self, call: &Call, ty: i32, mut entry: Entry) -> Result<(Key, OwnedFd), Fault> {
        let (program, end) = datagram::ends(entry.family, ty & libc::SOCK_NONBLOCK)?;
        entry.end = Some(end);
        let program = ProgramEnd::of(program)?;
        let key = self.keep(call, entry, &program);
        self.watch(key, mask::IN | mask::EDGE)?;
        Ok((key, program.fd))
    }

    /// Enters a socket under the names the kernel has for the program's end.
    pub(super) fn keep(&mut self, call: &Call, mut entry: Entry, program: &ProgramEnd) -> Key {
        (entry.cookie, entry.inode) = (program.cookie, program.inode);
        entry.user = (call.thread(), -1);
        self.table.insert(entry)
    }

    /// Watches our end of a socket.
    pub(super) fn watch(&mut self, key: Key, events: u32) -> Result<(), Fault> {
        let end = self.table.get(key).and_then(|entry| entry.end.as_ref());
        end.map_or(Ok(()), |end| self.epoll.add(end.as_fd(), events, key.to_bits())).map_err(Fault::from)
    }

    /// Puts the program's end into its table of descriptors, which answers the call. If that fails the socket is forgotten.
    pub(super) fn give(&mut self, call: &Call, key: Key, program: &OwnedFd, close_on_exec: bool) -> Outcome {
        let how = notify::Install { replace: None, close_on_exec, answer: true };
        match call.install(program.as_fd(), how) {
            Ok(number) => {
                if let Some(entry) = self.table.get_mut(key) {
                    entry.user = (call.thread(), number);
                }
                Ok(Answer::Given)
            }
            Err(error) => {
                self.table.remove(key);
                Err(error.into())
            }
        }
    }
}
