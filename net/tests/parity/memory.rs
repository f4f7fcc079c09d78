//! Two hosts in memory.

use loggia::device::{Properties, pair};
use loggia::host::Route;
use loggia::{Host, Interface};

/// 10.0.0.1 and 10.0.0.2, fd00::1 and fd00::2.
pub(crate) fn hosts() -> [Host; 2] {
    let [one, two] = pair(Properties::ip(1500).queue_limit(16 << 20));
    [host(one, "10.0.0.1/24", "fd00::1/64"), host(two, "10.0.0.2/24", "fd00::2/64")]
}

fn host(device: loggia::device::Memory, v4: &str, v6: &str) -> Host {
    let interface = Interface::new(device).name("tun0").address(v4).address(v6);
    let host = Host::builder().interface(interface).start().expect("a host");
    host.add_route(&Route::to("0.0.0.0/0").expect("a route").on("tun0")).expect("a route");
    host
}
