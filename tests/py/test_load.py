"""Threads, children, and very many connections: seconds here, minutes with LOAD=full in the environment."""

import ctypes
import faulthandler
import gc
import hashlib
import os
import random
import sys
import threading
import time

import pytest

from OpenSSL import SSL, crypto
from tls import (
    DATA,
    carry,
    client_context,
    connected,
    connected_sockets,
    memory_pair,
    read,
    server_context,
    shake,
)

FULL = os.environ.get("LOAD") == "full"
SECONDS_MAX = 1800 if FULL else 500
TEXT = random.Random(1).randbytes(1 << 16)
MESSAGE = 5000
MIB = 1 << 20
VERSIONS = pytest.mark.parametrize(
    "version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION], ids=["TLS 1.2", "TLS 1.3"]
)


def count(quick, full):
    return full if FULL else quick


def tell(text):
    """A line of figures, for those who run pytest with -s."""
    print(f"# {text}", flush=True)


@pytest.fixture(autouse=True)
def bounded_by_load(bounded):
    """These take longer than others."""
    faulthandler.dump_traceback_later(SECONDS_MAX, exit=True, file=sys.__stderr__)


def run(*functions):
    """All of them at once; what one raises comes out."""
    raised = []

    def guarded(function):
        try:
            function()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(f,), daemon=True) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS_MAX)
        assert not thread.is_alive(), "a thread hangs"
    if raised:
        raise raised[0]


def ec_server_context():
    context = server_context(certificate="server-ec.pem", key="ec.pem")
    context.add_extra_chain_cert(crypto.load_certificate(crypto.FILETYPE_PEM, read("intermediate.pem")))
    return context


# ---- one connection, many threads ----


def receive(connection, size):
    data = bytearray()
    while len(data) < size:
        data += connection.recv(size - len(data))
    return bytes(data)


@VERSIONS
def test_na_081_one_reader_four_writers(version):
    """On both ends at once; each writer's messages come whole and in their order."""
    messages, writers = count(50, 2000), 4
    client = client_context()
    client.set_max_proto_version(version)
    ends = connected_sockets(client=client)
    said = [[hashlib.sha256() for _ in range(writers)] for _ in ends]
    heard = [[hashlib.sha256() for _ in range(writers)] for _ in ends]

    def write(end, number):
        for i in range(messages):
            message = bytes([number]) + TEXT[i * 7 : i * 7 + MESSAGE - 1]
            said[end][number].update(message)
            ends[end].sendall(message)

    def listen(end):
        for _ in range(messages * writers):
            message = receive(ends[end], MESSAGE)
            heard[end][message[0]].update(message)

    run(
        *(lambda e=e: listen(e) for e in (0, 1)),
        *(lambda e=e, n=n: write(e, n) for e in (0, 1) for n in range(writers)),
    )
    for end in (0, 1):
        assert [h.digest() for h in said[end]] == [h.digest() for h in heard[1 - end]]
    tell(f"py threads: {writers} writers and a reader on each end: "
         f"{2 * messages * writers * MESSAGE} bytes, none lost")


def test_na_082_a_waiting_reader_keeps_nobody_out():
    """The reader is woken each time, and waits anew; then the writer has 100 ms."""
    times = count(500, 10000)
    server, client = connected_sockets()
    reads = []

    def listen():
        while len(reads) < times:
            reads.append(client.recv(1))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    took = []
    for number in range(times):
        while len(reads) < number:
            time.sleep(0)
        time.sleep(0.0002)  # it waits by now
        started = time.perf_counter()
        client.send(b"x")
        took.append(time.perf_counter() - started)
        assert server.recv(1) == b"x"
        server.send(b"y")
    thread.join(60)
    assert len(reads) == times
    tell(f"py threads: {times} writes beside a waiting reader: {sum(took) / times * 1e3:.3f} ms on average, "
         f"{max(took) * 1e3:.3f} ms at most")
    # A writer that is kept out waits for ever; what is more than that is the machine's other work.
    assert max(took) < (0.1 if FULL else 5)


# ---- contexts and certificates that all share ----


class Stopped(Exception):
    pass


