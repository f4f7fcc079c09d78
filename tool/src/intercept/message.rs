//! `struct msghdr` and what it leads to in the caller's memory, on a 64-bit machine.

use loggia_stack::Errno;
use loggia_stack::socket::control::HEADER;
use loggia_stack::socket::{Address, Control};

use super::call::{Call, MOST_ADDRESS};
use super::fault::Fault;
use super::writing::Writing;

/// Bytes of `struct msghdr`.
pub(super) const MSGHDR: usize = 56;
/// Bytes of `struct iovec`.
pub(super) const PIECE: usize = 16;
/// Bytes of `struct mmsghdr`, in which the length of the message follows the `msghdr`.
pub(super) const MMSGHDR: usize = 64;
/// Most pieces of a message (`UIO_MAXIOV`), and most messages of a call.
pub(super) const MOST_PIECES: usize = 1024;

/// A message header as it was read, once.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// Where it is.
    address: u64,
    pub(super) name: u64,
    pub(super) name_len: i32,
    /// Address and length of the pieces.
    pub(super) pieces: Vec<(u64, usize)>,
    pub(super) control: u64,
    pub(super) control_len: usize,
}

impl Header {
    /// `EFAULT`, `EMSGSIZE` (too many pieces), `EINVAL` (a length below zero)
    pub(super) fn read(call: &Call, address: u64) -> Result<Self, Fault> {
        let bytes: [u8; MSGHDR] = call.read_array(address)?;
        let (mut header, table, count) = Self::parse(&bytes, address)?;
        header.pieces = read_pieces(call, table, count)?;
        Ok(header)
    }

    /// Also where the table of its pieces is, which are still to be read, and how many there are. `EMSGSIZE` (too many), `EINVAL` (a length below zero)
    pub(super) fn parse(bytes: &[u8; MSGHDR], address: u64) -> Result<(Self, u64, usize), Fault> {
        let word = |offset: usize| u64::from_ne_bytes(bytes[offset..offset + 8].try_into().expect("eight bytes"));
        if word(0) != 0 && (word(8) as u32 as i32) < 0 {
            return Err(Fault(libc::EINVAL));
        }
        let count = usize::try_from(word(24)).ok().filter(|count| *count <= MOST_PIECES).ok_or(Fault(libc::EMSGSIZE))?;
        let header = Self {
            address,
            name: word(0),
            name_len: word(8) as u32 as i32,
            pieces: Vec::new(),
            control: word(32),
            control_len: word(40) as usize,
        };
        Ok((header, word(16), count))
    }

    /// A header for a call that has a single buffer and no control data.
    pub(super) fn single(buffer: u64, len: u64) -> Self {
        let len = isize::try_from(len).unwrap_or(isize::MAX) as usize;
        Self { address: 0, name: 0, name_len: 0, pieces: vec![(buffer, len)], control: 0, control_len: 0 }
    }

    /// A header for a call that has pieces and no more. `EFAULT`, `EINVAL` (too many)
    pub(super) fn pieces(call: &Call, table: u64, count: u64) -> Result<Self, Fault> {
        let count = usize::try_from(count).ok().filter(|count| *count <= MOST_PIECES).ok_or(Fault(libc::EINVAL))?;
        Ok(Self { pieces: read_pieces(call, table, count)?, ..Self::single(0, 0) })
    }

    /// Where the name of a message to be sent is, and its length: one of no length is none, and of one that is longer than any its beginning
    /// counts (Linux's `__copy_msghdr`).
    pub(super) fn destination(&self) -> Option<(u64, usize)> {
        let len = usize::try_from(self.name_len).unwrap_or(0).min(MOST_ADDRESS);
        (self.name != 0 && len > 0).then_some((self.name, len))
    }

    /// Bytes its pieces have room for.
    pub(super) fn room(&self) -> usize {
        self.pieces.iter().fold(0, |sum, (_, len)| sum.saturating_add(*len))
    }

    /// Its bytes after the first `skip`, at most as many as fit `into`; says how many.
    pub(super) fn gather(&self, call: &Call, mut skip: usize, into: &mut [u8]) -> Result<usize, Fault> {
        let (mut done, mut pieces) = (0, Vec::new());
        for (address, len) in &self.pieces {
            let passed = skip.min(*len);
            skip -= passed;
            let len = (len - passed).min(into.len() - done);
            if len > 0 {
                pieces.push((address.wrapping_add(passed as u64), len));
            }
            done += len;
        }
        call.read_pieces(&pieces, &mut into[..done])?;
        Ok(done)
    }

    /// Tells of bytes for its pieces, behind the first `skip` of their room.
    pub(super) fn scatter(&self, writing: &mut Writing, mut skip: usize, bytes: &[u8]) {
        let mut left = bytes;
        for (address, len) in &self.pieces {
            let passed = skip.min(*len);
            skip -= passed;
            let (now, later) = left.split_at((len - passed).min(left.len()));
            writing.put(address.wrapping_add(passed as u64), now);
            left = later;
        }
    }

