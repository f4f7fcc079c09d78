//! What a link configures by itself, named as under `/proc/sys/net/ipv6/conf/LINK`, with Linux's defaults.

use crate::link::Medium;

/// Settings of one link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkSettings {
    /// A link-local IPv6 address is made when the link comes up (`addr_gen_mode` 2: stable and opaque, RFC 7217).
    pub link_local: bool,
    /// `accept_ra`: router advertisements are asked for and heard while we do not forward.
    pub accept_ra: bool,
    /// `autoconf`: addresses are made for the prefixes of router advertisements.
    pub autoconf: bool,
    /// `accept_ra_defrtr`: advertising routers become default routers.
    pub accept_ra_defrtr: bool,
    /// `accept_dad`, `dad_transmits`: probes before an IPv6 address is used; 0: it is used at once (RFC 4862 §5.1
    /// `DupAddrDetectTransmits`).
    pub dad_transmits: u8,
    /// `accept_redirects`
    pub accept_redirects: bool,
    /// `router_solicitations`: how many at most; none: until a router answers, at growing distances (RFC 7559).
    pub router_solicitations: Option<u8>,
}

impl LinkSettings {
    /// Everything on, as a host on an Ethernet wants it.
    pub const HOST: Self = Self {
        link_local: true,
        accept_ra: true,
        autoconf: true,
        accept_ra_defrtr: true,
        dad_transmits: 1,
        accept_redirects: true,
        router_solicitations: None,
    };

    /// Nothing configures itself: addresses are those somebody adds, usable at once.
    pub const MANUAL: Self = Self {
        link_local: false,
        accept_ra: false,
        autoconf: false,
        accept_ra_defrtr: false,
        dad_transmits: 0,
        accept_redirects: false,
        router_solicitations: Some(0),
    };

    /// What a new link configures by itself. On raw-IP and loopback links there is nobody to ask: no detection, no routers.
    /// Linux does autoconfigure a TUN link; a stack behind one is configured by whoever made it, so this one keeps silent.
    pub(super) const fn for_new_link(of_ethernet: &Self, medium: Medium) -> Self {
        match medium {
            Medium::Ethernet { .. } => *of_ethernet,
            Medium::Ip | Medium::Loopback => Self::MANUAL,
        }
    }
}
