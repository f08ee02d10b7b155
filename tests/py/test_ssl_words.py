"""Why an exchange failed, in words: which certificate, what to do, and the first reason."""

import contextlib
import errno
import os
import socket
import sys
import threading
import time

import pytest

from OpenSSL import SSL, crypto, rand
from tls import DATA, client_context, connected_sockets, memory_pair, reasons, server_context, shake, socket_pair, tcp_pair

TOO_LATE = "certificate verify failed"


def refused(function, *args):
    with pytest.raises(SSL.Error) as caught:
        function(*args)
    return caught.value


def shape(error):
    """args are as pyOpenSSL has them: one list of triples of str."""
    (entries,) = error.args
    assert all(isinstance(part, str) for entry in entries for part in entry)
    assert all(len(entry) == 3 for entry in entries)
    return entries


def contexts():
    nobody, name, address, six, callback = (client_context() for _ in range(5))
    nobody = SSL.Context(SSL.TLS_METHOD)
    nobody.set_verify(SSL.VERIFY_PEER)
    name.set_verify_hostname("nobody.example")
    address.set_verify_ip("192.0.2.7")
    six.set_verify_ip("2001:db8::1")
    callback.set_verify(SSL.VERIFY_PEER, lambda *args: False)
    return {
        "issuer": (nobody, "issuer certificate (error 20, depth 1)", "Test Intermediate"),
        "name": (name, "ostname mismatch (error 62, depth 0), wanted: nobody.example,", "/CN=localhost"),
        "address": (address, "IP address mismatch (error 64, depth 0), wanted: 192.0.2.7,", "/CN=localhost"),
        "six": (six, "wanted: 2001:db8:0:0:0:0:0:1,", "/CN=localhost"),
        "callback": (callback, "application verification failure (error 50, depth 2)", "Test Root"),
    }


@pytest.mark.parametrize("which", contexts())
@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_na_228_which_certificate_is_refused(which, version):
    context, why, subject = contexts()[which]
    context.set_max_proto_version(version)
    server, client = memory_pair(client=context)
    error = refused(shake, server, client)
    assert shape(error) == [("SSL routines", "", "certificate verify failed")]
    assert why in error.detail and f"subject: {subject}" in error.detail.replace("/O=libpyossl tests/CN=", "")
    if sys.version_info >= (3, 11):
        assert error.__notes__ == [error.detail]


def test_na_228_a_server_says_so_too():
    context = server_context()
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    client = client_context()
    client.use_certificate_chain_file("%s/chain.pem" % os.path.join(os.path.dirname(__file__), "..", "data"))
    client.use_privatekey_file("%s/rsa.pem" % os.path.join(os.path.dirname(__file__), "..", "data"))
    error = refused(shake, *memory_pair(context, client))
    assert reasons(error) == ["certificate verify failed"]
    assert "depth" in error.detail and "subject: /" in error.detail


def test_na_228_subjects_of_any_length():
    key = crypto.PKey()
    key.generate_key(crypto.TYPE_RSA, 2048)
    cert = crypto.X509()
    for _ in range(40):
        cert.get_subject().OU = "x" * 60 + "\N{SNOWMAN}"
    cert.set_issuer(cert.get_subject())
    cert.gmtime_adj_notBefore(0)
    cert.gmtime_adj_notAfter(3600)
    cert.set_pubkey(key)
    cert.sign(key, "sha256")
    server = SSL.Context(SSL.TLS_METHOD)
    server.use_certificate(cert)
    server.use_privatekey(key)
    error = refused(shake, *memory_pair(server))
    assert "subject: /OU=xxx" in error.detail and len(error.detail) < 300
    assert error.detail.isascii()


EXCHANGES = {
    "do_handshake": lambda c: c.do_handshake(),
    "recv": lambda c: c.recv(1),
    "recv_into": lambda c: c.recv_into(bytearray(1)),
    "send": lambda c: c.send(b"x"),
    "sendall": lambda c: c.sendall(b"x"),
    "shutdown": lambda c: c.shutdown(),
    "key_update": lambda c: c.key_update(),
}


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
@pytest.mark.parametrize("side", ["client", "server"])
def test_na_228_later_calls_give_the_first_reason(side, version):
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_verify(SSL.VERIFY_PEER)
    context.set_max_proto_version(version)
    server, client = memory_pair(client=context)
    refused(shake, server, client)
    connection = client if side == "client" else server
    first = refused(connection.do_handshake)
    assert reasons(first) == [{"client": "certificate verify failed", "server": "tlsv1 alert unknown ca"}[side]]
    for call in EXCHANGES.values():
        error = refused(call, connection)
        assert error.args == first.args and error.detail == first.detail
    others = []
    thread = threading.Thread(target=lambda: others.append(refused(connection.recv, 1)))
    thread.start()
    thread.join()
    refused(memory_pair()[0].shutdown)  # another failure between
    assert others[0].args == first.args and refused(connection.recv, 1).args == first.args


