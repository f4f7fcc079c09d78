//! What the kernel says of an interface.

use std::ffi::c_void;
use std::io;

use rustix::fd::AsFd;
use rustix::ioctl::{Opcode, Updater, ioctl};
use rustix::net::{AddressFamily, SocketType, socket};

/// `struct ifreq` with one number in its union.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(super) struct Request {
    pub(super) name: [u8; 16],
    /// `ifr_mtu`, `ifr_flags`: the union is 24 bytes on 64-bit machines and at most that on others.
    pub(super) value: [u8; 24],
}

const SIOCGIFMTU: Opcode = 0x8921;

/// A name as `ifreq` has it: NUL-terminated. `InvalidInput` if it is too long or has a NUL in it.
pub(super) fn name(text: &str) -> io::Result<[u8; 16]> {
    let bytes = text.as_bytes();
    if bytes.len() > 15 || bytes.contains(&0) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{text:?} cannot be the name of an interface")));
    }
    let mut name = [0; 16];
    name[..bytes.len()].copy_from_slice(bytes);
    Ok(name)
}

/// The largest IP packet of an interface of the kernel.
pub(in super::super) fn mtu(interface: &str) -> io::Result<u32> {
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    let mut request = Request { name: name(interface)?, value: [0; 24] };
    update::<SIOCGIFMTU>(socket, &mut request)?;
    let [a, b, c, d, ..] = request.value;
    Ok(u32::from_ne_bytes([a, b, c, d]))
}

/// A call that reads and writes an `ifreq`.
pub(super) fn update<const OPCODE: Opcode>(fd: impl AsFd, request: &mut Request) -> io::Result<()> {
    const { assert!(size_of::<Request>() >= size_of::<[*const c_void; 5]>(), "struct ifreq is forty bytes") };
    // SAFETY: `OPCODE` is one of the calls of this folder that take a pointer to `struct ifreq`; `Request` has its size, is at least as
    // aligned, and consists of bytes, of which every value is valid.
    let call = unsafe { Updater::<OPCODE, Request>::new(request) };
    // SAFETY: as above; the kernel reads and writes nothing but the request, which outlives the call.
    unsafe { ioctl(fd, call) }.map_err(Into::into)
}
