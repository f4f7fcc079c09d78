//! What may be set of a host and of a socket, and what may be done with it besides sending and reading.

use std::time::Duration;

use loggia_stack::base::{Errno, SocketId};
use loggia_stack::engine::Config;
use loggia_stack::link::{Mac, Neighbour};
use loggia_stack::socket::numbers::{IPPROTO_IP, IPPROTO_TCP, SHUT_RDWR, ip, sol_socket as so, tcp};
use loggia_stack::transport::tcp::congestion::Algorithm;

use super::pass;
use crate::sim::{Host, Random, World};

/// Any settings.
pub(super) fn settings(config: &mut Config, random: &mut Random) {
    let tcp = &mut config.tcp;
    (tcp.timestamps, tcp.sack, tcp.window_scaling) = (random.chance(0.8), random.chance(0.8), random.chance(0.8));
    tcp.congestion_control = random.one_of(&[Algorithm::Cubic, Algorithm::Cubic, Algorithm::NewReno, Algorithm::Bbr]);
    tcp.ecn = random.one_of(&[2, 2, 2, 0, 1, 3]);
    tcp.mtu_probing = random.one_of(&[1, 0, 2]);
    // Without cookies, so that the first SYN may carry data.
    tcp.fastopen = random.one_of(&[1, 0x607]);
    tcp.slow_start_after_idle = random.chance(0.5);
    tcp.early_retrans = random.one_of(&[3, 0]);
    tcp.notsent_lowat = random.one_of(&[u32::MAX, u32::MAX, u32::MAX, 4_000]);
    tcp.rmem[1] = random.one_of(&[131_072, 131_072, 5_000]);
    tcp.wmem[1] = random.one_of(&[16_384, 4_608]);
    config.memory = random.one_of(&[config.memory, config.memory, 60_000, 12_000]);
}

/// Something else than sending and reading.
pub(super) fn something_else(world: &mut World, at: usize, socket: SocketId, random: &mut Random) -> Result<usize, Errno> {
    let host = &mut world.hosts[at];
    match random.below(24) {
        0 => host.stack.set_mtu(host.link, random.one_of(&[576, 900, 1280, 1500])).map(|()| 0),
        // One link: an interface that is down loses what its host sends, and the other's arrive in vain.
        1 => host.stack.set_up(host.link, false).map(|()| 0),
        2 | 3 => host.stack.set_up(host.link, true).map(|()| 0),
        4 | 5 => {
            pass(world, Duration::from_secs(random.one_of(&[3, 7, 100])));
            Ok(0)
        }
        6 => host.stack.query(socket, loggia_stack::socket::numbers::SIOCOUTQ),
        7 => host.peek(socket, &mut [0; 700]),
        8 => {
            // The peer's window closes where it is small.
            (0..8).try_fold(0, |sum, _| host.write(socket, &[1; 1000]).map(|len| sum + len))
        }
        9 => {
            let name: &[u8] = random.one_of(&[b"bbr", b"cubic", b"reno"]);
            host.stack.setsockopt(socket, IPPROTO_TCP, tcp::TCP_CONGESTION, name).map(|()| 0)
        }
        10 if random.chance(0.1) => ends(host, socket, random),
        11 => {
            neighbour_changes(host, random);
            Ok(0)
        }
        _ => sets(host, socket, random),
    }
}

/// On an Ethernet the other is forgotten, set for good, or thought to be elsewhere.
fn neighbour_changes(host: &mut Host, random: &mut Random) {
    let Some(Neighbour { link, addr, mac: Some(mac), .. }) = host.stack.neighbours().next() else { return };
    match random.below(4) {
        0 | 1 => host.stack.neighbour_remove(link, addr),
        2 => _ = host.stack.neighbour_set(link, addr, mac),
        _ => _ = host.stack.neighbour_set(link, addr, Mac([2, 0, 0, 0, 0, 77])),
    }
}

fn ends(host: &mut Host, socket: SocketId, random: &mut Random) -> Result<usize, Errno> {
    match random.below(4) {
        0 => {
            let linger = [1i32, random.one_of(&[0, 5])].map(i32::to_ne_bytes).concat();
            host.stack.setsockopt(socket, so::LEVEL, so::SO_LINGER, &linger)?;
            host.stack.close(socket).map(|()| 0)
        }
        1 => host.stack.close(socket).map(|()| 0),
        _ => host.stack.shutdown(socket, random.below(SHUT_RDWR as u64 + 1) as i32).map(|()| 0),
    }
}

fn sets(host: &mut Host, socket: SocketId, random: &mut Random) -> Result<usize, Errno> {
    let (level, name, value): (i32, i32, i32) = random.one_of(&[
        (IPPROTO_TCP, tcp::TCP_NODELAY, 1),
        (IPPROTO_TCP, tcp::TCP_NODELAY, 0),
        (IPPROTO_TCP, tcp::TCP_CORK, 1),
        (IPPROTO_TCP, tcp::TCP_CORK, 0),
        (IPPROTO_TCP, tcp::TCP_CORK, 0),
        (IPPROTO_TCP, tcp::TCP_QUICKACK, 0),
        (IPPROTO_TCP, tcp::TCP_QUICKACK, 1),
        (IPPROTO_TCP, tcp::TCP_NOTSENT_LOWAT, 600),
        (IPPROTO_TCP, tcp::TCP_NOTSENT_LOWAT, 0),
        (IPPROTO_TCP, tcp::TCP_WINDOW_CLAMP, 3_000),
        (IPPROTO_TCP, tcp::TCP_USER_TIMEOUT, 60_000),
        (IPPROTO_TCP, tcp::TCP_KEEPIDLE, 2),
        (so::LEVEL, so::SO_KEEPALIVE, 1),
        (so::LEVEL, so::SO_KEEPALIVE, 0),
        (so::LEVEL, so::SO_SNDBUF, 1),
        (so::LEVEL, so::SO_SNDBUF, 50_000),
        (so::LEVEL, so::SO_RCVBUF, 1),
        (so::LEVEL, so::SO_RCVBUF, 50_000),
        (so::LEVEL, so::SO_RCVLOWAT, 300),
        (so::LEVEL, so::SO_MAX_PACING_RATE, 100_000),
        (so::LEVEL, so::SO_MAX_PACING_RATE, -1),
        (so::LEVEL, so::SO_ZEROCOPY, 1),
        (IPPROTO_IP, ip::IP_TOS, 0x10),
    ]);
    host.stack.setsockopt(socket, level, name, &value.to_ne_bytes()).map(|()| 0)
}
