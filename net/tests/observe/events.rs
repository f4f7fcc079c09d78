//! Events, from the host to whoever listens.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::Duration;

use loggia::device::{Device, Memory, Packet, Properties, pair};
use loggia::events::{AddressNews, Event, Events, Options, Reason, Resent, Side, What};
use loggia::net::{Domain, Socket, TcpStream, Type, UdpSocket};
use loggia::{Host, Interface};

use crate::{SERVER, connected, hosts, hosts_over, lossy};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// The next event that `choose` makes something of.
fn next<T>(events: &mut Events, mut choose: impl FnMut(&What) -> Option<T>) -> T {
    loop {
        let event: Event = events.next_timeout(LONG).expect("an event");
        if let Some(chosen) = choose(&event.what) {
            return chosen;
        }
    }
}

fn opened(what: &What) -> Option<(SocketAddr, SocketAddr, Side)> {
    match what {
        What::Opened { local, peer, by, .. } => Some((*local, *peer, *by)),
        _ => None,
    }
}

fn closed(what: &What) -> Option<Reason> {
    match what {
        What::Closed { reason, .. } => Some(*reason),
        _ => None,
    }
}

#[test]
fn a_connection_is_told_of_from_its_beginning_to_its_end() {
    let hosts = hosts();
    let [mut client, mut server] = [0, 1].map(|at: usize| hosts[at].events().expect("events"));
    let (here, there) = connected(&hosts);
    let ends = (here.local_addr().expect("an address"), SERVER.parse().expect("an address"));
    assert_eq!(next(&mut client, opened), (ends.0, ends.1, Side::Us));
    assert_eq!(next(&mut server, opened), (ends.1, ends.0, Side::Peer));
    drop(here);
    drop(there);
    assert_eq!(next(&mut client, closed), Reason::Finished);
    assert_eq!(next(&mut server, closed), Reason::Finished);
}

#[test]
fn a_reset_is_told_of_at_both_ends() {
    let hosts = hosts();
    let [mut client, mut server] = [0, 1].map(|at: usize| hosts[at].events().expect("events"));
    let (here, there) = connected(&hosts);
    here.set_zero_linger().expect("an option");
    drop(here);
    assert_eq!(next(&mut client, closed), Reason::Aborted);
    assert_eq!(next(&mut server, closed), Reason::Reset);
    drop(there);
}

#[test]
fn refusals_are_told_of_with_what_was_dropped() {
    let [client, server] = hosts();
    let [mut at_client, mut at_server] = [&client, &server].map(|host| host.events().expect("events"));
    TcpStream::connect_on(&client, SERVER).expect_err("nobody listens");
    let reason = next(&mut at_client, |what| match what {
        What::Failed { reason, .. } => Some(*reason),
        _ => None,
    });
    assert_eq!(reason, Reason::Reset);
    let (interface, cause) = next(&mut at_server, |what| match what {
        What::Dropped { interface, cause, .. } => Some((interface.clone(), cause.text())),
        _ => None,
    });
    assert_eq!((interface.as_deref(), cause), (Some("ip0"), "TCP port nobody listens on"));
    // A datagram that nobody takes comes back as an ICMP error.
    let socket = UdpSocket::bind_on(&client, "10.0.0.1:9").expect("bind");
    socket.send_to(b"anybody?", SERVER).expect("send");
    let error = next(&mut at_client, |what| match what {
        What::IcmpError { from, local, peer, kind, code, errno, .. } => Some((*from, *local, *peer, *kind, *code, *errno)),
        _ => None,
    });
    let addr = |text: &str| text.parse::<SocketAddr>().expect("an address");
    assert_eq!(error, (addr(SERVER).ip(), addr("10.0.0.1:9"), addr(SERVER), 3, 3, 111));
}

/// Takes nothing.
struct Refuses(Memory);

impl Device for Refuses {
    fn properties(&self) -> Properties {
        self.0.properties()
    }

