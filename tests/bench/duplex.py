"""One thread reads and another writes, on one Connection: what that costs against one after the other.

The peer is a process of its own, so that the processor time of this one is what its Connection takes.
"""

import contextlib
import os
import socket
import threading
import time

CHUNK, AMOUNT = 16 << 10, 64 << 20


def send(end, amount):
    data = bytes(CHUNK)
    for _ in range(amount // CHUNK):
        end.sendall(data)


def receive(end, amount):
    while amount > 0:
        amount -= len(end.recv(CHUNK))


def be_the_peer(end):
    """Take all, and give as much as is taken, until the other is gone."""
    giving = threading.Thread(target=until_gone, args=(send, end), daemon=True)
    giving.start()
    until_gone(receive, end)


def until_gone(move, end):
    with contextlib.suppress(Exception):
        move(end, 1 << 60)


def open_end(make, role):
    """@make gives the end with @role over a socket; the peer's is made in a child."""
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        try:
            ours.close()
            be_the_peer(make(1 - role, theirs))
        finally:
            os._exit(0)
    theirs.close()
    return make(role, ours)


def one_after_the_other(end):
    send(end, AMOUNT)
    receive(end, AMOUNT)


def at_once(end):
    writer = threading.Thread(target=send, args=(end, AMOUNT))
    writer.start()
    receive(end, AMOUNT)
    writer.join()


def rate(both_ways, end, limit):
    """Bytes for each second of processor time."""
    begun, before, moved = time.perf_counter(), time.process_time(), 0
    while not moved or time.perf_counter() - begun < limit:
        both_ways(end)
        moved += 2 * AMOUNT
    return moved / (time.process_time() - before)
