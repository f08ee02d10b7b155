"""What a Context calls: when, with what, and what becomes of what it raises."""

import gc
import sys
import weakref

import pytest

from OpenSSL import SSL, crypto
from tls import (
    DATA,
    carry,
    client_context,
    connected,
    memory_pair,
    reasons,
    server_context,
    shake,
)


class Broken(BaseException):
    """As far from Exception as can be."""


RAISED = [ZeroDivisionError, KeyboardInterrupt, SystemExit, GeneratorExit, Broken]


def raiser(exception):
    def callback(*args):
        raise exception("from the callback")

    return callback


def old(context):
    """TLS 1.2 at most: NPN and some orders of events are of that time."""
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    return context


# Each callback, as (name, where it is set, a function that sets it).
def set_verify(contexts, callback):
    contexts["client"].set_verify(SSL.VERIFY_PEER, callback)


def set_alpn(contexts, callback):
    contexts["client"].set_alpn_protos([b"h2", b"http/1.1"])
    contexts["server"].set_alpn_select_callback(callback)


def set_servername(contexts, callback):
    contexts["server"].set_tlsext_servername_callback(callback)


def set_ocsp_server(contexts, callback):
    contexts["ocsp"] = True
    contexts["server"].set_ocsp_server_callback(callback)
    contexts["client"].set_ocsp_client_callback(lambda *args: True)


def set_ocsp_client(contexts, callback):
    contexts["ocsp"] = True
    contexts["server"].set_ocsp_server_callback(lambda conn, data: b"response")
    contexts["client"].set_ocsp_client_callback(callback)


def set_npn_advertise(contexts, callback):
    old(contexts["client"])
    contexts["server"].set_npn_advertise_callback(callback)
    contexts["client"].set_npn_select_callback(lambda conn, offered: offered[0])


def set_npn_select(contexts, callback):
    old(contexts["client"])
    contexts["server"].set_npn_advertise_callback(lambda conn: [b"h2", b"http/1.1"])
    contexts["client"].set_npn_select_callback(callback)


def set_info(contexts, callback):
    contexts["client"].set_info_callback(callback)


def set_keylog(contexts, callback):
    contexts["client"].set_keylog_callback(callback)


def set_new_session(contexts, callback):
    contexts["client"].set_session_cache_mode(SSL.SESS_CACHE_CLIENT)
    contexts["client"].set_new_session_callback(callback)


ASKED = {  # the setter, which side is driven, a good answer
    "verify": (set_verify, "client", lambda *args: True),
    "alpn": (set_alpn, "server", lambda conn, offered: b"h2"),
    "ocsp server": (set_ocsp_server, "server", lambda conn, data: b"response"),
    "ocsp client": (set_ocsp_client, "client", lambda *args: True),
    "npn advertise": (set_npn_advertise, "server", lambda conn: [b"h2"]),
    "npn select": (set_npn_select, "client", lambda conn, offered: b"h2"),
}
TOLD = {
    "info": (set_info, "client", lambda *args: None),
    "keylog": (set_keylog, "client", lambda *args: None),
    "new session": (set_new_session, "client", lambda *args: None),
}
SERVERNAME = {"servername": (set_servername, "server", lambda conn: None)}
ALL = {**ASKED, **TOLD, **SERVERNAME}


def make(name, callback):
    """A pair, before the handshake, whose callback of that name is callback."""
    contexts = {"server": server_context(), "client": client_context()}
    setter, side, _ = ALL[name]
    setter(contexts, callback)
    server, client = memory_pair(contexts["server"], contexts["client"])
    if contexts.get("ocsp"):
        client.request_ocsp()
    return server, client, {"server": server, "client": client}[side]


def finish(server, client):
    shake(server, client)
    carry(server, client)
    with pytest.raises(SSL.WantReadError):
        client.recv(1)


# ---- the same for all of them ----


@pytest.mark.parametrize("name", ALL)
def test_called(name):
    seen = []
    good = ALL[name][2]
    server, client, driven = make(name, lambda *args: seen.append(args) or good(*args))
    finish(server, client)
    assert seen
    assert all(args[0] is driven for args in seen)  # NA-050


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("exception", RAISED)
def test_na_045_na_046_na_047_exceptions_come_out_of_the_call(name, exception):
    server, client, driven = make(name, raiser(exception))
    bystander = memory_pair(server.get_context(), client.get_context())
    with pytest.raises(exception, match="from the callback"):
        shake(server, client)
    # Nobody else gets it, not even the same connection at its next call.
    with pytest.raises(SSL.Error):
        driven.do_handshake()
    for connection in bystander:
        with pytest.raises(SSL.WantReadError):
            connection.do_handshake()
    peer = client if driven is server else server
    carry(driven, peer)
    with pytest.raises(SSL.Error):  # turned away
        peer.do_handshake()


