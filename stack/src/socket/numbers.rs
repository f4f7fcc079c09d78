//! The numbers of `<sys/socket.h>` and its kin, as on Linux x86-64: families, types, levels, options.
//!
//! A program that speaks to a kernel speaks in these; so does whoever stands between such a program and this stack.
#![allow(missing_docs)]

pub const AF_UNSPEC: i32 = 0;
pub const AF_UNIX: i32 = 1;
pub const AF_INET: i32 = 2;
pub const AF_INET6: i32 = 10;
/// One more than the last family Linux knows; from here on `EAFNOSUPPORT` comes before everything else.
pub const AF_MAX: i32 = 46;

pub const SOCK_STREAM: i32 = 1;
pub const SOCK_DGRAM: i32 = 2;
pub const SOCK_RAW: i32 = 3;
pub const SOCK_RDM: i32 = 4;
pub const SOCK_SEQPACKET: i32 = 5;
/// One more than the last type Linux knows.
pub const SOCK_MAX: i32 = 11;
pub const SOCK_TYPE_MASK: i32 = 0xf;
pub const SOCK_NONBLOCK: i32 = 0o4000;
pub const SOCK_CLOEXEC: i32 = 0o2000000;

pub const IPPROTO_IP: i32 = 0;
pub const IPPROTO_ICMP: i32 = 1;
pub const IPPROTO_TCP: i32 = 6;
pub const IPPROTO_UDP: i32 = 17;
pub const IPPROTO_IPV6: i32 = 41;
pub const IPPROTO_ICMPV6: i32 = 58;
pub const IPPROTO_RAW: i32 = 255;
/// One more than the last protocol number a `socket` call may name.
pub const IPPROTO_MAX: i32 = 263;

/// `shutdown`: no more reading.
pub const SHUT_RD: i32 = 0;
/// `shutdown`: no more writing.
pub const SHUT_WR: i32 = 1;
/// `shutdown`: neither.
pub const SHUT_RDWR: i32 = 2;

/// Queries in the manner of `ioctl`: bytes that can be read (`FIONREAD` is the same).
pub const SIOCINQ: u32 = 0x541b;
/// Bytes written and not yet acknowledged (or, for datagrams, not yet sent); `TIOCOUTQ` is the same.
pub const SIOCOUTQ: u32 = 0x5411;
/// 1 if the next byte to be read is the one after the urgent mark.
pub const SIOCATMARK: u32 = 0x8905;
/// Bytes written and not yet sent.
pub const SIOCOUTQNSD: u32 = 0x894b;

/// Options of `SOL_SOCKET`.
pub mod sol_socket {
    pub const LEVEL: i32 = 1;
    pub const SO_DEBUG: i32 = 1;
    pub const SO_REUSEADDR: i32 = 2;
    pub const SO_TYPE: i32 = 3;
    pub const SO_ERROR: i32 = 4;
    pub const SO_DONTROUTE: i32 = 5;
    pub const SO_BROADCAST: i32 = 6;
    pub const SO_SNDBUF: i32 = 7;
    pub const SO_RCVBUF: i32 = 8;
    pub const SO_KEEPALIVE: i32 = 9;
    pub const SO_OOBINLINE: i32 = 10;
    pub const SO_NO_CHECK: i32 = 11;
    pub const SO_PRIORITY: i32 = 12;
    pub const SO_LINGER: i32 = 13;
    pub const SO_BSDCOMPAT: i32 = 14;
    pub const SO_REUSEPORT: i32 = 15;
    pub const SO_PASSCRED: i32 = 16;
    pub const SO_PEERCRED: i32 = 17;
    pub const SO_RCVLOWAT: i32 = 18;
    pub const SO_SNDLOWAT: i32 = 19;
    pub const SO_RCVTIMEO: i32 = 20;
    pub const SO_SNDTIMEO: i32 = 21;
    pub const SO_BINDTODEVICE: i32 = 25;
    pub const SO_PEERNAME: i32 = 28;
    pub const SO_TIMESTAMP: i32 = 29;
    pub const SO_ACCEPTCONN: i32 = 30;
    pub const SO_SNDBUFFORCE: i32 = 32;
    pub const SO_RCVBUFFORCE: i32 = 33;
    pub const SO_TIMESTAMPNS: i32 = 35;
    pub const SO_MARK: i32 = 36;
    pub const SO_TIMESTAMPING: i32 = 37;
    pub const SO_PROTOCOL: i32 = 38;
    pub const SO_DOMAIN: i32 = 39;
    pub const SO_PEEK_OFF: i32 = 42;
    pub const SO_MAX_PACING_RATE: i32 = 47;
    pub const SO_INCOMING_CPU: i32 = 49;
    pub const SO_MEMINFO: i32 = 55;
    pub const SO_INCOMING_NAPI_ID: i32 = 56;
    pub const SO_COOKIE: i32 = 57;
    pub const SO_ZEROCOPY: i32 = 60;
    pub const SO_BINDTOIFINDEX: i32 = 62;
    pub const SO_TIMESTAMP_NEW: i32 = 63;
    pub const SO_TIMESTAMPNS_NEW: i32 = 64;
    pub const SO_TIMESTAMPING_NEW: i32 = 65;
    pub const SO_RCVTIMEO_NEW: i32 = 66;
    pub const SO_SNDTIMEO_NEW: i32 = 67;
    pub const SO_PASSRIGHTS: i32 = 83;

