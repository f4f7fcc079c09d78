//! Calls in any order with any arguments: an errno or a result, never a panic, and nothing is left behind.

use std::collections::BTreeMap;
use std::time::Duration;

use loggia_stack::SocketId;
use loggia_stack::base::event::class;
use loggia_stack::base::{LinkId, MsgFlags, What};
use loggia_stack::engine::Stack;
use loggia_stack::network::Unreachable;
use loggia_stack::socket::numbers::*;
use loggia_stack::socket::{Address, Control, Message};
use loggia_stack::transport::tcp::Verdict;
use loggia_stack::transport::unix::{Right, UnixAddress};

use crate::common::{Net, addr, get};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    fn number(&mut self) -> i32 {
        match self.below(4) {
            0 => self.below(300) as i32 - 2,
            1 => self.one_of(&[i32::MIN, i32::MAX, -1, 0, 1, 65535, 65536]),
            2 => self.below(100_000) as i32,
            _ => self.next() as i32,
        }
    }

    fn address(&mut self) -> Address {
        let port = self.one_of(&[0u16, 7, 8, 9, 65535]);
        match self.below(8) {
            0 => Address::Unspecified,
            1 => addr(&format!("127.0.0.1:{port}")),
            2 => addr(&format!("10.0.0.{}:{port}", self.below(4))),
            3 => addr(&format!("[fd00::{}]:{port}", self.below(4))),
            4 => addr(self.one_of(&["0.0.0.0:7", "[::]:7", "255.255.255.255:7", "224.0.0.1:7", "[ff02::1]:7", "[fe80::1]:7"])),
            5 => UnixAddress::from_sun_path(&[b'a' + self.below(3) as u8]).unwrap().into(),
            6 => UnixAddress::from_sun_path(&[0, b'a' + self.below(3) as u8]).unwrap().into(),
            _ => Address::Unix(UnixAddress::Unnamed),
        }
    }
}

fn call(net: &mut Net, sockets: &mut [Vec<SocketId>; 2], random: &mut Random) {
    let host = random.below(2);
    let (stack, mine) = (&mut net.hosts[host], &mut sockets[host]);
    if mine.is_empty() || random.below(10) == 0 && mine.len() < 20 {
        let (family, ty) = (random.one_of(&[AF_UNIX, AF_INET, AF_INET6]), random.one_of(&[1, 1, 1, 2, 2, 3, 5]));
        let protocol = random.one_of(&[0, 0, 0, 1, 6, 17, 58, 255]);
        if random.below(4) == 0 {
            mine.extend(stack.socketpair(family, ty, 0).into_iter().flat_map(|(a, b)| [a, b]));
        } else {
            mine.extend(stack.socket(family, ty, protocol));
        }
        return;
    }
    let at = random.below(mine.len());
    let socket = mine[at];
    let len = random.one_of(&[0, 1, 100, 1500, 70_000]);
    let flags = MsgFlags(random.one_of(&[0, 0, 0, 1, 2, 0x20, 0x40, 0x100, 0x8000, 0x2000, 0xffff_ffff]));
    match random.below(18) {
        0 => _ = stack.bind(socket, &random.address()),
        1 => _ = stack.listen(socket, random.number()),
        2 => mine.extend(stack.accept(socket).map(|(socket, _)| socket)),
        3 => _ = stack.connect(socket, &random.address()),
        4 => meet(net, sockets, random, host),
        5 | 6 => _ = stack.send(socket, &vec![7; len], flags),
        7 => _ = stack.sendto(socket, &vec![7; len], flags, &random.address()),
        8 | 9 => _ = stack.recv(socket, &mut vec![0; len], flags),
        10 => send_control(stack, mine, socket, random, flags),
        11 => receive_control(stack, mine, socket, random, flags),
        12 => _ = stack.shutdown(socket, random.below(4) as i32),
        13 => {
            let (level, name) = (random.one_of(&[0, 1, 6, 17, 41, 58, 255]), random.number());
            let name = if random.below(2) == 0 { name } else { random.below(80) as i32 };
            let number = random.number().to_ne_bytes();
            let _ = stack.setsockopt(socket, level, name, &number[..random.one_of(&[4, 4, 4, 1, 0])]);
            let _ = stack.getsockopt(socket, level, name, &mut vec![0; random.below(20)]);
        }
        14 => {
            let _ = (stack.getsockname(socket), stack.getpeername(socket), stack.readiness(socket));
            let _ = stack.query(socket, random.one_of(&[SIOCINQ, SIOCOUTQ, SIOCATMARK, SIOCOUTQNSD, 0]));
            let _ = stack.recv_bytes(socket, len);
        }
        15 | 16 => proxy(stack, socket, random),
        _ => {
            if random.below(2) == 0 && stack.dup(socket).is_ok() {
                mine.push(socket);
            } else {
                mine.remove(at);
                stack.close(socket).unwrap();
            }
        }
    }
}

