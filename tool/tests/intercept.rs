//! Unmodified programs on the sockets of a lab.

mod common;

use std::process::Command;

use common::{A, B, Stage};
use loggia_cli::process::Status;

/// Whether a program is there; if not the test says so and is over.
fn has(program: &str) -> bool {
    let there = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().is_ok_and(|out| out.status.success());
    if !there {
        eprintln!("SKIPPED: {program} is not installed");
    }
    there
}

#[test]
fn curl_fetches_from_a_python_server_over_a_slow_link() {
    if !(has("python3") && has("curl")) {
        return;
    }
    let mut stage = Stage::new("http", 20);
    let blob: Vec<u8> = (0..300_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    std::fs::write(stage.folder().join("blob"), &blob).expect("a file");
    stage.sh(A, "exec python3 -u -m http.server 8000");
    stage.until_listens(A, 8000);
    let client = stage.sh(B, "curl -sS -o got -w '%{http_code}' http://10.0.0.1:8000/blob");
    let outcome = stage.finish(client);
    assert_eq!((outcome.status, outcome.output.as_str()), (Status::Exit(0), "200"));
    assert_eq!(std::fs::read(stage.folder().join("got")).expect("a file"), blob);
    assert!(stage.supervisor.refused().is_empty());
}

/// Compiles one of our own programs; none if there is no compiler.
fn compiled(stage: &Stage, name: &str) -> Option<String> {
    if !has("cc") {
        return None;
    }
    let source = format!("{}/tests/programs/{name}.c", env!("CARGO_MANIFEST_DIR"));
    let program = stage.folder().join(name).to_string_lossy().into_owned();
    let made = Command::new("cc").args(["-O1", "-pthread", "-o", &program, &source]).status().expect("cc runs");
    assert!(made.success(), "{name}.c does not compile");
    Some(program)
}

/// Runs a Python script on host B beside what is on A, and gives what it printed.
fn python(stage: &mut Stage, script: &str) -> String {
    std::fs::write(stage.folder().join("script.py"), script).expect("a file");
    let client = stage.sh(B, "exec python3 script.py");
    let outcome = stage.finish(client);
    assert_eq!(outcome.status, Status::Exit(0), "{}", outcome.output);
    outcome.output
}

#[test]
fn no_connection_is_lost_under_three_thousand_signals_a_second() {
    for precise in [false, true] {
        let options = loggia_cli::intercept::Options { precise, ..Default::default() };
        let mut stage = Stage::with("signals", loggia_lab::link::Terms::default(), options);
        let Some(program) = compiled(&stage, "signals") else { return };
        for handler in ["", "interrupting"] {
            let client = stage.sh(A, &format!("exec {program} 3000 {handler}"));
            let outcome = stage.finish(client);
            let expected = "3000 accepted, 3000 bytes, many signals, next descriptor 4\n";
            assert_eq!(outcome.output, expected, "precise: {precise}, handler: {handler}");
            // The end of a program may be seen a moment before those of its sockets.
            stage.until("no descriptor is left over", |stage| stage.supervisor.sockets(|_, _| true).is_empty());
        }
    }
}

#[test]
fn who_polls_right_after_accept_does_not_find_what_it_accepted() {
    for precise in [false, true] {
        let options = loggia_cli::intercept::Options { precise, ..Default::default() };
        let mut stage = Stage::with("accepts", loggia_lab::link::Terms::default(), options);
        let Some(program) = compiled(&stage, "accepts") else { return };
        let server = stage.sh(A, &format!("exec {program}"));
        assert_eq!(stage.finish(server).output, "200 accepted, 0 times more\n", "precise: {precise}");
    }
}

#[test]
fn hostile_programs_confuse_nobody() {
    let mut stage = Stage::new("hostile", 0);
    let Some(program) = compiled(&stage, "hostile") else { return };
    let attack = stage.sh(A, &format!("exec {program}"));
    stage.finish(attack);
    if has("python3") {
        stage.sh(A, "exec python3 -m http.server 8000");
        stage.until_listens(A, 8000);
        let fetch = "import urllib.request; print(urllib.request.urlopen('http://10.0.0.1:8000/').status)";
        assert_eq!(python(&mut stage, fetch), "200\n");
    }
}

#[test]
fn datagrams_keep_their_boundaries_and_their_senders() {
    if !has("python3") {
        return;
    }
    let mut stage = Stage::new("datagrams", 5);
    std::fs::write(
        stage.folder().join("server.py"),
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('', 9000))\nwhile True:\n    data, who = s.recvfrom(70000)\n    s.sendto(data[::-1], who)\n",
    )
    .expect("a file");
    stage.sh(A, "exec python3 server.py");
    stage.until_listens(A, 9000);
    let script = "
import socket
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for data in [b'ab', b'', b'c' * 40000]:
    one.sendto(data, ('10.0.0.1', 9000))
    back, who = one.recvfrom(70000)
    print(len(back), back == data[::-1], who)
two = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
two.connect(('10.0.0.1', 9000))
two.send(b'connected')
print(two.recv(100))
two.connect(('10.0.0.1', 9))
two.send(b'nobody there')
two.settimeout(5)
try:
    two.recv(10)
except OSError as error:
    print('told', type(error).__name__)
";
    let said = python(&mut stage, script);
    let who = "('10.0.0.1', 9000)";
    assert_eq!(said, format!("2 True {who}\n0 True {who}\n40000 True {who}\nb'detcennoc'\ntold ConnectionResetError\n"));
}

