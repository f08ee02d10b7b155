"""Greenlets of one thread that switch inside callbacks, in an order that is no stack."""

import functools
import os
import random
import subprocess
import sys
import textwrap

import pytest

from OpenSSL import SSL, crypto
from tls import client_context, connected, memory_pair, server_context, shake


def run_python(text, timeout=60):
    """In a process of its own, as what goes wrong may end it."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=os.path.dirname(__file__),
    )


def test_na_210_greenlets_switch_in_callbacks():
    greenlet = pytest.importorskip("greenlet")
    main = greenlet.getcurrent()

    def make():
        own, peer = server_context(), client_context()
        own.set_tlsext_servername_callback(lambda connection: main.switch("callback"))
        own.set_alpn_select_callback(lambda connection, protocols: protocols[0])
        peer.set_alpn_protos([b"h2"])
        server, client = memory_pair(own, peer)
        client.set_tlsext_host_name(b"localhost")
        return greenlet.greenlet(lambda: shake(server, client) or "shaken")

    a, b = make(), make()
    assert [a.switch(), b.switch()] == ["callback", "callback"]
    assert [a.switch(), b.switch()] == ["shaken", "shaken"]
    for _ in range(20):
        connected()


def test_na_210_greenlets_over_transports_of_their_own():
    greenlet = pytest.importorskip("greenlet")
    main, chance, answers = greenlet.getcurrent(), random.Random(5), []
    own, peer = server_context(), client_context()

    class End:
        def __init__(self):
            self.waiting = bytearray()

        def recv(self, size):
            while not self.waiting:
                main.switch()
            data = bytes(self.waiting[:size])
            del self.waiting[:size]
            return data

        def send(self, data):
            self.peer.waiting += data
            main.switch()
            return len(data)

    def serve(end):
        connection = SSL.Connection(own, end)
        connection.set_accept_state()
        connection.send(connection.recv(100))

    def ask(end, number):
        connection = SSL.Connection(peer, end)
        connection.set_connect_state()
        connection.send(b"%d" % number)
        answers.append(connection.recv(100))

    running = []
    for number in range(6):
        a, b = End(), End()
        a.peer, b.peer = b, a
        running.append(greenlet.greenlet(functools.partial(serve, a)))
        running.append(greenlet.greenlet(functools.partial(ask, b, number)))
    for _ in range(100000):
        chance.choice(running).switch()
        running = [one for one in running if not one.dead]
        if not running:
            break
    assert sorted(answers) == [b"%d" % number for number in range(6)]


def test_na_210_errors_stay_with_their_greenlet():
    """What another one does wrong meanwhile is not told to whom it comes back."""
    greenlet = pytest.importorskip("greenlet")
    main = greenlet.getcurrent()
    peer = SSL.Context(SSL.TLS_METHOD)
    peer.set_verify(SSL.VERIFY_PEER, lambda *_: main.switch() or False)
    server, client = memory_pair(server_context(), peer)

    def run():
        with pytest.raises(SSL.Error, match="certificate verify failed"):
            shake(server, client)
        return "refused"

    one = greenlet.greenlet(run)
    result = one.switch()
    while not one.dead:
        with pytest.raises(crypto.Error):
            crypto.load_certificate(crypto.FILETYPE_ASN1, b"x")
        result = one.switch()
    assert result == "refused"


def test_na_210_a_gevent_server():
    pytest.importorskip("gevent")
    text = """
        import gevent.monkey; gevent.monkey.patch_all()
        import gevent, gevent.socket, os, socket
        from OpenSSL import SSL
        from tls import client_context, server_context

        def drive(connection, call, *args):
            while True:
                try:
                    return call(*args)
                except SSL.WantReadError:
                    gevent.socket.wait_read(connection.fileno())
                except SSL.WantWriteError:
                    gevent.socket.wait_write(connection.fileno())

        own, peer = server_context(), client_context()
        own.set_tlsext_servername_callback(lambda connection: gevent.sleep(0.001))
        own.set_alpn_select_callback(lambda connection, protocols: protocols[0])
        peer.set_alpn_protos([b"h2"])
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)

        def serve(sock):
            sock.setblocking(False)
            connection = SSL.Connection(own, sock)
            connection.set_accept_state()
            drive(connection, connection.do_handshake)
            drive(connection, connection.send, drive(connection, connection.recv, 100))
            sock.close()

        def accept():
            while True:
                gevent.spawn(serve, listener.accept()[0])

        def ask(number):
            sock = socket.create_connection(listener.getsockname())
            sock.setblocking(False)
            connection = SSL.Connection(peer, sock)
            connection.set_connect_state()
            connection.set_tlsext_host_name(b"localhost")
            drive(connection, connection.do_handshake)
            connection.send(b"%d" % number)
            answers.append(drive(connection, connection.recv, 100))
            sock.close()

        answers = []
        gevent.spawn(accept)
        gevent.joinall([gevent.spawn(ask, number) for number in range(20)], timeout=30)
        print(len(set(answers)), flush=True)
        os._exit(0)
    """
    result = run_python(text)
    assert result.stdout == "20\n", result.stderr
