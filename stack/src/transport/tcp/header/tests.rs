use super::*;
use crate::base::{Entropy, LinkId};
use crate::network::Cast;
use alloc::vec::Vec;
use bytes::Bytes;

const A: Addr = Addr::v4(10, 0, 0, 1);
const B: Addr = Addr::v4(10, 0, 0, 2);

fn packet(frame: Frame) -> Packet {
    let len = frame.len();
    Packet {
        link: LinkId(1),
        src: A,
        dst: B,
        cast: Cast::Unicast,
        protocol: protocol::TCP,
        hop_limit: 64,
        traffic_class: 0,
        flow_label: 0,
        frame,
        network: 0,
        transport: 0,
        len,
    }
}

/// The options of a pushed header.
fn written(options: Options) -> Vec<u8> {
    let mut frame = Frame::default();
    let header = Header { options, ..Header::default() };
    header.push(&mut frame, A, B);
    assert_eq!(frame.len(), header.len());
    frame.to_vec()[MIN_LEN..].to_vec()
}

fn raw(flags: u8, options: &[u8]) -> Packet {
    let mut bytes = alloc::vec![0; MIN_LEN];
    bytes[12] = ((MIN_LEN + options.len()) as u8 / 4) << 4;
    bytes[13] = flags;
    bytes.extend_from_slice(options);
    packet(Frame::from(&bytes[..]))
}

fn parsed(flags: u8, options: &[u8]) -> Options {
    Header::parse(&raw(flags, options)).unwrap().0.options
}

fn cookie(bytes: &[u8], experimental: bool) -> Option<FastOpenOption> {
    Cookie::new(bytes).map(|cookie| FastOpenOption { cookie, experimental })
}

/// Those of a SYN of Linux.
fn as_linux_sends() -> Options {
    Options { mss: Some(1460), window_scale: Some(7), sack_permitted: true, timestamps: Some((1, 2)), ..Options::default() }
}

/// What is looked at and made in one go is what the general way comes to; anything else has no such way.
#[test]
fn the_options_of_most_syns_are_read_and_written_as_any() {
    let usual = Options { timestamps: Some((0x0102_0304, 0xfffe_fdfc)), ..as_linux_sends() };
    for (mss, scale) in [(1460, 7), (1, 0), (65_535, 14)] {
        let options = Options { mss: Some(mss), window_scale: Some(scale), ..usual };
        let mut list = [0; SYN_OPTIONS_LEN];
        options.write(&mut list);
        assert_eq!((options.as_of_syn(), options.len()), (Some(list), SYN_OPTIONS_LEN));
        assert_eq!((Options::of_syn(&list), parsed(SYN, &list)), (Some(options), options));
    }
    let zero = [kind::MSS, 4, 0, 0, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 99];
    assert_eq!(Options::of_syn(&zero), Some(Options::parse(&zero, true)));
    for at in [0, 1, 4, 5, 6, 7, 16, 17, 18] {
        let mut other = zero;
        other[at] ^= 0x40;
        assert_eq!(Options::of_syn(&other), None);
    }
    assert_eq!(parsed(ACK, &zero), Options::parse(&zero, false), "those of a SYN count in a SYN only");
    let mut blocks = SackBlocks::default();
    blocks.push(Seq(1), Seq(2));
    let others = [
        Options { mss: None, ..usual },
        Options { window_scale: None, ..usual },
        Options { sack_permitted: false, ..usual },
        Options { timestamps: None, ..usual },
        Options { sack: blocks, ..usual },
        Options { fast_open: cookie(&[], false), ..usual },
        Options { accurate: Some(AccurateOption { order: 0, count: 0, fields: [0; 3] }), ..usual },
    ];
    assert!(others.iter().all(|options| options.as_of_syn().is_none()));
}

#[test]
fn a_syn_looks_like_one_of_linux() {
    let full = as_linux_sends();
    assert_eq!(written(full), [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7]);
    assert_eq!(written(Options { timestamps: None, ..full }), [2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7]);
    assert_eq!(
        written(Options { sack_permitted: false, ..full }),
        [2, 4, 5, 180, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7]
    );
    assert_eq!(written(Options { mss: Some(536), ..Options::default() }), [2, 4, 2, 24]);
}