#[test]
fn a_datagram_to_a_socket_that_was_just_closed_is_refused() {
    if !has("python3") {
        return;
    }
    let mut stage = Stage::new("just-closed", 0);
    let script = "
import socket
gone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
gone.bind(('127.0.0.1', 0)); name = gone.getsockname(); gone.close()
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.connect(name); one.send(b'x'); one.settimeout(5)
try:
    one.recv(10)
except OSError as error:
    print('told', type(error).__name__)
again = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); again.bind(name); again.close(); print('bound')
two = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); two.setsockopt(socket.IPPROTO_IP, 11, 1)
two.sendto(b'hello', name)
try:
    two.recvfrom(10)
except OSError as error:
    print(type(error).__name__, two.recvmsg(100, 200, 0x2000)[0])
";
    assert_eq!(python(&mut stage, script), "told ConnectionResetError\nbound\nConnectionRefusedError b'hello'\n");
}

#[test]
fn a_datagram_may_be_made_of_several_sends() {
    if !has("python3") {
        return;
    }
    let mut stage = Stage::new("more", 0);
    let script = "
import signal, socket
two = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); two.bind(('127.0.0.1', 0)); two.settimeout(5)
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); one.connect(two.getsockname())
one.send(b'one ', socket.MSG_MORE); one.send(b'and ', socket.MSG_MORE); one.send(b'the same'); one.send(b'another')
print(two.recv(100), two.recv(100))
signal.signal(signal.SIGPIPE, lambda *_: print('SIGPIPE'))
server = socket.create_server(('127.0.0.1', 0))
stream = socket.create_connection(server.getsockname()); peer, _ = server.accept()
stream.send(b'x' * 20); print(len(peer.recv(100)))
stream.shutdown(socket.SHUT_WR)
try:
    stream.send(b'x' * 20)
except BrokenPipeError:
    print('broken')
";
    assert_eq!(python(&mut stage, script), "b'one and the same' b'another'\n20\nSIGPIPE\nbroken\n");
}

#[test]
fn arguments_are_judged_as_on_linux() {
    if !has("python3") {
        return;
    }
    let mut stage = Stage::new("arguments", 0);
    let script = "
import ctypes, errno, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
def named(result): return errno.errorcode[ctypes.get_errno()] if result < 0 else result
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0))
t = socket.socket()
print(named(libc.bind(t.fileno(), struct.pack('H108s', 1, b'.'), 110)), named(libc.bind(t.fileno(), bytes(2), 2)))
for seconds, nanos in ((-1, 0), (0, 1_000_000_000), (0, -1)):
    time = struct.pack('qq', seconds, nanos)
    print(named(libc.recvmmsg(s.fileno(), bytes(64), 1, socket.MSG_DONTWAIT, time)))
