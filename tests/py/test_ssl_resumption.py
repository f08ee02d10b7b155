"""Where a session resumes: only where the same would be asked of the peer."""

import os
import contextlib
import struct
import sys

import pytest

from OpenSSL import SSL, crypto
from tls import (
    DATA,
    carry,
    client_context,
    connected_sockets,
    memory_pair,
    ocsp_response,
    read,
    server_context,
    shake,
)

STRICT = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT



def by_openssl(connection, certificate, error, depth, ok):
    return bool(ok)


def anything(connection, certificate, error, depth, ok):
    return True


@pytest.fixture(params=[SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION], ids=["TLS 1.2", "TLS 1.3"])
def version(request):
    return request.param


@pytest.fixture(params=[0, SSL.OP_NO_TICKET], ids=["tickets", "numbers"])
def server(request, version):
    context = server_context()
    context.set_max_proto_version(version)
    context.set_options(request.param)
    context.load_verify_locations(DATA / "root.pem")
    return context


@pytest.fixture
def client():
    return client_context()


def with_certificate(context):
    context.use_certificate_file(DATA / "client.pem")
    context.use_privatekey_file(DATA / "client-key.pem")
    context.add_extra_chain_cert(
        crypto.load_certificate(crypto.FILETYPE_PEM, read("intermediate.pem"))
    )
    return context


def handshake(server, client, session=None, prepare=lambda server, client: None):
    """Connections after their handshake, the tickets read."""
    pair = memory_pair(server, client)
    prepare(*pair)
    if session is not None:
        pair[1].set_session(session)
    shake(*pair)
    for own, peer in (pair, pair[::-1]):
        peer.send(b"x")
        carry(peer, own)
        assert own.recv(9) == b"x"
    return pair


def session_of(server, client, **more):
    pair = handshake(server, client, **more)
    session = pair[1].get_session()
    assert session.is_resumable()
    return session


def resumes(server, client, session, **more):
    pair = handshake(server, client, session, **more)
    assert pair[0].session_reused() == pair[1].session_reused()
    return pair[1].session_reused()


def asked_name(name):
    return lambda server, client: client.set_tlsext_host_name(name)


def test_na_221_unchanged(server, client):
    with_certificate(client)
    server.set_verify(STRICT, by_openssl)
    session = session_of(server, client)
    for _ in range(2):
        assert resumes(server, client, session)


def test_na_221_a_renewed_certificate(server, client):
    session = session_of(server, client)
    server.use_certificate_file(DATA / "server.pem")
    assert resumes(server, client, session)


def test_na_221_to_a_strict_connection(server, client):
    session = session_of(server, client)

    def strict(server, client):
        server.set_verify(STRICT, by_openssl)

    for offered in (None, session):
        with pytest.raises(SSL.Error, match="peer did not return a certificate"):
            handshake(server, client, offered, prepare=strict)


def test_na_221_to_a_strict_context(server, client):
    session = session_of(server, client)
    server.set_verify(STRICT)
    with pytest.raises(SSL.Error, match="peer did not return a certificate"):
        handshake(server, client, session)


@pytest.mark.parametrize("first", [b"public.test", None])
def test_na_221_to_another_site(server, client, version, first):
    private = server_context()
    private.load_verify_locations(DATA / "root.pem")
    names = []

    def choose(connection):
        names.append(connection.get_servername())
        if names[-1] == b"private.test":
            connection.set_context(private)
            connection.set_verify(STRICT, by_openssl)

    server.set_tlsext_servername_callback(choose)
    prepare = asked_name(first) if first else lambda server, client: None
    session = session_of(server, client, prepare=prepare)
    assert resumes(server, client, session, prepare=prepare)
    with pytest.raises(SSL.Error, match="peer did not return a certificate"):
        handshake(server, client, session, prepare=asked_name(b"private.test"))
    assert names == [first, first, b"private.test"]


def test_na_221_what_a_callback_accepted(server):
    client = SSL.Context(SSL.TLS_METHOD)
    client.set_verify(SSL.VERIFY_PEER, anything)
    session = session_of(server, client)
    assert resumes(server, client, session)
    client.set_verify(SSL.VERIFY_PEER, lambda *args: True)
    assert not resumes(server, client, session)
    client.set_verify(SSL.VERIFY_PEER)
    with pytest.raises(SSL.Error, match="certificate verify failed"):
        handshake(server, client, session)


def test_na_238_the_same_settings_again(server, client):
    """Programs with one context set it up again for each connection."""

    def set_up(data=None):
        client.set_verify(SSL.VERIFY_PEER, by_openssl)
        client.load_verify_locations(DATA / "root.pem")
        client.set_ocsp_client_callback(content, data)
        client.set_options(SSL.OP_NO_COMPRESSION)

    def content(connection, response, data):
        return True

    ask = lambda server, client: client.request_ocsp()  # noqa: E731
    set_up()
    session = session_of(server, client, prepare=ask)
    for _ in range(2):
        set_up()
        assert resumes(server, client, session, prepare=ask)
    set_up(data="other")
    assert not resumes(server, client, session, prepare=ask)
    set_up()
    session = session_of(server, client, prepare=ask)
    client.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, by_openssl)
    assert not resumes(server, client, session, prepare=ask)


