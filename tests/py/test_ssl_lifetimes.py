"""What keeps what alive, what is released, and that nothing is lost."""

import gc
import os
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
    plain_pair,
    read,
    server_context,
    shake,
)


class Thing:
    """Something a weak reference can watch."""

    def __call__(self, *args):
        return True


CONTEXT_SLOTS = {
    "verify": lambda ctx, thing: ctx.set_verify(SSL.VERIFY_PEER, thing),
    "passphrase": lambda ctx, thing: ctx.set_passwd_cb(thing),
    "userdata": lambda ctx, thing: ctx.set_passwd_cb(lambda *args: b"", thing),
    "info": lambda ctx, thing: ctx.set_info_callback(thing),
    "keylog": lambda ctx, thing: ctx.set_keylog_callback(thing),
    "servername": lambda ctx, thing: ctx.set_tlsext_servername_callback(thing),
    "alpn": lambda ctx, thing: ctx.set_alpn_select_callback(thing),
    "npn advertise": lambda ctx, thing: ctx.set_npn_advertise_callback(thing),
    "npn select": lambda ctx, thing: ctx.set_npn_select_callback(thing),
    "ocsp server": lambda ctx, thing: ctx.set_ocsp_server_callback(thing),
    "ocsp server data": lambda ctx, thing: ctx.set_ocsp_server_callback(lambda *a: b"", thing),
    "ocsp client": lambda ctx, thing: ctx.set_ocsp_client_callback(thing),
    "ocsp client data": lambda ctx, thing: ctx.set_ocsp_client_callback(lambda *a: 1, thing),
    "cookie generate": lambda ctx, thing: ctx.set_cookie_generate_callback(thing),
    "cookie verify": lambda ctx, thing: ctx.set_cookie_verify_callback(thing),
    "new session": lambda ctx, thing: ctx.set_new_session_callback(thing),
    "app data": lambda ctx, thing: ctx.set_app_data(thing),
    "attribute": lambda ctx, thing: setattr(ctx, "own", thing),
}
CONNECTION_SLOTS = {
    "verify": lambda conn, thing: conn.set_verify(SSL.VERIFY_PEER, thing),
    "info": lambda conn, thing: conn.set_info_callback(thing),
    "app data": lambda conn, thing: conn.set_app_data(thing),
    "attribute": lambda conn, thing: setattr(conn, "own", thing),
}


@pytest.mark.parametrize("slot", CONTEXT_SLOTS)
def test_na_076_cycles_through_contexts(slot, collected):
    context = server_context()
    thing = Thing()
    CONTEXT_SLOTS[slot](context, thing)
    thing.back = context, SSL.Connection(context)
    watches = weakref.ref(context), weakref.ref(thing), weakref.ref(thing.back[1])
    del thing
    collected()
    assert all(watch() is not None for watch in watches)
    del context
    collected()
    assert all(watch() is None for watch in watches)


@pytest.mark.parametrize("slot", CONNECTION_SLOTS)
def test_na_076_cycles_through_connections(slot, collected):
    connection = SSL.Connection(client_context())
    thing = Thing()
    CONNECTION_SLOTS[slot](connection, thing)
    thing.back = connection
    watches = weakref.ref(connection), weakref.ref(thing), weakref.ref(connection.get_context())
    del thing
    collected()
    assert all(watch() is not None for watch in watches)
    del connection
    collected()
    assert all(watch() is None for watch in watches)


def test_na_076_cycles_after_a_handshake(collected):
    server, client = server_context(), client_context()
    thing = Thing()
    for setter in CONTEXT_SLOTS.values():
        setter(client, thing)
    client.set_verify(SSL.VERIFY_PEER, thing)
    client.set_ocsp_client_callback(thing)
    pair = memory_pair(server, client)
    thing.back = pair
    shake(*pair)
    watches = [weakref.ref(o) for o in (thing, client, *pair)]
    del server, client, thing, pair
    collected()
    assert all(watch() is None for watch in watches)


def test_connections_keep_what_they_need(collected):
    left, right = plain_pair()
    context = client_context()
    connection = SSL.Connection(context, left)
    watch = weakref.ref(context)
    del context
    collected()
    assert connection.get_context() is watch()
    session = connected()[1].get_session()
    collected()
    assert session.is_resumable()
    assert type(session._context) is SSL.Context


def test_na_053_callbacks_that_outlive_their_context(collected):
    calls = []
    server = server_context()
    server.set_alpn_select_callback(lambda *args: calls.append(args) or b"h2")
    client = client_context()
    client.set_alpn_protos([b"h2"])
    pair = memory_pair(server, client)
    del server, client
    collected()
    shake(*pair)
    assert calls


def test_na_062_contexts_that_were_left(collected):
    first = server_context()
    watch = weakref.ref(first)
    connection = SSL.Connection(first)
    connection.set_context(server_context())
    del first
    collected()
    assert watch() is None


def test_na_165_deallocation_keeps_the_current_exception():
    class Loud:
        def __del__(self):
            try:
                raise KeyError
            except KeyError:
                pass

    with pytest.raises(ZeroDivisionError):
        connection = SSL.Connection(client_context())
        connection.set_app_data(Loud())
        try:
            1 / 0
        finally:
            del connection
    with pytest.raises(ZeroDivisionError):
        # What stands on the interpreter's stack goes while the exception is on its way.
        (SSL.Connection(client_context()), 1 / 0)


