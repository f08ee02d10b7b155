"""What a Context calls: when, with what, and what becomes of what it raises."""

import sys
import weakref

import pytest

from OpenSSL import SSL, crypto
from tls import (
    carry,
    client_context,
    connected,
    memory_pair,
    ocsp_response,
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
    contexts["server"].set_ocsp_server_callback(lambda conn, data: ocsp_response())
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
@pytest.mark.parametrize("exception", [ZeroDivisionError, RuntimeError])
def test_na_049_nobody_to_raise_to(name, exception, monkeypatch):
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", reported.append)
    server, client, driven = make(name, raiser(exception))
    finish(server, client)
    assert reported and all(r.exc_type is exception for r in reported)
    assert all(r.object is driven for r in reported)


@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit, GeneratorExit, Broken])
def test_na_220_what_wants_out_comes_out_of_any_callback(name, exception):
    """The exchange itself is not stopped: it can go on."""
    raised = []

    def callback(*args):
        if not raised:
            raised.append(exception("from the callback"))
            raise raised[0]

    server, client, _ = make(name, callback)
    with pytest.raises(exception, match="from the callback") as caught:
        finish(server, client)
    assert caught.value is raised[0]
    finish(server, client)


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


def test_na_047_who_wants_out_of_the_program_gets_out():
    """Of the callback for server names too, whose exceptions are only told otherwise."""

    def leave(connection):
        raise KeyboardInterrupt

    context = server_context()
    context.set_tlsext_servername_callback(leave)
    server, client = memory_pair(context, client_context())
    client.set_tlsext_host_name(b"localhost")
    with pytest.raises(KeyboardInterrupt):
        shake(server, client)


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
