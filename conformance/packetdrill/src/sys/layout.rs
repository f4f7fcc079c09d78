//! Structures of the C library on 64-bit Linux, written and read byte by byte.

use loggia_stack::socket::Control;

/// Bytes of `struct cmsghdr`.
const CMSG_HEADER: usize = 16;

/// `struct timeval` in microseconds.
pub fn timeval_micros(bytes: &[u8; 16]) -> u64 {
    let part = |at: usize| i64::from_ne_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    (part(0).max(0) as u64).saturating_mul(1_000_000).saturating_add(part(8).max(0) as u64)
}

/// Ancillary data as `recvmsg` lays it out.
pub fn write_control(items: &[Control], into: &mut [u8]) -> usize {
    let mut at = 0;
    for item in items {
        let (data, (level, ty)) = (item.data(), item.header());
        let len = CMSG_HEADER + data.len();
        if at + len > into.len() {
            break;
        }
        into[at..at + 8].copy_from_slice(&(len as u64).to_ne_bytes());
        into[at + 8..at + 12].copy_from_slice(&level.to_ne_bytes());
        into[at + 12..at + 16].copy_from_slice(&ty.to_ne_bytes());
        into[at + CMSG_HEADER..at + len].copy_from_slice(&data);
        at = (at + len.next_multiple_of(8)).min(into.len());
    }
    at
}

/// Ancillary data as `sendmsg` takes it: level, type, data.
pub fn read_control(mut bytes: &[u8]) -> Vec<(i32, i32, &[u8])> {
    let mut items = Vec::new();
    while bytes.len() >= CMSG_HEADER {
        let len = u64::from_ne_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
        if len < CMSG_HEADER || len > bytes.len() {
            break;
        }
        let int = |at: usize| i32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        items.push((int(8), int(12), &bytes[CMSG_HEADER..len]));
        bytes = &bytes[len.next_multiple_of(8).min(bytes.len())..];
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancillary_data_is_read_as_it_is_written() {
        let items = [Control::Inq(7), Control::Ttl(3)];
        let mut bytes = [0; 64];
        let len = write_control(&items, &mut bytes);
        let read: Vec<Vec<u8>> = read_control(&bytes[..len]).into_iter().map(|(.., data)| data.to_vec()).collect();
        assert_eq!(read, items.each_ref().map(Control::data));
        assert_eq!(write_control(&items, &mut bytes[..30]), 24, "what does not fit is left out");
    }

    #[test]
    fn a_timeval_is_seconds_and_microseconds() {
        let bytes: [u8; 16] = [2i64.to_ne_bytes(), 5i64.to_ne_bytes()].concat().try_into().unwrap();
        assert_eq!(timeval_micros(&bytes), 2_000_005);
    }
}
