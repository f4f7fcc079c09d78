//! Numbers of `linux/netlink.h`, `linux/rtnetlink.h`, `linux/if_link.h`, `linux/if_addr.h` that `libc` does not have.

/// `SOL_NETLINK`, and the option by which a socket asks for its questions to be read strictly.
pub(in super::super::super) const SOL_NETLINK: i32 = 270;
pub(super) const NETLINK_CAP_ACK: i32 = 10;
pub(super) const NETLINK_GET_STRICT_CHK: i32 = 12;

/// Messages below are netlink's own.
pub(super) const NLMSG_MIN_TYPE: u16 = 16;
pub(super) const RTM_MAX: u16 = 123;

pub(super) const AF_BRIDGE: u8 = 7;

pub(super) const IFLA_ADDRESS: u16 = 1;
pub(super) const IFLA_BROADCAST: u16 = 2;
pub(super) const IFLA_IFNAME: u16 = 3;
pub(super) const IFLA_MTU: u16 = 4;
pub(super) const IFLA_QDISC: u16 = 6;
pub(super) const IFLA_STATS: u16 = 7;
pub(super) const IFLA_TXQLEN: u16 = 13;
pub(super) const IFLA_OPERSTATE: u16 = 16;
pub(super) const IFLA_LINKMODE: u16 = 17;
pub(super) const IFLA_STATS64: u16 = 23;
pub(super) const IFLA_GROUP: u16 = 27;
pub(super) const IFLA_ALT_IFNAME: u16 = 53;

pub(super) const OPERSTATE_UNKNOWN: u8 = 0;
pub(super) const OPERSTATE_DOWN: u8 = 2;
pub(super) const OPERSTATE_UP: u8 = 6;

pub(super) const IFA_ADDRESS: u16 = 1;
pub(super) const IFA_LOCAL: u16 = 2;
pub(super) const IFA_LABEL: u16 = 3;
pub(super) const IFA_BROADCAST: u16 = 4;
pub(super) const IFA_CACHEINFO: u16 = 6;
pub(super) const IFA_FLAGS: u16 = 8;

pub(in super::super) const IFA_F_DADFAILED: u32 = 0x08;
pub(in super::super) const IFA_F_DEPRECATED: u32 = 0x20;
pub(in super::super) const IFA_F_TENTATIVE: u32 = 0x40;
pub(in super::super) const IFA_F_PERMANENT: u32 = 0x80;

pub(super) const RTPROT_RA: u8 = 9;
