#!/usr/bin/env python3
"""Some hundred and sixty observations of the socket calls, one a line: `name: what was seen`.

Run it on the machine and under `loggia run --`, and compare line by line (see `run`). Everything happens on loopback addresses.
Values that differ from run to run (ports, times, descriptors) are not printed; counts and bits are.
"""
import array
import ctypes
import errno
import fcntl
import os
import select
import signal
import socket
import stat
import struct
import sys
import tempfile
import termios
import threading
import time

OBSERVATIONS = []
IP_PKTINFO = 8
SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING = 29, 35, 37
SOF_TIMESTAMPING_SOFTWARE = 1 << 3 | 1 << 4  # that they are made, and told
FAMILIES = {"4": (socket.AF_INET, "127.0.0.1"), "6": (socket.AF_INET6, "::1")}


def observe(function):
    """Registers an observation; its name is the function's."""
    OBSERVATIONS.append((function.__name__, function))
    return function


def outcome(call, *args):
    """The result of a call, or the name of its error."""
    try:
        return call(*args)
    except socket.timeout:
        return "timeout"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))


def bits(mask):
    names = ["IN", "PRI", "OUT", "ERR", "HUP", "NVAL", "RDNORM", "RDBAND", "WRNORM", "WRBAND", "MSG", "", "", "RDHUP"]
    return "|".join(name for number, name in enumerate(names) if mask >> number & 1 and name) or "-"


ASK = select.POLLIN | select.POLLOUT | select.POLLPRI | select.POLLRDHUP


def polled(sock, wait_ms=0, wanted=0):
    """The bits that poll reports; waits until `wanted` is among them, if it is given."""
    poller = select.poll()
    poller.register(sock, ASK)
    until = time.monotonic() + 3
    while True:
        found = poller.poll(wait_ms)
        mask = found[0][1] if found else 0
        if not wanted or mask & wanted or time.monotonic() > until:
            return bits(mask)
        time.sleep(0.01)


def settled(sock, ms=150):
    time.sleep(ms / 1000)
    return polled(sock)


def listener(family="4", backlog=8):
    af, host = FAMILIES[family]
    sock = socket.socket(af, socket.SOCK_STREAM)
    sock.bind((host, 0))
    sock.listen(backlog)
    return sock


def pair(family="4"):
    """A connected pair over TCP: client and accepted."""
    server = listener(family)
    client = socket.socket(FAMILIES[family][0], socket.SOCK_STREAM)
    client.settimeout(5)
    client.connect(server.getsockname())
    client.settimeout(None)
    accepted, _ = server.accept()
    server.close()
    return client, accepted


def free_port(family="4"):
    sock = socket.socket(FAMILIES[family][0], socket.SOCK_STREAM)
    sock.bind((FAMILIES[family][1], 0))
    port = sock.getsockname()[1]
    sock.close()
    return port


def queued(sock, request=termios.FIONREAD):
    room = array.array("i", [0])
    return outcome(lambda: fcntl.ioctl(sock, request, room) or room[0])


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


# A fresh socket -------------------------------------------------------------------------------------------------------------------

@observe
def fresh_tcp_poll():
    return polled(socket.socket())

@observe
def fresh_tcp_recv():
    return outcome(socket.socket().recv, 1)

@observe
def fresh_tcp_send():
    return outcome(socket.socket().send, b"x")

@observe
def fresh_tcp_getpeername():
    return outcome(socket.socket().getpeername)

@observe
def fresh_tcp_getsockname():
    return outcome(socket.socket().getsockname)

@observe
def fresh_tcp_shutdown():
    return outcome(socket.socket().shutdown, socket.SHUT_RDWR)

@observe
def fresh_tcp_accept():
    return outcome(socket.socket().accept)

@observe
def fresh_udp_poll():
    return polled(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

@observe
def fresh_udp_send():
    return outcome(socket.socket(socket.AF_INET, socket.SOCK_DGRAM).send, b"x")

@observe
def fresh_types():
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    names = (socket.SO_TYPE, socket.SO_DOMAIN, socket.SO_PROTOCOL, socket.SO_ACCEPTCONN, socket.SO_ERROR)
    return [sock.getsockopt(socket.SOL_SOCKET, name) for name in names]

@observe
def unknown_protocol():
    return outcome(socket.socket, socket.AF_INET, socket.SOCK_STREAM, 17)

@observe
def unknown_type():
    return outcome(socket.socket, socket.AF_INET, 77, 0)

@observe
def nonblocking_and_cloexec_flags():
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    return bool(fcntl.fcntl(sock, fcntl.F_GETFL) & os.O_NONBLOCK), bool(fcntl.fcntl(sock, fcntl.F_GETFD) & fcntl.FD_CLOEXEC)

@observe
def fstat_is_socket():
    sock = socket.socket()
    return stat.S_ISSOCK(os.fstat(sock.fileno()).st_mode)


# Names ------------------------------------------------------------------------------------------------------------------------------

@observe
def bind_twice():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return outcome(sock.bind, ("127.0.0.1", 0))

@observe
def bind_in_use():
    sock = listener()
    return outcome(socket.socket().bind, sock.getsockname())

@observe
def bind_foreign_address():
    return outcome(socket.socket().bind, ("192.0.2.77", 0))

@observe
def bind_after_close():
    sock = listener()
    name = sock.getsockname()
    sock.close()
    return outcome(socket.socket().bind, name)

@observe
def bind_reuse_of_dead_child():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    name = sock.getsockname()
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    sock.close()
    return outcome(socket.socket().bind, name)

@observe
def reuseport_shares():
    one, two = socket.socket(), socket.socket()
    for sock in (one, two):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind(("127.0.0.1", 0))
    return outcome(two.bind, one.getsockname())

@observe
def any_address_name_after_connect():
    client, _ = pair()
    return client.getsockname()[0], client.getpeername()[0]

@observe
def dual_stack_peer_is_mapped():
    server = socket.socket(socket.AF_INET6)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", 0))
    server.listen()
    client = socket.create_connection(("127.0.0.1", server.getsockname()[1]), 5)
    accepted, peer = server.accept()
    return peer[0], accepted.getsockname()[0], client.getpeername()[0]

@observe
def v6only_refuses_v4():
    server = socket.socket(socket.AF_INET6)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind(("::", 0))
    server.listen()
    return outcome(socket.create_connection, ("127.0.0.1", server.getsockname()[1]), 5)

@observe
def connect_wrong_family():
    libc = ctypes.CDLL(None, use_errno=True)
    sock = socket.socket()
    name = struct.pack("=HH", 99, 0) + bytes(12)
    libc.connect(sock.fileno(), name, len(name))
    return errno.errorcode[ctypes.get_errno()]

@observe
def connect_short_name():
    libc = ctypes.CDLL(None, use_errno=True)
    sock = socket.socket()
    libc.connect(sock.fileno(), struct.pack("=H", socket.AF_INET), 2)
    return errno.errorcode[ctypes.get_errno()]

@observe
def connect_bad_pointer():
    libc = ctypes.CDLL(None, use_errno=True)
    sock = socket.socket()
    libc.connect(sock.fileno(), ctypes.c_void_p(16), 16)
    return errno.errorcode[ctypes.get_errno()]

@observe
def getsockname_truncated_length():
    libc = ctypes.CDLL(None, use_errno=True)
    sock = listener()
    room, length = ctypes.create_string_buffer(4), ctypes.c_uint(4)
    result = libc.getsockname(sock.fileno(), room, ctypes.byref(length))
    return result, length.value, struct.unpack("=H", room.raw[:2])[0]


# Listening --------------------------------------------------------------------------------------------------------------------------

@observe
def listener_poll_idle():
    return polled(listener())

@observe
def listener_poll_waiting():
    server = listener()
    client = socket.create_connection(server.getsockname(), 5)
    return polled(server, wanted=select.POLLIN), polled(client)

@observe
def listener_poll_after_accept():
    server = listener()
    client = socket.create_connection(server.getsockname(), 5)
    server.accept()
    return polled(server), client.fileno() >= 0

@observe
def accept_nonblocking_empty():
    server = listener()
    server.setblocking(False)
    return outcome(server.accept)

@observe
def accept_timeout():
    server = listener()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 50000))
    return outcome(server.accept)

