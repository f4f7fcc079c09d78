//! The description made concrete: every host, link end, address, route and name.
//!
//! What is given out, and what a stated value overrides:
//!
//! | what | value |
//! |---|---|
//! | host names | `NAME`, or with a count `NAME-1`, `NAME-2`, ...; `NAME` resolves to all of them |
//! | link names | `NAME`, or where an end has a count `NAME-1`, `NAME-2`, ... by that end |
//! | interfaces | `eth0`, `eth1`, ... in the order of the links |
//! | networks | the N-th link, or group of links joined by switches, is `10.x.y.0/24` and `fd00:0:0:N::/64` with N = 256 x + y, from 0; x < 128 |
//! | large ones | with more than 250 ends: `10.x.0.0/16`, from x = 128, and `fd00:0:0:x00::/64` |
//! | hosts in them | 1, 2, ... in the order of the ends: `10.0.0.1` and `fd00::1`; no IPv6 where the MTU is below 1280 |
//! | link addresses | `02:00:hh:hh:pp:pp`: number of the host, number of the interface, from 0 |
//! | the machine | its loopback is found at [`MACHINE_V4`] and [`MACHINE_V6`], named [`MACHINE_NAME`] |
//!
//! Routes are static: the shortest way by number of hops, a default route where all ways lead out by one gateway.

mod addresses;
mod build;
mod changes;
mod checks;
mod hosts;
mod links;
mod networks;
mod planner;
mod programs;
mod resolve;
mod routes;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Addr, Cidr};
use loggia_stack::link::Mac;

use crate::file::{Check, Command, Description, Determinism, Errors, Expect, Protocol, Ready, Restart, Stop};
use crate::link::Terms;
use crate::observe::PipeId;
use crate::world::{End, Frames, HostId};

/// The IPv4 address at which a lab with an uplink finds the machine's loopback.
pub const MACHINE_V4: Ipv4Addr = Ipv4Addr::new(10, 255, 255, 1);
/// The IPv6 address at which a lab with an uplink finds the machine's loopback.
pub const MACHINE_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0xffff, 0, 0, 0, 1);
/// The name of the machine's loopback in a lab with an uplink.
pub const MACHINE_NAME: &str = "machine.internal";

/// Everything a world is made of and everything that runs in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What the lab is called.
    pub title: Option<String>,
    /// What it shows.
    pub description: Option<String>,
    /// What the file says; the command line may overrule it.
    pub seed: u64,
    /// How long the run lasts at most, in lab time.
    pub deadline: Duration,
    /// What is controlled.
    pub determinism: Determinism,
    /// Data calls of the machine's programs are carried one by one; the command line may ask for it too.
    pub precise: bool,
    /// All hosts; the number of a host is its [`HostId`] in the world.
    pub hosts: Vec<Host>,
    /// Names of all switches; the number is the `SwitchId` in the world.
    pub switches: Vec<String>,
    /// All links; the number is that of the world's wire.
    pub links: Vec<Link>,
    /// All programs, each after those it waits for.
    pub programs: Vec<Program>,
    /// All that changes, by time.
    pub changes: Vec<Change>,
    /// All that must hold.
    pub checks: Vec<Check>,
    /// Ports of the machine that lead into the lab.
    pub publish: Vec<Published>,
    /// The host that stands for the machine.
    pub uplink: Option<HostId>,
}

/// A host.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its name in the file: that of all hosts alike.
    pub group: String,
    /// Further names.
    pub names: Vec<String>,
    /// Its interfaces.
    pub ports: Vec<Port>,
    /// Its routes, besides those to the networks it is in.
    pub routes: Vec<Route>,
    /// Link addresses it knows from the beginning.
    pub neighbours: Vec<Neighbour>,
    /// It is a router.
    pub forward: bool,
}

/// An interface of a host.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// `eth0`, `eth1`, ...
    pub name: String,
    /// Its link address.
    pub mac: Mac,
    /// Largest IP packet in bytes.
    pub mtu: u32,
    /// What the links allow that a frame may cross from here.
    pub frames: Frames,
    /// Its addresses, IPv4 first.
    pub addresses: Vec<Cidr>,
    /// The direction of the link that begins here.
    pub pipe: PipeId,
}

/// A route of a host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Route {
    /// Where to.
    pub to: Cidr,
    /// By whom; `None`: it is on the link.
    pub gateway: Option<Addr>,
    /// By which interface.
    pub port: usize,
}

/// A link address that a host knows from the beginning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// By which interface.
    pub port: usize,
    /// Whose.
    pub addr: Addr,
    /// The link address.
    pub mac: Mac,
}

/// A link.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Its name in the file.
    pub group: String,
    /// What it joins.
    pub ends: [End; 2],
    /// What it does at first: `[0]` to what the first end sends.
    pub terms: [Terms; 2],
    /// A run in which one of its impairments touched no packet says nothing.
    pub must_fire: bool,
}

/// A program.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Its name: that of its host, or `HOST.NAME`.
    pub name: String,
    /// Where it runs.
    pub host: HostId,
    /// What is run.
    pub command: Command,
    /// When it is ready.
    pub ready: Ready,
    /// Programs that must be ready first, by number; all are smaller than its own.
    pub after: Vec<usize>,
    /// Not before this moment of lab time.
    pub start: Duration,
    /// How and when it is stopped.
    pub stop: Stop,
    /// Whether it is started again.
    pub restart: Restart,
    /// In which state it must be found.
    pub expect: Expect,
    /// Variables of its environment, besides those it inherits.
    pub env: Vec<(String, String)>,
    /// Its working directory, relative to the lab file's.
    pub cwd: Option<PathBuf>,
    /// The user it runs as.
    pub user: Option<String>,
    /// What it reads; nothing, if it is not stated.
    pub stdin: Option<PathBuf>,
    /// Where its output goes, besides the run folder.
    pub stdout: Option<PathBuf>,
    /// Where its errors go, besides the run folder.
    pub stderr: Option<PathBuf>,
}

/// Something that changes at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// When, in lab time.
    pub at: Duration,
    /// What happens, as the record says it: `wan: down`.
    pub text: String,
    /// Something begins; otherwise something is over, and what was before holds again.
    pub begins: bool,
    /// What is done, all at once.
    pub actions: Vec<Action>,
}

/// What is done at a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// One direction of a link has new terms.
    Terms(PipeId, Box<Terms>),
    /// An interface has a new largest packet.
    Mtu {
        /// Of which host.
        host: HostId,
        /// Which of its interfaces.
        port: usize,
        /// Bytes.
        mtu: u32,
    },
}

/// A port of the machine that leads into the lab.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// Address on the machine.
    pub machine: std::net::IpAddr,
    /// Port on the machine; 0: any free one.
    pub machine_port: u16,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The host that opens the connections.
    pub from: HostId,
    /// The host they go to.
    pub to: HostId,
    /// Which of its ports.
    pub port: u16,
}

/// Makes a description concrete. Errors are what is wrong with the whole: loops, addresses, programs that wait for each other.
pub fn plan(description: &Description) -> Result<Plan, Errors> {
    planner::Planner::new(description).plan()
}
