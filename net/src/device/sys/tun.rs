//! The calls of `/dev/net/tun`.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, open};
use rustix::ioctl::{IntegerSetter, Opcode, Setter, ioctl, opcode};

use super::interface::{Request, name, update};

const DEVICE: &str = "/dev/net/tun";

const TUNSETIFF: Opcode = opcode::write::<i32>(b'T', 202);
const TUNSETOFFLOAD: Opcode = opcode::write::<u32>(b'T', 208);
const TUNSETSNDBUF: Opcode = opcode::write::<i32>(b'T', 212);
const TUNSETVNETHDRSZ: Opcode = opcode::write::<i32>(b'T', 216);

const IFF_TUN: u16 = 0x0001;
const IFF_TAP: u16 = 0x0002;
const IFF_NAPI: u16 = 0x0010;
const IFF_MULTI_QUEUE: u16 = 0x0100;
const IFF_NO_PI: u16 = 0x1000;
const IFF_VNET_HDR: u16 = 0x4000;

const TUN_F_CSUM: usize = 0x01;
const TUN_F_TSO4: usize = 0x02;
const TUN_F_TSO6: usize = 0x04;
const TUN_F_TSO_ECN: usize = 0x08;

/// How an interface is to be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) struct Flags {
    /// Ethernet frames instead of IP packets.
    pub(in super::super) ethernet: bool,
    /// A virtio-net header in front of each packet.
    pub(in super::super) header: bool,
    /// One of several queues.
    pub(in super::super) queues: bool,
    /// What we send is put into a queue of the kernel's.
    pub(in super::super) napi: bool,
}

/// What the kernel may leave to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Offload {
    /// Nothing.
    None,
    /// Checksums and cutting of TCP.
    ChecksumsAndTcp,
}

/// Opens a queue of an interface, which is made if it is not there; gives its name, which the kernel completes if it has `%d` in it.
pub(in super::super) fn attach(interface: &str, flags: Flags) -> io::Result<(OwnedFd, String)> {
    let opened = open(DEVICE, OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty()).map_err(io::Error::from);
    let fd = opened.map_err(|error| io::Error::new(error.kind(), format!("{DEVICE}: {error}")))?;
    let kind = if flags.ethernet { IFF_TAP } else { IFF_TUN };
    let header = if flags.header { IFF_VNET_HDR } else { 0 };
    let queues = if flags.queues { IFF_MULTI_QUEUE } else { 0 };
    let napi = if flags.napi { IFF_NAPI } else { 0 };
    let mut request = Request { name: name(interface)?, value: [0; 24] };
    request.value[..2].copy_from_slice(&(kind | header | queues | napi | IFF_NO_PI).to_ne_bytes());
    update::<TUNSETIFF>(&fd, &mut request)?;
    let len = request.name.iter().position(|&byte| byte == 0).unwrap_or(request.name.len());
    Ok((fd, String::from_utf8_lossy(&request.name[..len]).into_owned()))
}

/// Says what the kernel may leave to us in what it sends. `EINVAL` if it has not all of it.
pub(in super::super) fn set_offload(fd: &OwnedFd, offload: Offload) -> io::Result<()> {
    let flags = match offload {
        Offload::None => 0,
        Offload::ChecksumsAndTcp => TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
    };
    // SAFETY: TUNSETOFFLOAD takes its argument by value and touches no memory of ours.
    let call = unsafe { IntegerSetter::<TUNSETOFFLOAD>::new_usize(flags) };
    // SAFETY: as above.
    unsafe { ioctl(fd, call) }.map_err(Into::into)
}

/// Says how many bytes of what we send the kernel may hold.
pub(in super::super) fn set_send_buffer(fd: &OwnedFd, len: i32) -> io::Result<()> {
    // SAFETY: TUNSETSNDBUF takes a pointer to an int, which it only reads.
    let call = unsafe { Setter::<TUNSETSNDBUF, i32>::new(len) };
    // SAFETY: as above; the int lives in the call.
    unsafe { ioctl(fd, call) }.map_err(Into::into)
}

/// Says how many bytes the virtio-net header has. It is the interface's, and stays from whoever had it before. `EINVAL`
pub(in super::super) fn set_header_len(fd: &OwnedFd, len: usize) -> io::Result<()> {
    // SAFETY: TUNSETVNETHDRSZ takes a pointer to an int, which it only reads.
    let call = unsafe { Setter::<TUNSETVNETHDRSZ, i32>::new(len as i32) };
    // SAFETY: as above; the int lives in the call.
    unsafe { ioctl(fd, call) }.map_err(Into::into)
}
