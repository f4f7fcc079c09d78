//! A stack that is one of several behind the same addresses.

use loggia_stack::base::{Addr, Instant};
use loggia_stack::engine::Stack;
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_INET, SOCK_DGRAM, SOCK_STREAM};
use loggia_stack::transport::shard::{Shard, Shards};

use crate::common::{addr, config};

const RANGE: (u16, u16) = (40_000, 40_999);

/// By that range all of them know whose a port is; a setting of one of them does not move it.
#[test]
fn ephemeral_ports_are_of_the_range_that_all_have_in_common() {
    let rule = Shards::new(7.into(), 4, RANGE);
    let mut config = config();
    config.socket.shard = Some(Shard { shards: rule, index: 2 });
    let mut stack = Stack::new(config, 7.into(), Instant::EPOCH);
    for round in 0..2 {
        for kind in [SOCK_DGRAM, SOCK_STREAM].repeat(20) {
            let socket = stack.socket(AF_INET, kind, 0).unwrap();
            stack.bind(socket, &addr("0.0.0.0:0")).unwrap();
            let Ok(Address::Inet(name)) = stack.getsockname(socket) else { panic!("no name") };
            assert!((RANGE.0..=RANGE.1).contains(&name.port), "round {round}: {name}");
            assert!(kind == SOCK_STREAM || rule.udp(name.port, Addr::V4_LOOPBACK, 53) == 2, "round {round}: {name}");
        }
        stack.configure_sockets(|config| config.ip_local_port_range = (50_000, 50_999));
    }
}