    fn receive(&self, queue: usize) -> io::Result<Packet> {
        self.0.receive(queue)
    }

    fn send(&self, _: &Packet) -> io::Result<()> {
        Err(io::Error::from_raw_os_error(90))
    }
}

#[test]
fn what_a_device_refuses_is_counted_and_told_of() {
    let [one, _two] = pair(Properties::ip(1500));
    let host = Host::builder().address("10.0.0.1/24").device(Refuses(one)).start().expect("a host");
    let mut events = host.events().expect("events");
    let socket = UdpSocket::bind_on(&host, "10.0.0.1:9").expect("bind");
    socket.send_to(b"lost", SERVER).expect("as datagrams may be");
    let told = next(&mut events, |what| match what {
        What::Dropped { interface, cause, len, .. } => {
            Some((interface.clone(), cause.error().and_then(|error| error.raw_os_error()), *len))
        }
        _ => None,
    });
    assert_eq!(told, (Some("ip0".into()), Some(90), 32));
    let status = host.interfaces().pop().expect("it is there");
    assert_eq!((status.sent_packets, status.sent_bytes, status.sent_dropped), (0, 0, 1));
    let counter = host.counters().into_iter().find(|counter| counter.name == "frame that the device would not take");
    assert_eq!(counter.map(|counter| (counter.group, counter.value)), Some(("Discard", 1)));
}

#[test]
fn what_is_sent_again_is_told_of_with_the_reason() {
    let hosts = hosts_over(lossy(1));
    let mut events = hosts[0].events().expect("events");
    let (mut here, mut there) = connected(&hosts);
    here.write_all(&[7; 100]).expect("write");
    there.read_exact(&mut [0; 100]).expect("it comes the second time");
    let again = next(&mut events, |what| match what {
        What::Retransmitted { local, peer, bytes: 100, why, .. } => Some((*local, *peer, *why)),
        _ => None,
    });
    assert_eq!((Some(again.0), Some(again.1)), (here.local_addr().ok(), here.peer_addr().ok()));
    assert!(matches!(again.2, Resent::Probe | Resent::Timeout), "{again:?}");
}

#[test]
fn a_syn_that_is_sent_again_says_so_and_whom_it_is_for() {
    // The other end is not attached yet: what is sent waits, and nobody answers.
    let [one, _nobody] = pair(Properties::ip(1500));
    let host = Host::builder().address("10.0.0.1/24").device(one).start().expect("a host");
    let mut events = host.events().expect("events");
    let connecting = Socket::new_on(&host, Domain::IPV4, Type::STREAM, None).expect("a socket");
    connecting.set_nonblocking(true).expect("a mode");
    let to: SocketAddr = SERVER.parse().expect("an address");
    connecting.connect(&to.into()).expect_err("it has only begun");
    let again = loop {
        let event = events.next_timeout(LONG).expect("an event");
        if let What::Retransmitted { local, peer, syn, why, .. } = event.what {
            break (local, peer, syn, why, event.what.to_string());
        }
    };
    let local = connecting.local_addr().expect("an address").as_socket().expect("of the internet");
    let line = format!("{local} -> {to} SYN sent again: no acknowledgement in time");
    assert_eq!(again, (local, to, true, Resent::Timeout, line));
}

