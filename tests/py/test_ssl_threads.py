"""Connections and Contexts in many threads at once."""

import datetime
import os
import subprocess
import sys
import threading
import time

import pytest

from OpenSSL import SSL, crypto, tsafe
from tls import (
    DATA,
    carry,
    client_context,
    connected,
    connected_sockets,
    memory_pair,
    plain_pair,
    server_context,
    shake,
)


def run(*functions):
    """All of them at once; what one raises comes out."""
    raised = []
    barrier = threading.Barrier(len(functions))

    def guarded(function):
        barrier.wait(60)
        try:
            function()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(f,), daemon=True) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
        assert not thread.is_alive(), "a thread hangs"
    if raised:
        raise raised[0]


@pytest.fixture(params=[SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION], ids=["TLS 1.2", "TLS 1.3"])
def sockets(request):
    client = client_context()
    client.set_max_proto_version(request.param)
    return connected_sockets(client=client)


def test_na_082_a_reader_does_not_keep_writers_out(sockets):
    server, client = sockets
    received = []
    reader = threading.Thread(target=lambda: received.append(server.recv(100)))
    reader.start()
    time.sleep(0.1)
    took = []
    for _ in range(5):
        started = time.monotonic()
        assert server.send(b"while reading") == 13
        took.append(time.monotonic() - started)
        assert client.recv(100) == b"while reading"
    assert min(took) < 0.1  # the machine may have had other work at some of them
    assert not received
    client.send(b"for the reader")
    reader.join(60)
    assert received == [b"for the reader"]


def test_na_081_many_writers_one_reader(sockets):
    server, client = sockets
    writers, messages, size = 4, 40, 20000
    total = writers * messages * size
    received = bytearray()

    def write(letter):
        for _ in range(messages):
            server.sendall(letter * size)

    def read():
        while len(received) < total:
            received.extend(client.recv(1 << 16))

    run(read, *(lambda letter=bytes([65 + i]): write(letter) for i in range(writers)))
    # Whole messages: nobody wrote into another's.
    for start in range(0, total, size):
        assert len(set(received[start : start + size])) == 1
    assert {bytes([c]) for c in set(received)} == {bytes([65 + i]) for i in range(writers)}


def test_na_081_both_ways(sockets):
    server, client = sockets
    size = 1 << 20
    data = os.urandom(size)
    results = {}

    def write(connection):
        connection.sendall(data)

    def read(connection, name):
        received = bytearray()
        while len(received) < size:
            received += connection.recv(1 << 16)
        results[name] = bytes(received)

    run(
        lambda: write(server),
        lambda: write(client),
        lambda: read(server, "server"),
        lambda: read(client, "client"),
    )
    assert results == {"server": data, "client": data}


def test_getters_while_bytes_move(sockets):
    server, client = sockets
    over = threading.Event()

    def move():
        try:
            for _ in range(300):
                server.sendall(b"x" * 1000)
                client.recv(1000)
        finally:
            over.set()

    def ask():
        while not over.is_set():
            server.get_cipher_name()
            server.pending()
            server.get_certificate()
            client.get_peer_cert_chain()
            client.get_verified_chain()
            client.get_session()
            client.get_state_string()

    run(move, ask, ask)


def test_memory_connections():
    server, client = connected()
    count = 200

    def write():
        for _ in range(count):
            client.sendall(b"0123456789")

    run(write, write, write)
    carry(client, server)
    received = b""
    while len(received) < 30 * count:
        received += server.recv(1000)
    assert received == b"0123456789" * 3 * count


def test_one_context_many_handshakes():
    server, client = server_context(), client_context()

    def handshakes():
        for _ in range(10):
            pair = memory_pair(server, client)
            shake(*pair)

    run(*[handshakes] * 8)


