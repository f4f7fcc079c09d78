//! A UDP client on one stack, a server on another, and the wire between them. `cargo run --example udp`

use loggia_stack::base::MsgFlags;
use loggia_stack::engine::{Config, Stack};
use loggia_stack::link::{LinkConfig, Medium};
use loggia_stack::socket::numbers::{AF_INET, SOCK_DGRAM};
use loggia_stack::{Errno, Instant, LinkId, Seed};

/// A host with one link and one address.
fn host(seed: u64, address: &str) -> Result<(Stack, LinkId), Errno> {
    let mut stack = Stack::new(Config::default(), Seed::from(seed), Instant::EPOCH);
    let link = stack.add_link(LinkConfig::new("eth0", Medium::Ip, 1500))?;
    stack.set_up(link, true)?;
    stack.add_address(link, address.parse().expect("an address"))?;
    Ok((stack, link))
}

fn main() -> Result<(), Errno> {
    let ((mut client, a), (mut server, b)) = (host(1, "10.0.0.1/24")?, host(2, "10.0.0.2/24")?);
    let service = server.socket(AF_INET, SOCK_DGRAM, 0)?;
    server.bind(service, &"10.0.0.2:53".parse().expect("an address"))?;

    let socket = client.socket(AF_INET, SOCK_DGRAM, 0)?;
    client.sendto(socket, b"What is the time?", MsgFlags::NONE, &"10.0.0.2:53".parse().expect("an address"))?;
    while let Some(frame) = client.transmit(a) {
        server.receive(b, frame);
    }
    let mut room = [0; 64];
    let (len, from) = server.recvfrom(service, &mut room, MsgFlags::NONE)?;
    println!("the server reads {:?} from {from}", String::from_utf8_lossy(&room[..len]));
    server.sendto(service, b"Whatever you say.", MsgFlags::NONE, &from)?;
    while let Some(frame) = server.transmit(b) {
        client.receive(a, frame);
    }
    let (len, from) = client.recvfrom(socket, &mut room, MsgFlags::NONE)?;
    println!("the client reads {:?} from {from}", String::from_utf8_lossy(&room[..len]));
    Ok(())
}
