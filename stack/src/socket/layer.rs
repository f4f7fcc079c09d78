//! All sockets of a host, and the way from one to its transport.

use alloc::vec::Vec;

use super::config::Config;
use super::record::{Kind, Phase, Rare, Record};
use crate::base::{Entropy, Errno, Key, Slab, SocketId, TcpState};
use crate::network::Network;
use crate::transport::datagram::DatagramOptions;
use crate::transport::inet::Inet;
use crate::transport::ping::Ping;
use crate::transport::raw::Raw;
use crate::transport::tcp::{Tcp, TcpConfig};
use crate::transport::udp::Udp;
use crate::transport::unix::{Unix, UnixConfig};

/// The socket layer with the transports below it.
#[derive(Debug)]
pub struct Sockets {
    /// Limits and permissions.
    pub config: Config,
    /// TCP.
    pub tcp: Tcp,
    /// UDP.
    pub udp: Udp,
    /// Raw sockets.
    pub raw: Raw,
    /// ICMP echo sockets.
    pub ping: Ping,
    /// `AF_UNIX`.
    pub unix: Unix,
    pub(super) records: Slab<Record>,
    /// Options few programs set, of the sockets that have some.
    rares: Slab<Rare>,
    /// Foreign handles of messages that were dropped.
    pub(super) foreign: Vec<u64>,
}

/// Does the same with whichever datagram transport serves a socket.
macro_rules! on_datagrams {
    ($sockets:expr, $kind:expr, |$transport:ident, $key:ident| $body:expr, _ => $other:expr) => {
        match $kind {
            $crate::socket::record::Kind::Udp($key) => {
                let $transport = &mut $sockets.udp;
                $body
            }
            $crate::socket::record::Kind::Raw($key) => {
                let $transport = &mut $sockets.raw;
                $body
            }
            $crate::socket::record::Kind::Ping($key) => {
                let $transport = &mut $sockets.ping;
                $body
            }
            $crate::socket::record::Kind::Tcp(_) | $crate::socket::record::Kind::Unix(_) => $other,
        }
    };
}
pub(super) use on_datagrams;

impl Sockets {
    /// No sockets yet.
    pub fn new(entropy: &Entropy, config: Config, tcp: TcpConfig) -> Self {
        let mut sockets = Self {
            tcp: Tcp::new(entropy, tcp),
            udp: Udp::new(entropy),
            raw: Raw::new(),
            ping: Ping::new(entropy),
            unix: Unix::new(
                entropy,
                UnixConfig {
                    max_dgram_qlen: config.max_dgram_qlen,
                    send_buffer: config.wmem_default,
                    receive_buffer: config.rmem_default,
                    max_in_flight: config.max_sockets,
                },
            ),
            records: Slab::new(),
            rares: Slab::new(),
            foreign: Vec::new(),
            config,
        };
        sockets.set_ports();
        sockets
    }

    /// The settings for ephemeral ports hold from now on.
    pub(crate) fn set_ports(&mut self) {
        let ((first, last), shard) = (self.config.port_range(), self.config.shard);
        self.udp.set_port_range(first, last);
        self.udp.set_shard(shard);
        self.tcp.ports_mut().set_range(first, last);
        self.tcp.ports_mut().set_shard(shard);
    }

    /// How many sockets there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// True if there is no socket.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// What is kept of a socket. `EBADF` if it does not exist.
    pub fn record(&self, id: SocketId) -> Result<&Record, Errno> {
        self.records.get(id).ok_or(Errno::EBADF)
    }

    pub(super) fn record_mut(&mut self, id: SocketId) -> Result<&mut Record, Errno> {
        self.records.get_mut(id).ok_or(Errno::EBADF)
    }

    /// Keeps a new socket whose record is made; the budget counts it.
    pub(super) fn insert_record(&mut self, net: &mut Network, record: Record) -> SocketId {
        net.links.base.budget.charge(size_of::<Record>());
        self.records.insert(record)
    }

    /// Forgets a socket; gives what was kept of it. What was set of it remains to be taken by [`Sockets::forget_rare`].
    pub(super) fn forget(&mut self, net: &mut Network, id: SocketId) -> Option<Record> {
        let record = self.records.remove(id)?;
        net.links.base.budget.release(size_of::<Record>());
        Some(record)
    }

    /// Takes the rare options of a socket that is forgotten.
    pub(super) fn forget_rare(&mut self, record: &Record) -> Option<Rare> {
        record.rare.and_then(|key| self.rares.remove(key))
    }

    /// One of the rare options, or its default.
    pub(super) fn rare<T>(&self, record: &Record, read: impl FnOnce(&Rare) -> T) -> T {
        match record.rare.and_then(|key| self.rares.get(key)) {
            Some(rare) => read(rare),
            None => read(&Rare::default()),
        }
    }