    /// Tells of a received message: name, flags, ancillary data.
    pub(super) fn told(&self, writing: &mut Writing, from: &Address, controls: &[Control], flags: i32) {
        self.told_by(writing, &from.to_bytes(), controls, flags);
    }

    /// The same with the bytes of the name.
    pub(super) fn told_by(&self, writing: &mut Writing, name: &[u8], controls: &[Control], flags: i32) {
        let (control, cut) = encode_controls(controls, if self.control == 0 { 0 } else { self.control_len });
        writing.put(self.control, &control);
        let flags = flags | if cut { libc::MSG_CTRUNC } else { 0 };
        if self.name != 0 {
            // It is not below zero where there is a name.
            let room = usize::try_from(self.name_len).unwrap_or(0);
            writing.put(self.name, &name[..name.len().min(room)]);
            writing.put(self.address.wrapping_add(8), &(name.len() as u32).to_ne_bytes());
        }
        writing.put(self.address.wrapping_add(40), &(control.len() as u64).to_ne_bytes());
        writing.put(self.address.wrapping_add(48), &flags.to_ne_bytes());
    }

    /// Tells how many bytes a message of `struct mmsghdr` has, as the call says it.
    pub(super) fn told_len(&self, writing: &mut Writing, len: usize) {
        writing.put(self.address.wrapping_add(MSGHDR as u64), &(len as u32).to_ne_bytes());
    }
}

fn read_pieces(call: &Call, address: u64, count: usize) -> Result<Vec<(u64, usize)>, Fault> {
    let mut table = vec![0; PIECE * count];
    call.read(address, &mut table)?;
    parse_pieces(&table)
}

/// Address and length of each `struct iovec`. `EINVAL` (a length below zero)
pub(super) fn parse_pieces(table: &[u8]) -> Result<Vec<(u64, usize)>, Fault> {
    let pieces = table.chunks_exact(PIECE).map(|entry| {
        let half = |offset: usize| u64::from_ne_bytes(entry[offset..offset + 8].try_into().expect("eight bytes"));
        isize::try_from(half(8)).map(|len| (half(0), len as usize)).map_err(|_| Fault(libc::EINVAL))
    });
    pieces.collect()
}

pub(super) fn parse_controls(mut bytes: &[u8]) -> Result<Vec<Control>, Errno> {
    let mut items = Vec::new();
    while bytes.len() >= HEADER {
        let len = u64::from_ne_bytes(bytes[..8].try_into().expect("eight bytes"));
        let len = usize::try_from(len).ok().filter(|len| (HEADER..=bytes.len()).contains(len)).ok_or(Errno::EINVAL)?;
        let four = |offset: usize| i32::from_ne_bytes(bytes[offset..offset + 4].try_into().expect("four bytes"));
        let (level, ty) = (four(8), four(12));
        if !matches!((level, ty), (libc::SOL_SOCKET, libc::SCM_RIGHTS | libc::SCM_CREDENTIALS)) {
            items.push(Control::from_bytes(level, ty, &bytes[HEADER..len])?);
        }
        bytes = &bytes[len.next_multiple_of(8).min(bytes.len())..];
    }
    Ok(items)
}

/// As `struct cmsghdr` one behind the other; says whether some did not fit.
fn encode_controls(items: &[Control], room: usize) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    for item in items {
        let data = item.data();
        if bytes.len() + HEADER + data.len() > room {
            return (bytes, true);
        }
        let (level, ty) = item.header();
        bytes.extend_from_slice(&((HEADER + data.len()) as u64).to_ne_bytes());
        bytes.extend_from_slice(&level.to_ne_bytes());
        bytes.extend_from_slice(&ty.to_ne_bytes());
        bytes.extend_from_slice(&data);
        bytes.resize(bytes.len().next_multiple_of(8).min(room), 0);
    }
    (bytes, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_data_survives_the_way_through_bytes() {
        let (bytes, cut) = encode_controls(&[Control::Ttl(3), Control::Tos(5)], 1000);
        assert_eq!((bytes.len(), cut), (48, false));
        let items = parse_controls(&bytes).expect("what we wrote");
        assert!(matches!(items[..], [Control::Ttl(3), Control::Tos(5)]));
    }

    #[test]
    fn what_does_not_fit_is_cut_and_said() {
        assert_eq!(encode_controls(&[Control::Ttl(3)], 19), (Vec::new(), true));
        assert_eq!(encode_controls(&[Control::Ttl(3)], 20).0.len(), 20);
        assert_eq!(encode_controls(&[], 0), (Vec::new(), false));
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        for len in [0u64, 15, 25, u64::MAX] {
            let mut bytes = [0; 24];
            bytes[..8].copy_from_slice(&len.to_ne_bytes());
            assert!(parse_controls(&bytes).is_err(), "length {len}");
        }
    }
}
