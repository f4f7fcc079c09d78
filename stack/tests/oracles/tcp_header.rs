//! TCP headers with all options, over IPv4 and IPv6.

use etherparse::{TcpHeader as Theirs, TcpHeaderSlice, TcpOptionElement};
use loggia_stack::base::{Addr, Checksum, Frame, LinkId, Sum, Version};
use loggia_stack::network::{Cast, Packet, protocol};
use loggia_stack::transport::tcp::header::{ACK, FIN, Header, Options, PSH, RST, SYN, SackBlocks};
use loggia_stack::transport::tcp::seq::Seq;
use proptest::prelude::*;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{IpAddress, Ipv4Address, Ipv6Address, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, TcpTimestampRepr};

/// A header that a TCP could send, and its payload.
#[derive(Clone, Debug)]
struct Segment {
    header: Header,
    payload: Vec<u8>,
    src: Addr,
    dst: Addr,
}

fn addresses() -> impl Strategy<Value = (Addr, Addr)> {
    prop_oneof![
        any::<([u8; 4], [u8; 4])>().prop_map(|(src, dst)| (Addr::from_v4(src), Addr::from_v4(dst))),
        any::<([u8; 15], [u8; 15])>().prop_map(|(src, dst)| (v6(src), v6(dst))),
    ]
}

/// A global address, never an IPv4-mapped one.
fn v6(tail: [u8; 15]) -> Addr {
    let mut octets = [0x20; 16];
    octets[1..].copy_from_slice(&tail);
    Addr::from_v6(octets)
}

fn options() -> impl Strategy<Value = (Options, bool)> {
    let syn = (proptest::option::of(1..=u16::MAX), proptest::option::of(0..=14u8), any::<bool>(), any::<Option<(u32, u32)>>())
        .prop_map(|(mss, window_scale, sack_permitted, timestamps)| {
            (Options { mss, window_scale, sack_permitted, timestamps, ..Options::default() }, true)
        });
    let other =
        (any::<Option<(u32, u32)>>(), proptest::collection::vec(any::<(u32, u32)>(), 0..=3)).prop_map(|(timestamps, blocks)| {
            let mut sack = SackBlocks::default();
            for (start, end) in blocks {
                assert!(sack.push(Seq(start), Seq(end)));
            }
            (Options { timestamps, sack, ..Options::default() }, false)
        });
    prop_oneof![syn, other]
}

fn segments() -> impl Strategy<Value = Segment> {
    let flags = prop_oneof![Just(0), Just(PSH), Just(FIN), Just(RST)];
    let fields = (any::<(u32, u32)>(), 1..=u16::MAX, 1..=u16::MAX, any::<u16>(), flags, any::<bool>());
    (addresses(), fields, options(), proptest::collection::vec(any::<u8>(), 0..64)).prop_map(
        |((src, dst), ((seq, ack), src_port, dst_port, window, control, acks), (options, syn), payload)| {
            // A SACK block goes only with an acknowledgement (RFC 2018 §4).
            let acks = acks || !options.sack.is_empty();
            let flags = if syn { SYN } else { control } | if acks { ACK } else { 0 };
            let ack = if acks { Seq(ack) } else { Seq(0) };
            let header = Header { src_port, dst_port, seq: Seq(seq), ack, flags, ae: false, window, urgent: 0, options };
            Segment { header, payload, src, dst }
        },
    )
}

/// The segment as it goes onto a real wire.
fn emitted(segment: &Segment) -> Vec<u8> {
    let mut frame = Frame::from(&segment.payload[..]);
    segment.header.push(&mut frame, segment.src, segment.dst);
    let Checksum::Partial { offset } = frame.checksum else { panic!("a pushed header leaves a partial checksum") };
    let at = usize::from(offset);
    let mut bytes = frame.to_vec();
    let mut sum = Sum::new();
    sum.add(&bytes);
    bytes[at..at + 2].copy_from_slice(&sum.finish().to_be_bytes());
    bytes
}

