//! The bare TUN device: a TCP that answers a SYN, acknowledges what comes, or sends what it has ready, and does nothing else. Nothing is copied
//! but by the device, or what comes and goes once more, as between a socket and a program's memory; checksums of payloads are known beforehand.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use loggia_bench::pair::pattern;
use loggia_stack::base::Addr;
use loggia_stack::base::checksum::{Sum, checksum};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Bytes of a virtio-net header.
const VNET: usize = 10;
const IP: usize = 20;
const TCP: usize = 20;
/// Acknowledged at the latest after so many bytes.
const ACK_AFTER: usize = 64 << 10;
/// So many packets are sent before acknowledgements are looked for.
const BURST: usize = 32;
/// Our window: 64 MiB.
const SCALE: u8 = 10;
/// So many packets are kept until they are acknowledged, where what is sent is copied: 1 MiB of 64 KiB each.
const KEPT: usize = 16;

/// How long nothing may come.
const PATIENCE: Duration = Duration::from_secs(3);

const FIN: u8 = 1;
const SYN: u8 = 2;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// The device, with or without virtio-net headers.
#[derive(Clone, Copy)]
pub(crate) struct Bare<'a> {
    pub(crate) fd: BorrowedFd<'a>,
    pub(crate) headed: bool,
    /// What comes is copied into a program's memory, and what goes out of it, into memory that keeps it until it is acknowledged.
    pub(crate) copies: bool,
}

/// One connection that the kernel opened.
struct Flow {
    ours: [u8; 4],
    theirs: [u8; 4],
    ports: [u16; 2],
    una: u32,
    nxt: u32,
    rcv_nxt: u32,
    window: u32,
    scale: u8,
}

/// What of a packet matters.
struct Segment {
    seq: u32,
    ack: u32,
    flags: u8,
    window: u32,
    payload: usize,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

impl Bare<'_> {
    fn offset(self) -> usize {
        if self.headed { VNET } else { 0 }
    }

    /// The next IPv4 packet of TCP, if one waits.
    fn read(self, room: &mut [u8]) -> Option<usize> {
        loop {
            // Nothing, or the end: both end the loop of the caller by its own terms.
            let len = rustix::io::read(self.fd, &mut *room).ok()?.checked_sub(self.offset())?;
            let packet = &room[self.offset()..];
            if len >= IP + TCP && packet[0] == 0x45 && packet[9] == 6 {
                return Some(len);
            }
        }
    }

    fn sleep(self, limit: Duration) -> bool {
        let limit = Timespec { tv_sec: 0, tv_nsec: limit.as_nanos() as i64 };
        poll(&mut [PollFd::from_borrowed_fd(self.fd, PollFlags::IN)], Some(&limit)).is_ok_and(|ready| ready > 0)
    }

    /// Waits for a SYN and answers it; none if none comes.
    fn accept(self, room: &mut [u8], mtu: u16) -> Option<Flow> {
        let began = Instant::now();
        while began.elapsed() < 3 * PATIENCE {
            self.sleep(Duration::from_millis(900));
            let Some(len) = self.read(room) else { continue };
            let packet = &room[self.offset()..self.offset() + len];
            if packet[IP + 13] & (SYN | ACK) != SYN {
                continue;
            }
            let mut flow = Flow {
                ours: [packet[16], packet[17], packet[18], packet[19]],
                theirs: [packet[12], packet[13], packet[14], packet[15]],
                ports: [half(packet, IP + 2), half(packet, IP)],
                una: 1000,
                nxt: 1000,
                rcv_nxt: word(packet, IP + 4).wrapping_add(1),
                window: 0,
                scale: scale(&packet[IP + TCP..IP + usize::from(packet[IP + 12] >> 4) * 4]),
            };
            let [high, low] = (mtu - 40).to_be_bytes();
            self.answer(&flow, SYN | ACK, &[2, 4, high, low, 1, 3, 3, SCALE]);
            flow.nxt += 1;
            return Some(flow);
        }
        None
    }

