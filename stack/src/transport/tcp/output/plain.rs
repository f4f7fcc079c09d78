//! A segment as nearly all are: timestamps and no other options, nothing urgent, no marks. What `fill` and [`transmit::segment`] come to for it, in
//! one go: over a link that takes packets as they are its headers are written at once, where they are to lie.

use core::hint::cold_path;

use super::{fill, transmit};
use crate::base::{Checksum, Errno, Frame, Rope, TcpState};
use crate::link::Progress;
use crate::network::{Onward, Way};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::ecn;
use crate::transport::tcp::header::{CHECKSUM_OFFSET, Header, USUAL_LEN};
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::spare::Spare;
use crate::transport::tcp::tcb::Tcb;

/// True if the segments of this connection are such now.
#[inline]
pub(in crate::transport::tcp) fn is_plain(tcb: &Tcb) -> bool {
    let is_open = tcb.timestamps && tcb.ecn.is_none() && tcb.state != TcpState::SynReceived;
    is_open && !tcb.snd.urgent && !fill::has_sack_blocks(tcb)
}

/// Sends such a segment. Errors as those of [`transmit::segment`], which sends it where there is no straight way.
#[inline(always)] // Called where data leaves, and in `send_bare`.
pub(in crate::transport::tcp) fn send(tcb: &mut Tcb, cx: &mut Cx<'_>, seq: Seq, flags: u8, body: Rope) -> Result<(), Errno> {
    let header = fill::plain_header(tcb, cx, seq, flags);
    let (query, manner) = (transmit::way(tcb), transmit::manner(tcb, ecn::NOT_ECT));
    let along = cx.net.along_here(&query, manner);
    // What is to be noted of another path, others do.
    let Some(along) = along.filter(|along| transmit::mtu_in_16_bits(along.route().mtu) == tcb.path_mtu) else {
        cold_path();
        return send_any(tcb, cx, header, body);
    };
    let len = body.len();
    match along.straight_bare(USUAL_LEN + len) {
        Ok((way, straight)) => straight.send(way, packet(way, &header, len, cx.common.spare.frame(body))),
        Err(onward) => {
            if let Some((header, body)) = send_onward(onward, progress(tcb), &mut cx.common.spare, header, body) {
                return send_any(tcb, cx, header, body);
            }
        }
    }
    // Its neighbour was confirmed, if it has one.
    tcb.recovery.progress = false;
    transmit::report(tcb, cx, &header, len as u32, 0);
    Ok(())
}

/// RFC 4861 §7.3.1: an acknowledgement of new data is a sign that the neighbour is reachable.
fn progress(tcb: &Tcb) -> Progress {
    if tcb.recovery.progress { Progress::Made } else { Progress::Unknown }
}

/// The same of one that carries nothing: acknowledgements and FINs, which leave from several places.
#[inline(never)]
pub(in crate::transport::tcp) fn send_bare(tcb: &mut Tcb, cx: &mut Cx<'_>, seq: Seq, flags: u8) -> Result<(), Errno> {
    send(tcb, cx, seq, flags, Rope::new())
}

/// Over a link that needs more than packets. Gives back what does not go straight there either.
#[inline(never)]
fn send_onward(
    onward: Option<Onward<'_>>,
    progress: Progress,
    spare: &mut Spare,
    header: Header,
    body: Rope,
) -> Option<(Header, Rope)> {
    let len = body.len();
    let Some((way, straight)) = onward.and_then(|onward| onward.straight(progress)) else { return Some((header, body)) };
    straight.send(way, packet(way, &header, len, spare.frame(body)));
    None
}

/// The general way. By value, so that the header comes into memory only here.
#[inline(never)]
fn send_any(tcb: &mut Tcb, cx: &mut Cx<'_>, header: Header, body: Rope) -> Result<(), Errno> {
    transmit::segment(tcb, cx, &header, body, 0)
}