def test_na_165_deallocation_sends_nothing():
    server, client = connected()
    left, right = plain_pair()
    connection = SSL.Connection(client_context(), left)
    connection.set_connect_state()
    left.setblocking(False)
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    right.recv(1 << 16)
    del connection
    right.setblocking(False)
    with pytest.raises(BlockingIOError):
        right.recv(1)


def test_na_166_finalizers_that_bring_back():
    saved = []

    class Back(SSL.Connection):
        def __del__(self):
            saved.append(self)

    connection = Back(client_context())
    del connection
    gc.collect()
    assert saved[0].get_state_string()
    saved.clear()


def test_finalizers_that_use_what_goes():
    used = []

    class Last(SSL.Connection):
        def __del__(self):
            used.append(self.get_context().get_options())

    connection = Last(client_context())
    connection.set_app_data(connection)
    del connection
    gc.collect()
    assert used


def test_a_socket_that_lives_in_a_cycle(collected):
    class Wrapped:
        def __init__(self, inner):
            self.inner = inner
            self.fileno = inner.fileno

    wrapped = Wrapped(plain_pair()[0])
    wrapped.connection = SSL.Connection(client_context(), wrapped)
    watch = weakref.ref(wrapped.connection)
    del wrapped
    collected()
    assert watch() is None


# ---- nothing is lost: what a process holds after a thousand times is what it held before ----


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def fail(callable_, *args):
    try:
        callable_(*args)
    except Exception:
        pass


CERT = crypto.load_certificate(crypto.FILETYPE_PEM, read("server.pem"))
KEY = crypto.load_privatekey(crypto.FILETYPE_PEM, read("rsa.pem"))
SERVER, CLIENT = server_context(), client_context()
PAIR = connected()


def handshake():
    client = SSL.Connection(CLIENT)
    server = SSL.Connection(SERVER)
    client.set_connect_state()
    server.set_accept_state()
    client.set_alpn_protos([b"h2"])
    shake(server, client)


def settings():
    context = SSL.Context(SSL.TLS_METHOD)
    context.use_certificate(CERT)
    context.use_privatekey(KEY)
    context.add_extra_chain_cert(CERT)
    context.set_verify(SSL.VERIFY_PEER, lambda *args: True)
    context.set_passwd_cb(lambda *args: b"secret")
    context.use_privatekey_file(DATA / "rsa-aes256.pem")
    context.set_client_ca_list([CERT.get_subject()])
    context.set_alpn_protos([b"h2"])
    SSL.Connection(context)
    context.set_options(SSL.OP_NO_TICKET)


def failures():
    context = SSL.Context(SSL.TLS_METHOD)
    for call, value in (
        (context.set_cipher_list, b"nothing"),
        (context.use_certificate_file, "/nonexistent"),
        (context.use_privatekey, crypto.PKey()),
        (context.set_client_ca_list, [CERT.get_subject(), 1]),
        (context.set_alpn_protos, [b"h2", "text"]),
        (context.set_session_id, b"x" * 100),
        (SSL.Context, 13),
        (SSL.Connection, None),
        (PAIR[0].recv, -1),
        (PAIR[0].send, None),
        (PAIR[0].recv_into, b"read only"),
        (SSL.Connection(context).do_handshake, None),
    ):
        fail(call, value) if value is not None else fail(call)


def exchange():
    PAIR[0].send(b"x" * 5000)
    carry(*PAIR)
    PAIR[1].recv(10000)
    PAIR[0].send(bytearray(b"x"))
    carry(*PAIR)
    PAIR[1].recv_into(bytearray(10))
    fail(PAIR[1].recv, 1)


def facts():
    for name in dir(SSL.Connection):
        if name.startswith("get_"):
            fail(getattr(PAIR[1], name))
    PAIR[1].export_keying_material(b"EXPORTER-test", 32)


def raising():
    client = client_context()
    client.set_verify(SSL.VERIFY_PEER, lambda *args: 1 / 0)
    fail(shake, *memory_pair(SERVER, client))


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="no /proc here")
@pytest.mark.skipif("libasan" in os.environ.get("LD_PRELOAD", ""), reason="it keeps what is freed")
@pytest.mark.parametrize(
    "action, times",
    [(handshake, 150), (settings, 150), (failures, 300), (exchange, 3000), (facts, 300), (raising, 100)],
)
def test_na_069_nothing_is_lost(action, times):
    for _ in range(times):
        action()
    gc.collect()
    before = resident()
    for _ in range(times):
        action()
    gc.collect()
    assert resident() - before < 1 << 20


@pytest.mark.parametrize("action", [settings, failures, exchange, facts])
def test_reference_counts(action):
    watched = [SSL.Context, SSL.Connection, SSL.Error, CERT, KEY, None, True, *PAIR]
    for _ in range(3):
        action()
    gc.collect()
    before = [sys.getrefcount(o) for o in watched]
    for _ in range(50):
        action()
    gc.collect()
    after = [sys.getrefcount(o) for o in watched]
    assert all(abs(a - b) < 40 for a, b in zip(before, after)), list(zip(watched, before, after))
