//! The language of the list: a call a line, sockets by letters.
//!
//! ```text
//! a = socket inet stream      the socket named a
//! bind a 127.0.0.1:0          addresses as text; @a is the name of socket a, unix:x an abstract name, none is AF_UNSPEC
//! send a hello OOB            data, flags
//! recv a 10 PEEK              room, flags
//! set a SOL_SOCKET 7 1000     level, number, int
//! get a SOL_SOCKET 7          an int, or the length if it is not four bytes
//! poll a
//! wait                        lets what is on its way arrive
//! ```

use std::collections::HashMap;

use loggia_stack::Errno;
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::*;
use loggia_stack::transport::unix::UnixAddress;

/// A socket of a world.
pub(crate) type Handle = i32;
/// What a call gives: a number or an error number.
pub(crate) type Outcome = Result<i64, i32>;

/// What both kernels can do.
pub(crate) trait World {
    fn socket(&mut self, family: i32, ty: i32, protocol: i32) -> Outcome;
    fn pair(&mut self, family: i32, ty: i32) -> Result<(Handle, Handle), i32>;
    fn bind(&mut self, socket: Handle, address: &[u8]) -> Outcome;
    fn connect(&mut self, socket: Handle, address: &[u8]) -> Outcome;
    fn listen(&mut self, socket: Handle, backlog: i32) -> Outcome;
    fn accept(&mut self, socket: Handle) -> Outcome;
    fn send(&mut self, socket: Handle, data: &[u8], flags: i32, to: Option<&[u8]>) -> Outcome;
    /// Bytes returned, data, flags of the message, the sender.
    fn receive(&mut self, socket: Handle, room: usize, flags: i32) -> Result<(usize, Vec<u8>, i32, Vec<u8>), i32>;
    fn shutdown(&mut self, socket: Handle, how: i32) -> Outcome;
    fn close(&mut self, socket: Handle) -> Outcome;
    fn local(&mut self, socket: Handle) -> Result<Vec<u8>, i32>;
    fn peer(&mut self, socket: Handle) -> Result<Vec<u8>, i32>;
    fn set(&mut self, socket: Handle, level: i32, name: i32, value: &[u8]) -> Outcome;
    fn get(&mut self, socket: Handle, level: i32, name: i32, room: usize) -> Result<Vec<u8>, i32>;
    fn poll(&mut self, socket: Handle) -> i32;
    fn query(&mut self, socket: Handle, request: u32) -> Outcome;
    fn wait(&mut self);
}

/// A line of the list.
pub(crate) struct Line {
    pub(crate) number: usize,
    pub(crate) call: String,
    pub(crate) expected: Option<String>,
}

/// Takes the list apart.
pub(crate) fn lines(text: &str) -> Vec<Line> {
    let line = |(index, line): (usize, &str)| {
        let (call, expected) = match line.split_once(" => ") {
            Some((call, expected)) => (call, Some(expected.trim().to_string())),
            None => (line, None),
        };
        Line { number: index + 1, call: call.trim().to_string(), expected }
    };
    text.lines().enumerate().map(line).collect()
}

/// Runs lines in a world.
pub(crate) struct Script<'a> {
    world: &'a mut dyn World,
    sockets: HashMap<String, Handle>,
}

impl<'a> Script<'a> {
    pub(crate) fn new(world: &'a mut dyn World) -> Self {
        Self { world, sockets: HashMap::new() }
    }

    /// A blank line or a title: the story before it is over.
    pub(crate) fn end(&mut self) -> String {
        for (_, socket) in self.sockets.drain() {
            let _ = self.world.close(socket);
        }
        self.world.wait();
        String::new()
    }

    /// Runs a call; says what it gave.
    pub(crate) fn run(&mut self, call: &str) -> String {
        let words: Vec<&str> = call.split_whitespace().collect();
        match words[..] {
            [name, "=", "socket", family, ty] => self.opened(name, |world| world.socket(family_of(family), type_of(ty), 0)),
            [name, "=", "socket", family, ty, protocol] => {
                self.opened(name, |world| world.socket(family_of(family), type_of(ty), protocol.parse().unwrap()))
            }
            [name, "=", "accept", listener] => {
                let listener = self.socket(listener);
                self.opened(name, |world| world.accept(listener))
            }
            [a, b, "=", "pair", ty] => match self.world.pair(AF_UNIX, type_of(ty)) {
                Ok((first, second)) => {
                    self.sockets.extend([(a.to_string(), first), (b.to_string(), second)]);
                    "ok".into()
                }
                Err(error) => errno(error),
            },
            ["wait"] => {
                self.world.wait();
                String::new()
            }
            [verb, socket, ref rest @ ..] => {
                let socket = self.socket(socket);
                self.call(verb, socket, rest)
            }
            _ => panic!("not understood: {call}"),
        }
    }