def test_na_221_a_context_that_renews_another(server, client, version):
    """Filled anew from the configuration; sessions go on, in both directions, where the same is asked."""
    server.set_verify(STRICT)
    session = session_of(server, with_certificate(client))
    stranger = client_context()
    with pytest.raises(SSL.Error, match="another context"):
        memory_pair(server, stranger)[1].set_session(session)
    renewed, client_renewed = server.renewal(), client.renewal()
    assert type(renewed) is SSL.Context and renewed.get_verify_mode() == SSL.VERIFY_NONE
    renewed.set_max_proto_version(version)
    renewed.set_options(server.set_options(0) & SSL.OP_NO_TICKET)
    renewed.use_certificate_chain_file(DATA / "chain.pem")
    renewed.use_privatekey_file(DATA / "rsa.pem")
    renewed.load_verify_locations(DATA / "root.pem")
    renewed.set_verify(STRICT)
    with_certificate(client_renewed)
    client_renewed.load_verify_locations(DATA / "root.pem")
    client_renewed.set_verify(SSL.VERIFY_PEER)
    assert resumes(renewed, client_renewed, session)
    assert resumes(server, client_renewed, session)
    assert resumes(renewed, client, session_of(renewed, client_renewed))
    client_renewed.set_verify(SSL.VERIFY_NONE)
    lax = session_of(renewed, client_renewed)
    assert not resumes(server, client, lax)
    with pytest.raises(SSL.Error, match="another context"):
        memory_pair(server, stranger)[1].set_session(lax)


class Judge:
    """One to whom there are weak references, and one to whom there are none."""

    def __call__(self, *args):
        return True


class Slotted:
    __slots__ = ()

    def __call__(self, *args):
        return True


@pytest.mark.parametrize("role", ["client", "server"])
def test_na_238_the_same_callback_on_each_connection(server, role):
    """A Connection's own callback counts as the function that it is, not as the call that set it."""
    client = with_certificate(SSL.Context(SSL.TLS_METHOD))
    last = []

    def by(callback):
        last[:] = [callback]  # the server's closure would keep it alive as well

        def prepare(one, other):
            (other if role == "client" else one).set_verify(SSL.VERIFY_PEER, callback)

        return prepare

    session = session_of(server, client, prepare=by(anything))
    for _ in range(2):
        assert resumes(server, client, session, prepare=by(anything))
    for other in (lambda *args: True, Judge(), Slotted()):
        assert not resumes(server, client, session, prepare=by(other))
    assert resumes(server, client, session, prepare=by(anything))
    judge, slotted = Judge(), Slotted()
    for callback, expected in ((judge, True), (slotted, False)):
        own = session_of(server, client, prepare=by(callback))
        assert resumes(server, client, own, prepare=by(callback)) is expected
    # what has gone does not come back, even in the same place
    own = session_of(server, client, prepare=by(Judge()))
    last.clear()
    assert not resumes(server, client, own, prepare=by(Judge()))
    # a great many of them, and contexts do not keep what they saw
    import weakref

    gone = weakref.ref(judge)
    del judge, callback
    for _ in range(40):
        assert not resumes(server, client, session, prepare=by(lambda *args: True))
    assert gone() is None
    with pytest.raises(TypeError):
        memory_pair(server, client)[0].set_verify(SSL.VERIFY_PEER, 1)


@pytest.mark.parametrize("how", ["keylog", "info"])
@pytest.mark.parametrize("wish", ["mode", "callback", "host", "address"])
@pytest.mark.parametrize("role", ["client", "server"])
def test_na_242_asked_too_late_where_there_is_no_answer(server, role, how, wish):
    """A callback's exception has nowhere to go; the handshake must not go on all the same."""
    client = SSL.Context(SSL.TLS_METHOD)
    session = session_of(server, client)
    one, other = memory_pair(server, client)
    mine = other if role == "client" else one
    refused, raised = [], []

    def late(connection, *args):
        if connection is not mine or not connection.session_reused() or refused:
            return
        try:
            if wish == "mode":
                connection.set_verify(STRICT)
            elif wish == "callback":
                connection.set_verify(SSL.VERIFY_PEER, anything)
            elif wish == "host":
                connection.set_verify_hostname("localhost")
            else:
                connection.set_verify_ip("127.0.0.1")
        except SSL.Error as error:
            refused.append(str(error))
            raise

    own = client if role == "client" else server
    (own.set_keylog_callback if how == "keylog" else own.set_info_callback)(late)
    other.set_session(session)
    hook, sys.unraisablehook = sys.unraisablehook, lambda info: raised.append(str(info.exc_value))
    try:
        with pytest.raises(SSL.Error) as caught:
            shake(one, other)
    finally:
        sys.unraisablehook = hook
    assert len(refused) == 1 and raised == refused and str(caught.value) == refused[0]
    for call in (mine.do_handshake, lambda: mine.recv(1), lambda: mine.send(b"x"), mine.shutdown):
        with pytest.raises(SSL.Error) as caught:
            call()
        assert str(caught.value) == refused[0]


