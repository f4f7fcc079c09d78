//! Independent judges of formats: what we emit `smoltcp` and `etherparse` read the same, and what they emit we read the same.

mod groups;
mod ip_header;
mod judges;
mod link;
mod ndp;
mod tcp_header;
