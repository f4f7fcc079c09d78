//! Ancillary data, both ways: what accompanies a message, as a type for each, and in the byte form of `struct cmsghdr`.

use alloc::vec::Vec;

use bytes::Bytes;

use super::address::Address;
use super::numbers::{ip, ipv6, sol_socket, tcp, udp};
use crate::base::{Addr, Errno, Instant, SockAddr};
use crate::transport::datagram::QueuedError;
use crate::transport::unix::{Credentials, Right};

/// Bytes of `struct cmsghdr` on a 64-bit machine.
pub const HEADER: usize = 16;

/// One item of ancillary data.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Control {
    /// `IP_PKTINFO`. On receive: by which link, the address of ours it came to, its destination. On send: by which link (0: any),
    /// from which address (unspecified: any); `destination` says nothing.
    PktInfo {
        /// `ipi_ifindex`
        link: u32,
        /// `ipi_spec_dst`
        local: Addr,
        /// `ipi_addr`
        destination: Addr,
    },
    /// `IPV6_PKTINFO`. On receive: by which link, its destination. On send: by which link, from which address.
    PktInfo6 {
        /// `ipi6_ifindex`
        link: u32,
        /// `ipi6_addr`
        addr: Addr,
    },
    /// `IPV6_2292PKTINFO`, as it was called before RFC 3542: only on receive, a send call's is [`Control::PktInfo6`].
    OldPktInfo6 {
        /// `ipi6_ifindex`
        link: u32,
        /// `ipi6_addr`
        addr: Addr,
    },
    /// `IP_TTL`
    Ttl(i32),
    /// `IPV6_HOPLIMIT`
    HopLimit(i32),
    /// `IPV6_2292HOPLIMIT`, likewise.
    OldHopLimit(i32),
    /// `IP_TOS`
    Tos(u8),
    /// `IPV6_TCLASS`
    TrafficClass(i32),
    /// `SO_TIMESTAMP`: when it arrived, in microseconds.
    TimestampMicros(Instant),
    /// `SO_TIMESTAMPNS`: when it arrived, in nanoseconds.
    TimestampNanos(Instant),
    /// `IP_RECVERR` / `IPV6_RECVERR`: an entry of the error queue.
    Error {
        /// The entry.
        error: QueuedError,
        /// Whether the socket is an IPv6 one, and the item therefore one of that level.
        v6: bool,
    },
    /// `IP_ORIGDSTADDR`
    OriginalDestination(SockAddr),
    /// `IPV6_ORIGDSTADDR`
    OriginalDestination6(SockAddr),
    /// `IP_RECVOPTS`: the options of the header.
    IpOptions(Bytes),
    /// `IPV6_FLOWINFO`: traffic class and flow label.
    FlowInfo(u32),
    /// `UDP_SEGMENT` on send: cut into datagrams of so many bytes. `UDP_GRO` on receive: joined from such.
    SegmentSize(u16),
    /// `IP_RECVERR` or `IPV6_RECVERR` of `MSG_ZEROCOPY`: the sends with these numbers are over.
    ZeroCopy {
        /// The first.
        first: u32,
        /// The last.
        last: u32,
        /// As an IPv6 socket tells it.
        v6: bool,
    },
    /// `SO_TIMESTAMPING`: when it happened, by the stack's clock.
    Timestamping(Instant),
    /// `IP_RECVERR` or `IPV6_RECVERR` of `SO_TIMESTAMPING`: what happened to something that was written.
    Stamp {
        /// `SCM_TSTAMP_*`
        happened: u32,
        /// Of which byte, with `SOF_TIMESTAMPING_OPT_ID`.
        number: u32,
        /// As an IPv6 socket tells it.
        v6: bool,
    },
    /// `TCP_INQ`: bytes left to read.
    Inq(i32),
    /// `SCM_RIGHTS`
    Rights(Vec<Right>),
    /// `SCM_CREDENTIALS`
    Credentials(Credentials),
}

