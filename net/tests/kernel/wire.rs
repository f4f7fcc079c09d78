//! The wire between the kernel (10.0.0.1, fd00::1) and our host (10.0.0.2, fd00::2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use loggia::device::Tun;
use loggia::{Host, Interface};

use crate::namespace::run;

/// What kind of wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wire {
    Tun,
    TunWithoutOffloads,
    TunWithQueues,
    Tap,
    TapWithoutOffloads,
}

pub(crate) const WIRES: [Wire; 5] =
    [Wire::Tun, Wire::TunWithoutOffloads, Wire::TunWithQueues, Wire::Tap, Wire::TapWithoutOffloads];

pub(crate) const KERNEL: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1))];
pub(crate) const OURS: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2))];

/// Our host at the end of a new wire.
pub(crate) fn lay(wire: Wire) -> Host {
    let name = "wire0";
    let interface = match wire {
        Wire::Tun => Interface::new(Tun::open(name).expect("a TUN")),
        Wire::TunWithoutOffloads => Interface::new(Tun::builder().offloads(false).open(name).expect("a TUN")),
        Wire::TunWithQueues => Interface::new(Tun::builder().queues(3).open(name).expect("a TUN")),
        Wire::Tap => Interface::new(Tun::builder().open_tap(name).expect("a TAP")),
        Wire::TapWithoutOffloads => Interface::new(Tun::builder().offloads(false).open_tap(name).expect("a TAP")),
    };
    run(&format!("ip address add 10.0.0.1/24 dev {name}"));
    run(&format!("ip address add fd00::1/64 dev {name} nodad"));
    run(&format!("ip link set {name} up"));
    // The kernel makes the route to its own IPv6 address a little later.
    while !run("ip -6 route show table local").contains("local fd00::1 dev wire0") {
        std::thread::sleep(Duration::from_millis(2));
    }
    let interface = interface.autoconfigure(false);
    Host::builder().interface(interface).address("10.0.0.2/24").address("fd00::2/64").start().expect("a host")
}

/// Takes the wire away again, the host first.
pub(crate) fn tear_down(host: &Host) {
    host.shutdown(Duration::from_secs(10)).expect("everything was sent");
}