@observe
def accepted_does_not_inherit_nonblocking():
    server = listener()
    server.setblocking(False)
    client = socket.create_connection(server.getsockname(), 5)
    polled(server, wanted=select.POLLIN)
    fd, _ = server._accept()
    flag = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK
    os.close(fd)
    return bool(flag), client.fileno() >= 0

@observe
def data_before_accept():
    server = listener()
    client = socket.create_connection(server.getsockname(), 5)
    client.sendall(b"early")
    client.shutdown(socket.SHUT_WR)
    time.sleep(0.05)
    accepted, _ = server.accept()
    return accepted.recv(10), accepted.recv(10)

@observe
def listener_recv():
    return outcome(listener().recv, 1, socket.MSG_DONTWAIT)

@observe
def listener_connect():
    server = listener()
    return outcome(server.connect, server.getsockname())

@observe
def listen_again_changes_backlog():
    server = listener()
    return outcome(server.listen, 2)

@observe
def listener_closed_refuses():
    server = listener()
    name = server.getsockname()
    server.close()
    return outcome(socket.create_connection, name, 5)

@observe
def closed_with_waiting_connection_resets():
    server = listener()
    client = socket.create_connection(server.getsockname(), 5)
    server.close()
    return polled(client, wanted=select.POLLERR), outcome(client.recv, 1)

@observe
def listener_shared_by_fork():
    server = listener()
    if (pid := os.fork()) == 0:
        accepted, _ = server.accept()
        accepted.sendall(b"child")
        os._exit(0)
    client = socket.create_connection(server.getsockname(), 5)
    client.settimeout(5)
    answer = client.recv(10)
    os.waitpid(pid, 0)
    return answer


# Connecting -------------------------------------------------------------------------------------------------------------------------

@observe
def connect_refused():
    return outcome(socket.create_connection, ("127.0.0.1", free_port()), 5)

@observe
def connect_refused_then_reused():
    sock = socket.socket()
    first = outcome(sock.connect, ("127.0.0.1", free_port()))
    server = listener()
    return first, outcome(sock.connect, server.getsockname())

@observe
def connect_nonblocking_refused():
    sock = socket.socket()
    sock.setblocking(False)
    first = sock.connect_ex(("127.0.0.1", free_port()))
    mask = polled(sock, wanted=select.POLLERR)
    error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return errno.errorcode[first], mask, errno.errorcode.get(error, error), sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

@observe
def connect_nonblocking_established():
    server = listener()
    sock = socket.socket()
    sock.setblocking(False)
    first = errno.errorcode[sock.connect_ex(server.getsockname())]
    mask = polled(sock, wanted=select.POLLOUT)
    error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return first, mask, error, sock.connect_ex(server.getsockname()), errno.errorcode[sock.connect_ex(server.getsockname())]

@observe
def connect_edge_triggered():
    server = listener()
    sock = socket.socket()
    sock.setblocking(False)
    poller = select.epoll()
    poller.register(sock, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET | select.EPOLLRDHUP)
    poller.poll(0)
    sock.connect_ex(server.getsockname())
    found = []
    until = time.monotonic() + 3
    while time.monotonic() < until and not found:
        found = [bits(mask) for _, mask in poller.poll(0.1) if mask & select.EPOLLOUT and not mask & select.EPOLLHUP]
    return found, poller.poll(0.05)

@observe
def connect_edge_of_a_blocking_one():
    server = listener()
    sock = socket.socket()
    poller = select.epoll()
    poller.register(sock, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET | select.EPOLLRDHUP)
    poller.poll(0)
    sock.connect(server.getsockname())
    return [bits(mask) for _, mask in poller.poll(1)], poller.poll(0.05)

@observe
def connect_and_send_as_soon_as_it_goes():
    server = listener()
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex(server.getsockname())
    pattern = bytes(range(256)) * 400
    accepted = server.accept()[0]
    left, seen = memoryview(pattern), b""
    while left:
        try:
            left = left[sock.send(left):]
        except BlockingIOError:
            pass
    sock.close()
    while chunk := accepted.recv(1 << 16):
        seen += chunk
    return seen == pattern, len(seen)

@observe
def connect_already_connected():
    client, _ = pair()
    return outcome(client.connect, client.getpeername())

@observe
def connect_to_any_is_loopback():
    server = listener()
    client = socket.create_connection(("0.0.0.0", server.getsockname()[1]), 5)
    return client.getpeername()[0]

@observe
def connect_port_zero():
    return outcome(socket.create_connection, ("127.0.0.1", 0), 5)

@observe
def connect_unspec_dissolves():
    client, accepted = pair()
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.connect(client.fileno(), bytes(16), 16)
    return result, outcome(client.getpeername), polled(accepted, wanted=select.POLLHUP | select.POLLERR | select.POLLRDHUP)

@observe
def connect_with_pending_signal():
    hits = []
    signal.signal(signal.SIGALRM, lambda *_: hits.append(1))
    signal.siginterrupt(signal.SIGALRM, False)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    server = listener(backlog=64)
    results = set()
    for _ in range(300):
        sock = socket.socket()
        results.add(sock.connect_ex(server.getsockname()))
        server.accept()[0].close()
        sock.close()
    signaled = bool(hits)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return sorted(results), signaled


# Streams ----------------------------------------------------------------------------------------------------------------------------

@observe
def connected_poll():
    client, accepted = pair()
    return polled(client), polled(accepted)

@observe
def stream_has_no_boundaries():
    client, accepted = pair()
    client.sendall(b"ab")
    client.sendall(b"cd")
    time.sleep(0.05)
    return accepted.recv(10)

@observe
def fionread():
    client, accepted = pair()
    client.sendall(b"12345")
    time.sleep(0.05)
    return queued(accepted), accepted.recv(2), queued(accepted)

@observe
def peek_leaves():
    client, accepted = pair()
    client.sendall(b"12345")
    time.sleep(0.05)
    return accepted.recv(3, socket.MSG_PEEK), accepted.recv(10)

@observe
def waitall():
    client, accepted = pair()
    threading.Timer(0.05, client.sendall, [b"world"]).start()
    client.sendall(b"hello")
    return accepted.recv(10, socket.MSG_WAITALL)

@observe
def dontwait():
    _client, accepted = pair()
    return outcome(accepted.recv, 1, socket.MSG_DONTWAIT)

@observe
def zero_bytes_sent():
    client, accepted = pair()
    return client.send(b""), polled(accepted)

@observe
def zero_bytes_asked():
    client, accepted = pair()
    client.sendall(b"x")
    time.sleep(0.05)
    return accepted.recv(0), accepted.recv(1)