impl Control {
    /// Level and type of its `struct cmsghdr`, as a receive call gives it.
    pub fn header(&self) -> (i32, i32) {
        match self {
            Self::PktInfo { .. } => (ip::LEVEL, ip::IP_PKTINFO),
            Self::PktInfo6 { .. } => (ipv6::LEVEL, ipv6::IPV6_PKTINFO),
            Self::Ttl(_) => (ip::LEVEL, ip::IP_TTL),
            Self::HopLimit(_) => (ipv6::LEVEL, ipv6::IPV6_HOPLIMIT),
            Self::OldPktInfo6 { .. } => (ipv6::LEVEL, ipv6::IPV6_2292PKTINFO),
            Self::OldHopLimit(_) => (ipv6::LEVEL, ipv6::IPV6_2292HOPLIMIT),
            Self::Tos(_) => (ip::LEVEL, ip::IP_TOS),
            Self::TrafficClass(_) => (ipv6::LEVEL, ipv6::IPV6_TCLASS),
            Self::TimestampMicros(_) => (sol_socket::LEVEL, sol_socket::SO_TIMESTAMP),
            Self::TimestampNanos(_) => (sol_socket::LEVEL, sol_socket::SO_TIMESTAMPNS),
            Self::Timestamping(_) => (sol_socket::LEVEL, sol_socket::SO_TIMESTAMPING),
            Self::Error { v6: false, .. } | Self::ZeroCopy { v6: false, .. } | Self::Stamp { v6: false, .. } => {
                (ip::LEVEL, ip::IP_RECVERR)
            }
            Self::Error { v6: true, .. } | Self::ZeroCopy { v6: true, .. } | Self::Stamp { v6: true, .. } => {
                (ipv6::LEVEL, ipv6::IPV6_RECVERR)
            }
            Self::OriginalDestination(_) => (ip::LEVEL, ip::IP_RECVORIGDSTADDR),
            Self::OriginalDestination6(_) => (ipv6::LEVEL, ipv6::IPV6_RECVORIGDSTADDR),
            Self::IpOptions(_) => (ip::LEVEL, ip::IP_RECVOPTS),
            Self::FlowInfo(_) => (ipv6::LEVEL, 11),
            Self::SegmentSize(_) => (udp::LEVEL, udp::UDP_GRO),
            Self::Inq(_) => (tcp::LEVEL, tcp::TCP_INQ),
            Self::Rights(_) => (sol_socket::LEVEL, sol_socket::SCM_RIGHTS),
            Self::Credentials(_) => (sol_socket::LEVEL, sol_socket::SCM_CREDENTIALS),
        }
    }

    /// The data behind its header. [`Control::Rights`] gives zeros: only the program around the stack knows descriptors.
    pub fn data(&self) -> Vec<u8> {
        match self {
            Self::PktInfo { link, local, destination } => {
                [link.to_ne_bytes(), local.v4_octets(), destination.v4_octets()].concat()
            }
            Self::PktInfo6 { link, addr } | Self::OldPktInfo6 { link, addr } => {
                [&addr.octets()[..], &link.to_ne_bytes()].concat()
            }
            Self::Ttl(value)
            | Self::HopLimit(value)
            | Self::OldHopLimit(value)
            | Self::TrafficClass(value)
            | Self::Inq(value) => value.to_ne_bytes().to_vec(),
            Self::Tos(value) => alloc::vec![*value],
            Self::TimestampMicros(at) => time(*at, 1_000),
            Self::TimestampNanos(at) => time(*at, 1),
            Self::Error { error, v6 } => extended_error(error, *v6),
            Self::ZeroCopy { first, last, v6 } => zero_copy(*first, *last, *v6),
            // Three places: software, a second one that nobody uses any more, and hardware.
            Self::Timestamping(at) => [time(*at, 1), alloc::vec![0; 32]].concat(),
            Self::Stamp { happened, number, v6 } => stamp(*happened, *number, *v6),
            Self::OriginalDestination(addr) => Address::Inet(*addr).to_bytes(),
            Self::OriginalDestination6(addr) => Address::Inet6 { addr: *addr, flowinfo: 0 }.to_bytes(),
            Self::IpOptions(options) => options.to_vec(),
            Self::FlowInfo(value) => value.to_be_bytes().to_vec(),
            Self::SegmentSize(size) => i32::from(*size).to_ne_bytes().to_vec(),
            Self::Rights(rights) => alloc::vec![0; 4 * rights.len()],
            Self::Credentials(who) => [who.pid.to_ne_bytes(), who.uid.to_ne_bytes(), who.gid.to_ne_bytes()].concat(),
        }
    }

