//! Layer 1, link: frames in and out, link addresses, large frames cut and joined.
//!
//! Ethernet II with 802.1Q tags, raw-IP links and loopback. ARP (RFC 826, 5227) lives here whole; of neighbour discovery
//! (RFC 4861) the cache and its states live here for both families, while the ICMPv6 messages are the network layer's.
//! Nothing here calls upwards: what the network layer must know waits in [`Links::poll`].
//!
//! ```text
//!            poll ▲ Up                                    │ send (Hop)
//!                 │                                       ▼
//!           ┌───────────┐  Unreachable, Solicit   ┌───────────────┐
//!           │  backlog  │◀────────────────────────│   neighbour   │
//!           └───────────┘                         └───────────────┘
//!                 ▲  ▲ joined (offload::join)         ▲   │ link address known
//!                 │  │                          merge │   ▼
//!           ┌───────────┐      ARP          ┌───────────┐ ┌─────────────┐
//!           │  receive  │──────────────────▶│    arp    │▶│    queue    │ cut (offload::cut)
//!           └───────────┘                   └───────────┘ └─────────────┘
//!         receive ▲                                       │ transmit
//! ```
//!
//! - `mac`, `config`, `up`: what the layer above sees
//! - `links`: adding and removing links, up and down, listing; `port`: one link as it is kept
//! - `receive`, `ethernet`, `groups`: what comes in, and what of it is for us; `backlog`: what goes up
//! - `send`, `queue`: what goes out; `lane`: what goes out with nothing to be asked
//! - `neighbour`, `arp`, `timer`: link addresses
//! - `offload`: cutting (GSO), joining (GRO), checksums
//! - [`pcapng`]: frames as capture files have them
//!
//! Invariants: the neighbour cache and each entry's queue of waiting packets are bounded; a link's output queue is bounded in
//! bytes; a frame larger than the MTU leaves only to a device that said it cuts.

mod arp;
mod backlog;
mod config;
mod ethernet;
mod groups;
mod lane;
mod links;
mod mac;
mod neighbour;
mod offload;
pub mod pcapng;
mod port;
mod queue;
mod receive;
mod send;
#[cfg(test)]
mod tests;
mod timer;
mod up;

pub use arp::DEFEND_INTERVAL;
pub use config::{LinkConfig, MTU_MAX, MTU_MIN, Medium, Offloads};
pub use lane::{Lane, Outlet};
pub use links::{LinkStatus, Links};
pub use mac::Mac;
pub use neighbour::{Neighbour, NeighbourState, Progress};
pub use offload::append::append;
pub(crate) use offload::outside::largest_packet;
pub use offload::outside::{Steps, Train, complete_checksum, complete_copy, cut, packets};
pub use port::LinkStats;
pub use up::{Hop, LinkCast, Received, Up};
