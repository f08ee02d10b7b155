"""What is negotiated through callbacks: names, application protocols, OCSP; and who is told of it."""

import gc
import sys
import weakref

import pytest

from OpenSSL import SSL, crypto
from tls import DATA, carry, client_context, connected, memory_pair, ocsp_response, reasons, server_context, shake
from test_ssl_callbacks import Broken, old, raiser


# ---- names ----


def test_servername():
    seen = []
    server = server_context()
    server.set_tlsext_servername_callback(lambda conn: seen.append(conn.get_servername()))
    connected(server)
    pair = memory_pair(server)
    pair[1].set_tlsext_host_name(b"host.example.test")
    shake(*pair)
    pair = memory_pair(server)
    pair[1].set_tlsext_host_name(b"")
    shake(*pair)
    assert seen == [None, b"host.example.test", None]


def test_na_045_servername_exceptions(monkeypatch):
    hooked = []
    monkeypatch.setattr(sys, "excepthook", lambda *args: hooked.append(args))
    server = server_context()
    server.set_tlsext_servername_callback(raiser(ZeroDivisionError))
    pair = memory_pair(server)
    with pytest.raises(SSL.Error) as caught:
        shake(*pair)
    ((kind, value, traceback),) = hooked
    assert kind is ZeroDivisionError and isinstance(value, kind) and traceback is not None
    assert type(caught.value) is SSL.Error and any(reasons(caught.value))
    assert caught.value.__cause__ is value
    carry(*pair)
    with pytest.raises(SSL.Error):
        pair[1].do_handshake()


