"""Pairs of connections for tests: in memory, over sockets."""

import pathlib
import socket
import time

from OpenSSL import SSL

_opened = []


def keep(*sockets):
    """Have sockets closed after the test."""
    _opened.extend(sockets)
    return sockets


def close_all():
    while _opened:
        _opened.pop().close()


def plain_pair():
    """Two sockets."""
    return keep(*socket.socketpair())


DATA = pathlib.Path(__file__).resolve().parent.parent / "data"


def read(name):
    return (DATA / name).read_bytes()


def server_context(method=SSL.TLS_METHOD, certificate="chain.pem", key="rsa.pem"):
    context = SSL.Context(method)
    context.use_certificate_chain_file(DATA / certificate)
    context.use_privatekey_file(DATA / key)
    return context


def client_context(method=SSL.TLS_METHOD, verify=True):
    context = SSL.Context(method)
    if verify:
        context.load_verify_locations(DATA / "root.pem")
        context.set_verify(SSL.VERIFY_PEER)
    return context


def memory_pair(server=None, client=None):
    """A server and a client in memory, before their handshake."""
    pair = (
        SSL.Connection(server or server_context()),
        SSL.Connection(client or client_context()),
    )
    pair[0].set_accept_state()
    pair[1].set_connect_state()
    return pair


def carry(source, target):
    """What source has for its peer, to the last byte (of a datagram); whether there was any."""
    carried = False
    while True:
        try:
            target.bio_write(source.bio_read(1 << 20))
        except SSL.WantReadError:
            return carried
        carried = True


def shake(server, client, limit=30):
    """Both handshakes; what one raises comes out, after its alert was carried over."""
    done = set()
    for _ in range(limit):
        for own, peer in ((client, server), (server, client)):
            if own not in done:
                try:
                    own.do_handshake()
                    done.add(own)
                except SSL.WantReadError:
                    pass
                finally:
                    carry(own, peer)
        if len(done) == 2:
            return
    raise AssertionError("the handshake does not end")


def connected(server=None, client=None):
    """A server and a client in memory, after their handshake, its tickets read."""
    pair = memory_pair(server, client)
    shake(*pair)
    drain(*pair)
    return pair


def drain(server, client):
    """Carry and read what is left from the handshake."""
    for own, peer in ((server, client), (client, server)):
        carry(own, peer)
        try:
            peer.recv(0)
            peer.recv(1)
        except SSL.WantReadError:
            pass


def socket_pair(server=None, client=None):
    """The same over a pair of sockets in blocking mode, before the handshake."""
    left, right = plain_pair()
    pair = (
        SSL.Connection(server or server_context(), left),
        SSL.Connection(client or client_context(), right),
    )
    pair[0].set_accept_state()
    pair[1].set_connect_state()
    return pair


def tcp_pair():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        left = socket.create_connection(listener.getsockname())
        right, _ = listener.accept()
    return keep(left, right)


def connected_sockets(server=None, client=None):
    """The same, after the handshake."""
    pair = socket_pair(server, client)
    for connection in pair:
        connection.setblocking(False)
    for _ in range(200):
        waiting = 0
        for connection in pair:
            try:
                connection.do_handshake()
            except (SSL.WantReadError, SSL.WantWriteError):
                waiting += 1
        if not waiting:
            break
    else:
        raise AssertionError("the handshake does not end")
    for connection in pair:
        connection.setblocking(True)
    return pair


def wait_until_held(buffer):
    """Until somebody looks at a bytearray, which then cannot grow."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            buffer.append(0)
            buffer.pop()
        except BufferError:
            return
        time.sleep(0.005)
    raise AssertionError("nobody looks at the buffer")


def ocsp_response(size=5):
    """The DER of an OCSPResponse (RFC 6960) of so many bytes: OpenSSL 4.0 staples nothing else."""

    def der(tag, *contents):
        content = b"".join(contents)
        return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content

    if size == 5:
        return b"\x30\x03\x0a\x01\x06"  # "unauthorized"
    successful, basic = b"\x0a\x01\x00", b"\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01"
    made = der(0x30, successful, der(0xA0, der(0x30, basic, der(0x04, bytes(size - 30)))))
    assert len(made) == size >= 512
    return made


def reasons(error):
    """The reasons of an Error."""
    return [entry[2] for entry in error.args[0]]
