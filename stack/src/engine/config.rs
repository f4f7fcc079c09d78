//! The settings of a stack, named as Linux names them.

use crate::network;
use crate::socket;
use crate::transport::tcp::TcpConfig;

/// The settings of a stack. Fixed at its birth; what may change later has a call of its own on [`Stack`](super::Stack).
#[derive(Clone, Debug)]
pub struct Config {
    /// `net.ipv4.*` and `net.ipv6.*` of the network layer.
    pub network: network::Config,
    /// `net.ipv4.tcp_*`
    pub tcp: TcpConfig,
    /// `net.core.*`, ports, limits and permissions.
    pub socket: socket::Config,
    /// Most memory in bytes that sockets, queues and caches may hold together.
    pub memory: usize,
    /// Most events that wait to be fetched; later ones are counted as lost.
    pub max_events: usize,
}

impl Default for Config {
    /// Linux's defaults on a host with a few gigabytes of memory; 256 MiB for the stack.
    fn default() -> Self {
        Self {
            network: network::Config::default(),
            tcp: TcpConfig::default(),
            socket: socket::Config::default(),
            memory: 256 << 20,
            max_events: 1 << 16,
        }
    }
}
