//! Options of [`Socket`], by the names that socket2 has for them.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use loggia_stack::socket::numbers::{ip, ipv6, sol_socket as so, tcp};

use super::{Domain, Protocol, Socket, TcpKeepalive, Type};
use crate::options::{connection_options, device_options, option_pair, udp_options};

/// Any option, by Linux's numbers and in Linux's form.
impl Socket {
    /// Says how many bytes it has. `ENOPROTOOPT`, `EINVAL`
    pub fn getsockopt(&self, level: i32, name: i32, value: &mut [u8]) -> io::Result<usize> {
        self.socket().call(|stack, id| stack.getsockopt(id, level, name, value))
    }

    /// Sets it. `ENOPROTOOPT`, `EINVAL`
    pub fn setsockopt(&self, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
        self.socket().set(level, name, value)
    }
}

/// Options of every socket.
impl Socket {
    option_pair!(bool reuse_address set_reuse_address so::LEVEL, so::SO_REUSEADDR, "`SO_REUSEADDR`.");
    option_pair!(bool reuse_port set_reuse_port so::LEVEL, so::SO_REUSEPORT, "`SO_REUSEPORT`.");
    option_pair!(usize send_buffer_size set_send_buffer_size so::LEVEL, so::SO_SNDBUF, "`SO_SNDBUF` in bytes; twice what was set, as Linux says it.");
    option_pair!(usize recv_buffer_size set_recv_buffer_size so::LEVEL, so::SO_RCVBUF, "`SO_RCVBUF` in bytes; twice what was set, as Linux says it.");
    option_pair!(bool out_of_band_inline set_out_of_band_inline so::LEVEL, so::SO_OOBINLINE, "`SO_OOBINLINE`.");
    option_pair!(bool passcred set_passcred so::LEVEL, so::SO_PASSCRED, "`SO_PASSCRED`.");
    option_pair!(u32 priority set_priority so::LEVEL, so::SO_PRIORITY, "`SO_PRIORITY`.");
    device_options!();

    /// `SO_MARK`
    pub fn mark(&self) -> io::Result<u32> {
        self.socket().int(so::LEVEL, so::SO_MARK).map(|mark| mark as u32)
    }

    /// Sets `SO_MARK`, of which all bits count.
    pub fn set_mark(&self, mark: u32) -> io::Result<()> {
        self.socket().set(so::LEVEL, so::SO_MARK, &mark.to_ne_bytes())
    }

    /// `SO_COOKIE`: a number that no other socket of the host has.
    pub fn cookie(&self) -> io::Result<u64> {
        let mut value = [0; 8];
        self.getsockopt(so::LEVEL, so::SO_COOKIE, &mut value)?;
        Ok(u64::from_ne_bytes(value))
    }

    /// `SO_DOMAIN`
    pub fn domain(&self) -> io::Result<Domain> {
        self.socket().int(so::LEVEL, so::SO_DOMAIN).map(Domain::from)
    }

    /// `SO_TYPE`
    pub fn r#type(&self) -> io::Result<Type> {
        self.socket().int(so::LEVEL, so::SO_TYPE).map(Type::from)
    }

    /// `SO_PROTOCOL`; none where there is no choice.
    pub fn protocol(&self) -> io::Result<Option<Protocol>> {
        let number = self.socket().int(so::LEVEL, so::SO_PROTOCOL)?;
        Ok((number != 0).then_some(Protocol::from(number)))
    }

    /// `SO_ACCEPTCONN`: whether it listens.
    pub fn is_listener(&self) -> io::Result<bool> {
        self.socket().flag(so::LEVEL, so::SO_ACCEPTCONN)
    }
}

/// Options of IPv4.
impl Socket {
    option_pair!(u32 ttl_v4 set_ttl_v4 ip::LEVEL, ip::IP_TTL, "`IP_TTL`.");
    option_pair!(u32 tos_v4 set_tos_v4 ip::LEVEL, ip::IP_TOS, "`IP_TOS`.");
    option_pair!(bool recv_tos_v4 set_recv_tos_v4 ip::LEVEL, ip::IP_RECVTOS, "`IP_RECVTOS`.");
    option_pair!(bool header_included_v4 set_header_included_v4 ip::LEVEL, ip::IP_HDRINCL, "`IP_HDRINCL`.");
    option_pair!(bool freebind_v4 set_freebind_v4 ip::LEVEL, ip::IP_FREEBIND, "`IP_FREEBIND`.");
    option_pair!(bool ip_transparent_v4 set_ip_transparent_v4 ip::LEVEL, ip::IP_TRANSPARENT, "`IP_TRANSPARENT`.");
    option_pair!(bool multicast_all_v4 set_multicast_all_v4 ip::LEVEL, ip::IP_MULTICAST_ALL, "`IP_MULTICAST_ALL`.");

