//! Which processors of the kernel's handle what we send: `rps_cpus`, as the namespace's own `/sys` has it.

use std::fs;

use loggia::device::{Tun, TunBuilder};

use crate::namespace::{inside_as_root, run};

/// The mask of an interface.
fn mask(interface: &str) -> u64 {
    let path = format!("/sys/class/net/{interface}/queues/rx-0/rps_cpus");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    u64::from_str_radix(&text.trim().replace(',', ""), 16).expect("a mask")
}

/// How many processors the machine has.
fn processors() -> u32 {
    let online = fs::read_to_string("/proc/stat").expect("the times of processors");
    online.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count() as u32
}

/// The mask of an interface that is opened so.
fn opened(builder: &TunBuilder, interface: &str) -> u64 {
    let _tun = builder.open(interface).expect("a TUN");
    mask(interface)
}

#[test]
fn a_plain_interface_is_steered_to_some_processors_and_not_to_all() {
    inside_as_root("steering::a_plain_interface_is_steered_to_some_processors_and_not_to_all", || {
        // All of the machine's: those that this test may use, or has the time of, may be fewer.
        let processors = processors();
        if processors == 1 {
            println!("skipped: one processor has no others");
            return;
        }
        let mask = opened(&Tun::builder().offloads(false), "plain0");
        assert!(mask != 0 && mask.count_ones() < processors, "{mask:x} of {processors} processors");
    });
}

#[test]
fn what_is_not_ours_to_steer_is_left_alone() {
    inside_as_root("steering::what_is_not_ours_to_steer_is_left_alone", || {
        assert_eq!(opened(&Tun::builder(), "super0"), 0, "with offloads");
        assert_eq!(opened(&Tun::builder().offloads(false).steering(false), "asked0"), 0, "switched off");
        assert_eq!(opened(&Tun::builder().offloads(false).queues(2), "queues0"), 0, "several queues");
        run("ip tuntap add dev lasting0 mode tun");
        assert_eq!(opened(&Tun::builder().offloads(false), "lasting0"), 0, "a lasting interface");
    });
}