/// What we read in a segment from the wire.
fn read(bytes: &[u8], src: Addr, dst: Addr) -> Option<(Header, Vec<u8>)> {
    let packet = Packet {
        link: LinkId(1),
        src,
        dst,
        cast: Cast::Unicast,
        protocol: protocol::TCP,
        hop_limit: 64,
        traffic_class: 0,
        flow_label: 0,
        frame: Frame::from(bytes),
        network: 0,
        transport: 0,
        len: bytes.len(),
    };
    if !packet.checksum_ok() {
        return None;
    }
    let (header, len) = Header::parse(&packet)?;
    Some((header, packet.payload(len).to_vec()))
}

fn smoltcp_address(addr: Addr) -> IpAddress {
    match addr.version() {
        Version::V4 => IpAddress::Ipv4(Ipv4Address::from(addr.v4_octets())),
        Version::V6 => IpAddress::Ipv6(Ipv6Address::from(addr.octets())),
    }
}

fn as_smoltcp(segment: &Segment) -> TcpRepr<'_> {
    let Header { src_port, dst_port, seq, ack, flags, window, options, .. } = segment.header;
    let mut sack_ranges = [None; 3];
    for (range, (start, end)) in sack_ranges.iter_mut().zip(options.sack.as_slice()) {
        *range = Some((start.0, end.0));
    }
    TcpRepr {
        src_port,
        dst_port,
        control: match flags & !ACK {
            SYN => TcpControl::Syn,
            FIN => TcpControl::Fin,
            RST => TcpControl::Rst,
            PSH => TcpControl::Psh,
            _ => TcpControl::None,
        },
        seq_number: TcpSeqNumber(seq.0 as i32),
        ack_number: (flags & ACK != 0).then_some(TcpSeqNumber(ack.0 as i32)),
        window_len: window,
        window_scale: options.window_scale,
        max_seg_size: options.mss,
        sack_permitted: options.sack_permitted,
        sack_ranges,
        timestamp: options.timestamps.map(|(tsval, tsecr)| TcpTimestampRepr { tsval, tsecr }),
        payload: &segment.payload,
    }
}

fn etherparse_options(options: &Options) -> Vec<TcpOptionElement> {
    let mut list = Vec::new();
    list.extend(options.mss.map(TcpOptionElement::MaximumSegmentSize));
    list.extend(options.window_scale.map(TcpOptionElement::WindowScale));
    list.extend(options.sack_permitted.then_some(TcpOptionElement::SelectiveAcknowledgementPermitted));
    list.extend(options.timestamps.map(|(value, echo)| TcpOptionElement::Timestamp(value, echo)));
    let mut blocks = options.sack.as_slice().iter().map(|(start, end)| (start.0, end.0));
    if let Some(first) = blocks.next() {
        list.push(TcpOptionElement::SelectiveAcknowledgement(first, [blocks.next(), blocks.next(), blocks.next()]));
    }
    list
}

