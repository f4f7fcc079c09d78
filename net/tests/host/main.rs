//! The life of hosts, and what they make of devices that fail them.
#![cfg(unix)]

mod budget;
mod configuration;
mod datagrams;
mod devices;
mod doors;
mod held;
mod helm;
mod idle;
mod looks;
mod own;
mod shutdown;
#[cfg(feature = "tokio")]
mod tasks;
mod wakers;

use std::io::Read;
use std::net::SocketAddr;

use loggia::Host;
use loggia::device::{Device, Properties, pair};
use loggia::net::{TcpListener, TcpStream};

/// 10.0.0.1 and 10.0.0.2 over these devices.
fn hosts_over([one, two]: [impl Device; 2]) -> [Host; 2] {
    let start = |address: &str, device| Host::builder().address(address).device(device).start().expect("a host");
    [start("10.0.0.1/24", one), start("10.0.0.2/24", two)]
}

/// 10.0.0.1 and 10.0.0.2 in memory.
fn hosts() -> [Host; 2] {
    hosts_over(pair(Properties::ip(1500)))
}

/// After so many bytes sent a caller looks.
const MUCH: usize = 256 << 10;

const SERVER: &str = "10.0.0.2:7";

/// Two ends of a connection, the first host's first.
fn connected([client, server]: &[Host; 2]) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind_on(server, SERVER).expect("bind");
    let here = TcpStream::connect_on(client, SERVER.parse::<SocketAddr>().expect("an address")).expect("connect");
    (here, listener.accept().expect("accept").0)
}

/// All that comes until the end.
fn rest(mut stream: impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("read");
    all
}

/// Bytes that tell where they belong.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at ^ at >> 8 ^ at >> 16) as u8).collect()
}
