//! Frames that no stack would send, singly and in batches, for a host that looks at the usual ones once, where they lie, and for one on which somebody
//! wants to look at packets, so that each goes up layer by layer. Whatever comes, and whatever is done between two of them, nobody can tell the two apart:
//! not by what leaves, by events, counters, memory or deadlines, nor by what calls give.

mod between;
mod flow;
mod packets;
pub(crate) mod pair;
pub(crate) mod site;

use std::fmt::Debug;
use std::time::Duration;

use loggia_stack::base::checksum::checksum;
use loggia_stack::base::event::class;
use loggia_stack::base::{Addr, Checksum, Cidr, Frame, Instant, LinkId, MsgFlags, Rope, Seed, SockAddr, SocketId, Sum};
use loggia_stack::engine::{Config, Stack};
use loggia_stack::link::{LinkConfig, Mac, Medium, Offloads};
use loggia_stack::network::autoconf::LinkSettings;
use loggia_stack::socket::numbers::{
    AF_INET, AF_INET6, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, ip, ipv6, sol_socket as so, tcp,
};
use loggia_stack::socket::{Address, Permission, Receiving};

use crate::sim::host::address;
use crate::sim::{Random, seeds};

use flow::{Flow, odd_options, syn_options, timestamps};
use packets::{frame, packet, pseudo};
use pair::Pair;
use site::{Site, parts};

const OUR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const THEIR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
const UDP_PORT: u16 = 7;
const TCP_PORT: u16 = 80;

/// The world of one test: both hosts, their sockets, and what their peers know.
struct Forger {
    site: Site,
    pair: Pair,
    random: Random,
    flows: Vec<Flow>,
    udp: Vec<SocketId>,
    tcp: Vec<SocketId>,
    raw: Option<SocketId>,
}

