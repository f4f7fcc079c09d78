//! An interface of a host before it is attached.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use super::address::{IntoIp, IntoPrefix, Prefix};
use crate::device::Device;

/// A device with a name, addresses and gateways: an interface of a host.
///
/// ```
/// use loggia::device::{Properties, pair};
/// use loggia::{Host, Interface};
///
/// let [inside, outside] = pair(Properties::ip(1500));
/// let host = Host::builder().interface(Interface::new(inside).name("lan0").address("10.0.0.1/24")).start()?;
/// # drop(outside);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "an interface does nothing until it is attached"]
pub struct Interface {
    pub(crate) device: Arc<dyn Device>,
    pub(super) name: Option<String>,
    pub(super) mtu: Option<u32>,
    pub(super) autoconfigure: bool,
    pub(super) transparent: bool,
    pub(super) setup: Setup,
}

/// Addresses and gateways; what could not be read is told at the start.
#[derive(Clone, Debug, Default)]
pub(super) struct Setup {
    addresses: Vec<Result<Prefix, String>>,
    gateways: Vec<Result<IpAddr, String>>,
}

impl Setup {
    pub(super) fn add_address(&mut self, address: impl IntoPrefix) {
        self.addresses.push(address.into_prefix().map_err(|error| error.to_string()));
    }

    pub(super) fn add_gateway(&mut self, gateway: impl IntoIp) {
        self.gateways.push(gateway.into_ip().map_err(|error| error.to_string()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.gateways.is_empty()
    }

    pub(super) fn append(&mut self, other: Self) {
        self.addresses.extend(other.addresses);
        self.gateways.extend(other.gateways);
    }

    pub(super) fn addresses(&self) -> io::Result<Vec<Prefix>> {
        read(&self.addresses)
    }

    pub(super) fn gateways(&self) -> io::Result<Vec<IpAddr>> {
        read(&self.gateways)
    }
}

fn read<T: Copy>(given: &[Result<T, String>]) -> io::Result<Vec<T>> {
    let refuse = |why: &String| io::Error::new(io::ErrorKind::InvalidInput, why.clone());
    given.iter().map(|item| item.as_ref().copied().map_err(refuse)).collect()
}

impl std::fmt::Debug for Interface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interface").field("name", &self.name).field("setup", &self.setup).finish_non_exhaustive()
    }
}

impl Interface {
    /// An interface over `device`, without addresses.
    pub fn new(device: impl Device) -> Self {
        Self { device: Arc::new(device), name: None, mtu: None, autoconfigure: true, transparent: false, setup: Setup::default() }
    }

    /// The same over another device.
    pub(crate) fn over(&self, device: impl Device) -> Self {
        Self { device: Arc::new(device), ..self.clone() }
    }

    /// Its name, at most 15 bytes; the device's own unless said, else numbered.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// An address of ours; its network is reached by this interface. May be said several times. On Ethernet IPv6 addresses are usable only
    /// after it was checked for a second or two that nobody else has them, unless [`autoconfigure`](Self::autoconfigure) is off.
    pub fn address(mut self, address: impl IntoPrefix) -> Self {
        self.setup.add_address(address);
        self
    }

    /// A default route by this interface. One for each family.
    pub fn gateway(mut self, gateway: impl IntoIp) -> Self {
        self.setup.add_gateway(gateway);
        self
    }

    /// The largest IP packet; the device's own unless said.
    pub fn mtu(mut self, mtu: u32) -> Self {
        self.mtu = Some(mtu);
        self
    }

    /// Whether IPv6 configures itself on Ethernet as Linux does (on unless switched off): a link-local address, addresses and routes by
    /// router advertisements, detection of duplicates.
    pub fn autoconfigure(mut self, on: bool) -> Self {
        self.autoconfigure = on;
        self
    }

    /// Whether TCP and UDP that come by this interface for anybody are for this host, and its sockets may send from any address: one end of
    /// a transparent proxy.
    pub fn transparent(mut self, on: bool) -> Self {
        self.transparent = on;
        self
    }
}
