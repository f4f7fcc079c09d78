//! Options as methods, for every type that has a `socket(&self) -> &Socket`: written once for all facades.

/// A getter and a setter of a number or a flag; sizes in bytes are `usize` where the original has them so.
macro_rules! option_pair {
    (bool $get:ident $set:ident $level:expr, $name:expr, $what:literal) => {
        #[doc = $what]
        pub fn $get(&self) -> std::io::Result<bool> {
            self.socket().flag($level, $name)
        }

        #[doc = concat!("Sets ", $what)]
        pub fn $set(&self, on: bool) -> std::io::Result<()> {
            self.socket().set_int($level, $name, i32::from(on))
        }
    };
    ($number:ident $get:ident $set:ident $level:expr, $name:expr, $what:literal) => {
        #[doc = $what]
        pub fn $get(&self) -> std::io::Result<$number> {
            self.socket().int($level, $name).map(|value| value as $number)
        }

        #[doc = concat!("Sets ", $what, " `EINVAL`")]
        pub fn $set(&self, value: $number) -> std::io::Result<()> {
            self.socket().set_int($level, $name, i32::try_from(value).unwrap_or(i32::MAX))
        }
    };
}

/// Of everything over IP.
macro_rules! ip_options {
    () => {
        $crate::options::option_pair!(u32 ttl set_ttl
            loggia_stack::socket::numbers::ip::LEVEL, loggia_stack::socket::numbers::ip::IP_TTL, "`IP_TTL`.");
        $crate::options::option_pair!(u32 tos_v4 set_tos_v4
            loggia_stack::socket::numbers::ip::LEVEL, loggia_stack::socket::numbers::ip::IP_TOS, "`IP_TOS`.");
        $crate::options::option_pair!(u32 tclass_v6 set_tclass_v6
            loggia_stack::socket::numbers::ipv6::LEVEL, loggia_stack::socket::numbers::ipv6::IPV6_TCLASS, "`IPV6_TCLASS`.");
    };
}

/// Of TCP connections.
macro_rules! tcp_options {
    () => {
        $crate::options::option_pair!(bool nodelay set_nodelay
            loggia_stack::socket::numbers::tcp::LEVEL, loggia_stack::socket::numbers::tcp::TCP_NODELAY, "`TCP_NODELAY`.");
        $crate::options::option_pair!(bool quickack set_quickack
            loggia_stack::socket::numbers::tcp::LEVEL, loggia_stack::socket::numbers::tcp::TCP_QUICKACK, "`TCP_QUICKACK`.");
        $crate::options::connection_options!();
    };
}

/// Of connections, by the names that all facades have for them.
macro_rules! connection_options {
    () => {
        $crate::options::option_pair!(bool keepalive set_keepalive
            loggia_stack::socket::numbers::sol_socket::LEVEL, loggia_stack::socket::numbers::sol_socket::SO_KEEPALIVE,
            "`SO_KEEPALIVE`.");

        /// `SO_LINGER`: the time after which a connection that was closed is reset if the other end has not acknowledged everything. Closing
        /// never waits.
        pub fn linger(&self) -> std::io::Result<Option<std::time::Duration>> {
            self.socket().linger()
        }

        /// Sets `SO_LINGER`, in whole seconds.
        pub fn set_linger(&self, linger: Option<std::time::Duration>) -> std::io::Result<()> {
            self.socket().set_linger(linger)
        }

        /// Closing resets the connection.
        pub fn set_zero_linger(&self) -> std::io::Result<()> {
            self.socket().set_linger(Some(std::time::Duration::ZERO))
        }
    };
}

/// Of sockets with buffers: all.
macro_rules! buffer_options {
    () => {
        $crate::options::option_pair!(u32 send_buffer_size set_send_buffer_size
            loggia_stack::socket::numbers::sol_socket::LEVEL, loggia_stack::socket::numbers::sol_socket::SO_SNDBUF,
            "`SO_SNDBUF` in bytes; twice what was set, as Linux says it.");
        $crate::options::option_pair!(u32 recv_buffer_size set_recv_buffer_size
            loggia_stack::socket::numbers::sol_socket::LEVEL, loggia_stack::socket::numbers::sol_socket::SO_RCVBUF,
            "`SO_RCVBUF` in bytes; twice what was set, as Linux says it.");
    };
}

/// Of sockets that are to be bound, by tokio's names.
#[cfg(feature = "tokio")]
macro_rules! reuse_options {
    () => {
        $crate::options::option_pair!(bool reuseaddr set_reuseaddr
            loggia_stack::socket::numbers::sol_socket::LEVEL, loggia_stack::socket::numbers::sol_socket::SO_REUSEADDR,
            "`SO_REUSEADDR`.");
        $crate::options::option_pair!(bool reuseport set_reuseport
            loggia_stack::socket::numbers::sol_socket::LEVEL, loggia_stack::socket::numbers::sol_socket::SO_REUSEPORT,
            "`SO_REUSEPORT`.");
        $crate::options::device_options!();
    };
}

