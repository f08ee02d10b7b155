"""A Connection in the place of a socket: files, with, shutdown(how); and over what wraps a socket."""

import contextlib
import http.client
import http.server
import os
import selectors
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import urllib.request

import pytest

from OpenSSL import SSL
from tls import DATA, client_context, connected_sockets, keep, memory_pair, server_context, tcp_pair


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, body):
        self.send_response(200)
        if self.path == "/close":
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(b"hello " + self.path.encode())

    def do_POST(self):
        self.reply(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, *args):
        pass


class OldHandler(Handler):
    protocol_version = "HTTP/1.0"
    wbufsize = -1
    timeout = 20


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """The recipe: a Connection listens, and the Connections it accepts are requests."""

    daemon_threads = True

    def __init__(self, handler):
        socketserver.BaseServer.__init__(self, ("127.0.0.1", 0), handler)
        self.errors = []
        self.socket = SSL.Connection(server_context(), socket.socket(self.address_family, self.socket_type))
        self.server_bind()
        self.server_activate()

    def handle_error(self, request, client_address):
        import sys

        self.errors.append(sys.exc_info()[1])


@contextlib.contextmanager
def serving(handler):
    server = Server(handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def connect(server):
    connection = SSL.Connection(client_context(), socket.create_connection(server.server_address, 20))
    connection.setblocking(True)
    connection.set_connect_state()
    keep(connection)
    return connection


@pytest.mark.parametrize("handler", [Handler, OldHandler])
def test_na_230_http_servers(handler):
    context = ssl.create_default_context(cafile=str(DATA / "root.pem"))
    with serving(handler) as server:
        url = f"https://localhost:{server.server_port}/a"
        with urllib.request.urlopen(url, context=context, timeout=20) as answer:
            assert answer.read() == b"hello /a"
        client = http.client.HTTPConnection("localhost", server.server_port)
        client.sock = connect(server)
        for size in (0, 1, 100_000):
            client.request("POST", "/", body=b"z" * size)
            assert client.getresponse().read() == b"z" * size
            if handler is OldHandler:
                client.sock = connect(server)
        client.close()


def test_na_230_a_client_reads_on_after_closing():
    """http.client closes its socket when the answer is to be read to the end."""
    with serving(Handler) as server:
        client = http.client.HTTPConnection("localhost", server.server_port)
        client.sock = connect(server)
        client.request("GET", "/close")
        answer = client.getresponse()
        assert client.sock is None
        assert answer.read() == b"hello /close"  # to the server's alert
        assert not server.errors


def test_na_230_files():
    server, client = connected_sockets()
    with client.makefile("rw", encoding="utf-8", newline="") as text, server.makefile("rwb") as data:
        text.write("one\ntwo\n")
        text.flush()
        assert data.readline() == b"one\n" and data.readline() == b"two\n"
        data.write(b"three\n")
        data.flush()
        assert text.readline() == "three\n"
        server.shutdown()
        assert text.read() == ""
    assert text.closed and client.fileno() >= 0


def test_na_230_raw_files_and_modes():
    server, client = connected_sockets()
    raw = client.makefile("rwb", buffering=0)
    assert raw.fileno() == client.fileno() and raw.readable() and raw.writable() and raw.mode == "rwb"
    assert raw.write(b"abc") == 3 and server.recv(3) == b"abc"
    server.send(b"xyz")
    into = bytearray(10)
    assert raw.readinto(into) == 3 and into[:3] == b"xyz"
    raw.close()
    with pytest.raises(ValueError):
        raw.write(b"")
    with pytest.raises(OSError):
        client.makefile("rb", 0).write(b"x")
    with pytest.raises(OSError):
        client.makefile("wb", 0).readinto(bytearray(1))
    for mode, buffering in (("x", None), ("r", 0)):
        with pytest.raises(ValueError):
            client.makefile(mode, buffering)
    assert client.makefile("r").mode == "r"


def test_na_230_an_end_without_an_alert_is_no_end():
    server, client = connected_sockets()
    server.send(b"half of")
    server.sock_shutdown(socket.SHUT_RDWR)
    with client.makefile("rb") as data, pytest.raises(SSL.SysCallError, match="Unexpected EOF"):
        data.read()


def test_na_230_the_socket_stays_open_for_its_files():
    server, client = connected_sockets()
    data = client.makefile("rb")
    client.close()
    server.send(b"x")
    assert data.read(1) == b"x"
    data.close()
    assert client._socket.fileno() == -1


def test_na_230_timeouts():
    server, client = connected_sockets()
    client.settimeout(0.05)
    with pytest.raises(SSL.WantReadError):  # as programs rely on it
        client.recv(1)
    with client.makefile("rb") as data, pytest.raises(TimeoutError):
        data.read(1)
    client.setblocking(False)
    assert client.makefile("rb", 0).readinto(bytearray(1)) is None
    client.settimeout(20)
    timer = threading.Timer(0.1, server.send, [b"y"])
    timer.start()
    assert client.makefile("rb", 0).readinto(bytearray(1)) == 1
    timer.join()


def test_na_230_with():
    server, client = connected_sockets()
    with client as same:
        assert same is client
    assert client._socket.fileno() == -1
    with pytest.raises(SSL.ZeroReturnError):
        server.recv(1)
    server, client = connected_sockets()
    with pytest.raises(ZeroDivisionError), client:
        raise ZeroDivisionError
    assert client._socket.fileno() == -1
    with pytest.raises(SSL.SysCallError):  # cut short, and looks so
        server.recv(1)


def test_na_230_with_before_the_handshake_in_memory_and_closed():
    left, _right = tcp_pair()
    with SSL.Connection(server_context(), left):
        pass
    assert left.fileno() == -1
    server, client = memory_pair()
    with client:
        pass
    _, client = connected_sockets()
    with client:
        client.close()


def test_na_230_with_does_not_wait():
    server, client = connected_sockets()
    server.setblocking(False)
    with pytest.raises(SSL.WantWriteError):
        while True:
            server.send(b"x" * 16384)
    server.setblocking(True)
    with server:
        pass
    assert server._socket.fileno() == -1


def test_na_230_with_calls_close_of_a_subclass():
    class Mine(SSL.Connection):
        closed = 0

        def close(self):
            self.closed += 1

    mine = Mine(client_context(), tcp_pair()[0])
    with mine:
        pass
    assert mine.closed == 1


def test_na_230_shutdown_as_a_socket():
    server, client = connected_sockets()
    assert client.shutdown(socket.SHUT_WR) is None
    with pytest.raises(SSL.ZeroReturnError):
        server.recv(1)
    server, client = connected_sockets()
    client.shutdown(how=socket.SHUT_RD)
    assert client.get_shutdown() == 0
    assert client.shutdown(None) is False and client.get_shutdown() == SSL.SENT_SHUTDOWN
    client.close()
    with pytest.raises(OSError):
        client.shutdown(socket.SHUT_WR)
    for value in ("x", 1.5, b""):
        with pytest.raises(TypeError):
            server.shutdown(value)


def test_na_230_without_a_socket():
    _, client = memory_pair()
    for call in (lambda: client.sock_shutdown(2), lambda: client.shutdown(2), client.accept):
        with pytest.raises(AttributeError, match="a Connection in memory has no socket to (shutdown|accept)"):
            call()
    with pytest.raises(NotImplementedError):
        client.makefile()


def test_na_230_selectors():
    context = client_context()
    context.set_max_proto_version(SSL.TLS1_2_VERSION)  # no tickets that wait
    server, client = connected_sockets(client=context)
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ)
        assert selector.select(0) == []
        server.send(b"x")
        assert [key.fileobj for key, _ in selector.select(20)] == [client]


