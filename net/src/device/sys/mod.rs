//! System calls for which no safe function exists elsewhere.
#![allow(unsafe_code)]

mod interface;
mod mounts;
mod tun;

pub(super) use interface::mtu;
pub(super) use mounts::unshare_mounts;
pub(super) use tun::{Flags, Offload, attach, set_header_len, set_offload, set_send_buffer};
