//! The same on others that can be linked.
//!
//! - `smoltcp`: the rows without a device, and TUN
//! - `ipstack`, `netstack_smoltcp`: stacks for TUN devices, by tasks; `device` is their TUN

mod device;
pub(crate) mod ipstack;
pub(crate) mod netstack_smoltcp;
pub(crate) mod smoltcp;

/// As they are called in the table.
pub(crate) const SMOLTCP: &str = "smoltcp 0.14";
pub(crate) const IPSTACK: &str = "ipstack 1.0";
pub(crate) const NETSTACK_SMOLTCP: &str = "netstack-smoltcp";
