use super::*;
use crate::base::Slab;
use alloc::vec::Vec;

fn addr(text: &str) -> Addr {
    text.parse().unwrap()
}

fn ports(rules: Rules) -> Ports {
    Ports::new(&Entropy::new(7.into()), rules)
}

/// A plain binding of socket number `n` to an address.
fn bound(n: u64, local: &str) -> Binding {
    Binding {
        socket: Key::from_bits(n),
        local: addr(local),
        v6only: false,
        link: 0,
        reuse_addr: false,
        reuse_port: false,
        listening: false,
    }
}

fn holder(local: &str) -> Holder {
    Holder { local: addr(local), link: 0, reuse_addr: false, reuse_port: false }
}

fn best(ports: &Ports, dst: &str, port: u16, link: u16) -> Vec<u64> {
    let mut into = Vec::new();
    ports.best(addr(dst), port, link, &mut into);
    into.into_iter().map(Key::to_bits).collect()
}

/// Which pairs of addresses Linux 6.18 refuses on one port without options, for TCP and UDP alike: found by asking it.
#[test]
fn pairs_of_addresses_conflict_as_linux_says() {
    let kinds = [
        ("0.0.0.0", false),
        ("127.0.0.1", false),
        ("::", false),
        ("::", true),
        ("::1", false),
        ("::1", true),
        ("10.0.0.1", false),
    ];
    let refused = ["XXX...X", "XXX....", "XXXXXXX", "..XXXX.", "..XXXX.", "..XXXX.", "X.X...X"];
    for rules in [Rules::Tcp, Rules::Udp] {
        for (row, (first, first_only)) in refused.iter().zip(kinds) {
            for (cell, (second, second_only)) in row.chars().zip(kinds) {
                let mut ports = ports(rules);
                ports.bind(Binding { v6only: first_only, ..bound(1, first) }, 80).unwrap();
                let result = ports.bind(Binding { v6only: second_only, ..bound(2, second) }, 80);
                let expected = if cell == 'X' { Err(Errno::EADDRINUSE) } else { Ok(80) };
                assert_eq!(result, expected, "{rules:?}: {second} only={second_only} after {first} only={first_only}");
            }
        }
    }
}

#[test]
fn a_restarted_server_binds_beside_its_old_connections_with_reuse_addr_only() {
    let mut ports = ports(Rules::Tcp);
    let old = Holder { reuse_addr: true, ..holder("10.0.0.1") };
    ports.hold(80, old);
    assert_eq!(ports.bind(bound(1, "0.0.0.0"), 80), Err(Errno::EADDRINUSE));
    assert_eq!(ports.bind(Binding { reuse_addr: true, ..bound(1, "0.0.0.0") }, 80), Ok(80));
    // Its connections were made without the option: nothing helps.
    ports.hold(81, holder("10.0.0.1"));
    assert_eq!(ports.bind(Binding { reuse_addr: true, ..bound(2, "0.0.0.0") }, 81), Err(Errno::EADDRINUSE));
    ports.release(81, holder("10.0.0.1"));
    assert_eq!(ports.bind(bound(2, "0.0.0.0"), 81), Ok(81));
}

#[test]
fn two_tcp_sockets_may_share_a_port_until_one_listens() {
    let mut ports = ports(Rules::Tcp);
    let reuse = |n| Binding { reuse_addr: true, ..bound(n, "0.0.0.0") };
    ports.bind(reuse(1), 80).unwrap();
    ports.bind(reuse(2), 80).unwrap();
    assert_eq!(ports.may_listen(80, Key::from_bits(1)), Ok(()));
    ports.update(80, Key::from_bits(1), |binding| binding.listening = true);
    assert_eq!(ports.may_listen(80, Key::from_bits(2)), Err(Errno::EADDRINUSE));
    assert_eq!(ports.bind(reuse(3), 80), Err(Errno::EADDRINUSE));
    assert_eq!(best(&ports, "10.0.0.1", 80, 1), [1], "only the one that listens gets packets");
}

