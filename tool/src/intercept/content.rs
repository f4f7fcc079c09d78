//! What the messages of a call carry, and the headers of several (`struct mmsghdr`), read in as few looks at the caller's memory as are needed: each
//! is a call to the kernel, and one more to see that the caller still waits.
//!
//! One look reads ahead of what one message after the other would have read. What cannot be read counts where it stands: the messages before it are
//! what they are.

use loggia_stack::socket::{Address, Control};

use super::call::Call;
use super::fault::Fault;
use super::message::{Header, MMSGHDR, MOST_PIECES, MSGHDR, PIECE, parse_controls, parse_pieces};

/// Longest control buffer that is looked at.
const MOST_CONTROL: usize = 16 << 10;
/// Messages that are read at once: most callers give room for no more, and few have them all filled.
const AT_ONCE: usize = 64;

/// Those of several that could be read, and why the next could not.
pub(super) struct Read<T> {
    pub(super) all: Vec<T>,
    pub(super) fault: Option<Fault>,
}

impl<T> Read<T> {
    /// Takes what there is to take until something is wrong with it.
    fn until_fault(of: impl Iterator<Item = Result<T, Fault>>) -> Self {
        let (mut all, mut fault) = (Vec::new(), None);
        for one in of {
            match one {
                Ok(one) => all.push(one),
                Err(wrong) => {
                    fault = Some(wrong);
                    break;
                }
            }
        }
        Self { all, fault }
    }
}

/// Headers of the messages from `address` on, `count` of them or the first of those. `EPERM`
pub(super) fn headers(call: &Call, address: u64, count: usize) -> Result<Read<Header>, Fault> {
    let mut bytes = vec![0; count.min(AT_ONCE) * MMSGHDR];
    let readable = call.read_some(&[(address, bytes.len())], &mut bytes)?;
    let mut pieces = 0;
    let parsed = bytes.chunks_exact(MMSGHDR).enumerate().map_while(|(place, entry)| {
        let at = place * MMSGHDR;
        // Others want their turn: the caller asks for the rest himself.
        (pieces < MOST_PIECES).then(|| {
            let head = entry.first_chunk::<MSGHDR>().filter(|_| at + MSGHDR <= readable).ok_or(Fault(libc::EFAULT))?;
            let parsed = Header::parse(head, address.wrapping_add(at as u64))?;
            pieces += parsed.2;
            Ok(parsed)
        })
    });
    let Read { all: parsed, fault } = Read::until_fault(parsed);
    let mut read = with_pieces(call, parsed)?;
    read.fault = read.fault.or(fault);
    Ok(read)
}

/// Reads the tables of their pieces.
fn with_pieces(call: &Call, parsed: Vec<(Header, u64, usize)>) -> Result<Read<Header>, Fault> {
    let tables: Vec<_> = parsed.iter().map(|(_, table, count)| (*table, count * PIECE)).collect();
    let mut bytes = vec![0; tables.iter().map(|(_, len)| len).sum()];
    let readable = call.read_some(&tables, &mut bytes)?;
    let mut begin = 0;
    Ok(Read::until_fault(parsed.into_iter().map(|(mut header, _, count)| {
        let end = begin + count * PIECE;
        header.pieces = if end <= readable { parse_pieces(&bytes[begin..end])? } else { return Err(Fault(libc::EFAULT)) };
        begin = end;
        Ok(header)
    })))
}

/// What a datagram carries.
pub(super) struct Content<'a> {
    pub(super) to: Option<Address>,
    pub(super) control: Vec<Control>,
    pub(super) data: &'a [u8],
}

/// Contents of the first of these messages, as many as there is room for; none is longer than all of it. `EMSGSIZE` (the first is), `EFAULT` (it is
/// nowhere), `EPERM`
pub(super) fn contents<'a>(call: &Call, headers: &[Header], room: &'a mut [u8]) -> Result<Read<Content<'a>>, Fault> {
    let mut total = 0;
    let laid = headers.iter().map_while(|header| match Parts::of(header) {
        Ok(parts) if parts.len() > room.len() - total => None,
        Ok(parts) => {
            total += parts.len();
            Some(Ok(parts))
        }
        Err(fault) => Some(Err(fault)),
    });
    let Read { all: laid, fault } = Read::until_fault(laid);
    if laid.is_empty() && !headers.is_empty() {
        return Err(fault.unwrap_or(Fault(libc::EMSGSIZE)));
    }
    // What is of one kind often lies together.
    let (mut names, mut controls, mut data) = (Vec::new(), Vec::new(), Vec::new());
    for (header, parts) in headers.iter().zip(&laid) {
        names.push((header.name, parts.name));
        controls.push((header.control, parts.control));
        data.extend_from_slice(&header.pieces);
    }
    let pieces: Vec<_> = [names, controls, data].concat().into_iter().filter(|(_, len)| *len > 0).collect();
    if call.read_some(&pieces, &mut room[..total])? == total {
        let mut read = cut(&laid, &room[..total]);
        read.fault = read.fault.or(fault);
        Ok(read)
    } else if laid.len() > 1 {
        // Those before the one that cannot be read are what they are.
        contents(call, &headers[..laid.len() / 2], room)
    } else {
        Err(Fault(libc::EFAULT))
    }
}

/// Cuts into messages what was read: all names, all control data, all data.
fn cut<'a>(laid: &[Parts], bytes: &'a [u8]) -> Read<Content<'a>> {
    let (mut names, rest) = bytes.split_at(laid.iter().map(|parts| parts.name).sum());
    let (mut controls, mut data) = rest.split_at(laid.iter().map(|parts| parts.control).sum());
    let next = |from: &mut &'a [u8], len| from.split_off(..len).unwrap_or_default();
    Read::until_fault(laid.iter().map(|parts| {
        let (name, control) = (next(&mut names, parts.name), next(&mut controls, parts.control));
        let data = next(&mut data, parts.data);
        let to = if parts.name > 0 { Some(Address::from_bytes(name)?) } else { None };
        // Rights and credentials mean nothing to an internet socket.
        Ok(Content { to, control: parse_controls(control)?, data })
    }))
}

/// Lengths of what belongs to a message.
struct Parts {
    /// 0: it has none.
    name: usize,
    control: usize,
    data: usize,
}

impl Parts {
    /// `ENOBUFS` (control data that is too long)
    fn of(header: &Header) -> Result<Self, Fault> {
        let name = header.destination().map_or(0, |(_, len)| len);
        if header.control_len > MOST_CONTROL {
            return Err(Fault(libc::ENOBUFS));
        }
        Ok(Self { name, control: header.control_len, data: header.room() })
    }

    fn len(&self) -> usize {
        (self.name + self.control).saturating_add(self.data)
    }
}
