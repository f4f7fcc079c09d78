//! Two hosts in memory.

use loggia::device::{Properties, pair};
use loggia::host::Route;
use loggia::{Host, Interface};

/// 10.0.0.1 and 10.0.0.2.
pub(crate) fn hosts() -> [Host; 2] {
    let [one, two] = pair(Properties::ip(1500).queue_limit(16 << 20));
    [host(one, "10.0.0.1/24"), host(two, "10.0.0.2/24")]
}

fn host(device: loggia::device::Memory, address: &str) -> Host {
    let interface = Interface::new(device).name("tun0").address(address);
    let host = Host::builder().interface(interface).start().expect("a host");
    host.add_route(&Route::to("0.0.0.0/0").expect("a route").on("tun0")).expect("a route");
    host
}
