//! Paths that get narrower: the kernel routes between two of our hosts and tells by ICMP what does not fit, from the beginning or in the
//! middle of a transfer.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::thread;
use std::time::Duration;

use loggia::device::Tun;
use loggia::net::{Domain, Socket, TcpListener, TcpStream, Type};
use loggia::{Host, Interface};

use crate::namespace::{inside, run};

const NEAR: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2))];
const FAR: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(10, 0, 1, 2)), IpAddr::V6(Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 2))];

/// A host behind a TUN of the kernel's, which is the router.
fn host(name: &str, ours: [IpAddr; 2], offloads: bool) -> Host {
    let tun = Tun::builder().offloads(offloads).mtu(1500).open(name).expect("a TUN");
    let router = |ours: IpAddr| match ours {
        IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() - 1).into()),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() - 1).into()),
    };
    run(&format!("ip address add {}/24 dev {name}", router(ours[0])));
    run(&format!("ip address add {}/64 dev {name} nodad", router(ours[1])));
    run(&format!("ip link set {name} mtu 1500 up"));
    // The kernel makes the route to its own IPv6 address a little later.
    while !run("ip -6 route show table local").contains(&format!("local {} dev {name}", router(ours[1]))) {
        thread::sleep(Duration::from_millis(2));
    }
    let interface = Interface::new(tun).autoconfigure(false).address((ours[0], 24)).address((ours[1], 64));
    let interface = interface.gateway(router(ours[0])).gateway(router(ours[1]));
    Host::builder().interface(interface).start().expect("a host")
}

/// A transfer from the near host to the far one, in the middle of which the far link gets narrower; gives the path's MTU at the end.
fn transfer(near: &Host, far: &Host, family: usize, mtu: u32) -> u32 {
    const LEN: usize = 3_000_000;
    let data: Vec<u8> = (0..LEN).map(|at| (at ^ at >> 8 ^ at >> 16) as u8).collect();
    let to = SocketAddr::new(FAR[family], 80);
    // With little room: what is not read waits at the sender.
    let socket = Socket::new_on(far, Domain::for_address(to), Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(100_000).expect("an option");
    socket.set_reuse_address(true).expect("an option");
    socket.bind(&to.into()).expect("bind");
    socket.listen(1).expect("listen");
    let listener = TcpListener::from(socket);
    thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut stream = TcpStream::connect_on(near, to).expect("connect");
            assert_eq!(stream.local_addr().expect("an address").ip(), NEAR[family]);
            stream.write_all(&data).expect("write");
            stream.shutdown(Shutdown::Write).expect("shutdown");
            // The end comes when all has arrived.
            assert_eq!(stream.read(&mut [0]).expect("read"), 0);
            stream.info().expect("a connection").path_mtu
        });
        let (mut stream, _) = listener.accept().expect("accept");
        let mut arrived = vec![0; LEN / 3];
        stream.read_exact(&mut arrived).expect("read");
        run(&format!("ip link set wire1 mtu {mtu}"));
        stream.read_to_end(&mut arrived).expect("read");
        assert!(arrived == data);
        drop(stream);
        writing.join().expect("the writer")
    })
}

#[test]
fn transfers_survive_a_path_that_gets_narrower() {
    inside("path_mtu::transfers_survive_a_path_that_gets_narrower", story);
}

fn story() {
    run("ip link set lo up");
    for offloads in [true, false] {
        let (near, far) = (host("wire0", NEAR, offloads), host("wire1", FAR, offloads));
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").expect("ours");
        std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").expect("ours");
        for family in 0..2 {
            run("ip link set wire1 mtu 1500");
            let mtu = transfer(&near, &far, family, 1300);
            assert_eq!(mtu, 1300, "as the kernel's ICMP told");
            // The next connection knows it from the beginning, or learns it at once.
            assert_eq!(transfer(&near, &far, family, 1290), 1290);
        }
        let counters = near.counters();
        let heard = |name: &str| counters.iter().any(|counter| counter.name == name);
        assert!(
            heard("InDestUnreachs") && heard("InPktTooBigs"),
            "both families were told, and had not to find out: {counters:?}"
        );
        near.shutdown(Duration::from_secs(10)).expect("everything was sent");
        far.shutdown(Duration::from_secs(10)).expect("everything was sent");
    }
}
