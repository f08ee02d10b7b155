"""DTLS in memory: cookies, timers, sizes, SRTP."""

import socket
import struct
import threading
import time

import pytest

from OpenSSL import SSL, crypto
from OpenSSL._util import lib
from tls import carry, client_context, keep, memory_pair, reasons, server_context


def dtls_pair(generate=lambda conn: b"cookie", verify=lambda conn, cookie: cookie == b"cookie"):
    context, client = server_context(SSL.DTLS_METHOD), client_context(SSL.DTLS_METHOD)
    context.set_options(SSL.OP_COOKIE_EXCHANGE)
    if generate:
        context.set_cookie_generate_callback(generate)
    if verify:
        context.set_cookie_verify_callback(verify)
    pair = memory_pair(context, client)
    for connection in pair:
        connection.set_options(SSL.OP_NO_QUERY_MTU)
        connection.set_ciphertext_mtu(1500)
    return pair


def hello(client):
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()


def listen(server, client):
    """To where the server has seen the client's cookie; its first hello comes again where a second goes by."""
    for turn in range(4):
        hello(client)
        while True:
            try:
                datagram = client.bio_read(65536)
            except SSL.WantReadError:
                break
            server.bio_write(datagram)
            try:
                assert server.DTLSv1_listen() is None
            except SSL.WantReadError:
                carry(server, client)
            else:
                assert turn > 0, "the first hello has no cookie"
                return datagram
    raise SSL.WantReadError("the server takes no cookie")


def connect(server, client):
    server.bio_write(listen(server, client))
    for _ in range(20):
        waiting = 0
        for own, peer in ((server, client), (client, server)):
            try:
                own.do_handshake()
            except SSL.WantReadError:
                waiting += 1
            carry(own, peer)
        if not waiting:
            return
    raise AssertionError("the handshake does not end")


def test_dtls():
    server, client = dtls_pair()
    connect(server, client)
    assert client.get_protocol_version_name() == "DTLSv1.2"
    for data in (b"one", b"two"):
        client.send(data)
        carry(client, server)
    assert server.recv(100) == b"one" and server.recv(100) == b"two"
    with pytest.raises(SSL.WantReadError):
        server.recv(100)


@pytest.mark.parametrize("size", [0, 1, 254, 255])
def test_na_054_cookies(size):
    cookie = b"x" * size
    server, client = dtls_pair(lambda conn: cookie, lambda conn, given: given == cookie)
    hello(client)
    carry(client, server)
    with pytest.raises(SSL.WantReadError):
        server.DTLSv1_listen()


@pytest.mark.parametrize("size", [256, 257, 65536])
def test_na_054_cookies_that_are_too_long(size):
    server, client = dtls_pair(lambda conn: b"x" * size)
    hello(client)
    carry(client, server)
    with pytest.raises(ValueError, match=rf"Cookie too long \(got {size} bytes, max 255\)"):
        server.DTLSv1_listen()


@pytest.mark.parametrize("cookie", ["text", None, 5, object()])
def test_na_054_cookies_are_bytes(cookie):
    server, client = dtls_pair(lambda conn: cookie)
    hello(client)
    carry(client, server)
    with pytest.raises(TypeError):
        server.DTLSv1_listen()


@pytest.mark.parametrize("which", ["generate", "verify"])
@pytest.mark.parametrize("exception", [ZeroDivisionError, KeyboardInterrupt, GeneratorExit])
def test_na_046_cookie_callbacks_raise(which, exception):
    def callback(*args):
        raise exception

    server, client = dtls_pair(**{which: callback})
    with pytest.raises(exception):
        listen(server, client)


@pytest.mark.parametrize("answer", [False, 0, None, b""])
def test_na_055_cookies_that_are_refused(answer):
    server, client = dtls_pair(verify=lambda conn, cookie: answer)
    with pytest.raises(SSL.WantReadError):
        listen(server, client)


@pytest.mark.parametrize("answer", [1, 1 << 100, b"yes", object()])
def test_na_055_any_truth_will_do(answer):
    listen(*dtls_pair(verify=lambda conn, cookie: answer))


def test_no_cookie_callbacks():
    server, client = dtls_pair(generate=None, verify=None)
    with pytest.raises(SSL.WantReadError):
        server.DTLSv1_listen()
    server, client = dtls_pair(verify=None)
    hello(client)
    carry(client, server)
    with pytest.raises(SSL.Error):
        server.DTLSv1_listen()