/// The packet of so many bytes of data, which its frame has, with all headers; its checksum is left to who needs it.
#[inline(always)]
fn packet(way: &Way, header: &Header, len: usize, mut frame: Frame) -> Frame {
    let (value, echo) = header.options.timestamps.unwrap_or_default();
    header.write_usual(frame.room_for(), len, way.pseudo(), value, echo);
    way.push_header(&mut frame, USUAL_LEN + len);
    frame.checksum = Checksum::Partial { offset: CHECKSUM_OFFSET };
    frame.l4_len = USUAL_LEN as u8;
    frame
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;
    use crate::base::event::class;
    use crate::base::{Addr, Entropy, Key, LinkId, Seed, Version};
    use crate::link::{LinkConfig, Mac, Medium, Offloads, Received, Up};
    use crate::network::Fragmentation;
    use crate::network::autoconf::LinkSettings;
    use crate::transport::tcp::header::{ACK, FIN, PSH};
    use crate::transport::tcp::output::decide::Plan;
    use crate::transport::tcp::{Tcp, TcpConfig};
    use crate::transport::testing::Host;

    struct End {
        host: Host,
        tcp: Tcp,
        id: Key,
    }

    /// A connection to 10.0.0.2 or fd00::2.
    fn end(version: Version) -> End {
        let mut host = Host::new(1);
        let mut tcp = Tcp::new(&host.net.links.base.entropy.clone(), TcpConfig::default());
        let id = tcp.open(host.owner(), version);
        let tcb = &mut tcp.records.connections[id];
        (tcb.state, tcb.timestamps, tcb.sack) = (TcpState::Established, true, true);
        let ends: [Addr; 2] = match version {
            Version::V4 => ["10.0.0.1", "10.0.0.2"],
            Version::V6 => ["fd00::1", "fd00::2"],
        }
        .map(|addr| addr.parse().unwrap());
        [tcb.inet.local, tcb.inet.remote] = ends;
        (tcb.inet.local_port, tcb.inet.remote_port, tcb.path_mtu) = (4000, 80, 1500);
        End { host, tcp, id }
    }

    /// Something that the next segment, or its way, depends on.
    fn change(End { host, tcp, id }: &mut End, what: u32, more: u32) {
        let (tcb, is_odd) = (&mut tcp.records.connections[*id], more & 1 == 1);
        match what {
            0 => tcb.rcv.wscale = (more % 15) as u8,
            1 => tcb.rcv.nxt += more % 3000,
            2 => tcb.rcv.edge = tcb.rcv.nxt + more % 70_000,
            3 => (tcb.rcv.mss, tcb.rcv.received) = ((more % 1500) as u16, u64::from(more) << (more % 8)),
            4 => (tcb.inet.tos, tcb.inet.hop_limit) = (more as u8, (more >> 8) as u8),
            5 => tcb.path_mtu = if is_odd { 1400 } else { 1500 },
            6 => tcb.recovery.progress = is_odd,
            7 => (tcb.ts_offset, tcb.rcv.ts_recent) = (more, !more),
            8 => _ = host.net.set_link_mtu(host.eth, if is_odd { 576 } else { 1500 }),
            9 => _ = host.net.set_link_up(host.eth, more & 3 > 0),
            10 => host.net.links.base.now += core::time::Duration::from_millis(u64::from(more % 100)),
            _ => {}
        }
    }

    fn seen(End { host, tcp, id }: &mut End, result: Result<(), Errno>) -> String {
        let frames: Vec<_> = core::iter::from_fn(|| host.net.links.transmit(host.eth)).collect();
        let frames = frames.iter().map(|frame| {
            let notes = (frame.segment_size, frame.checksum, frame.l2_len, frame.l3_len, frame.l4_len);
            format!("{notes:?} {:x?}", frame.to_vec())
        });
        let frames: Vec<_> = frames.collect();
        let links: Vec<_> = host.net.links.links().map(|link| (link.up, link.queued, link.stats)).collect();
        format!("{result:?} {frames:?} {links:?} {:?} {:?}", host.net.links.base.counters, tcp.records.connections[*id])
    }

    /// What goes straight is what would have gone the other way.
    #[test]
    fn the_straight_way_comes_to_what_the_general_way_comes_to() {
        let mut entropy = Entropy::new(Seed::from(6));
        let mut families = [Version::V4, Version::V6].map(|version| [end(version), end(version)]);
        for round in 0..10_000 {
            let ends = &mut families[round % 2];
            let (what, more, flags) = (entropy.below(16), entropy.below(u32::MAX), entropy.below(3));
            let (flags, len, seq) =
                ([ACK, ACK | PSH, ACK | FIN][flags as usize], entropy.below(60) as usize, Seq(entropy.below(u32::MAX)));
            let mut straight = true;
            let [first, second] = ends.each_mut().map(|end| {
                change(end, what, more);
                let End { host, tcp, id } = end;
                let (tcb, mut cx) = tcp.with(&mut host.net, *id).expect("it is there");
                let body = Rope::from(&[7; 60][..len]);
                let result = if core::mem::take(&mut straight) {
                    send(tcb, &mut cx, seq, flags, body)
                } else {
                    let header = fill::header(tcb, &mut cx, seq, flags);
                    send_any(tcb, &mut cx, header, body)
                };
                seen(end, result)
            });
            assert_eq!(first, second, "round {round}");
        }
    }

    /// What would be sent where nobody asked whether it is plain.
    fn send_generally(tcb: &mut Tcb, cx: &mut Cx<'_>, plan: &Plan, body: Rope) -> Result<(), Errno> {
        let flags = fill::flags_of(tcb, plan);
        let mut header = fill::header(tcb, cx, plan.seq, flags);
        fill::complete(tcb, cx, &mut header, plan);
        transmit::segment(tcb, cx, &header, body, plan.segment_size)
    }

    fn send_plainly(tcb: &mut Tcb, cx: &mut Cx<'_>, plan: &Plan, body: Rope) -> Result<(), Errno> {
        if !is_plain(tcb) {
            return send_generally(tcb, cx, plan, body);
        }
        let flags = fill::flags_of(tcb, plan);
        send(tcb, cx, plan.seq, flags, body)
    }

    /// What else there is to say, other ways of the packet, and other links.
    fn change_more(End { host, tcp, id }: &mut End, slow: LinkId, what: u32, more: u32) {
        let (tcb, is_odd) = (&mut tcp.records.connections[*id], more & 1 == 1);
        let addr = |text: &str| text.parse::<Addr>().unwrap();
        match what {
            0 => (tcb.snd.urgent, tcb.snd.up) = (is_odd, Seq(more)),
            1 => tcb.dsack = (tcb.rcv.nxt, tcb.rcv.nxt + more % 3),
            2 => tcb.sack = is_odd,
            3 => tcb.timestamps = !more.is_multiple_of(8),
            4 => tcb.state = if !more.is_multiple_of(4) { TcpState::Established } else { TcpState::SynReceived },
            5 => {
                tcb.inet.fragmentation =
                    [Fragmentation::Never, Fragmentation::Local, Fragmentation::Anybody, Fragmentation::Probe][more as usize % 4];
            }
            6 | 7 => {
                let pairs = [
                    ("10.0.0.1", "10.0.0.2"),
                    ("10.0.0.1", "10.0.0.2"),
                    ("10.0.3.1", "10.0.3.9"),
                    ("10.0.3.1", "10.0.3.9"),
                    ("10.0.0.1", "10.0.0.1"),
                    ("127.0.0.1", "127.0.0.1"),
                    ("fd00::1", "fd00::2"),
                    ("fd00::1", "fd00::2"),
                    ("fd00:3::1", "fd00:3::9"),
                    ("fd00:3::1", "fd00:3::9"),
                    ("10.0.4.1", "10.0.4.9"),
                    ("10.0.4.1", "10.0.4.9"),
                    ("10.0.4.1", "10.0.4.9"),
                    ("fd00:4::1", "fd00:4::9"),
                    ("fd00:4::1", "fd00:4::9"),
                    ("fd00:4::1", "fd00:4::9"),
                    ("::1", "::1"),
                    ("fd00::1", "2001:db8::1"),
                    ("10.0.0.1", "10.0.0.255"),
                    ("10.0.0.1", "192.0.2.1"),
                    ("10.0.9.1", "10.0.0.2"),
                ];
                let (local, remote) = pairs[more as usize % pairs.len()];
                (tcb.inet.local, tcb.inet.remote) = (addr(local), addr(remote));
            }
            8 => tcb.inet.link = [0, 0, host.eth.0, slow.0][more as usize % 4],
            9 => tcb.path_mtu = [0, 1280, 1500, u16::MAX][more as usize % 4],
            10 => _ = host.net.set_link_up(slow, more & 3 > 0),
            11 => _ = host.net.add_route("192.0.2.0/24".parse().unwrap(), Some(addr("10.0.3.5")), slow, more % 2),
            12 => _ = host.net.remove_address(host.eth, addr("10.0.0.1")),
            13 => _ = host.net.add_address(host.eth, "10.0.0.1/24".parse().unwrap()),
            14 => host.net.links.base.budget.charge(if host.net.links.base.budget.used() < 1 << 24 { 1 << 22 } else { 0 }),
            15 => host.net.links.base.events.listen(if is_odd { class::ALL } else { 0 }),
            16 => neighbour_changes(host, LinkId(slow.0 + 1), more),
            17 => _ = host.net.set_link_up(LinkId(slow.0 + 1), more & 3 > 0),
            _ => {}
        }
    }

    /// An Ethernet, whose addresses are there at once.
    fn add_ethernet(host: &mut Host, vlan: Option<u16>) {
        host.net.config.ipv6.link_defaults = LinkSettings::MANUAL;
        let medium = Medium::Ethernet { mac: Mac([2, 0, 0, 0, 0, 1]), vlan };
        let config = LinkConfig { name: "wire0".into(), medium, mtu: 1500, offloads: Offloads::default(), queue_limit: 3000 };
        let link = host.net.add_link(config).unwrap();
        host.net.set_link_up(link, true).unwrap();
        host.net.add_address(link, "10.0.4.1/24".parse().unwrap()).unwrap();
        host.net.add_address(link, "fd00:4::1/64".parse().unwrap()).unwrap();
    }

    /// What is known of the neighbours on an Ethernet.
    fn neighbour_changes(host: &mut Host, wire: LinkId, more: u32) {
        let there = if more & 0x10 > 0 { "10.0.4.9" } else { "fd00:4::9" }.parse().unwrap();
        let (links, mac) = (&mut host.net.links, Mac([2, 0, 0, 0, 0, (more >> 8) as u8 % 2]));
        match more % 8 {
            0 => _ = links.neighbour_set(wire, there, mac),
            1 => links.neighbour_remove(wire, there),
            2 => links.neighbour_learnt(wire, there, mac),
            3 | 4 => links.neighbour_confirmed(wire, there),
            5 => links.neighbour_advertised(wire, there, Some(mac), more & 0x20 > 0, more & 0x40 > 0, false),
            _ => links.base.now += core::time::Duration::from_secs(u64::from(more >> 16) % 40),
        }
        while let Some(timer) = host.net.links.base.timers.expire(host.net.links.base.now) {
            host.net.timer(timer);
        }
    }

    /// Whatever is to be said beside, wherever it goes, and whether there is room.
    #[test]
    fn what_is_found_to_be_plain_is_what_the_general_way_makes() {
        let mut entropy = Entropy::new(Seed::from(9));
        let mut slow = LinkId(0);
        let mut ends = [end(Version::V4), end(Version::V4)];
        for End { host, .. } in &mut ends {
            let offloads = Offloads { checksum: true, ..Offloads::default() };
            let config = LinkConfig { name: "slow0".into(), medium: Medium::Ip, mtu: 1500, offloads, queue_limit: 300 };
            slow = host.net.add_link(config).unwrap();
            host.net.set_link_up(slow, true).unwrap();
            host.net.add_address(slow, "10.0.3.1/24".parse().unwrap()).unwrap();
            host.net.add_address(slow, "fd00:3::1/64".parse().unwrap()).unwrap();
            add_ethernet(host, None);
        }
        let mut plain = 0;
        for round in 0..60_000 {
            let (what, other, more, drawn) =
                (entropy.below(20), entropy.below(16), entropy.below(u32::MAX), entropy.below(u32::MAX));
            let len = if drawn & 3 > 0 { 60 } else { [0, 1428, 1448, 1449, 1460, 1461, 3000][drawn as usize % 7] };
            let seq = Seq(entropy.below(u32::MAX));
            let plan = Plan { seq, len, fin: drawn & 0x10 > 0, push: drawn & 0x20 > 0, segment_size: 0, again: None };
            let leaves = entropy.below(3) > 0;
            let mut straight = true;
            let [first, second] = ends.each_mut().map(|end| {
                change(end, other, more);
                change_more(end, slow, what, more);
                let End { host, tcp, id } = end;
                let (tcb, mut cx) = tcp.with(&mut host.net, *id).expect("it is there");
                plain += u32::from(is_plain(tcb));
                let body = Rope::from(&[7; 3000][..len as usize]);
                let result = if core::mem::take(&mut straight) {
                    send_plainly(tcb, &mut cx, &plan, body)
                } else {
                    send_generally(tcb, &mut cx, &plan, body)
                };
                let mut events = Vec::new();
                while let Some(event) = host.net.links.base.events.pop() {
                    events.push(event);
                }
                let mut left = Vec::new();
                for link in [slow, LinkId(slow.0 + 1)] {
                    while leaves && let Some(frame) = host.net.links.transmit(link) {
                        let notes = (frame.checksum, frame.l2_len, frame.l3_len, frame.l4_len);
                        left.push(format!("{link:?} {notes:?} {:x?}", frame.to_vec()));
                    }
                }
                let mut up = Vec::new();
                while let Some(one) = host.net.links.poll() {
                    up.push(match one {
                        Up::Received(Received { link, version, frame, network, cast }) => {
                            format!("{link:?} {version:?} {network} {cast:?} {:?} {:x?}", frame.checksum, frame.to_vec())
                        }
                        Up::Unreachable { link, frame, .. } => format!("unreachable {link:?} {:x?}", frame.to_vec()),
                        other => format!("{other:?}"),
                    });
                }
                let neighbours: Vec<_> = host.net.links.neighbours().collect();
                let deadline = host.net.links.base.timers.next_deadline();
                format!("{events:?} {left:?} {up:?} {neighbours:?} {deadline:?} {}", seen(end, result))
            });
            assert_eq!(first, second, "round {round}, {what} {other} {more}");
        }
        assert!(plain > 10_000, "{plain}");
    }
}