/// What a host does that answers for others.
fn proxy(stack: &mut Stack, socket: SocketId, random: &mut Random) {
    match random.below(8) {
        0 => _ = stack.set_transparent(LinkId(random.below(4) as u16), random.below(2) == 0),
        1 => _ = stack.bind_every_port(socket, &random.address()),
        2 => _ = stack.put_gate(socket),
        3 => _ = stack.refuse(socket, b"quoted"),
        _ => {
            let verdicts = [
                Verdict::Accept,
                Verdict::Accept,
                Verdict::Refuse,
                Verdict::Ignore,
                Verdict::Unreachable(Unreachable::Network),
                Verdict::Unreachable(Unreachable::Host),
                Verdict::Unreachable(Unreachable::Prohibited),
            ];
            while let Ok(request) = stack.next_request(socket) {
                stack.answer(socket, &request, random.one_of(&verdicts)).unwrap();
            }
        }
    }
}

/// A new socket connects to where some socket is that may be listening, and has it accept sooner or later.
fn meet(net: &mut Net, sockets: &mut [Vec<SocketId>; 2], random: &mut Random, host: usize) {
    let there = random.below(2);
    if sockets[there].is_empty() {
        return;
    }
    let service = random.one_of(&sockets[there]);
    let _ = net.hosts[there].listen(service, 2);
    let Ok(mut name) = net.hosts[there].getsockname(service) else { return };
    if let Address::Inet(at) | Address::Inet6 { addr: at, .. } = &mut name
        && at.addr.is_unspecified()
    {
        let text = if at.addr.is_v4() { format!("10.0.0.{}", there + 1) } else { format!("fd00::{}", there + 1) };
        at.addr = text.parse().unwrap();
    }
    let mut asked = |name| get(&mut net.hosts[there], service, sol_socket::LEVEL, name).unwrap();
    let (family, ty) = (asked(sol_socket::SO_DOMAIN), asked(sol_socket::SO_TYPE));
    let Ok(socket) = net.hosts[host].socket(family, ty, 0) else { return };
    sockets[host].push(socket);
    let _ = net.hosts[host].connect(socket, &name);
    net.run_for(Duration::from_millis(random.below(200) as u64));
    if random.below(4) == 0 {
        let _ = net.hosts[there].put_gate(service);
    }
    proxy(&mut net.hosts[there], service, random);
    let _ = net.hosts[host].connect(socket, &name);
    if random.below(4) > 0 {
        sockets[there].extend(net.hosts[there].accept(service).map(|(socket, _)| socket));
    }
}