#[test]
fn reuse_port_shares_with_those_that_have_it_too() {
    for rules in [Rules::Tcp, Rules::Udp] {
        let mut ports = ports(rules);
        let group = |n| Binding { reuse_port: true, listening: true, ..bound(n, "0.0.0.0") };
        ports.bind(group(1), 80).unwrap();
        ports.bind(group(2), 80).unwrap();
        assert_eq!(ports.bind(bound(3, "0.0.0.0"), 80), Err(Errno::EADDRINUSE));
        assert_eq!(best(&ports, "10.0.0.1", 80, 1), [1, 2]);
        assert_eq!(ports.unbind(Key::from_bits(1), 80).map(|binding| binding.socket), Some(Key::from_bits(1)));
        assert_eq!(best(&ports, "10.0.0.1", 80, 1), [2]);
    }
}

#[test]
fn sockets_on_different_links_do_not_meet() {
    let mut ports = ports(Rules::Udp);
    ports.bind(Binding { link: 1, ..bound(1, "0.0.0.0") }, 67).unwrap();
    ports.bind(Binding { link: 2, ..bound(2, "0.0.0.0") }, 67).unwrap();
    assert_eq!(ports.bind(bound(3, "0.0.0.0"), 67), Err(Errno::EADDRINUSE));
    assert_eq!(best(&ports, "10.0.0.1", 67, 1), [1]);
    assert_eq!(best(&ports, "10.0.0.1", 67, 2), [2]);
    assert_eq!(best(&ports, "10.0.0.1", 67, 3), []);
}

