//! A story about one stack and a peer that does exactly what the story says: packets in, packets out, time passes.

use std::collections::VecDeque;

use loggia_stack::base::{Duration, Frame, Instant, LinkId, MsgFlags, Ready, SocketId};
use loggia_stack::engine::{Config, Stack};
use loggia_stack::link::{LinkConfig, Medium, Offloads};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, SOCK_STREAM};
use loggia_stack::{Errno, Seed};

use super::segment::Segment;

/// The peer's initial sequence number: near the end of the circle, so that every story goes around it.
const PEER_ISN: u32 = u32::MAX - 500;
const OURS: [u8; 4] = [10, 0, 0, 1];
const PEERS: [u8; 4] = [10, 0, 0, 2];
const OUR_PORT: u16 = 80;
const PEER_PORT: u16 = 4000;

/// The stack, its link, and what it sent.
pub(crate) struct Script {
    pub(crate) stack: Stack,
    link: LinkId,
    /// The stack's initial sequence number, once its SYN was seen.
    isn: Option<u32>,
    our_port: u16,
    /// The peer's port: another one is another connection.
    pub(crate) peer_port: u16,
    out: VecDeque<(Instant, Vec<u8>)>,
    /// TSval of the last segment the stack sent.
    pub(crate) last_ts: u32,
}

