//! What is said of all shards at once.

use std::io::ErrorKind;

use loggia::capture::Options;
use loggia::device::{Loopback, Properties, pair};
use loggia::events::What;
use loggia::net::TcpStream;
use loggia::{Host, Interface};

use crate::SHARDS;

#[test]
fn addresses_routes_and_names_are_on_all() {
    let [one, _two] = pair(Properties::ip(1500));
    let many = Host::builder().interface(Interface::new(one).name("lan0")).start_shards(SHARDS).expect("shards");
    many.add_address("lan0", "10.0.0.1/24").expect("an address");
    many.add_route(&loggia::host::Route::default_by("10.0.0.9").expect("a route")).expect("a route");
    many.add_name("server", ["10.0.0.2".parse().expect("an address")]).expect("a name");
    for host in many.hosts() {
        assert_eq!(host.interfaces()[1].addresses[0].to_string(), "10.0.0.1/24");
        assert!(host.routes().iter().any(|route| route.gateway.is_some()));
        assert_eq!(host.lookup("server").len(), 1);
    }
    assert_eq!(many.add_address("lan0", "10.0.0.1/24").expect_err("it is there").raw_os_error(), Some(17));
    many.set_mtu("lan0", 1400).expect("an MTU");
    assert_eq!(many.interfaces()[1].mtu, 1400);
    many.remove_address("lan0", "10.0.0.1").expect("it is there");
    many.detach("lan0").expect("it is there");
    assert!(many.hosts().iter().all(|host| host.interfaces().len() == 1));
}

#[test]
fn an_interface_that_cannot_be_is_on_none() {
    let many = Host::builder().start_shards(SHARDS).expect("shards");
    many.attach(Interface::new(Loopback::new()).name("one").address("10.0.0.1/24")).expect("an interface");
    let twice = many.attach(Interface::new(Loopback::new()).name("one")).expect_err("the name is taken");
    assert_eq!(twice.raw_os_error(), Some(17));
    many.attach(Interface::new(Loopback::new()).name("two").gateway("nonsense")).expect_err("no address");
    assert!(many.hosts().iter().all(|host| host.interfaces().len() == 2));
}

#[test]
fn there_is_at_least_one_and_an_end_to_them() {
    for count in [0, 257] {
        assert_eq!(Host::builder().start_shards(count).expect_err("too few, too many").kind(), ErrorKind::InvalidInput);
    }
    let alone = Host::builder().start_shards(1).expect("one");
    TcpStream::connect_on(alone.any(), "127.0.0.1:9").expect_err("nobody listens");
}

#[test]
fn events_and_captures_of_all_shards_come_together() {
    let [one, two] = pair(Properties::ip(1500));
    let many = Host::builder().address("10.0.0.1/24").device(one).start_shards(SHARDS).expect("shards");
    let _peer = Host::builder().address("10.0.0.2/24").device(two).start().expect("a host");
    let mut events = many.events().expect("events");
    let path = std::env::temp_dir().join(format!("loggia-shards-{}.pcapng", std::process::id()));
    let capture = many.capture(&path, &Options::default()).expect("a capture");
    for host in many.hosts() {
        TcpStream::connect_on(host, "10.0.0.2:9").expect_err("nobody listens");
    }
    let summary = capture.stop().expect("it was written");
    assert_eq!(summary.packets, 2 * SHARDS as u64);
    let file = std::fs::read(&path).expect("the file");
    std::fs::remove_file(&path).expect("it is there");
    for number in 0..SHARDS {
        let name = format!("ip0/{number}");
        assert!(file.windows(name.len()).any(|window| window == name.as_bytes()), "{name}");
    }
    let failed = std::iter::from_fn(|| events.try_next()).filter(|event| matches!(event.what, What::Failed { .. }));
    assert_eq!(failed.count(), SHARDS);
}