def test_na_228_what_is_no_tls_stays_the_reason():
    server, _ = memory_pair()
    server.bio_write(b"GET / HTTP/1.0\r\n\r\n")
    first = refused(server.do_handshake)
    assert reasons(first) == ["http request"]
    for call in EXCHANGES.values():
        assert refused(call, server).args == first.args


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
@pytest.mark.parametrize(
    "given, missing",
    [("", "no certificate and key are set"), ("key", "no certificate is set"), ("certificate", "no private key is set")],
)
def test_na_228_what_a_server_was_not_given(given, missing, version):
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_max_proto_version(version)
    if given == "key":
        context.use_privatekey_file(DATA / "rsa.pem")
    if given == "certificate":
        context.use_certificate_chain_file(DATA / "chain.pem")
    error = refused(shake, *memory_pair(context))
    assert reasons(error) == ["no shared cipher"] and error.detail == missing


def test_na_228_a_server_that_has_all_of_it():
    context = server_context()
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(b"ECDHE-ECDSA-AES128-GCM-SHA256")
    error = refused(shake, *memory_pair(context))
    assert reasons(error) == ["no shared cipher"] and error.detail == ""


@pytest.mark.parametrize("call", sorted(set(EXCHANGES) - {"key_update"}))
def test_na_228_without_a_side(call):
    error = refused(EXCHANGES[call], SSL.Connection(client_context(), None))
    assert shape(error)[0][2] in ("uninitialized", "connection type not set")
    assert "set_connect_state()" in error.detail and "set_accept_state()" in error.detail


def test_na_228_detail_is_always_there():
    for module in (SSL, crypto, rand):
        assert module.Error().detail == ""
    assert SSL.WantReadError().detail == "" and SSL.SysCallError(1, "x").detail == ""


# ---- alerts behind a failed write ----


def rejected(version, sockets):
    """A client, its socket, and a server that wants a certificate which the client has not."""
    wants, client = server_context(), client_context()
    wants.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    client.set_max_proto_version(version)
    left, right = sockets
    server, client = SSL.Connection(wants, left), SSL.Connection(client, right)
    server.set_accept_state()
    client.set_connect_state()

    def serve():
        with contextlib.suppress(SSL.Error):
            server.do_handshake()
        left.close()

    thread = threading.Thread(target=serve)
    thread.start()
    client.do_handshake()
    thread.join()
    return client


def write_until_it_fails(client):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        client.send(b"x" * 1000)
        time.sleep(0.01)
    raise AssertionError("writing to nobody goes on")


@pytest.mark.parametrize("pair", [tcp_pair, lambda: socket.socketpair()])
@pytest.mark.parametrize("blocking", [True, False])
def test_na_229_an_alert_comes_before_the_systems_error(pair, blocking):
    client = rejected(SSL.TLS1_3_VERSION, pair())
    client.setblocking(blocking)
    error = refused(write_until_it_fails, client)
    assert reasons(error) == ["tlsv13 alert certificate required"]
    assert isinstance(error, ConnectionError)  # as programs that catch nothing else on sending want it
    assert str(error) == str(SSL.Error(*error.args))
    later = refused(client.recv, 1)
    assert later.args == error.args and type(later) is SSL.Error
    client.close()


def test_na_229_no_data_is_lost():
    left, right = socket.socketpair()
    server, client = (SSL.Connection(c, s) for c, s in ((server_context(), left), (client_context(), right)))
    server.set_accept_state()
    client.set_connect_state()
    thread = threading.Thread(target=server.do_handshake)
    thread.start()
    client.do_handshake()
    thread.join()
    server.send(b"what came before")
    left.close()
    for _ in range(2):
        with pytest.raises(SSL.SysCallError) as caught:
            write_until_it_fails(client)
        assert caught.value.args == (32, "EPIPE")
    assert client.recv(100) == b"what came before"
    with pytest.raises(SSL.SysCallError, match="Unexpected EOF"):
        client.recv(1)
    client.close()


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
@pytest.mark.parametrize("how", ["send", "sendall", "shutdown"])
def test_na_229_without_an_alert_the_system_error_stays(version, how):
    """A peer that closes without a word: the error of the write, now and later, not an end."""
    one = server_context()
    one.set_max_proto_version(version)
    server, client = connected_sockets(one, client_context())
    client.send(b"x")
    assert server.recv(1) == b"x"
    server.send(b"y")
    assert client.recv(1) == b"y"
    server.close()
    for _ in range(3):
        with pytest.raises(SSL.SysCallError) as caught:
            getattr(client, how)(*([] if how == "shutdown" else [b"data"]))
        assert caught.value.args in ((errno.EPIPE, "EPIPE"), (errno.ECONNRESET, "ECONNRESET"))