# ---- over another TLS session ----


def nested(sockets, wrap):
    """The far end of an inner session within an outer one; what the inner client says comes back in capitals."""

    def serve(sock):
        outer = SSL.Connection(server_context(), sock)
        outer.set_accept_state()
        inner = SSL.Connection(server_context(), outer)
        inner.set_accept_state()
        inner.sendall(inner.recv(100).upper())
        with contextlib.suppress(SSL.Error):
            inner.recv(1)

    left, right = sockets
    thread = threading.Thread(target=serve, args=(left,))
    thread.start()
    return wrap(right), thread


def by_connection(sock):
    outer = SSL.Connection(client_context(), sock)
    outer.set_connect_state()
    outer.do_handshake()
    return outer


def by_ssl(sock):
    context = ssl.create_default_context(cafile=str(DATA / "root.pem"))
    return context.wrap_socket(sock, server_hostname="localhost")


class Delegate:
    """What urllib3 and others put around a session of theirs."""

    def __init__(self, sock):
        self._sock = by_ssl(sock)

    def __getattr__(self, name):
        return getattr(self._sock, name)


@pytest.mark.parametrize("wrap", [by_connection, by_ssl, Delegate])
def test_na_227_over_another_session(wrap):
    outer, thread = nested(tcp_pair(), wrap)
    inner = SSL.Connection(client_context(), outer)
    inner.set_connect_state()
    inner.do_handshake()
    inner.sendall(b"hello")
    assert inner.recv(100) == b"HELLO"
    inner.shutdown()
    outer.close()
    thread.join(30)
    assert not thread.is_alive()