    /// The rare options of a socket, to be changed.
    pub(super) fn rare_mut(&mut self, id: SocketId) -> Result<&mut Rare, Errno> {
        let record = self.records.get_mut(id).ok_or(Errno::EBADF)?;
        let key = *record.rare.get_or_insert_with(|| self.rares.insert(Rare::default()));
        self.rares.get_mut(key).ok_or(Errno::EBADF)
    }

    /// The rare options of a socket that has some, to be changed.
    pub(super) fn rare_if_any(&mut self, id: SocketId) -> Option<&mut Rare> {
        let key = self.records.get(id)?.rare?;
        self.rares.get_mut(key)
    }

    /// Hands the rare options of a listener on to a connection.
    pub(super) fn inherit_rare(&mut self, listener: &Record, id: SocketId) -> Result<(), Errno> {
        if listener.rare.is_some() { self.inherit_set(listener, id) } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    fn inherit_set(&mut self, listener: &Record, id: SocketId) -> Result<(), Errno> {
        *self.rare_mut(id)? = self.rare(listener, Rare::clone);
        Ok(())
    }

    /// The socket that lives at a place of the table (see [`Notify`](crate::base::Notify)).
    pub fn at(&self, index: u32) -> Option<SocketId> {
        self.records.key_at(index)
    }

    /// All sockets in the order of their places.
    pub fn ids(&self) -> impl Iterator<Item = SocketId> {
        self.records.iter().map(|(id, _)| id)
    }

    /// The common part of an internet socket; none for `AF_UNIX`.
    pub(super) fn inet(&self, kind: Kind) -> Option<&Inet> {
        match kind {
            Kind::Tcp(key) => Some(self.tcp.inet(key)),
            Kind::Udp(key) => Some(self.udp.inet(key)),
            Kind::Raw(key) => Some(self.raw.inet(key)),
            Kind::Ping(key) => Some(self.ping.inet(key)),
            Kind::Unix(_) => None,
        }
    }

    #[inline(always)]
    pub(super) fn inet_mut(&mut self, kind: Kind) -> Option<&mut Inet> {
        match kind {
            Kind::Tcp(key) => Some(self.tcp.inet_mut(key)),
            Kind::Udp(key) => Some(self.udp.inet_mut(key)),
            Kind::Raw(key) => Some(self.raw.inet_mut(key)),
            Kind::Ping(key) => Some(self.ping.inet_mut(key)),
            Kind::Unix(_) => None,
        }
    }

    /// The options of a datagram socket of the internet families.
    pub(super) fn datagram_options(&self, kind: Kind) -> Option<&DatagramOptions> {
        match kind {
            Kind::Udp(key) => Some(self.udp.options(key)),
            Kind::Raw(key) => Some(self.raw.options(key)),
            Kind::Ping(key) => Some(self.ping.options(key)),
            Kind::Tcp(_) | Kind::Unix(_) => None,
        }
    }

    #[inline(always)]
    pub(super) fn datagram_options_mut(&mut self, kind: Kind) -> Option<&mut DatagramOptions> {
        on_datagrams!(self, kind, |transport, key| Some(transport.options_mut(key)), _ => None)
    }

    /// Lets changed options take effect.
    pub(super) fn options_changed(&mut self, net: &mut Network, kind: Kind) -> Result<(), Errno> {
        match kind {
            Kind::Tcp(key) => {
                self.tcp.options_changed(net, key);
                Ok(())
            }
            _ => on_datagrams!(self, kind, |transport, key| transport.options_changed(net, key), _ => Ok(())),
        }
    }

    /// Takes the pending error of a socket (`SO_ERROR`): whoever is told of it is the only one.
    pub(super) fn take_error(&mut self, kind: Kind) -> Option<Errno> {
        match kind {
            Kind::Unix(key) => self.unix.take_error(key),
            // There is none, nearly always.
            _ if self.inet(kind)?.error.is_none() => None,
            _ => self.inet_mut(kind).and_then(Inet::take_error),
        }
    }

    /// Makes an error pending: whoever asks next is told.
    pub(crate) fn put_error(&mut self, id: SocketId, errno: Errno) {
        match self.records.get(id).map(|record| record.kind) {
            Some(Kind::Unix(key)) => self.unix.put_error(key, errno),
            Some(kind) => self.inet_mut(kind).into_iter().for_each(|inet| inet.error = Some(errno)),
            None => {}
        }
    }

    /// True if the connection of a stream socket has come to its end without the application asking: reset, timed out, refused.
    pub(super) fn is_dead(&self, record: &Record) -> bool {
        match record.kind {
            Kind::Tcp(key) => record.phase != Phase::Unconnected && self.tcp.state(key) == TcpState::Closed,
            _ => false,
        }
    }

    /// The TCP connection behind a socket. `EOPNOTSUPP` for other sockets.
    pub(super) fn tcp_key(&self, id: SocketId) -> Result<Key, Errno> {
        match self.record(id)?.kind {
            Kind::Tcp(key) => Ok(key),
            _ => Err(Errno::EOPNOTSUPP),
        }
    }
}