    /// A segment without payload.
    fn answer(self, flow: &Flow, flags: u8, options: &[u8]) {
        let mut packet = [0; VNET + IP + TCP + 8];
        let start = VNET - self.offset();
        let end = VNET + IP + TCP + options.len();
        packet[VNET + IP + TCP..end].copy_from_slice(options);
        flow.write_headers(&mut packet[VNET..end], flags, 0);
        let mut sum = flow.pseudo(TCP + options.len());
        sum.add(&packet[VNET + IP..end]);
        packet[VNET + IP + 16..VNET + IP + 18].copy_from_slice(&sum.finish().to_be_bytes());
        // A packet that the device does not take is lost, as packets are.
        let _ = rustix::io::write(self.fd, &packet[start..end]);
    }

    /// Takes `amount` bytes of one connection; how long that took from the first on. An error if nothing comes for a long time.
    pub(crate) fn receive(self, amount: usize, mtu: u16) -> Result<Duration, String> {
        let mut room = vec![0; 1 << 17];
        let mut program = vec![0; 1 << 17];
        let mut flow = self.accept(&mut room, mtu).ok_or("no connection came")?;
        let (mut received, mut unacknowledged) = (0, 0);
        let mut began = Instant::now();
        let mut last = began;
        while received < amount {
            let Some(len) = self.read(&mut room) else {
                if last.elapsed() > PATIENCE {
                    return Err(format!("nothing came any more after {received} bytes"));
                }
                if unacknowledged > 0 {
                    self.answer(&flow, ACK, &[]);
                    unacknowledged = 0;
                }
                self.sleep(Duration::from_millis(100));
                continue;
            };
            let packet = &room[self.offset()..self.offset() + len];
            let segment = flow.segment(packet);
            if segment.payload == 0 {
                continue;
            }
            if self.copies {
                program[..segment.payload].copy_from_slice(&packet[len - segment.payload..]);
            }
            if received == 0 {
                began = Instant::now();
            }
            let end = segment.seq.wrapping_add(segment.payload as u32);
            // What is sent again may begin before what is missing.
            let known = flow.rcv_nxt.wrapping_sub(segment.seq) as usize;
            let fresh = segment.payload.saturating_sub(known);
            if fresh > 0 {
                last = Instant::now();
            }
            flow.rcv_nxt = flow.rcv_nxt.wrapping_add(fresh as u32);
            received += fresh;
            unacknowledged += fresh;
            if unacknowledged >= ACK_AFTER || end != flow.rcv_nxt {
                self.answer(&flow, ACK, &[]);
                unacknowledged = 0;
            }
        }
        let took = began.elapsed();
        self.answer(&flow, ACK | FIN, &[]);
        Ok(took)
    }

    /// Sends on one connection until the reader has had enough.
    pub(crate) fn send(self, enough: &AtomicBool, mtu: u16) {
        let mut room = vec![0; 1 << 17];
        // Whoever has not connected says so.
        let Some(mut flow) = self.accept(&mut room, mtu) else { return };
        // With virtio-net headers the device cuts.
        let mss = usize::from(mtu) - IP - TCP;
        let payload = if self.headed { 65_535 / mss * mss - mss } else { mss };
        // What a program writes, of which packets have all the same.
        let program = pattern(payload);
        let payload_sum = checksum(&program);
        let packet = [&[0; VNET + IP + TCP], &program[..]].concat();
        let mut packets = vec![packet; if self.copies { KEPT } else { 1 }];
        let limit = if self.copies { KEPT * payload } else { usize::MAX };
        let mut turn = 0;
        while !enough.load(Ordering::Acquire) {
            while let Some(len) = self.read(&mut room) {
                flow.acknowledged(&room[self.offset()..self.offset() + len]);
            }
            let mut sent = 0;
            while sent < BURST && flow.nxt.wrapping_sub(flow.una) as usize + payload <= limit.min(flow.window as usize) {
                turn = (turn + 1) % packets.len();
                let packet = &mut packets[turn];
                if self.copies {
                    packet[VNET + IP + TCP..].copy_from_slice(&program);
                }
                self.send_one(&mut flow, packet, payload_sum, mss);
                sent += 1;
            }
            if sent == 0 && !self.sleep(Duration::from_millis(200)) {
                // Something was lost.
                flow.nxt = flow.una;
            }
        }
        self.answer(&flow, ACK | 4, &[]);
    }