    /// Room it takes in a control buffer: `CMSG_SPACE`.
    pub fn space(&self) -> usize {
        HEADER + self.data().len().next_multiple_of(8)
    }

    /// Reads one item as a send call passes it, but for `SCM_RIGHTS`, which is the caller's to translate. `EINVAL` for what is
    /// malformed or unknown.
    pub fn from_bytes(level: i32, ty: i32, data: &[u8]) -> Result<Self, Errno> {
        use super::options::value::int;
        let four = |offset: usize| data.get(offset..).and_then(|rest| rest.first_chunk::<4>()).copied().ok_or(Errno::EINVAL);
        match (level, ty) {
            (ip::LEVEL, ip::IP_PKTINFO) => Ok(Self::PktInfo {
                link: u32::from_ne_bytes(four(0)?),
                local: Addr::from_v4(four(4)?),
                destination: Addr::from_v4(four(8)?),
            }),
            (ipv6::LEVEL, ipv6::IPV6_PKTINFO | ipv6::IPV6_2292PKTINFO) => {
                let octets = data.first_chunk().ok_or(Errno::EINVAL)?;
                Ok(Self::PktInfo6 { addr: Addr::from_v6(*octets), link: u32::from_ne_bytes(four(16)?) })
            }
            (ip::LEVEL, ip::IP_TTL) => int(data).map(Self::Ttl),
            (ipv6::LEVEL, ipv6::IPV6_HOPLIMIT | ipv6::IPV6_2292HOPLIMIT) => int(data).map(Self::HopLimit),
            (ip::LEVEL, ip::IP_TOS) => {
                int(data).map(|value| value as u8).or_else(|_| data.first().copied().ok_or(Errno::EINVAL)).map(Self::Tos)
            }
            (ipv6::LEVEL, ipv6::IPV6_TCLASS) => int(data).map(Self::TrafficClass),
            (udp::LEVEL, udp::UDP_SEGMENT) => {
                data.first_chunk().map(|two| Self::SegmentSize(u16::from_ne_bytes(*two))).ok_or(Errno::EINVAL)
            }
            (sol_socket::LEVEL, sol_socket::SCM_CREDENTIALS) => Ok(Self::Credentials(Credentials {
                pid: i32::from_ne_bytes(four(0)?),
                uid: u32::from_ne_bytes(four(4)?),
                gid: u32::from_ne_bytes(four(8)?),
            })),
            _ => Err(Errno::EINVAL),
        }
    }
}

/// Seconds and a fraction, each in eight bytes.
fn time(at: Instant, unit: u64) -> Vec<u8> {
    let (seconds, nanos) = (at.nanos() / 1_000_000_000, at.nanos() % 1_000_000_000);
    [seconds.to_ne_bytes(), (nanos / unit).to_ne_bytes()].concat()
}

