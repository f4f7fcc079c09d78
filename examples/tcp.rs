//! A TCP client on one stack, a server on another, and the wire between them. `cargo run --example tcp`

use loggia_stack::base::MsgFlags;
use loggia_stack::engine::{Config, Stack};
use loggia_stack::link::{LinkConfig, Medium};
use loggia_stack::socket::numbers::{AF_INET, SOCK_STREAM};
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
    // The wire: what one host sends the other receives, until both are silent.
    let carry = |client: &mut Stack, server: &mut Stack| {
        while let Some((frame, back)) = client.transmit(a).map(|f| (f, false)).or_else(|| server.transmit(b).map(|f| (f, true))) {
            if back { client.receive(a, frame) } else { server.receive(b, frame) }
        }
    };
    let listener = server.socket(AF_INET, SOCK_STREAM, 0)?;
    server.bind(listener, &"10.0.0.2:80".parse().expect("an address"))?;
    server.listen(listener, 128)?;

    let socket = client.socket(AF_INET, SOCK_STREAM, 0)?;
    assert_eq!(client.connect(socket, &"10.0.0.2:80".parse().expect("an address")), Err(Errno::EINPROGRESS));
    carry(&mut client, &mut server);
    let (accepted, peer) = server.accept(listener)?;
    println!("the server talks with {peer}");

    client.send(socket, b"Is anybody there?", MsgFlags::NONE)?;
    carry(&mut client, &mut server);
    let mut room = [0; 64];
    let len = server.recv(accepted, &mut room, MsgFlags::NONE)?;
    println!("the server reads {:?}", String::from_utf8_lossy(&room[..len]));
    server.send(accepted, b"Yes.", MsgFlags::NONE)?;
    server.close(accepted)?;
    carry(&mut client, &mut server);
    let len = client.recv(socket, &mut room, MsgFlags::NONE)?;
    println!("the client reads {:?}", String::from_utf8_lossy(&room[..len]));
    assert_eq!(client.recv(socket, &mut room, MsgFlags::NONE)?, 0, "the server has said all");
    print!("{}", client.inspect_sockets());
    Ok(())
}
