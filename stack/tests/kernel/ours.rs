//! The world of this stack.

use std::time::Duration;

use loggia_stack::base::MsgFlags;
use loggia_stack::engine::{Config, Stack};
use loggia_stack::socket::{Address, Message, Permission};
use loggia_stack::{Errno, Instant, Seed, SocketId};

use crate::script::{Handle, Outcome, World};

/// One stack; handles are places in a table, as descriptors are.
pub(crate) struct Ours {
    stack: Stack,
    sockets: Vec<Option<SocketId>>,
}

impl Ours {
    pub(crate) fn new() -> Self {
        let mut config = Config::default();
        config.socket.net_raw = Permission::Granted;
        config.socket.net_admin = Permission::Granted;
        Self { stack: Stack::new(config, Seed::from(1), Instant::EPOCH), sockets: Vec::new() }
    }

    fn keep(&mut self, id: SocketId) -> Handle {
        self.sockets.push(Some(id));
        self.sockets.len() as Handle - 1
    }

    fn id(&self, socket: Handle) -> Result<SocketId, i32> {
        let known = usize::try_from(socket).ok().and_then(|at| self.sockets.get(at).copied().flatten());
        known.ok_or(Errno::EBADF.number())
    }
}

fn outcome<T>(result: Result<T, Errno>, number: impl FnOnce(T) -> i64) -> Outcome {
    result.map(number).map_err(Errno::number)
}

fn plain(result: Result<(), Errno>) -> Outcome {
    outcome(result, |()| 0)
}

fn address(bytes: &[u8]) -> Result<Address, i32> {
    Address::from_bytes(bytes).map_err(Errno::number)
}

impl World for Ours {
    fn socket(&mut self, family: i32, ty: i32, protocol: i32) -> Outcome {
        let id = self.stack.socket(family, ty, protocol).map_err(Errno::number)?;
        Ok(self.keep(id).into())
    }

    fn pair(&mut self, family: i32, ty: i32) -> Result<(Handle, Handle), i32> {
        let (a, b) = self.stack.socketpair(family, ty, 0).map_err(Errno::number)?;
        Ok((self.keep(a), self.keep(b)))
    }

    fn bind(&mut self, socket: Handle, to: &[u8]) -> Outcome {
        plain(self.stack.bind(self.id(socket)?, &address(to)?))
    }

    fn connect(&mut self, socket: Handle, to: &[u8]) -> Outcome {
        plain(self.stack.connect(self.id(socket)?, &address(to)?))
    }

    fn listen(&mut self, socket: Handle, backlog: i32) -> Outcome {
        plain(self.stack.listen(self.id(socket)?, backlog))
    }

    fn accept(&mut self, socket: Handle) -> Outcome {
        let (id, _) = self.stack.accept(self.id(socket)?).map_err(Errno::number)?;
        Ok(self.keep(id).into())
    }

    fn send(&mut self, socket: Handle, data: &[u8], flags: i32, to: Option<&[u8]>) -> Outcome {
        let to = to.map(address).transpose()?;
        let flags = MsgFlags(flags as u32) | MsgFlags::DONTWAIT;
        let message = Message { data: &[data], to: to.as_ref(), flags, ..Message::default() };
        outcome(self.stack.sendmsg(self.id(socket)?, &message), |count| count as i64)
    }

    fn receive(&mut self, socket: Handle, room: usize, flags: i32) -> Result<(usize, Vec<u8>, i32, Vec<u8>), i32> {
        let mut into = vec![0; room];
        let flags = MsgFlags(flags as u32) | MsgFlags::DONTWAIT;
        let got = self.stack.recvmsg(self.id(socket)?, &mut [&mut into], 0, flags).map_err(Errno::number)?;
        into.truncate(got.len);
        Ok((got.len, into, got.flags.0 as i32, got.from.to_bytes()))
    }

    fn shutdown(&mut self, socket: Handle, how: i32) -> Outcome {
        plain(self.stack.shutdown(self.id(socket)?, how))
    }

    fn close(&mut self, socket: Handle) -> Outcome {
        let id = self.id(socket)?;
        self.sockets[socket as usize] = None;
        plain(self.stack.close(id))
    }

    fn local(&mut self, socket: Handle) -> Result<Vec<u8>, i32> {
        self.stack.getsockname(self.id(socket)?).map(|name| name.to_bytes()).map_err(Errno::number)
    }

    fn peer(&mut self, socket: Handle) -> Result<Vec<u8>, i32> {
        self.stack.getpeername(self.id(socket)?).map(|name| name.to_bytes()).map_err(Errno::number)
    }

    fn set(&mut self, socket: Handle, level: i32, name: i32, value: &[u8]) -> Outcome {
        plain(self.stack.setsockopt(self.id(socket)?, level, name, value))
    }

    fn get(&mut self, socket: Handle, level: i32, name: i32, room: usize) -> Result<Vec<u8>, i32> {
        let mut into = vec![0; room];
        let len = self.stack.getsockopt(self.id(socket)?, level, name, &mut into).map_err(Errno::number)?;
        into.truncate(len);
        Ok(into)
    }

    fn poll(&mut self, socket: Handle) -> i32 {
        self.id(socket).map_or(0, |id| self.stack.readiness(id).map_or(0, |ready| ready.0.into()))
    }

    fn query(&mut self, socket: Handle, request: u32) -> Outcome {
        outcome(self.stack.query(self.id(socket)?, request), |count| count as i64)
    }

    fn wait(&mut self) {
        self.stack.advance(self.stack.now() + Duration::from_millis(50));
    }
}
