//! An interface that somebody had before.

use std::net::SocketAddr;

use loggia::Host;
use loggia::device::Tun;
use loggia::net::TcpListener;

use crate::namespace::{has, inside, run};

/// Opens `wire0` and says that the virtio-net header has twelve bytes, as virtual machines do; that stays.
const ANOTHER: &str = "import fcntl,os,struct;fd=os.open('/dev/net/tun',os.O_RDWR);\
    fcntl.ioctl(fd,0x400454ca,struct.pack('16sH22x',b'wire0',0x5001));fcntl.ioctl(fd,0x400454d8,struct.pack('i',12))";

#[test]
fn what_another_left_of_an_interface_does_not_count() {
    inside("header::what_another_left_of_an_interface_does_not_count", story);
}

fn story() {
    if !has("python3") {
        return;
    }
    run("ip tuntap add dev wire0 mode tun vnet_hdr");
    let said = std::process::Command::new("python3").args(["-c", ANOTHER]).output().expect("python3 runs");
    assert!(said.status.success(), "{said:?}");
    let tun = Tun::open("wire0").expect("a TUN");
    run("ip address add 10.0.0.1/24 dev wire0");
    run("ip link set wire0 up");
    let host = Host::builder().address("10.0.0.2/24").device(tun).start().expect("a host");
    let at: SocketAddr = "10.0.0.2:80".parse().expect("an address");
    let listener = TcpListener::bind_on(&host, at).expect("bind");
    let theirs = std::net::TcpStream::connect_timeout(&at, std::time::Duration::from_secs(20)).expect("connect");
    let (ours, _) = listener.accept().expect("accept");
    assert_eq!(ours.peer_addr().expect("an address"), theirs.local_addr().expect("an address"));
}
