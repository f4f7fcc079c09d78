//! The host as its programs see it, where they do not ask its sockets: interfaces, addresses, routes, its name.
//!
//! | file | what |
//! |---|---|
//! | [`interface`] | the host's interfaces, as Linux words them |
//! | [`ioctl`] | `SIOCGIFCONF` and kin, on any socket |
//! | [`netlink`] | `NETLINK_ROUTE`: what `getifaddrs`, Go's `net.Interfaces`, `ip addr`, `ip route` ask |
//! | [`name`] | `uname`, and with it `gethostname` |
//!
//! A program may look and not touch: whatever would change the host is `EPERM`, as it is to a program without `CAP_NET_ADMIN`.
//! Files below `/proc/net` cannot be shown: a filter sees no paths, and to trap every `openat` would cost every program.

pub(super) mod interface;
mod ioctl;
mod name;
pub(super) mod netlink;

pub(super) use ioctl::is_about_interfaces;
pub(super) use name::host_name;