fn send_control(stack: &mut Stack, mine: &[SocketId], socket: SocketId, random: &mut Random, flags: MsgFlags) {
    let control = [
        Control::Rights(vec![Right::Socket(random.one_of(mine)), Right::Foreign(1)]),
        Control::Ttl(random.number()),
        Control::SegmentSize(random.next() as u16),
        Control::PktInfo6 { link: random.number() as u32, addr: random.address().sock_addr().unwrap_or_default().addr },
    ];
    let control = &control[random.below(4)..];
    let _ = stack.sendmsg(socket, &Message { data: &[b"x", &[], b"yz"], to: None, control, flags });
}

/// What is received of sockets is ours from then on.
fn receive_control(stack: &mut Stack, mine: &mut Vec<SocketId>, socket: SocketId, random: &mut Random, flags: MsgFlags) {
    let got = stack.recvmsg(socket, &mut [&mut [0; 3], &mut [0; 100]], random.below(200), flags);
    for item in got.into_iter().flat_map(|got| got.control) {
        if let Control::Rights(rights) = item {
            mine.extend(rights.iter().filter_map(|right| match right {
                Right::Socket(id) => Some(*id),
                Right::Foreign(_) => None,
            }));
        }
    }
}

/// Calls that did what they were asked, by name.
type Tally = BTreeMap<String, u32>;

fn tally(stack: &mut Stack, into: &mut Tally) {
    while let Some(event) = stack.next_event() {
        let name = match event.what {
            What::Call { call, result: Ok(_), .. } => format!("{call:?}"),
            What::Write { result: Ok(1..), .. } => "Send".into(),
            What::Read { result: Ok(1..), .. } => "Recv".into(),
            _ => continue,
        };
        *into.entry(name).or_default() += 1;
    }
}

/// Runs one seed: two hosts, many calls, some time, and then everything is closed and must go.
fn run(seed: u64) -> Tally {
    let mut random = Random(seed);
    let mut net = Net::pair(Duration::from_millis(random.below(50) as u64));
    let mut sockets = [Vec::new(), Vec::new()];
    net.hosts.iter_mut().for_each(|host| host.listen_events(class::CALLS));
    for _ in 0..600 {
        call(&mut net, &mut sockets, &mut random);
        if random.below(4) == 0 {
            net.run_for(Duration::from_millis(random.below(200) as u64));
        }
        if random.below(100) == 0 {
            let _ = net.inspect();
        }
    }
    for (host, mine) in sockets.iter().enumerate() {
        for socket in mine {
            net.hosts[host].close(*socket).unwrap();
        }
    }
    for host in &net.hosts {
        assert!(host.socket_rows().iter().all(|row| row.socket.is_none()), "{}", host.inspect());
    }
    net.run_for(Duration::from_secs(3600));
    let mut done = Tally::new();
    for host in &mut net.hosts {
        // Paths outlive their sockets, as files do.
        [b"a", b"b", b"c"].into_iter().for_each(|path| _ = host.unlink(path));
        assert!(host.socket_rows().is_empty(), "{}", host.inspect());
        assert_eq!(host.memory().0, 0, "{}", host.inspect());
        tally(host, &mut done);
    }
    done
}

#[test]
fn any_calls_in_any_order_never_panic() {
    // One seed is replayed with `LOGGIA_SEED=n`, many are tried with `LOGGIA_SEEDS=n`.
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("LOGGIA_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("LOGGIA_SEEDS").unwrap_or(200),
    };
    let mut all = Tally::new();
    for seed in seeds {
        let Ok(done) = std::panic::catch_unwind(|| run(seed)) else {
            panic!("replay with LOGGIA_SEED={seed} cargo test -p loggia-stack --test sockets any_calls");
        };
        done.into_iter().for_each(|(name, count)| *all.entry(name).or_default() += count);
    }
    println!("{all:?}");
    for name in ["Socket", "Bind", "Listen", "Accept", "Connect", "Send", "Recv", "Shutdown", "Setsockopt", "Getsockopt", "Close"]
    {
        assert!(all.get(name).is_some_and(|count| *count > 10), "{name} hardly ever worked: {all:?}");
    }
}