name = ctypes.create_string_buffer(16)
message = struct.pack('PIxxxxPQPQixxxx', ctypes.addressof(name), 0xffffffff, 0, 0, 0, 0, 0)
print(named(libc.recvmsg(s.fileno(), message, socket.MSG_DONTWAIT)))
room, size = ctypes.create_string_buffer(4), ctypes.c_int(4)
for length in (0, 8, 200):
    name = ctypes.create_string_buffer(struct.pack('H', 2) + struct.pack('!H', 9) + socket.inet_aton('127.0.0.1'), 300)
    message = struct.pack('PIxxxxPQPQixxxx', ctypes.addressof(name), length, 0, 0, 0, 0, 0)
    print(named(libc.sendmsg(s.fileno(), message, 0)), named(libc.sendto(s.fileno(), b'', 0, 0, name, length)))
print(named(libc.getsockopt(s.fileno(), 500, 1, room, ctypes.byref(size))), named(libc.setsockopt(s.fileno(), 500, 1, room, 4)))
";
    let names = "EDESTADDRREQ EINVAL\nEINVAL EINVAL\n0 EINVAL\n";
    let expected = format!("EAFNOSUPPORT EINVAL\nEINVAL\nEINVAL\nEINVAL\nEINVAL\n{names}ENOTSUP ENOPROTOOPT\n");
    assert_eq!(python(&mut stage, script), expected);
}

#[test]
fn who_asked_for_errors_is_told_of_them_by_poll() {
    if !has("python3") {
        return;
    }
    let mut stage = Stage::new("errors-asked-for", 0);
    let script = "
import errno, select, socket
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.bind(('127.0.0.1', 0)); one.setsockopt(socket.IPPROTO_IP, 11, 1)
poll = select.poll(); poll.register(one, select.POLLIN); print(poll.poll(0))
one.sendto(b'hello', ('127.0.0.1', 9))
print(poll.poll(5000)[0][1] & select.POLLERR)
data, ancillary, flags, to = one.recvmsg(100, 200, 0x2000)
print(data, len(ancillary), to, flags & 0x2000 != 0)
print(errno.errorcode.get(one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)), one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
two = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); two.sendto(b'still there', one.getsockname())
print(one.recv(100))
";
    let expected = "[]\n8\nb'hello' 1 ('127.0.0.1', 9) True\nECONNREFUSED 0\nb'still there'\n";
    assert_eq!(python(&mut stage, script), expected);
}

#[test]
fn refusals_silence_and_resets_are_what_linux_says() {
    if !has("python3") {
        return;
    }
    let mut stage = Stage::new("errors", 5);
    let script = "
import errno, select, socket, struct
def named(number): return errno.errorcode.get(number, number)
s = socket.socket()
print('blocking', named(s.connect_ex(('10.0.0.1', 1))), named(s.connect_ex(('10.0.0.1', 1))))
s = socket.socket(); s.setblocking(False)
print('begun', named(s.connect_ex(('10.0.0.1', 1))))
print('poll', select.poll().poll(0) == [], [mask for p in [select.poll()] for _ in [p.register(s)] for _, mask in p.poll(5000)])
print('told', named(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)), s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
s = socket.socket(); s.settimeout(0.2)
try:
    s.connect(('10.0.0.77', 80))
except OSError as error:
    print('nobody', type(error).__name__)
l = socket.create_server(('::', 7000), family=socket.AF_INET6, dualstack_ipv6=True)
c = socket.create_connection(('127.0.0.1', 7000)); a, who = l.accept()
print('mapped', who[0])
a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
a.send(b'last words'); print(c.recv(100)); a.close()
try:
    c.recv(1)
except OSError as error:
    print('reset', type(error).__name__)
try:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
except OSError as error:
    print('raw', named(error.errno))
";
    let said = python(&mut stage, script);
    let expected = "blocking ECONNREFUSED ECONNREFUSED\nbegun EINPROGRESS\npoll True [29]\ntold ECONNREFUSED 0\nnobody TimeoutError\n\
                    mapped ::ffff:127.0.0.1\nb'last words'\nreset ConnectionResetError\nraw EPERM\n";
    assert_eq!(said, expected);
}

