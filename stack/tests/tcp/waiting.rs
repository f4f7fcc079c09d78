//! What a connection that has something to send waits for, as `TCP_INFO` tells it (Linux's `tcp_chrono`).

use loggia_stack::base::{MsgFlags, SocketId};
use loggia_stack::socket::numbers::sol_socket::{LEVEL as SOL_SOCKET, SO_SNDBUF};
use loggia_stack::socket::numbers::tcp::{LEVEL as IPPROTO_TCP, TCP_INFO};

use crate::script::{Script, pattern};

const SYN: &str = "mss 1460,nop,nop,sackOK,nop,wscale 0";

/// A connection over a path of 20 ms with a small send buffer.
fn connection() -> (Script, SocketId) {
    let mut t = Script::new();
    let listener = t.listen(5);
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
    t.run(20);
    t.inject(". 1:1(0) ack 1 win 65535");
    let (socket, _) = t.stack.accept(listener).unwrap();
    t.stack.setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &4000i32.to_ne_bytes()).unwrap();
    (t, socket)
}

/// Milliseconds: there was something to send, the peer's window held it back, the buffer did.
pub(crate) fn waited(t: &mut Script, socket: SocketId) -> [u64; 3] {
    let mut info = [0; 512];
    t.stack.getsockopt(socket, IPPROTO_TCP, TCP_INFO, &mut info).unwrap();
    // `tcpi_busy_time`, `tcpi_rwnd_limited`, `tcpi_sndbuf_limited`
    [168, 176, 184].map(|at: usize| (u64::from_ne_bytes(info[at..at + 8].try_into().unwrap()) + 500) / 1000)
}

/// All is sent, the windows have room, and a writer found none in the buffer: whether he copies or hands chunks over.
#[test]
fn a_writer_without_room_waits_for_the_buffer() {
    for hands_over in [false, true] {
        let (mut t, socket) = connection();
        let data = pattern(0, 1460);
        let mut written = 0;
        let write = |t: &mut Script| {
            if hands_over {
                t.stack.send_bytes(socket, data.clone().into(), MsgFlags::DONTWAIT)
            } else {
                t.stack.send(socket, &data, MsgFlags::DONTWAIT)
            }
        };
        while let Ok(taken) = write(&mut t) {
            written += taken;
        }
        while t.next().is_some() {}
        t.run(30);
        assert_eq!(waited(&mut t, socket), [30, 0, 30], "chunks: {hands_over}");
        t.inject(&format!(". 1:1(0) ack {} win 65535", written + 1));
        t.run(100);
        assert_eq!(waited(&mut t, socket), [30, 0, 30], "and then for nothing");
    }
}

/// The peer's window is closed for four days: longer than can be counted, so that the time stops; it does not begin anew.
#[test]
fn a_wait_that_is_too_long_to_be_counted_does_not_run_backwards() {
    let (mut t, socket) = connection();
    t.inject(". 1:1(0) ack 1 win 0");
    t.write(socket, 0, 100);
    let mut before = 0;
    for _ in 0..4 * 24 {
        for _ in 0..60 {
            t.run(60_000);
            let probed = t.next().is_some();
            while t.next().is_some() {}
            if probed {
                t.inject(". 1:1(0) ack 1 win 0");
            }
        }
        let [busy, window, _] = waited(&mut t, socket);
        assert!(window >= before && busy >= window, "{before} and then {window} of {busy}");
        before = window;
    }
    assert_eq!(before / 1000 / 3600, 76, "three days and four hours");
}