    /// `IP_MULTICAST_IF`: the address of the link by which multicasts leave; unspecified if the routes say it.
    pub fn multicast_if_v4(&self) -> io::Result<Ipv4Addr> {
        let mut value = [0; 4];
        self.getsockopt(ip::LEVEL, ip::IP_MULTICAST_IF, &mut value)?;
        Ok(value.into())
    }

    /// Sets `IP_MULTICAST_IF`. `EADDRNOTAVAIL`
    pub fn set_multicast_if_v4(&self, interface: &Ipv4Addr) -> io::Result<()> {
        self.setsockopt(ip::LEVEL, ip::IP_MULTICAST_IF, &interface.octets())
    }

    /// Joins a group for what `source` sends (`IP_ADD_SOURCE_MEMBERSHIP`). `ENODEV`, `EADDRNOTAVAIL`
    pub fn join_ssm_v4(&self, source: &Ipv4Addr, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.setsockopt(ip::LEVEL, ip::IP_ADD_SOURCE_MEMBERSHIP, &[group, interface, source].map(Ipv4Addr::octets).concat())
    }

    /// Leaves it for this source. `EADDRNOTAVAIL`; `EINVAL` if it is not in the group
    pub fn leave_ssm_v4(&self, source: &Ipv4Addr, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.setsockopt(ip::LEVEL, ip::IP_DROP_SOURCE_MEMBERSHIP, &[group, interface, source].map(Ipv4Addr::octets).concat())
    }
}

/// Options of IPv6.
impl Socket {
    option_pair!(bool only_v6 set_only_v6 ipv6::LEVEL, ipv6::IPV6_V6ONLY, "`IPV6_V6ONLY`.");
    option_pair!(u32 unicast_hops_v6 set_unicast_hops_v6 ipv6::LEVEL, ipv6::IPV6_UNICAST_HOPS, "`IPV6_UNICAST_HOPS`.");
    option_pair!(u32 tclass_v6 set_tclass_v6 ipv6::LEVEL, ipv6::IPV6_TCLASS, "`IPV6_TCLASS`.");
    option_pair!(bool recv_tclass_v6 set_recv_tclass_v6 ipv6::LEVEL, ipv6::IPV6_RECVTCLASS, "`IPV6_RECVTCLASS`.");
    option_pair!(bool recv_hoplimit_v6 set_recv_hoplimit_v6 ipv6::LEVEL, ipv6::IPV6_RECVHOPLIMIT, "`IPV6_RECVHOPLIMIT`.");
    option_pair!(bool header_included_v6 set_header_included_v6 ipv6::LEVEL, ipv6::IPV6_HDRINCL, "`IPV6_HDRINCL`.");
    option_pair!(bool freebind_v6 set_freebind_v6 ipv6::LEVEL, ipv6::IPV6_FREEBIND, "`IPV6_FREEBIND`.");
    option_pair!(bool ip_transparent_v6 set_ip_transparent_v6 ipv6::LEVEL, ipv6::IPV6_TRANSPARENT, "`IPV6_TRANSPARENT`.");
    option_pair!(u32 multicast_hops_v6 set_multicast_hops_v6 ipv6::LEVEL, ipv6::IPV6_MULTICAST_HOPS, "`IPV6_MULTICAST_HOPS`.");
    option_pair!(u32 multicast_if_v6 set_multicast_if_v6 ipv6::LEVEL, ipv6::IPV6_MULTICAST_IF,
        "`IPV6_MULTICAST_IF`: the number of the link by which multicasts leave; 0 if the routes say it.");
    option_pair!(bool multicast_all_v6 set_multicast_all_v6 ipv6::LEVEL, ipv6::IPV6_MULTICAST_ALL, "`IPV6_MULTICAST_ALL`.");
}

/// Options of multicast and broadcast.
impl Socket {
    udp_options!();
}

