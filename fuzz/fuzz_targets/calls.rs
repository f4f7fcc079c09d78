//! Socket calls in any order with any arguments, among frames and the passing of time.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use loggia_fuzz::{Host, PORT, RandomFrame, V4, V6, address, each};
use loggia_stack::base::{Addr, LinkId, MsgFlags, SockAddr, SocketId};
use loggia_stack::network::Unreachable;
use loggia_stack::socket::Address;
use loggia_stack::transport::tcp::Verdict;

#[derive(Debug, Arbitrary)]
enum Step {
    Frame(RandomFrame),
    Wait(u16),
    LongWait(u8),
    Call(u8, Call),
}

#[derive(Debug, Arbitrary)]
enum Call {
    Socket { family: u8, ty: u8, protocol: u8 },
    Pair { ty: u8 },
    Bind(To),
    Listen(i32),
    Accept,
    Connect(To),
    Send { len: u16, flags: u32 },
    SendTo { len: u16, flags: u32, to: To },
    SendBytes { len: u16, flags: u32 },
    Receive { room: u16, flags: u32, control: u16 },
    ReceiveBytes(u16),
    Shutdown(i32),
    Close,
    Dup,
    Names,
    Get { level: Level, name: u8, room: u8 },
    Set { level: Level, name: u8, value: Vec<u8> },
    Query(u32),
    Unlink(Vec<u8>),
    Transparent(u8, bool),
    BindEveryPort(To),
    PutGate,
    Answer(u8),
    Refuse,
}

#[derive(Debug, Arbitrary)]
enum To {
    /// Ourselves, so that connections come about.
    Us {
        v6: bool,
        link: bool,
        served: bool,
    },
    Loopback {
        v6: bool,
        port: u16,
    },
    Other([u8; 4], u16),
    Group(u8),
    Bytes(Vec<u8>),
}

#[derive(Debug, Arbitrary)]
enum Level {
    Ip,
    Socket,
    Tcp,
    Udp,
    V6,
    Icmpv6,
    Raw,
    Any(i32),
}

fn level(level: &Level) -> i32 {
    match level {
        Level::Ip => 0,
        Level::Socket => 1,
        Level::Tcp => 6,
        Level::Udp => 17,
        Level::V6 => 41,
        Level::Icmpv6 => 58,
        Level::Raw => 255,
        Level::Any(any) => *any,
    }
}

fn to(to: &To) -> Option<Address> {
    let port = |served: bool| if served { PORT } else { 8 };
    let addr = match to {
        To::Us { v6: false, link, served } => SockAddr::new(Addr::from_v4(V4[usize::from(*link)]), port(*served)),
        To::Us { link, served, .. } => SockAddr::new(Addr::from_v6(V6[usize::from(*link)]), port(*served)),
        To::Loopback { v6: false, port } => SockAddr::new(Addr::v4(127, 0, 0, 1), port % 10),
        To::Loopback { port, .. } => SockAddr::new(Addr::from_v6([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), port % 10),
        To::Other(octets, port) => SockAddr::new(Addr::from_v4(*octets), *port),
        To::Group(last) => SockAddr::new(Addr::v4(224, 0, 0, *last), PORT),
        To::Bytes(bytes) => return Address::from_bytes(bytes).ok(),
    };
    Some(address(addr))
}

/// Families and types are drawn from those that exist, and a little beyond.
fn few(number: u8, choices: &[i32]) -> i32 {
    choices.get(usize::from(number) % (choices.len() + 1)).copied().unwrap_or_else(|| i32::from(number))
}

static DATA: [u8; 1 << 16] = [0x55; 1 << 16];

fn call(host: &mut Host, socket: SocketId, call: &Call) {
    let stack = &mut host.stack;
    let data = |len: &u16| &DATA[..usize::from(*len)];
    match call {
        Call::Socket { family, ty, protocol } => {
            let (family, ty) = (few(*family, &[1, 2, 10]), few(*ty, &[1, 2, 3, 5]));
            host.sockets.extend(stack.socket(family, ty, few(*protocol, &[0, 0, 1, 6, 17, 58, 255])));
        }
        Call::Pair { ty } => {
            if let Ok((one, other)) = stack.socketpair(1, few(*ty, &[1, 2, 5]), 0) {
                host.sockets.extend([one, other]);
            }
        }
        Call::Bind(name) => drop(to(name).map(|name| stack.bind(socket, &name))),
        Call::Listen(backlog) => drop(stack.listen(socket, *backlog)),
        Call::Accept => host.sockets.extend(stack.accept(socket).map(|(accepted, _)| accepted)),
        Call::Connect(name) => drop(to(name).map(|name| stack.connect(socket, &name))),
        Call::Send { len, flags } => drop(stack.send(socket, data(len), MsgFlags(*flags))),
        Call::SendTo { len, flags, to: name } => {
            let _ = to(name).map(|name| stack.sendto(socket, data(len), MsgFlags(*flags), &name));
        }
        Call::SendBytes { len, flags } => drop(stack.send_bytes(socket, data(len).to_vec().into(), MsgFlags(*flags))),
        Call::Receive { room, flags, control } => {
            let mut room = vec![0; (*room).into()];
            drop(stack.recvmsg(socket, &mut [&mut room[..]], (*control).into(), MsgFlags(*flags)));
        }
        Call::ReceiveBytes(most) => drop(stack.recv_bytes(socket, (*most).into())),
        Call::Shutdown(how) => drop(stack.shutdown(socket, how % 4)),
        Call::Close => drop(stack.close(socket)),
        Call::Dup => drop(stack.dup(socket)),
        Call::Names => drop((stack.getsockname(socket), stack.getpeername(socket), stack.readiness(socket))),
        Call::Get { level: at, name, room } => {
            let mut room = vec![0; (*room).into()];
            let _ = stack.getsockopt(socket, level(at), (*name).into(), &mut room);
        }
        Call::Set { level: at, name, value } => drop(stack.setsockopt(socket, level(at), (*name).into(), value)),
        Call::Query(request) => drop(stack.query(socket, *request)),
        Call::Unlink(path) => drop(stack.unlink(path)),
        Call::Transparent(link, on) => drop(stack.set_transparent(LinkId(u16::from(*link % 4)), *on)),
        Call::BindEveryPort(name) => drop(to(name).map(|name| stack.bind_every_port(socket, &name))),
        Call::PutGate => drop(stack.put_gate(socket)),
        Call::Answer(verdict) => {
            let verdicts = [Verdict::Accept, Verdict::Refuse, Verdict::Ignore, Verdict::Unreachable(Unreachable::Host)];
            if let Ok(request) = stack.next_request(socket) {
                let _ = stack.answer(socket, &request, verdicts[usize::from(verdict % 4)]);
            }
        }
        Call::Refuse => drop(stack.refuse(socket, b"quoted")),
    }
}

fuzz_target!(|data: &[u8]| {
    let mut host = Host::new(data);
    each(data, 200, |step| match step {
        Step::Frame(frame) => {
            let (link, frame) = frame.build(host.links);
            host.bring(link, frame);
        }
        Step::Wait(milliseconds) => host.wait(milliseconds.into()),
        Step::LongWait(seconds) => host.wait(u32::from(seconds) * 1000),
        Step::Call(number, what) => {
            let socket = host.sockets[usize::from(number) % host.sockets.len()];
            call(&mut host, socket, &what);
            host.drain();
        }
    });
    host.wait(600_000);
    let _ = host.stack.inspect();
});
