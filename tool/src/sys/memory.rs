//! Another process's memory (`process_vm_readv(2)`): every pointer may be wrong, and what was read may change at once.

use std::io;

use super::check;

/// Reads from `address` on; says how many bytes there were before unreadable memory began. `EFAULT`, `ESRCH`, `EPERM`.
pub fn read(thread: i32, address: u64, into: &mut [u8]) -> io::Result<usize> {
    if into.is_empty() {
        return Ok(0);
    }
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: into.len() };
    // SAFETY: `local` is the slice, which we have for ourselves; `remote` is the kernel's to check.
    check(unsafe { libc::process_vm_readv(thread, &raw const local, 1, &raw const remote, 1, 0) }).map(|len| len as usize)
}

/// Most pieces of one call (`IOV_MAX`).
pub const MOST_PIECES: usize = 1024;

/// Reads pieces, each an address and a length, one behind the other, at most [`MOST_PIECES`]; says how many bytes there were before unreadable
/// memory or the end of `into`. `EFAULT`, `ESRCH`, `EPERM`, `EINVAL`.
pub fn read_pieces(thread: i32, pieces: &[(u64, usize)], into: &mut [u8]) -> io::Result<usize> {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = remote(pieces);
    let count = remote.len() as libc::c_ulong;
    // SAFETY: `local` is the slice, which we have for ourselves; `remote` has `count` entries, whose addresses are the kernel's to check.
    check(unsafe { libc::process_vm_readv(thread, &raw const local, 1, remote.as_ptr(), count, 0) }).map(|len| len as usize)
}

/// Writes to pieces, each an address and a length, what is in `from` one behind the other, at most [`MOST_PIECES`]; says how many bytes there were
/// before unwritable memory or the end of `from`. `EFAULT`, `ESRCH`, `EPERM`, `EINVAL`.
pub fn write_pieces(thread: i32, pieces: &[(u64, usize)], from: &[u8]) -> io::Result<usize> {
    let local = libc::iovec { iov_base: from.as_ptr().cast_mut().cast(), iov_len: from.len() };
    let remote = remote(pieces);
    let count = remote.len() as libc::c_ulong;
    // SAFETY: `local` is the slice and is only read; `remote` has `count` entries, whose addresses are the kernel's to check.
    check(unsafe { libc::process_vm_writev(thread, &raw const local, 1, remote.as_ptr(), count, 0) }).map(|len| len as usize)
}

/// Pieces that lie behind each other are one: the kernel looks for the pages of each.
fn remote(pieces: &[(u64, usize)]) -> Vec<libc::iovec> {
    let mut remote: Vec<libc::iovec> = Vec::with_capacity(pieces.len());
    for &(address, len) in pieces {
        let last = remote.last_mut().filter(|last| (last.iov_base as u64).checked_add(last.iov_len as u64) == Some(address));
        match last {
            Some(last) => last.iov_len = last.iov_len.saturating_add(len),
            None => remote.push(libc::iovec { iov_base: address as *mut libc::c_void, iov_len: len }),
        }
    }
    remote
}

/// Writes from `address` on; says how many bytes there were before unwritable memory began. `EFAULT`, `ESRCH`, `EPERM`.
pub fn write(thread: i32, address: u64, from: &[u8]) -> io::Result<usize> {
    if from.is_empty() {
        return Ok(0);
    }
    let local = libc::iovec { iov_base: from.as_ptr().cast_mut().cast(), iov_len: from.len() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: from.len() };
    // SAFETY: `local` is the slice and is only read; `remote` is the kernel's to check.
    check(unsafe { libc::process_vm_writev(thread, &raw const local, 1, &raw const remote, 1, 0) }).map(|len| len as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Our own, of which everything is known.
    fn of(bytes: &[u8]) -> (i32, u64) {
        (std::process::id() as i32, bytes.as_ptr() as u64)
    }

    #[test]
    fn pieces_behind_each_other_are_one_and_others_keep_their_order() {
        let bytes = *b"0123456789";
        let (us, at) = of(&bytes);
        let pieces = [(at + 7, 2), (at, 2), (at + 2, 3), (at + 5, 0), (at + 5, 1)];
        let lengths: Vec<_> = remote(&pieces).iter().map(|piece| piece.iov_len).collect();
        assert_eq!(lengths, [2, 6]);
        let mut into = [0; 8];
        assert_eq!(read_pieces(us, &pieces, &mut into).expect("it is ours"), 8);
        assert_eq!(&into, b"78012345");
    }

    #[test]
    fn what_lies_before_unreadable_memory_is_read_and_written() {
        let (bytes, room) = (*b"0123", std::cell::Cell::new([0u8; 4]));
        let (us, at) = of(&bytes);
        let mut into = [0; 8];
        assert_eq!(read_pieces(us, &[(at, 4), (16, 4)], &mut into).expect("the first is ours"), 4);
        assert_eq!(write_pieces(us, &[(room.as_ptr() as u64, 4), (16, 4)], b"abcdefgh").expect("the first is ours"), 4);
        assert_eq!((&into[..4], room.get()), (&bytes[..], *b"abcd"));
        assert_eq!(remote(&[(u64::MAX - 1, usize::MAX), (0, 1)]).len(), 2, "no address lies behind the last");
    }
}
