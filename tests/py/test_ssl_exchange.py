"""OpenSSL.SSL.Connection: what moves bytes, over memory and over sockets."""

import array
import errno
import mmap
import os
import signal
import socket
import struct
import threading
import time

import pytest

from OpenSSL import SSL, crypto
from tls import (
    read,
    carry,
    client_context,
    connected,
    connected_sockets,
    memory_pair,
    reasons,
    server_context,
    shake,
    tcp_pair,
    wait_until_held,
)


@pytest.fixture(params=[SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION], ids=["TLS 1.2", "TLS 1.3"])
def version(request):
    def limited():
        client = client_context()
        client.set_max_proto_version(request.param)
        return client

    return limited


# ---- sizes ----


def test_back_and_forth(version):
    server, client = connected(client=version())
    for size in (1, 2, 100, 8191, 8192, 8193, 16384):
        for own, peer in ((server, client), (client, server)):
            data = os.urandom(size)
            assert own.send(data) == size
            carry(own, peer)
            assert peer.recv(size) == data


def test_large_messages(version):
    server, client = connected(client=version())
    data = os.urandom(1 << 20)
    assert client.sendall(data) == len(data)
    carry(client, server)
    received = bytearray()
    while len(received) < len(data):
        received += server.recv(1 << 16)
    assert received == data
    with pytest.raises(SSL.WantReadError):
        server.recv(1)


def test_na_029_empty_writes(version):
    server, client = connected(client=version())
    for empty in (b"", bytearray(), memoryview(b"")):
        assert client.send(empty) == 0
        assert client.sendall(empty) == 0
    assert not carry(client, server)
    assert SSL.Connection(client_context()).sendall(b"") == 0


def test_na_030_empty_reads(version):
    server, client = connected(client=version())
    assert server.recv(0) == b""
    client.send(b"data")
    carry(client, server)
    assert server.recv(0) == b""
    assert server.recv_into(bytearray(5), 0) == 0
    assert server.recv_into(bytearray()) == 0
    assert server.recv(10) == b"data"


def test_na_031_empty_memory(version):
    connection = SSL.Connection(version())
    assert connection.bio_write(b"") == 0
    with pytest.raises(SSL.WantReadError):
        connection.bio_read(0)
    server, client = connected(client=version())
    client.send(b"data")
    assert client.bio_read(0) == b""
    assert carry(client, server)


def test_na_032_large_numbers():
    server, client = connected()
    client.send(b"x")
    carry(client, server)
    assert server.recv(1 << 40) == b"x"  # reserves no more than can come
    with pytest.raises(SSL.WantReadError):
        server.bio_read((1 << 63) - 1)
    with pytest.raises(OverflowError):
        server.recv(1 << 64)

    class Liar(bytes):
        def __len__(self):
            return 1 << 31

    fresh = SSL.Connection(client_context())
    with pytest.raises(ValueError, match=r"Cannot send more than 2\*\*31-1 bytes at once"):
        fresh.send(Liar(b"x"))


def test_na_032_a_buffer_of_more_than_two_gigabytes():
    no_reserve = getattr(mmap, "MAP_NORESERVE", 0x4000)
    with mmap.mmap(-1, (1 << 31) + 5, flags=mmap.MAP_PRIVATE | no_reserve) as large:
        with pytest.raises(ValueError, match="Cannot send more than"):
            connected()[0].send(large)


@pytest.mark.parametrize("size", [-1, -(1 << 31), -(1 << 63)])
def test_na_033_negative_sizes(size):
    connection = SSL.Connection(client_context())
    for call in (
        lambda: connection.recv(size),
        lambda: connection.bio_read(size),
        lambda: connection.recv_into(bytearray(5), size),
        lambda: connection.set_ciphertext_mtu(size),
    ):
        with pytest.raises(ValueError):
            call()


@pytest.mark.parametrize("size", ["1", None, 1.0, object(), b"1"])
def test_na_156_sizes_are_integers(size):
    connection = SSL.Connection(client_context())
    for method in (connection.recv, connection.read, connection.bio_read):
        with pytest.raises(TypeError):
            method(size)


# ---- buffers ----


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, lambda b: array.array("B", b)])
def test_what_can_be_sent(make):
    server, client = connected()
    assert client.send(make(b"data")) == 4
    assert client.write(make(b"data"), 0) == 4
    assert client.sendall(make(b"data"), flags=0) == 4
    carry(client, server)
    assert [server.recv(100) for _ in range(3)] == [b"data"] * 3


def test_na_037_items_larger_than_a_byte():
    server, client = connected()
    assert client.sendall(array.array("I", [1, 2, 3])) == 12
    carry(client, server)
    target = array.array("I", [0] * 5)
    assert server.recv_into(target) == 12
    assert list(target) == [1, 2, 3, 0, 0]


@pytest.mark.parametrize("value", [None, 5, object(), [1, 2], 1.5])
def test_na_044_what_cannot_be_sent(value):
    connection = SSL.Connection(client_context())
    for method in (connection.send, connection.sendall, connection.write, connection.bio_write):
        with pytest.raises(TypeError):
            method(value)


