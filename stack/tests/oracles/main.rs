//! Independent judges of formats: what we emit `smoltcp` and `etherparse` read the same, and what they emit we read the same.

mod link;
mod tcp_header;
