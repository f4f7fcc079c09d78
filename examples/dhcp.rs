//! A host that gets its address by DHCP and looks a name up. Needs a server on the kernel's side of the TAP; with dnsmasq, in a namespace of
//! your own:
//!
//! ```sh
//! cargo build -p loggia --features dhcp --example dhcp
//! unshare --map-root-user --net bash -c '
//!     target/debug/examples/dhcp tap0 & sleep 0.2
//!     ip address add 10.0.0.1/24 dev tap0; ip link set tap0 up; ip link set lo up
//!     dnsmasq --no-daemon --conf-file=/dev/null --pid-file= --interface=tap0 --bind-interfaces \
//!         --no-resolv --no-hosts --dhcp-range=10.0.0.50,10.0.0.60,2m --dhcp-leasefile=/dev/null \
//!         --host-record=server.lan,10.0.0.1 & wait %1; kill %2'
//! ```

use std::io;

use loggia::Host;
use loggia::device::Tap;
use loggia::dhcp::{Client, Config};

fn main() -> io::Result<()> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "tap0".into());
    let host = Host::builder().device(Tap::open(&name)?).start()?;
    let client = Client::start(&host, &name, Config::default())?;
    let lease = client.bound().wait()?;
    println!("{} from {} for {:?}", lease.address, lease.server, lease.duration);
    for address in host.resolve("server.lan").wait()? {
        println!("server.lan is {address}");
    }
    client.release().wait()?;
    println!("given back");
    Ok(())
}