#[test]
fn who_wants_all_gets_all() {
    if !has("python3") {
        return;
    }
    let script = "
import errno, signal, socket, struct, threading, time
def named(call, *args):
    try:
        return call(*args)
    except OSError as error:
        return errno.errorcode[error.errno]
ALL = socket.MSG_WAITALL
server = socket.create_server(('127.0.0.1', 7000))
one = socket.create_connection(('127.0.0.1', 7000)); two, _ = server.accept()
def pieces():
    for piece in [b'ab', b'cd', b'ef']:
        one.sendall(piece); time.sleep(0.05)
def begin(act): threading.Thread(target=act).start()
begin(pieces); print(two.recv(5, ALL), two.recv(5))
into = [bytearray(3), bytearray(2)]
begin(pieces); print(two.recvmsg_into(into, 0, ALL)[0], into, two.recv(5))
begin(pieces); print(two.recvfrom(6, ALL)[0], named(two.recv, 6, ALL | socket.MSG_DONTWAIT))
one.sendall(b'gh'); time.sleep(0.1); print(two.recv(6, ALL | socket.MSG_DONTWAIT))
two.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('ll', 0, 400_000))
begin(pieces); print(two.recv(9, ALL), named(two.recv, 9, ALL))
two.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('ll', 0, 0))
signal.signal(signal.SIGALRM, lambda *_: print('signal'))
signal.setitimer(signal.ITIMER_REAL, 0.4); begin(pieces); print(two.recv(9, ALL))
big = bytes(3_000_000); begin(lambda: one.sendall(big)); print(two.recv(len(big), ALL) == big)
begin(lambda: (pieces(), one.close())); print(two.recv(9, ALL), two.recv(9, ALL))
";
    for precise in [false, true] {
        let options = loggia_cli::intercept::Options { precise, ..Default::default() };
        let mut stage = Stage::with("whole", loggia_lab::link::Terms::default(), options);
        let expected = "b'abcde' b'f'\n5 [bytearray(b'abc'), bytearray(b'de')] b'f'\nb'abcdef' EAGAIN\nb'gh'\nb'abcdef' EAGAIN\n\
                        signal\nb'abcdef'\nTrue\nb'abcdef' b''\n";
        assert_eq!(python(&mut stage, script), expected, "precise: {precise}");
    }
}

/// They are handed on before they are taken from where they lie.
#[test]
fn small_messages_come_once_in_order_and_leave_the_queue() {
    if !has("python3") {
        return;
    }
    let mut stage = Stage::new("small", 0);
    let script = "
import fcntl, random, signal, socket, struct, termios, threading, time
signal.alarm(60); random.seed(4711)
server = socket.create_server(('127.0.0.1', 7000))
def pair(): one = socket.create_connection(('127.0.0.1', 7000)); return one, server.accept()[0]
def echo(peer):
    while data := peer.recv(3000): peer.sendall(data)
    peer.close()
one, peer = pair(); threading.Thread(target=echo, args=[peer]).start()
sent, came = bytearray(), bytearray()
for turn in range(3000):
    piece = random.randbytes(random.choice([1, 1, 2, 40, 511, 512, 513, 900])); one.sendall(piece); sent += piece
    while random.random() < 0.7 and len(came) < len(sent): came += one.recv(600)
one.shutdown(socket.SHUT_WR)
while data := one.recv(9999): came += data
print(sent == came)

one, peer = pair(); one.send(b'x'); print(peer.recv(9))
def left(): return struct.unpack('i', fcntl.ioctl(one, termios.TIOCOUTQ, bytes(4)))[0]
while left(): time.sleep(0.001)
one.send(b'y'); print(peer.recv(9)); peer.close(); print(one.recv(9))
one, peer = pair(); one.send(b'z'); print(peer.recv(9)); one.close(); print(peer.recv(9))

one, peer = pair(); one.setblocking(False); count = 0
try:
    while True: count += one.send(b'.')
except BlockingIOError: pass
one.setblocking(True); one.send(b'.' * 300); one.close(); got = 0
while data := peer.recv(9999): got += len(data)
print(got - count)
";
    assert_eq!(python(&mut stage, script), "True\nb'x'\nb'y'\nb''\nb'z'\nb''\n300\n");
}