def test_na_052_contexts_of_16_threads():
    """Callbacks look at their own connection, use it, or raise; certificates are renewed meanwhile."""
    each, threads = count(15, 1250), 16
    server, client = ec_server_context(), client_context()
    server.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    certificate = crypto.load_certificate(crypto.FILETYPE_PEM, read("server-ec.pem"))
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, read("ec.pem"))
    over, figures, lock = threading.Event(), dict(handshakes=0, stopped=0, callbacks=0, said=0), threading.Lock()

    def look_at(connection):
        connection.get_state_string(), connection.get_servername(), connection.pending()
        connection.get_context().get_options()
        with pytest.raises(SSL.Error):
            connection.recv(1)
        with lock:
            figures["callbacks"] += 1

    def on_verify(connection, certificate, number, depth, good):
        look_at(connection)
        certificate.get_subject().CN, certificate.digest("sha256")
        if connection.get_app_data() == "stop":
            raise Stopped(threading.get_ident())
        return good

    def on_servername(connection):
        look_at(connection)
        connection.set_context(server)

    def on_alpn(connection, offered):
        look_at(connection)
        return offered[0]

    client.set_verify(SSL.VERIFY_PEER, on_verify)
    client.set_info_callback(lambda connection, where, ret: connection.get_state_string())
    client.set_alpn_protos([b"h2"])
    server.set_tlsext_servername_callback(on_servername)
    server.set_alpn_select_callback(on_alpn)

    def one(number, stop):
        pair = memory_pair(server, client)
        pair[1].set_tlsext_host_name(b"localhost")
        if stop:
            pair[1].set_app_data("stop")
            with pytest.raises(Stopped) as caught:
                shake(*pair)
            assert caught.value.args == (threading.get_ident(),)
            return
        shake(*pair)
        text = TEXT[number : number + 1 + number % 3000]
        for own, peer in (pair, pair[::-1]):
            own.sendall(text)
            carry(own, peer)
            assert hashlib.sha256(receive(peer, len(text))).digest() == hashlib.sha256(text).digest()
        assert pair[0].get_alpn_proto_negotiated() == b"h2"
        with lock:
            figures["said"] += 2 * len(text)

    def work():
        for number in range(each):
            if number % 16 == 0:
                one(number, True)
            one(number, False)
            crypto.dump_certificate(crypto.FILETYPE_PEM, certificate)
            crypto.verify(certificate, crypto.sign(key, b"x", "sha256"), b"x", "sha256")
        with lock:
            figures["handshakes"] += each
            figures["stopped"] += len(range(0, each, 16))

    def renew():
        while not over.is_set():
            server.use_certificate(certificate)
            server.use_privatekey(key)
            time.sleep(0.005)

    renewer = threading.Thread(target=renew)
    renewer.start()
    started = time.monotonic()
    try:
        run(*[work] * threads)
    finally:
        over.set()
        renewer.join()
    assert figures["handshakes"] == each * threads
    tell(f"py threads: {figures['handshakes']} handshakes of {threads} threads on shared contexts, "
         f"{figures['stopped']} more stopped by a callback, {figures['callbacks']} callbacks that use their "
         f"connection, {figures['said']} bytes, none lost, {time.monotonic() - started:.0f} s")


# ---- children ----


def ends_well(child, seconds=60):
    """Whether a child ended with 0; None for one that hangs, which is killed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status == 0
        time.sleep(0.001)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return None


def in_child(pair, contexts):
    """The connection is the parent's; other ones work."""
    for call in (lambda: pair[0].send(b"x"), lambda: pair[0].recv(1), pair[0].shutdown):
        try:
            call()
            return 1
        except SSL.Error:
            pass
    shake(*memory_pair(*contexts))
    return 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_na_089_na_090_children_of_a_busy_process():
    times = count(50, 2000)
    contexts = ec_server_context(), client_context()
    shared, pair = connected_sockets(), connected()
    over, handshakes = threading.Event(), [0]

    def busy():
        while not over.is_set():
            shake(*memory_pair(*contexts))
            handshakes[0] += 1

    def echo():
        while True:
            data = shared[0].recv(1000)
            if data == b"end":
                return
            shared[1].send(data)

    threads = [threading.Thread(target=f, daemon=True) for f in (busy, busy, busy, echo)]
    for thread in threads:
        thread.start()
    results = {True: 0, False: 0, None: 0}
    started = time.monotonic()
    try:
        for _ in range(times):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    status = in_child(pair, contexts)
                finally:
                    os._exit(status)
            results[ends_well(child)] += 1
    finally:
        over.set()
        shared[1].send(b"end")
        for thread in threads:
            thread.join(60)
    tell(f"py fork: {times} children of {len(threads)} busy threads ({handshakes[0]} handshakes meanwhile): "
         f"{results[None]} hung, {results[False]} failed, {time.monotonic() - started:.0f} s")
    assert results == {True: times, False: 0, None: 0}
    pair[0].send(b"still here")
    carry(*pair)
    assert pair[1].recv(100) == b"still here"


# ---- growth ----


def resident():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def descriptors():
    return len(os.listdir("/proc/self/fd"))


needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="no /proc here")
needs_exact = pytest.mark.skipif("san" in os.environ.get("LD_PRELOAD", ""), reason="it keeps what is freed")