#[test]
fn the_most_exact_binding_gets_the_packet() {
    let mut ports = ports(Rules::Udp);
    let reuse = |n, local| Binding { reuse_addr: true, ..bound(n, local) };
    ports.bind(reuse(1, "::"), 53).unwrap();
    assert_eq!(best(&ports, "10.0.0.1", 53, 1), [1], "a socket of both families takes IPv4");
    ports.bind(reuse(2, "0.0.0.0"), 53).unwrap();
    assert_eq!(best(&ports, "10.0.0.1", 53, 1), [2], "but one of the family goes before");
    ports.bind(Binding { link: 1, ..reuse(3, "0.0.0.0") }, 53).unwrap();
    assert_eq!(best(&ports, "10.0.0.1", 53, 1), [3], "and one bound to the link before that");
    assert_eq!(best(&ports, "10.0.0.1", 53, 2), [2]);
    ports.bind(reuse(4, "10.0.0.1"), 53).unwrap();
    assert_eq!(best(&ports, "10.0.0.1", 53, 1), [4], "and the exact address before all");
    ports.bind(reuse(5, "10.0.0.1"), 53).unwrap();
    assert_eq!(best(&ports, "10.0.0.1", 53, 1), [5], "of equals the newest");
    assert_eq!(best(&ports, "fd00::1", 53, 1), [1]);
    assert_eq!(ports.at(53).iter().map(|one| one.socket.to_bits()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

#[test]
fn ephemeral_ports_are_free_ones_until_none_is_left() {
    let mut ports = ports(Rules::Tcp);
    ports.set_range(50_000, 50_099);
    let reuse = |n| Binding { reuse_addr: true, reuse_port: true, ..bound(n, "0.0.0.0") };
    let mut given: Vec<u16> = (0..100).map(|n| ports.bind(reuse(n), 0).unwrap()).collect();
    assert_ne!(given[1], given[0] + 1, "not in a row from the start of the range");
    given.sort_unstable();
    assert!(given.iter().copied().eq(50_000..50_100), "each once");
    assert_eq!(ports.bind(reuse(100), 0), Err(Errno::EADDRINUSE), "TCP shares no ephemeral port");
    assert_eq!(ports.bind(bound(101, "fd00::1"), 0).map(|port| port / 100), Ok(500), "another family has its own");
}

#[test]
fn udp_shares_an_ephemeral_port_only_when_no_other_is_left() {
    let mut ports = ports(Rules::Udp);
    ports.set_range(50_000, 50_001);
    let reuse = |n| Binding { reuse_addr: true, ..bound(n, "0.0.0.0") };
    let (first, second) = (ports.bind(reuse(1), 0).unwrap(), ports.bind(reuse(2), 0).unwrap());
    assert_ne!(first, second);
    assert!(ports.bind(reuse(3), 0).is_ok());
    assert_eq!(ports.bind(bound(4, "0.0.0.0"), 0), Err(Errno::EADDRINUSE));
}

/// RFC 6056 §3.3.4
#[test]
fn a_connection_finds_a_port_at_once_though_other_connections_hold_all() {
    let mut ports = ports(Rules::Tcp);
    for port in 32_768..=60_999 {
        ports.hold(port, holder("10.0.0.1"));
    }
    let mut asked = 0;
    let chosen = ports.choose(addr("10.0.0.1"), addr("10.0.0.9"), 80, |_| {
        asked += 1;
        false
    });
    assert!((32_768..=60_999).contains(&chosen.unwrap()));
    assert_eq!(asked, 1);
}

/// RFC 6056 §3.3.4
#[test]
fn many_connections_to_one_server_ask_for_about_one_port_each() {
    let mut ports = ports(Rules::Tcp);
    let (local, remote) = (addr("10.0.0.1"), addr("10.0.0.9"));
    let mut taken = alloc::vec![false; 65_536];
    let mut asked = 0;
    for n in 0..28_232 {
        let port = ports.choose(local, remote, 80, |port| {
            asked += 1;
            taken[port as usize]
        });
        taken[port.unwrap_or_else(|errno| panic!("{errno:?} at connection {n}")) as usize] = true;
    }
    assert_eq!(asked, 28_232);
    assert_eq!(ports.choose(local, remote, 80, |port| taken[port as usize]), Err(Errno::EADDRNOTAVAIL));
    assert!(ports.choose(local, remote, 81, |_| false).is_ok());
}

/// RFC 6056 §3.1: who sees the ports to one server cannot tell those to another.
#[test]
fn ports_to_different_servers_start_at_unrelated_places() {
    let mut ports = ports(Rules::Tcp);
    let mut chosen: Vec<u16> =
        (1..=50u8).map(|last| ports.choose(addr("10.0.0.1"), Addr::v4(10, 0, 1, last), 80, |_| false).unwrap()).collect();
    chosen.sort_unstable();
    assert!(chosen[49] - chosen[0] > 14_000, "{chosen:?}");
    assert!(chosen.windows(2).filter(|pair| pair[1] - pair[0] <= 1).count() < 5, "{chosen:?}");
}

#[test]
fn a_connection_leaves_ports_alone_that_somebody_is_bound_to() {
    let mut ports = ports(Rules::Tcp);
    ports.set_range(50_000, 50_001);
    ports.bind(bound(1, "10.0.0.2"), 50_000).unwrap();
    assert_eq!(ports.choose(addr("10.0.0.1"), addr("10.0.0.9"), 80, |_| false), Ok(50_001));
}

#[test]
fn a_million_holders_of_a_port_are_one_record() {
    let mut ports = ports(Rules::Tcp);
    for _ in 0..1_000_000 {
        ports.hold(80, holder("10.0.0.1"));
    }
    assert_eq!(ports.held.kinds_of(80), 1);
    for _ in 0..1_000_000 {
        ports.release(80, holder("10.0.0.1"));
    }
    assert!(ports.held.is_empty());
}

/// One user of a port as the model keeps it.
#[derive(Clone, Debug)]
struct User {
    binding: Binding,
    port: u16,
    holds: bool,
}

/// Linux's rules once more, by brute force: two users may not meet if any packet, of any family, to any address, by any link
/// could be for both, unless both allow it.
fn model_conflict(rules: Rules, new: &Binding, old: &Binding) -> bool {
    let hosts = ["10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"];
    let takes = |one: &Binding, host: Addr| match (one.local.is_unspecified(), one.local.is_v4(), host.is_v4()) {
        (false, _, _) => one.local == host,
        (true, true, v4) => v4,
        (true, false, false) => true,
        (true, false, true) => !one.v6only,
    };
    let same_packet = hosts.iter().any(|host| takes(new, addr(host)) && takes(old, addr(host)));
    let same_link = [1, 2].iter().any(|link| [new, old].iter().all(|one| one.link == 0 || one.link == *link));
    let allowed = match rules {
        Rules::Tcp => (new.reuse_addr && old.reuse_addr && !old.listening) || (new.reuse_port && old.reuse_port),
        Rules::Udp => (new.reuse_addr && old.reuse_addr) || (new.reuse_port && old.reuse_port),
    };
    same_packet && same_link && !allowed
}

fn random_binding(random: &mut Entropy, socket: Key) -> Binding {
    let locals = ["0.0.0.0", "::", "10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"];
    Binding {
        socket,
        local: addr(locals[random.below(6) as usize]),
        v6only: random.below(2) == 0,
        link: random.below(3) as u16,
        reuse_addr: random.below(3) > 0,
        reuse_port: random.below(3) == 0,
        listening: false,
    }
}

/// The table against the model, over random binding, listening, holding and going.
#[test]
fn behaves_like_the_rules_applied_one_by_one() {
    for seed in 0..100u64 {
        let mut random = Entropy::new(seed.into());
        let rules = if seed % 2 == 0 { Rules::Tcp } else { Rules::Udp };
        let mut ports = Ports::new(&random, rules);
        let mut names = Slab::new();
        let mut users: Vec<User> = Vec::new();
        for step in 0..200 {
            let port = 80 + random.below(2) as u16;
            match random.below(6) {
                0..=2 => {
                    let binding = random_binding(&mut random, names.insert(()));
                    let conflict = users.iter().any(|u| u.port == port && model_conflict(rules, &binding, &u.binding));
                    let expected = if conflict { Err(Errno::EADDRINUSE) } else { Ok(port) };
                    assert_eq!(ports.bind(binding.clone(), port), expected, "seed {seed} step {step}: {binding:?} {users:#?}");
                    if !conflict {
                        users.push(User { binding, port, holds: false });
                    }
                }
                3 if rules == Rules::Tcp => listen(&mut ports, &mut users, &mut random, seed),
                4 => {
                    let local = addr(["10.0.0.1", "fd00::1"][random.below(2) as usize]);
                    let (reuse_addr, reuse_port) = (random.below(2) == 0, random.below(2) == 0);
                    let held = Holder { local, link: 0, reuse_addr, reuse_port };
                    ports.hold(port, held);
                    users.push(User { binding: held.as_binding(), port, holds: true });
                }
                _ if !users.is_empty() => {
                    let gone = users.remove(random.below(users.len() as u32) as usize);
                    let Binding { socket, local, link, reuse_addr, reuse_port, .. } = gone.binding;
                    if gone.holds {
                        ports.release(gone.port, Holder { local, link, reuse_addr, reuse_port });
                    } else {
                        assert!(ports.unbind(socket, gone.port).is_some(), "seed {seed}");
                    }
                }
                _ => {}
            }
        }
        for user in users {
            let Binding { socket, local, link, reuse_addr, reuse_port, .. } = user.binding;
            if user.holds {
                ports.release(user.port, Holder { local, link, reuse_addr, reuse_port });
            } else {
                ports.unbind(socket, user.port);
            }
        }
        assert!(ports.bound.is_empty() && ports.held.is_empty(), "seed {seed}: nothing is left behind");
    }
}

fn listen(ports: &mut Ports, users: &mut [User], random: &mut Entropy, seed: u64) {
    let candidates: Vec<usize> = (0..users.len()).filter(|&n| !users[n].holds).collect();
    if candidates.is_empty() {
        return;
    }
    let chosen = candidates[random.below(candidates.len() as u32) as usize];
    let User { binding, port, .. } = users[chosen].clone();
    let others = users.iter().enumerate().filter(|(n, user)| *n != chosen && user.port == port);
    let conflict = others.into_iter().any(|(_, other)| model_conflict(Rules::Tcp, &binding, &other.binding));
    let expected = if conflict { Err(Errno::EADDRINUSE) } else { Ok(()) };
    assert_eq!(ports.may_listen(port, binding.socket), expected, "seed {seed}");
    if !conflict {
        users[chosen].binding.listening = true;
        ports.update(port, binding.socket, |binding| binding.listening = true);
    }
}