def test_na_143_dtls_functions_on_tls():
    server, client = memory_pair()
    with pytest.raises(SSL.Error) as caught:
        server.DTLSv1_listen()
    assert any(reasons(caught.value))
    assert server.DTLSv1_get_timeout() is None
    assert server.get_cleartext_mtu() == 0


def test_timers():
    server, client = dtls_pair()
    assert client.DTLSv1_get_timeout() is None
    assert client.DTLSv1_handle_timeout() is False
    hello(client)
    first = client.bio_read(65536)
    timeout = client.DTLSv1_get_timeout()
    assert isinstance(timeout, float) and 0 <= timeout <= 1
    time.sleep(timeout + 0.05)
    assert client.DTLSv1_handle_timeout() is True
    assert len(client.bio_read(65536)) == len(first)


def test_what_a_program_puts_in_the_place_of_a_function(monkeypatch):
    server, client = dtls_pair()
    monkeypatch.setattr(lib, "DTLSv1_handle_timeout", lambda ssl: -1)
    with pytest.raises(SSL.Error):
        client.DTLSv1_handle_timeout()
    monkeypatch.setattr(lib, "DTLSv1_handle_timeout", lambda ssl: 1)
    assert client.DTLSv1_handle_timeout() is True
    monkeypatch.undo()
    assert client.DTLSv1_handle_timeout() is False


def test_the_timer_as_older_programs_ask_for_it():
    from OpenSSL._util import ffi

    server, client = dtls_pair()
    seconds, microseconds = ffi.new("time_t *"), ffi.new("long *")
    assert lib.Cryptography_DTLSv1_get_timeout(client._ssl, seconds, microseconds) == 0
    started = time.monotonic()
    hello(client)
    assert lib.Cryptography_DTLSv1_get_timeout(client._ssl, seconds, microseconds) == 1
    assert 0 <= seconds[0] + microseconds[0] / 1e6 <= 1
    # Too early, unless the machine was busy for that long.
    assert lib.DTLSv1_handle_timeout(client._ssl) == 0 or time.monotonic() - started > 0.9


def test_sizes():
    server, client = dtls_pair()
    connect(server, client)
    client.set_ciphertext_mtu(1000)
    assert 500 < client.get_cleartext_mtu() < 1000
    client.set_ciphertext_mtu(mtu=500)
    assert 0 < client.get_cleartext_mtu() < 500
    for value in ("1000", None, 1.5):
        with pytest.raises(TypeError):
            client.set_ciphertext_mtu(value)


def test_srtp():
    context, client_side = server_context(SSL.DTLS_METHOD), client_context(SSL.DTLS_METHOD)
    for each in (context, client_side):
        each.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32")
    server, client = memory_pair(context, client_side)
    for _ in range(20):
        for own, peer in ((client, server), (server, client)):
            try:
                own.do_handshake()
            except SSL.WantReadError:
                pass
            carry(own, peer)
    assert server.get_selected_srtp_profile() == b"SRTP_AES128_CM_SHA1_80"
    assert client.get_selected_srtp_profile() == b"SRTP_AES128_CM_SHA1_80"


# ---- flights and datagrams ----


def large_certificate(names):
    key = crypto.PKey()
    key.generate_key(crypto.TYPE_RSA, 2048)
    cert = crypto.X509()
    cert.set_version(2)
    cert.set_serial_number(1)
    cert.get_subject().CN = "large"
    cert.set_issuer(cert.get_subject())
    cert.gmtime_adj_notBefore(0)
    cert.gmtime_adj_notAfter(3600)
    cert.set_pubkey(key)
    text = b",".join(b"DNS:host%d.example.org" % i for i in range(names))
    cert.add_extensions([crypto.X509Extension(b"subjectAltName", False, text)])
    cert.sign(key, "sha256")
    return cert, key


@pytest.fixture(scope="module")
def large():
    """A server's context whose flight has more than 4096 bytes, and one with more than a datagram."""
    made = {}
    for names in (300, 1500):
        context = SSL.Context(SSL.DTLS_METHOD)
        cert, key = large_certificate(names)
        context.use_certificate(cert)
        context.use_privatekey(key)
        made[names] = context
    return made


def records(datagram):
    """The lengths of a datagram's records, which must fill it (RFC 6347 4.1)."""
    lengths = []
    while datagram:
        assert datagram[0] in (20, 21, 22, 23) and datagram[1] == 0xFE and len(datagram) >= 13
        length = 13 + int.from_bytes(datagram[11:13], "big")
        assert length <= len(datagram)
        lengths.append(length)
        datagram = datagram[length:]
    return lengths


