//! Hosts of several stacks: what belongs to a shard comes to it.
#![cfg(unix)]

mod configuration;
mod leaving;
mod memory;
#[cfg(target_os = "linux")]
#[path = "../kernel/namespace.rs"]
#[allow(dead_code, reason = "the tools are those of another test program too")]
mod namespace;
mod tasks;
#[cfg(target_os = "linux")]
mod tun;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;

use loggia::net::{TcpListener, TcpStream};

const SHARDS: usize = 4;

/// Bytes that tell where they belong.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at ^ at >> 8 ^ at >> 16) as u8).collect()
}

/// Gives back on each connection what comes by it, until `count` have come.
fn echo(listener: &TcpListener, count: usize) {
    thread::scope(|scope| {
        for stream in listener.incoming().take(count) {
            let mut stream = stream.expect("accept");
            scope.spawn(move || {
                let mut all = Vec::new();
                stream.read_to_end(&mut all).expect("read");
                stream.write_all(&all).expect("write");
            });
        }
    });
}

/// What comes back of `data`.
fn exchange(mut stream: TcpStream, data: &[u8]) -> Vec<u8> {
    stream.write_all(data).expect("write");
    stream.shutdown(Shutdown::Write).expect("shutdown");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("read");
    all
}