/// A program reads what stands before an urgent byte, then what stands behind it, wherever the byte waited.
#[test]
fn an_urgent_byte_keeps_its_place() {
    if !has("python3") {
        return;
    }
    let script = "
import signal, socket, threading, time
signal.alarm(60)
server = socket.create_server(('127.0.0.1', 7000))
for before in [2, 100_000, 3_000_000]:
    for inline in [False, True]:
        one = socket.create_connection(('127.0.0.1', 7000)); two, _ = server.accept()
        two.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, inline)
        def write(): one.sendall(bytes(before)); one.send(b'u', socket.MSG_OOB); one.sendall(b'end')
        writer = threading.Thread(target=write); writer.start(); time.sleep(0.1); got = 0
        while got < before: got += len(two.recv(before + 9))
        writer.join(); time.sleep(0.1)
        print(got, two.recv(9) if inline else (two.recv(1, socket.MSG_OOB), two.recv(9)))
";
    let expected = [2, 100_000, 3_000_000].map(|before| format!("{before} (b'u', b'end')\n{before} b'uend'\n")).concat();
    for precise in [false, true] {
        let options = loggia_cli::intercept::Options { precise, ..Default::default() };
        let mut stage = Stage::with("urgent", loggia_lab::link::Terms::default(), options);
        assert_eq!(python(&mut stage, script), expected, "precise: {precise}");
    }
}

/// Neither the one who resets waits for room, nor who writes or waits for room and does not read; who reads gets what came before.
#[test]
fn a_reset_passes_by_what_nobody_reads() {
    if !has("python3") {
        return;
    }
    let script = "
import errno, select, signal, socket, struct, time
signal.alarm(60)
server = socket.create_server(('127.0.0.1', 7000))
def fill(sock):
    sock.setblocking(False)
    for _ in range(20):
        try: sock.send(bytes(100_000))
        except BlockingIOError: time.sleep(0.01)
def named(call, *args):
    try: return call(*args)
    except OSError as error: return errno.errorcode[error.errno]
def lingers_not(one): one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
def has_unread(one): pass
for reason in [lingers_not, has_unread]:
    for full in [False, True]:
        one = socket.create_connection(('127.0.0.1', 7000)); two, _ = server.accept()
        if reason is has_unread or full: two.send(b'unread')
        if full: fill(two)
        fill(one); time.sleep(0.1); reason(one); one.close()
        two.settimeout(5); wrote = named(two.sendall, bytes(9_000_000)); got = 0
        while isinstance(data := named(two.recv, 100_000), bytes) and data: got += len(data)
        print(wrote in ['EPIPE', 'ECONNRESET'], got > 0, data in [b'', 'ECONNRESET'])
";
    for precise in [false, true] {
        let options = loggia_cli::intercept::Options { precise, ..Default::default() };
        let mut stage = Stage::with("resets", loggia_lab::link::Terms::default(), options);
        assert_eq!(python(&mut stage, script), "True True True\n".repeat(4), "precise: {precise}");
    }
}