impl Forger {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, 11);
        let site = Site::of(seed);
        let pair = Pair::new(seed, &site, &mut random);
        let mut forger = Self { site, pair, random, flows: Vec::new(), udp: Vec::new(), tcp: Vec::new(), raw: None };
        forger.pair.now += Duration::from_secs(5);
        let now = forger.pair.now;
        forger.pair.both("start", |stack| stack.advance(now));
        let heard =
            forger.random.one_of(&[class::ALL, class::ALL & !class::CALLS, class::DISCARDS | class::NETWORK | class::STATES, 0]);
        forger.pair.both("listen", |stack| stack.listen_events(heard));
        let backlog = forger.random.one_of(&[1, 5, 0]);
        let listener = forger.stream();
        forger.pair.both("bind", |stack| stack.bind(listener, &at(site.any, TCP_PORT)).expect("bind"));
        if forger.random.chance(0.3) {
            forger.pair.set(listener, IPPROTO_TCP, tcp::TCP_FASTOPEN, 5);
        }
        if forger.random.chance(0.2) {
            forger.pair.set(listener, IPPROTO_TCP, tcp::TCP_DEFER_ACCEPT, 3);
        }
        forger.pair.both("listen", |stack| stack.listen(listener, backlog).expect("listen"));
        forger.datagram();
        forger
    }

    /// A new socket of a stream; one of those there are if there is no memory.
    fn stream(&mut self) -> SocketId {
        let family = self.site.family;
        let socket = self.pair.both("socket", |stack| stack.socket(family, SOCK_STREAM, 0));
        self.tcp.extend(socket);
        *self.tcp.last().expect("the first has memory")
    }

    /// A socket of datagrams, bound or connected, of either family.
    fn datagram(&mut self) {
        let site = self.site;
        let family = self.random.one_of(&[site.family, site.family, AF_INET6]);
        let Ok(socket) = self.pair.both("socket", |stack| stack.socket(family, SOCK_DGRAM, 0)) else { return };
        if self.random.chance(0.4) {
            self.pair.set(socket, so::LEVEL, so::SO_REUSEPORT, 1);
            self.pair.set(socket, so::LEVEL, so::SO_REUSEADDR, 1);
        }
        let local = self.random.one_of(&[site.any, site.any, site.us, site.also_us]);
        let local = if family == site.family { local } else { Addr::V6_ANY };
        let _ = self.pair.both("bind", |stack| stack.bind(socket, &at(local, UDP_PORT)));
        if family == site.family && self.random.chance(0.3) {
            let _ = self.pair.both("connect", |stack| stack.connect(socket, &at(site.them, 4000)));
        }
        self.udp.push(socket);
    }

    /// A segment of a flow: mostly what comes next, with something odd about it with probability `odd`.
    fn segment(&mut self, odd: f64) -> Vec<u8> {
        if self.flows.is_empty() || self.random.chance(0.08) {
            let Site { us, also_us, us_there, .. } = self.site;
            let local = self.random.one_of(&[us, us, us, us, also_us, us_there]);
            let flow = Flow {
                remote: self.site.peer_of(local),
                remote_port: self.random.between(3000, 3010) as u16,
                local,
                local_port: self.random.one_of(&[TCP_PORT, TCP_PORT, TCP_PORT, 81]),
                seq: self.random.next() as u32,
                ack: 0,
                clock: self.random.next() as u32,
                echo: 0,
            };
            self.flows.retain(|other| {
                (other.remote_port, other.local, other.local_port) != (flow.remote_port, flow.local, flow.local_port)
            });
            self.flows.push(flow);
        }
        if self.flows.len() > 6 {
            self.flows.remove(0);
        }
        let random = &mut self.random;
        let count = self.flows.len() as u64;
        // Mostly the last one.
        let chosen = if random.chance(0.7) { count - 1 } else { random.below(count) } as usize;
        let flow = &mut self.flows[chosen];
        flow.clock = flow.clock.wrapping_add(random.one_of(&[0, 1, 10, 1000]));
        if random.chance(odd / 2.0) {
            flow.clock = flow.clock.wrapping_sub(random.one_of(&[1, 5000, 1 << 31]));
        }
        let flow = flow.clone();
        let opens = flow.ack == 0;
        let mut flags: u8 = if opens { 2 } else { 0x10 };
        if random.chance(0.05) && !opens {
            flags = random.one_of(&[2, 0x12]);
        }
        if !opens && random.chance(0.03) {
            flags |= 1;
        }
        if random.chance(odd) {
            flags ^= random.one_of(&[1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0xc0]);
        }
        let is_syn = flags & 2 != 0;
        let options = if random.chance(odd) {
            odd_options(&flow, random)
        } else if is_syn {
            syn_options(&flow, random)
        } else {
            timestamps(&flow)
        };
        let len = if is_syn && !random.chance(odd) { 0 } else { random.one_of(&[0, 0, 1, 8, 8, 20, 536, 1448]) };
        let mut seq = flow.seq;
        let mut ack = flow.ack;
        if random.chance(odd) {
            seq = seq.wrapping_add(random.one_of(&[1, 8, 0u32.wrapping_sub(1), 0u32.wrapping_sub(8), 70_000, 1 << 20, 1 << 31]));
        }
        if random.chance(odd) {
            ack = ack.wrapping_add(random.one_of(&[1, 0u32.wrapping_sub(1), 0u32.wrapping_sub(5000), 1 << 16, 1 << 31]));
        }
        let window: u16 = if random.chance(odd) { random.one_of(&[0, 1, 10]) } else { 65_535 };
        let urgent: u16 = if random.chance(odd) { random.one_of(&[1, 5, 65_535]) } else { 0 };
        let offset = (5 + options.len().div_ceil(4)) as u8;
        let offset = if random.chance(odd / 2.0) { random.one_of(&[0, 4, 5, 8, 10, 15]) } else { offset };
        let bits = if random.chance(odd / 2.0) { random.below(16) as u8 } else { 0 };
        let mut bytes = Vec::new();
        bytes.extend(flow.remote_port.to_be_bytes());
        bytes.extend(flow.local_port.to_be_bytes());
        bytes.extend(seq.to_be_bytes());
        bytes.extend(ack.to_be_bytes());
        bytes.extend([offset << 4 | bits, flags]);
        bytes.extend(window.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(urgent.to_be_bytes());
        bytes.extend(&options);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.resize(bytes.len() + len, 0x55);
        let ends = self.site.ends(&mut self.random, odd, [flow.remote, flow.local]);
        let mut sum = pseudo(ends, 6, bytes.len());
        sum.add(&bytes);
        let sum = if self.random.chance(odd / 2.0) { self.random.next() as u16 } else { sum.finish() };
        bytes[16..18].copy_from_slice(&sum.to_be_bytes());
        packet(&mut self.random, odd / 2.0, ends, 6, &bytes)
    }

    /// Datagrams of one flow, some of which are odd.
    fn datagrams(&mut self, odd: f64, ethernet: bool) -> Vec<Vec<u8>> {
        let random = &mut self.random;
        let count = random.one_of(&[1, 2, 5, 30, 90]);
        let size = random.one_of(&[0, 1, 7, 24, 64, 77, 78, 79, 1000]);
        let from = random.one_of(&[4000, 4000, 4001]);
        let port = random.one_of(&[UDP_PORT, UDP_PORT, UDP_PORT, UDP_PORT, 9]);
        let Site { us, also_us, us_there, .. } = self.site;
        let local = if ethernet { us_there } else { random.one_of(&[us, us, us, also_us]) };
        let tag = random.one_of(&[None, None, Some(0), Some(5)]);
        let frames = (0..count).map(|n| {
            let packet = self.datagram_of(n, odd, (from, port, local), size);
            if ethernet { self.on_ethernet(odd, tag, packet) } else { packet }
        });
        frames.collect()
    }

    /// Some are filled up as the shortest frames are, or for others, or of other tags.
    fn on_ethernet(&mut self, odd: f64, tag: Option<u16>, packet: Vec<u8>) -> Vec<u8> {
        let random = &mut self.random;
        let odd = if random.chance(0.8) { 0.0 } else { odd };
        let to = if random.chance(odd) {
            random.one_of(&[[255; 6], [1, 0, 0x5e, 0, 0, 1], [2, 0, 0, 0, 0, 7], [0x45; 6]])
        } else {
            OUR_MAC
        };
        let tag = if random.chance(odd) { random.one_of(&[None, Some(0), Some(5), Some(6), Some(0x2005)]) } else { tag };
        let kind: u16 = if random.chance(odd) { random.one_of(&[0x86dd, 0x0800, 0x0806, 0]) } else { self.site.ethertype };
        let mut frame = [to, THEIR_MAC].concat();
        if let Some(tag) = tag {
            frame.extend([0x81, 0]);
            frame.extend(tag.to_be_bytes());
        }
        frame.extend(kind.to_be_bytes());
        frame.extend(packet);
        if random.chance(odd) {
            frame.resize(frame.len().max(60), 0);
        }
        frame
    }

    fn datagram_of(&mut self, n: usize, odd: f64, (from, port, local): (u16, u16, Addr), size: usize) -> Vec<u8> {
        let random = &mut self.random;
        let odd = if random.chance(0.8) { 0.0 } else { odd };
        let size = if random.chance(odd) { random.one_of(&[0, 1, size.saturating_sub(1), size + 1]) } else { size };
        let (from, port) =
            if random.chance(odd / 2.0) { (random.one_of(&[from, 0, 4002]), random.one_of(&[port, 0, 9])) } else { (from, port) };
        let said = if random.chance(odd / 2.0) { random.one_of(&[0, 7, 8, 7 + size, 9 + size]) } else { 8 + size };
        let ends = self.site.ends(random, odd, [self.site.peer_of(local), local]);
        let mut bytes = Vec::new();
        bytes.extend(from.to_be_bytes());
        bytes.extend(port.to_be_bytes());
        bytes.extend((said as u16).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.resize(8 + size, 0);
        if size > 2 {
            bytes[8] = n as u8;
            // So that now and then the sum is one that says that there is none.
            if random.chance(0.1) {
                let mut sum = pseudo(ends, 17, bytes.len());
                sum.add(&bytes);
                bytes[9..10].fill(0);
                let want = sum.finish();
                if size > 4 {
                    bytes[10..12].copy_from_slice(&want.to_be_bytes());
                }
            }
        }
        let mut sum = pseudo(ends, 17, bytes.len());
        sum.add(&bytes);
        let right = sum.finish();
        let field = match random.below(12) {
            0 if odd > 0.0 => 0,
            1 if odd > 0.0 => right ^ 0x100,
            2 if odd > 0.0 => 0xffff,
            _ if right == 0 => random.one_of(&[0xffff, 0]),
            _ => right,
        };
        bytes[6..8].copy_from_slice(&field.to_be_bytes());
        packet(random, odd / 3.0, ends, 17, &bytes)
    }

    /// Frames arrive: one alone, or several together.
    fn arrives(&mut self) {
        let odd = self.random.one_of(&[0.0, 0.0, 0.05, 0.3]);
        let mut packets = Vec::new();
        let ethernet = self.random.chance(0.15);
        match self.random.below(8) {
            _ if ethernet => {
                packets.extend(self.datagrams(odd, true));
                packets.extend(self.datagrams(odd, true));
            }
            0..=4 => packets.push(self.segment(odd)),
            5 | 6 => packets.extend(self.datagrams(odd, false)),
            _ => {
                for _ in 0..3 {
                    packets.push(self.segment(odd));
                    packets.extend(self.datagrams(odd, false));
                }
                if self.random.chance(0.5) {
                    let at = self.random.below(packets.len() as u64) as usize;
                    let one = packets.remove(at);
                    packets.insert(0, one);
                }
            }
        }
        // What is a packet as it is is none on an Ethernet.
        let is_there = parts(&packets[0]).is_some_and(|([_, dst], _)| dst == self.site.us_there);
        let usual = if ethernet || is_there { 2 } else { 0 };
        if is_there && !ethernet && self.random.chance(0.9) {
            let tag = self.random.one_of(&[None, None, Some(0), Some(5)]);
            packets = packets.into_iter().map(|packet| self.on_ethernet(odd, tag, packet)).collect();
        }
        let link = self.pair.links[if self.random.chance(0.05) { self.random.below(3) as usize } else { usual }];
        // Mostly they lie alike.
        let alike = self.random.chance(0.6);
        let odd = odd / 2.0;
        let frames: Vec<_> =
            packets.iter().map(|bytes| if alike { Frame::copy_of(bytes) } else { frame(bytes, &mut self.random, odd) }).collect();
        let apart = self.random.chance(0.3);
        let what = format!("frames {apart}: {:x?}", &packets[..packets.len().min(2)]);
        self.pair.both(&what, |stack| {
            if apart {
                frames.iter().for_each(|frame| stack.receive(link, frame.clone()));
            } else {
                stack.receive_many(link, frames.iter().cloned());
            }
        });
        self.look(&what);
    }

    /// Compares, and tells the peers what came to them.
    fn look(&mut self, what: &str) {
        for socket in self.tcp.clone() {
            _ = self.pair.both(what, |stack| {
                let mut info = [0; 300];
                stack.getsockopt(socket, IPPROTO_TCP, tcp::TCP_INFO, &mut info).map(|len| info[..len].to_vec())
            });
        }
        for bytes in self.pair.observe(what) {
            let Some(([local, remote], segment)) = parts(inside(&bytes)) else { continue };
            let port = |at: usize| u16::from_be_bytes([segment[at], segment[at + 1]]);
            let (local_port, remote_port) = (port(0), port(2));
            let is_it = |flow: &&mut Flow| {
                (flow.remote, flow.local, flow.remote_port, flow.local_port) == (remote, local, remote_port, local_port)
            };
            if let Some(flow) = self.flows.iter_mut().find(is_it) {
                flow.hears(segment);
            } else if segment[13] & 2 != 0 {
                let mut flow =
                    Flow { remote, remote_port, local, local_port, seq: self.random.next() as u32, ack: 1, clock: 77, echo: 0 };
                flow.hears(segment);
                self.flows.push(flow);
                if self.random.chance(0.8) {
                    self.answers_syn();
                }
            }
        }
    }

    /// The last flow was begun here: its SYN is answered.
    fn answers_syn(&mut self) {
        let flow = self.flows.last().expect("it was put there").clone();
        let mut bytes = Vec::new();
        bytes.extend(flow.remote_port.to_be_bytes());
        bytes.extend(flow.local_port.to_be_bytes());
        bytes.extend(flow.seq.to_be_bytes());
        bytes.extend(flow.ack.to_be_bytes());
        bytes.extend([10 << 4, 0x12, 0xff, 0xff, 0, 0, 0, 0]);
        bytes.extend(syn_options(&flow, &mut self.random));
        let ends = [flow.remote, flow.local];
        let mut sum = pseudo(ends, 6, bytes.len());
        sum.add(&bytes);
        let sum = sum.finish();
        bytes[16..18].copy_from_slice(&sum.to_be_bytes());
        let bytes = packet(&mut self.random, 0.0, ends, 6, &bytes);
        let is_there = flow.local == self.site.us_there;
        let tag = self.random.one_of(&[None, Some(5)]);
        let bytes = if is_there { self.on_ethernet(0.0, tag, bytes) } else { bytes };
        let link = self.pair.links[if is_there { 2 } else { 0 }];
        self.pair.both("SYN-ACK", |stack| stack.receive(link, Frame::copy_of(&bytes)));
        self.look("SYN-ACK");
    }
}

/// The packet in a frame that left.
fn inside(bytes: &[u8]) -> &[u8] {
    match bytes {
        [_, _, _, _, _, _, _, _, _, _, _, _, 0x81, 0, _, _, _, _, packet @ ..] if bytes.starts_with(&THEIR_MAC) => packet,
        [_, _, _, _, _, _, _, _, _, _, _, _, _, _, packet @ ..] if bytes.starts_with(&THEIR_MAC) => packet,
        _ => bytes,
    }
}

fn at(addr: Addr, port: u16) -> Address {
    address(SockAddr::new(addr, port))
}

#[test]
fn nobody_can_tell_where_forged_frames_went() {
    let mut came = [[0; 3]; 2];
    for seed in seeds(0..300) {
        let mut forger = Forger::new(seed);
        for _ in 0..400 {
            if forger.random.chance(0.7) { forger.arrives() } else { forger.between() }
        }
        let came = &mut came[usize::from(forger.site.family == AF_INET6)];
        let counters = forger.pair.stacks[0].counters();
        came[0] += counters.tcp.passive_opens + counters.tcp.active_opens;
        came[1] += counters.udp.in_datagrams;
        came[2] += counters.tcp.in_segs;
    }
    println!("connections, datagrams, segments, of IPv4 and of IPv6: {came:?}");
}
