//! The stack's AF_UNIX sockets, through the calls of `Stack`.

use loggia_stack::base::{Key, MsgFlags, Seed};
use loggia_stack::engine::{Config, Stack};
use loggia_stack::socket::{Address, Control, Message};
use loggia_stack::transport::unix::{Credentials, Right, UnixAddress};
use loggia_stack::{Errno, Instant};

use super::world::{Answer, Got, Handle, Letter, Name, World};

const AF_UNIX: i32 = 1;
const SOL_SOCKET: i32 = 1;

/// One host. A handle is the bits of a socket's name.
pub struct Ours {
    stack: Stack,
}

impl Ours {
    pub fn new() -> Self {
        Self { stack: Stack::new(Config::default(), Seed::from(1), Instant::EPOCH) }
    }

    /// Sockets are ours: as the kernel's are this process's.
    fn own(&mut self, id: Key) -> Handle {
        let pid = std::process::id() as i32;
        self.stack.set_credentials(id, Credentials { pid, uid: 0, gid: 0 }).expect("a living socket");
        id.to_bits() as usize
    }
}

fn id(at: Handle) -> Key {
    Key::from_bits(at as u64)
}

fn number(errno: Errno) -> i32 {
    errno.number()
}

fn address(name: &Name) -> Address {
    Address::Unix(UnixAddress::from_sun_path(&name.sun_path("")).expect("a short name"))
}

fn text(address: &Address) -> String {
    match address {
        Address::Unix(address) => Name::read(&address.to_sun_path(), ""),
        // A message's sender that has no name is told by no address at all.
        Address::Unspecified => Name::read(&[], ""),
        other => other.to_string(),
    }
}

impl World for Ours {
    fn open(&mut self, kind: i32) -> Handle {
        let id = self.stack.socket(AF_UNIX, kind, 0).expect("a socket");
        self.own(id)
    }

    fn pair(&mut self, kind: i32) -> (Handle, Handle) {
        let (a, b) = self.stack.socketpair(AF_UNIX, kind, 0).expect("a pair");
        (self.own(a), self.own(b))
    }

    fn bind(&mut self, at: Handle, name: &Name) -> Answer<()> {
        self.stack.bind(id(at), &address(name)).map_err(number)
    }

    fn listen(&mut self, at: Handle, backlog: i32) -> Answer<()> {
        self.stack.listen(id(at), backlog).map_err(number)
    }

    fn connect(&mut self, at: Handle, name: Option<&Name>) -> Answer<()> {
        self.stack.connect(id(at), &name.map(address).unwrap_or_default()).map_err(number)
    }

    fn accept(&mut self, at: Handle) -> Answer<Handle> {
        let (accepted, _) = self.stack.accept(id(at)).map_err(number)?;
        Ok(self.own(accepted))
    }

    fn send(&mut self, at: Handle, letter: &Letter<'_>) -> Answer<usize> {
        let to = letter.to.map(address);
        let rights = letter.rights.iter().map(|&right| Right::Socket(id(right))).collect();
        let control = if letter.rights.is_empty() { Vec::new() } else { vec![Control::Rights(rights)] };
        let flags = MsgFlags(letter.flags as u32) | MsgFlags::DONTWAIT;
        let message = Message { data: &[letter.data], to: to.as_ref(), control: &control, flags };
        self.stack.sendmsg(id(at), &message).map_err(number)
    }

    fn receive(&mut self, at: Handle, len: usize, flags: i32) -> Answer<Got> {
        let mut room = vec![0; len];
        let flags = MsgFlags(flags as u32) | MsgFlags::DONTWAIT;
        let received = self.stack.recvmsg(id(at), &mut [&mut room], 4096, flags).map_err(number)?;
        room.truncate(received.len);
        let mut got = Got { bytes: room, len: received.len, flags: received.flags.0 as i32, ..Got::default() };
        got.from = text(&received.from).into_bytes();
        for item in received.control {
            match item {
                Control::Credentials(who) => got.credentials = Some([who.pid.into(), who.uid.into(), who.gid.into()]),
                Control::Rights(rights) => got.rights.extend(rights.iter().map(|right| match right {
                    Right::Socket(id) => id.to_bits() as usize,
                    Right::Foreign(_) => panic!("only sockets are passed"),
                })),
                other => panic!("{other:?}"),
            }
        }
        Ok(got)
    }

    fn shutdown(&mut self, at: Handle, how: i32) -> Answer<()> {
        self.stack.shutdown(id(at), how).map_err(number)
    }

    fn close(&mut self, at: Handle) {
        self.stack.close(id(at)).expect("an open handle");
    }

    fn poll(&mut self, at: Handle) -> u16 {
        self.stack.readiness(id(at)).expect("an open handle").0
    }

    fn local_name(&mut self, at: Handle) -> Answer<String> {
        self.stack.getsockname(id(at)).map(|address| text(&address)).map_err(number)
    }

    fn peer_name(&mut self, at: Handle) -> Answer<String> {
        self.stack.getpeername(id(at)).map(|address| text(&address)).map_err(number)
    }

    fn set_option(&mut self, at: Handle, name: i32, value: i32) -> Answer<()> {
        self.stack.setsockopt(id(at), SOL_SOCKET, name, &value.to_ne_bytes()).map_err(number)
    }

    fn option(&mut self, at: Handle, name: i32) -> Answer<i32> {
        let mut value = [0; 4];
        self.stack.getsockopt(id(at), SOL_SOCKET, name, &mut value).map_err(number)?;
        Ok(i32::from_ne_bytes(value))
    }

    fn peer_credentials(&mut self, at: Handle) -> Answer<[i64; 3]> {
        let mut value = [0; 12];
        self.stack.getsockopt(id(at), SOL_SOCKET, 17, &mut value).map_err(number)?;
        let word = |n: usize| u32::from_ne_bytes(value[4 * n..4 * n + 4].try_into().expect("four bytes")).into();
        Ok([word(0), word(1), word(2)])
    }

    fn query(&mut self, at: Handle, request: u32) -> Answer<usize> {
        self.stack.query(id(at), request).map_err(number)
    }

    fn unlink(&mut self, name: &Name) -> Answer<()> {
        self.stack.unlink(name.0.as_bytes()).map_err(number)
    }
}