/// `struct sock_extended_err` with the offender's address behind it.
fn extended_error(error: &QueuedError, v6: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(44);
    bytes.extend_from_slice(&error.errno.number().to_ne_bytes());
    bytes.extend_from_slice(&[error.origin, error.kind, error.code, 0]);
    bytes.extend_from_slice(&error.info.to_ne_bytes());
    bytes.extend_from_slice(&[0; 4]);
    let offender = error.offender.map(|addr| SockAddr::new(addr, 0));
    let (address, size) = match (offender, v6) {
        (Some(addr), false) => (Address::Inet(addr).to_bytes(), 16),
        (Some(addr), true) => (Address::Inet6 { addr, flowinfo: 0 }.to_bytes(), 28),
        (None, false) => (Vec::new(), 16),
        (None, true) => (Vec::new(), 28),
    };
    bytes.extend_from_slice(&address);
    bytes.resize(16 + size, 0);
    bytes
}

/// `struct sock_extended_err` with origin `SO_EE_ORIGIN_ZEROCOPY` and code `SO_EE_CODE_ZEROCOPY_COPIED`, and no address behind it.
fn zero_copy(first: u32, last: u32, v6: bool) -> Vec<u8> {
    let mut bytes = alloc::vec![0, 0, 0, 0, 5, 0, 1, 0];
    bytes.extend_from_slice(&first.to_ne_bytes());
    bytes.extend_from_slice(&last.to_ne_bytes());
    bytes.resize(16 + if v6 { 28 } else { 16 }, 0);
    bytes
}

/// `struct sock_extended_err` with `ENOMSG` and origin `SO_EE_ORIGIN_TIMESTAMPING`, and no address behind it.
fn stamp(happened: u32, number: u32, v6: bool) -> Vec<u8> {
    const ENOMSG: u32 = 42;
    let mut bytes = ENOMSG.to_ne_bytes().to_vec();
    bytes.extend_from_slice(&[4, 0, 0, 0]);
    bytes.extend_from_slice(&happened.to_ne_bytes());
    bytes.extend_from_slice(&number.to_ne_bytes());
    bytes.resize(16 + if v6 { 28 } else { 16 }, 0);
    bytes
}

/// Keeps the items that fit into a control buffer of `room` bytes; says whether all did (else `MSG_CTRUNC`). Of rights that do not
/// all fit, the first ones do, as in Linux; the others come back.
pub(super) fn fit(items: Vec<Control>, room: usize) -> (Vec<Control>, bool, Vec<Right>) {
    let (mut kept, mut left, mut whole, mut lost) = (Vec::with_capacity(items.len()), room, true, Vec::new());
    for item in items {
        let len = HEADER + item.data().len();
        match item {
            item if len <= left => {
                left -= item.space().min(left);
                kept.push(item);
            }
            Control::Rights(mut rights) => {
                let fits = left.saturating_sub(HEADER) / 4;
                lost.extend(rights.split_off(fits.min(rights.len())));
                whole = false;
                if !rights.is_empty() {
                    left = 0;
                    kept.push(Control::Rights(rights));
                }
            }
            // Linux would put the first bytes of the item there; nobody can read half an item.
            _ => whole = false,
        }
    }
    (kept, whole, lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_receiver_gets_a_sender_may_send() {
        let items = [
            Control::PktInfo { link: 2, local: Addr::v4(10, 0, 0, 1), destination: Addr::v4(10, 0, 0, 2) },
            Control::PktInfo6 { link: 2, addr: Addr::V6_LOOPBACK },
            Control::Ttl(3),
            Control::HopLimit(4),
            Control::Tos(5),
            Control::TrafficClass(6),
            Control::Credentials(Credentials { pid: 1, uid: 2, gid: 3 }),
        ];
        for item in items {
            let (level, ty) = item.header();
            let read = Control::from_bytes(level, ty, &item.data()).unwrap();
            assert_eq!(alloc::format!("{read:?}"), alloc::format!("{item:?}"));
        }
    }

    #[test]
    fn rights_are_cut_to_the_room() {
        let rights = (0..3).map(Right::Foreign).collect();
        let (kept, whole, lost) = fit(alloc::vec![Control::Rights(rights)], HEADER + 8);
        assert!(!whole);
        assert!(matches!(&kept[..], [Control::Rights(two)] if two.len() == 2));
        assert_eq!(lost, [Right::Foreign(2)]);
    }
}
