"""OpenSSL.SSL.Connection over sockets: blocking, descriptors, signals; renegotiation and keys."""

import errno
import itertools
import os
import select
import signal
import socket
import struct
import threading
import time

import pytest

from OpenSSL import SSL
from tls import (
    DATA,
    carry,
    client_context,
    connected,
    connected_sockets,
    plain_pair,
    reasons,
    server_context,
    socket_pair,
)


@pytest.fixture(params=[SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION], ids=["TLS 1.2", "TLS 1.3"])
def version(request):
    def limited():
        client = client_context()
        client.set_max_proto_version(request.param)
        return client

    return limited



# ---- descriptors ----


def test_blocking_sockets(version):
    server, client = socket_pair(client=version())
    thread = threading.Thread(target=server.do_handshake)
    thread.start()
    client.do_handshake()
    thread.join(60)
    received = []
    thread = threading.Thread(target=lambda: received.append(server.recv(100)))
    thread.start()
    time.sleep(0.02)
    client.send(b"data")
    thread.join(60)
    assert received == [b"data"]


def test_na_026_timeouts_of_python_do_not_block():
    server, client = connected_sockets()
    for timeout in (0, 0.01, 1e6):
        server.settimeout(timeout)
        started = time.monotonic()
        with pytest.raises(SSL.WantReadError):
            server.recv(1)
        assert time.monotonic() - started < 20


def test_timeouts_of_the_system_are_kept():
    server, client = connected_sockets()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 100000))
    started = time.monotonic()
    with pytest.raises(SSL.WantReadError):
        server.recv(1)
    assert 0.05 < time.monotonic() - started < 20


@pytest.fixture
def late(version):
    """(server, client), whose client has met answers that came late, so that it waits before it reads."""
    server, client = connected_sockets(client=version())

    def answer():
        for _ in range(3):
            asked = server.recv(10)
            time.sleep(0.01)
            server.send(asked)

    thread = threading.Thread(target=answer)
    thread.start()
    for _ in range(3):
        client.send(b"ask")
        assert client.recv(10) == b"ask"
    thread.join(10)
    client.send(b"ask")
    return server, client


def in_time(function, *args):
    started = time.monotonic()
    try:
        return function(*args)
    finally:
        assert time.monotonic() - started < 5


def test_late_answers_and_what_is_there_already(late):
    server, client = late
    server.send(b"ab")
    assert in_time(client.recv, 1) == b"a"
    client.send(b"ask")
    assert in_time(client.recv, 1) == b"b"
    server.send(b"c")
    server.send(b"d")
    client.send(b"ask")
    assert in_time(client.recv, 10, socket.MSG_PEEK) == in_time(client.recv, 10) == b"c"
    client.send(b"ask")
    assert in_time(client.recv, 10) == b"d"


def test_late_answers_and_the_end(late):
    server, client = late
    server.shutdown()
    for _ in range(3):
        with pytest.raises(SSL.ZeroReturnError):
            in_time(client.recv, 10)
        client.send(b"ask")
    server.sock_shutdown(socket.SHUT_RDWR)
    with pytest.raises(SSL.ZeroReturnError):
        in_time(client.recv, 10)


def test_late_answers_and_an_end_without_a_word(late):
    server, client = late
    server.sock_shutdown(socket.SHUT_WR)
    for _ in range(2):
        with pytest.raises(SSL.SysCallError):
            in_time(client.recv, 10)


def test_late_answers_and_no_time_for_them(late):
    server, client = late
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 100000))
    for _ in range(2):
        with pytest.raises(SSL.WantReadError):
            in_time(client.recv, 10)
        assert client.want_read()
        client.send(b"ask")
    client.setblocking(False)
    with pytest.raises(SSL.WantReadError):
        in_time(client.recv, 10)
    assert client.want_read()


def test_late_answers_and_a_reset():
    """A socket tells it once, to the wait; the program hears of it from recv()."""
    server, client = connected_sockets()
    thread = threading.Timer(0.05, server.send, [b"late"])
    thread.start()
    client.send(b"ask")
    assert client.recv(10) == b"late"
    thread.join(10)
    client.send(b"ask")
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
    with pytest.raises(SSL.SysCallError) as caught:
        in_time(client.recv, 10)
    assert caught.value.args[0] == errno.ECONNRESET


def test_short_answers_behind_one_another(late):
    """What one wait has seen is one record: what comes behind it stays where select() sees it."""
    server, client = late
    for number in range(50):
        server.send(b"%d" % number)
        server.send(b"more")
        assert in_time(client.recv, 10) == b"%d" % number
        assert select.select([client], [], [], 0)[0]
        client.send(b"ask")
        assert in_time(client.recv, 10) == b"more"
        assert not select.select([client], [], [], 0)[0]
        client.send(b"ask")


def test_select():
    server, client = connected_sockets()
    drain_socket(client)
    assert select.select([server, client], [server], [], 0)[1] == [server]
    client.send(b"x")
    assert select.select([server], [], [], 5)[0] == [server]
    assert server.recv(1) == b"x"


def drain_socket(connection):
    connection.setblocking(False)
    with pytest.raises(SSL.WantReadError):
        while True:
            connection.recv(1000)
    connection.setblocking(True)


@pytest.mark.parametrize("as_number", [True, False])
def test_numbers_as_sockets(as_number):
    left, right = plain_pair()
    server = SSL.Connection(server_context(), left.fileno() if as_number else left)
    client = SSL.Connection(client_context(), socket=right)
    server.set_accept_state()
    client.set_connect_state()
    thread = threading.Thread(target=server.do_handshake)
    thread.start()
    client.do_handshake()
    thread.join(60)
    with pytest.raises(TypeError, match="Connection sock was not None"):
        server.bio_read(1)