impl Script {
    /// A stack with timestamps off (they are turned on where they matter), 10.0.0.1 on a link of MTU 1500.
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    /// The same with other settings.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::build(change, Offloads::default(), 1 << 20)
    }

    /// The same on a link that does part of the work itself.
    pub(crate) fn offloading(offloads: Offloads) -> Self {
        Self::build(|_| (), offloads, 1 << 20)
    }

    /// On a link that has no more room once it holds so many bytes, until somebody takes them.
    pub(crate) fn narrow(bytes: usize, change: impl FnOnce(&mut Config)) -> Self {
        Self::build(change, Offloads::default(), bytes)
    }

    fn build(change: impl FnOnce(&mut Config), offloads: Offloads, queue_limit: usize) -> Self {
        let mut config = Config::default();
        config.tcp.timestamps = false;
        change(&mut config);
        let mut stack = Stack::new(config, Seed::from(7), Instant::from_secs(100));
        let link = stack
            .add_link(LinkConfig { name: "tun0".into(), medium: Medium::Ip, mtu: 1500, offloads, queue_limit })
            .expect("a link");
        stack.set_up(link, true).expect("up");
        stack.add_address(link, "10.0.0.1/24".parse().unwrap()).expect("an address");
        let mut script =
            Self { stack, link, isn: None, our_port: OUR_PORT, peer_port: PEER_PORT, out: VecDeque::new(), last_ts: 0 };
        script.run(0);
        script.out.clear();
        script
    }

    /// A listening socket on port 80.
    pub(crate) fn listen(&mut self, backlog: i32) -> SocketId {
        let socket = self.stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
        self.stack.bind(socket, &"10.0.0.1:80".parse::<Address>().unwrap()).unwrap();
        self.stack.listen(socket, backlog).unwrap();
        socket
    }

    /// The same at fd00::1, which is there by then.
    pub(crate) fn listen_v6(&mut self) -> SocketId {
        self.stack.add_address(self.link, "fd00::1/64".parse().unwrap()).unwrap();
        let socket = self.stack.socket(AF_INET6, SOCK_STREAM, 0).unwrap();
        self.stack.bind(socket, &"[fd00::1]:80".parse::<Address>().unwrap()).unwrap();
        self.stack.listen(socket, 5).unwrap();
        self.run(3000);
        self.out.clear();
        socket
    }

    /// A socket that connects to the peer; its SYN is yet to be expected.
    pub(crate) fn connect(&mut self) -> SocketId {
        self.connect_with(|_, _| ())
    }

    /// The same with options set before.
    pub(crate) fn connect_with(&mut self, prepare: impl FnOnce(&mut Stack, SocketId)) -> SocketId {
        let socket = self.stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
        prepare(&mut self.stack, socket);
        let peer: Address = format!("10.0.0.2:{PEER_PORT}").parse().unwrap();
        assert_eq!(self.stack.connect(socket, &peer), Err(Errno::EINPROGRESS));
        socket
    }

    /// An established connection that the peer opened, with the peer's SYN options as given.
    pub(crate) fn established(&mut self, syn_options: &str) -> SocketId {
        let listener = self.listen(5);
        self.inject(&format!("S 0:0(0) win 65535 <{syn_options}>"));
        self.drain();
        let (_, packet) = self.out.pop_front().expect("a SYN-ACK");
        assert!(self.decode(&packet).flags.contains('S'));
        self.inject(". 1:1(0) ack 1 win 65535");
        let (socket, _) = self.stack.accept(listener).expect("a connection");
        socket
    }

    /// A segment of the peer, with a payload of the pattern that [`pattern`] gives.
    pub(crate) fn inject(&mut self, text: &str) {
        let packet = self.packet_of(text);
        self.inject_packet(&packet);
    }

    /// The same between any two addresses.
    pub(crate) fn inject_between(&mut self, src: [u8; 4], dst: [u8; 4], text: &str) {
        let tcp = self.tcp_of(text);
        self.inject_packet(&packet(src, dst, &tcp));
    }

    /// A segment of the peer whose packet has these two bits of congestion notification: 1 ECT(1), 2 ECT(0), 3 CE.
    pub(crate) fn inject_marked(&mut self, codepoint: u8, text: &str) {
        let mut packet = self.packet_of(text);
        packet[1] = codepoint;
        (packet[10], packet[11]) = (0, 0);
        let check = !sum(&packet[..20]);
        packet[10..12].copy_from_slice(&check.to_be_bytes());
        self.inject_packet(&packet);
    }

    /// The next segment of the stack is this one, with these two bits.
    #[track_caller]
    pub(crate) fn expect_marked(&mut self, codepoint: u8, text: &str) {
        self.drain();
        let bits = self.out.front().map(|(_, packet)| packet[1] & 3);
        self.expect(text);
        assert_eq!(bits, Some(codepoint), "the two bits of {text}");
    }

    /// A segment of the peer as an IPv4 packet.
    pub(crate) fn packet_of(&self, text: &str) -> Vec<u8> {
        packet(PEERS, OURS, &self.tcp_of(text))
    }

    fn tcp_of(&self, text: &str) -> Vec<u8> {
        let segment = Segment::parse(text);
        let header = segment.header((self.peer_port, self.our_port), PEER_ISN, self.isn.unwrap_or(0));
        [header, pattern(segment.seq.wrapping_sub(1) as usize, segment.len)].concat()
    }

    /// Segments that arrive together.
    pub(crate) fn inject_together(&mut self, texts: &[&str]) {
        let frames: Vec<Frame> = texts.iter().map(|text| Frame::from(&self.packet_of(text)[..])).collect();
        self.stack.receive_many(self.link, frames);
    }

    /// Any packet from the link.
    pub(crate) fn inject_packet(&mut self, bytes: &[u8]) {
        self.stack.receive(self.link, Frame::from(bytes));
    }

    /// The next segment of the stack is this one.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) {
        let real = self.next().unwrap_or_else(|| panic!("expected {text}, but nothing was sent"));
        let wanted = Segment::parse(text);
        assert!(wanted.matches(&real), "expected {text}\n     got {}", real.text());
    }

    /// The stack has sent nothing more.
    #[track_caller]
    pub(crate) fn expect_nothing(&mut self) {
        if let Some(real) = self.next() {
            panic!("expected nothing\n     got {}", real.text());
        }
    }

    /// The next segment of the stack is this one, sent `millis` from now, give or take a millisecond; time passes until then.
    #[track_caller]
    pub(crate) fn expect_after(&mut self, millis: u64, text: &str) {
        let from = self.stack.now();
        self.expect_nothing();
        self.run_until_sent(millis + 1);
        let at = self.out.front().map_or_else(|| panic!("expected {text}, but nothing was sent"), |(at, _)| *at);
        let after = at.since(from);
        assert!(after + Duration::from_millis(1) >= Duration::from_millis(millis), "{text} came after {after:?}");
        self.expect(text);
    }

    /// The next segment of the stack.
    pub(crate) fn next(&mut self) -> Option<Segment> {
        self.drain();
        let (_, packet) = self.out.pop_front()?;
        Some(self.decode(&packet))
    }

    /// Time passes until the stack sends something, at most `millis`.
    fn run_until_sent(&mut self, millis: u64) {
        let end = self.stack.now() + Duration::from_millis(millis);
        while self.out.is_empty() && self.stack.next_deadline() <= end {
            let next = self.stack.next_deadline().max(self.stack.now());
            self.stack.advance(next);
            self.drain();
        }
    }

    /// The next packet of the stack as it is.
    pub(crate) fn next_packet(&mut self) -> Option<Vec<u8>> {
        self.drain();
        self.out.pop_front().map(|(_, packet)| packet)
    }

    /// The link of the story.
    pub(crate) fn link(&self) -> LinkId {
        self.link
    }

    /// Time passes, timer by timer.
    pub(crate) fn run(&mut self, millis: u64) {
        let end = self.stack.now() + Duration::from_millis(millis);
        self.drain();
        loop {
            let next = self.stack.next_deadline();
            if next > end {
                break;
            }
            let before = self.stack.now();
            self.stack.advance(next.max(before));
            self.drain();
        }
        self.stack.advance(end);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(frame) = self.stack.transmit(self.link) {
            self.out.push_back((self.stack.now(), frame.to_vec()));
        }
    }

    /// Reads a packet of the stack; checks its checksums on the way.
    fn decode(&mut self, packet: &[u8]) -> Segment {
        assert_eq!((packet[0], packet[9]), (0x45, 6), "an IPv4 packet with TCP");
        assert_eq!(usize::from(u16::from_be_bytes([packet[2], packet[3]])), packet.len());
        assert_eq!(sum(&packet[..20]), 0xffff, "header checksum");
        let tcp = &packet[20..];
        assert_eq!(fold(u32::from(sum(&pseudo(OURS, PEERS, tcp.len()))) + u32::from(sum(tcp))), 0xffff, "TCP checksum");
        if tcp[13] & 2 != 0 {
            self.isn = Some(u32::from_be_bytes(tcp[4..8].try_into().unwrap()));
            self.our_port = u16::from_be_bytes([tcp[0], tcp[1]]);
        }
        let segment = Segment::decode(tcp, self.isn.unwrap_or(0), PEER_ISN);
        for option in segment.options.iter().flatten() {
            if let super::segment::Opt::Ts(Some(value), _) = option {
                self.last_ts = *value;
            }
        }
        segment
    }

    /// An ICMP error from the peer about the last packet the stack sent; `rest` is the second word of the ICMP header.
    pub(crate) fn inject_icmp(&mut self, kind: u8, code: u8, rest: u32, quoted: &str) {
        let segment = Segment::parse(quoted);
        let tcp = segment.header((self.our_port, self.peer_port), self.isn.unwrap_or(0), PEER_ISN);
        let quoted = packet(OURS, PEERS, &[tcp, vec![0; segment.len]].concat());
        let mut icmp = vec![kind, code, 0, 0];
        icmp.extend(rest.to_be_bytes());
        icmp.extend(&quoted[..28]);
        let check = !sum(&icmp);
        icmp[2..4].copy_from_slice(&check.to_be_bytes());
        self.inject_packet(&raw_packet(PEERS, OURS, 1, &icmp));
    }

    /// Writes `len` bytes of the pattern, from the stream's `offset` on.
    #[track_caller]
    pub(crate) fn write(&mut self, socket: SocketId, offset: usize, len: usize) {
        let data = pattern(offset, len);
        assert_eq!(self.stack.send(socket, &data, MsgFlags::NONE), Ok(len));
    }

    /// Reads what is there; it must be the pattern from `offset` on.
    #[track_caller]
    pub(crate) fn read(&mut self, socket: SocketId, offset: usize) -> usize {
        let mut buffer = vec![0; 1 << 20];
        let len = self.stack.recv(socket, &mut buffer, MsgFlags::NONE).expect("something to read");
        assert_eq!(buffer[..len], pattern(offset, len), "the bytes that were sent");
        len
    }

    /// What `poll` reports.
    pub(crate) fn ready(&mut self, socket: SocketId) -> Ready {
        self.stack.readiness(socket).unwrap()
    }
}

