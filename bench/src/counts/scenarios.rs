//! What is counted. Each scenario sets up what it needs and then gives its work to the meter, once.

use std::time::Duration;

use loggia_stack::base::MsgFlags;

use crate::alone::Alone;
use crate::crowd::Crowd;
use crate::datagrams::Datagrams;
use crate::pair::{Ends, PORT, Pair, Time, WRITE, Wire, pattern};
use crate::site::Site;

/// Runs the work that is counted.
pub type Meter<'a> = &'a mut dyn FnMut(&mut dyn FnMut());

/// Something that is counted.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name in `counts.toml`.
    pub name: &'static str,
    /// Sets it up, and runs it by the meter.
    pub run: fn(Meter<'_>),
}

/// Those of the core.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "transfer-64k", run: |meter| transfer(Site::Ipv4, Wire::Large, 16 << 20, meter) },
    Scenario { name: "transfer-1500", run: |meter| transfer(Site::Ipv4, Wire::Packets, 4 << 20, meter) },
    // MTU 1500, but the link takes what is to be cut as it is.
    Scenario { name: "transfer-super", run: |meter| transfer(Site::Ipv4, Wire::Bare, 16 << 20, meter) },
    Scenario { name: "ping-pong", run: |meter| ping_pong(Site::Ipv4, meter) },
    Scenario { name: "connect-close", run: |meter| connect_close(Site::Ipv4, meter) },
    // As row 10: readiness is asked for, and for each connection that enters TIME-WAIT one leaves it.
    Scenario { name: "connect-close-steady", run: connect_close_steady },
    Scenario { name: "udp", run: |meter| udp(Site::Ipv4, meter) },
    Scenario { name: "udp-batch", run: |meter| udp_batch(Site::Ipv4, meter) },
    Scenario { name: "udp-calls", run: |meter| udp_calls(Site::Ipv4, meter) },
    Scenario { name: "ping-pong-ipv6", run: |meter| ping_pong(Site::Ipv6, meter) },
    Scenario { name: "connect-close-ipv6", run: |meter| connect_close(Site::Ipv6, meter) },
    Scenario { name: "transfer-1500-ipv6", run: |meter| transfer(Site::Ipv6, Wire::Packets, 4 << 20, meter) },
    Scenario { name: "udp-batch-ipv6", run: |meter| udp_batch(Site::Ipv6, meter) },
    Scenario { name: "udp-calls-ipv6", run: |meter| udp_calls(Site::Ipv6, meter) },
    Scenario { name: "ping-pong-ethernet", run: |meter| ping_pong(Site::Ethernet, meter) },
    Scenario { name: "ping-pong-ethernet-ipv6", run: |meter| ping_pong(Site::EthernetIpv6, meter) },
    Scenario { name: "connect-close-ethernet", run: |meter| connect_close(Site::Ethernet, meter) },
    Scenario { name: "transfer-1500-ethernet", run: |meter| transfer(Site::Ethernet, Wire::Packets, 4 << 20, meter) },
    Scenario { name: "udp-ethernet", run: |meter| udp(Site::Ethernet, meter) },
    Scenario { name: "udp-batch-ethernet", run: |meter| udp_batch(Site::Ethernet, meter) },
    Scenario { name: "ping-pong-loopback", run: ping_pong_loopback },
    Scenario { name: "connect-close-loopback", run: connect_close_loopback },
    Scenario { name: "udp-loopback", run: udp_loopback },
    Scenario { name: "retransmission-timeout", run: retransmission_timeout },
    Scenario { name: "demultiplex-100k", run: demultiplex },
];

/// An established transfer: the first megabytes, in which windows and buffers grow, are not counted.
fn transfer(site: Site, wire: Wire, amount: usize, meter: Meter<'_>) {
    let mut pair = Pair::at(site, wire);
    let ends = pair.connect();
    let (source, mut sink) = (pattern(wire.write()), vec![0; WRITE]);
    pair.bulk(ends, 8 << 20, &source, &mut sink);
    meter(&mut || pair.bulk(ends, amount, &source, &mut sink));
}

fn ping_pong(site: Site, meter: Meter<'_>) {
    let mut pair = Pair::at(site, Wire::Large);
    let ends = pair.connect();
    (0..100).for_each(|_| pair.ping_pong(ends));
    meter(&mut || (0..1000).for_each(|_| pair.ping_pong(ends)));
}

/// Both ends on one host.
fn ping_pong_loopback(meter: Meter<'_>) {
    let mut host = Alone::new();
    let ends = host.connect();
    (0..100).for_each(|_| host.ping_pong(ends));
    meter(&mut || (0..1000).for_each(|_| host.ping_pong(ends)));
}

fn connect_close_loopback(meter: Meter<'_>) {
    let mut host = Alone::new();
    let mut connections = |count: usize| {
        for _ in 0..count {
            host.wait(Duration::from_millis(20));
            host.short_connection();
        }
    };
    connections(100);
    meter(&mut || connections(500));
}

