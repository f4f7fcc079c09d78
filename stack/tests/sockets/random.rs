//! Calls in any order with any arguments: an errno or a result, never a panic, and nothing is left behind.

use std::time::Duration;

use loggia_stack::SocketId;
use loggia_stack::base::MsgFlags;
use loggia_stack::socket::numbers::*;
use loggia_stack::socket::{Address, Control, Message};
use loggia_stack::transport::unix::{Right, UnixAddress};

use crate::common::{Net, addr};

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
    if mine.is_empty() || random.below(10) == 0 && mine.len() < 40 {
        let (family, ty) = (random.one_of(&[AF_UNIX, AF_INET, AF_INET6]), random.one_of(&[1, 2, 2, 1, 3, 5]));
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
    match random.below(16) {
        0 => _ = stack.bind(socket, &random.address()),
        1 => _ = stack.listen(socket, random.number()),
        2 => mine.extend(stack.accept(socket).map(|(socket, _)| socket)),
        3 | 4 => _ = stack.connect(socket, &random.address()),
        5 | 6 => _ = stack.send(socket, &vec![7; len], flags),
        7 => _ = stack.sendto(socket, &vec![7; len], flags, &random.address()),
        8 | 9 => _ = stack.recv(socket, &mut vec![0; len], flags),
        10 => {
            let control = [
                Control::Rights(vec![Right::Socket(random.one_of(mine)), Right::Foreign(1)]),
                Control::Ttl(random.number()),
                Control::SegmentSize(random.next() as u16),
                Control::PktInfo6 { link: random.number() as u32, addr: random.address().sock_addr().unwrap_or_default().addr },
            ];
            let control = &control[random.below(4)..];
            let _ = stack.sendmsg(socket, &Message { data: &[b"x", &[], b"yz"], to: None, control, flags });
        }
        11 => {
            let got = stack.recvmsg(socket, &mut [&mut [0; 3], &mut vec![0; len]], random.below(200), flags);
            for item in got.into_iter().flat_map(|got| got.control) {
                if let Control::Rights(rights) = item {
                    mine.extend(rights.iter().filter_map(|right| match right {
                        Right::Socket(id) => Some(*id),
                        Right::Foreign(_) => None,
                    }));
                }
            }
        }
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

/// Runs one seed: two hosts, many calls, some time, and then everything is closed and must go.
fn run(seed: u64) {
    let mut random = Random(seed);
    let mut net = Net::pair(Duration::from_millis(random.below(50) as u64));
    let mut sockets = [Vec::new(), Vec::new()];
    for _ in 0..400 {
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
    for host in &net.hosts {
        assert!(host.socket_rows().is_empty(), "{}", host.inspect());
    }
}

#[test]
fn any_calls_in_any_order_never_panic() {
    // One seed is replayed with `LOGGIA_SEED=n cargo test --test sockets any_calls`.
    let seeds = match std::env::var("LOGGIA_SEED") {
        Ok(seed) => vec![seed.parse().expect("a number")],
        Err(_) => (1..=40).collect(),
    };
    for seed in seeds {
        let result = std::panic::catch_unwind(|| run(seed));
        assert!(result.is_ok(), "replay with LOGGIA_SEED={seed} cargo test -p loggia-stack --test sockets any_calls");
    }
}
