//! What goes where the one before it went, against what is looked at anew each time.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::base::event::class;
use crate::base::{Key, MsgFlags};
use crate::link::Offloads;
use crate::transport::datagram::SendControl;
use crate::transport::testing::{Host, at};

/// A host with a connected socket, whose events are told.
fn host(checksum: bool, remote: &str) -> (Host, Key) {
    let mut host = Host::with_link(1, 1500, Offloads { checksum, ..Offloads::default() });
    host.net.links.base.events.listen(class::ALL);
    let id = host.connected(remote);
    (host, id)
}

/// All that leaves and is told of a host.
fn told(host: &mut Host) -> (Vec<String>, String) {
    let frames = host.frames().into_iter().map(|frame| {
        let about = (frame.checksum, frame.segment_size, frame.l2_len, frame.l3_len, frame.l4_len);
        format!("{about:?} {:x?}", frame.to_vec())
    });
    let frames = frames.collect();
    let base = &mut host.net.links.base;
    let events: Vec<_> = core::iter::from_fn(|| base.events.pop()).collect();
    (frames, format!("{events:?} {:?} {:?}", base.counters.ip, base.counters.udp))
}

/// Each length follows another, also itself; some the path does not take whole.
#[test]
fn a_datagram_on_a_known_course_is_the_same_as_one_that_is_looked_at_anew() {
    let places = [["10.0.0.2:7", "10.0.0.2:9"], ["[fd00::2]:7", "[fd00::2]:9"]];
    for (checksum, [remote, other_port]) in [false, true].into_iter().flat_map(|checksum| places.map(|place| (checksum, place))) {
        let ((mut quick, one), (mut general, other)) = (host(checksum, remote), host(checksum, remote));
        let (control, flags) = (SendControl::default(), MsgFlags::NONE);
        let mut shorts = 0;
        for to in [None, Some(at(other_port))] {
            for (step, len) in [64, 64, 3, 0, 0, 77, 78, 79, 64, 1452, 1453, 1472, 1473, 1, 5000, 64].into_iter().enumerate() {
                let data: Vec<u8> = (0..len).map(|at| (at * 7 + step) as u8).collect();
                let short = quick.udp.send_short(&mut quick.net, one, &data, to);
                shorts += usize::from(short.is_some());
                let sent = match short {
                    Some(sent) => sent.map(|()| len),
                    None => quick.udp.send(&mut quick.net, one, &[&data], to, &control, flags),
                };
                assert_eq!(sent, general.udp.send(&mut general.net, other, &[&data], to, &control, flags));
                assert_eq!(told(&mut quick), told(&mut general), "{len} bytes, step {step}, {to:?}");
            }
        }
        assert!(shorts >= 20, "{shorts} went the short way");
    }
}

/// RFC 768: a checksum that comes out as zero is sent as all ones. Of all datagrams of two bytes one has it.
#[test]
fn a_checksum_of_zero_goes_as_all_ones_on_a_known_course() {
    for (remote, network) in [("10.0.0.2:7", 20), ("[fd00::2]:7", 40)] {
        let (mut host, id) = host(false, remote);
        host.send(id, b"first").unwrap();
        host.frames();
        let mut ones = 0;
        for data in 0..=u16::MAX {
            assert_eq!(host.udp.send_short(&mut host.net, id, &data.to_be_bytes(), None), Some(Ok(())));
            let frame = host.frames().pop().unwrap();
            let checksum = frame.read::<2>(network + 6).unwrap();
            assert_ne!(checksum, [0, 0]);
            ones += usize::from(checksum == [0xff, 0xff]);
        }
        assert_eq!(ones, 1);
    }
}