def test_na_242_what_is_asked_each_time_is_no_change(server):
    """Programs set up their Connection in every SSL_CB_HANDSHAKE_START, of which there are several."""
    client = client_context()
    told = []

    def set_up(connection, where, ret):
        if where == SSL.SSL_CB_HANDSHAKE_START:
            connection.set_verify_hostname("localhost")
            connection.set_verify(SSL.VERIFY_PEER, by_openssl)
            told.append(connection)

    client.set_info_callback(set_up)
    session = session_of(server, client)
    for _ in range(2):
        before = len(told)
        pair = handshake(server, client, session)
        assert pair[1].session_reused() and len(told) > before
        session = pair[1].get_session()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes to fork")
def test_na_221_what_a_callback_accepted_in_another_process(server, client):
    for accept, expected in ((None, 1), (anything, 0)):
        client.set_verify(SSL.VERIFY_PEER, accept)
        session = session_of(server, client)
        child = os.fork()
        if child == 0:
            code = 2
            try:
                code = int(resumes(server, client, session))
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == expected


def test_na_221_another_staple_is_judged(server, client, version):
    server.set_ocsp_server_callback(lambda connection, data: ocsp_response())

    def ask(server, client):
        client.request_ocsp()

    client.set_ocsp_client_callback(lambda connection, response, data: True)
    session = session_of(server, client, prepare=ask)
    assert resumes(server, client, session, prepare=ask)
    told = []
    client.set_ocsp_client_callback(lambda connection, response, data: told.append(response) or True)
    assert not resumes(server, client, session, prepare=ask)
    assert told == [ocsp_response()]


@pytest.mark.parametrize("change", ["certificate", "list", "flags", "purpose", "time"])
def test_na_221_the_store_is_changed(server, client, change):
    session = session_of(server, client)
    store = client.get_cert_store()
    if change == "certificate":
        other = crypto.load_certificate(crypto.FILETYPE_PEM, read("other-root.pem"))
        store.add_cert(other)
    elif change == "list":
        store.add_crl(crypto.load_crl(crypto.FILETYPE_PEM, read("crl-empty.pem")))
    elif change == "flags":
        store.set_flags(crypto.X509StoreFlags.X509_STRICT)
    elif change == "purpose":
        store.set_purpose("sslserver") if hasattr(store, "set_purpose") else store.set_flags(0x8000)
    else:
        import datetime

        store.set_time(datetime.datetime(2030, 1, 1))
    assert not resumes(server, client, session)


def test_na_221_the_same_certificate_again(server, client):
    session = session_of(server, client)
    root = crypto.load_certificate(crypto.FILETYPE_PEM, read("root.pem"))
    client.get_cert_store().add_cert(root)
    client.load_verify_locations(DATA / "root.pem")
    assert resumes(server, client, session)


def test_na_221_over_sockets(server, client):
    pair = connected_sockets(server, client)
    pair[0].send(b"x")
    assert pair[1].recv(1) == b"x"
    session = pair[1].get_session()
    assert resumes(server, client, session)
    server.set_verify(STRICT)
    with pytest.raises(SSL.Error):
        handshake(server, client, session)


def test_na_221_a_stricter_connection_in_a_later_callback(server, client):
    """The choice of a protocol comes after the session was taken."""

    def choose(connection, offered):
        if b"admin" in offered:
            connection.set_verify(STRICT, by_openssl)
        return offered[0]

    server.set_alpn_select_callback(choose)

    def offer(*protocols):
        return lambda server, client: client.set_alpn_protos(list(protocols))

    session = session_of(server, client, prepare=offer(b"plain"))
    assert resumes(server, client, session, prepare=offer(b"plain"))
    with pytest.raises(SSL.Error, match="peer did not return a certificate"):
        handshake(server, client, session, prepare=offer(b"admin"))


# ---- the name, before there is a session ----


def test_na_221_two_client_hellos_ask_once(client):
    """After a HelloRetryRequest the program is not asked again."""
    server = server_context()
    server.set_groups("secp521r1")
    asked = []
    server.set_tlsext_servername_callback(lambda c: asked.append(c.get_servername()))
    pair = handshake(server, client, prepare=asked_name(b"a.test"))
    assert pair[0].get_protocol_version_name() == "TLSv1.3"
    assert asked == [b"a.test"] and pair[0].get_servername() == b"a.test"