def test_na_052_na_083_contexts_change_under_handshakes():
    server, client = server_context(), client_context()
    over = threading.Event()
    calls = set()

    def change():
        count = 0
        while not over.is_set():
            count += 1
            client.set_verify(SSL.VERIFY_PEER, lambda *args, n=count: calls.add(n) or True)
            server.set_tlsext_servername_callback(lambda conn, n=count: calls.add(n))
            server.set_alpn_select_callback(lambda conn, offered: offered[0])
            client.set_info_callback(lambda *args: None)
            server.set_timeout(100 + count % 100)
            server.set_options(SSL.OP_NO_TICKET)
            server.clear_options(SSL.OP_NO_TICKET)
            server.use_certificate_chain_file(DATA / "chain.pem")
            server.use_privatekey_file(DATA / "rsa.pem")
            client.load_verify_locations(DATA / "root.pem")

    def handshakes():
        try:
            for _ in range(40):
                pair = memory_pair(server, client)
                pair[1].set_alpn_protos([b"h2"])
                shake(*pair)
                pair[0].send(b"x")
                carry(*pair)
                assert pair[1].recv(1) == b"x"
        finally:
            over.set()

    run(change, handshakes, handshakes)
    assert len(calls) > 1


def test_na_047_exceptions_stay_with_their_thread():
    server = server_context()
    client = client_context()

    def verify(connection, *rest):
        if connection.get_app_data():
            raise ZeroDivisionError(connection.get_app_data())
        return True

    client.set_verify(SSL.VERIFY_PEER, verify)

    def fail(number):
        for _ in range(20):
            pair = memory_pair(server, client)
            pair[1].set_app_data(number)
            with pytest.raises(ZeroDivisionError) as caught:
                shake(*pair)
            assert caught.value.args == (number,)

    def succeed():
        for _ in range(20):
            shake(*memory_pair(server, client))

    run(*(lambda n=n: fail(n) for n in (1, 2, 3)), succeed, succeed)


def test_na_102_one_session_many_threads():
    server, client = connected()
    contexts = server.get_context(), client.get_context()
    session = client.get_session()

    def resume():
        for _ in range(10):
            pair = memory_pair(*contexts)
            pair[1].set_session(session)
            shake(*pair)
            assert pair[1].session_reused()

    run(*[resume] * 6)


def test_na_087_callbacks_that_take_locks():
    """A callback waits for a lock whose owner is about to use the connection."""
    lock = threading.Lock()
    server, client = server_context(), client_context()
    waiting = threading.Event()

    def verify(connection, *rest):
        waiting.set()
        with lock:
            return True

    client.set_verify(SSL.VERIFY_PEER, verify)
    pair = memory_pair(server, client)

    def drive():
        shake(*pair)

    def use():
        with lock:
            waiting.wait(60)
            time.sleep(0.05)
        pair[1].get_cipher_name()

    run(drive, use)


def test_na_164_the_last_reference_goes_while_another_thread_waits(collected):
    left, right = plain_pair()
    holder = [SSL.Connection(client_context(), left)]
    holder[0].set_connect_state()
    raised = []

    def wait(connection):
        try:
            connection.do_handshake()
        except SSL.Error as error:
            raised.append(error)

    thread = threading.Thread(target=wait, args=(holder[0],))
    thread.start()
    time.sleep(0.05)
    holder.clear()
    collected()
    right.close()
    thread.join(60)
    assert isinstance(raised[0], SSL.SysCallError)


def test_na_080_threads_leave_nothing():
    def peak():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * 4096

    if not os.path.exists("/proc/self/statm"):
        pytest.skip("no /proc here")
    if "libasan" in os.environ.get("LD_PRELOAD", ""):
        pytest.skip("the sanitizer keeps what is freed")

    def short():
        with pytest.raises(SSL.Error):
            SSL.Context(SSL.TLS_METHOD).set_cipher_list(b"nothing")

    def many(count):
        for _ in range(count):
            thread = threading.Thread(target=short)
            thread.start()
            thread.join()

    many(500)
    before = peak()
    many(2000)
    assert peak() - before < 4 << 20


def test_tsafe():
    assert tsafe.Connection(client_context(), None)
    left, right = plain_pair()
    server, client = (
        tsafe.Connection(server_context(), left),
        tsafe.Connection(client_context(), right),
    )
    server.set_accept_state()
    client.set_connect_state()
    run(server.do_handshake, client.do_handshake)
    received = []
    reader = threading.Thread(target=lambda: received.append(server.recv(10)))
    reader.start()
    time.sleep(0.05)
    assert server.send(b"x") == 1  # NA-082
    client.sendall(b"data")
    reader.join(60)
    assert received == [b"data"] and client.read(1) == b"x"
    assert client.get_peer_certificate().get_subject().CN == "localhost"
    assert client.fileno() == right.fileno() and client.state_string()


