//! What packetdrill relies on, without packetdrill.

mod peer;

use std::sync::Arc;
use std::time::Duration;

use loggia_packetdrill::sys::kernel;
use loggia_packetdrill::{Machine, Setup};
use loggia_stack::base::MsgFlags;
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_INET, SOCK_STREAM, tcp};
use loggia_stack::{Errno, Instant};
use peer::{ACK, FIN, PORT, PSH, SYN, Segment, packet, read};

fn machine() -> Arc<Machine> {
    let setup = Setup::parse("address=192.168.0.1/16,mtu=1500").unwrap();
    Arc::new(Machine::new(&setup))
}

fn sent(machine: &Machine) -> (Segment, Instant) {
    let sent = machine.next_sent().expect("a packet leaves");
    (read(&sent.packet), sent.at)
}

fn listener(machine: &Machine) -> i32 {
    let fd = machine.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    let address: Address = format!("192.168.0.1:{PORT}").parse().unwrap();
    machine.at_once(fd, |world, id| world.host.stack.bind(id, &address)).unwrap();
    machine.at_once(fd, |world, id| world.host.stack.listen(id, 1)).unwrap();
    fd
}

/// A connection that the peer opened, and our first sequence number behind the SYN.
fn accepted(machine: &Machine) -> (i32, u32) {
    let listener = listener(machine);
    machine.receive(&packet(0, 0, SYN, b""));
    let (syn_ack, _) = sent(machine);
    assert_eq!((syn_ack.flags, syn_ack.ack), (SYN | ACK, 1));
    machine.receive(&packet(1, syn_ack.seq + 1, ACK, b""));
    let (fd, peer) = machine.accept(listener).unwrap();
    assert_eq!(peer, "192.0.2.1:40000".parse().unwrap());
    (fd, syn_ack.seq + 1)
}

fn read_all(machine: &Machine, fd: i32) -> Vec<u8> {
    let mut bytes = [0; 100];
    let received = machine.receive_message(fd, &mut [&mut bytes], 0, MsgFlags::NONE).unwrap();
    bytes[..received.len].to_vec()
}

fn write(machine: &Machine, fd: i32, bytes: &[u8]) {
    let out = loggia_packetdrill::stream::Outgoing { data: &[bytes], to: None, control: &[], flags: MsgFlags::NONE };
    assert_eq!(machine.send_message(fd, &out), Ok(bytes.len()));
}

#[test]
fn a_connection_opens_carries_data_and_closes() {
    let machine = machine();
    let (fd, nxt) = accepted(&machine);
    machine.receive(&packet(1, nxt, ACK | PSH, b"hello"));
    assert_eq!(read_all(&machine, fd), b"hello");
    assert_eq!(sent(&machine).0.ack, 6);
    machine.close(fd).unwrap();
    assert_eq!(sent(&machine).0, Segment { seq: nxt, ack: 6, flags: FIN | ACK, payload: vec![] });
}

/// A read on another thread waits until data arrives, and ends at that moment although time would go on at once.
#[test]
fn a_waiting_read_ends_when_it_is_woken() {
    let machine = machine();
    let (fd, nxt) = accepted(&machine);
    let reader = {
        let machine = Arc::clone(&machine);
        std::thread::spawn(move || (read_all(&machine, fd), machine.clock()))
    };
    std::thread::sleep(Duration::from_millis(50));
    machine.sleep(100_000);
    machine.receive(&packet(1, nxt, ACK | PSH, b"late"));
    let arrived = machine.lock().host.now();
    machine.sleep(5_000_000);
    let (bytes, left) = reader.join().unwrap();
    assert_eq!(bytes, b"late");
    assert!(left.since(arrived) < Duration::from_millis(1), "{left} is not {arrived}");
}

/// The main thread would wait for itself.
#[test]
fn the_main_thread_does_not_wait() {
    let machine = machine();
    let (fd, _) = accepted(&machine);
    let mut bytes = [0];
    let result = machine.receive_message(fd, &mut [&mut bytes], 0, MsgFlags::NONE);
    assert_eq!(result.map(|received| received.len), Err(Errno::EAGAIN.into()));
}

/// Waiting for a packet brings the retransmission at its own time: RFC 6298 with Linux's floor of 200 ms.
#[test]
fn time_goes_to_the_retransmission() {
    let machine = machine();
    let (fd, nxt) = accepted(&machine);
    write(&machine, fd, b"lost");
    let (first, at) = sent(&machine);
    let (second, again) = sent(&machine);
    assert_eq!((first.seq, &first), (nxt, &second));
    assert!((200..260).contains(&again.since(at).as_millis()), "{:?}", again.since(at));
}

#[test]
fn it_is_told_that_nothing_will_come() {
    let machine = machine();
    listener(&machine);
    assert!(machine.next_sent().is_none());
}

/// The clock moves by being looked at: a script that spins until a moment meets it.
#[test]
fn looking_at_the_clock_takes_time() {
    let machine = machine();
    let first = machine.clock();
    let second = machine.clock();
    assert_eq!(second.since(first), Duration::from_micros(1));
}

/// packetdrill wants all of the structure that it was built with: 248 bytes.
#[test]
fn tcp_info_is_whole() {
    let machine = machine();
    let (fd, _) = accepted(&machine);
    let mut info = [0; 512];
    let len = machine.at_once(fd, |world, id| world.host.stack.getsockopt(id, tcp::LEVEL, tcp::TCP_INFO, &mut info)).unwrap();
    assert!(len >= 248, "{len}");
    assert_eq!(info[0], 1, "ESTABLISHED");
    let cwnd = u32::from_ne_bytes(info[80..84].try_into().unwrap());
    assert_eq!(cwnd, 10);
}

#[test]
fn a_socket_has_a_number_of_the_kernel() {
    let machine = machine();
    let fd = listener(&machine);
    kernel::close(fd).expect("the kernel knows it");
}

/// The table as C sees it: filled in packetdrill's order, with errors as -1 and `errno`.
#[test]
fn the_table_is_filled() {
    let mut table = std::mem::MaybeUninit::zeroed();
    let flags = c"address=192.168.0.1/16";
    let table = loggia_packetdrill::sys::table::filled_for_test(flags, &mut table);
    let fd = (table.socket)(table.user, AF_INET, SOCK_STREAM, 0);
    assert!(fd >= 0);
    assert_eq!((table.listen)(table.user, fd + 1000, 1), -1);
    assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(Errno::EBADF.number()));
    assert_eq!((table.close)(table.user, fd), 0);
}