/// Of sockets that may be bound to an interface.
macro_rules! device_options {
    () => {
        /// Only by the interface of this name (`SO_BINDTODEVICE`). `ENODEV`
        pub fn bind_device(&self, interface: Option<&[u8]>) -> std::io::Result<()> {
            use loggia_stack::socket::numbers::sol_socket;
            self.socket().set(sol_socket::LEVEL, sol_socket::SO_BINDTODEVICE, interface.unwrap_or_default())
        }

        /// The name of the interface that it is bound to, if it is.
        pub fn device(&self) -> std::io::Result<Option<Vec<u8>>> {
            use loggia_stack::socket::numbers::sol_socket;
            let mut room = [0; 16];
            let (level, name) = (sol_socket::LEVEL, sol_socket::SO_BINDTODEVICE);
            let len = self.socket().call(|stack, id| stack.getsockopt(id, level, name, &mut room))?;
            let interface = room[..len].split(|byte| *byte == 0).next().unwrap_or_default();
            Ok((!interface.is_empty()).then(|| interface.to_vec()))
        }
    };
}

/// Of UDP.
macro_rules! udp_options {
    () => {
        $crate::options::option_pair!(bool broadcast set_broadcast
            loggia_stack::socket::numbers::sol_socket::LEVEL, loggia_stack::socket::numbers::sol_socket::SO_BROADCAST,
            "`SO_BROADCAST`.");
        $crate::options::option_pair!(bool multicast_loop_v4 set_multicast_loop_v4
            loggia_stack::socket::numbers::ip::LEVEL, loggia_stack::socket::numbers::ip::IP_MULTICAST_LOOP,
            "`IP_MULTICAST_LOOP`.");
        $crate::options::option_pair!(u32 multicast_ttl_v4 set_multicast_ttl_v4
            loggia_stack::socket::numbers::ip::LEVEL, loggia_stack::socket::numbers::ip::IP_MULTICAST_TTL,
            "`IP_MULTICAST_TTL`.");
        $crate::options::option_pair!(bool multicast_loop_v6 set_multicast_loop_v6
            loggia_stack::socket::numbers::ipv6::LEVEL, loggia_stack::socket::numbers::ipv6::IPV6_MULTICAST_LOOP,
            "`IPV6_MULTICAST_LOOP`.");

        /// Joins a group on the link that has the address `interface`. `ENODEV`, `EADDRINUSE`
        pub fn join_multicast_v4(
            &self,
            group: impl std::borrow::Borrow<std::net::Ipv4Addr>,
            interface: impl std::borrow::Borrow<std::net::Ipv4Addr>,
        ) -> std::io::Result<()> {
            use loggia_stack::socket::numbers::ip;
            self.socket().set(ip::LEVEL, ip::IP_ADD_MEMBERSHIP, &[group.borrow().octets(), interface.borrow().octets()].concat())
        }

        /// Leaves a group. `EADDRNOTAVAIL`
        pub fn leave_multicast_v4(
            &self,
            group: impl std::borrow::Borrow<std::net::Ipv4Addr>,
            interface: impl std::borrow::Borrow<std::net::Ipv4Addr>,
        ) -> std::io::Result<()> {
            use loggia_stack::socket::numbers::ip;
            self.socket().set(ip::LEVEL, ip::IP_DROP_MEMBERSHIP, &[group.borrow().octets(), interface.borrow().octets()].concat())
        }

        /// Joins a group on the link of this number. `ENODEV`, `EADDRINUSE`
        pub fn join_multicast_v6(&self, group: &std::net::Ipv6Addr, interface: u32) -> std::io::Result<()> {
            use loggia_stack::socket::numbers::ipv6;
            let request = [&group.octets()[..], &interface.to_ne_bytes()].concat();
            self.socket().set(ipv6::LEVEL, ipv6::IPV6_ADD_MEMBERSHIP, &request)
        }

        /// Leaves a group. `EADDRNOTAVAIL`
        pub fn leave_multicast_v6(&self, group: &std::net::Ipv6Addr, interface: u32) -> std::io::Result<()> {
            use loggia_stack::socket::numbers::ipv6;
            let request = [&group.octets()[..], &interface.to_ne_bytes()].concat();
            self.socket().set(ipv6::LEVEL, ipv6::IPV6_DROP_MEMBERSHIP, &request)
        }
    };
}

#[cfg(feature = "tokio")]
pub(crate) use reuse_options;
pub(crate) use {buffer_options, connection_options, device_options, ip_options, option_pair, tcp_options, udp_options};