/// What stands at `offset` of every stream of these stories.
pub(crate) fn pattern(offset: usize, len: usize) -> Vec<u8> {
    (offset..offset + len).map(|at| (at % 251) as u8).collect()
}

fn packet(src: [u8; 4], dst: [u8; 4], tcp: &[u8]) -> Vec<u8> {
    let mut tcp = tcp.to_vec();
    let check = !fold(u32::from(sum(&pseudo(src, dst, tcp.len()))) + u32::from(sum(&tcp)));
    tcp[16..18].copy_from_slice(&check.to_be_bytes());
    raw_packet(src, dst, 6, &tcp)
}

/// An IPv4 packet around a payload; its options are `options`.
pub(crate) fn packet_with_options(src: [u8; 4], dst: [u8; 4], protocol: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let header_len = 20 + options.len();
    let mut ip = vec![0x40 | (header_len / 4) as u8, 0];
    ip.extend(((header_len + payload.len()) as u16).to_be_bytes());
    ip.extend([0, 1, 0x40, 0, 64, protocol, 0, 0]);
    ip.extend(src);
    ip.extend(dst);
    ip.extend(options);
    let check = !sum(&ip);
    ip[10..12].copy_from_slice(&check.to_be_bytes());
    ip.extend(payload);
    ip
}

