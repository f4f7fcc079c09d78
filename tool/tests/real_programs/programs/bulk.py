"""A stream as fast as it goes: `bulk.py take` prints bytes and seconds of it, the first second left out; `bulk.py give ADDRESS SECONDS`."""

import socket
import sys
import time

PORT = 4200
# While it begins a stream is slower.
START = 1.0


def take():
    listener = socket.create_server(("0.0.0.0", PORT))
    peer, _ = listener.accept()
    first, last, count = None, None, 0
    opened = time.perf_counter()
    while data := peer.recv(1 << 20):
        now = time.perf_counter()
        if first is not None:
            last, count = now, count + len(data)
        elif now - opened > START:
            first = now
    print(count, last - first)


def give(host, seconds):
    stream = socket.create_connection((host, PORT))
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        stream.send(bytes(1 << 16))


if sys.argv[1] == "take":
    take()
else:
    give(sys.argv[2], float(sys.argv[3]))
