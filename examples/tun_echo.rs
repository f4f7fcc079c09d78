//! A host behind a TUN interface that sends back what it gets. Needs `CAP_NET_ADMIN`; in a namespace of your own you have it:
//!
//! ```sh
//! cargo build -p loggia --example tun_echo
//! unshare --map-root-user --net bash -c '
//!     target/debug/examples/tun_echo tun0 & sleep 0.2
//!     ip address add 10.0.0.1/24 dev tun0; ip link set tun0 up
//!     exec 3<>/dev/tcp/10.0.0.2/7; echo hello >&3; head -n 1 <&3; kill %1'
//! ```

use std::io;
use std::thread;

use loggia::Host;
use loggia::device::Tun;
use loggia::net::TcpListener;

fn main() -> io::Result<()> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "tun0".into());
    let host = Host::builder().address("10.0.0.2/24").gateway("10.0.0.1").device(Tun::open(&name)?).start()?;
    for stream in TcpListener::bind_on(&host, "0.0.0.0:7")?.incoming() {
        let stream = stream?;
        // One that breaks off is nobody's concern.
        thread::spawn(move || io::copy(&mut &stream, &mut &stream));
    }
    Ok(())
}
