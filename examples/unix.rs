//! An AF_UNIX client and its server, both on one stack, as all of them are. `cargo run --example unix`

use loggia_stack::base::MsgFlags;
use loggia_stack::engine::{Config, Stack};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_UNIX, SHUT_WR, SOCK_STREAM};
use loggia_stack::transport::unix::UnixAddress;
use loggia_stack::{Errno, Instant, Seed};

fn main() -> Result<(), Errno> {
    let mut host = Stack::new(Config::default(), Seed::from(1), Instant::EPOCH);
    let path = Address::from(UnixAddress::path(b"/run/echo")?);

    let listener = host.socket(AF_UNIX, SOCK_STREAM, 0)?;
    host.bind(listener, &path)?;
    host.listen(listener, 128)?;

    let client = host.socket(AF_UNIX, SOCK_STREAM, 0)?;
    host.connect(client, &path)?;
    let (server, _) = host.accept(listener)?;

    host.send(client, b"Hello!", MsgFlags::NONE)?;
    host.shutdown(client, SHUT_WR)?;
    let mut room = [0; 64];
    let len = host.recv(server, &mut room, MsgFlags::NONE)?;
    println!("the server reads {:?}", String::from_utf8_lossy(&room[..len]));
    assert_eq!(host.recv(server, &mut room, MsgFlags::NONE)?, 0, "the client has said all");
    host.send(server, &room[..len], MsgFlags::NONE)?;
    let len = host.recv(client, &mut room, MsgFlags::NONE)?;
    println!("the client reads {:?}", String::from_utf8_lossy(&room[..len]));
    print!("{}", host.inspect_sockets());
    Ok(())
}