@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("exception", RAISED)
def test_na_049_nobody_to_raise_to(name, exception, monkeypatch):
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", reported.append)
    server, client, driven = make(name, raiser(exception))
    finish(server, client)
    assert reported and all(r.exc_type is exception for r in reported)
    assert all(r.object is driven for r in reported)


@pytest.mark.parametrize("name", ALL)
def test_wrong_number_of_arguments(name, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", lambda *args: None)
    monkeypatch.setattr(sys, "unraisablehook", lambda *args: None)
    server, client, _ = make(name, lambda a, b, c, d, e, f, g: None)
    if name in TOLD:
        finish(server, client)
    else:
        with pytest.raises(SSL.Error if name == "servername" else TypeError):
            shake(server, client)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("callback", [1, "text", (), object()])
def test_what_cannot_be_called(name, callback):
    with pytest.raises(TypeError, match="callable"):
        make(name, callback)


@pytest.mark.parametrize("name", ALL)
def test_na_053_the_last_reference_goes_in_the_callback(name, collected):
    pair = {}
    gone = []
    good = ALL[name][2]

    def callback(*args):
        pair.clear()
        collected()
        gone.append(args[0].get_state_string())
        return good(*args)

    server, client, driven = make(name, callback)
    pair["driven"] = driven
    watch = weakref.ref(driven)
    driven = None
    finish(server, client)
    assert gone and watch() is not None


@pytest.mark.parametrize("name", ALL)
def test_na_052_replaced_callbacks_are_released(name, collected):
    class Callback:
        def __call__(self, *args):
            return ALL[name][2](*args)

    first = Callback()
    watch = weakref.ref(first)
    contexts = {"server": server_context(), "client": client_context()}
    setter = ALL[name][0]
    setter(contexts, first)
    del first
    collected()
    assert watch() is not None
    setter(contexts, Callback())
    collected()
    assert watch() is None


@pytest.mark.parametrize("name", ALL)
def test_na_052_a_running_handshake_keeps_what_it_had(name, collected):
    calls = []
    good = ALL[name][2]
    contexts = {"server": server_context(), "client": client_context()}
    setter, side, _ = ALL[name]
    setter(contexts, lambda *args: calls.append("first") or good(*args))
    server, client = memory_pair(contexts["server"], contexts["client"])
    if contexts.get("ocsp"):
        client.request_ocsp()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    with pytest.raises(SSL.WantReadError):
        server.do_handshake()
    setter(contexts, lambda *args: calls.append("second") or good(*args))
    collected()
    finish(server, client)
    assert calls and set(calls) == {"first"}


@pytest.mark.parametrize("name", ALL)
def test_removed_callbacks_are_not_called(name):
    calls = []
    contexts = {"server": server_context(), "client": client_context()}
    setter = ALL[name][0]
    setter(contexts, lambda *args: calls.append(args))
    setter(contexts, None)
    server, client = memory_pair(contexts["server"], contexts["client"])
    finish(server, client)
    assert not calls


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "operation",
    [
        lambda conn: conn.do_handshake(),
        lambda conn: conn.recv(1),
        lambda conn: conn.send(b"x"),
        lambda conn: conn.shutdown(),
    ],
    ids=["do_handshake", "recv", "send", "shutdown"],
)
def test_na_061_callbacks_do_not_drive_their_connection(name, operation):
    refused = []
    good = ALL[name][2]

    def callback(*args):
        with pytest.raises(SSL.Error) as caught:
            operation(args[0])
        refused.append(caught.value)
        return good(*args)

    server, client, _ = make(name, callback)
    finish(server, client)
    assert refused and all(reasons(e) for e in refused)


GETTERS = [
    name
    for name in dir(SSL.Connection)
    if name.startswith(("get_", "want_", "state_")) or name in ("pending", "total_renegotiations")
]


@pytest.mark.parametrize("name", ALL)
def test_na_061_callbacks_may_ask_anything(name):
    good = ALL[name][2]
    count = []

    def callback(*args):
        for getter in GETTERS:
            try:
                getattr(args[0], getter)()
            except (SSL.Error, NotImplementedError):
                pass
        args[0].get_context().get_options()
        other = memory_pair()  # another handshake, while this one waits
        shake(*other)
        count.append(1)
        return good(*args)

    server, client, _ = make(name, callback)
    finish(server, client)
    assert count


