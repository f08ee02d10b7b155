"""Connections over objects that read and write, and over pairs of transports."""

import io
import os
import threading

import pytest

from OpenSSL import SSL
from tls import client_context, connected, keep, plain_pair, server_context


class Pipe:
    """Bytes from one end to the other, as programs' transports have them."""

    def __init__(self):
        self.data = bytearray()
        self.closed = False

    def recv(self, size):
        if not self.data and not self.closed:
            raise BlockingIOError
        taken = bytes(self.data[:size])
        del self.data[:size]
        return taken

    def send(self, data):
        self.data += data
        return len(data)


class Reader:
    def __init__(self, pipe, empty=None):
        self.pipe = pipe

    def read(self, size):
        try:
            return self.pipe.recv(size)
        except BlockingIOError:
            return None


class Writer:
    def __init__(self, pipe):
        self.pipe = pipe

    def write(self, data):
        return self.pipe.send(data[:100])


class Both:
    def __init__(self, incoming, outgoing):
        self.recv, self.send = incoming.recv, outgoing.send


def over(kind):
    to_server, to_client = Pipe(), Pipe()
    if kind == "methods":
        ends = Both(to_server, to_client), Both(to_client, to_server)
    else:
        ends = (
            (Reader(to_server), Writer(to_client)),
            (Reader(to_client), Writer(to_server)),
        )
    server = SSL.Connection(server_context(), ends[0])
    client = SSL.Connection(client_context(), ends[1])
    server.set_accept_state()
    client.set_connect_state()
    return server, client, to_server, to_client


def shake(server, client):
    done = set()
    for _ in range(500):
        for connection in (client, server):
            if connection not in done:
                try:
                    connection.do_handshake()
                    done.add(connection)
                except (SSL.WantReadError, SSL.WantWriteError):
                    pass
        if len(done) == 2:
            return
    raise AssertionError("the handshake does not end")


@pytest.mark.parametrize("kind", ["methods", "pair"])
def test_objects(kind):
    server, client, to_server, to_client = over(kind)
    shake(server, client)
    client.send(b"data")
    assert server.recv(10) == b"data"
    with pytest.raises(SSL.WantReadError):
        server.recv(10)
    with pytest.raises(TypeError):
        server.bio_read(1)
    to_server.closed = True
    with pytest.raises(SSL.SysCallError) as caught:
        server.recv(10)
    assert caught.value.args == (-1, "Unexpected EOF")


@pytest.mark.parametrize("which", ["reader", "writer"])
@pytest.mark.parametrize("exception", [OSError(5, "broken"), ZeroDivisionError(), KeyboardInterrupt()])
def test_their_exceptions_come_out(which, exception):
    server, client, to_server, to_client = over("pair")
    shake(server, client)
    with pytest.raises(SSL.WantReadError):
        client.recv(1)

    def fail(*args):
        raise exception

    if which == "reader":
        to_client.recv = fail
        call = lambda: client.recv(1)  # noqa: E731
    else:
        to_server.send = fail
        call = lambda: client.send(b"x")  # noqa: E731
    with pytest.raises(type(exception)) as caught:
        call()
    assert caught.value is exception


@pytest.mark.parametrize("result", ["text", 5, object(), b"x" * 100000])
def test_what_a_reader_must_not_give(result):
    class Bad:
        def read(self, size):
            return result

        def write(self, data):
            return len(data)

    connection = SSL.Connection(client_context(), Bad())
    connection.set_connect_state()
    with pytest.raises((TypeError, ValueError)):
        connection.do_handshake()


@pytest.mark.parametrize("result", ["text", b"", 1.5, -1, 1 << 70, 100000])
def test_what_a_writer_must_not_give(result):
    class Bad:
        def read(self, size):
            return None

        def write(self, data):
            return result

    connection = SSL.Connection(client_context(), Bad())
    connection.set_connect_state()
    with pytest.raises((TypeError, ValueError, OverflowError)):
        connection.do_handshake()


@pytest.mark.parametrize("result", [None, 0])
def test_a_writer_that_waits(result):
    class Full:
        def read(self, size):
            return None

        def write(self, data):
            return result

    connection = SSL.Connection(client_context(), Full())
    connection.set_connect_state()
    with pytest.raises(SSL.WantWriteError):
        connection.do_handshake()
    assert connection.want_write()


def test_a_stream_as_transport():
    connection = SSL.Connection(client_context(), io.BytesIO(b"no TLS at all"))
    connection.set_connect_state()
    with pytest.raises(SSL.Error):
        connection.do_handshake()


@pytest.mark.parametrize("pair", [(), (1,), (1, 2, 3), (object(), object()), (None, None)])
def test_pairs_that_are_none(pair):
    with pytest.raises(TypeError):
        SSL.Connection(client_context(), pair)


@pytest.mark.parametrize("numbers", [True, False])
def test_two_descriptors(numbers):
    r1, w1 = os.pipe()
    r2, w2 = os.pipe()
    files = [os.fdopen(r, "rb", 0) for r in (r1, r2)] + [os.fdopen(w, "wb", 0) for w in (w1, w2)]
    keep(*files)
    ends = [(files[0], files[3]), (files[1], files[2])]
    if numbers:
        ends = [tuple(f.fileno() for f in end) for end in ends]
    server = SSL.Connection(server_context(), ends[0])
    client = SSL.Connection(client_context(), ends[1])
    server.set_accept_state()
    client.set_connect_state()
    thread = threading.Thread(target=server.do_handshake)
    thread.start()
    client.do_handshake()
    thread.join(60)
    client.sendall(b"data")
    assert server.recv(10) == b"data"


def test_tls_within_tls():
    outer = connected()
    inner = [
        SSL.Connection(server_context(), outer[0]),
        SSL.Connection(client_context(), outer[1]),
    ]
    inner[0].set_accept_state()
    inner[1].set_connect_state()

    def carry():
        for own, peer in (outer, outer[::-1]):
            try:
                peer.bio_write(own.bio_read(1 << 20))
            except SSL.WantReadError:
                pass

    done = set()
    for _ in range(30):
        for connection in inner:
            try:
                connection.do_handshake()
                done.add(connection)
            except SSL.WantReadError:
                pass
            carry()
    assert len(done) == 2
    inner[1].send(b"within")
    carry()
    assert inner[0].recv(100) == b"within"


def test_the_transport_is_released(collected):
    import weakref

    pipe = Both(Pipe(), Pipe())
    watch = weakref.ref(pipe)
    connection = SSL.Connection(client_context(), pipe)
    del pipe
    collected()
    assert watch() is not None
    del connection
    collected()
    assert watch() is None


def test_sockets_stay_with_who_made_them():
    left, right = plain_pair()
    connection = SSL.Connection(client_context(), left)
    del connection
    left.send(b"x")
    assert right.recv(1) == b"x"