    /// Type of the ancillary data that passes sockets.
    pub const SCM_RIGHTS: i32 = 1;
    /// Type of the ancillary data that passes credentials.
    pub const SCM_CREDENTIALS: i32 = 2;
}

/// Flags of `SO_TIMESTAMPING` (`SOF_TIMESTAMPING_*`).
pub mod timestamping {
    pub const TX_SOFTWARE: u32 = 1 << 1;
    pub const RX_SOFTWARE: u32 = 1 << 3;
    pub const SOFTWARE: u32 = 1 << 4;
    pub const OPT_ID: u32 = 1 << 7;
    pub const TX_SCHED: u32 = 1 << 8;
    pub const TX_ACK: u32 = 1 << 9;
    pub const OPT_TSONLY: u32 = 1 << 11;
    pub const OPT_ID_TCP: u32 = 1 << 16;
    /// Those that Linux 6.18 knows.
    pub const ALL: u32 = (1 << 19) - 1;
}

/// Options of `IPPROTO_IP`.
pub mod ip {
    pub const LEVEL: i32 = 0;
    pub const IP_TOS: i32 = 1;
    pub const IP_TTL: i32 = 2;
    pub const IP_HDRINCL: i32 = 3;
    pub const IP_OPTIONS: i32 = 4;
    pub const IP_RECVOPTS: i32 = 6;
    pub const IP_RETOPTS: i32 = 7;
    pub const IP_PKTINFO: i32 = 8;
    pub const IP_MTU_DISCOVER: i32 = 10;
    pub const IP_RECVERR: i32 = 11;
    pub const IP_RECVTTL: i32 = 12;
    pub const IP_RECVTOS: i32 = 13;
    pub const IP_MTU: i32 = 14;
    pub const IP_FREEBIND: i32 = 15;
    pub const IP_TRANSPARENT: i32 = 19;
    pub const IP_RECVORIGDSTADDR: i32 = 20;
    pub const IP_MINTTL: i32 = 21;
    pub const IP_BIND_ADDRESS_NO_PORT: i32 = 24;
    pub const IP_MULTICAST_IF: i32 = 32;
    pub const IP_MULTICAST_TTL: i32 = 33;
    pub const IP_MULTICAST_LOOP: i32 = 34;
    pub const IP_ADD_MEMBERSHIP: i32 = 35;
    pub const IP_DROP_MEMBERSHIP: i32 = 36;
    pub const IP_UNBLOCK_SOURCE: i32 = 37;
    pub const IP_BLOCK_SOURCE: i32 = 38;
    pub const IP_ADD_SOURCE_MEMBERSHIP: i32 = 39;
    pub const IP_DROP_SOURCE_MEMBERSHIP: i32 = 40;
    pub const MCAST_JOIN_GROUP: i32 = 42;
    pub const MCAST_BLOCK_SOURCE: i32 = 43;
    pub const MCAST_UNBLOCK_SOURCE: i32 = 44;
    pub const MCAST_LEAVE_GROUP: i32 = 45;
    pub const MCAST_JOIN_SOURCE_GROUP: i32 = 46;
    pub const MCAST_LEAVE_SOURCE_GROUP: i32 = 47;
    pub const IP_MULTICAST_ALL: i32 = 49;
    pub const IP_UNICAST_IF: i32 = 50;
    pub const IP_LOCAL_PORT_RANGE: i32 = 51;
    pub const IP_PROTOCOL: i32 = 52;

    pub const IP_PMTUDISC_DONT: i32 = 0;
    pub const IP_PMTUDISC_WANT: i32 = 1;
    pub const IP_PMTUDISC_DO: i32 = 2;
    pub const IP_PMTUDISC_PROBE: i32 = 3;
    pub const IP_PMTUDISC_INTERFACE: i32 = 4;
    pub const IP_PMTUDISC_OMIT: i32 = 5;
}

