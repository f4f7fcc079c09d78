//! Independent judges of formats: what we emit `smoltcp` and `etherparse` read the same, and what they emit we read the same.

#[path = "../sim/mod.rs"]
mod sim;
#[path = "../common/smoltcp_device.rs"]
mod smoltcp_device;

mod groups;
mod ip_header;
mod judges;
mod link;
mod ndp;
mod peer;
mod tcp_header;
mod whole;