DEEP = """
import sys, threading
from OpenSSL import SSL

class Wrapped:  # what a program puts between two of them
    def __init__(self, conn):
        self.recv, self.send = lambda size: conn.recv(size), lambda data: conn.send(data)

def build(depth, between):
    conn = SSL.Connection(context)
    conn.set_accept_state()
    for _ in range(depth):
        conn = SSL.Connection(context, between(conn))
        conn.set_accept_state()
    return conn

CALLS = {
    "recv": lambda conn: conn.recv(10),
    "recv_into": lambda conn: conn.recv_into(bytearray(10)),
    "peek": lambda conn: conn.recv(10, 2),
    "send": lambda conn: conn.send(b"x"),
    "do_handshake": lambda conn: conn.do_handshake(),
}

def outcome(function, *arguments):
    try:
        return function(*arguments)
    except Exception as e:
        return type(e).__name__

def main():
    for between in (lambda conn: conn, Wrapped):
        for depth in (3, 12, 430, 950):
            for name, call in CALLS.items():
                print(depth, outcome(call, build(depth, between)))

context = SSL.Context(SSL.TLS_METHOD)
# From 3.12 on CPython lets C code call itself ten times as often, for which it needs more itself.
threading.stack_size((4 if sys.version_info >= (3, 12) else 1) << 20)
thread = threading.Thread(target=main)
thread.start()
thread.join()
"""


def test_na_252_many_over_one_another():
    done = subprocess.run([sys.executable, "-c", DEEP], stdout=subprocess.PIPE, timeout=240)
    assert done.returncode == 0
    outcomes = [line.split() for line in done.stdout.decode().splitlines()]
    assert len(outcomes) == 40
    for depth, result in outcomes:
        assert result == ("RecursionError" if int(depth) > 12 else "WantReadError")


def test_na_227_a_session_that_does_not_wait():
    outer, thread = nested(tcp_pair(), by_ssl)
    outer.setblocking(False)
    inner = SSL.Connection(client_context(), outer)
    inner.set_connect_state()
    with selectors.DefaultSelector() as selector:
        selector.register(outer, selectors.EVENT_READ)
        for step in (inner.do_handshake, lambda: inner.sendall(b"hello"), lambda: inner.recv(100)):
            for _ in range(1000):
                try:
                    result = step()
                    break
                except SSL.WantReadError:
                    selector.select(20)
    assert result == b"HELLO"
    outer.close()
    thread.join(30)
    assert not thread.is_alive()


def test_na_227_a_descriptor_that_is_for_selecting_only():
    """As paramiko's channels have it: a pipe."""
    left, right = tcp_pair()
    reader, writer = os.pipe()

    class Channel:
        def fileno(self):
            return reader

        def send(self, data):
            return left.send(data)

        def recv(self, size):
            return left.recv(size)

    server = SSL.Connection(server_context(), right)
    server.set_accept_state()
    client = SSL.Connection(client_context(), Channel())
    client.set_connect_state()
    thread = threading.Thread(target=server.do_handshake)
    thread.start()
    client.do_handshake()
    thread.join()
    server.send(b"x")
    assert client.recv(1) == b"x"
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("role", ["set_connect_state", "set_accept_state"])
@pytest.mark.parametrize("end", [0, 1])
def test_na_226_the_wrong_end_of_a_pipe(end, role):
    pipe = os.pipe()
    try:
        connection = SSL.Connection(client_context(), pipe[end])
        getattr(connection, role)()
        if role == "set_accept_state" and end == 0:
            os.close(os.dup(pipe[1]))  # reading waits, which is right: feed it
            os.write(pipe[1], b"\x16\x03\x01\x00\x02\x01\x00garbage")
        with pytest.raises(SSL.Error) as caught:
            connection.do_handshake()
        if not (role == "set_accept_state" and end == 0):
            assert caught.value.args == (9, "EBADF")
    finally:
        for fd in pipe:
            os.close(fd)
