//! The ipv4 header.
