//! A caller's pointers as slices. packetdrill passes pointers that are valid for the length beside them, or null.

use loggia_stack::Errno;
use loggia_stack::socket::Address;

use crate::machine::Outcome;

/// `len` bytes to read from.
///
/// # Safety
/// `pointer` is null or valid for `len` bytes.
pub(super) unsafe fn bytes<'a>(pointer: *const libc::c_void, len: usize) -> &'a [u8] {
    // SAFETY: as the caller promises.
    if pointer.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(pointer.cast(), len) } }
}

/// `len` bytes to write to.
///
/// # Safety
/// `pointer` is null or valid for `len` bytes, and nobody else looks at them.
pub(super) unsafe fn bytes_mut<'a>(pointer: *mut libc::c_void, len: usize) -> &'a mut [u8] {
    // SAFETY: as the caller promises.
    if pointer.is_null() { &mut [] } else { unsafe { std::slice::from_raw_parts_mut(pointer.cast(), len) } }
}

/// A null pointer with bytes behind it is what the kernel calls a bad address.
pub(super) fn check(pointer: *const libc::c_void, len: usize) -> Outcome<()> {
    if pointer.is_null() && len > 0 { Err(Errno::EFAULT.into()) } else { Ok(()) }
}

/// Pieces to read from.
///
/// # Safety
/// `pointer` is valid for `count` entries, each of which is as [`bytes()`] wants it.
pub(super) unsafe fn pieces<'a>(pointer: *const libc::iovec, count: usize) -> Vec<&'a [u8]> {
    // SAFETY: as the caller promises.
    (0..count).map(|at| unsafe { bytes((*pointer.add(at)).iov_base, (*pointer.add(at)).iov_len) }).collect()
}

/// Pieces to write to.
///
/// # Safety
/// `pointer` is valid for `count` entries, each of which is as [`bytes_mut`] wants it.
pub(super) unsafe fn pieces_mut<'a>(pointer: *const libc::iovec, count: usize) -> Vec<&'a mut [u8]> {
    // SAFETY: as the caller promises.
    (0..count).map(|at| unsafe { bytes_mut((*pointer.add(at)).iov_base, (*pointer.add(at)).iov_len) }).collect()
}

/// A `struct sockaddr`.
///
/// # Safety
/// As [`bytes()`].
pub(super) unsafe fn address(pointer: *const libc::c_void, len: libc::socklen_t) -> Outcome<Address> {
    if pointer.is_null() {
        return Err(Errno::EFAULT.into());
    }
    // SAFETY: as the caller promises.
    Ok(Address::from_bytes(unsafe { bytes(pointer, len as usize) })?)
}

/// Gives an address back, cut to the room, with its true length.
///
/// # Safety
/// Both are null, or `len` names the room at `pointer`.
pub(super) unsafe fn put_address(address: &Address, pointer: *mut libc::c_void, len: *mut libc::socklen_t) {
    if pointer.is_null() || len.is_null() {
        return;
    }
    let from = address.to_bytes();
    // SAFETY: as the caller promises.
    unsafe {
        let into = bytes_mut(pointer, *len as usize);
        let count = from.len().min(into.len());
        into[..count].copy_from_slice(&from[..count]);
        *len = from.len() as libc::socklen_t;
    }
}