    fn opened(&mut self, name: &str, open: impl FnOnce(&mut dyn World) -> Outcome) -> String {
        match open(self.world) {
            Ok(handle) => {
                self.sockets.insert(name.to_string(), handle as Handle);
                "ok".into()
            }
            Err(error) => errno(error),
        }
    }

    fn socket(&self, name: &str) -> Handle {
        *self.sockets.get(name).unwrap_or(&-1)
    }

    fn call(&mut self, verb: &str, socket: Handle, rest: &[&str]) -> String {
        let number = |at: usize| rest.get(at).map_or(0, |word| word.parse::<i32>().unwrap_or_else(|_| panic!("{verb} {rest:?}")));
        match verb {
            "bind" | "connect" => {
                let address = self.address(rest[0]);
                plain(if verb == "bind" { self.world.bind(socket, &address) } else { self.world.connect(socket, &address) })
            }
            "listen" => plain(self.world.listen(socket, number(0))),
            "shutdown" => plain(self.world.shutdown(socket, number(0))),
            "send" => counted(self.world.send(socket, &data(rest[0]), flags(&rest[1..]), None)),
            "sendto" => {
                let to = self.address(rest[0]);
                counted(self.world.send(socket, &data(rest[1]), flags(&rest[2..]), Some(&to)))
            }
            "recv" | "recvfrom" => match self.world.receive(socket, number(0) as usize, flags(&rest[1..])) {
                Ok(got) => received(got, verb == "recvfrom"),
                Err(error) => errno(error),
            },
            "name" => named(self.world.local(socket)),
            "peer" => named(self.world.peer(socket)),
            "set" => plain(self.world.set(socket, level(rest[0]), number(1), &value(&rest[2..]))),
            "get" => {
                match self.world.get(socket, level(rest[0]), number(1), rest.get(2).map_or(256, |room| room.parse().unwrap())) {
                    Ok(value) => match value[..].try_into() {
                        Ok(four) => i32::from_ne_bytes(four).to_string(),
                        Err(_) => format!("{} bytes", value.len()),
                    },
                    Err(error) => errno(error),
                }
            }
            "poll" => bits(self.world.poll(socket)),
            "query" => counted(self.world.query(socket, request(rest[0]))),
            _ => panic!("not understood: {verb}"),
        }
    }

    fn address(&mut self, text: &str) -> Vec<u8> {
        if let Some(name) = text.strip_prefix('@') {
            let socket = self.socket(name);
            return self.world.local(socket).unwrap_or_default();
        }
        match text.strip_prefix("unix:") {
            Some("") => Address::Unix(UnixAddress::Unnamed).to_bytes(),
            Some(name) => Address::from(UnixAddress::abstract_name(&unix_name(name)).unwrap()).to_bytes(),
            None if text == "none" => [0; 16].to_vec(),
            None if text == "short" => vec![2, 0],
            None => text.parse::<Address>().unwrap_or_else(|_| panic!("an address: {text}")).to_bytes(),
        }
    }
}

/// Names no other process has.
fn unix_name(name: &str) -> Vec<u8> {
    format!("loggia-test-{}-{name}", std::process::id()).into_bytes()
}

fn family_of(word: &str) -> i32 {
    match word {
        "inet" => AF_INET,
        "inet6" => AF_INET6,
        "unix" => AF_UNIX,
        number => number.parse().unwrap(),
    }
}

fn type_of(word: &str) -> i32 {
    match word {
        "stream" => SOCK_STREAM,
        "dgram" => SOCK_DGRAM,
        "seqpacket" => SOCK_SEQPACKET,
        "raw" => SOCK_RAW,
        number => number.parse().unwrap(),
    }
}

fn level(word: &str) -> i32 {
    match word {
        "SOCKET" => sol_socket::LEVEL,
        "IP" => ip::LEVEL,
        "IPV6" => ipv6::LEVEL,
        "TCP" => tcp::LEVEL,
        "UDP" => udp::LEVEL,
        number => number.parse().unwrap(),
    }
}

fn request(word: &str) -> u32 {
    match word {
        "INQ" => SIOCINQ,
        "OUTQ" => SIOCOUTQ,
        "ATMARK" => SIOCATMARK,
        number => number.parse().unwrap(),
    }
}

