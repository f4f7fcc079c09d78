//! The rows of the table of goals, each measured on Loggia; peers stand in `peers/`.

mod bulk;
mod connections;
mod datagrams;
mod facade;
mod growth;
mod long_path;
mod memory;
mod ping_pong;
mod programs;
mod shards;
mod threads;
mod tun;
mod virtual_time;
mod zero_copy;

use crate::child::Errand;
use crate::floors::{futex, kernel, ring, segments, two_threads};
use crate::peers::smoltcp;
use crate::probe::Often::{EachRound, Once, Seldom};
use crate::probe::Probe;

/// What is measured, in the order of a round: what is compared stands side by side.
pub(crate) const PROBES: &[Probe] = &[
    Probe { name: "floor F1", rows: &[0, 1, 5], often: EachRound, run: ring::measure },
    Probe { name: "bulk, 64 KiB", rows: &[1, 4], often: EachRound, run: bulk::large },
    Probe { name: "bulk, 64 KiB, smoltcp", rows: &[1], often: EachRound, run: smoltcp::bulk::large },
    Probe { name: "bulk, bare link", rows: &[4], often: EachRound, run: bulk::bare },
    Probe { name: "zero copy", rows: &[5], often: EachRound, run: zero_copy::measure },
    Probe { name: "floor P1500", rows: &[0, 3], often: EachRound, run: segments::measure },
    Probe { name: "bulk, MTU 1500", rows: &[3, 17], often: EachRound, run: bulk::packets },
    Probe { name: "bulk, MTU 1500, smoltcp", rows: &[3], often: EachRound, run: smoltcp::bulk::packets },
    Probe { name: "capture", rows: &[17], often: EachRound, run: virtual_time::captured },
    Probe { name: "floor F2", rows: &[0, 2], often: EachRound, run: two_threads::measure },
    Probe { name: "bulk, two threads", rows: &[2], often: EachRound, run: threads::measure },
    Probe { name: "bulk, two threads, smoltcp", rows: &[2], often: EachRound, run: smoltcp::threads::measure },
    Probe { name: "bulk, facade, two threads", rows: &[2], often: EachRound, run: facade::bulk },
    Probe { name: "kernel bulk", rows: &[0, 2], often: EachRound, run: kernel::bulk },
    Probe { name: "floor futex", rows: &[0, 9], often: EachRound, run: futex::measure },
    Probe { name: "ping-pong, facade", rows: &[9], often: EachRound, run: facade::ping_pong },
    Probe { name: "kernel ping-pong", rows: &[0, 8, 9], often: EachRound, run: kernel::ping_pong },
    Probe { name: "ping-pong, core", rows: &[8], often: EachRound, run: ping_pong::core },
    Probe { name: "ping-pong, smoltcp", rows: &[8], often: EachRound, run: smoltcp::ping_pong::measure },
    Probe { name: "ping-pong, tokio", rows: &[8], often: EachRound, run: facade::tokio_ping_pong },
    Probe { name: "kernel connections", rows: &[0, 10], often: EachRound, run: kernel::connections },
    Probe { name: "connections, core", rows: &[10], often: EachRound, run: connections::core },
    Probe { name: "connections, smoltcp", rows: &[10], often: EachRound, run: smoltcp::connections::measure },
    Probe { name: "connections, facade", rows: &[10], often: EachRound, run: facade::connections },
    Probe { name: "connections among TIME-WAIT", rows: &[10], often: EachRound, run: connections::among_time_wait },
    Probe { name: "kernel UDP", rows: &[0, 11], often: EachRound, run: kernel::datagrams },
    Probe { name: "UDP", rows: &[11], often: EachRound, run: datagrams::measure },
    Probe { name: "UDP, smoltcp", rows: &[11], often: EachRound, run: smoltcp::datagrams::measure },
    Probe { name: "virtual time", rows: &[18], often: EachRound, run: virtual_time::packets },
    Probe { name: "shards, stacks", rows: &[20], often: EachRound, run: shards::stacks },
    Probe { name: "shards, echoes", rows: &[20], often: EachRound, run: shards::echoes },
    Probe { name: "100 ms round trip", rows: &[19], often: Once, run: long_path::measure },
    Probe { name: "TUN", rows: &[6, 7], often: EachRound, run: tun::measure },
    Probe { name: "memory", rows: &[12], often: Once, run: memory::measure },
    Probe { name: "growth", rows: &[12, 13, 14, 15], often: Seldom, run: growth::measure },
    Probe { name: "growth, listeners", rows: &[13], often: Seldom, run: growth::listeners },
    Probe { name: "growth, smoltcp", rows: &[12, 13, 14], often: Seldom, run: smoltcp::growth::measure },
    Probe { name: "programs", rows: &[16], often: Once, run: programs::measure },
];

/// What is measured in processes of their own.
pub(crate) const ERRANDS: &[Errand] = &[
    Errand { name: "growth", run: growth::in_child },
    Errand { name: "listeners", run: growth::listeners_in_child },
    Errand { name: "memory", run: memory::in_child },
    Errand { name: "smoltcp-growth", run: smoltcp::growth::in_child },
    Errand { name: "tun", run: tun::in_child },
];
