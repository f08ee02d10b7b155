"""The workloads for Python packages: worker.py ADAPTER FIXTURES MANY, speaking as worker.c does.

ADAPTER is "OpenSSL" (whichever package of that name is first on the path), "ssl" or "M2Crypto".
"""

import gc
import importlib
import itertools
import os
import pathlib
import socket
import sys
import textwrap
import threading
import time

CLIENT, SERVER = 0, 1


def resident_kib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1024


def statement(text, **names):
    """A function that runs @text as often as told, as it would stand in a program: no call around it."""
    source = f"def loop(_times, {', '.join(names)}):\n  for _ in _repeat(None, _times):\n{textwrap.indent(text, '    ')}"
    scope = {"_repeat": itertools.repeat}
    exec(compile(source, text, "exec"), scope)
    loop = scope["loop"]
    values = tuple(names.values())
    return lambda times: loop(times, *values)


def in_background(run, *args):
    """Start a thread that ends with the process."""
    threading.Thread(target=run, args=args, daemon=True).start()


class Worker:
    """Finds `make_NAME`, which gives a statement, and `measure_NAME`, which gives a value, by the workload's name."""

    def __init__(self, folder, many):
        self.folder = pathlib.Path(folder)
        self.many = many
        self.loops = {}

    def path(self, name):
        return str(self.folder / name)

    def read(self, name):
        return (self.folder / name).read_bytes()

    def answer(self, name, milliseconds):
        if hasattr(self, "measure_" + name):
            return getattr(self, "measure_" + name)(milliseconds / 1000)
        if name not in self.loops:
            self.loops[name] = getattr(self, "make_" + name, lambda: None)()
        loop = self.loops[name]
        return None if loop is None else self.rate(loop, milliseconds / 1000)

    @staticmethod
    def rate(loop, limit):
        done, batch, clock = 0, 1, time.perf_counter
        start = now = clock()
        while now - start < limit:
            before = now
            loop(batch)
            done += batch
            now = clock()
            if now - before < limit / 20:
                batch *= 2
        return done / (now - start)

    @staticmethod
    def team_rate(loops, batch, limit):
        """How often a second the loops, each in a thread, run together."""
        done, stop = [0] * len(loops), []

        def work(member):
            loop = loops[member]
            while not stop:
                loop(batch)
                done[member] += batch

        team = [threading.Thread(target=work, args=(i,)) for i in range(len(loops))]
        start = time.perf_counter()
        for thread in team:
            thread.start()
        time.sleep(limit)
        stop.append(True)
        for thread in team:
            thread.join()
        return sum(done) / (time.perf_counter() - start)

    # ---- what each package says in its own way ----

    def contexts(self, kind, version):
        """(client, server) contexts; the client verifies the server."""
        raise NotImplementedError

    def pair(self, client_context, server_context):
        """(client, server) after a handshake over memory."""
        raise NotImplementedError

    def socket_end(self, context, sock, role):
        """The end of a connection over @sock, after its handshake."""
        raise NotImplementedError

    #: Statements that bring @size bytes of `data` from one end to the other over memory.
    SEND = None
    #: Statement that encrypts `data`, and takes the record away.
    ENCRYPT = None
    #: Statement that fills `buffer` of @size bytes as far as it goes.
    RECV_INTO = "{end}.recv_into(buffer)"

    # ---- workloads that all have in common ----

    def ec13(self):
        return self.contexts("ec", 0x304)

    def handshakes(self, kind, version):
        client, server = self.contexts(kind, version)
        return statement("pair(client, server)", pair=self.pair, client=client, server=server)

    def make_hs_tls13_ec(self):
        return self.handshakes("ec", 0x304)

    def make_hs_tls13_rsa(self):
        return self.handshakes("rsa", 0x304)

    def make_hs_tls12_ec(self):
        return self.handshakes("ec", 0x303)

    def make_hs_tls13_resume(self):
        return statement("run()", run=self.resumptions("ec", 0x304))

    def make_hs_tls12_resume(self):
        return statement("run()", run=self.resumptions("ec", 0x303))

    def send(self, one, other, size):
        return self.SEND.format(one=one, other=other, size=size, room=size + 1024)

    def exchange(self, a, b, **names):
        text = self.send("a", "b", 64) + "\n" + self.send("b", "a", 64)
        return statement(text, a=a, b=b, data=bytes(64), **self.names(), **names)

    def names(self):
        """What SEND and ENCRYPT speak of beside the two ends."""
        return {}

    def make_pp_mem(self):
        return self.exchange(*self.pair(*self.ec13()))

    def make_bulk_mem_16k(self):
        a, b = self.pair(*self.ec13())
        return statement(self.send("a", "b", 16384), a=a, b=b, data=bytes(16384), **self.names())

    def socket_pair(self):
        (client, server), ends, socks = self.ec13(), [None, None], socket.socketpair()

        def make(role, context):
            ends[role] = self.socket_end(context, socks[role], role)

        other = threading.Thread(target=make, args=(SERVER, server))
        other.start()
        make(CLIENT, client)
        other.join()
        return ends

    def make_pp_sock(self):
        a, b = self.socket_pair()
        return statement("a.send(data)\nb.recv(64)\nb.send(data)\na.recv(64)", a=a, b=b, data=bytes(64))

    def make_pp_sock_mt(self):
        a, b = self.socket_pair()
        data = bytes(64)

        def echo():
            while True:
                b.recv(64)
                b.send(data)

        in_background(echo)
        return statement("a.send(data)\na.recv(64)", a=a, data=data)

    def stream(self, size, text, **names):
        """A writer that never stops, and a reader whose speed is measured."""
        reader, writer = self.socket_pair()
        data = bytes(size)

        def write():
            while True:
                writer.sendall(data)

        in_background(write)
        text = f"left = size\nwhile left > 0:\n    left -= {text.format(end='end')}"
        return statement(text, end=reader, size=size, **names)

    def recv(self, size):
        return self.stream(size, "len({end}.recv(size))")

    def recv_into(self, size):
        return self.stream(size, self.RECV_INTO, buffer=bytearray(size))

    def make_bulk_16k_recv(self):
        return self.recv(16 << 10)

    def make_bulk_256k_recv(self):
        return self.recv(256 << 10)

    def make_bulk_1m_recv(self):
        return self.recv(1 << 20)

    def make_bulk_16k_recv_into(self):
        return self.recv_into(16 << 10)

    def make_bulk_256k_recv_into(self):
        return self.recv_into(256 << 10)

    def make_bulk_1m_recv_into(self):
        return self.recv_into(1 << 20)

    def team(self, name, make, batch, size, limit):
        if name not in self.loops:
            contexts = self.ec13()
            self.loops[name] = [make(*contexts) for _ in range(2)]
        return self.team_rate(self.loops[name][:size], batch, limit)

    def encrypting(self, *contexts):
        a, b = self.pair(*contexts)
        return statement(self.ENCRYPT.format(one="a"), a=a, other=b, data=bytes(16384), **self.names())

    def shaking(self, client, server):
        return statement("pair(client, server)", pair=self.pair, client=client, server=server)

    def exchanging(self, *contexts):
        return self.exchange(*self.pair(*contexts))

    def measure_mt_bulk_1(self, limit):
        return self.team("bulk", self.encrypting, 8, 1, limit)

    def measure_mt_bulk_2(self, limit):
        return self.team("bulk", self.encrypting, 8, 2, limit)

    def measure_mt_hs_1(self, limit):
        return self.team("hs", self.shaking, 1, 1, limit)

    def measure_mt_hs_2(self, limit):
        return self.team("hs", self.shaking, 1, 2, limit)

    def measure_mt_pp_1(self, limit):
        return self.team("pp", self.exchanging, 8, 1, limit)

    def measure_mt_pp_2(self, limit):
        return self.team("pp", self.exchanging, 8, 2, limit)

    def crowd(self):
        contexts = self.ec13()
        return [self.pair(*contexts) for _ in range(self.many)]

    def make_loop_1000(self):
        """One after the other has something to say, as in an event loop."""
        text = "a, b = next_pair()\n" + self.send("a", "b", 64) + "\n" + self.send("b", "a", 64)
        return statement(text, next_pair=itertools.cycle(self.crowd()).__next__, data=bytes(64), **self.names())

    def measure_mem_1000(self, limit):
        contexts = self.ec13()
        first = self.pair(*contexts)  # what the first connection of a process brings is not counted
        gc.collect()
        before = resident_kib()
        pairs = [self.pair(*contexts) for _ in range(self.many)]
        value = 2 * self.many / (resident_kib() - before)
        del first, pairs
        return value

    def make_call_floor(self):
        return statement("call()", call=(1).bit_length)  # about the cheapest method of a C type

    def call(self, name):
        return statement("call()", call=getattr(self.pair(*self.ec13())[CLIENT], name))

    def make_call_attribute(self):
        return statement("end.pending()", end=self.pair(*self.ec13())[CLIENT])

    def with_bundle(self):
        raise NotImplementedError

    def measure_ctx_cafile_first(self, limit):
        start = time.perf_counter()
        self.with_bundle()
        return 1 / (time.perf_counter() - start)

    def make_ctx_cafile(self):
        self.kept = self.with_bundle()
        return statement("run()", run=self.with_bundle)


def main(adapter, folder, many):
    import warnings

    warnings.simplefilter("ignore")
    worker = importlib.import_module("worker_" + adapter.lower()).Adapter(folder, int(many))
    for line in sys.stdin:
        name, milliseconds = line.split()
        value = worker.answer(name, float(milliseconds))
        print("-" if value is None else "%.6g" % value, flush=True)
    os._exit(0)  # threads may be waiting in the middle of a call


if __name__ == "__main__":
    sys.modules["worker"] = sys.modules["__main__"]
    main(*sys.argv[1:])
