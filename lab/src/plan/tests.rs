//! From the file to hosts that talk.

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Addr, Instant, MsgFlags, Ready as Readiness, SockAddr};
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, SOCK_STREAM};
use loggia_stack::{Errno, Seed, SocketId};

use super::*;
use crate::file::{Surroundings, Unit, parse};
use crate::world::{Frames, World};

const METRICS: [(&str, Unit); 3] = [("tcp.request", Unit::Time), ("tcp.connect", Unit::Time), ("link.*.sent", Unit::Count)];

fn no_files(_: &Path) -> io::Result<Vec<u8>> {
    Err(io::ErrorKind::NotFound.into())
}

fn surroundings() -> Surroundings<'static> {
    Surroundings { programs: &["web", "get"], servers: &["web"], metrics: &METRICS, labels: &["host", "link"], files: &no_files }
}

/// The plan of a file; `schema` and the words of the programs are left out in it.
fn planned(text: &str) -> Plan {
    match made(text) {
        Ok(plan) => plan,
        Err(errors) => panic!("{errors}"),
    }
}

fn made(text: &str) -> Result<Plan, Errors> {
    plan(&parse(&format!("schema = 1\n{text}"), "lab.toml", &surroundings())?)
}

fn host(plan: &Plan, name: &str) -> HostId {
    plan.hosts_named(name)[0]
}

/// In a new world, a client connects to a name, as the lab resolves it, and sends; says when it arrived, in milliseconds.
fn talks(plan: &Plan, client: &str, server: &str, v6: bool) -> u64 {
    let world = &mut plan.build(Seed::from(plan.seed));
    let (from, to) = (host(plan, client), host(plan, server));
    let addresses = plan.resolve(from, server).expect("a name");
    let addr = *addresses.iter().find(|addr| addr.is_v4() != v6).expect("an address of the family");
    let family = if v6 { AF_INET6 } else { AF_INET };
    let any = SockAddr::new(Addr::any(addr.version()), 80).into();
    let listener = world.stack(to).socket(family, SOCK_STREAM, 0).expect("a socket");
    world.stack(to).bind(listener, &any).expect("bind");
    world.stack(to).listen(listener, 8).expect("listen");
    world.settle(to);
    let socket = world.stack(from).socket(family, SOCK_STREAM, 0).expect("a socket");
    let called = world.stack(from).connect(socket, &SockAddr::new(addr, 80).into());
    assert_eq!(called, Err(Errno::EINPROGRESS), "{client} to {server} at {addr}");
    let (now, later) = plan.changes.split_at(plan.changes.iter().take_while(|change| change.at.is_zero()).count());
    now.iter().for_each(|change| change.apply(world));
    world.settle(from);
    let received = delivered(world, later, (from, socket), (to, listener));
    assert_eq!(received, b"hello", "{client} to {server} at {addr}");
    world.now().millis()
}

/// What the server reads, once the client is connected and has written.
fn delivered(world: &mut World, mut changes: &[Change], client: (HostId, SocketId), server: (HostId, SocketId)) -> Vec<u8> {
    let until = world.now() + Duration::from_secs(30);
    let mut accepted = None;
    let mut ready: VecDeque<(HostId, SocketId, Readiness)> = VecDeque::new();
    loop {
        while let Some(next) = world.next_ready() {
            ready.push_back(next);
        }
        while let Some((host, socket, state)) = ready.pop_front() {
            if (host, socket) == client && state.contains(Readiness::OUT) && !state.contains(Readiness::HUP) {
                assert_eq!(world.stack(host).send(socket, b"hello", MsgFlags::NONE), Ok(5));
                world.settle(host);
            } else if (host, socket) == server {
                accepted = world.stack(host).accept(socket).ok().map(|(socket, _)| socket).or(accepted);
                world.settle(host);
            }
            if let Some(socket) = accepted {
                let mut buffer = [0; 16];
                if let Ok(length) = world.stack(server.0).recv(socket, &mut buffer, MsgFlags::NONE) {
                    return buffer[..length].to_vec();
                }
            }
        }
        let next = changes.first().map_or(until, |change| Instant::EPOCH + change.at);
        if !world.step(next.min(until)) {
            let Some((change, later)) = changes.split_first() else { return Vec::new() };
            change.apply(world);
            changes = later;
        }
    }
}

