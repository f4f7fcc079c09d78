//! How a host is made.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use loggia_stack::base::{Addr, Entropy, Seed};
use loggia_stack::engine::Config;
use loggia_stack::socket::Permission;
use loggia_stack::transport::shard::{self, Shard};
use loggia_stack::transport::tcp::congestion::{Algorithm, Own};

use super::address::{IntoIp, IntoPrefix};
use super::interface::{Interface, Setup};
use super::running::{Options, Running};
use super::{Host, thread};
use crate::device::Device;
use crate::lookup::Resolve;
use crate::shards::Shards;

/// How long what was written is still sent after the last handle of a host has gone, unless said.
const LINGER: Duration = Duration::from_secs(5);

/// A host to be. See [`Host::builder`].
///
/// ```
/// use loggia::Host;
///
/// let host = Host::builder().start()?; // with nothing but loopback
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "a host begins with `start`"]
pub struct Builder {
    name: Option<String>,
    interfaces: Vec<Interface>,
    /// Of the first interface.
    setup: Setup,
    names: Vec<(String, Vec<Addr>)>,
    resolver: Option<Arc<dyn Resolve>>,
    seed: Option<u64>,
    linger: Duration,
    /// The congestion control of connections, by name.
    congestion: Option<String>,
    config: Config,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("name", &self.name).field("interfaces", &self.interfaces).finish_non_exhaustive()
    }
}

impl Default for Builder {
    /// Linux's defaults; 256 MiB of memory for sockets and queues.
    fn default() -> Self {
        let mut config = Config::default();
        // Whoever embeds a host owns it.
        config.socket.net_raw = Permission::Granted;
        config.socket.net_admin = Permission::Granted;
        Self {
            name: None,
            interfaces: Vec::new(),
            setup: Setup::default(),
            names: Vec::new(),
            resolver: None,
            seed: None,
            linger: LINGER,
            congestion: None,
            config,
        }
    }
}

impl Builder {
    /// A name for the host, and its thread: `loggia` unless said.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// A device to speak by, with the properties it has. For more than a name, see [`Builder::interface`].
    pub fn device(self, device: impl Device) -> Self {
        self.interface(Interface::new(device))
    }

    /// An interface to speak by. Several may be.
    pub fn interface(mut self, interface: Interface) -> Self {
        self.interfaces.push(interface);
        self
    }

    /// An address of the first interface; see [`Interface::address`].
    pub fn address(mut self, address: impl IntoPrefix) -> Self {
        self.setup.add_address(address);
        self
    }

    /// A default route by the first interface; see [`Interface::gateway`].
    pub fn gateway(mut self, gateway: impl IntoIp) -> Self {
        self.setup.add_gateway(gateway);
        self
    }

    /// A name this host knows; `localhost` it knows always.
    pub fn host_name(mut self, name: impl Into<String>, addrs: impl IntoIterator<Item = IpAddr>) -> Self {
        self.names.push((name.into(), addrs.into_iter().map(Addr::from).collect()));
        self
    }

