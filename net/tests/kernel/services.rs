//! Names and addresses from a real server: dnsmasq.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::thread;
use std::time::Duration;

use loggia::device::Tap;
use loggia::dhcp::{self, Client};
use loggia::dns::{Config, Error, Failure, Resolver};
use loggia::net::TcpStream;
use loggia::{Host, Interface};

use crate::namespace::{has, inside, run};
use crate::programs::Beside;
use crate::wire::{KERNEL, Wire, lay, tear_down};

/// Starts dnsmasq with nothing but these arguments, and waits until it listens.
fn dnsmasq(arguments: &str) -> Beside {
    run("ip link set lo up");
    // Without a daemon it stays who it is: there is no other user in the namespace.
    let own = "--no-daemon --conf-file=/dev/null --pid-file= --no-resolv --no-hosts --interface=wire0 --bind-interfaces";
    let server = Beside::start(&format!("dnsmasq {own} {arguments}"));
    for _ in 0..1000 {
        if std::net::TcpStream::connect((KERNEL[0], 53)).is_ok() {
            return server;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("dnsmasq does not listen");
}

/// A file that goes with the test.
struct File(String);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("loggia-{name}-{}", std::process::id()));
        std::fs::write(&path, text).expect("a file");
        Self(path.into_os_string().into_string().expect("UTF-8"))
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.0).expect("it is there")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn dnsmasq_tells_names() {
    inside("services::dnsmasq_tells_names", names);
}

fn names() {
    if !has("dnsmasq") {
        return;
    }
    for wire in [Wire::Tun, Wire::Tap] {
        let host = lay(wire);
        let many: Vec<String> = (1..=100).map(|last| format!("10.9.9.{last} many.lan.example\n")).collect();
        let many = File::new("many", &many.concat());
        let server = dnsmasq(&format!(
            "--addn-hosts={} --host-record=server.lan.example,10.0.0.1,fd00::1 --cname=www.lan.example,server.lan.example \
             --ptr-record=7.0.0.10.in-addr.arpa,seven.lan.example --local=/lan.example/ --local-ttl=60",
            many.0
        ));
        for address in KERNEL {
            ask(&host, address);
        }
        drop(server);
        tear_down(&host);
    }
}

fn ask(host: &Host, server: IpAddr) {
    let mut config = Config::new([server]);
    config.search = vec!["lan.example".into()];
    let resolver = Resolver::new(config.clone());
    let found = resolver.lookup(host, "server").wait().expect("found");
    assert_eq!(found.name, "server.lan.example");
    assert_eq!(found.addresses.len(), 2, "{found:?}");
    let found = resolver.lookup(host, "www.lan.example").wait().expect("found");
    assert_eq!((found.name.as_str(), found.addresses.len()), ("server.lan.example", 2), "by an alias");
    let many = resolver.lookup(host, "many.lan.example").wait().expect("found");
    assert_eq!(many.addresses.len(), loggia::dns::MAX_ADDRESSES, "a hundred fit into no datagram");
    let names = resolver.reverse(host, IpAddr::from(Ipv4Addr::new(10, 0, 0, 7))).wait().expect("a name");
    assert_eq!(names, ["seven.lan.example"]);
    let unknown = resolver.lookup(host, "nobody.lan.example").wait().expect_err("no such name");
    let failure = unknown.get_ref().and_then(|inner| inner.downcast_ref::<Failure>());
    assert_eq!(failure.map(|failure| &failure.error), Some(&Error::NoName));
    config.use_tcp = true;
    let found = Resolver::new(config).lookup(host, "server.lan.example").wait().expect("by TCP");
    assert_eq!(found.addresses.len(), 2);
}

#[test]
fn dnsmasq_gives_addresses() {
    inside("services::dnsmasq_gives_addresses", addresses);
}

fn addresses() {
    if !has("dnsmasq") {
        return;
    }
    let tap = Tap::open("wire0").expect("a TAP");
    run("ip address add 10.0.0.1/24 dev wire0");
    run("ip address add 198.51.100.1/32 dev lo");
    run("ip link set wire0 up");
    let leases = File::new("leases", "");
    let _server = dnsmasq(&format!(
        "--dhcp-range=10.0.0.50,10.0.0.60,255.255.255.0,2m --no-ping --dhcp-leasefile={} --dhcp-authoritative \
         --dhcp-option=option:router,10.0.0.1 --dhcp-option=option:dns-server,10.0.0.1 --dhcp-option=option:mtu,1400 \
         --dhcp-option=option:domain-search,lan.example --host-record=server.lan.example,198.51.100.1",
        leases.0
    ));
    let host = Host::builder().interface(Interface::new(tap).name("eth0").autoconfigure(false)).start().expect("a host");
    let mut config = dhcp::Config::default();
    config.host_name = Some("guest".into());
    let client = Client::start(&host, "eth0", config.clone()).expect("a client");
    let lease = client.bound().wait().expect("a lease");
    let IpAddr::V4(ours) = lease.address.addr() else { panic!("IPv4") };
    assert!((50..=60).contains(&ours.octets()[3]), "{lease:?}");
    assert_eq!(
        (lease.duration.as_secs(), lease.mtu, lease.search.as_slice()),
        (120, Some(1400), &["lan.example".to_owned()][..])
    );
    assert!(leases.text().contains(&format!("{ours} guest")), "{}", leases.text());

    // The address, the route, the MTU and the resolver do what they are for: a server beyond the network, by its short name.
    let listener = TcpListener::bind("198.51.100.1:0").expect("bind");
    let port = listener.local_addr().expect("an address").port();
    let stream = TcpStream::connect_on(&host, ("server", port)).expect("connect");
    let (_, from) = listener.accept().expect("accept");
    assert_eq!(from.ip(), ours);
    assert_eq!(stream.info().expect("a connection").path_mtu, 1400);
    // The end of the connection is to be over before its address goes.
    drop(stream);
    while host.with(|stack, _| stack.socket_rows().iter().any(|row| row.netid == "tcp")) {
        thread::sleep(Duration::from_millis(2));
    }

    client.release().wait().expect("given back");
    for _ in 0..1000 {
        if !leases.text().contains("guest") {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert!(!leases.text().contains("guest"), "dnsmasq knows that it is free again: {}", leases.text());

    // Who had an address before gets it again at once.
    config.previous = Some(ours);
    config.probe = false;
    let client = Client::start(&host, "eth0", config).expect("a client");
    assert_eq!(client.bound().wait().expect("a lease").address.addr(), IpAddr::V4(ours));
    client.release().wait().expect("given back");
    host.shutdown(Duration::from_secs(10)).expect("nothing is left");
}