@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit, GeneratorExit, Broken])
def test_na_046_servername_and_exceptions_that_want_out(exception, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", lambda *args: pytest.fail("not for the hook"))
    server = server_context()
    server.set_tlsext_servername_callback(raiser(exception))
    pair = memory_pair(server)
    with pytest.raises(exception):
        shake(*pair)
    carry(*pair)
    with pytest.raises(SSL.Error):
        pair[1].do_handshake()


def test_a_hook_that_raises(monkeypatch):
    reported = []
    monkeypatch.setattr(sys, "excepthook", raiser(KeyError))
    monkeypatch.setattr(sys, "unraisablehook", reported.append)
    server = server_context()
    server.set_tlsext_servername_callback(raiser(ZeroDivisionError))
    with pytest.raises(SSL.Error):
        shake(*memory_pair(server))
    assert reported[0].exc_type is KeyError


def test_na_062_another_context():
    calls = []
    first, second = server_context(), server_context(certificate="server-ec.pem", key="ec.pem")
    first.set_alpn_select_callback(lambda *args: calls.append("first") or b"h2")
    second.set_alpn_select_callback(lambda *args: calls.append("second") or b"h2")
    second.set_info_callback(lambda *args: calls.append("info"))
    first.set_tlsext_servername_callback(lambda conn: conn.set_context(second))
    client = client_context()
    client.load_verify_locations(DATA / "intermediate.pem")
    client.set_alpn_protos([b"h2"])
    server, connection = memory_pair(first, client)
    assert server.get_context() is first
    shake(server, connection)
    assert server.get_context() is second
    assert connection.get_peer_certificate().get_pubkey().type() == crypto.TYPE_EC
    assert "second" in calls and "first" not in calls and "info" in calls


@pytest.mark.parametrize("moment", ["in the callback", "afterwards"])
def test_na_253_whom_the_peer_must_be(moment):
    answers = []

    def move(conn):
        conn.set_context(second)
        for method, value in (("set_verify_hostname", b"admin.example"), ("set_verify_ip", "192.0.2.1")):
            with pytest.raises(SSL.Error) as error:
                getattr(conn, method)(value)
            answers.append(reasons(error.value))

    first, second = server_context(), server_context()
    second.set_verify_hostname(b"admin.example")
    if moment == "in the callback":
        first.set_tlsext_servername_callback(move)
        with pytest.raises(SSL.Error):  # it was not to go on without
            shake(*memory_pair(first))
    else:
        server, client = memory_pair(first)
        shake(server, client)
        move(server)
    assert len(answers) == 2


@pytest.mark.parametrize("call", [
    "renegotiate", "key_update", "verify_client_post_handshake", "shutdown", "do_handshake"])
def test_na_254_what_begins_nothing(call):
    asked = []
    strict = SSL.Context(SSL.TLS_METHOD)
    strict.set_verify(SSL.VERIFY_PEER, lambda *args: asked.append(args[3]) or False)
    strict.set_verify_hostname(b"bank.example")
    lax = client_context(verify=False)
    server, client = memory_pair(server_context(), lax)
    if call == "do_handshake":  # which begins: then the mode stays, and nobody is told otherwise
        with pytest.raises(SSL.WantReadError):
            client.do_handshake()
        with pytest.raises(SSL.Error):
            client.set_context(strict)
        assert client.get_context() is lax
        return
    with pytest.raises(SSL.Error):
        getattr(client, call)()
    client.set_context(strict)
    assert client.get_verify_mode() == SSL.VERIFY_PEER
    with pytest.raises(SSL.Error, match="certificate verify failed"):
        shake(server, client)
    assert asked


def test_na_079_contexts_only():
    connection = SSL.Connection(client_context())
    before = connection.get_context()
    for value in (None, 1, "context", object(), connection):
        with pytest.raises(TypeError, match="context must be a Context instance"):
            connection.set_context(value)
        with pytest.raises(TypeError, match="context must be a Context instance"):
            SSL.Connection(value)
    assert connection.get_context() is before


# ---- application protocols ----


def alpn_pair(callback, offered=(b"http/1.1", b"spdy/2")):
    server, client = server_context(), client_context()
    server.set_alpn_select_callback(callback)
    if offered:
        client.set_alpn_protos(list(offered))
    return memory_pair(server, client)


def test_alpn():
    seen = []
    server, client = alpn_pair(lambda *args: seen.append(args) or b"spdy/2")
    shake(server, client)
    assert seen == [(server, [b"http/1.1", b"spdy/2"])]
    assert type(seen[0][1]) is list
    assert server.get_alpn_proto_negotiated() == client.get_alpn_proto_negotiated() == b"spdy/2"


def test_alpn_without_an_overlap():
    server, client = alpn_pair(lambda *args: SSL.NO_OVERLAPPING_PROTOCOLS)
    shake(server, client)
    assert server.get_alpn_proto_negotiated() == client.get_alpn_proto_negotiated() == b""


def test_alpn_that_nobody_asks_for():
    server, client = alpn_pair(raiser(AssertionError), offered=())
    shake(server, client)
    assert client.get_alpn_proto_negotiated() == b""


@pytest.mark.parametrize("answer", [b"", b"other", b"http/1.1\0", b"x" * 255])
def test_na_058_protocols_that_were_not_offered(answer):
    server, client = alpn_pair(lambda *args: answer)
    with pytest.raises(SSL.Error) as caught:
        shake(server, client)
    assert any(reasons(caught.value))
    assert client.get_alpn_proto_negotiated() == b""


@pytest.mark.parametrize("answer", ["h2", None, bytearray(b"spdy/2"), 1, [b"spdy/2"], object()])
def test_na_058_protocols_are_bytes(answer):
    with pytest.raises(TypeError):
        shake(*alpn_pair(lambda *args: answer))


def test_na_058_protocols_have_at_most_255_bytes():
    with pytest.raises(ValueError):
        shake(*alpn_pair(lambda *args: b"x" * 256))


def test_npn():
    seen = []
    server, client = server_context(), old(client_context())
    server.set_npn_advertise_callback(lambda conn: seen.append((conn,)) or [b"http/1.1", b"spdy/2"])
    client.set_npn_select_callback(lambda *args: seen.append(args) or b"spdy/2")
    pair = memory_pair(server, client)
    shake(*pair)
    assert seen == [(pair[0],), (pair[1], [b"http/1.1", b"spdy/2"])]
    assert [c.get_next_proto_negotiated() for c in pair] == [b"spdy/2"] * 2


@pytest.mark.parametrize("answer", [b"", b"x" * 256, None, "text"])
def test_npn_that_fails(answer):
    server, client = server_context(), old(client_context())
    server.set_npn_advertise_callback(lambda conn: [b"http/1.1", b"spdy/2"])
    client.set_npn_select_callback(lambda *args: answer)
    with pytest.raises((SSL.Error, TypeError, ValueError)):
        shake(*memory_pair(server, client))


@pytest.mark.parametrize("answer", [["text"], 1, None, [b""], [b"x" * 256], b"h2"])
def test_npn_that_is_not_advertised(answer):
    called = []
    server, client = server_context(), old(client_context())
    server.set_npn_advertise_callback(lambda conn: answer)
    client.set_npn_select_callback(lambda *args: called.append(args) or b"x")
    with pytest.raises((SSL.Error, TypeError, ValueError)):
        shake(*memory_pair(server, client))
    assert not called


# ---- OCSP ----


def ocsp_pair(server_callback, client_callback, server_data=None, client_data=None, request=True):
    server, client = server_context(), client_context()
    server.set_ocsp_server_callback(server_callback, data=server_data)
    client.set_ocsp_client_callback(client_callback, data=client_data)
    pair = memory_pair(server, client)
    if request:
        pair[1].request_ocsp()
    return pair


def test_ocsp():
    seen = []
    data = [object(), object()]
    pair = ocsp_pair(
        lambda *args: seen.append(args) or ocsp_response(), lambda *args: seen.append(args) or True, *data
    )
    shake(*pair)
    assert seen == [(pair[0], data[0]), (pair[1], ocsp_response(), data[1])]
    assert seen[0][1] is data[0] and seen[1][2] is data[1]


def test_ocsp_that_nobody_asks_for():
    shake(*ocsp_pair(raiser(AssertionError), raiser(AssertionError), request=False))


def test_ocsp_without_a_response():
    seen = []
    pair = ocsp_pair(lambda *args: b"", lambda *args: seen.append(args) or True)
    shake(*pair)
    assert seen == [(pair[1], b"", None)]


@pytest.mark.parametrize("answer", [False, None, 0, b""])
def test_ocsp_that_is_refused(answer):
    with pytest.raises(SSL.Error):
        shake(*ocsp_pair(lambda *args: ocsp_response(), lambda *args: answer))


@pytest.mark.parametrize("answer", ["text", None, 5, bytearray(b"x"), object()])
def test_na_059_responses_are_bytes(answer):
    with pytest.raises(TypeError, match="OCSP callback must return a bytestring"):
        shake(*ocsp_pair(lambda *args: answer, lambda *args: True))


@pytest.mark.parametrize("size", [5, 10000, 60000])
def test_na_059_large_responses(size):
    seen = []
    shake(*ocsp_pair(lambda *args: ocsp_response(size), lambda *args: seen.append(len(args[1])) or True))
    assert seen == [size]


def test_the_data_is_released(collected):
    class Data:
        pass

    data = Data()
    watch = weakref.ref(data)
    context = server_context()
    context.set_ocsp_server_callback(lambda conn, data: b"", data)
    del data
    collected()
    assert watch() is not None
    context.set_ocsp_server_callback(lambda conn, data: b"")
    collected()
    assert watch() is None


# ---- told ----


def test_info():
    seen = []
    client = client_context()
    client.set_info_callback(lambda *args: seen.append(args))
    pair = connected(client=client)
    assert all(args[0] is pair[1] for args in seen)
    wheres = [where for conn, where, ret in seen]
    assert SSL.SSL_CB_HANDSHAKE_START in wheres and SSL.SSL_CB_HANDSHAKE_DONE in wheres
    assert all(type(n) is int for args in seen for n in args[1:])


def test_info_of_one_connection():
    calls = []
    client = client_context()
    client.set_info_callback(lambda *args: calls.append("context"))
    pair = memory_pair(client=client)
    pair[1].set_info_callback(lambda *args: calls.append("connection"))
    shake(*pair)
    assert set(calls) == {"connection"}
    calls.clear()
    pair = memory_pair(client=client)
    pair[1].set_info_callback(lambda *args: calls.append("connection"))
    pair[1].set_info_callback(None)
    shake(*pair)
    assert set(calls) == set()


def test_keylog():
    lines = []
    client = client_context()
    client.set_keylog_callback(lambda conn, line: lines.append(line))
    connected(client=client)
    assert all(type(line) is bytes and b"\n" not in line for line in lines)
    assert {line.split()[0] for line in lines} >= {b"CLIENT_TRAFFIC_SECRET_0"}


def test_gc_while_callbacks_are_set():
    context = server_context()
    context.set_info_callback(lambda *args, context=context: None)
    watch = weakref.ref(context)
    del context
    gc.collect()
    assert watch() is None