fn raw_packet(src: [u8; 4], dst: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    packet_with_options(src, dst, protocol, &[], payload)
}

const OURS_V6: [u8; 16] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const PEERS_V6: [u8; 16] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

/// A segment from fd00::2 to fd00::1.
pub(crate) fn packet_v6(tcp: &[u8]) -> Vec<u8> {
    summed_v6(6, tcp, 16)
}

/// An ICMPv6 error on the same way, about a packet; `rest` is the second word of its header.
pub(crate) fn icmp_v6(kind: u8, code: u8, rest: u32, quoted: &[u8]) -> Vec<u8> {
    summed_v6(58, &[&[kind, code, 0, 0], &rest.to_be_bytes()[..], quoted].concat(), 2)
}

/// An IPv6 packet around a payload whose checksum stands at `place`.
fn summed_v6(protocol: u8, payload: &[u8], place: usize) -> Vec<u8> {
    let len = (payload.len() as u16).to_be_bytes();
    let mut payload = payload.to_vec();
    let pseudo = [&PEERS_V6[..], &OURS_V6, &[0, 0], &len, &[0, 0, 0, protocol]].concat();
    let check = !fold(u32::from(sum(&pseudo)) + u32::from(sum(&payload)));
    payload[place..place + 2].copy_from_slice(&check.to_be_bytes());
    [&[0x60, 0, 0, 0], &len[..], &[protocol, 64], &PEERS_V6, &OURS_V6, &payload].concat()
}

fn pseudo(src: [u8; 4], dst: [u8; 4], len: usize) -> Vec<u8> {
    [&src[..], &dst[..], &[0, 6], &(len as u16).to_be_bytes()].concat()
}

fn sum(bytes: &[u8]) -> u16 {
    fold(bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum())
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