SCRIPTS = {
    "daemon threads": """
        import threading, time
        server, client = connected_sockets()
        threading.Thread(target=lambda: server.recv(1), daemon=True).start()
        client.get_context().set_info_callback(lambda *args: None)
        def handshakes():
            while True:
                connected()
        threading.Thread(target=handshakes, daemon=True).start()
        time.sleep(0.2)
    """,
    "an exception in a thread": """
        import threading
        server, client = connected()
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start(); thread.join()
    """,
    "left at exit": """
        import builtins
        builtins.kept = connected(), connected_sockets()
        builtins.kept[0][0].set_app_data(builtins.kept)
        import sys
        sys.exit(0)
    """,
    "at once": """
        kept = connected()
        import os
        os._exit(0)
    """,
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_na_075_the_end_of_the_process(name):
    import textwrap

    script = "from tls import *\n" + textwrap.dedent(SCRIPTS[name])
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=os.path.dirname(__file__),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr


def ended(child):
    """The status of a child, which ends in time."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        time.sleep(0.005)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return pytest.fail("a child hangs")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_na_089_children_of_a_busy_process():
    """Threads shake hands while the process forks; the children do so too."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    server, client = server_context(), client_context()
    over = threading.Event()

    def busy():
        while not over.is_set():
            shake(*memory_pair(server, client))

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    shake(*memory_pair(server_context(), client_context()))
                    status = 0
                finally:
                    os._exit(status)
            assert ended(child) == 0
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_na_089_a_child_process_does_not_wait_for_threads_it_has_not():
    """A thread is in a callback of a Connection when the process forks: to the child, that Connection is free."""
    inside, over = threading.Event(), threading.Event()

    def stay(*_):
        inside.set()
        over.wait(60)

    context = client_context()
    context.set_info_callback(stay)
    _, client = memory_pair(server_context(), context)
    thread = threading.Thread(target=lambda: pytest.raises(SSL.WantReadError, client.do_handshake))
    thread.start()
    try:
        assert inside.wait(60)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                client.pending()
                nested = threading.Thread(target=client.pending)
                nested.start()
                nested.join()
                status = client.pending()
            finally:
                os._exit(status)
        assert ended(child) == 0
    finally:
        over.set()
        thread.join()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_na_089_a_callback_that_forks():
    """In the child nothing of its Connection waits for anybody, and nothing can be sent."""
    looked, children = threading.Event(), []

    def look():
        client.pending()
        looked.set()

    def fork(*_):
        if children:
            return
        children.append(os.fork())
        if children[0] == 0:
            threading.Thread(target=look).start()
            try:
                client.do_handshake()
            except SSL.Error:
                os._exit(0 if looked.wait(5) else 2)
            os._exit(1)

    context = client_context()
    context.set_info_callback(fork)
    _, client = memory_pair(server_context(), context)
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    assert ended(children[0]) == 0


def test_na_239_policies_are_added_beside_handshakes():
    """What a store asks may change while a chain is judged; libssl reads its parameters unlocked."""
    client, server = client_context(), server_context()
    store, over = client.get_cert_store(), threading.Event()

    def handshakes():
        for _ in range(20):
            shake(*memory_pair(server, client))
        over.set()

    def policies():
        number = 0
        while not over.is_set() and number < 20000:
            store.add_policy(f"1.2.3.{number}")
            store.set_flags(crypto.X509StoreFlags.CHECK_SS_SIGNATURE)
            number += 1
            if number % 40 == 0:
                time.sleep(0)
        over.wait(60)

    run(handshakes, policies)


def test_na_239_what_a_store_asks_counts_for_connections():
    """Flags, also those that were set after the connection was made, refuse; a purpose does too."""
    for ask in (
        lambda store: store.set_flags(crypto.X509StoreFlags.CRL_CHECK),
        lambda store: store.set_time(datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc)),
    ):
        client = client_context()
        pair = memory_pair(server_context(), client)
        ask(client.get_cert_store())
        with pytest.raises(SSL.Error) as failed:
            shake(*pair)
        assert "certificate verify failed" in str(failed.value)
