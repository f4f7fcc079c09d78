//! Two hosts in one process with a cable between them: a server that greets, and a client.
//!
//! ```sh
//! cargo run -p loggia --example hello
//! ```

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use loggia::Host;
use loggia::device::{Properties, pair};
use loggia::net::{TcpListener, TcpStream};

/// Runs both.
pub(crate) fn main() -> std::io::Result<()> {
    let [one, other] = pair(Properties::ip(1500));
    let server = Host::builder().address("10.0.0.1/24").device(one).start()?;
    let client = Host::builder().address("10.0.0.2/24").device(other).start()?;
    client.add_name("server", ["10.0.0.1".parse().expect("an address")])?;

    let listener = TcpListener::bind_on(&server, "0.0.0.0:7")?;
    let greeter = thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, from) = listener.accept()?;
        write!(stream, "hello, {from}")
    });

    let mut greeting = String::new();
    TcpStream::connect_on(&client, "server:7")?.read_to_string(&mut greeting)?;
    println!("{greeting}");
    greeter.join().expect("the greeter")?;
    client.shutdown(Duration::from_secs(5))?;
    server.shutdown(Duration::from_secs(5))
}
