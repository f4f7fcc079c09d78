//! One run, and what must hold after it.

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Errno, Instant, SockAddr, SocketId};
use loggia_stack::link::{Mac, Medium};
use loggia_stack::network::autoconf::LinkSettings;

use crate::end::End;
use crate::plan::{EndPlan, HostPlan, Plan, Style};
use crate::sim::host::ip_link;
use crate::sim::pattern::Pattern;
use crate::sim::{Conditions, Digest, Host, Random, World};

const PORT: u16 = 7000;

/// A connection: the ends, in the order of the hosts they are on.
struct Connection {
    plans: [EndPlan; 2],
    ends: [End; 2],
    /// What host 0's end sends and what host 1's end sends.
    streams: [Pattern; 2],
    listener: SocketId,
}

/// Runs a plan to its end; gives the digest of all frames and events.
pub(crate) fn run(plan: &Plan) -> Digest {
    let hosts = [0, 1].map(|number| host(plan, number));
    let mut world = World::new(plan.seed, hosts, plan.chaos[0]);
    world.wires[1].conditions = plan.chaos[1];
    world.record_events();
    let mut connections: Vec<Connection> =
        plan.connections.iter().enumerate().map(|(number, ends)| connect(&mut world, plan, number as u64, ends)).collect();
    go_on_until_all_have_closed(&mut world, plan, &mut connections);
    connections.iter().for_each(|connection| judge(connection, plan));
    nothing_is_left(&mut world, &connections);
    world.digest
}

fn host(plan: &Plan, number: usize) -> Host {
    let HostPlan { extensions: [timestamps, sack, window_scaling], coalesce, cookies, memory } = plan.hosts[number];
    let mut link = ip_link(plan.mtu);
    link.offloads.coalesce = coalesce;
    if plan.ethernet {
        link.medium = Medium::Ethernet { mac: Mac([2, 0, 0, 0, 0, number as u8 + 1]), vlan: plan.vlan };
    }
    Host::with(plan.seed * 2 + number as u64, plan.addresses[number], link, |config| {
        // Who asks for routers never comes to rest.
        config.network.ipv6.link_defaults = LinkSettings::MANUAL;
        config.tcp.timestamps = timestamps;
        config.tcp.sack = sack;
        config.tcp.window_scaling = window_scaling;
        config.tcp.congestion_control = plan.algorithms[number];
        config.tcp.syncookies = cookies;
        config.memory = memory.unwrap_or(config.memory);
    })
}

fn connect(world: &mut World, plan: &Plan, number: u64, plans: &[EndPlan; 2]) -> Connection {
    let port = PORT + number as u16;
    let listener = world.hosts[1].listen(plan.addresses[1], port, 8);
    let client = world.hosts[0].tcp(plan.addresses[0]);
    world.hosts[0].connect(client, SockAddr::new(plan.addresses[1], port));
    let end = |side: u64| End::new(plans[side as usize], Random::new(plan.seed, 0x1000 + number * 2 + side));
    let mut ends = [end(0), end(1)];
    ends[0].start(&mut world.hosts[0], client, world.now);
    Connection { plans: *plans, ends, streams: [0, 1].map(|side| Pattern::new(number * 2 + side)), listener }
}

fn go_on_until_all_have_closed(world: &mut World, plan: &Plan, connections: &mut [Connection]) {
    let heals = Instant::EPOCH + plan.heals;
    let patience = heals + Duration::from_secs(1800);
    let mut healed = false;
    while connections.iter().any(|connection| !connection.is_over()) {
        if !healed && world.now >= heals {
            healed = true;
            world.wires.iter_mut().for_each(|wire| wire.conditions = Conditions { queue: 1 << 20, ..Conditions::default() });
        }
        for connection in &mut *connections {
            connection.act(world);
        }
        if world.now >= patience {
            let ends: Vec<&[End; 2]> = connections.iter().map(|connection| &connection.ends).collect();
            let hosts = world.hosts.each_ref().map(|host| host.stack.inspect());
            panic!("somebody waits for ever: {ends:#?}\n{}\n{}", hosts[0], hosts[1]);
        }
        let acts =
            connections.iter().flat_map(|connection| &connection.ends).filter(|end| !end.closed && !end.waits_for_socket());
        let next = acts.map(|end| end.acts_at).min().unwrap_or(patience);
        world.step(if healed { next } else { next.min(heals) });
    }
}

impl Connection {
    /// Both have closed, or the one that connected has and nobody ever accepted.
    fn is_over(&self) -> bool {
        let [client, server] = &self.ends;
        client.closed
            && (server.closed || server.waits_for_socket() && (client.error.is_some() || self.plans[0].style != Style::Orderly))
    }

    fn act(&mut self, world: &mut World) {
        if self.ends[1].waits_for_socket()
            && let Some(socket) = world.hosts[1].accept(self.listener)
        {
            self.ends[1].start(&mut world.hosts[1], socket, world.now);
        }
        // Of a connection that is over a late copy of what carried the cookie makes another.
        while !self.ends[1].waits_for_socket()
            && let Some(revived) = world.hosts[1].accept(self.listener)
        {
            world.hosts[1].linger(revived, 0);
            world.hosts[1].close(revived);
        }
        for side in 0..2 {
            let (sends, expects) = (&self.streams[side], &self.streams[1 - side]);
            if self.ends[side].acts_at <= world.now {
                self.ends[side].act(&mut world.hosts[side], sends, expects, world.now);
            }
        }
    }
}

/// What must hold for a connection that is over. That the bytes are right and in order was checked as they came.
fn judge(connection: &Connection, plan: &Plan) {
    let [client, server] = &connection.ends;
    for (from, to) in [(client, server), (server, client)] {
        assert!(to.read <= from.written, "more arrived than was sent: {from:?} {to:?}");
        if to.end_of_stream {
            assert!(from.shut || from.closed, "the end came before it was sent: {from:?} {to:?}");
            assert_eq!(to.read, from.written, "an end of stream came before all bytes: {from:?} {to:?}");
        }
    }
    if Plan::is_orderly(&connection.plans) && !has_excuse(client, plan) {
        for (end, plan) in connection.ends.iter().zip(&connection.plans) {
            assert_eq!((end.error, end.written, end.end_of_stream), (None, plan.bytes, true), "nobody gave up: {end:?}");
        }
    }
}

/// Nobody gave up, and yet the connection may have failed at its beginning.
fn has_excuse(client: &End, plan: &Plan) -> bool {
    match client.error {
        // Three questions for the neighbour's address were lost, or the answers.
        Some(Errno::EHOSTUNREACH | Errno::ENOTCONN) if plan.ethernet && client.written == 0 => true,
        // A cookie is in the segment after the SYN only: if that is lost or late, what comes before it is from nobody (RFC 4987 §3.6).
        Some(Errno::ECONNRESET | Errno::ENOTCONN) => plan.hosts[1].cookies == 2,
        _ => false,
    }
}

/// When listeners are closed and TIME-WAIT is over, a host has nothing left.
fn nothing_is_left(world: &mut World, connections: &[Connection]) {
    for connection in connections {
        while let Some(late) = world.hosts[1].accept(connection.listener) {
            world.hosts[1].close(late);
        }
        world.hosts[1].close(connection.listener);
    }
    let end = world.now + Duration::from_secs(1200);
    while world.now < end && world.step(end) {}
    for (number, host) in world.hosts.iter().enumerate() {
        host.assert_empty(&format!("host {number}"));
    }
}
