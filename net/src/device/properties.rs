//! What a device is.

use loggia_stack::link::{LinkConfig, Mac, Medium, Offloads};

/// The address of a station on an Ethernet.
pub type MacAddr = [u8; 6];

/// Bytes of an output queue if nothing else is said: what a full window of a fast connection needs.
const QUEUE: usize = 1 << 20;

/// What a device is and can do.
#[derive(Clone, Debug)]
pub struct Properties {
    name: Option<String>,
    mac: Option<MacAddr>,
    mtu: u32,
    checksum: bool,
    segmentation: u32,
    coalesce: bool,
    queues: usize,
    queue_limit: usize,
    bell: bool,
    only_sends: bool,
}

impl Properties {
    /// A device that carries IP packets without a link header, of up to `mtu` bytes.
    pub fn ip(mtu: u32) -> Self {
        Self {
            name: None,
            mac: None,
            mtu,
            checksum: false,
            segmentation: 0,
            coalesce: true,
            queues: 1,
            queue_limit: QUEUE,
            bell: false,
            only_sends: false,
        }
    }

    /// A device that carries Ethernet frames; `mac` is our station's address, `mtu` the largest IP packet in one.
    pub fn ethernet(mac: MacAddr, mtu: u32) -> Self {
        Self { mac: Some(mac), ..Self::ip(mtu) }
    }

    /// A name for the interface, at most 15 bytes; without one it is numbered (`ip0`, `eth0`, …).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// It completes checksums itself, or none are needed: packets leave with [`Checksum::Partial`](super::Checksum::Partial).
    pub fn checksum_offload(mut self, on: bool) -> Self {
        self.checksum = on;
        self
    }

    /// It cuts large TCP packets of up to `payload` bytes itself: they leave with [`Packet::segment_size`](super::Packet::segment_size).
    /// 0: none. One of IPv4 that is longer than a packet can be says 0 for its length and ends with its bytes (Linux's BIG TCP); of others there
    /// are none so long. Counts only together with [`checksum_offload`](Self::checksum_offload).
    pub fn segmentation_offload(mut self, payload: u32) -> Self {
        self.segmentation = payload;
        self
    }

    /// The host joins segments of one connection that arrive together (on unless switched off).
    pub fn coalesce(mut self, on: bool) -> Self {
        self.coalesce = on;
        self
    }

    /// How many queues packets come by.
    pub fn queues(mut self, queues: usize) -> Self {
        self.queues = queues;
        self
    }

    /// How many bytes wait in the host while the device is full (a mebibyte unless said); then writers wait and datagrams are dropped.
    pub fn queue_limit(mut self, bytes: usize) -> Self {
        self.queue_limit = bytes;
        self
    }

    /// The same with another station's address.
    pub(crate) fn station(mut self, mac: MacAddr) -> Self {
        self.mac = Some(mac);
        self
    }

    /// Its descriptors only wake whoever polls them: it tells by them when it has room, and wants to be flushed.
    pub(crate) fn woken_by_bell(mut self, on: bool) -> Self {
        self.bell = on;
        self
    }

    pub(crate) fn is_woken_by_bell(&self) -> bool {
        self.bell
    }

    /// Nothing is received by its first queue: it is there to send by, and its descriptor calls only for room.
    pub(crate) fn sends_only_by_the_first(mut self, on: bool) -> Self {
        self.only_sends = on;
        self
    }

    pub(crate) fn only_sends(&self) -> bool {
        self.only_sends
    }

    /// Largest IP packet in bytes.
    pub fn mtu(&self) -> u32 {
        self.mtu
    }

    /// Our station's address; none if the device carries bare IP packets.
    pub fn mac(&self) -> Option<MacAddr> {
        self.mac
    }

    pub(crate) fn queue_count(&self) -> usize {
        self.queues.max(1)
    }

    pub(crate) fn own_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn link(&self, name: String) -> LinkConfig {
        let medium = match self.mac {
            Some(mac) => Medium::Ethernet { mac: Mac(mac), vlan: None },
            None => Medium::Ip,
        };
        let offloads = Offloads { checksum: self.checksum, segmentation: self.segmentation, coalesce: self.coalesce };
        LinkConfig { name, medium, mtu: self.mtu, offloads, queue_limit: self.queue_limit }
    }
}