@needs_proc
@needs_exact
def test_na_069_many_connections():
    times = count(500, 100000)
    server, client = ec_server_context(), client_context()
    server.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    sessions = {}

    def one(number):
        version = number % 2
        pair = memory_pair(server, client)
        if version:
            pair[1].set_options(SSL.OP_NO_TLSv1_3)
        resume = version in sessions and number % 32 > 1
        if resume:
            pair[1].set_session(sessions[version])
        shake(*pair)
        text = TEXT[number % 1000 : number % 1000 + 500]
        for own, peer in (pair, pair[::-1]):
            own.send(text)
            carry(own, peer)
            assert receive(peer, 500) == text
        assert pair[1].session_reused() == resume
        sessions[version] = pair[1].get_session()
        pair[1].shutdown()
        carry(pair[1], pair[0])
        with pytest.raises(SSL.ZeroReturnError):
            pair[0].recv(1)

    for number in range(500):
        one(number)
    before, fds, threads = resident(), descriptors(), threading.active_count()
    started = time.monotonic()
    for number in range(times):
        one(number)
    grown = resident() - before
    tell(f"py growth: {times} connections: {grown} bytes resident, {time.monotonic() - started:.0f} s")
    assert descriptors() == fds and threading.active_count() == threads
    assert grown < MIB


P12 = crypto.PKCS12()
P12.set_certificate(crypto.load_certificate(crypto.FILETYPE_PEM, read("server.pem")))
P12.set_privatekey(crypto.load_privatekey(crypto.FILETYPE_PEM, read("rsa.pem")))
P12_DER = P12.export(b"secret", iter=1)
PEM, DER = crypto.FILETYPE_PEM, crypto.FILETYPE_ASN1
LOADERS = {
    "certificate, PEM": lambda data: crypto.load_certificate(PEM, data),
    "certificate, DER": lambda data: crypto.load_certificate(DER, data),
    "request, PEM": lambda data: crypto.load_certificate_request(PEM, data),
    "request, DER": lambda data: crypto.load_certificate_request(DER, data),
    "list, PEM": lambda data: crypto.load_crl(PEM, data),
    "list, DER": lambda data: crypto.load_crl(DER, data),
    "private key, PEM": lambda data: crypto.load_privatekey(PEM, data),
    "private key, DER": lambda data: crypto.load_privatekey(DER, data),
    "private key, encrypted": lambda data: crypto.load_privatekey(PEM, data, lambda *args: b"secret"),
    "public key, PEM": lambda data: crypto.load_publickey(PEM, data),
    "public key, DER": lambda data: crypto.load_publickey(DER, data),
    "PKCS #7, PEM": lambda data: crypto.load_pkcs7_data(PEM, data),
    "PKCS #7, DER": lambda data: crypto.load_pkcs7_data(DER, data),
    "PKCS #12": lambda data: crypto.load_pkcs12(data, b"secret"),
    "SPKAC": lambda data: crypto.NetscapeSPKI(data),
}
INPUTS = {
    "certificate, PEM": "server.pem",
    "certificate, DER": "server.der",
    "request, PEM": "request.pem",
    "request, DER": "request.der",
    "list, PEM": "crl.pem",
    "list, DER": "crl.der",
    "private key, PEM": "rsa.pem",
    "private key, DER": "rsa.der",
    "private key, encrypted": "ec-des3.pem",
    "public key, PEM": "rsa-public.pem",
    "public key, DER": "rsa-public.der",
    "PKCS #7, PEM": "pkcs7-certificates.pem",
    "PKCS #7, DER": "pkcs7-certificates.der",
    "SPKAC": "spkac.txt",
}


def load_files(good):
    if not good:
        raise crypto.Error("nothing")
    context = SSL.Context(SSL.TLS_METHOD)
    context.use_certificate_chain_file(DATA / "chain.pem")
    context.use_privatekey_file(DATA / "rsa.pem")
    context.load_verify_locations(DATA / "root.pem")
    context.load_client_ca(os.fsencode(DATA / "root.pem"))
    context.load_tmp_dh(DATA / "dh.pem")
    store = crypto.X509Store()
    store.load_locations(str(DATA / "root.pem"))
    with pytest.raises(SSL.Error):
        context.use_privatekey_file(DATA / "server.pem")


LOADERS["files"] = load_files


@needs_proc
@needs_exact
@pytest.mark.parametrize("name", LOADERS)
def test_na_069_loaders(name):
    times = count(30, 10000)
    load = LOADERS[name]
    good = {"PKCS #12": P12_DER, "files": b"x"}.get(name) or read(INPUTS[name]).strip(b"\n")
    bad = good[: len(good) // 2]

    def some(rounds):
        for _ in range(rounds):
            load(good)
            try:
                load(bad)
            except crypto.Error:
                continue
            raise AssertionError("half of it is no error")

    some(times // 10)
    before = resident()
    some(times)
    grown = resident() - before
    if FULL:
        tell(f"py growth: {name}, {times} times good and bad: {grown} bytes resident")
    assert grown < MIB