fn as_etherparse(segment: &Segment) -> Theirs {
    let Header { src_port, dst_port, seq, ack, flags, window, options, .. } = segment.header;
    let mut theirs = Theirs::new(src_port, dst_port, seq.0, window);
    theirs.acknowledgment_number = ack.0;
    theirs.syn = flags & SYN != 0;
    theirs.ack = flags & ACK != 0;
    theirs.fin = flags & FIN != 0;
    theirs.rst = flags & RST != 0;
    theirs.psh = flags & PSH != 0;
    theirs.set_options(&etherparse_options(&options)).expect("the options fit");
    theirs.checksum = match segment.src.version() {
        Version::V4 => theirs.calc_checksum_ipv4_raw(segment.src.v4_octets(), segment.dst.v4_octets(), &segment.payload),
        Version::V6 => theirs.calc_checksum_ipv6_raw(segment.src.octets(), segment.dst.octets(), &segment.payload),
    }
    .expect("a short segment");
    theirs
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// RFC 9293 MUST-2, MUST-3: both sides agree on the checksum, too.
    #[test]
    fn smoltcp_reads_what_we_emit(segment in segments()) {
        let bytes = emitted(&segment);
        let packet = TcpPacket::new_checked(&bytes[..]).expect("well formed");
        let (src, dst) = (smoltcp_address(segment.src), smoltcp_address(segment.dst));
        let repr = TcpRepr::parse(&packet, &src, &dst, &ChecksumCapabilities::default()).expect("right");
        prop_assert_eq!(repr, as_smoltcp(&segment));
    }

    #[test]
    fn we_read_what_smoltcp_emits(segment in segments()) {
        let repr = as_smoltcp(&segment);
        let mut bytes = vec![0; repr.buffer_len()];
        let (src, dst) = (smoltcp_address(segment.src), smoltcp_address(segment.dst));
        repr.emit(&mut TcpPacket::new_unchecked(&mut bytes[..]), &src, &dst, &ChecksumCapabilities::default());
        let read = read(&bytes, segment.src, segment.dst);
        prop_assert_eq!(read, Some((segment.header, segment.payload)));
    }

    #[test]
    fn etherparse_reads_what_we_emit(segment in segments()) {
        let bytes = emitted(&segment);
        let slice = TcpHeaderSlice::from_slice(&bytes).expect("well formed");
        let theirs = slice.to_header();
        let expected = as_etherparse(&segment);
        prop_assert_eq!(theirs.checksum_of(&segment), theirs.checksum);
        prop_assert_eq!(
            (theirs.source_port, theirs.destination_port, theirs.sequence_number, theirs.acknowledgment_number, theirs.window_size),
            (expected.source_port, expected.destination_port, expected.sequence_number, expected.acknowledgment_number, expected.window_size)
        );
        prop_assert_eq!(
            (theirs.syn, theirs.ack, theirs.fin, theirs.rst, theirs.psh, theirs.urg, theirs.ece, theirs.cwr, theirs.ns),
            (expected.syn, expected.ack, expected.fin, expected.rst, expected.psh, false, false, false, false)
        );
        let mut options: Vec<TcpOptionElement> = theirs.options_iterator().map(|option| option.expect("well formed")).collect();
        options.retain(|option| *option != TcpOptionElement::Noop);
        let mut wanted = etherparse_options(&segment.header.options);
        options.sort_by_key(kind);
        wanted.sort_by_key(kind);
        prop_assert_eq!(options, wanted);
        prop_assert_eq!(&bytes[theirs.header_len()..], &segment.payload[..]);
    }

    #[test]
    fn we_read_what_etherparse_emits(segment in segments()) {
        let theirs = as_etherparse(&segment);
        let mut bytes = theirs.to_bytes().to_vec();
        bytes.extend_from_slice(&segment.payload);
        let read = read(&bytes, segment.src, segment.dst);
        prop_assert_eq!(read, Some((segment.header, segment.payload)));
    }

    /// RFC 9293 MUST-3: a damaged segment is noticed. A bit flips; the sum over sixteen-bit words notices every single one.
    #[test]
    fn a_flipped_bit_is_noticed(segment in segments(), at in any::<proptest::sample::Index>(), bit in 0..8u8) {
        let mut bytes = emitted(&segment);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert_eq!(read(&bytes, segment.src, segment.dst), None);
    }
}

/// An order for options, which no receiver may depend on.
fn kind(option: &TcpOptionElement) -> u8 {
    match option {
        TcpOptionElement::Noop => 1,
        TcpOptionElement::MaximumSegmentSize(_) => 2,
        TcpOptionElement::WindowScale(_) => 3,
        TcpOptionElement::SelectiveAcknowledgementPermitted => 4,
        TcpOptionElement::SelectiveAcknowledgement(..) => 5,
        TcpOptionElement::Timestamp(..) => 8,
    }
}

/// The checksum as etherparse computes it from what it read.
trait ChecksumOf {
    fn checksum_of(&self, segment: &Segment) -> u16;
}

impl ChecksumOf for Theirs {
    fn checksum_of(&self, segment: &Segment) -> u16 {
        match segment.src.version() {
            Version::V4 => self.calc_checksum_ipv4_raw(segment.src.v4_octets(), segment.dst.v4_octets(), &segment.payload),
            Version::V6 => self.calc_checksum_ipv6_raw(segment.src.octets(), segment.dst.octets(), &segment.payload),
        }
        .expect("a short segment")
    }
}
