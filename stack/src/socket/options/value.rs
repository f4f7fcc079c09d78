//! Option values as bytes, with the length rules of each level.

use crate::base::{Addr, Errno};

/// The first four bytes as an `int`; `EINVAL` if there are fewer (`SOL_SOCKET`, `IPPROTO_TCP`, `IPPROTO_UDP`, `IPPROTO_IPV6`).
pub(crate) fn int(value: &[u8]) -> Result<i32, Errno> {
    value.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes)).ok_or(Errno::EINVAL)
}

/// As Linux reads most options of `IPPROTO_IP`: an `int`, or a single byte, or nothing for 0.
pub(super) fn int_or_byte(value: &[u8]) -> i32 {
    int(value).unwrap_or_else(|_| value.first().copied().map_or(0, i32::from))
}

/// Four bytes from `offset` on as an unsigned number in the host's order.
pub(super) fn u32_at(value: &[u8], offset: usize) -> Result<u32, Errno> {
    array(value, offset).map(u32::from_ne_bytes)
}

/// An IPv4 address of four bytes from `offset` on.
pub(super) fn v4_at(value: &[u8], offset: usize) -> Result<Addr, Errno> {
    array(value, offset).map(Addr::from_v4)
}

/// An IPv6 address of sixteen bytes from `offset` on.
pub(super) fn v6_at(value: &[u8], offset: usize) -> Result<Addr, Errno> {
    array(value, offset).map(Addr::from_v6)
}

fn array<const N: usize>(value: &[u8], offset: usize) -> Result<[u8; N], Errno> {
    value.get(offset..).and_then(|rest| rest.first_chunk()).copied().ok_or(Errno::EINVAL)
}

/// Writes as much of `value` as there is room for; says how much that is.
pub(crate) fn put(into: &mut [u8], value: &[u8]) -> usize {
    let len = value.len().min(into.len());
    into[..len].copy_from_slice(&value[..len]);
    len
}

/// Writes an `int`, cut to the room.
pub(super) fn put_int(into: &mut [u8], value: i32) -> usize {
    put(into, &value.to_ne_bytes())
}

/// As Linux writes options of `IPPROTO_IP`: into less than four bytes of room goes one byte if the value fits that.
pub(super) fn put_int_or_byte(into: &mut [u8], value: i32) -> usize {
    match u8::try_from(value) {
        Ok(byte) if (1..4).contains(&into.len()) => put(into, &[byte]),
        _ => put_int(into, value),
    }
}

/// 1 for true.
pub(super) fn flag(on: bool) -> i32 {
    i32::from(on)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ip_options_may_be_a_single_byte() {
        assert_eq!(int_or_byte(&[7]), 7);
        assert_eq!(int_or_byte(&300i32.to_ne_bytes()), 300);
        assert_eq!(int_or_byte(&[]), 0);
        let mut one = [0; 1];
        assert_eq!((put_int_or_byte(&mut one, 64), one), (1, [64]));
        let mut two = [0; 2];
        assert_eq!(put_int_or_byte(&mut two, 300), 2);
    }

    #[test]
    fn short_values_are_refused_and_short_rooms_are_filled() {
        assert_eq!(int(&[1, 2, 3]), Err(Errno::EINVAL));
        let mut two = [0; 2];
        assert_eq!(put_int(&mut two, 0x0102), 2);
    }
}