/// Options of `IPPROTO_IPV6`.
pub mod ipv6 {
    pub const LEVEL: i32 = 41;
    pub const IPV6_ADDRFORM: i32 = 1;
    pub const IPV6_2292PKTINFO: i32 = 2;
    pub const IPV6_CHECKSUM: i32 = 7;
    pub const IPV6_2292HOPLIMIT: i32 = 8;
    pub const IPV6_UNICAST_HOPS: i32 = 16;
    pub const IPV6_MULTICAST_IF: i32 = 17;
    pub const IPV6_MULTICAST_HOPS: i32 = 18;
    pub const IPV6_MULTICAST_LOOP: i32 = 19;
    pub const IPV6_ADD_MEMBERSHIP: i32 = 20;
    pub const IPV6_DROP_MEMBERSHIP: i32 = 21;
    pub const IPV6_MTU_DISCOVER: i32 = 23;
    pub const IPV6_MTU: i32 = 24;
    pub const IPV6_RECVERR: i32 = 25;
    pub const IPV6_V6ONLY: i32 = 26;
    pub const IPV6_MULTICAST_ALL: i32 = 29;
    pub const IPV6_FLOWINFO_SEND: i32 = 33;
    pub const IPV6_HDRINCL: i32 = 36;
    pub const IPV6_RECVPKTINFO: i32 = 49;
    pub const IPV6_PKTINFO: i32 = 50;
    pub const IPV6_RECVHOPLIMIT: i32 = 51;
    pub const IPV6_HOPLIMIT: i32 = 52;
    pub const IPV6_RECVPATHMTU: i32 = 60;
    pub const IPV6_PATHMTU: i32 = 61;
    pub const IPV6_DONTFRAG: i32 = 62;
    pub const IPV6_RECVTCLASS: i32 = 66;
    pub const IPV6_TCLASS: i32 = 67;
    pub const IPV6_AUTOFLOWLABEL: i32 = 70;
    pub const IPV6_ADDR_PREFERENCES: i32 = 72;
    pub const IPV6_MINHOPCOUNT: i32 = 73;
    pub const IPV6_RECVORIGDSTADDR: i32 = 74;
    pub const IPV6_TRANSPARENT: i32 = 75;
    pub const IPV6_UNICAST_IF: i32 = 76;
    pub const IPV6_FREEBIND: i32 = 78;
}

/// Options of `IPPROTO_ICMPV6` (raw sockets).
pub mod icmpv6 {
    pub const LEVEL: i32 = 58;
    pub const ICMPV6_FILTER: i32 = 1;
}

/// Options of `SOL_RAW`.
pub mod raw {
    pub const LEVEL: i32 = 255;
    pub const ICMP_FILTER: i32 = 1;
}

/// Options of `IPPROTO_TCP`.
pub mod tcp {
    pub const LEVEL: i32 = 6;
    pub const TCP_NODELAY: i32 = 1;
    pub const TCP_MAXSEG: i32 = 2;
    pub const TCP_CORK: i32 = 3;
    pub const TCP_KEEPIDLE: i32 = 4;
    pub const TCP_KEEPINTVL: i32 = 5;
    pub const TCP_KEEPCNT: i32 = 6;
    pub const TCP_SYNCNT: i32 = 7;
    pub const TCP_LINGER2: i32 = 8;
    pub const TCP_DEFER_ACCEPT: i32 = 9;
    pub const TCP_WINDOW_CLAMP: i32 = 10;
    pub const TCP_INFO: i32 = 11;
    pub const TCP_QUICKACK: i32 = 12;
    pub const TCP_CONGESTION: i32 = 13;
    pub const TCP_MD5SIG: i32 = 14;
    pub const TCP_THIN_LINEAR_TIMEOUTS: i32 = 16;
    pub const TCP_USER_TIMEOUT: i32 = 18;
    pub const TCP_REPAIR: i32 = 19;
    pub const TCP_FASTOPEN: i32 = 23;
    pub const TCP_TIMESTAMP: i32 = 24;
    pub const TCP_NOTSENT_LOWAT: i32 = 25;
    pub const TCP_CC_INFO: i32 = 26;
    pub const TCP_SAVE_SYN: i32 = 27;
    pub const TCP_FASTOPEN_CONNECT: i32 = 30;
    pub const TCP_ULP: i32 = 31;
    pub const TCP_FASTOPEN_KEY: i32 = 33;
    pub const TCP_FASTOPEN_NO_COOKIE: i32 = 34;
    pub const TCP_INQ: i32 = 36;
}

/// Options of `IPPROTO_UDP`.
pub mod udp {
    pub const LEVEL: i32 = 17;
    pub const UDP_CORK: i32 = 1;
    pub const UDP_NO_CHECK6_TX: i32 = 101;
    pub const UDP_NO_CHECK6_RX: i32 = 102;
    pub const UDP_SEGMENT: i32 = 103;
    pub const UDP_GRO: i32 = 104;
}
