//! The language of scenarios: one call a line, and what it gives.
//!
//! ```text
//! socket KIND x         pair KIND x y        bind x NAME          listen x N         connect x NAME     accept x y
//! send x DATA [FLAGS]   sendto x NAME DATA   pass x DATA y ..     recv x N [FLAGS]   take x N y         fill x N
//! shutdown x HOW        close x              poll x               name x             peer x             peercred x
//! set x OPTION N        get x OPTION         inq x   outq x       atmark x           unlink NAME
//! ```
//!
//! Kinds are `stream`, `dgram`, `packet`; a name is `path`, `@abstract`, `-` (none) or, to connect to, `unspec`; data is text, `-` for none,
//! or `*N` for N bytes; `fill` writes N bytes at a time until that fails; `take` is a `recv` whose first right becomes socket `y`.

use std::collections::BTreeMap;

use super::world::{Answer, Got, Handle, Letter, Name, World};

/// Runs a scenario's calls and says what each gives.
pub struct Script<'w> {
    world: &'w mut dyn World,
    sockets: BTreeMap<String, Handle>,
}

impl<'w> Script<'w> {
    pub fn new(world: &'w mut dyn World) -> Self {
        Self { world, sockets: BTreeMap::new() }
    }

    /// Runs one call. A call on a socket that does not exist says so.
    pub fn run(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match words[..] {
            ["socket", kind, x] => Ok(self.put(x, kind)),
            ["pair", kind, x, y] => Ok(self.pair(kind, x, y)),
            ["unlink", name] => self.world.unlink(&Name(name.into())).map(|()| "ok".into()),
            [call, x, ref rest @ ..] => match self.sockets.get(x) {
                Some(&at) => self.call(call, x, at, rest),
                None => return "no socket".into(),
            },
            _ => panic!("no call: {line}"),
        };
        answer.unwrap_or_else(errno)
    }

    /// Closes what is open.
    pub fn end(mut self) {
        for at in std::mem::take(&mut self.sockets).into_values() {
            self.world.close(at);
        }
    }

    fn put(&mut self, x: &str, kind: &str) -> String {
        let at = self.world.open(number(kind));
        self.name(x, at);
        "ok".into()
    }

    fn pair(&mut self, kind: &str, x: &str, y: &str) -> String {
        let (a, b) = self.world.pair(number(kind));
        self.name(x, a);
        self.name(y, b);
        "ok".into()
    }

    fn name(&mut self, x: &str, at: Handle) {
        if let Some(old) = self.sockets.insert(x.into(), at) {
            self.world.close(old);
        }
    }

    fn call(&mut self, call: &str, x: &str, at: Handle, rest: &[&str]) -> Answer<String> {
        let world = &mut *self.world;
        let ok = |()| "ok".to_string();
        match (call, rest) {
            ("bind", [name]) => world.bind(at, &Name((*name).into())).map(ok),
            ("listen", [n]) => world.listen(at, number(n)).map(ok),
            ("connect", ["unspec"]) => world.connect(at, None).map(ok),
            ("connect", [name]) => world.connect(at, Some(&Name((*name).into()))).map(ok),
            ("accept", [y]) => {
                let accepted = world.accept(at)?;
                self.name(y, accepted);
                Ok("ok".into())
            }
            ("send", [data, flags @ ..]) => self.send(at, data, None, flags_of(flags), &[]),
            ("sendto", [name, data]) => self.send(at, data, Some(&Name((*name).into())), 0, &[]),
            ("pass", [data, sockets @ ..]) => self.send(at, data, None, 0, sockets),
            ("recv", [n, flags @ ..]) => self.receive(at, n, flags_of(flags), None),
            ("take", [n, y]) => self.receive(at, n, 0, Some(y)),
            ("fill", [n]) => Ok(self.fill(at, number(n) as usize)),
            ("shutdown", [how]) => world.shutdown(at, number(how)).map(ok),
            ("close", []) => {
                self.sockets.remove(x);
                self.world.close(at);
                Ok("ok".into())
            }
            ("poll", []) => Ok(bits(world.poll(at))),
            ("name", []) => world.local_name(at),
            ("peer", []) => world.peer_name(at),
            ("peercred", []) => world.peer_credentials(at).map(credentials),
            ("set", [option, n]) => world.set_option(at, number(option), number(n)).map(ok),
            ("get", ["SO_ERROR"]) => world.option(at, 4).map(|number| if number == 0 { "0".into() } else { errno(number) }),
            ("get", [option]) => world.option(at, number(option)).map(|value| value.to_string()),
            ("inq", []) => world.query(at, 0x541b).map(|n| n.to_string()),
            ("outq", []) => world.query(at, 0x5411).map(|n| n.to_string()),
            ("atmark", []) => world.query(at, 0x8905).map(|n| n.to_string()),
            _ => panic!("no call: {call} {rest:?}"),
        }
    }

