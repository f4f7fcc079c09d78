//! What hosts ask others for: names (DNS) and addresses (DHCP), in virtual time, with servers that say what a test wants.

mod addresses;
mod dhcp_server;
mod dns_server;
mod names;
mod world;
