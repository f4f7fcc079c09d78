//! Fragments: cutting what is too big (`cut`), putting together what arrives in pieces.
//!
//! `datagram` is one datagram under way: its pieces in order, none overlapping. `table` finds it by keyed hash and holds all within
//! bounds: bytes (high threshold, and the stack's budget), pieces a datagram, time. `v4` and `v6` read fragments and make whole
//! packets.
//!
//! Overlaps are refused in both families: the whole datagram goes (RFC 5722 §4, RFC 8200 §4.5 for IPv6; Linux since 4.19 for
//! IPv4). A fragment that lies wholly within what is there is taken for a duplicate and ignored.

pub(crate) mod cut;
mod datagram;
mod table;
#[cfg(test)]
mod tests;
mod v4;
mod v6;

pub(crate) use table::Fragments;
