//! Why a packet was discarded: every one of them is counted under one of these names.

macro_rules! discards {
    ($($name:ident = $text:literal,)*) => {
        /// The reason a packet went no further.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        pub enum Discard { $(#[doc = $text] $name,)* }

        impl Discard {
            /// All reasons, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The reason in words.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

discards! {
    // Link.
    FrameTooShort = "frame shorter than its link header",
    FrameNotForUs = "frame for another station",
    FrameUnknownType = "ethertype nobody handles",
    FrameWrongVlan = "frame of another VLAN",
    LinkDown = "link is down",
    LinkQueueFull = "queue of the link is full",
    LinkBacklogFull = "frame while too many wait to be processed",
    ArpMalformed = "malformed ARP packet",
    ArpConflict = "ARP packet that claims our address",
    NeighbourQueueFull = "queue of packets that wait for a link address is full",
    NeighbourTableFull = "neighbour table is full",
    NeighbourFailed = "link address could not be resolved",
    // Network.
    IpMalformed = "malformed IP header",
    IpChecksum = "wrong IPv4 header checksum",
    IpOptions = "malformed IP options",
    IpBadSource = "source address that cannot be one",
    IpBadDestination = "destination address that cannot be one",
    IpNotForUs = "packet for another host, and we do not forward",
    IpHopLimit = "hop limit exceeded",
    IpNoRoute = "no route to the destination",
    IpTooBig = "packet larger than the path allows",
    IpSourceRoute = "source-routed packet",
    IpUnknownProtocol = "protocol nobody handles",
    IpExtensionHeader = "extension header that cannot be processed",
    FragmentMalformed = "malformed fragment",
    FragmentOverlap = "fragment that overlaps another",
    FragmentTimeout = "reassembly took too long",
    FragmentLimit = "no memory left for reassembly",
    IcmpMalformed = "malformed ICMP message",
    IcmpChecksum = "wrong ICMP checksum",
    IcmpUnknownType = "ICMP type nobody handles",
    IcmpNoSocket = "ICMP error for a flow that does not exist",
    IcmpNotInFlight = "ICMP error about what is not in flight",
    IcmpRateLimited = "ICMP message over the rate limit",
    NdpMalformed = "malformed or forged neighbour discovery message",
    GroupMalformed = "malformed group membership message",
    RedirectRefused = "redirect that is not accepted",
    // Transport.
    UdpMalformed = "malformed UDP header",
    UdpChecksum = "wrong UDP checksum",
    UdpNoPort = "UDP port nobody is bound to",
    UdpBufferFull = "receive buffer of the socket is full",
    TcpMalformed = "malformed TCP header",
    TcpChecksum = "wrong TCP checksum",
    TcpNoPort = "TCP port nobody listens on",
    TcpBadFlags = "TCP flags that do not fit the state",
    TcpOutOfWindow = "segment outside the receive window",
    TcpPaws = "segment with an old timestamp",
    TcpOldAck = "acknowledgement of what was acknowledged long ago",
    TcpFutureAck = "acknowledgement of what was never sent",
    TcpChallenged = "segment answered by a challenge ACK",
    TcpBacklogFull = "accept queue is full",
    TcpSynQueueFull = "SYN queue is full",
    TcpBadCookie = "wrong SYN cookie",
    TcpBufferFull = "receive buffer of the connection is full",
    TcpAfterClose = "data after the application closed",
    TcpDuplicate = "data that had arrived already",
    RawChecksum = "wrong checksum of a packet for a raw socket",
    RawBufferFull = "receive buffer of the raw socket is full",
    // Told by whoever drives the device.
    DeviceRefused = "frame that the device would not take",
    // Any.
    OutOfMemory = "memory budget of the stack is used up",
}