    /// Who is asked for names that this host does not know; see [`Host::set_resolver`].
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver = Some(Arc::new(resolver));
        self
    }

    /// Most memory in bytes that sockets and queues hold together; more is refused with `ENOBUFS`, and windows are kept small before.
    pub fn memory(mut self, bytes: usize) -> Self {
        self.config.memory = bytes;
        self
    }

    /// Whether packets for others are forwarded.
    pub fn forward(mut self, on: bool) -> Self {
        self.config.network.ipv4.forward = on;
        self.config.network.ipv6.forwarding = on;
        self
    }

    /// How long what was written is still sent after the last handle of the host and the last socket have gone (five seconds unless said).
    pub fn linger(mut self, limit: Duration) -> Self {
        self.linger = limit;
        self
    }

    /// Makes a congestion control of one's own known: sockets may name it by `TCP_CONGESTION`. See [`congestion`](crate::congestion).
    pub fn own_congestion_control(mut self, own: &'static Own) -> Self {
        self.config.tcp.own_congestion_controls.push(own);
        self
    }

    /// The congestion control of connections whose socket does not choose another: `reno`, `cubic` (unless said), `bbr`, or one's own.
    pub fn congestion_control(mut self, name: impl Into<String>) -> Self {
        self.congestion = Some(name.into());
        self
    }

    /// What all randomness comes from (sequence numbers, ports, hash keys), for tests. Unless said it is the operating system's.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Starts the host with a thread of its own.
    ///
    /// `InvalidInput` for what is no address, or one without an interface, and for a congestion control that is not known; `EEXIST` for two
    /// interfaces of one name, or the same address twice; `EINVAL` for a name or MTU that cannot be one; `EADDRNOTAVAIL` for an address that
    /// cannot be a host's, such as a group; `ENETUNREACH` for a gateway that no interface reaches.
    pub fn start(mut self) -> io::Result<Host> {
        let interfaces = self.take_interfaces()?;
        self.choose_congestion_control()?;
        let seed = self.seed.map_or_else(random_seed, Seed::from);
        let Self { name, names, resolver, linger, config, .. } = self;
        let running = Running::new(Options { config, seed, names, resolver, linger })?;
        for interface in interfaces {
            running.attach(interface)?;
        }
        thread::start(running, name.unwrap_or_else(|| "loggia".into()))
    }

    /// Starts the host as `count` complete stacks behind the same interfaces, each with a lock and a thread of its own, over which flows are
    /// spread: one host on several cores. See [`shards`](crate::shards). The memory is divided among them.
    ///
    /// Errors as [`Builder::start`]; `InvalidInput` for none and for more than 256.
    pub fn start_shards(mut self, count: usize) -> io::Result<Shards> {
        if !(1..=MOST_SHARDS).contains(&count) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{count} shards")));
        }
        let interfaces = self.take_interfaces()?;
        self.choose_congestion_control()?;
        let seed = self.seed.map_or_else(random_seed, Seed::from);
        let Self { name, names, resolver, linger, config, .. } = self;
        let rule = shard::Shards::new(seed, count as u16, config.socket.ip_local_port_range);
        let name = name.unwrap_or_else(|| "loggia".into());
        let start = |index: usize| {
            let shard = Shard { shards: rule, index: index as u16 };
            let (config, seed) = (of_shard(&config, seed, shard), seed_of(seed, index));
            let options = Options { config, seed, names: names.clone(), resolver: resolver.clone(), linger };
            thread::start(Running::new(options)?, format!("{name}-{index}"))
        };
        let hosts: io::Result<Vec<Host>> = (0..count).map(start).collect();
        let shards = Shards::new(hosts?, rule);
        for interface in interfaces {
            shards.attach(interface)?;
        }
        Ok(shards)
    }

    fn choose_congestion_control(&mut self) -> io::Result<()> {
        let Some(name) = &self.congestion else { return Ok(()) };
        let unknown = || io::Error::new(io::ErrorKind::InvalidInput, format!("no congestion control is called {name:?}"));
        let tcp = &mut self.config.tcp;
        tcp.congestion_control = Algorithm::named(name, &tcp.own_congestion_controls).ok_or_else(unknown)?;
        Ok(())
    }

    /// The interfaces, of which the first has what was said without one.
    fn take_interfaces(&mut self) -> io::Result<Vec<Interface>> {
        let setup = std::mem::take(&mut self.setup);
        match self.interfaces.first_mut() {
            Some(first) => first.setup.append(setup),
            None if setup.is_empty() => {}
            None => return Err(io::Error::new(io::ErrorKind::InvalidInput, "an address or gateway without a device")),
        }
        Ok(std::mem::take(&mut self.interfaces))
    }
}

/// As many queues as a TUN has.
const MOST_SHARDS: usize = 256;

/// The settings of one shard: its part of the memory, and the secrets that peers must not find different.
fn of_shard(config: &Config, seed: Seed, shard: Shard) -> Config {
    let mut config = config.clone();
    config.memory /= usize::from(shard.shards.count());
    config.socket.shard = Some(shard);
    // Addresses that shards make for themselves are the same, and a cookie is good on each of them.
    let mut secrets = Entropy::new(seed);
    let (mut addresses, mut cookies) = ([0; 16], [0; 16]);
    secrets.fill(&mut addresses);
    secrets.fill(&mut cookies);
    config.network.ipv6.stable_secret.get_or_insert(addresses);
    config.tcp.fastopen_key.get_or_insert([Some(cookies), None]);
    config
}

/// Shards do not draw the same numbers.
fn seed_of(Seed(mut seed): Seed, index: usize) -> Seed {
    for (byte, of_index) in seed.iter_mut().zip((index as u64 + 1).to_le_bytes()) {
        *byte ^= of_index;
    }
    Seed(seed)
}

/// The operating system's randomness: each hasher has keys of its own from it.
fn random_seed() -> Seed {
    let mut seed = [0; 32];
    for (number, eight) in (0u64..).zip(seed.chunks_exact_mut(8)) {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u64(number);
        eight.copy_from_slice(&hasher.finish().to_ne_bytes());
    }
    Seed(seed)
}