/// Options of TCP.
impl Socket {
    option_pair!(bool tcp_nodelay set_tcp_nodelay tcp::LEVEL, tcp::TCP_NODELAY, "`TCP_NODELAY`.");
    option_pair!(bool tcp_quickack set_tcp_quickack tcp::LEVEL, tcp::TCP_QUICKACK, "`TCP_QUICKACK`.");
    option_pair!(bool tcp_cork set_tcp_cork tcp::LEVEL, tcp::TCP_CORK, "`TCP_CORK`.");
    option_pair!(u32 tcp_mss set_tcp_mss tcp::LEVEL, tcp::TCP_MAXSEG, "`TCP_MAXSEG` in bytes.");
    option_pair!(u32 tcp_notsent_lowat set_tcp_notsent_lowat tcp::LEVEL, tcp::TCP_NOTSENT_LOWAT,
        "`TCP_NOTSENT_LOWAT`: the socket is writable while fewer bytes than that have not been sent.");
    option_pair!(bool tcp_thin_linear_timeouts set_tcp_thin_linear_timeouts tcp::LEVEL, tcp::TCP_THIN_LINEAR_TIMEOUTS,
        "`TCP_THIN_LINEAR_TIMEOUTS`.");
    connection_options!();

    /// `TCP_KEEPIDLE`
    pub fn tcp_keepalive_time(&self) -> io::Result<Duration> {
        self.seconds(tcp::TCP_KEEPIDLE)
    }

    /// `TCP_KEEPINTVL`
    pub fn tcp_keepalive_interval(&self) -> io::Result<Duration> {
        self.seconds(tcp::TCP_KEEPINTVL)
    }

    /// `TCP_KEEPCNT`
    pub fn tcp_keepalive_retries(&self) -> io::Result<u32> {
        self.socket().int(tcp::LEVEL, tcp::TCP_KEEPCNT).map(|retries| retries as u32)
    }

    /// Sets `SO_KEEPALIVE`, and when the other end is asked. `EINVAL` for less than a second and more than 32,767, and for more than 127
    /// questions
    pub fn set_tcp_keepalive(&self, params: &TcpKeepalive) -> io::Result<()> {
        self.set_keepalive(true)?;
        let seconds = |time: Duration| i32::try_from(time.as_secs()).unwrap_or(i32::MAX);
        let asked = [
            (tcp::TCP_KEEPIDLE, params.time.map(seconds)),
            (tcp::TCP_KEEPINTVL, params.interval.map(seconds)),
            (tcp::TCP_KEEPCNT, params.retries.map(|retries| i32::try_from(retries).unwrap_or(i32::MAX))),
        ];
        let mut said = asked.into_iter().filter_map(|(name, value)| Some((name, value?)));
        said.try_for_each(|(name, value)| self.socket().set_int(tcp::LEVEL, name, value))
    }

    /// `TCP_USER_TIMEOUT`; none if it is not set.
    pub fn tcp_user_timeout(&self) -> io::Result<Option<Duration>> {
        let millis = self.socket().int(tcp::LEVEL, tcp::TCP_USER_TIMEOUT)?;
        Ok((millis != 0).then(|| Duration::from_millis(millis as u64)))
    }

    /// Sets `TCP_USER_TIMEOUT`, in whole milliseconds: the connection ends when the other end has acknowledged nothing for so long.
    pub fn set_tcp_user_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        let millis = timeout.map_or(0, |timeout| i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX));
        self.socket().set_int(tcp::LEVEL, tcp::TCP_USER_TIMEOUT, millis)
    }

    /// `TCP_CONGESTION`: the name of the congestion control.
    pub fn tcp_congestion(&self) -> io::Result<Vec<u8>> {
        let mut name = [0; 16];
        let len = self.getsockopt(tcp::LEVEL, tcp::TCP_CONGESTION, &mut name)?;
        Ok(name[..len].to_vec())
    }

    /// Sets `TCP_CONGESTION`. `ENOENT`
    pub fn set_tcp_congestion(&self, name: &[u8]) -> io::Result<()> {
        self.setsockopt(tcp::LEVEL, tcp::TCP_CONGESTION, name)
    }

    fn seconds(&self, name: i32) -> io::Result<Duration> {
        self.socket().int(tcp::LEVEL, name).map(|seconds| Duration::from_secs(seconds as u64))
    }
}