#[test]
fn a_second_connect_keeps_what_waits_for_the_socket() {
    if !has("python3") {
        return;
    }
    let mut stage = Stage::new("second", 0);
    let script = "
import errno, select, socket
def named(number): return errno.errorcode.get(number, number)
server = socket.create_server(('127.0.0.1', 7000))
for edge in [0, select.EPOLLET]:
    s = socket.socket(); s.setblocking(False); twin = s.dup()
    levels = select.epoll()
    levels.register(s, select.EPOLLOUT | edge); levels.register(twin, select.EPOLLIN | select.EPOLLOUT | edge)
    number = {s.fileno(): 'one', twin.fileno(): 'two'}
    def waits(): return sorted((number[fd], mask) for fd, mask in levels.poll(5, 8))
    waits(); print(named(s.connect_ex(('127.0.0.1', 1))))
    print(waits(), named(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)))
    print(named(s.connect_ex(('127.0.0.1', 7000))), waits())
    print(named(s.connect_ex(('127.0.0.1', 7000))), waits(), named(twin.connect_ex(('127.0.0.1', 7000))))
    levels.modify(s, 0); levels.modify(twin, select.EPOLLIN)
    server.accept()[0].sendall(b'x'); print(waits(), twin.recv(2))
    levels.unregister(twin); twin.close(); s.close(); print(levels.poll(0))
";
    let said = python(&mut stage, script);
    let both = "EINPROGRESS\n[('one', 28), ('two', 29)] ECONNREFUSED\nECONNABORTED [('one', 20), ('two', 20)]\n\
                EINPROGRESS [('one', 4), ('two', 4)] 0\n[('two', 1)] b'x'\n[]\n";
    assert_eq!(said, both.repeat(2));
}

/// What natively stands for the socket is another after a failed `connect`.
#[test]
fn a_second_connect_keeps_what_was_set() {
    if !has("python3") {
        return;
    }
    let mut stage = Stage::new("kept", 0);
    let script = "
import errno, select, signal, socket, struct, threading, time
from socket import SOL_SOCKET, SO_OOBINLINE, SO_RCVBUF, SO_RCVLOWAT, SO_RCVTIMEO, SO_SNDBUF
SO_PEEK_OFF = 42
signal.alarm(60)
server = socket.socket(); server.setsockopt(SOL_SOCKET, SO_RCVBUF, 4096); server.bind(('127.0.0.1', 7000)); server.listen()
s = socket.socket(); s.setblocking(False); poll = select.poll(); poll.register(s, select.POLLOUT)
s.setsockopt(SOL_SOCKET, SO_RCVTIMEO, struct.pack('ll', 2, 0))
for option, value in [(SO_RCVLOWAT, 3), (SO_PEEK_OFF, 0), (SO_OOBINLINE, 1), (SO_SNDBUF, 4096)]:
    s.setsockopt(SOL_SOCKET, option, value)
s.connect_ex(('127.0.0.1', 1)); poll.poll(); print(errno.errorcode[s.getsockopt(SOL_SOCKET, socket.SO_ERROR)])
while s.connect_ex(('127.0.0.1', 7000)): poll.poll()
peer, _ = server.accept(); s.setblocking(True)
def pieces(): peer.send(b'ab'); time.sleep(0.2); peer.send(b'c')
threading.Thread(target=pieces).start(); print(s.recv(9))
peer.send(b'defghi'); print(s.recv(3, socket.MSG_PEEK), s.recv(3, socket.MSG_PEEK), s.recv(9))
print(s.getsockopt(SOL_SOCKET, SO_OOBINLINE))
try: s.recv(1)
except BlockingIOError: print('nothing came')
s.setblocking(False); sent = 0
while poll.poll(300):
    try:
        while True: sent += s.send(bytes(4096))
    except BlockingIOError: pass
print(sent < 100_000 or sent)
";
    let said = python(&mut stage, script);
    assert_eq!(said, "ECONNREFUSED\nb'abc'\nb'def' b'ghi' b'defghi'\n1\nnothing came\nTrue\n");
}

