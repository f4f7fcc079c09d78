"""Two flows of numbered datagrams at once: `datagrams.py take PER_FLOW` prints which of each flow did not come, `datagrams.py give ADDRESS
PER_FLOW` sends them. Both sit in the same folder, where by a pipe the one tells the other to go on: nothing is lost for want of room."""

import os
import socket
import sys
import threading

PORT = 4300
FLOWS = (4301, 4302)
# Says where a batch ends, so often that one of them arrives.
MARK, MARKS = 4303, 5
# Of each flow; all of them together are far fewer than a receive buffer holds.
BATCH = 50


def take(per_flow):
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind(("0.0.0.0", PORT))
    missing = {flow: set(range(per_flow)) for flow in FLOWS}
    reached = 0
    with open("taken", "wb", buffering=0) as taken:
        while reached < per_flow:
            data = peer.recv(100)
            flow, number = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:], "big")
            if flow != MARK:
                missing[flow].remove(number)
            elif number > reached:
                reached = number
                taken.write(b".")
    for flow in FLOWS:
        print(flow, *sorted(missing[flow]))


def give(host, per_flow):
    peers = {}
    for flow in (*FLOWS, MARK):
        peer = peers[flow] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.bind(("0.0.0.0", flow))
        peer.connect((host, PORT))

    def send(flow, numbers):
        for number in numbers:
            peers[flow].send(flow.to_bytes(2, "big") + number.to_bytes(4, "big"))

    with open("taken", "rb", buffering=0) as taken:
        for at in range(0, per_flow, BATCH):
            threads = [threading.Thread(target=send, args=(flow, range(at, at + BATCH))) for flow in FLOWS]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            send(MARK, [at + BATCH] * MARKS)
            taken.read(1)


try:
    os.mkfifo("taken")
except FileExistsError:
    pass
if sys.argv[1] == "take":
    take(int(sys.argv[2]))
else:
    give(sys.argv[2], int(sys.argv[3]))
