//! What may be said of a host, before and while it runs.

use std::io::ErrorKind;

use loggia::device::{Memory, Properties, pair};
use loggia::host::{NeighbourState, Route};
use loggia::net::{TcpListener, TcpStream, UnixDatagram};
use loggia::{Host, Interface};

/// An interface, and the other end of its cable.
fn interface() -> (Interface, Memory) {
    let [one, other] = pair(Properties::ip(1500));
    (Interface::new(one), other)
}

#[test]
fn what_cannot_be_is_refused_at_the_start() {
    let kind = |result: std::io::Result<Host>| result.expect_err("refused").kind();
    assert_eq!(kind(Host::builder().address("10.0.0.1/24").start()), ErrorKind::InvalidInput, "no device");
    assert_eq!(kind(Host::builder().interface(interface().0.address("10.0.0.1/33")).start()), ErrorKind::InvalidInput);
    assert_eq!(kind(Host::builder().interface(interface().0.gateway("nowhere")).start()), ErrorKind::InvalidInput);
    let same = || interface().0.name("wan0");
    assert_eq!(kind(Host::builder().interface(same()).interface(same()).start()), ErrorKind::AlreadyExists);
    let ethernet = pair(Properties::ethernet([2, 0, 0, 0, 0, 1], 1500)).into_iter().next().expect("two");
    let far = Host::builder().interface(Interface::new(ethernet).address("10.0.0.1/24").gateway("10.9.9.9")).start();
    let far = far.expect_err("refused");
    assert_eq!(far.kind(), ErrorKind::NetworkUnreachable);
    let group = Host::builder().interface(interface().0.address("224.0.0.1/24")).start().expect_err("refused");
    assert_eq!(group.kind(), ErrorKind::AddrNotAvailable);
}

#[test]
fn addresses_and_routes_come_and_go() {
    let (interface, _other) = interface();
    let host = Host::builder().interface(interface.name("wan0").address("10.0.0.1/24")).start().expect("a host");
    host.add_address("wan0", "2001:db8::1/64").expect("an address");
    assert_eq!(host.add_address("wan0", "10.0.0.1/24").expect_err("it is there").kind(), ErrorKind::AlreadyExists);
    assert_eq!(host.add_address("nix0", "10.0.0.1/24").expect_err("no interface").raw_os_error(), Some(19));
    let [lo, wan] = &host.interfaces()[..] else { panic!("two interfaces") };
    assert_eq!((lo.name.as_str(), wan.name.as_str(), wan.mtu, wan.up), ("lo", "wan0", 1500, true));
    assert_eq!(wan.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.1/24", "2001:db8::1/64"]);
    let default = Route::default_by("10.0.0.254").expect("a route").metric(7);
    host.add_route(&default).expect("its network is there");
    let known = host.routes().into_iter().find(|route| route.metric == 7).expect("it is listed");
    assert_eq!((known.gateway, known.interface.as_deref()), (default.gateway, Some("wan0")));
    host.remove_route(&default).expect("it is there");
    assert_eq!(host.remove_route(&default).expect_err("it has gone").kind(), ErrorKind::NotFound);
    host.set_mtu("wan0", 9000).expect("an MTU");
    assert_eq!(host.interfaces()[1].mtu, 9000);
    assert_eq!(host.set_mtu("wan0", 10).expect_err("too small").kind(), ErrorKind::InvalidInput);
    host.remove_address("wan0", "10.0.0.1").expect("it is there");
    host.remove_address("wan0", "10.0.0.1").expect_err("it has gone");
    assert!(host.inspect().contains("wan0"));
}

#[test]
fn neighbours_can_be_set() {
    let [ethernet, _other] = pair(Properties::ethernet([2, 0, 0, 0, 0, 1], 1500));
    let host = Host::builder().address("10.0.0.1/24").device(ethernet).start().expect("a host");
    host.set_neighbour("eth0", "10.0.0.9", [2, 0, 0, 0, 0, 9]).expect("a neighbour");
    let known = host.neighbours();
    assert_eq!((known[0].mac, known[0].state), (Some([2, 0, 0, 0, 0, 9]), NeighbourState::Permanent));
    host.remove_neighbour("eth0", "10.0.0.9").expect("it is there");
    assert!(host.neighbours().is_empty());
}

#[test]
fn names_are_known() {
    let host = Host::builder().host_name("server", ["10.0.0.2".parse().expect("an address")]).start().expect("a host");
    assert_eq!(host.lookup("server").len(), 1);
    host.add_name("server", ["10.0.0.3".parse().expect("an address"), "::1".parse().expect("an address")]).expect("a name");
    assert_eq!(host.lookup("server").len(), 2);
    let unknown = TcpStream::connect_on(&host, "nobody:80").expect_err("unknown");
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
}

#[test]
fn what_one_prints_says_which_it_is() {
    let host = Host::builder().name("shown").start().expect("a host");
    assert_eq!(format!("{host:?}"), "Host { name: \"shown\" }");
    let listener = TcpListener::bind_on(&host, "127.0.0.1:80").expect("bind");
    assert_eq!(format!("{listener:?}"), "TcpListener { addr: 127.0.0.1:80 }");
    let stream = TcpStream::connect_on(&host, "127.0.0.1:80").expect("connect");
    let port = stream.local_addr().expect("an address").port();
    assert_eq!(format!("{stream:?}"), format!("TcpStream {{ addr: 127.0.0.1:{port}, peer: 127.0.0.1:80 }}"));
    let named = UnixDatagram::bind_on(&host, "/there").expect("bind");
    assert_eq!(format!("{named:?}"), "UnixDatagram { addr: \"/there\" (pathname) }");
}
