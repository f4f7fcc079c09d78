//! Two hosts on a link, with and without a switch between them.

use std::time::Duration;

use loggia_stack::base::{Addr, Cidr, MsgFlags};
use loggia_stack::link::Mac;
use loggia_stack::socket::numbers::{AF_INET, SOCK_STREAM};
use loggia_stack::{Errno, Seed};

use super::*;

fn host(world: &mut World, name: &str, last: u8) -> End {
    let host = world.add_host(name, Config::default());
    let mac = Mac([2, 0, 0, 0, 0, last]);
    let config = PortConfig { name: "eth0".into(), mac, mtu: 1500, frames: Frames::Whole };
    let port = world.add_port(host, &config).expect("an interface");
    let link = world.hosts()[host.0].link(port);
    world.stack(host).add_address(link, Cidr::new(Addr::v4(10, 0, 0, last), 24)).expect("an address");
    world.settle(host);
    End::Host { host, port }
}

fn delay(millis: u64) -> [Terms; 2] {
    let terms = Terms { delay: Duration::from_millis(millis), ..Terms::default() };
    [terms.clone(), terms]
}

/// The client's connection is established after a round trip; says when.
fn connects(world: &mut World) -> Instant {
    let (client, server) = (HostId(0), HostId(1));
    let address = "10.0.0.2:80".parse().expect("an address");
    let listener = world.stack(server).socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
    world.stack(server).bind(listener, &address).expect("bind");
    world.stack(server).listen(listener, 8).expect("listen");
    world.settle(server);
    let socket = world.stack(client).socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
    assert_eq!(world.stack(client).connect(socket, &address), Err(Errno::EINPROGRESS));
    world.settle(client);
    let until = Instant::from_secs(10);
    loop {
        while let Some((host, ready_socket, ready)) = world.next_ready() {
            if (host, ready_socket) == (client, socket) && ready.contains(Ready::OUT) && !ready.contains(Ready::HUP) {
                assert_eq!(world.stack(client).send(socket, b"hello", MsgFlags::NONE), Ok(5));
                return world.now();
            }
        }
        assert!(world.step(until), "nothing happens any more: {world:?}");
    }
}

#[test]
fn a_link_delays_each_way_and_resolution_takes_its_round_trip() {
    let mut world = World::new(Seed::from(1));
    let ends = [host(&mut world, "client", 1), host(&mut world, "server", 2)];
    world.connect("wan", ends, delay(20));
    let at = connects(&mut world);
    assert_eq!(at.millis(), 80, "ARP there and back, SYN there and SYN-ACK back");
}

#[test]
fn a_switch_joins_links() {
    let mut world = World::new(Seed::from(1));
    let (client, server) = (host(&mut world, "client", 1), host(&mut world, "server", 2));
    let switch = world.add_switch();
    for (name, end) in [("a", client), ("b", server)] {
        let port = world.switch_end(switch);
        world.connect(name, [end, port], delay(5));
    }
    let at = connects(&mut world);
    assert_eq!(at.millis(), 40);
}

#[test]
fn things_happen_when_they_are_due_however_late_the_driver_asks() {
    let run = |stride: u64| {
        let mut world = World::new(Seed::from(1));
        let ends = [host(&mut world, "client", 1), host(&mut world, "server", 2)];
        world.connect("wan", ends, delay(20));
        let socket = world.stack(HostId(0)).socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
        let address = "10.0.0.2:81".parse().expect("an address");
        assert_eq!(world.stack(HostId(0)).connect(socket, &address), Err(Errno::EINPROGRESS));
        world.settle(HostId(0));
        (0..200 / stride).for_each(|n| world.advance(Instant::from_millis((n + 1) * stride)));
        let counts = *world.wires()[0].pipe(0).counts();
        (counts, world.stack(HostId(0)).now(), world.stack(HostId(0)).readiness(socket))
    };
    assert_eq!(run(1), run(100));
}

#[test]
fn appointments_that_were_replaced_do_not_become_more_and_more() {
    let mut world = World::new(Seed::from(1));
    let ends = [host(&mut world, "client", 1), host(&mut world, "server", 2)];
    world.connect("wan", ends, delay(20));
    connects(&mut world);
    let rows = world.hosts()[0].stack.socket_rows();
    let socket = rows.into_iter().find_map(|row| row.socket).expect("the connection");
    // Each of these arms timers that are due before those that wait.
    for _ in 0..2000 {
        // It may be full: nobody reads.
        let _ = world.stack(HostId(0)).send(socket, b"x", MsgFlags::NONE);
        world.settle(HostId(0));
        world.advance(world.now() + Duration::from_millis(7));
    }
    assert!(world.agenda.len() < 20, "{} appointments of four parties", world.agenda.len());
}
