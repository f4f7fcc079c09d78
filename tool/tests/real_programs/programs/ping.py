"""Round trips as a program sees them: `ping.py answer`, `ping.py ask ADDRESS TIMES` prints the medians in milliseconds."""

import socket
import statistics
import sys
import threading
import time

PORT = 4100


def answer():
    family = socket.AF_INET6
    listener = socket.create_server(("::", PORT), family=family, dualstack_ipv6=True)
    datagrams = socket.socket(family, socket.SOCK_DGRAM)
    datagrams.bind(("::", PORT))

    def send_back():
        while True:
            datagrams.sendto(*datagrams.recvfrom(100))

    threading.Thread(target=send_back, daemon=True).start()
    peer, _ = listener.accept()
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := peer.recv(100):
        peer.send(data)
    threading.Event().wait()


def ask(host, times):
    datagrams = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.connect((host, PORT))
    stream = socket.create_connection((host, PORT))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, peer in (("udp", datagrams), ("tcp", stream)):
        trips = []
        for number in range(times):
            began = time.perf_counter()
            peer.send(number.to_bytes(4, "big"))
            assert peer.recv(100) == number.to_bytes(4, "big")
            trips.append(time.perf_counter() - began)
        print(name, statistics.median(trips) * 1000)


if sys.argv[1] == "answer":
    answer()
else:
    ask(sys.argv[2], int(sys.argv[3]))