#[test]
fn an_established_segment_carries_timestamps_then_sack() {
    let mut options = Options { timestamps: Some((1, 2)), ..Options::default() };
    assert_eq!(written(options), [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    options.sack.push(Seq(3), Seq(4));
    assert_eq!(written(options), [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4]);
}

/// RFC 2018 §3, RFC 7323 §3.2
#[test]
fn four_sack_blocks_fit_and_three_with_timestamps() {
    let mut options = Options::default();
    for i in 0..4 {
        assert!(options.sack.push(Seq(i * 10), Seq(i * 10 + 5)));
    }
    assert!(!options.sack.push(Seq(90), Seq(95)));
    assert_eq!(written(options).len(), 36);
    assert_eq!(parsed(ACK, &written(options)).sack.as_slice().len(), 4);
    options.timestamps = Some((7, 8));
    assert_eq!(written(options).len(), 40);
    assert_eq!(parsed(ACK, &written(options)).sack.as_slice(), &options.sack.as_slice()[..3]);
}

/// RFC 9293 §3.1: the data offset is at least 5 and within the segment.
#[test]
fn a_data_offset_out_of_bounds_is_malformed() {
    for len in 0..MIN_LEN {
        assert_eq!(Header::parse(&packet(Frame::from(&alloc::vec![0xf0; len][..]))), None);
    }
    for offset in 0..=15u8 {
        let mut bytes = [0; 40];
        bytes[12] = offset << 4;
        let header = Header::parse(&packet(Frame::from(&bytes[..])));
        assert_eq!(header.map(|(_, len)| len), (5..=10).contains(&offset).then_some(usize::from(offset) * 4));
    }
}

/// RFC 9293 MUST-4, MUST-5, MUST-6, MUST-68
#[test]
fn end_padding_and_unknown_options_are_passed_over() {
    let options = parsed(ACK, &[1, 254, 4, 9, 9, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 0, 8, 10, 9]);
    assert_eq!(options, Options { timestamps: Some((1, 2)), ..Options::default() });
    assert_eq!(parsed(SYN, &[254, 2, 2, 4, 2, 24, 0, 0]).mss, Some(536));
}

/// RFC 9293 MUST-7
#[test]
fn an_illegal_length_ends_the_list_and_harms_nothing() {
    for bad in [[2, 0, 5, 180], [2, 1, 5, 180], [254, 5, 0, 0], [1, 1, 1, 8]] {
        let mut list = alloc::vec![2, 4, 2, 24];
        list.extend_from_slice(&bad);
        assert_eq!(parsed(SYN, &list), Options { mss: Some(536), ..Options::default() }, "{bad:?}");
    }
    // A known option of a wrong length is passed over, and the list goes on.
    assert_eq!(
        parsed(SYN, &[2, 3, 9, 3, 4, 9, 9, 4, 2, 5, 6, 1, 1, 1, 1, 1]),
        Options { sack_permitted: true, ..Options::default() }
    );
}

#[test]
fn options_of_the_handshake_count_in_a_syn_only() {
    let list = [2, 4, 5, 180, 4, 2, 1, 1, 1, 3, 3, 15];
    assert_eq!(parsed(ACK, &list), Options::default());
    let options = parsed(SYN | ACK, &list);
    // RFC 7323 §2.3: a shift above 14 counts as 14.
    assert_eq!((options.mss, options.window_scale, options.sack_permitted), (Some(1460), Some(14), true));
    assert_eq!(parsed(SYN, &[2, 4, 0, 0]).mss, None, "an MSS of zero is none");
}

/// RFC 9293 MUST-2, MUST-3
#[test]
fn the_partial_checksum_completes_to_a_right_one() {
    for (src, dst) in [(A, B), (Addr::V6_LOOPBACK, Addr::ALL_NODES)] {
        let mut frame = Frame::new(Bytes::from_static(b"odd").into());
        let header = Header { src_port: 1, dst_port: 2, seq: Seq(3), flags: ACK | PSH, window: 9, ..Header::default() };
        header.push(&mut frame, src, dst);
        assert_eq!((frame.l4_len, frame.checksum), (20, Checksum::Partial { offset: 16 }));
        let sum = frame.sum(0, frame.len(), Sum::new()).finish();
        frame.head_mut()[16..18].copy_from_slice(&sum.to_be_bytes());
        frame.checksum = Checksum::Unknown;
        let mut arrived = packet(frame);
        (arrived.src, arrived.dst) = (src, dst);
        assert!(arrived.checksum_ok());
        arrived.frame.head_mut()[0] ^= 1;
        assert!(!arrived.checksum_ok());
    }
}

/// RFC 9293 MUST-69: what stands behind the end of the list is zero: we need no end, for what we write fills its words.
#[test]
fn options_fill_whole_words_without_an_end_of_the_list() {
    for choice in 0..64u8 {
        let chosen = |bit: u8| choice & 1 << bit != 0;
        let options = Options {
            mss: chosen(0).then_some(1460),
            window_scale: chosen(1).then_some(7),
            sack_permitted: chosen(2),
            timestamps: chosen(3).then_some((1, 2)),
            accurate: (chosen(5) && !chosen(4)).then_some(AccurateOption { order: 1, count: choice % 4, fields: [1, 0, 1] }),
            sack: SackBlocks::default(),
            fast_open: chosen(4).then(|| cookie(&[1; 8][..usize::from(choice % 3) * 4], chosen(0))).flatten(),
        };
        let list = written(options);
        assert!(list.len().is_multiple_of(4));
        let mut rest = &list[..];
        while let [kind, tail @ ..] = rest {
            assert_ne!(*kind, kind::END);
            rest = if *kind == kind::NOP { tail } else { &rest[usize::from(tail[0])..] };
        }
    }
}

#[test]
fn whatever_is_pushed_is_parsed_and_any_bytes_are_survived() {
    let mut entropy = Entropy::new(1.into());
    for round in 0..2000 {
        let bit = |entropy: &mut Entropy| entropy.below(2) == 1;
        let flags = entropy.next_u32() as u8;
        let syn = flags & SYN != 0;
        let mut options = Options {
            mss: (syn && bit(&mut entropy)).then(|| entropy.below(65535) as u16 + 1),
            window_scale: (syn && bit(&mut entropy)).then(|| entropy.below(15) as u8),
            sack_permitted: syn && bit(&mut entropy),
            timestamps: bit(&mut entropy).then(|| (entropy.next_u32(), entropy.next_u32())),
            accurate: None,
            sack: SackBlocks::default(),
            fast_open: (syn && bit(&mut entropy)).then(|| cookie(&[9; 8], bit(&mut entropy))).flatten(),
        };
        for _ in 0..if options.fast_open.is_some() { 0 } else { entropy.below(3) } {
            options.sack.push(Seq(entropy.next_u32()), Seq(entropy.next_u32()));
        }
        if options.fast_open.is_none() && options.sack.is_empty() && bit(&mut entropy) {
            let (order, count) = (entropy.below(2) as u8, entropy.below(4) as u8);
            let mut fields = [0; 3];
            fields[..usize::from(count)].fill_with(|| entropy.below(1 << 24));
            options.accurate = Some(AccurateOption { order, count, fields });
        }
        let header = Header {
            src_port: entropy.next_u32() as u16,
            dst_port: entropy.next_u32() as u16,
            seq: Seq(entropy.next_u32()),
            ack: Seq(entropy.next_u32()),
            flags,
            ae: bit(&mut entropy),
            window: entropy.next_u32() as u16,
            urgent: entropy.next_u32() as u16,
            options,
        };
        let mut frame = Frame::new(Bytes::from_static(b"payload").into());
        header.push(&mut frame, A, B);
        // Head and body, one slice, and cut in the midst of the header: it is read the same.
        let whole = frame.to_vec();
        let cut = entropy.below(whole.len() as u32) as usize;
        let mut pieces = crate::base::Rope::from(&whole[..cut]);
        pieces.append(crate::base::Rope::from(&whole[cut..]));
        for frame in [frame, Frame::from(&whole[..]), Frame::new(pieces)] {
            assert_eq!(Header::parse(&packet(frame)), Some((header, header.len())), "round {round}");
        }
        let mut noise = [0; 64];
        entropy.fill(&mut noise);
        let _ = Header::parse(&packet(Frame::from(&noise[..entropy.below(65) as usize])));
    }
}