@pytest.mark.parametrize("name", ["send", "sendall", "bio_write"])
def test_text_is_warned_of(name):
    server, client = connected()
    with pytest.warns(DeprecationWarning) as caught:
        assert getattr(client, name)("text") == 4
    assert str(caught[-1].message) == "str for buf is no longer accepted, use bytes"
    assert caught[-1].filename == __file__


def test_na_160_text_is_an_error_where_warnings_are():
    import warnings

    server, client = connected()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DeprecationWarning):
            client.send("text")
    assert not carry(client, server)


def test_strides():
    server, client = connected()
    view = memoryview(b"abcdef")[::2]
    with pytest.raises(BufferError):
        client.send(view)
    with pytest.raises(BufferError):
        server.recv_into(memoryview(bytearray(6))[::2])


@pytest.mark.parametrize("target", [b"read only", memoryview(b"read only"), None, 5, "text", object()])
def test_na_037_no_data_is_lost_to_a_bad_target(target):
    server, client = connected()
    client.send(b"data")
    carry(client, server)
    with pytest.raises(TypeError):
        server.recv_into(target)
    assert server.recv(100) == b"data"


def test_receive_into():
    server, client = connected()
    client.send(b"0123456789")
    carry(client, server)
    target = bytearray(b"." * 8)
    assert server.recv_into(target, 4) == 4
    assert target == b"0123...."
    assert server.recv_into(memoryview(target)[4:6]) == 2
    assert target == b"012345.."
    assert server.recv_into(target, 100, flags=socket.MSG_PEEK) == 4
    assert target == b"678945.."
    assert server.recv_into(target, nbytes=None) == 4


def test_peek(version):
    server, client = connected(client=version())
    client.send(b"data")
    carry(client, server)
    assert server.recv(2, socket.MSG_PEEK) == b"da"
    assert server.recv(4, flags=socket.MSG_PEEK) == b"data"
    assert server.pending() == 4
    assert server.recv(4, None) == b"data"


def test_na_038_buffers_are_let_go():
    server, client = connected()
    data = bytearray(b"some data")
    assert client.send(data) == 9
    data.append(1)  # BufferError where somebody still looks at it
    certificate = bytearray(read("server.pem"))
    crypto.load_certificate(crypto.FILETYPE_PEM, certificate)
    certificate.append(1)


def test_na_038_buffers_are_held():
    server, client = connected_sockets()
    target = bytearray(16)
    thread = threading.Thread(target=server.recv_into, args=(target,))
    thread.start()
    wait_until_held(target)
    with pytest.raises(BufferError):
        target.extend(b"more")
    client.send(b"data")
    thread.join(60)
    target.extend(b"more")


def test_na_022_what_waits_inside(version):
    server, client = connected(client=version())
    assert server.pending() == 0 and not server.has_pending()
    client.send(b"0123456789")
    carry(client, server)
    assert server.recv(1) == b"0"
    assert server.pending() == 9 and server.has_pending()


def test_na_034_na_035_writes_that_are_repeated():
    server, client = connected_sockets()
    client.setblocking(False)
    chunk = b"x" * 16384
    with pytest.raises(SSL.WantWriteError):
        while True:
            client.send(chunk)
    with pytest.raises(SSL.Error) as caught:
        client.send(b"x" * 100)  # shorter
    assert not isinstance(caught.value, (SSL.WantWriteError, SSL.SysCallError))
    assert isinstance(caught.value, ValueError)
    server.setblocking(False)
    for _ in range(100):
        try:
            server.recv(1 << 16)
        except SSL.WantReadError:
            break
    assert client.send(bytearray(chunk)) > 0  # the same, from elsewhere


# ---- the end ----


def test_na_019_shutdown(version):
    server, client = connected(client=version())
    assert client.get_shutdown() == 0
    assert client.shutdown() is False
    assert client.get_shutdown() == SSL.SENT_SHUTDOWN
    with pytest.raises(SSL.WantReadError):
        client.shutdown()
    carry(client, server)
    for _ in range(3):
        with pytest.raises(SSL.ZeroReturnError) as caught:
            server.recv(1)
        assert caught.value.args == ()
    assert server.get_shutdown() == SSL.RECEIVED_SHUTDOWN
    assert server.shutdown() is True
    carry(server, client)
    assert client.shutdown() is True
    assert client.shutdown() is True
    with pytest.raises(SSL.Error):
        client.send(b"late")


def test_na_019_shutdown_before_the_handshake():
    connection = SSL.Connection(client_context())
    with pytest.raises(SSL.Error):
        connection.shutdown()
    connection.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    with pytest.raises(SSL.Error) as caught:
        connection.shutdown()
    assert "shutdown while in init" in reasons(caught.value)


def test_shutdown_bits():
    connection = SSL.Connection(client_context())
    connection.set_shutdown(SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN)
    assert connection.get_shutdown() == 3
    connection.set_shutdown(state=0)
    for value in (None, "1", 1.5, object()):
        with pytest.raises(TypeError, match="state must be an integer"):
            connection.set_shutdown(value)