    fn send(&mut self, at: Handle, data: &str, to: Option<&Name>, flags: i32, rights: &[&str]) -> Answer<String> {
        let rights = rights.iter().filter_map(|x| self.sockets.get(*x).copied()).collect();
        self.world.send(at, &Letter { data: &bytes(data), to, flags, rights }).map(|n| n.to_string())
    }

    fn receive(&mut self, at: Handle, len: &str, flags: i32, first_right: Option<&str>) -> Answer<String> {
        let got = self.world.receive(at, number(len) as usize, flags)?;
        let text = describe(&got);
        let mut rights = got.rights.into_iter();
        if let Some(y) = first_right
            && let Some(right) = rights.next()
        {
            self.name(y, right);
        }
        rights.for_each(|right| self.world.close(right));
        Ok(text)
    }

    fn fill(&mut self, at: Handle, len: usize) -> String {
        let data = vec![b'x'; len];
        let (mut calls, mut total) = (0, 0);
        loop {
            match self.world.send(at, &Letter { data: &data, ..Letter::default() }) {
                Ok(sent) => (calls, total) = (calls + 1, total + sent),
                Err(number) => return format!("{total} in {calls}, {}", errno(number)),
            }
        }
    }
}

fn describe(got: &Got) -> String {
    let mut parts = vec![match got.bytes.len() {
        0..=40 => format!("\"{}\"", String::from_utf8_lossy(&got.bytes)),
        len => format!("{len} bytes"),
    }];
    if got.len != got.bytes.len() {
        parts.push(format!("of {}", got.len));
    }
    let flags = [(1, "OOB"), (0x20, "TRUNC"), (8, "CTRUNC"), (0x80, "EOR")];
    parts.extend(flags.iter().filter(|(bit, _)| got.flags & bit != 0).map(|(_, name)| (*name).to_string()));
    if got.from != b"-" && !got.from.is_empty() {
        parts.push(format!("from {}", String::from_utf8_lossy(&got.from)));
    }
    parts.extend(got.credentials.map(|who| format!("by {}", credentials(who))));
    if !got.rights.is_empty() {
        parts.push(format!("with {} rights", got.rights.len()));
    }
    parts.join(" ")
}

/// Process, user, group; one's own are `me`.
fn credentials([pid, uid, gid]: [i64; 3]) -> String {
    if pid == i64::from(std::process::id()) { "me".into() } else { format!("{pid}/{uid}/{gid}") }
}

fn bytes(data: &str) -> Vec<u8> {
    match data.strip_prefix('*') {
        Some(n) => vec![b'y'; n.parse().expect("a length")],
        None if data == "-" => Vec::new(),
        None => data.as_bytes().to_vec(),
    }
}

fn flags_of(words: &[&str]) -> i32 {
    words.iter().fold(0, |flags, word| flags | number(word))
}

fn number(word: &str) -> i32 {
    match word {
        "stream" => 1,
        "dgram" => 2,
        "packet" => 5,
        "rd" => 0,
        "wr" => 1,
        "both" => 2,
        "OOB" => 1,
        "PEEK" => 2,
        "TRUNC" => 0x20,
        "WAITALL" => 0x100,
        "SO_SNDBUF" => 7,
        "SO_OOBINLINE" => 10,
        "SO_PASSCRED" => 16,
        "SO_ACCEPTCONN" => 30,
        "SO_PEEK_OFF" => 42,
        "SO_PASSRIGHTS" => 83,
        _ => word.parse().unwrap_or_else(|_| panic!("no number: {word}")),
    }
}

fn bits(ready: u16) -> String {
    let names = [(1, "IN"), (2, "PRI"), (4, "OUT"), (8, "ERR"), (0x10, "HUP"), (0x2000, "RDHUP")];
    let set: Vec<&str> = names.iter().filter(|(bit, _)| ready & bit != 0).map(|(_, name)| *name).collect();
    if set.is_empty() { "-".into() } else { set.join("|") }
}

fn errno(number: i32) -> String {
    let names = [
        (1, "EPERM"),
        (2, "ENOENT"),
        (3, "ESRCH"),
        (9, "EBADF"),
        (11, "EAGAIN"),
        (14, "EFAULT"),
        (22, "EINVAL"),
        (28, "ENOSPC"),
        (32, "EPIPE"),
        (90, "EMSGSIZE"),
        (91, "EPROTOTYPE"),
        (92, "ENOPROTOOPT"),
        (95, "EOPNOTSUPP"),
        (98, "EADDRINUSE"),
        (104, "ECONNRESET"),
        (105, "ENOBUFS"),
        (106, "EISCONN"),
        (107, "ENOTCONN"),
        (109, "ETOOMANYREFS"),
        (111, "ECONNREFUSED"),
    ];
    names.iter().find(|(n, _)| *n == number).map_or_else(|| format!("errno {number}"), |(_, name)| (*name).to_string())
}