@observe
def receive_timeout():
    client, accepted = pair()
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 50000))
    return outcome(accepted.recv, 1), client.fileno() >= 0

@observe
def send_until_full():
    client, accepted = pair()
    client.setblocking(False)
    total = 0
    try:
        while True:
            total += client.send(bytes(65536))
    except BlockingIOError:
        pass
    return total > 65536, polled(client), accepted.fileno() >= 0

@observe
def full_then_drained():
    client, accepted = pair()
    client.setblocking(False)
    total = got = 0
    try:
        while True:
            total += client.send(bytes(65536))
    except BlockingIOError:
        pass
    accepted.settimeout(1)
    while got < total:
        got += len(accepted.recv(1 << 20))
    return got == total, polled(client, wanted=select.POLLOUT)

@observe
def half_close_poll():
    client, accepted = pair()
    client.shutdown(socket.SHUT_WR)
    return polled(accepted, wanted=select.POLLRDHUP), polled(client), accepted.recv(1)

@observe
def half_close_still_answers():
    client, accepted = pair()
    client.shutdown(socket.SHUT_WR)
    accepted.recv(1)
    accepted.sendall(b"answer")
    accepted.close()
    return client.recv(10), client.recv(10)

@observe
def both_closed_poll():
    client, accepted = pair()
    accepted.shutdown(socket.SHUT_WR)
    client.shutdown(socket.SHUT_WR)
    return polled(client, wanted=select.POLLHUP), polled(accepted, wanted=select.POLLHUP)

@observe
def shutdown_read():
    client, accepted = pair()
    client.shutdown(socket.SHUT_RD)
    return client.recv(1), polled(client), outcome(client.send, b"x"), accepted.fileno() >= 0

@observe
def send_after_shutdown():
    client, _accepted = pair()
    client.shutdown(socket.SHUT_WR)
    return outcome(client.send, b"x")

@observe
def shutdown_twice():
    client, _accepted = pair()
    client.shutdown(socket.SHUT_RDWR)
    return outcome(client.shutdown, socket.SHUT_RDWR)

@observe
def shutdown_bad_how():
    client, _accepted = pair()
    return outcome(client.shutdown, 7)

@observe
def peer_closed_then_send_twice():
    client, accepted = pair()
    accepted.close()
    time.sleep(0.05)
    first = outcome(client.send, b"x")
    time.sleep(0.1)
    return first, outcome(client.send, b"x")

@observe
def sigpipe():
    client, _accepted = pair()
    client.shutdown(socket.SHUT_WR)
    hits = []
    signal.signal(signal.SIGPIPE, lambda *_: hits.append(1))
    outcome(os.write, client.fileno(), b"x")
    with_signal = len(hits)
    outcome(client.send, b"x", socket.MSG_NOSIGNAL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    return with_signal, len(hits)

@observe
def reset_by_linger_zero():
    client, accepted = pair()
    reset(client)
    mask = polled(accepted, wanted=select.POLLERR)
    return mask, outcome(accepted.recv, 1), outcome(accepted.recv, 1), polled(accepted)

@observe
def reset_after_data():
    client, accepted = pair()
    client.sendall(b"last words")
    time.sleep(0.05)
    reset(client)
    time.sleep(0.05)
    return outcome(accepted.recv, 20)

@observe
def reset_so_error():
    client, accepted = pair()
    reset(client)
    polled(accepted, wanted=select.POLLERR)
    error = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return errno.errorcode.get(error, error), outcome(accepted.recv, 1)

@observe
def reset_send():
    client, accepted = pair()
    reset(client)
    polled(accepted, wanted=select.POLLERR)
    return outcome(accepted.send, b"x"), outcome(accepted.send, b"x")

def reset_behind_much():
    """A connection that was reset behind more than its end has read, and how much was sent."""
    client, accepted = pair()
    client.setblocking(False)
    sent = 0
    for _ in range(20):
        try:
            sent += client.send(bytes(1 << 16))
        except BlockingIOError:
            time.sleep(0.01)
    reset(client)
    time.sleep(0.1)
    accepted.settimeout(2)
    return accepted, sent

@observe
def reset_behind_much_that_is_read():
    accepted, sent = reset_behind_much()
    got, last = 0, b"-"
    while last and isinstance(last, bytes):
        last = outcome(accepted.recv, 1 << 16)
        got += len(last) if isinstance(last, bytes) else 0
    return 0 < got <= sent, last

@observe
def reset_behind_much_stops_a_writer():
    accepted, _ = reset_behind_much()
    kinds = {outcome(accepted.sendall, bytes(1 << 22)) for _ in range(2)}
    return kinds <= {"EPIPE", "ECONNRESET"}

@observe
def reset_behind_much_is_told():
    accepted, _ = reset_behind_much()
    error = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return errno.errorcode.get(error, error)

@observe
def reset_behind_much_wakes_a_writer():
    """One that waits for room, and does not read."""
    client, accepted = pair()
    for sock in (client, accepted):
        sock.setblocking(False)
        for _ in range(100):
            outcome(sock.send, bytes(1 << 18))
    room = select.poll()
    room.register(accepted, select.POLLOUT)
    waits = []
    for _ in range(20):
        waits = room.poll(20)
        if waits:
            outcome(accepted.send, bytes(1 << 18))
    reset(client)
    return waits, bool(room.poll(3000)), outcome(accepted.send, b"x") in ("EPIPE", "ECONNRESET")

@observe
def close_with_unread_data_resets():
    client, accepted = pair()
    client.sendall(b"unread")
    time.sleep(0.05)
    accepted.close()
    return polled(client, wanted=select.POLLERR), outcome(client.recv, 1)

@observe
def dup_keeps_open():
    client, accepted = pair()
    twin = client.dup()
    client.close()
    twin.sendall(b"twin")
    return accepted.recv(10)

@observe
def fork_keeps_open():
    client, accepted = pair()
    if (pid := os.fork()) == 0:
        time.sleep(0.1)
        client.sendall(b"child")
        os._exit(0)
    client.close()
    answer = accepted.recv(10)
    os.waitpid(pid, 0)
    return answer, accepted.recv(10)

@observe
def exec_keeps_open():
    client, accepted = pair()
    client.set_inheritable(True)
    if (pid := os.fork()) == 0:
        os.execv("/bin/sh", ["sh", "-c", f"echo from exec >&{client.fileno()}"])
    client.close()
    os.waitpid(pid, 0)
    return accepted.recv(20), accepted.recv(20)

@observe
def passed_by_scm_rights():
    client, accepted = pair()
    left, right = socket.socketpair()
    socket.send_fds(left, [b"x"], [client.fileno()])
    _, fds, _, _ = socket.recv_fds(right, 1, 1)
    client.close()
    twin = socket.socket(fileno=fds[0])
    twin.sendall(b"passed")
    return accepted.recv(10), twin.getpeername() == accepted.getsockname()

@observe
def sendfile():
    client, accepted = pair()
    with tempfile.TemporaryFile() as file:
        file.write(b"f" * 5000)
        file.flush()
        sent = os.sendfile(client.fileno(), file.fileno(), 0, 5000)
    client.close()
    got = b""
    while part := accepted.recv(10000):
        got += part
    return sent, len(got)

@observe
def splice():
    libc = ctypes.CDLL(None, use_errno=True)
    client, accepted = pair()
    read, write = os.pipe()
    client.sendall(b"spliced")
    time.sleep(0.05)
    moved = libc.splice(accepted.fileno(), None, write, None, 100, 0)
    return moved, os.read(read, 100)

@observe
def readv_and_writev():
    client, accepted = pair()
    sent = os.writev(client.fileno(), [b"ab", b"", b"cde"])
    time.sleep(0.05)
    rooms = [bytearray(2), bytearray(9)]
    return sent, os.readv(accepted.fileno(), rooms), bytes(rooms[0])

@observe
def sendmsg_pieces():
    client, accepted = pair()
    sent = client.sendmsg([b"one", b"two"])
    time.sleep(0.05)
    data, ancillary, flags, _ = accepted.recvmsg(10, 100)
    return sent, data, ancillary, flags

@observe
def urgent_byte():
    client, accepted = pair()
    client.sendall(b"ab")
    client.send(b"c", socket.MSG_OOB)
    time.sleep(0.1)
    return polled(accepted), accepted.recv(10), accepted.recv(1, socket.MSG_OOB)

@observe
def urgent_inline():
    client, accepted = pair()
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    client.sendall(b"ab")
    client.send(b"c", socket.MSG_OOB)
    time.sleep(0.1)
    return accepted.recv(10), accepted.recv(10)

@observe
def urgent_before_more():
    """A read stops before the urgent byte, which is left out, and the next goes on behind it."""
    client, accepted = pair()
    client.sendall(b"ab")
    client.send(b"c", socket.MSG_OOB)
    client.sendall(b"de")
    time.sleep(0.1)
    urgent = accepted.recv(1, socket.MSG_OOB)
    before = accepted.recv(10)
    return urgent, before, polled(accepted), accepted.recv(10)

@observe
def urgent_inline_before_more():
    client, accepted = pair()
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    client.sendall(b"ab")
    client.send(b"c", socket.MSG_OOB)
    client.sendall(b"de")
    time.sleep(0.1)
    return accepted.recv(10), accepted.recv(10)

@observe
def urgent_behind_what_does_not_fit():
    """The urgent byte waits behind as much as the reader has no room for, and more comes behind it."""
    client, accepted = pair()
    before = 3 << 20
    writer = threading.Thread(target=lambda: [client.sendall(bytes(before)), client.send(b"u", socket.MSG_OOB), client.sendall(b"end")])
    writer.start()
    time.sleep(0.3)
    got = 0
    while got < before:
        got += len(accepted.recv(before))
    writer.join()
    time.sleep(0.1)
    return got == before, accepted.recv(1, socket.MSG_OOB), accepted.recv(10)

@observe
def urgent_none():
    _client, accepted = pair()
    return outcome(accepted.recv, 1, socket.MSG_OOB)

@observe
def many_threads_one_listener():
    server = listener(backlog=64)
    got = []
    def serve():
        accepted, _ = server.accept()
        got.append(accepted.recv(1))
        accepted.close()
    threads = [threading.Thread(target=serve) for _ in range(8)]
    [thread.start() for thread in threads]
    for _ in threads:
        with socket.create_connection(server.getsockname(), 5) as client:
            client.sendall(b"x")
            client.recv(1)
    [thread.join() for thread in threads]
    return len(got)

@observe
def blocking_accept_interrupted():
    server = listener()
    class Stop(Exception):
        pass
    def stop(*_):
        raise Stop
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        server.accept()
    except Stop:
        return "interrupted"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)

