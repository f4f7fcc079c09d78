//! The description made concrete: every host, link end, address, route and name.