/// Numbers are an `int` each, `x` and hexadecimal digits are bytes.
fn value(words: &[&str]) -> Vec<u8> {
    let one = |word: &&str| match word.strip_prefix('x') {
        Some(hex) => (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect::<Vec<u8>>(),
        None => word.parse::<i32>().unwrap().to_ne_bytes().to_vec(),
    };
    words.iter().flat_map(one).collect()
}

/// A word is its letters; `-` is nothing; `*n` is n bytes.
fn data(word: &str) -> Vec<u8> {
    match word.strip_prefix('*') {
        Some(count) => vec![b'*'; count.parse().unwrap()],
        None if word == "-" => Vec::new(),
        None => word.as_bytes().to_vec(),
    }
}

const FLAGS: [(&str, i32); 8] = [
    ("OOB", 1),
    ("PEEK", 2),
    ("CTRUNC", 8),
    ("TRUNC", 0x20),
    ("EOR", 0x80),
    ("WAITALL", 0x100),
    ("ERRQUEUE", 0x2000),
    ("MORE", 0x8000),
];

fn flags(words: &[&str]) -> i32 {
    let one = |word: &&str| FLAGS.iter().find(|(name, _)| name == word).unwrap_or_else(|| panic!("a flag: {word}")).1;
    words.iter().map(one).fold(0, |all, flag| all | flag)
}

fn plain(outcome: Outcome) -> String {
    outcome.map_or_else(errno, |_| "ok".into())
}

fn counted(outcome: Outcome) -> String {
    outcome.map_or_else(errno, |count| count.to_string())
}

fn received((count, data, flags, from): (usize, Vec<u8>, i32, Vec<u8>), tell_sender: bool) -> String {
    let mut text = format!("{count} \"{}\"", data.escape_ascii());
    for (name, flag) in FLAGS {
        if flags & flag != 0 {
            text.push(' ');
            text.push_str(name);
        }
    }
    if tell_sender {
        text.push_str(" from ");
        text.push_str(&named(Ok(from)));
    }
    text
}

/// A name; ports that were chosen for us are all called P.
fn named(name: Result<Vec<u8>, i32>) -> String {
    let bytes = match name {
        Ok(bytes) if bytes.is_empty() => return "nobody".into(),
        Ok(bytes) => bytes,
        Err(error) => return errno(error),
    };
    match Address::from_bytes(&bytes) {
        Ok(Address::Unix(UnixAddress::Abstract(name))) => {
            let own = format!("loggia-test-{}-", std::process::id()).into_bytes();
            match name.strip_prefix(&own[..]) {
                Some(rest) => format!("unix:{}", rest.escape_ascii()),
                None => format!("unix: chosen, {} bytes", name.len()),
            }
        }
        Ok(address) => match address.sock_addr() {
            Some(at) if at.port > 1024 => address.to_string().replace(&format!(":{}", at.port), ":P"),
            _ => address.to_string(),
        },
        Err(error) => format!("{error:?}"),
    }
}

fn bits(bits: i32) -> String {
    let names = [("IN", 1), ("PRI", 2), ("OUT", 4), ("ERR", 8), ("HUP", 0x10), ("RDHUP", 0x2000)];
    let set: Vec<&str> = names.iter().filter(|(_, bit)| bits & bit != 0).map(|(name, _)| *name).collect();
    if set.is_empty() { "-".into() } else { set.join("|") }
}

/// The symbol of an error number.
fn errno(number: i32) -> String {
    use Errno::*;
    let known = [
        EPERM,
        ENOENT,
        ENXIO,
        EBADF,
        EAGAIN,
        ENOMEM,
        EACCES,
        EFAULT,
        EEXIST,
        ENODEV,
        EINVAL,
        ENFILE,
        EMFILE,
        ENOTTY,
        EPIPE,
        EDOM,
        ENAMETOOLONG,
        EPROTO,
        ENOTSOCK,
        EDESTADDRREQ,
        EMSGSIZE,
        EPROTOTYPE,
        ENOPROTOOPT,
        EPROTONOSUPPORT,
        ESOCKTNOSUPPORT,
        EOPNOTSUPP,
        EAFNOSUPPORT,
        EADDRINUSE,
        EADDRNOTAVAIL,
        ENETDOWN,
        ENETUNREACH,
        ECONNABORTED,
        ECONNRESET,
        ENOBUFS,
        EISCONN,
        ENOTCONN,
        ETIMEDOUT,
        ECONNREFUSED,
        EHOSTUNREACH,
        EALREADY,
        EINPROGRESS,
    ];
    known
        .iter()
        .find(|errno| errno.number() == number)
        .map_or_else(|| format!("errno {number}"), |errno| errno.name().to_string())
}
