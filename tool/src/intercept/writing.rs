//! What is told to a caller, gathered and then written to its memory in one go: each write is a call to the kernel, and one more to see that the
//! caller still waits.

use super::call::Call;
use super::fault::Fault;

/// Bytes, and where in the caller's memory they belong, in order.
#[derive(Debug, Default)]
pub(super) struct Writing {
    /// Address and length of the places.
    places: Vec<(u64, usize)>,
    /// One behind the other.
    bytes: Vec<u8>,
}

impl Writing {
    /// Adds bytes for a place.
    pub(super) fn put(&mut self, address: u64, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.places.push((address, bytes.len()));
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Bytes that were added.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Writes all of it. `EFAULT`, `EINTR` (the caller waits no more)
    pub(super) fn write(&self, call: &Call) -> Result<(), Fault> {
        if self.write_some(call)? == self.len() { Ok(()) } else { Err(Fault(libc::EFAULT)) }
    }

    /// Writes it as far as memory can be written to; says how many bytes that were. `EINTR` (the caller waits no more)
    pub(super) fn write_some(&self, call: &Call) -> Result<usize, Fault> {
        call.write_pieces(&self.places, &self.bytes)
    }
}