#[test]
fn nothing_is_left_when_programs_are_gone() {
    if !has("python3") {
        return;
    }
    let mut stage = Stage::new("leftovers", 0);
    let script = "
import os, socket
keep = [socket.socket() for _ in range(20)] + [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(20)]
server = socket.create_server(('127.0.0.1', 7000), backlog=64)
keep += [socket.create_connection(('127.0.0.1', 7000)) for _ in range(20)]
keep += [server.accept()[0] for _ in range(10)]
keep[0].close(); server.close()
again = socket.create_server(('127.0.0.1', 7001)); again.close()
again = socket.create_server(('127.0.0.1', 7001)); again.close()
if os.fork() == 0:
    os.execvp('sleep', ['sleep', '0.2'])
os._exit(0)
";
    python(&mut stage, script);
    stage.until("every socket is closed", |stage| {
        let rows = stage.world.stack(B).socket_rows();
        rows.iter().all(|row| row.socket.is_none())
    });
    assert!(stage.supervisor.sockets(|_, _| true).is_empty());
}

#[test]
fn names_are_answered_whatever_server_is_asked() {
    if !has("python3") {
        return;
    }
    let names = Box::new(|_, query: &[u8]| (query.len() > 12).then(|| [&query[..2], b" answered"].concat()));
    let options = loggia_cli::intercept::Options { names, ..Default::default() };
    let mut stage = Stage::with("names", loggia_lab::link::Terms::default(), options);
    let script = "
import socket
for server in ['192.0.2.53', '127.0.0.53']:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.sendto(b'Q1' + bytes(20), (server, 53)); print(s.recvfrom(100))
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.connect((server, 53)); s.send(b'Q2' + bytes(20)); print(s.recv(100), s.getpeername())
";
    let said = python(&mut stage, script);
    let of = |server: &str| format!("(b'Q1 answered', ('{server}', 53))\nb'Q2 answered' ('{server}', 53)\n");
    assert_eq!(said, of("192.0.2.53") + &of("127.0.0.53"));
}

#[test]
fn in_precise_mode_every_write_and_read_is_one_of_the_stack() {
    if !has("python3") {
        return;
    }
    let options = loggia_cli::intercept::Options { precise: true, ..Default::default() };
    let mut stage = Stage::with("precise", loggia_lab::link::Terms::default(), options);
    let script = "
import errno, fcntl, os, select, socket, struct, termios, threading, time
def named(call, *args):
    try:
        return call(*args)
    except OSError as error:
        return errno.errorcode[error.errno]
fresh = socket.socket()
print(named(fresh.recv, 1), named(fresh.send, b'x'))
server = socket.create_server(('127.0.0.1', 7000))
one = socket.create_connection(('127.0.0.1', 7000)); two, _ = server.accept()
poll = select.poll(); poll.register(two, select.POLLIN)
one.sendall(b'ab'); os.write(one.fileno(), b'cde'); os.writev(one.fileno(), [b'f', b'gh'])
time.sleep(0.1); print(poll.poll(5000)[0][1], struct.unpack('i', fcntl.ioctl(two, termios.FIONREAD, b'....'))[0])
print(two.recv(3), os.read(two.fileno(), 3), two.recv_into(bytearray(9)))
print(poll.poll(0), named(two.recv, 1, socket.MSG_DONTWAIT))
big = b'x' * 3_000_000
reader = threading.Thread(target=lambda: print(sum(len(data) for data in iter(lambda: two.recv(65536), b''))))
reader.start(); one.sendall(big); one.shutdown(socket.SHUT_WR); reader.join()
two.send(b'back'); print(one.recv(10)); two.close(); print(one.recv(10))
datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print(named(datagram.send, b'x'))
datagram.connect(('127.0.0.1', 9)); datagram.send(b'x'); datagram.settimeout(5); print(named(datagram.recv, 1))
";
    let said = python(&mut stage, script);
    let expected = "ENOTCONN EPIPE\n1 8\nb'abc' b'def' 2\n[] EAGAIN\n3000000\nb'back'\nb''\nEDESTADDRREQ\nECONNREFUSED\n";
    assert_eq!(said, expected);
}