def assert_truncated(call):
    with pytest.raises(SSL.SysCallError) as caught:
        call()
    assert caught.value.args == (-1, "Unexpected EOF")


def test_na_015_na_016_cut_streams(version):
    server, client = connected(client=version())
    client.bio_shutdown()
    for _ in range(3):
        assert_truncated(lambda: client.recv(1))
    server, client = connected(client=version())
    server.send(b"data")
    whole = server.bio_read(1000)
    for cut in range(1, len(whole)):
        server, client = connected(client=version())
        server.send(b"data")
        client.bio_write(server.bio_read(1000)[:cut])
        client.bio_shutdown()
        assert_truncated(lambda: client.recv(1))
        assert_truncated(lambda: client.recv(1))


def test_na_018_memory_after_its_end():
    server, client = connected()
    server.send(b"data")
    carry(server, client)
    client.bio_shutdown()
    assert client.recv(10) == b"data"
    assert_truncated(lambda: client.recv(10))


def test_na_015_na_028_cut_handshakes():
    server, client = memory_pair()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    hello = client.bio_read(10000)
    for cut in range(0, len(hello), 7):
        server, _ = memory_pair()
        if cut:
            server.bio_write(hello[:cut])
        server.bio_shutdown()
        with pytest.raises(SSL.Error) as caught:
            server.do_handshake()
        assert type(caught.value) in (SSL.Error, SSL.SysCallError)
        with pytest.raises(SSL.Error):
            server.do_handshake()


def test_na_020_plaintext_is_never_handed_out():
    for data in (b"GET / HTTP/1.0\r\n\r\n", b"\0" * 100, b"x"):
        server, _ = memory_pair()
        server.bio_write(data)
        server.bio_shutdown()
        with pytest.raises(SSL.Error) as caught:
            server.recv(100)
        if data.startswith(b"GET"):
            assert reasons(caught.value)[0] == "http request"
        with pytest.raises(SSL.Error):
            server.recv(100)


def test_no_role():
    connection = SSL.Connection(client_context())
    for call in (
        connection.do_handshake,
        lambda: connection.recv(1),
        lambda: connection.send(b"x"),
        connection.shutdown,
    ):
        with pytest.raises(SSL.Error) as caught:
            call()
        assert type(caught.value) is SSL.Error
        assert reasons(caught.value) and all(reasons(caught.value))


def test_errors_of_handshakes():
    client = SSL.Context(SSL.TLS_METHOD)
    client.set_verify(SSL.VERIFY_PEER)
    server, connection = memory_pair(client=client)
    with pytest.raises(SSL.Error) as caught:
        shake(server, connection)
    assert caught.value.args[0][-1] == ("SSL routines", "", "certificate verify failed")
    with pytest.raises(SSL.Error) as caught:
        server.do_handshake()
    assert "tlsv1 alert unknown ca" in reasons(caught.value)
    with pytest.raises(SSL.Error) as caught:
        shake(*memory_pair(server=SSL.Context(SSL.TLS_METHOD)))
    assert any(r in reasons(caught.value) for r in ("no suitable signature algorithm", "no shared cipher"))
    server, connection = memory_pair()
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    connection.bio_write(b"\x17\x03\x03\0\x05hello")
    with pytest.raises(SSL.Error):
        connection.do_handshake()


def test_na_027_broken_sockets():
    server, client = connected_sockets()
    server.sock_shutdown(socket.SHUT_WR)
    with pytest.raises(SSL.SysCallError) as caught:
        server.sendall(b"x" * 100000)
    assert caught.value.args == (errno.EPIPE, "EPIPE")
    assert caught.value.errno == errno.EPIPE
    assert caught.value.strerror == os.strerror(errno.EPIPE)
    assert_truncated(lambda: client.recv(1))
    left, right = tcp_pair()
    server, client = (
        SSL.Connection(server_context(), left),
        SSL.Connection(client_context(), right),
    )
    right.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    right.close()
    server.set_accept_state()
    with pytest.raises(SSL.SysCallError) as caught:
        server.do_handshake()
    assert caught.value.args == (errno.ECONNRESET, "ECONNRESET")


def test_na_024_a_closed_peer_sends_no_signal():
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        server, client = connected_sockets()
        client.close()
        with pytest.raises(SSL.SysCallError):
            for _ in range(10):
                server.sendall(b"x" * 100000)
    finally:
        signal.signal(signal.SIGPIPE, before)


def test_na_036_progress_of_sendall():
    server, client = connected_sockets()
    client.setblocking(False)
    with pytest.raises(SSL.WantWriteError) as caught:
        client.sendall(b"x" * (1 << 23))
    sent = caught.value.bytes_sent
    assert 0 < sent < 1 << 23 and sent % 16384 == 0
    server.setblocking(False)
    received = 0
    with pytest.raises(SSL.WantReadError):
        while True:
            received += len(server.recv(1 << 16))
    assert received <= sent
