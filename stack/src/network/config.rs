//! Settings of the network layer, named as under `/proc/sys/net/ipv4` and `/proc/sys/net/ipv6`, with Linux's defaults.

use super::autoconf::LinkSettings;

/// Settings of the network layer.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `net.ipv4.*`
    pub ipv4: Ipv4,
    /// `net.ipv6.*`
    pub ipv6: Ipv6,
}

/// `net.ipv4.*`
#[derive(Clone, Debug)]
pub struct Ipv4 {
    /// `ip_forward`: packets for others are forwarded.
    pub forward: bool,
    /// `ip_default_ttl`
    pub default_ttl: u8,
    /// `icmp_echo_ignore_all`
    pub icmp_echo_ignore_all: bool,
    /// `icmp_echo_ignore_broadcasts`: also of timestamp requests.
    pub icmp_echo_ignore_broadcasts: bool,
    /// `icmp_errors_use_inbound_ifaddr`: the source of an error is an address of the link the packet came by.
    pub icmp_errors_use_inbound_ifaddr: bool,
    /// `icmp_ratelimit`: milliseconds between two messages of the limited types to one destination; 0: no limit.
    pub icmp_ratelimit_ms: u32,
    /// `icmp_ratemask`: bits of the ICMP types that are limited.
    pub icmp_ratemask: u32,
    /// `ipfrag_high_thresh`: bytes that fragments may hold before the oldest datagram goes.
    pub ipfrag_high_thresh: usize,
    /// `ipfrag_time` in seconds.
    pub ipfrag_time: u32,
    /// `route.min_pmtu`: a smaller path MTU is not believed; packets are fragmented then.
    pub min_pmtu: u32,
    /// `route.mtu_expires` in seconds: how long a path MTU is remembered.
    pub mtu_expires: u32,
    /// `conf.all.accept_redirects`; a router ignores them.
    pub accept_redirects: bool,
    /// `conf.all.secure_redirects`: only gateways of our default routes are accepted as new hops.
    pub secure_redirects: bool,
    /// `conf.all.shared_media`: the link may carry several networks; overrides `secure_redirects`.
    pub shared_media: bool,
    /// `conf.all.send_redirects`
    pub send_redirects: bool,
    /// `icmp_msgs_per_sec`: messages of the limited types a second, to all destinations and of both families.
    pub icmp_msgs_per_sec: u32,
    /// `icmp_msgs_burst`: how many of them at once.
    pub icmp_msgs_burst: u32,
    /// `conf.all.accept_source_route`: source-routed packets are refused all the same; see [`super::ipv4`].
    pub accept_source_route: bool,
}

impl Default for Ipv4 {
    fn default() -> Self {
        Self {
            forward: false,
            default_ttl: 64,
            icmp_echo_ignore_all: false,
            icmp_echo_ignore_broadcasts: true,
            icmp_errors_use_inbound_ifaddr: false,
            icmp_ratelimit_ms: 1000,
            icmp_ratemask: 0x1818,
            ipfrag_high_thresh: 4 << 20,
            ipfrag_time: 30,
            min_pmtu: 552,
            mtu_expires: 600,
            accept_redirects: true,
            secure_redirects: true,
            shared_media: true,
            send_redirects: true,
            icmp_msgs_per_sec: 1000,
            icmp_msgs_burst: 50,
            accept_source_route: false,
        }
    }
}

/// `net.ipv6.*`
#[derive(Clone, Debug)]
pub struct Ipv6 {
    /// `conf.all.forwarding`
    pub forwarding: bool,
    /// `conf.default.hop_limit`
    pub hop_limit: u8,
    /// `icmp.echo_ignore_all`
    pub icmp_echo_ignore_all: bool,
    /// `icmp.echo_ignore_multicast`
    pub icmp_echo_ignore_multicast: bool,
    /// `icmp.ratelimit`: milliseconds between two messages of the limited types to one destination; 0: no limit.
    pub icmp_ratelimit_ms: u32,
    /// `ip6frag_high_thresh`
    pub ip6frag_high_thresh: usize,
    /// `ip6frag_time` in seconds.
    pub ip6frag_time: u32,
    /// `route.mtu_expires` in seconds.
    pub mtu_expires: u32,
    /// `conf.all.accept_redirects`; a router ignores them.
    pub accept_redirects: bool,
    /// `conf.default.stable_secret`: what interface identifiers are made of (RFC 7217 §5 `secret_key`); from the stack's seed unless said.
    pub stable_secret: Option<[u8; 16]>,
    /// `conf.default.*`: what an Ethernet link configures by itself from the moment it is added.
    pub link_defaults: LinkSettings,
}

impl Default for Ipv6 {
    fn default() -> Self {
        Self {
            forwarding: false,
            hop_limit: 64,
            icmp_echo_ignore_all: false,
            icmp_echo_ignore_multicast: false,
            icmp_ratelimit_ms: 1000,
            ip6frag_high_thresh: 4 << 20,
            ip6frag_time: 60,
            mtu_expires: 600,
            accept_redirects: true,
            stable_secret: None,
            link_defaults: LinkSettings::HOST,
        }
    }
}