@pytest.mark.parametrize("name", ALL)
def test_na_167_recursion(name, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", lambda *args: None)
    monkeypatch.setattr(sys, "unraisablehook", lambda *args: None)

    def callback(*args):
        return callback(*args)

    server, client, _ = make(name, callback)
    if name in TOLD:
        finish(server, client)
    else:
        with pytest.raises(SSL.Error if name == "servername" else RecursionError):
            shake(server, client)


# ---- verification ----


def test_verify_arguments():
    seen = []
    client = client_context()
    client.set_verify(SSL.VERIFY_PEER, lambda *args: seen.append(args[1:]) or args[-1])
    connected(client=client)
    assert [(depth, error, ok) for cert, error, depth, ok in seen] == [(2, 0, 1), (1, 0, 1), (0, 0, 1)]
    assert all(type(cert) is crypto.X509 for cert, *rest in seen)


def test_na_051_certificates_outlive_the_call(collected):
    kept = []
    client = client_context()
    client.set_verify(SSL.VERIFY_PEER, lambda *args: kept.append(args[1]) or True)
    pair = connected(client=client)
    del pair, client
    collected()
    assert [c.get_subject().CN for c in kept][-1] == "localhost"
    assert crypto.dump_certificate(crypto.FILETYPE_PEM, kept[0])


@pytest.mark.parametrize("answer", [True, 1, "yes", object(), [0]])
@pytest.mark.parametrize("trusting", [True, False])
def test_na_060_accepting(answer, trusting):
    client = client_context(verify=trusting)
    client.set_verify(SSL.VERIFY_PEER, lambda *args: answer)
    pair = connected(client=client)
    assert pair[1].get_verify_result() == 0


@pytest.mark.parametrize("answer", [False, 0, None, "", []])
@pytest.mark.parametrize("trusting", [True, False])
def test_na_060_rejecting(answer, trusting):
    client = client_context(verify=trusting)
    client.set_verify(SSL.VERIFY_PEER, lambda *args: answer)
    pair = memory_pair(client=client)
    with pytest.raises(SSL.Error) as caught:
        shake(*pair)
    assert caught.value.args[0][-1] == ("SSL routines", "", "certificate verify failed")
    assert pair[1].get_verify_result() != 0


def test_an_answer_without_a_truth_value():
    class Undecided:
        def __bool__(self):
            raise ZeroDivisionError

    client = client_context()
    client.set_verify(SSL.VERIFY_PEER, lambda *args: Undecided())
    with pytest.raises(ZeroDivisionError):
        shake(*memory_pair(client=client))


@pytest.mark.parametrize("mode", [None, 1.0, object(), "mode"])
def test_modes_are_integers(mode):
    context = SSL.Context(SSL.TLS_METHOD)
    for target in (context, SSL.Connection(context)):
        with pytest.raises(TypeError, match="mode must be an integer"):
            target.set_verify(mode=mode, callback=1)


def test_na_048_a_connection_judges_for_itself():
    client = client_context()
    client.set_verify(SSL.VERIFY_PEER, raiser(KeyError))
    server, connection = memory_pair(client=client)
    connection.set_verify(SSL.VERIFY_PEER, raiser(ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        shake(server, connection)
    server, connection = memory_pair(client=client)
    connection.set_verify(SSL.VERIFY_PEER)  # no callback
    shake(server, connection)
    server, connection = memory_pair(client=client)
    connection.set_verify(SSL.VERIFY_NONE)
    assert connection.get_verify_mode() == SSL.VERIFY_NONE
    assert client.get_verify_mode() == SSL.VERIFY_PEER
    shake(server, connection)


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
        lambda *args: seen.append(args) or b"response", lambda *args: seen.append(args) or True, *data
    )
    shake(*pair)
    assert seen == [(pair[0], data[0]), (pair[1], b"response", data[1])]
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
        shake(*ocsp_pair(lambda *args: b"response", lambda *args: answer))


@pytest.mark.parametrize("answer", ["text", None, 5, bytearray(b"x"), object()])
def test_na_059_responses_are_bytes(answer):
    with pytest.raises(TypeError, match="OCSP callback must return a bytestring"):
        shake(*ocsp_pair(lambda *args: answer, lambda *args: True))


@pytest.mark.parametrize("size", [1, 10000, 60000])
def test_na_059_large_responses(size):
    seen = []
    shake(*ocsp_pair(lambda *args: b"x" * size, lambda *args: seen.append(len(args[1])) or True))
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