    fn send_one(self, flow: &mut Flow, packet: &mut [u8], payload_sum: u16, mss: usize) {
        let payload = packet.len() - VNET - IP - TCP;
        flow.write_headers(&mut packet[VNET..], ACK | PSH, payload);
        let mut sum = flow.pseudo(TCP + payload);
        let field = if self.headed {
            let mut header = [0; VNET];
            header[0] = 1;
            header[1] = 1;
            header[2..4].copy_from_slice(&((IP + TCP) as u16).to_ne_bytes());
            header[4..6].copy_from_slice(&(mss as u16).to_ne_bytes());
            header[6..8].copy_from_slice(&(IP as u16).to_ne_bytes());
            header[8..10].copy_from_slice(&16u16.to_ne_bytes());
            packet[..VNET].copy_from_slice(&header);
            sum.folded()
        } else {
            sum.add(&packet[VNET + IP..VNET + IP + TCP]);
            sum.add(&(!payload_sum).to_be_bytes());
            sum.finish()
        };
        packet[VNET + IP + 16..VNET + IP + 18].copy_from_slice(&field.to_be_bytes());
        if rustix::io::write(self.fd, &packet[VNET - self.offset()..]).is_ok() {
            flow.nxt = flow.nxt.wrapping_add(payload as u32);
        }
    }
}

/// The window scale among a SYN's options.
fn scale(mut options: &[u8]) -> u8 {
    loop {
        match options {
            [1, rest @ ..] => options = rest,
            [3, 3, scale, ..] => return *scale,
            [_, len, ..] if *len >= 2 && usize::from(*len) <= options.len() => options = &options[usize::from(*len)..],
            _ => return 0,
        }
    }
}

impl Flow {
    fn segment(&self, packet: &[u8]) -> Segment {
        let header = usize::from(packet[IP + 12] >> 4) * 4;
        Segment {
            seq: word(packet, IP + 4),
            ack: word(packet, IP + 8),
            flags: packet[IP + 13],
            window: u32::from(half(packet, IP + 14)) << self.scale,
            payload: packet.len().saturating_sub(IP + header),
        }
    }

    fn acknowledged(&mut self, packet: &[u8]) {
        let segment = self.segment(packet);
        if segment.flags & ACK != 0 && segment.flags & SYN == 0 {
            if (segment.ack.wrapping_sub(self.una) as i32) > 0 {
                self.una = segment.ack;
                if (self.nxt.wrapping_sub(self.una) as i32) < 0 {
                    self.nxt = self.una;
                }
            }
            self.window = segment.window;
        }
    }

    fn pseudo(&self, len: usize) -> Sum {
        Sum::pseudo(Addr::from_v4(self.ours), Addr::from_v4(self.theirs), 6, len)
    }

    /// Both headers; the checksum of TCP is left zero.
    fn write_headers(&self, packet: &mut [u8], flags: u8, payload: usize) {
        let len = packet.len() as u16;
        packet[..IP + TCP].fill(0);
        packet[0] = 0x45;
        packet[2..4].copy_from_slice(&len.to_be_bytes());
        packet[6] = 0x40;
        packet[8] = 64;
        packet[9] = 6;
        packet[12..16].copy_from_slice(&self.ours);
        packet[16..20].copy_from_slice(&self.theirs);
        let sum = checksum(&packet[..IP]);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        packet[IP..IP + 2].copy_from_slice(&self.ports[0].to_be_bytes());
        packet[IP + 2..IP + 4].copy_from_slice(&self.ports[1].to_be_bytes());
        packet[IP + 4..IP + 8].copy_from_slice(&self.nxt.to_be_bytes());
        packet[IP + 8..IP + 12].copy_from_slice(&self.rcv_nxt.to_be_bytes());
        packet[IP + 12] = ((usize::from(len) - payload - IP) / 4 * 16) as u8;
        packet[IP + 13] = flags;
        packet[IP + 14..IP + 16].copy_from_slice(&u16::MAX.to_be_bytes());
    }
}
