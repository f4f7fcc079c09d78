//! The packets of a super-segment as blocks of a capture.

use loggia_stack::base::{Frame, Reader};
use loggia_stack::link::Train;
use loggia_stack::link::pcapng::{self, Packet};

use super::piece::Piece;

/// The packets of a super-segment, of each of which the first `snap` bytes are kept.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) whole: &'a Frame,
    pub(super) train: &'a Train,
    /// How many bytes of each are kept.
    pub(super) snap: usize,
}

impl Run<'_> {
    /// Bytes of all packets.
    pub(super) fn len(&self) -> usize {
        let last = self.train.count() - 1;
        self.train.headers() * self.train.count() + self.train.offset(last) + self.train.payload(last)
    }

    fn piece(&self, n: usize) -> Piece<'_> {
        Piece::Segment { whole: self.whole, train: self.train, n }
    }

    /// Appends a block for each packet; says how many bytes each takes but the last. `like` says what they have in common.
    pub(super) fn append(&self, into: &mut Vec<u8>, like: &Packet<'_>) -> usize {
        let (first, last) = (self.piece(0), self.piece(self.train.count() - 1));
        let (packet, kept) = (Packet { len: first.len(), ..*like }, first.len().min(self.snap));
        let size = if (self.train.headers()..first.len()).contains(&kept) {
            self.append_alike(into, &packet, kept)
        } else {
            self.append_each(into, &packet, kept)
        };
        pcapng::append_packet(into, &Packet { len: last.len(), ..*like }, last.len().min(self.snap), |room| last.fill(room));
        size
    }

    /// All but the last, where of each all headers and not all payload are kept: written as often as the first, then told apart.
    fn append_alike(&self, into: &mut Vec<u8>, packet: &Packet<'_>, kept: usize) -> usize {
        let (train, start) = (self.train, into.len());
        let (headers, segment, steps) = (train.headers(), train.offset(1), train.steps());
        let fill = |room: &mut [u8]| train.head(0, &mut room[..headers]);
        let size = pcapng::append_times(into, packet, kept, train.count() - 1, fill);
        steps.write_each(0, pcapng::data_of_each(&mut into[start..], size, kept));
        if kept == headers {
            return size;
        }
        let mut payload = Reader::new(self.whole);
        for (n, room) in pcapng::data_of_each(&mut into[start..], size, kept).enumerate() {
            payload.copy_to(headers + n * segment, &mut room[headers..]);
        }
        size
    }

    /// All but the last, each by itself.
    fn append_each(&self, into: &mut Vec<u8>, packet: &Packet<'_>, kept: usize) -> usize {
        let start = into.len();
        let size = pcapng::append_times(into, packet, kept, self.train.count() - 1, |_| {});
        pcapng::data_of_each(&mut into[start..], size, kept).enumerate().for_each(|(n, room)| self.piece(n).fill(room));
        size
    }
}