def test_na_221_the_program_is_asked_in_each_handshake(server, version):
    asked = []
    server.set_tlsext_servername_callback(lambda c: asked.append(c.get_servername()))
    client = client_context()
    pair = handshake(server, client, prepare=asked_name(b"a.test"))
    assert asked == [b"a.test"]
    if version == SSL.TLS1_2_VERSION:
        assert pair[1].renegotiate() in (True, None)
        for _ in range(4):
            for own in pair[::-1]:
                try:
                    own.do_handshake()
                except SSL.WantReadError:
                    pass
                carry(*pair)
                carry(*pair[::-1])


def hello_with_name(client, name, ext):
    """The ClientHello of a client that asks for name, with ext in the place of that extension."""
    connection = SSL.Connection(client)
    connection.set_connect_state()
    connection.set_tlsext_host_name(name)
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    record = bytearray(connection.bio_read(65536))
    good = struct.pack("!HBH", len(name) + 3, 0, len(name)) + name
    at = bytes(record).index(good)
    assert len(ext) == len(good)
    record[at : at + len(good)] = ext
    return bytes(record)


@pytest.mark.parametrize(
    "ext",
    [
        struct.pack("!HBH", 9, 0, 7) + b"ab.test",  # a list that is longer
        struct.pack("!HBH", 10, 0, 6) + b"ab.test",  # something behind it
        struct.pack("!HBH", 10, 1, 7) + b"ab.test",  # another type
        struct.pack("!HBH", 10, 0, 7) + b"ab\0test",
        struct.pack("!HBH", 10, 0, 0) + b"ab.test",  # an empty name
    ],
)
def test_na_221_malformed_names(server, client, ext):
    asked = []
    server.set_tlsext_servername_callback(lambda c: asked.append(c.get_servername()))
    connection = SSL.Connection(server)
    connection.set_accept_state()
    connection.bio_write(hello_with_name(client, b"ab.test", ext))
    with pytest.raises(SSL.Error):
        connection.do_handshake()
    assert not asked


def test_na_221_a_callback_that_raises_turns_away(server, client):
    def refuse(connection):
        raise KeyError("nobody")

    server.set_tlsext_servername_callback(refuse)
    pair = memory_pair(server, client)
    with pytest.raises(SSL.Error) as caught:
        shake(*pair)
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(SSL.Error, match="unrecognized name"):
        carry(*pair)
        pair[1].do_handshake()


def renegotiate(asking, answering):
    """The side that is @asking wants a renegotiation; moved until both have had a few turns."""
    asking.renegotiate()
    for _ in range(8):
        for own, peer in ((asking, answering), (answering, asking)):
            for call in (own.do_handshake, lambda: own.recv(1)):
                with contextlib.suppress(SSL.WantReadError):
                    call()
            carry(own, peer)


@pytest.mark.parametrize("tickets", [True, False])
@pytest.mark.parametrize("how", ["mode", "callback", "context"])
def test_na_221_a_renegotiation_judges_by_what_is_asked_now(tickets, how):
    """The session in force was made when nobody was judged: a client does not offer it."""
    server, client = server_context(), SSL.Context(SSL.TLS_METHOD)
    for context in (server, client):
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        if not tickets:
            context.set_options(SSL.OP_NO_TICKET)
    one, other = memory_pair(server, client)
    shake(one, other)
    asked = []
    if how == "context":
        other.set_context(SSL.Context(SSL.TLS_METHOD))
    if how == "callback":
        other.set_verify(SSL.VERIFY_PEER, lambda *given: asked.append(given) or False)
    else:
        other.set_verify(SSL.VERIFY_PEER)
    with pytest.raises(SSL.Error, match="certificate verify failed"):
        renegotiate(one, other)
    assert bool(asked) == (how == "callback")
    assert not other.session_reused()


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
@pytest.mark.parametrize("first", ["renegotiate", "shutdown", "get_finished"])
def test_na_221_a_call_before_the_handshake_settles_nothing(version, first):
    """Whether the session will do is seen as the ClientHello is made, whatever was called before."""
    server, client = server_context(), SSL.Context(SSL.TLS_METHOD)
    client.set_max_proto_version(version)
    one, other = memory_pair(server, client)
    shake(one, other)
    with contextlib.suppress(SSL.WantReadError):
        other.recv(1)
    session = other.get_session()
    one, other = memory_pair(server, client)
    other.set_session(session)
    with contextlib.suppress(SSL.Error):
        getattr(other, first)()
    other.set_verify(SSL.VERIFY_PEER)
    with pytest.raises(SSL.Error, match="certificate verify failed"):
        shake(one, other)
    assert not other.session_reused()
