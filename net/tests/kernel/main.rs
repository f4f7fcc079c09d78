//! Our hosts and the Linux kernel, with a TUN or TAP between them, in a network namespace that the test makes.
//!
//! Each test starts itself again under `unshare`, so that it needs no privileges where the kernel lets users have namespaces of their own;
//! where it does not, the reason is printed and nothing is tested.
#![cfg(target_os = "linux")]

mod capture;
#[cfg(feature = "tokio")]
mod forwarding;
mod header;
mod kernel_thread;
mod namespace;
mod path_mtu;
mod programs;
#[cfg(all(feature = "dhcp", feature = "dns"))]
mod services;
mod stories;
mod wire;