@observe
def close_wakes_nobody_but_shutdown_does():
    server = listener()
    result = []
    thread = threading.Thread(target=lambda: result.append(outcome(server.accept)))
    thread.start()
    time.sleep(0.1)
    server.shutdown(socket.SHUT_RD)
    thread.join(3)
    return result

@observe
def select_sees_all():
    client, accepted = pair()
    client.sendall(b"x")
    time.sleep(0.05)
    readable, writable, _ = select.select([client, accepted], [client, accepted], [], 1)
    return readable == [accepted], len(writable)

@observe
def epoll_edge_comes_once_per_arrival():
    client, accepted = pair()
    poller = select.epoll()
    poller.register(accepted, select.EPOLLIN | select.EPOLLET)
    client.sendall(b"a")
    first = len(poller.poll(1))
    second = len(poller.poll(0.05))
    client.sendall(b"b")
    return first, second, len(poller.poll(1))


# Options ----------------------------------------------------------------------------------------------------------------------------

@observe
def nodelay_defaults_and_sets():
    sock = socket.socket()
    before = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return before, sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

@observe
def receive_buffer_is_doubled():
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 30000)
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

@observe
def keepalive_options():
    sock = socket.socket()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 33)
    return [sock.getsockopt(socket.IPPROTO_TCP, name) for name in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)]

@observe
def unknown_option():
    return outcome(socket.socket().getsockopt, socket.IPPROTO_TCP, 9999)

@observe
def option_too_short():
    return outcome(socket.socket().setsockopt, socket.IPPROTO_TCP, socket.TCP_NODELAY, b"\1")

@observe
def tcp_info_state():
    client, _accepted = pair()
    return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)

@observe
def congestion_name():
    value = socket.socket().getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
    return value.rstrip(b"\0").isalnum()

@observe
def ttl_default():
    return socket.socket().getsockopt(socket.IPPROTO_IP, socket.IP_TTL)


# UDP --------------------------------------------------------------------------------------------------------------------------------

def udp(family="4"):
    af, host = FAMILIES[family]
    sock = socket.socket(af, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.settimeout(3)
    return sock

@observe
def udp_keeps_boundaries():
    one, two = udp(), udp()
    one.sendto(b"ab", two.getsockname())
    one.sendto(b"cd", two.getsockname())
    return two.recvfrom(10)[0], two.recvfrom(10)[0]

@observe
def udp_sender_is_named():
    one, two = udp("6"), udp("6")
    one.sendto(b"ab", two.getsockname())
    return two.recvfrom(10)[1] == one.getsockname()

@observe
def udp_zero_length():
    one, two = udp(), udp()
    one.sendto(b"", two.getsockname())
    return two.recvfrom(10)[0], polled(two)

@observe
def udp_truncation_is_told():
    one, two = udp(), udp()
    one.sendto(b"0123456789", two.getsockname())
    data, _, flags, _ = two.recvmsg(4)
    return data, bool(flags & socket.MSG_TRUNC)

@observe
def udp_truncation_length():
    one, two = udp(), udp()
    one.sendto(b"0123456789", two.getsockname())
    time.sleep(0.05)
    return two.recv_into(bytearray(4), 4, socket.MSG_TRUNC)

@observe
def udp_peek():
    one, two = udp(), udp()
    one.sendto(b"peek", two.getsockname())
    return two.recv(10, socket.MSG_PEEK), two.recv(10)

@observe
def udp_fionread_is_first_datagram():
    one, two = udp(), udp()
    one.sendto(b"123", two.getsockname())
    one.sendto(b"12345", two.getsockname())
    time.sleep(0.05)
    return queued(two)

@observe
def udp_too_large():
    one, two = udp(), udp()
    return outcome(one.sendto, bytes(65508), two.getsockname())

@observe
def udp_largest():
    one, two = udp(), udp()
    one.sendto(bytes(65507), two.getsockname())
    return len(two.recv(70000))

@observe
def udp_connected_refused():
    sock = udp()
    sock.connect(("127.0.0.1", free_port()))
    first = outcome(sock.send, b"x")
    time.sleep(0.05)
    return first, outcome(sock.send, b"x"), outcome(sock.send, b"x")

@observe
def udp_connected_refused_poll():
    sock = udp()
    sock.connect(("127.0.0.1", free_port()))
    sock.send(b"x")
    mask = polled(sock, wanted=select.POLLERR)
    error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return mask, errno.errorcode.get(error, error), polled(sock)

@observe
def udp_connected_refused_recv():
    sock = udp()
    sock.connect(("127.0.0.1", free_port()))
    sock.send(b"x")
    return outcome(sock.recv, 10)

@observe
def udp_connected_filters():
    one, two, three = udp(), udp(), udp()
    two.connect(one.getsockname())
    three.sendto(b"stranger", two.getsockname())
    one.sendto(b"friend", two.getsockname())
    return two.recv(20)

@observe
def udp_connected_read_and_write():
    one, two = udp(), udp()
    one.connect(two.getsockname())
    two.connect(one.getsockname())
    one.setblocking(True)
    two.setblocking(True)
    os.write(one.fileno(), b"plain")
    return os.read(two.fileno(), 20)

@observe
def udp_no_destination():
    return outcome(udp().send, b"x")

@observe
def udp_shutdown_read():
    sock = udp()
    return outcome(sock.shutdown, socket.SHUT_RD)

@observe
def udp_nonblocking_empty():
    sock = udp()
    sock.setblocking(False)
    return outcome(sock.recvfrom, 10)

@observe
def udp_receive_timeout():
    sock = udp()
    sock.settimeout(None)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 50000))
    return outcome(sock.recvfrom, 10)