fn udp_loopback(meter: Meter<'_>) {
    let mut host = Alone::new();
    let (client, server) = host.datagram_sockets();
    let mut datagrams = |count: usize| (0..count).for_each(|_| host.carry(client, server, &[7; 64]));
    datagrams(100);
    meter(&mut || datagrams(1000));
}

/// 20 ms apart, so that TIME-WAIT does not use up the ports.
fn connect_close(site: Site, meter: Meter<'_>) {
    let mut pair = Pair::at(site, Wire::Large);
    let mut connections = |count: usize| {
        for _ in 0..count {
            pair.wait(Duration::from_millis(20));
            pair.short_connection();
        }
    };
    connections(100);
    meter(&mut || connections(500));
}

fn connect_close_steady(meter: Meter<'_>) {
    let mut pair = Pair::at(Site::Ipv4, Wire::Large);
    // The first ones leave after a minute: that is three thousand later.
    pair.steady_connections(4000);
    meter(&mut || pair.steady_connections(500));
}

fn udp(site: Site, meter: Meter<'_>) {
    let mut pair = Pair::at(site, Wire::Packets);
    let (client, server) = (pair.client.datagram_socket(), pair.server.datagram_socket());
    pair.server.stack.bind(server, &site.name(2, PORT)).expect("bind");
    pair.client.stack.connect(client, &site.name(2, PORT)).expect("connect");
    let mut datagrams = |count: usize| {
        for _ in 0..count {
            pair.client.stack.send(client, &[7; 64], MsgFlags::NONE).expect("room");
            pair.exchange();
            pair.server.stack.recv(server, &mut [0; 64], MsgFlags::NONE).expect("it has come");
        }
    };
    datagrams(100);
    meter(&mut || datagrams(1000));
}

/// 2,048 datagrams.
fn udp_batch(site: Site, meter: Meter<'_>) {
    let mut hosts = Datagrams::at(site);
    hosts.batches(4);
    meter(&mut || hosts.batches(32));
}

/// As many, a call each, of which 64 are on their way at once.
fn udp_calls(site: Site, meter: Meter<'_>) {
    let mut hosts = Datagrams::at(site);
    hosts.calls_of_a_batch(4);
    meter(&mut || hosts.calls_of_a_batch(32));
}

/// Ten segments are lost together with all probes; the retransmission timer brings them over.
fn retransmission_timeout(meter: Meter<'_>) {
    let mut pair = Pair::new(Wire::Packets, Time::stepped());
    let ends = pair.connect();
    (0..20).for_each(|_| pair.ping_pong(ends));
    let source = pattern(14_480);
    let mut times = |count: usize| (0..count).for_each(|_| time_out(&mut pair, ends, &source));
    times(5);
    meter(&mut || times(20));
}

fn time_out(pair: &mut Pair, (client, server): Ends, source: &[u8]) {
    assert_eq!(pair.client.stack.send(client, source, MsgFlags::NONE), Ok(source.len()));
    let (timeouts, mut received) = (timeouts(pair), 0);
    while received < source.len() {
        if self::timeouts(pair) == timeouts {
            while pair.client.leaving().is_some() {}
        }
        // A deadline may be early.
        let deadline = pair.client.stack.next_deadline().min(pair.server.stack.next_deadline());
        if let Time::Virtual(now) = &mut pair.time {
            *now = deadline.max(*now + Duration::from_micros(50));
            let now = *now;
            pair.client.stack.advance(now);
            pair.server.stack.advance(now);
        }
        if self::timeouts(pair) != timeouts {
            pair.exchange();
        }
        while let Ok(count) = pair.server.stack.recv(server, &mut [0; 4096], MsgFlags::NONE) {
            received += count;
        }
    }
    pair.step();
}

/// How often the retransmission timer fired.
fn timeouts(pair: &Pair) -> u64 {
    pair.client.stack.counters().tcp_ext.tcp_timeouts
}

/// One byte to one after the other of a hundred thousand connections: the look-up, and what it brings into the cache.
fn demultiplex(meter: Meter<'_>) {
    const MEMBERS: usize = 100_000;
    let mut crowd = Crowd::new(Wire::Large, MEMBERS);
    crowd.grow(MEMBERS);
    let Crowd { pair, members, .. } = &mut crowd;
    let mut bytes = |first: usize, count: usize| {
        // A step that has no common divisor with their number visits all.
        for at in (first..first + count).map(|number| number * 7919 % MEMBERS) {
            let (client, server) = members[at];
            pair.client.stack.send(client, b"x", MsgFlags::NONE).expect("room");
            pair.step();
            assert_eq!(pair.server.stack.recv(server, &mut [0; 8], MsgFlags::NONE), Ok(1));
        }
    };
    bytes(0, 100);
    meter(&mut || bytes(100, 1000));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for scenario in SCENARIOS {
            assert_eq!(SCENARIOS.iter().filter(|other| other.name == scenario.name).count(), 1);
        }
    }
}
