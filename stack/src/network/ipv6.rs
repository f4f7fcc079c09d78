//! The ipv6 header.