@observe
def udp_twenty_queue_up():
    one, two = udp(), udp()
    for number in range(20):
        one.sendto(bytes([number]), two.getsockname())
    time.sleep(0.1)
    return [two.recv(10)[0] for _ in range(20)] == list(range(20))

@observe
def udp_broadcast_needs_permission():
    return outcome(udp().sendto, b"x", ("255.255.255.255", 9))

@observe
def udp_pktinfo():
    one, two = udp(), udp()
    two.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    one.sendto(b"x", two.getsockname())
    _, ancillary, _, _ = two.recvmsg(10, 100)
    return [(level, kind, len(data), socket.inet_ntoa(data[8:12])) for level, kind, data in ancillary]

@observe
def udp_timestamps_are_by_the_clock():
    """What a receive call says of when a datagram came lies between the sending and now, by the clock of the machine."""
    seen = []
    for option in (SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING):
        one, two = udp(), udp()
        two.setsockopt(socket.SOL_SOCKET, option, SOF_TIMESTAMPING_SOFTWARE if option == SO_TIMESTAMPING else 1)
        time.sleep(0.05)  # Linux begins to make them a moment after the first socket asks.
        before = time.time()
        one.sendto(b"x", two.getsockname())
        _, ancillary, _, _ = two.recvmsg(10, 200)
        (level, ty, data), = ancillary
        seconds, part = struct.unpack("=qq", data[:16])
        at = seconds + part / (1e6 if option == SO_TIMESTAMP else 1e9)
        seen.append((level == socket.SOL_SOCKET, ty == option, before - 0.01 < at < time.time() + 0.01))
    return seen


# What the host is -------------------------------------------------------------------------------------------------------------------

def interface_request(request, name=b"lo", sock=None):
    """Bytes behind the name in `struct ifreq`."""
    asked = sock or socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return outcome(lambda: fcntl.ioctl(asked, request, struct.pack("16s24x", name))[16:])


@observe
def interface_names():
    return socket.if_nameindex()[:1], socket.if_nametoindex("lo"), outcome(socket.if_nametoindex, "nowhere")

@observe
def interface_address_and_mask():
    return [socket.inet_ntoa(interface_request(request)[4:8]) for request in (0x8915, 0x891B)]

@observe
def interface_flags_mtu_index():
    flags, mtu, index = (interface_request(request) for request in (0x8913, 0x8921, 0x8933))
    return hex(struct.unpack("H", flags[:2])[0]), struct.unpack("i", mtu[:4])[0], struct.unpack("i", index[:4])[0]

@observe
def interface_hardware_address():
    return interface_request(0x8927)[:8].hex()

@observe
def interface_unknown():
    return interface_request(0x8915, b"nowhere")

@observe
def interface_asked_on_a_unix_socket():
    return interface_request(0x8933, sock=socket.socket(socket.AF_UNIX))[:4]

@observe
def interface_asked_on_a_file():
    with tempfile.TemporaryFile() as file:
        return interface_request(0x8933, sock=file)

@observe
def interface_list():
    room = array.array("B", bytes(400))
    asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    length = struct.unpack("i12x", fcntl.ioctl(asked, 0x8912, struct.pack("iP", 400, room.buffer_info()[0])))[0]
    return length % 40, [room[at:at + 24].tobytes().hex() for at in range(0, length, 40)][:1]

@observe
def getaddrinfo_numeric():
    return [outcome(socket.getaddrinfo, host, 80, 0, socket.SOCK_STREAM) for host in ("127.0.0.1", "::1")]