#[test]
fn addresses_neighbours_and_interfaces_are_told_of() {
    let [one, two] = pair(Properties::ethernet([2, 0, 0, 0, 0, 1], 1500));
    let host = Host::builder().interface(Interface::new(one).name("lan0").autoconfigure(false)).start().expect("a host");
    let peer = Interface::new(two).address("10.0.0.2/24").autoconfigure(false);
    let peer = Host::builder().interface(peer).start().expect("a host");
    let mut events = host.events().expect("events");
    let own: IpAddr = "10.0.0.1".parse().expect("an address");
    let news = |what: &What| match what {
        What::Address { interface, addr, news, .. } => Some((interface.clone(), *addr, *news)),
        _ => None,
    };
    host.add_address("lan0", "10.0.0.1/24").expect("an address");
    assert_eq!(next(&mut events, news), ("lan0".into(), own, AddressNews::Usable));
    let socket = UdpSocket::bind_on(&host, "10.0.0.1:9").expect("bind");
    let taker = UdpSocket::bind_on(&peer, "10.0.0.2:9").expect("bind");
    socket.send_to(b"x", "10.0.0.2:9").expect("send");
    taker.recv(&mut [0; 9]).expect("it comes");
    let found = next(&mut events, |what| match what {
        What::Neighbour { addr, mac, .. } => Some((addr.to_string(), *mac)),
        _ => None,
    });
    assert_eq!(found, ("10.0.0.2".into(), Some(peer.interfaces()[1].mac.expect("a station"))));
    host.remove_address("lan0", "10.0.0.1").expect("it is there");
    assert_eq!(next(&mut events, news), ("lan0".into(), own, AddressNews::Gone));
    host.detach("lan0").expect("it is there");
    let down = next(&mut events, |what| match what {
        What::Interface { interface, up, .. } => Some((interface.clone(), *up)),
        _ => None,
    });
    assert_eq!(down, ("lan0".into(), false), "told by its name though it is gone");
}

#[test]
fn who_asks_for_states_or_packets_gets_them_and_others_do_not() {
    let hosts = hosts();
    let mut states = hosts[0].events_of(Options::none().states(true)).expect("events");
    let mut packets = hosts[0].events_of(Options::none().packets(true)).expect("events");
    let mut plain = hosts[0].events().expect("events");
    drop(connected(&hosts));
    hosts[0].shutdown(LONG).expect("in order");
    let told: Vec<_> = states.by_ref().map(|event| event.what.to_string()).collect();
    assert!(told.iter().any(|line| line.ends_with("SynSent to Established")), "{told:?}");
    assert!(packets.all(|event| matches!(event.what, What::Packet { len: 40.., .. })));
    assert!(plain.all(|event| !matches!(event.what, What::Packet { .. } | What::State { .. })));
}

#[test]
fn nothing_is_recorded_when_nobody_listens_any_more() {
    let hosts = hosts();
    drop(hosts[0].events().expect("events"));
    drop(connected(&hosts));
    let mut waiting = hosts[0].with(|stack, _| stack.next_event());
    assert_eq!(waiting.take(), None);
    drop(connected(&hosts));
    let recorded = hosts[0].with(|stack, _| {
        stack.set_up(loggia_stack::LinkId(1), false).expect("lo is there");
        stack.next_event()
    });
    assert_eq!(recorded, None);
}

#[test]
fn a_listener_that_sleeps_loses_events_and_holds_nobody_up() {
    let hosts = hosts();
    let mut events = hosts[0].events_of(Options::none().packets(true).capacity(5)).expect("events");
    let (mut here, mut there) = connected(&hosts);
    for _ in 0..50 {
        here.write_all(b"ping").expect("write");
        there.read_exact(&mut [0; 4]).expect("read");
    }
    assert!(events.lost() > 40, "{}", events.lost());
    assert_eq!(std::iter::from_fn(|| events.try_next()).count(), 5);
}

#[test]
fn a_thread_that_waits_for_events_is_woken_by_the_end_of_the_host() {
    let host = Host::builder().start().expect("a host");
    let events = host.events().expect("events");
    let waiting = thread::spawn(move || events.count());
    drop(host);
    waiting.join().expect("it ends");
}

#[cfg(feature = "tokio")]
#[test]
fn a_task_waits_for_events() {
    let hosts = hosts();
    let mut events = hosts[1].events_of(Options::none().connections(true)).expect("events");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let seen = thread::scope(|scope| {
        let task = scope.spawn(|| runtime.block_on(events.recv()));
        drop(connected(&hosts));
        task.join().expect("no panic")
    });
    assert!(seen.is_some_and(|event| opened(&event.what).is_some()));
}