@pytest.mark.parametrize("names", [300, 1500])
@pytest.mark.parametrize("mtu", [300, 1400, 4000, 4096, 5000, 9000, 16000, 65000])
def test_na_224_flights_are_whole_records(large, names, mtu):
    server, client = memory_pair(large[names], client_context(SSL.DTLS_METHOD, verify=False))
    for connection in (server, client):
        connection.set_options(SSL.OP_NO_QUERY_MTU)
        connection.set_ciphertext_mtu(mtu)
    sizes, done = [], set()
    for _ in range(20):
        for own, peer in ((client, server), (server, client)):
            try:
                own.do_handshake()
                done.add(own)
            except SSL.WantReadError:
                pass
            while True:
                try:
                    datagram = own.bio_read(65536)
                except SSL.WantReadError:
                    break
                records(datagram)
                sizes.append(len(datagram))
                peer.bio_write(datagram)
    # OpenSSL 3.0 forgets what GCM adds to the encrypted Finished message: 24 bytes.
    assert len(done) == 2 and max(sizes) <= min(mtu + 24, 13 + 16384 + 256)
    if mtu > 5000:
        assert max(sizes) > 4096
    for own, peer in ((client, server), (server, client)):
        size = own.get_cleartext_mtu()
        assert own.send(b"x" * size) == size
        datagram = own.bio_read(65536)
        assert len(records(datagram)) == 1 and len(datagram) <= mtu
        peer.bio_write(datagram)
        assert len(peer.recv(65536)) == size


def udp_pair():
    left, right = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for each in keep(left, right):
        each.bind(("127.0.0.1", 0))
    left.connect(right.getsockname())
    right.connect(left.getsockname())
    return left, right


def in_threads(*functions):
    threads = [threading.Thread(target=function, daemon=True) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


@pytest.mark.parametrize("names", [300, 1500])
def test_na_224_over_udp(large, names):
    left, right = udp_pair()
    server = SSL.Connection(large[names], left)
    client = SSL.Connection(client_context(SSL.DTLS_METHOD, verify=False), right)
    server.set_accept_state()
    client.set_connect_state()
    in_threads(server.do_handshake, client.do_handshake)
    size = client.get_cleartext_mtu()
    assert size == 16384
    assert client.send(b"x" * size) == size and len(server.recv(65536)) == size


def test_na_224_half_a_datagram_is_refused():
    server, client = dtls_pair()
    hello(client)
    for size in (1, 13, 100):
        with pytest.raises(ValueError) as caught:
            client.bio_read(size)
        assert isinstance(caught.value, SSL.Error) and f"{size} were asked for" in caught.value.detail
    assert client.bio_read(0) == b""
    assert records(client.bio_read(65536))
    with pytest.raises(SSL.WantReadError):
        client.bio_read(1)


# ---- waiting ----


@pytest.mark.parametrize("side", ["client", "server"])
def test_na_225_a_blocking_handshake_sends_again(side):
    """The first datagram of one side is lost."""
    left, right = udp_pair()
    middle = {left.getsockname(): right.getsockname(), right.getsockname(): left.getsockname()}
    (relay,) = keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    relay.bind(("127.0.0.1", 0))
    relay.settimeout(0.05)
    for each in (left, right):
        each.connect(relay.getsockname())
    victim = {"client": right, "server": left}[side].getsockname()
    lost, over = [], threading.Event()

    def carry_on():
        while not over.is_set():
            try:
                datagram, origin = relay.recvfrom(65536)
            except TimeoutError:
                continue
            if origin == victim and not lost:
                lost.append(datagram)
            else:
                relay.sendto(datagram, middle[origin])

    context = server_context(SSL.DTLS_METHOD)
    server = SSL.Connection(context, left)
    client = SSL.Connection(client_context(SSL.DTLS_METHOD), right)
    server.set_accept_state()
    client.set_connect_state()
    carrier = threading.Thread(target=carry_on)
    carrier.start()
    try:
        in_threads(server.do_handshake, client.do_handshake)
    finally:
        over.set()
        carrier.join()
    assert lost


def test_na_225_the_sockets_own_limit_counts():
    _left, right = udp_pair()
    right.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 1, 500_000))
    client = SSL.Connection(client_context(SSL.DTLS_METHOD), right)
    client.set_connect_state()
    started = time.monotonic()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    assert 1 < time.monotonic() - started < 20
