//! A thread of the kernel's that handles what we send: `threaded`, as the namespace's own `/sys` has it.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket as Kernels};
use std::process::Command;
use std::thread::available_parallelism;
use std::time::Duration;

use loggia::Host;
use loggia::device::{Tun, TunBuilder};
use loggia::net::UdpSocket;
use rustix::net::sockopt::set_socket_recv_buffer_size_force;

use crate::namespace::{inside, inside_with_all_rights, inside_with_sys, run};

/// Whether an interface has one that is opened so.
fn has_one(builder: &TunBuilder, interface: &str) -> bool {
    let tun = builder.open(interface).expect("a TUN");
    let path = format!("/sys/class/net/{}/threaded", tun.name());
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.trim() != "0"
}

/// A kernel before Linux 5.12 has none, and where there is one processor none is asked for.
fn can_have_one() -> bool {
    let can = fs::exists("/sys/class/net/lo/threaded").is_ok_and(|there| there)
        && available_parallelism().is_ok_and(|count| count.get() > 1);
    if !can {
        println!("skipped: no such thread can be had here");
    }
    can
}

#[test]
fn a_plain_interface_of_ours_has_one() {
    inside_with_sys("kernel_thread::a_plain_interface_of_ours_has_one", || {
        if can_have_one() {
            assert!(has_one(&Tun::builder().offloads(false), "plain0"));
            assert!(has_one(&Tun::builder().offloads(false), "plain%d"), "a name that the kernel completes");
            assert!(has_one(&Tun::builder().kernel_thread(true), "asked0"), "asked for, with offloads");
            assert!(has_one(&Tun::builder().offloads(false).queues(2).kernel_thread(true), "asked1"), "asked for, with queues");
        }
    });
}

/// Where `unshare --map-root-user --net` leads the mounts are still another's, who has not given us the right to make some.
#[test]
fn it_is_had_where_only_users_and_the_network_are_ours() {
    inside("kernel_thread::it_is_had_where_only_users_and_the_network_are_ours", || {
        let tun = Tun::builder().offloads(false).open("bare0").expect("a TUN");
        let ask = "mount -t sysfs sysfs /sys && grep -H . /sys/class/net/lo/threaded /sys/class/net/bare0/threaded";
        let asked = Command::new("unshare").args(["--mount", "sh", "-c", ask]).output().expect("unshare runs");
        let said = String::from_utf8_lossy(&asked.stdout).into_owned();
        if !asked.status.success() || available_parallelism().is_ok_and(|count| count.get() == 1) {
            return println!("skipped: no such thread can be had here, or not seen");
        }
        assert!(said.contains("lo/threaded:0") && !said.contains("bare0/threaded:0"), "{said}");
        drop(tun);
    });
}

#[test]
fn what_gains_nothing_or_is_not_ours_has_none() {
    inside_with_sys("kernel_thread::what_gains_nothing_or_is_not_ours_has_none", || {
        assert!(!has_one(&Tun::builder(), "super0"), "with offloads");
        assert!(!has_one(&Tun::builder().offloads(false).kernel_thread(false), "asked0"), "switched off");
        assert!(!has_one(&Tun::builder().offloads(false).queues(2), "queues0"), "several queues");
        run("ip tuntap add dev lasting0 mode tun");
        assert!(!has_one(&Tun::builder().offloads(false), "lasting0"), "a lasting interface");
    });
}

/// What the thread has not come to yet waits, and who sends waits for it.
#[test]
fn a_flood_of_datagrams_loses_none_and_keeps_their_order() {
    const COUNT: u32 = 60_000;
    inside_with_all_rights("kernel_thread::a_flood_of_datagrams_loses_none_and_keeps_their_order", || {
        let tun = Tun::builder().offloads(false).open("flood0").expect("a TUN");
        run("ip link set flood0 up");
        run("ip address add 10.0.0.1/24 dev flood0");
        let host = Host::builder().address("10.0.0.2/24").device(tun).start().expect("a host");
        let theirs = (Ipv4Addr::new(10, 0, 0, 1), 9);
        let reader = Kernels::bind(theirs).expect("a socket");
        // Room for all of them, so that it does not matter when they are read.
        if let Err(error) = set_socket_recv_buffer_size_force(&reader, 128 << 20) {
            return println!("skipped: no room for all: {error}");
        }
        let sender = UdpSocket::bind_on(&host, "10.0.0.2:9").expect("a socket");
        (0..COUNT).for_each(|number| assert_eq!(sender.send_to(&number.to_ne_bytes(), theirs).ok(), Some(4)));
        reader.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
        let mut room = [0; 4];
        for number in 0..COUNT {
            reader.recv(&mut room).unwrap_or_else(|error| panic!("the one with number {number}: {error}"));
            assert_eq!(u32::from_ne_bytes(room), number);
        }
    });
}

/// Each queue has a thread of its own: what of a flow went by another one than the rest would overtake it.
#[test]
fn a_flood_by_several_queues_keeps_the_order_of_each_flow() {
    const COUNT: u32 = 20_000;
    const FLOWS: u16 = 3;
    const LEN: usize = 1400;
    inside_with_all_rights("kernel_thread::a_flood_by_several_queues_keeps_the_order_of_each_flow", || {
        let tun = Tun::builder().offloads(false).queues(3).kernel_thread(true).open("flood1").expect("a TUN");
        run("ip link set flood1 up");
        run("ip address add 10.0.0.1/24 dev flood1");
        let host = Host::builder().address("10.0.0.2/24").device(tun).start().expect("a host");
        let theirs = |flow| (Ipv4Addr::new(10, 0, 0, 1), 9 + flow);
        let readers: Vec<_> = (0..FLOWS).map(|flow| Kernels::bind(theirs(flow)).expect("a socket")).collect();
        for reader in &readers {
            if let Err(error) = set_socket_recv_buffer_size_force(reader, 128 << 20) {
                return println!("skipped: no room for all: {error}");
            }
            reader.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
        }
        let sender = UdpSocket::bind_on(&host, "10.0.0.2:9").expect("a socket");
        let mut data = [0; LEN];
        for number in 0..COUNT {
            data[..4].copy_from_slice(&number.to_ne_bytes());
            (0..FLOWS).for_each(|flow| assert_eq!(sender.send_to(&data, theirs(flow)).ok(), Some(LEN)));
        }
        for (flow, reader) in readers.iter().enumerate() {
            for number in 0..COUNT {
                reader.recv(&mut data).unwrap_or_else(|error| panic!("flow {flow}, number {number}: {error}"));
                assert_eq!(data[..4], number.to_ne_bytes(), "flow {flow}");
            }
        }
    });
}