const PRODUCT: &str = r#"
seed = 42
deadline = "60s"

[link.wan]
ends = ["server", "client"]         # a host with count = 3 gives three links on the same terms
rtt = "100ms"                       # or delay = one way; never both
jitter = "5ms"
distribution = "normal"             # uniform | normal | pareto | paretonormal | a trace file
loss = "1%"                         # or { model = "gilbert-elliott", enter = "0.4%", leave = "25%", bad = "60%" }
duplicate = "0.1%"
corrupt = "0.01%"
reorder = "0.5%"
rate = "20mbit"                     # or up/down, or a trace
queue = { kind = "droptail", limit = "200kB" }   # droptail | codel | fq_codel | red | infinite; ecn = true
mtu = 1500

[[at]]                              # changes in lab time; any link key
t = "10s"
link = "wan"
down = "2s"

[host.server]
run = ["./srv", "-p", "8080"]
ready = { listen = "tcp/8080" }     # the stack knows when listen() happened: no sleep, no probe
expect = "running"

[host.client]
count = 3
run = ["./cli", "http://server:8080/"]   # host names resolve inside the lab
after = ["server"]
expect = { exit = 0 }

[[check]]
metric = "tcp.request"
where = { host = "client*" }
expect = ["p(99) < 450ms", "max < 3s"]
min_samples = 300                   # default for p(N): 3 / (1 - N/100); fewer: exit 3
"#;

#[test]
fn the_specification_s_example_is_planned_and_its_hosts_talk() {
    let plan = planned(PRODUCT);
    let names: Vec<_> = plan.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(names, ["server", "client-1", "client-2", "client-3"]);
    let links: Vec<_> = plan.links.iter().map(|link| link.name.as_str()).collect();
    assert_eq!(links, ["wan-1", "wan-2", "wan-3"]);
    assert_eq!(plan.links[2].terms[1].delay, Duration::from_millis(50));
    let changes: Vec<_> =
        plan.changes.iter().map(|change| (change.at.as_secs(), change.text.as_str(), change.actions.len())).collect();
    assert_eq!(changes, [(10, "wan: down", 6), (12, "wan: down is over", 6)]);
    let programs: Vec<_> = plan.programs.iter().map(|program| (program.name.as_str(), program.after.as_slice())).collect();
    assert_eq!(programs, [("server", &[][..]), ("client-1", &[0]), ("client-2", &[0]), ("client-3", &[0])]);
    for client in ["client-1", "client-2", "client-3"] {
        for v6 in [false, true] {
            talks(&plan, client, "server", v6);
        }
    }
}

#[test]
fn nobody_asks_for_link_addresses_unless_told_to() {
    let lab = |arp: &str| {
        let plan = planned(&format!(
            "[link.wan]\nends = [\"a\", \"b\"]\ndelay = \"20ms\"\n{arp}\n[host.a]\nrun = \"x\"\n[host.b]\nrun = \"x\"\n"
        ));
        [false, true].map(|v6| talks(&plan, "a", "b", v6))
    };
    assert_eq!(lab(""), [60, 60], "SYN there, SYN-ACK back, data there");
    assert_eq!(lab("arp = true"), [100, 100], "and a round trip for the address before");
}