@observe
def getaddrinfo_configured():
    found = socket.getaddrinfo("localhost", 80, 0, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
    return sorted(address[0] for *_, address in found)[:1]

@observe
def netlink_error_for_a_missing_interface():
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    sock.sendto(struct.pack("IHHIIBxHiII", 32, 18, 1, 8, 0, 0, 0, 0x7FFFFFFF, 0, 0), (0, 0))
    return struct.unpack("i", sock.recv(100)[16:20])

@observe
def netlink_names():
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    before = sock.getsockname()
    sock.bind((0, 0))
    return before, sock.getsockname() == (os.getpid(), 0), outcome(sock.getpeername), polled(sock)

@observe
def netlink_credentials():
    """Of the kernel: avahi-daemon believes no message without."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    sock.sendto(struct.pack("IHHIIBxHiII", 32, 18, 0x301, 1, 0, 0, 0, 0, 0, 0), (0, 0))
    _, ancillary, flags, sender = sock.recvmsg(1 << 16, 100)
    return [(level, kind, struct.unpack("iII", data)) for level, kind, data in ancillary], flags, sender

@observe
def netlink_short_message():
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    sent = outcome(sock.sendto, b"xyz", (0, 0))
    return sent, outcome(sock.recv, 100, socket.MSG_DONTWAIT), outcome(sock.sendto, b"", (0, 0))


# More of datagrams ------------------------------------------------------------------------------------------------------------------

IP_RECVERR, MSG_ERRQUEUE = 11, 0x2000
IP_RECVTTL, IP_RECVTOS, IPV6_RECVERR, IPV6_RECVHOPLIMIT = 12, 13, 25, 51
IPV6_2292PKTINFO, IPV6_2292HOPLIMIT = 2, 8  # as they were called before RFC 3542


def refusing_port(family="4"):
    sock = udp(family)
    port = sock.getsockname()[1]
    sock.close()
    return port


@observe
def udp_just_closed_refuses():
    sock = udp()
    sock.connect(("127.0.0.1", refusing_port()))
    sock.send(b"x")
    return polled(sock, 100, select.POLLERR), errno.errorcode.get(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

@observe
def udp_error_queue():
    sock = udp()
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    port = refusing_port()
    sock.sendto(b"hello", ("127.0.0.1", port))
    mask = polled(sock, 100, select.POLLERR)
    data, ancillary, flags, to = sock.recvmsg(100, 200, MSG_ERRQUEUE)
    told = [(level, kind, struct.unpack("IBBBBII", data[:16])) for level, kind, data in ancillary]
    return mask, data, told, bits(0) if to[1] == port else to, hex(flags)

@observe
def udp_error_queue_tells_of_the_packet():
    """What is wanted of datagrams is told of the ICMP message too, before the error: its TTL, where it came to, its TOS."""
    seen = []
    for family, wanted in (("4", (IP_RECVTTL, IP_RECVTOS, IP_PKTINFO)), ("6", (IPV6_RECVHOPLIMIT, IPV6_2292HOPLIMIT, IPV6_2292PKTINFO))):
        sock, (_, address) = udp(family), FAMILIES[family]
        level = socket.IPPROTO_IP if family == "4" else socket.IPPROTO_IPV6
        for option in (IP_RECVERR if family == "4" else IPV6_RECVERR, *wanted):
            sock.setsockopt(level, option, 1)
        sock.sendto(b"hello", (address, refusing_port(family)))
        polled(sock, 100, select.POLLERR)
        _, ancillary, _, _ = sock.recvmsg(100, 400, MSG_ERRQUEUE)
        seen.append([(level, kind, data.hex() if len(data) < 10 else len(data)) for level, kind, data in ancillary])
    return seen

@observe
def udp_error_queue_of_what_is_too_long():
    seen = []
    for family, length in (("4", 65508), ("4", 65536), ("6", 65528), ("6", 70000)):
        sock, (_, address) = udp(family), FAMILIES[family]
        sock.setsockopt(*((socket.IPPROTO_IP, IP_RECVERR) if family == "4" else (socket.IPPROTO_IPV6, IPV6_RECVERR)), 1)
        sent = outcome(sock.sendto, bytes(length), (address, 9))
        sock.setblocking(False)
        told = outcome(sock.recvmsg, 100, 200, MSG_ERRQUEUE)
        seen.append((sent, told if isinstance(told, str) else struct.unpack("IBBBBII", told[1][0][2][:16])))
    return seen

@observe
def udp_error_queue_empty():
    sock = udp()
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    return outcome(sock.recvmsg, 100, 200, MSG_ERRQUEUE)

@observe
def udp_error_queue_then_send():
    sock = udp()
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    to = ("127.0.0.1", refusing_port())
    sock.sendto(b"one", to)
    polled(sock, 100, select.POLLERR)
    return outcome(sock.sendto, b"two", to), outcome(sock.sendto, b"three", to)

@observe
def udp_peek_tells_the_true_length():
    one, two = udp(), udp()
    one.sendto(b"x" * 100, two.getsockname())
    time.sleep(0.05)
    room = bytearray(10)
    lengths = two.recv_into(room, 10, socket.MSG_PEEK | socket.MSG_TRUNC), two.recvfrom_into(room, 10, socket.MSG_PEEK | socket.MSG_TRUNC)[0]
    return lengths, two.recv_into(room, 10, socket.MSG_TRUNC), outcome(two.recv, 1, socket.MSG_DONTWAIT)

@observe
def udp_recvmmsg():
    one, two = udp(), udp()
    for text in (b"a", b"bb", b"", b"dddd"):
        one.sendto(text, two.getsockname())
    time.sleep(0.05)
    libc = ctypes.CDLL(None, use_errno=True)
    rooms = [ctypes.create_string_buffer(16) for _ in range(6)]
    pieces = (ctypes.c_ulong * 12)(*[word for room in rooms for word in (ctypes.addressof(room), 16)])
    messages = (ctypes.c_ulong * 48)()
    for place in range(6):
        messages[8 * place + 2], messages[8 * place + 3] = ctypes.addressof(pieces) + 16 * place, 1
    got = libc.recvmmsg(two.fileno(), messages, 6, socket.MSG_DONTWAIT, None)
    return got, [messages[8 * place + 7] & 0xFFFFFFFF for place in range(max(got, 0))]

class Messages:
    """`struct mmsghdr` for each of `pieces`, which are lists of buffers, one behind the other."""

    def __init__(self, messages, name=None, names=False, control=0):
        self.count = len(messages)
        self.rooms = [ctypes.create_string_buffer(32) for _ in messages]
        self.controls = [ctypes.create_string_buffer(max(control, 1)) for _ in messages]
        self.words = (ctypes.c_ulong * (8 * self.count))()
        self.tables = []
        for place, pieces in enumerate(messages):
            table = (ctypes.c_ulong * (2 * len(pieces) + 1))()
            for number, piece in enumerate(pieces):
                address, size = piece if isinstance(piece, tuple) else (ctypes.addressof(piece), len(piece))
                table[2 * number], table[2 * number + 1] = address, size
            self.tables.append(table)
            words = [0, 7, ctypes.addressof(table), len(pieces), 0, 0, 0, 0]
            if name:
                self.rooms[place].raw = name.ljust(32, b"\0")
            if name or names:
                words[:2] = ctypes.addressof(self.rooms[place]), len(name) if name else 32
            if control:
                words[4:6] = ctypes.addressof(self.controls[place]), control
            self.words[8 * place:8 * place + 8] = words

    def call(self, function, sock, flags=0, *more):
        libc = ctypes.CDLL(None, use_errno=True)
        done = getattr(libc, function)(sock.fileno(), self.words, self.count, flags, *more)
        return errno.errorcode[ctypes.get_errno()] if done < 0 else done

    def receive(self, sock):
        return self.call("recvmmsg", sock, socket.MSG_DONTWAIT, None)

    def told(self, place):
        """Length, bits of flags, length of the name and of ancillary data."""
        words = self.words[8 * place:8 * place + 8]
        return words[7] & 0xFFFFFFFF, words[6] & 0xFFFFFFFF, words[1] & 0xFFFFFFFF, words[5]


def buffers(*texts):
    return [ctypes.create_string_buffer(text, len(text)) for text in texts]


@observe
def udp_mmsg_many():
    one, two = udp(), udp()
    two.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    two.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    texts = [[b"%d" % number, b"." * (number % 7 * 5)][: number % 3] for number in range(150)]
    port = struct.pack("!H", two.getsockname()[1])
    sent = Messages([buffers(*text) for text in texts], name=struct.pack("H", socket.AF_INET) + port + socket.inet_aton("127.0.0.1") + bytes(8))
    result = [sent.call("sendmmsg", one), [sent.told(place)[0] for place in (0, 1, 2, 64, 149)]]
    time.sleep(0.1)
    rooms = [buffers(bytes(2), bytes(9)) for _ in range(200)]
    received = Messages(rooms, names=True, control=100)
    first = received.receive(two)
    # The same again for what did not come at once.
    again = Messages(rooms[first:], names=True, control=100) if first < 150 else None
    result.append(first + (again.receive(two) if again else 0))
    result.append([b"".join(piece.raw for piece in rooms[place]).rstrip(b"\0") == b"".join(texts[place])[:11] for place in range(150)].count(True))
    result.append([received.told(place) for place in (0, 1, 2, 5, 9)])
    senders = {received.rooms[place].raw[2:8] for place in range(first)}
    return result, senders == {struct.pack("!H", one.getsockname()[1]) + socket.inet_aton("127.0.0.1")}, Messages([buffers(bytes(9))]).receive(two)


@observe
def udp_mmsg_faults():
    one, two = udp(), udp()
    one.connect(two.getsockname())
    nowhere, good, results = [(16, 4)], buffers(b"good"), []
    for messages in ([good, good, nowhere, good], [nowhere, good], [good, [(0, 1 << 63)]], [[(0, 1 << 63)], good], [good, [(16, 0)]], []):
        sent = Messages(messages)
        results.append((sent.call("sendmmsg", one), [sent.told(place)[0] for place in range(sent.count)]))
    for place, word, value in ((1, 0, 16), (0, 2, 16), (1, 3, 1025), (1, 4, 16), (1, 5, 16), (0, 1, 0xFFFFFFFF)):
        sent = Messages([good, good, good])
        sent.words[8 * place + word] = value
        # A name or control data of some length at an address where there is nothing.
        if word in (0, 4):
            sent.words[8 * place + word + 1] = 16
        if word == 1:
            sent.words[8 * place] = ctypes.addressof(sent.rooms[0])
        results.append((sent.call("sendmmsg", one), [sent.told(place)[0] for place in range(3)]))
    time.sleep(0.05)
    came = Messages([buffers(bytes(9)) for _ in range(40)]).receive(two)
    for _ in range(4):
        one.send(b"again")
    time.sleep(0.05)
    rooms = Messages([buffers(bytes(9)), nowhere, buffers(bytes(9))])
    told = rooms.receive(two), rooms.told(0)
    # What comes behind what could not be told of is still there. The error is told by the next call on Linux.
    rest = [outcome(two.recv, 9, socket.MSG_DONTWAIT) for _ in range(4)]
    return results, came, told, [text for text in rest if isinstance(text, bytes)]


@observe
def name_lengths():
    """A name of no length is none to `sendmsg`, and one that is longer than any is cut; `sendto` refuses both."""
    libc = ctypes.CDLL(None, use_errno=True)
    alone, joined, to = udp(), udp(), udp()
    joined.connect(to.getsockname())
    stream, _peer = pair()
    port = struct.pack("!H", to.getsockname()[1])
    name = ctypes.create_string_buffer(struct.pack("H", socket.AF_INET) + port + socket.inet_aton("127.0.0.1"), 300)
    results = []
    for sock in (alone, joined, stream):
        for place, length in [(name, length) for length in (0, 1, 8, 16, 28, 128, 129, 200, -1)] + [(16, 0), (16, 16), (0, 200)]:
            address = place if isinstance(place, int) else ctypes.addressof(place)
            message = Messages([buffers(b"x")])
            message.words[0], message.words[1] = address, length & 0xFFFFFFFF
            results.append(errno.errorcode[ctypes.get_errno()] if libc.sendmsg(sock.fileno(), message.words, 0) < 0 else "sent")
            if sock is not stream:
                results.append(message.call("sendmmsg", sock))
            # Without an address `sendto` is `send`.
            if address:
                done = libc.sendto(sock.fileno(), b"x", 1, 0, ctypes.c_void_p(address), length)
                results.append(errno.errorcode[ctypes.get_errno()] if done < 0 else done)
    return results


@observe
def stream_sendmmsg_with_a_name():
    stream, _peer = pair()
    return Messages([buffers(b"x")], name=bytes(16)).call("sendmmsg", stream)


@observe
def udp_recvmmsg_keeps_an_error():
    """What is wrong with a message behind the first is told by the next call."""
    results = []
    for connect in (False, True):
        for next_call in ("recvfrom", "recvmmsg", "sendto", "SO_ERROR", "poll"):
            one, two = udp(), udp()
            one.connect(two.getsockname())
            if connect:
                two.connect(one.getsockname())
            for text in (b"first", b"lost", b"third", b"fourth"):
                one.send(text)
            time.sleep(0.05)
            told = Messages([buffers(bytes(9)), [(16, 4)], buffers(bytes(9))]).receive(two)
            if next_call == "recvfrom":
                then = outcome(two.recvfrom, 9, socket.MSG_DONTWAIT)
            elif next_call == "recvmmsg":
                then = Messages([buffers(bytes(9))]).receive(two)
            elif next_call == "sendto":
                then = outcome(two.sendto, b"x", one.getsockname())
            elif next_call == "SO_ERROR":
                then = two.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            else:
                then = two.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), polled(two)
            left = [outcome(lambda: two.recvfrom(9, socket.MSG_DONTWAIT)[0]) for _ in range(3)]
            results.append((told, then, left))
    return results


@observe
def udp_shutdown_ends_waits():
    results = []
    for how in (socket.SHUT_RD, socket.SHUT_RDWR):
        for connected in (True, False):
            one, two = udp(), udp()
            one.setblocking(True)
            if connected:
                one.connect(two.getsockname())
            told = []
            wait = threading.Thread(target=lambda: told.append(one.recvfrom(9)[0]), daemon=True)
            wait.start()
            time.sleep(0.05)
            outcome(one.shutdown, how)
            wait.join(3)
            results.append((told, outcome(one.recvfrom, 9, socket.MSG_DONTWAIT), one.recvfrom(9)[0], Messages([buffers(bytes(9))] * 3).call("recvmmsg", one, 0x10000, None)))
    return results


@observe
def udp_connect_unspec():
    one, two = udp(), udp()
    one.connect(two.getsockname())
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.connect(one.fileno(), struct.pack("H14x", 0), 16)
    return done, outcome(one.getpeername), one.getsockname()[1] != 0, outcome(one.sendto, b"x", two.getsockname())

@observe
def udp_reconnect_changes_the_peer():
    one, two, three = udp(), udp(), udp()
    one.connect(two.getsockname())
    one.connect(three.getsockname())
    two.sendto(b"old", one.getsockname())
    three.sendto(b"new", one.getsockname())
    return one.recv(10), outcome(one.recv, 10, socket.MSG_DONTWAIT)

@observe
def udp_shutdown_unconnected():
    return outcome(udp().shutdown, socket.SHUT_RD)

@observe
def udp_queue_questions():
    one, two = udp(), udp()
    one.sendto(b"x" * 70, two.getsockname())
    time.sleep(0.05)
    return queued(two), queued(one, termios.TIOCOUTQ), queued(two, 0x8905)


# More of options and names ----------------------------------------------------------------------------------------------------------

@observe
def types_of_each_kind():
    kinds = ((socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET6, socket.SOCK_DGRAM), (socket.AF_INET, socket.SOCK_DGRAM))
    names = (socket.SO_TYPE, socket.SO_DOMAIN, socket.SO_PROTOCOL, socket.SO_ACCEPTCONN)
    return [[socket.socket(*kind).getsockopt(socket.SOL_SOCKET, name) for name in names] for kind in kinds]

@observe
def listener_says_so():
    sock = listener()
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN), pair()[1].getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)

@observe
def options_cannot_be_set():
    names = (socket.SO_TYPE, socket.SO_DOMAIN, socket.SO_PROTOCOL, socket.SO_ACCEPTCONN, socket.SO_ERROR)
    return [outcome(socket.socket().setsockopt, socket.SOL_SOCKET, name, 1) for name in names]

@observe
def v6only_after_bind():
    sock = socket.socket(socket.AF_INET6)
    before = sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    sock.bind(("::1", 0))
    return before, outcome(sock.setsockopt, socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)

@observe
def v6only_on_ipv4():
    return outcome(socket.socket().setsockopt, socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)

@observe
def both_families_on_one_port():
    six = socket.socket(socket.AF_INET6)
    six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    six.bind(("::", 0))
    four = socket.socket()
    seen = [outcome(four.bind, ("0.0.0.0", six.getsockname()[1]))]
    dual = socket.socket(socket.AF_INET6)
    dual.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    dual.bind(("::", 0))
    return seen + [outcome(socket.socket().bind, ("0.0.0.0", dual.getsockname()[1]))]

@observe
def bind_to_a_taken_port():
    seen = []
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        for first, second in ((0, 0), (1, 0), (0, 1), (1, 1)):
            for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
                one, two = socket.socket(socket.AF_INET, kind), socket.socket(socket.AF_INET, kind)
                one.setsockopt(socket.SOL_SOCKET, option, first)
                two.setsockopt(socket.SOL_SOCKET, option, second)
                one.bind(("127.0.0.1", 0))
                seen.append(outcome(two.bind, one.getsockname()))
    return seen

@observe
def bind_beside_a_listener():
    one, seen = socket.socket(), []
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", 0))
    one.listen(1)
    for host in ("127.0.0.1", "0.0.0.0", "127.0.0.2"):
        two = socket.socket()
        two.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        seen.append((outcome(two.bind, (host, one.getsockname()[1])), outcome(two.listen, 1)))
    return seen

@observe
def two_bound_one_listens():
    one, two = socket.socket(), socket.socket()
    for sock in (one, two):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", 0))
    two.bind(one.getsockname())
    return outcome(one.listen, 1), outcome(two.listen, 1)

@observe
def accept4_flags():
    libc = ctypes.CDLL(None, use_errno=True)
    seen = []
    for flags in (0, socket.SOCK_NONBLOCK, socket.SOCK_CLOEXEC, socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 1):
        server = listener()
        client = socket.create_connection(server.getsockname())
        got = libc.accept4(server.fileno(), None, None, flags)
        if got < 0:
            seen.append(errno.errorcode[ctypes.get_errno()])
        else:
            seen.append((fcntl.fcntl(got, fcntl.F_GETFL) & os.O_NONBLOCK, fcntl.fcntl(got, fcntl.F_GETFD)))
            os.close(got)
        client.close()
    return seen

@observe
def tcp_info_fields():
    client, _ = pair()
    client.send(b"x" * 1000)
    time.sleep(0.1)
    info = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    state, ca_state, retransmits, probes, backoff, options, scales = info[:7]
    unacked, sacked, lost, retrans = struct.unpack("4I", info[24:40])
    return state, ca_state, retransmits, probes, backoff, options & 7, unacked, sacked, lost, retrans

@observe
def tcp_info_of_other_states():
    fresh, server = socket.socket(), listener()
    return [sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] for sock in (fresh, server)]

@observe
def tcp_maximum_segment():
    client, _ = pair()
    return socket.socket().getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG), client.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)

@observe
def ends_of_options():
    client, _ = pair()
    return [len(client.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, size)) for size in (4, 8, 100)]


# More of listeners and epoll --------------------------------------------------------------------------------------------------------

@observe
def listener_shut_for_reading():
    server = listener()
    done = outcome(server.shutdown, socket.SHUT_RD)
    refused = socket.socket().connect_ex(server.getsockname())
    return done, errno.errorcode.get(refused, refused), outcome(server.accept), outcome(server.listen, 1)

@observe
def listener_shut_for_writing():
    server = listener()
    done = outcome(server.shutdown, socket.SHUT_WR)
    connected = socket.socket().connect_ex(server.getsockname())
    return done, errno.errorcode.get(connected, connected)

@observe
def listener_poll_after_shutdown():
    server = listener()
    server.shutdown(socket.SHUT_RDWR)
    return settled(server)

@observe
def listener_dissolved_by_unspec():
    server = listener()
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.connect(server.fileno(), struct.pack("H14x", 0), 16)
    return done, server.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)

@observe
def stream_unspec_of_a_connection():
    client, accepted = pair()
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.connect(client.fileno(), struct.pack("H14x", 0), 16)
    time.sleep(0.1)
    return done, outcome(client.getpeername), outcome(accepted.recv, 1)

@observe
def epoll_one_shot():
    client, accepted = pair()
    poll = select.epoll()
    poll.register(accepted, select.EPOLLIN | select.EPOLLONESHOT)
    client.send(b"a")
    first, second = len(poll.poll(1)), len(poll.poll(0.05))
    poll.modify(accepted, select.EPOLLIN | select.EPOLLONESHOT)
    return first, second, len(poll.poll(1))

@observe
def epoll_one_shot_listener():
    server, poll = listener(), select.epoll()
    poll.register(server, select.EPOLLIN | select.EPOLLONESHOT)
    keep = [socket.create_connection(server.getsockname()) for _ in range(2)]
    time.sleep(0.05)
    first, second = len(poll.poll(1)), len(poll.poll(0.05))
    poll.modify(server, select.EPOLLIN | select.EPOLLONESHOT)
    return first, second, len(poll.poll(1)), len(keep)

@observe
def epoll_edge_listener():
    server, poll = listener(), select.epoll()
    poll.register(server, select.EPOLLIN | select.EPOLLET)
    seen = []
    for _ in range(3):
        client = socket.create_connection(server.getsockname())
        time.sleep(0.05)
        seen.append((len(poll.poll(1)), len(poll.poll(0.05)), client.fileno() > 0))
    return seen

@observe
def epoll_edge_write():
    client, accepted = pair()
    client.setblocking(False)
    poll = select.epoll()
    poll.register(client, select.EPOLLOUT | select.EPOLLET)
    first, second = len(poll.poll(1)), len(poll.poll(0.05))
    while outcome(client.send, b"x" * 65536) != "EAGAIN":
        pass
    time.sleep(0.3)
    while outcome(client.send, b"x" * 65536) != "EAGAIN":
        pass
    full = len(poll.poll(0))
    reader = threading.Thread(target=lambda: [accepted.recv(1 << 20) for _ in range(40)], daemon=True)
    reader.start()
    return first, second, full, len(poll.poll(3))

@observe
def epoll_edge_after_partial_read():
    client, accepted = pair()
    poll = select.epoll()
    poll.register(accepted, select.EPOLLIN | select.EPOLLET)
    client.send(b"abcdef")
    time.sleep(0.05)
    first = len(poll.poll(1))
    accepted.recv(2)
    left = len(poll.poll(0.05))
    client.send(b"g")
    return first, left, len(poll.poll(1)), accepted.recv(100)

@observe
def epoll_exclusive():
    server, polls, woken = listener(), [select.epoll() for _ in range(4)], []
    for poll in polls:
        poll.register(server, select.EPOLLIN | select.EPOLLEXCLUSIVE)
    waiting = [threading.Thread(target=lambda poll=poll: woken.append(len(poll.poll(1)))) for poll in polls]
    for thread in waiting:
        thread.start()
    time.sleep(0.2)
    client = socket.create_connection(server.getsockname())
    for thread in waiting:
        thread.join()
    return sum(woken) >= 1, len(woken), client.fileno() > 0

@observe
def epoll_both_ends_closed():
    client, accepted = pair()
    poll = select.epoll()
    poll.register(accepted, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET)
    client.close()
    time.sleep(0.1)
    return [bits(mask) for _, mask in poll.poll(1)], len(poll.poll(0.05))

@observe
def stream_queue_questions():
    client, accepted = pair()
    client.send(b"x" * 70)
    time.sleep(0.1)
    return queued(accepted), queued(client, termios.TIOCOUTQ), queued(accepted, 0x8905), queued(listener()), queued(socket.socket())


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    wanted = sys.argv[1:]
    for name, function in OBSERVATIONS:
        if wanted and name not in wanted:
            continue
        try:
            seen = function()
        except Exception as error:  # An observation that fails is an observation.
            seen = f"{type(error).__name__}: {error}"
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(f"{name}: {seen}", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