def test_na_092_a_closed_socket_is_left_alone():
    server, client = connected_sockets()
    number = server.fileno()
    server.close()
    strangers = plain_pair()
    assert number in (s.fileno() for s in strangers)
    for call in (
        lambda: server.send(b"secret"),
        lambda: server.sendall(b"secret"),
        lambda: server.recv(1),
        server.shutdown,
    ):
        with pytest.raises(SSL.SysCallError) as caught:
            call()
        assert caught.value.args == (errno.EBADF, "EBADF")
    for stranger in strangers:
        stranger.setblocking(False)
        with pytest.raises(BlockingIOError):
            stranger.recv(1)


def test_na_092_a_socket_that_is_closed_while_waiting():
    server, client = connected_sockets()
    raised = []

    def wait():
        try:
            server.recv(1)
        except SSL.Error as error:
            raised.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.05)
    server.sock_shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(60)
    assert isinstance(raised[0], SSL.SysCallError)


def test_na_078_closed_sockets_at_birth():
    left, right = plain_pair()
    left.close()
    with pytest.raises(ValueError, match="file descriptor cannot be a negative integer"):
        SSL.Connection(client_context(), left)
    for value in (object(), "socket", 1.5, [1]):
        with pytest.raises(TypeError):
            SSL.Connection(client_context(), value)
    with pytest.raises(ValueError):
        SSL.Connection(client_context(), -1)


def test_na_095_descriptors_beyond_select():
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2100:
        pytest.skip("this user may not open that many")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096 if hard == resource.RLIM_INFINITY else min(hard, 4096), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        server, client = connected_sockets()
        assert server.fileno() > 1024
        thread = threading.Thread(target=lambda: (time.sleep(0.05), client.send(b"x")))
        thread.start()
        assert server.recv(1) == b"x"
        thread.join()
    finally:
        for fd in held:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# ---- signals ----


@pytest.fixture
def alarms():
    """A function that has signals come every so often, until the test is over."""
    before = signal.getsignal(signal.SIGALRM)

    def start(handler, seconds):
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, seconds, seconds)

    yield start
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_na_025_signals_do_not_interrupt(alarms):
    server, client = connected_sockets()
    count = itertools.count()
    alarms(lambda *args: next(count), 0.001)

    def echo():
        for _ in range(300):
            time.sleep(0.001)
            client.send(client.recv(10))

    thread = threading.Thread(target=echo)
    thread.start()
    for index in range(300):
        data = b"%08d" % index
        server.sendall(data)
        assert server.recv(10) == data
    thread.join(60)
    assert next(count) > 10


def test_na_094_a_handler_that_raises_leaves_the_connection_usable(alarms):
    server, client = connected_sockets()

    class Rung(Exception):
        pass

    def ring(*args):
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise Rung

    with pytest.raises(Rung):
        alarms(ring, 0.1)
        server.recv(1)
    client.send(b"x")
    assert server.recv(1) == b"x"
    assert server.sendall(b"y") == 1
    assert client.recv(1) == b"y"


# ---- renegotiation and keys ----


def old_pair():
    client = client_context()
    client.set_max_proto_version(SSL.TLS1_2_VERSION)
    server = server_context()
    server.clear_options(SSL.OP_NO_RENEGOTIATION)
    client.clear_options(SSL.OP_NO_RENEGOTIATION)
    return connected(server, client)


def test_renegotiation():
    server, client = old_pair()
    assert server.total_renegotiations() == 0
    assert server.renegotiate_pending() is False
    assert server.renegotiate() is True
    assert server.renegotiate_pending() is True
    assert server.renegotiate() is False
    server.do_handshake()
    for _ in range(6):
        carry(server, client)
        with pytest.raises(SSL.WantReadError):
            client.recv(1)
        carry(client, server)
        with pytest.raises(SSL.WantReadError):
            server.recv(1)
    assert server.total_renegotiations() == 1
    assert server.renegotiate_pending() is False
    client.send(b"after")
    carry(client, server)
    assert server.recv(10) == b"after"


def test_na_143_no_renegotiation_in_tls_13():
    server, client = connected()
    with pytest.raises(SSL.Error) as caught:
        server.renegotiate()
    assert reasons(caught.value)[0] == "wrong ssl version"


def test_key_update():
    server, client = connected()
    server.key_update(peer_too=True)
    server.send(b"x")
    carry(server, client)
    assert client.recv(1) == b"x"
    client.send(b"y")
    carry(client, server)
    assert server.recv(1) == b"y"
    server, client = old_pair()
    with pytest.raises(SSL.Error):
        server.key_update()


def test_certificates_after_the_handshake():
    client = client_context()
    client.use_certificate_file(DATA / "client.pem")
    client.use_privatekey_file(DATA / "client-key.pem")
    client.set_post_handshake_auth(True)
    context = server_context()
    context.load_verify_locations(DATA / "root.pem")
    context.load_verify_locations(DATA / "intermediate.pem")
    server, connection = connected(context, client)
    assert server.get_peer_certificate() is None
    server.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    server.verify_client_post_handshake()
    server.do_handshake()
    carry(server, connection)
    with pytest.raises(SSL.WantReadError):
        connection.recv(1)
    carry(connection, server)
    with pytest.raises(SSL.WantReadError):
        server.recv(1)
    assert server.get_peer_certificate().get_subject().emailAddress == "client@example.test"