#[test]
fn a_switch_with_its_links_is_one_network() {
    let plan = planned(
        "[switch.s]\n[link.a]\nends = [\"a\", \"s\"]\ndelay = \"5ms\"\n[link.b]\nends = [\"s\", \"b\"]\ndelay = \"5ms\"\n\
         [host.a]\nrun = \"x\"\n[host.b]\ncount = 2\nrun = \"x\"\n",
    );
    let addresses: Vec<_> = plan.hosts.iter().map(|host| host.ports[0].addresses[0].to_string()).collect();
    assert_eq!(addresses, ["10.0.0.1/24", "10.0.0.2/24", "10.0.0.3/24"]);
    for (from, to) in [("a", "b-2"), ("b-1", "b-2"), ("b-2", "a")] {
        for v6 in [false, true] {
            assert_eq!(talks(&plan, from, to, v6), 30);
        }
    }
    assert_eq!(plan.resolve(HostId(0), "b").expect("a name").len(), 4, "both hosts of that name, by both families");
}

#[test]
fn routers_forward_by_the_shortest_way() {
    // client -- r1 -- r2 -- server, and a longer way r1 -- r3 -- r2.
    let plan = planned(
        "[link.access]\nends = [\"client\", \"r1\"]\n[link.core]\nends = [\"r1\", \"r2\"]\ndelay = \"10ms\"\n\
         [link.north]\nends = [\"r1\", \"r3\"]\n[link.south]\nends = [\"r3\", \"r2\"]\n[link.lan]\nends = [\"r2\", \"server\"]\n\
         [host.client]\nrun = \"x\"\n[host.server]\nrun = \"x\"\n[host.r1]\nforward = true\n[host.r2]\nforward = true\n[host.r3]\nforward = true\n",
    );
    let client = &plan.hosts[host(&plan, "client").0];
    let routes: Vec<_> =
        client.routes.iter().map(|route| (route.to.to_string(), route.gateway.map(|addr| addr.to_string()))).collect();
    assert_eq!(routes, [("0.0.0.0/0".into(), Some("10.0.0.2".into())), ("::/0".into(), Some("fd00::2".into()))]);
    assert_eq!(talks(&plan, "client", "server", false), 30);
    assert_eq!(talks(&plan, "client", "server", true), 30);
    assert_eq!(talks(&plan, "server", "r3", true), 0, "the south link has no delay");
}

#[test]
fn a_host_with_several_links_is_known_by_the_nearest_address() {
    let plan = planned(
        "[link.a]\nends = [\"server\", \"a\"]\n[link.b]\nends = [\"server\", \"b\"]\n\
         [host.server]\nrun = \"x\"\nnames = [\"www.example.com\"]\n[host.a]\nrun = \"x\"\n[host.b]\nrun = \"x\"\n",
    );
    let seen = |asker: &str, name: &str| plan.resolve(host(&plan, asker), name).map(|all| all[0].to_string());
    assert_eq!(seen("a", "server"), Some("10.0.0.1".into()));
    assert_eq!(seen("b", "server"), Some("10.0.1.1".into()));
    assert_eq!(seen("b", "WWW.example.com."), Some("10.0.1.1".into()));
    assert_eq!(seen("a", "nobody"), None);
    assert_eq!(seen("a", "machine.internal"), None, "there is no uplink");
    assert_eq!(plan.name_of(Addr::v4(10, 0, 1, 2)), Some("b"));
}

