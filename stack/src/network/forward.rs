//! The router (RFC 1812, RFC 8200): packets for others.