#[test]
fn stated_addresses_override_and_the_other_ends_follow() {
    let plan = planned(
        "[link.a]\nends = [\"server\", \"a\"]\n[link.b]\nends = [\"server\", \"b\"]\n[host.server]\nrun = \"x\"\n\
         address = { b = [\"192.0.2.1/29\", \"2001:db8::1/64\"] }\n[host.a]\naddress = [\"10.0.0.7/24\"]\n[host.b]\n",
    );
    let addresses = |name: &str, port: usize| {
        plan.hosts[host(&plan, name).0].ports[port].addresses.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(addresses("server", 0), ["10.0.0.1/24", "fd00::1/64"]);
    assert_eq!(addresses("server", 1), ["192.0.2.1/29", "2001:db8::1/64"]);
    assert_eq!(addresses("a", 0), ["10.0.0.7/24", "fd00::2/64"]);
    assert_eq!(addresses("b", 0), ["192.0.2.2/29", "2001:db8::2/64"]);
}

#[test]
fn large_frames_stop_where_a_link_ever_looks_at_packets() {
    let large = |more: &str| {
        let text =
            format!("[link.l]\nends = [\"a\", \"b\"]\nrtt = \"10ms\"\n{more}[host.a]\nrun = \"x\"\n[host.b]\nrun = \"x\"\n");
        planned(&text).hosts[0].ports[0].frames
    };
    assert_eq!(large(""), Frames::Whole);
    assert_eq!(large("loss = \"1%\"\n"), Frames::Trains);
    assert_eq!(large("loss = \"1%\"\nrate = \"1mbit\"\n"), Frames::Packets);
    assert_eq!(large("[[at]]\nt = \"1s\"\nlink = \"l\"\ndown = \"1s\"\n"), Frames::Whole);
    assert_eq!(large("[[at]]\nt = \"1s\"\nlink = \"l\"\nloss = \"1%\"\n"), Frames::Trains);
    assert_eq!(large("[[at]]\nt = \"1s\"\nlink = \"l\"\nrate = \"1mbit\"\n"), Frames::Packets);
}

#[test]
fn large_frames_stop_where_a_link_beyond_a_router_looks_at_packets() {
    let large = |far: &str| {
        let text = format!(
            "[link.one]\nends = [\"a\", \"r\"]\n[link.two]\nends = [\"r\", \"q\"]\n[link.three]\nends = [\"q\", \"b\"]\n{far}\
             [host.a]\nrun = \"x\"\n[host.b]\nrun = \"x\"\n[host.r]\nforward = true\n[host.q]\nforward = true\n"
        );
        planned(&text).hosts.iter().flat_map(|host| &host.ports).map(|port| port.frames).collect::<Vec<_>>()
    };
    assert_eq!(large(""), [Frames::Whole; 6]);
    assert_eq!(large("loss = \"1%\"\n"), [Frames::Trains; 6]);
    assert_eq!(large("rate = \"1mbit\"\n"), [Frames::Packets; 6]);
}

#[test]
fn changes_lie_on_top_of_each_other() {
    let plan = planned(
        "[link.l]\nends = [\"a\", \"b\"]\nloss = \"1%\"\n[host.a]\nrun = \"x\"\n[host.b]\nrun = \"x\"\n\
         [[at]]\nt = \"1s\"\nlink = \"l\"\ndown = \"3s\"\n[[at]]\nt = \"2s\"\nhost = \"a\"\nloss = \"5%\"\n[[at]]\nt = \"3s\"\nlink = \"l\"\ndown = \"2s\"\n",
    );
    let seen: Vec<_> = plan
        .changes
        .iter()
        .map(|change| {
            let Action::Terms(_, terms) = &change.actions[0] else { panic!("only terms change") };
            let Some(crate::link::Loss::Independent(loss)) = &terms.loss else { panic!("loss stays") };
            (change.at.as_secs(), terms.down, (loss.probability * 100.0).round() as u32)
        })
        .collect();
    assert_eq!(seen, [(1, true, 1), (2, true, 5), (3, true, 5), (4, true, 5), (5, false, 5)]);
}

#[test]
fn changes_happen_to_the_world() {
    let plan = planned(
        "[link.l]\nends = [\"a\", \"b\"]\ndelay = \"10ms\"\n[host.a]\nrun = \"x\"\n[host.b]\nrun = \"x\"\n\
         [[at]]\nt = \"0s\"\nlink = \"l\"\ndown = \"2s\"\n[[at]]\nt = \"2500ms\"\nlink = \"l\"\nback = { delay = \"40ms\" }\nmtu = 1300\n",
    );
    assert_eq!(
        talks(&plan, "a", "b", false),
        3_060,
        "the SYNs of 0 s and 1 s are lost, that of 3 s takes 10 ms, its answer 40, data 10"
    );
    let mut world = plan.build(Seed::from(1));
    plan.changes.iter().for_each(|change| change.apply(&mut world));
    let mtus: Vec<u32> = world
        .hosts()
        .iter()
        .flat_map(|host| host.stack().links().map(|link| link.config.mtu).collect::<Vec<_>>())
        .filter(|mtu| *mtu < 60_000)
        .collect();
    assert_eq!(mtus, [1300, 1300]);
}

#[test]
fn a_partition_cuts_between_its_groups() {
    let cut = |partition: &str| -> Vec<String> {
        let plan = planned(&format!(
            "[switch.s]\n[link.a]\nends = [\"a\", \"s\"]\n[link.b]\nends = [\"b\", \"s\"]\n[link.c]\nends = [\"c\", \"s\"]\n\
             [host.a]\nrun = \"x\"\n[host.b]\nrun = \"x\"\n[host.c]\nrun = \"x\"\n[[at]]\nt = \"1s\"\npartition = {partition}\nfor = \"1s\"\n"
        ));
        let down = plan.changes[0].actions.iter().filter_map(|action| match action {
            Action::Terms(pipe, terms) if terms.down && pipe.end == 0 => Some(plan.links[pipe.wire].name.clone()),
            _ => None,
        });
        down.collect()
    };
    assert_eq!(cut("[\"a\"]"), ["a"]);
    assert_eq!(cut("[\"a\", \"b\"]"), ["c"], "the switch is on the side of the most");
    assert_eq!(cut("[\"a\", \"b\", \"s\"]"), ["c"]);
    assert_eq!(cut("[[\"a\"], [\"b\"], [\"c\"]]"), ["b", "c"], "the switch is on one of three sides");
}

#[test]
fn the_way_to_the_machine_is_the_default_route() {
    let plan = planned(
        "[link.lan]\nends = [\"client\", \"router\"]\n[link.dsl]\nends = [\"router\", \"internet\"]\nrate = { up = \"1mbit\", down = \"8mbit\" }\n\
         [host.client]\nrun = \"x\"\npublish = [\"8080:80\"]\n[host.router]\nforward = true\n[host.internet]\nuplink = true\n",
    );
    let gateway = |name: &str| plan.hosts[host(&plan, name).0].routes[0].gateway.map(|addr| addr.to_string());
    assert_eq!(plan.uplink, Some(host(&plan, "internet")));
    assert_eq!((gateway("client"), gateway("router")), (Some("10.0.0.2".into()), Some("10.0.1.2".into())));
    assert_eq!(plan.publish.len(), 1);
    assert_eq!(
        (plan.publish[0].from, plan.publish[0].to, plan.publish[0].port),
        (host(&plan, "internet"), host(&plan, "client"), 80)
    );
    assert_eq!(plan.resolve(host(&plan, "client"), "machine.internal").map(|all| all.len()), Some(2));
}

#[test]
fn ten_thousand_hosts_on_a_switch_are_planned() {
    let plan = planned("[switch.s]\n[link.l]\nends = [\"a\", \"s\"]\n[host.a]\ncount = 10000\nrun = \"x\"\n");
    assert_eq!(plan.hosts[9_999].ports[0].addresses[0].to_string(), "10.128.39.16/16");
    assert!(plan.hosts[0].neighbours.is_empty(), "so many ask");
    let router = "[link.l]\nends = [\"r\", \"a\"]\n[host.r]\nforward = true\n[host.a]\ncount = 1000\nrun = \"x\"\nafter = \"r\"\n[host.r.programs.p]\nrun = \"x\"\n";
    let plan = planned(router);
    assert_eq!((plan.hosts[1].routes.len(), plan.hosts[0].neighbours.len()), (2, 900));
}
