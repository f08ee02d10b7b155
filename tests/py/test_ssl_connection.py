"""OpenSSL.SSL.Connection: what is neither an exchange nor a callback."""

import copy
import errno
import inspect
import os
import pickle
import socket
import threading
import weakref

import pytest

from OpenSSL import SSL, crypto
from tls import (
    DATA,
    client_context,
    connected,
    connected_sockets,
    keep,
    memory_pair,
    plain_pair,
    read,
    reasons,
    server_context,
    shake,
)

CERT = crypto.load_certificate(crypto.FILETYPE_PEM, read("server.pem"))


@pytest.fixture
def connection():
    return SSL.Connection(client_context())


# ---- construction ----


def test_arguments():
    context = client_context()
    assert SSL.Connection(context=context, socket=None).get_context() is context
    for arguments in ((), (context, None, 1)):
        with pytest.raises(TypeError):
            SSL.Connection(*arguments)
    with pytest.raises(TypeError):
        SSL.Connection(context, sock=None)
    with pytest.raises(RuntimeError):
        SSL.Connection(context).__init__(context)


def test_na_077_without_init():
    empty = SSL.Connection.__new__(SSL.Connection)
    for name in dir(SSL.Connection):
        method = getattr(empty, name)
        if name.startswith("__") or not callable(method):
            continue
        for arguments in ((), (1,), (b"x",), (bytearray(4),), (None,), (b"label", 5)):
            try:
                method(*arguments)
            except Exception:
                pass


def test_na_158_handles_are_not_copied(connection):
    for thing in (connection, connection.get_context(), connected()[0].get_session()):
        for make in (pickle.dumps, copy.copy, copy.deepcopy):
            if make is copy.copy and isinstance(thing, (SSL.Context, SSL.Session)):
                continue  # test_private_names.py
            with pytest.raises(TypeError):
                make(thing)


def test_subclasses():
    class Mine(SSL.Connection):
        def __init__(self, context, extra):
            super().__init__(context)
            self.extra = extra

        def shutdown(self):
            return "mine"

    mine = Mine(client_context(), 5)
    assert mine.extra == 5 and mine.shutdown() == "mine" and mine.want_read() is False
    with pytest.raises(AttributeError, match="missing"):
        mine.missing


def test_attributes(connection):
    connection.anything = 5
    assert connection.anything == 5 and weakref.ref(connection)() is connection
    assert connection == connection and hash(connection)
    assert connection != SSL.Connection(connection.get_context())
    with pytest.raises(TypeError):
        iter(connection)


# ---- the socket behind ----


def test_na_161_attributes_of_the_socket():
    left, right = plain_pair()
    connection = SSL.Connection(client_context(), left)
    assert connection.fileno() == left.fileno()
    assert connection.family == left.family
    connection.settimeout(5)
    assert left.gettimeout() == 5
    with pytest.raises(AttributeError, match="socket"):
        connection.missing
    assert connection.__getattr__("fileno")() == left.fileno()


def test_attributes_of_its_own_come_first():
    """A Connection over a socket finds its methods by a short way: what a program sets hides them all the same."""

    class Other(SSL.Connection):
        def pending(self):
            return "other"

    sockets = plain_pair()
    for type, sock, pending in ((SSL.Connection, sockets[0], 0), (Other, sockets[1], "other")):
        connection = type(client_context(), sock)
        for _ in range(3):
            assert connection.pending() == pending and connection.want_read() is False
            assert connection.pending.__self__ is connection
            connection.pending = connection.fileno = lambda: "mine"
            assert connection.pending() == connection.fileno() == "mine"
            del connection.pending, connection.fileno
            assert connection.fileno() == sock.fileno()
            connection.__dict__ = {"pending": lambda: "dict"}
            assert connection.pending() == "dict"
            connection.__dict__ = {}


def test_na_161_no_socket(connection):
    for name in ("fileno", "missing", "close"):
        with pytest.raises(AttributeError, match="'Connection' object has no attribute"):
            getattr(connection, name)
    for call in (
        lambda: connection.connect(("127.0.0.1", 1)),
        lambda: connection.connect_ex(("127.0.0.1", 1)),
        connection.accept,
        lambda: connection.sock_shutdown(2),
    ):
        with pytest.raises(AttributeError):
            call()


def test_na_161_a_socket_comes_later(connection):
    """Which attributes there are is seen by each Connection, whatever others have."""
    left, _right = plain_pair()
    other = SSL.Connection(client_context(), left)
    assert other.fileno() == left.fileno()
    with pytest.raises(AttributeError, match="^'Connection' object has no attribute 'fileno'$"):
        connection.fileno
    connection._socket = left
    assert connection.fileno() == left.fileno()


def test_na_161_errors_inside_attributes_are_not_hidden():
    class Socket:
        def __init__(self, inner):
            self.fileno = inner.fileno

        @property
        def broken(self):
            raise ZeroDivisionError

    class Mine(SSL.Connection):
        @property
        def own(self):
            raise AttributeError("inside")

    connection = Mine(client_context(), Socket(plain_pair()[0]))
    with pytest.raises(ZeroDivisionError):
        connection.broken
    with pytest.raises(AttributeError, match="inside"):
        connection.own


def test_makefile(connection):
    with pytest.raises(NotImplementedError, match="Cannot make file object"):
        connection.makefile("rb", 5)


def test_connect_and_accept():
    listener, client = keep(socket.socket(), socket.socket())
    listener.bind(("127.0.0.1", 0))
    context = server_context()
    server = SSL.Connection(context, listener)
    server.listen(1)
    connection = SSL.Connection(client_context(), client)
    assert connection.connect(server.getsockname()) is None
    served, address = server.accept()
    keep(served)
    assert type(served) is SSL.Connection and served.get_context() is context
    assert address == client.getsockname()
    thread = threading.Thread(target=served.do_handshake)
    thread.start()
    connection.do_handshake()
    thread.join(60)
    served.sendall(b"data")
    assert connection.recv(10) == b"data"
    assert connection.sock_shutdown(socket.SHUT_RDWR) is None


def test_connections_that_are_refused():
    (probe,) = keep(socket.socket())
    probe.bind(("127.0.0.1", 0))
    address = probe.getsockname()
    connection = SSL.Connection(client_context(), *keep(socket.socket()))
    with pytest.raises(ConnectionRefusedError):
        connection.connect(address)
    with pytest.raises(TypeError):
        connection.connect(None)
    connection = SSL.Connection(client_context(), *keep(socket.socket()))
    assert connection.connect_ex(address) == errno.ECONNREFUSED


# ---- memory only, sockets only ----


def test_memory_methods_need_memory():
    connection = SSL.Connection(client_context(), plain_pair()[0])
    for call in (
        lambda: connection.bio_read(1),
        lambda: connection.bio_write(b"x"),
        connection.bio_shutdown,
    ):
        with pytest.raises(TypeError, match="Connection sock was not None"):
            call()


# ---- before the handshake ----

NOTHING_YET = {
    "get_peer_certificate": None,
    "get_certificate": None,
    "get_peer_cert_chain": None,
    "get_verified_chain": None,
    "get_client_ca_list": [],
    "get_session": None,
    "get_finished": None,
    "get_peer_finished": None,
    "client_random": None,
    "server_random": None,
    "master_key": None,
    "get_cipher_name": None,
    "get_cipher_bits": None,
    "get_cipher_version": None,
    "get_servername": None,
    "get_alpn_proto_negotiated": b"",
    "get_next_proto_negotiated": b"",
    "get_selected_srtp_profile": b"",
    "get_group_name": None,
    "get_peer_tmp_key": None,
    "DTLSv1_get_timeout": None,
    "get_cleartext_mtu": 0,
    "pending": 0,
    "has_pending": False,
    "want_read": False,
    "want_write": False,
    "get_shutdown": 0,
    "total_renegotiations": 0,
    "renegotiate_pending": False,
    "session_reused": False,
    "get_app_data": None,
    "get_verify_result": 0,
    "get_protocol_version_name": "TLSv1.3",
    "get_state_string": b"before SSL initialization",
    "state_string": "before SSL initialization",
}


@pytest.mark.parametrize("name", NOTHING_YET)
def test_na_143_before_the_handshake(connection, name):
    value = getattr(connection, name)()
    assert value == NOTHING_YET[name] and type(value) is type(NOTHING_YET[name])


@pytest.mark.parametrize("name", NOTHING_YET)
def test_getters_take_nothing(connection, name):
    with pytest.raises(TypeError):
        getattr(connection, name)(None)


def test_want():
    server, client = memory_pair()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    assert client.want_read() is True and client.want_write() is False


# ---- settings ----


@pytest.mark.parametrize("value", ["text", None, 1, object(), bytearray(b"x"), [b"x"]])
def test_na_044_host_names_are_bytes(connection, value):
    with pytest.raises(TypeError, match="name must be a byte string"):
        connection.set_tlsext_host_name(value)


def test_na_105_na_117_host_names(connection):
    with pytest.raises(TypeError, match="NUL"):
        connection.set_tlsext_host_name(b"a\0b")
    with pytest.raises(SSL.Error):
        connection.set_tlsext_host_name(b"a" * 256)
    connection.set_tlsext_host_name(b"a" * 255)
    server, client = connected()
    with pytest.raises(SSL.WantReadError):  # NA-001
        server.recv(1)


def test_options_and_modes(connection):
    context = connection.get_context()
    assert connection.set_options(SSL.OP_NO_TICKET) & SSL.OP_NO_TICKET
    assert connection.get_options() & SSL.OP_NO_TICKET and not context.get_options() & SSL.OP_NO_TICKET
    assert connection.set_mode(SSL.MODE_RELEASE_BUFFERS) & 0x10
    assert not connection.clear_mode(SSL.MODE_RELEASE_BUFFERS) & 0x10
    assert connection.get_mode() & 7 == 7
    for method in (connection.set_options, connection.set_mode, connection.clear_mode):
        for value in (None, "1", 1.5):
            with pytest.raises(TypeError):
                method(value)
        with pytest.raises(OverflowError):
            method(-1)


def test_own_certificate():
    context = SSL.Context(SSL.TLS_METHOD)
    server, client = memory_pair(context)
    server.use_certificate(CERT)
    server.use_privatekey(crypto.load_privatekey(crypto.FILETYPE_PEM, read("rsa.pem")))
    with pytest.raises(SSL.Error):
        server.use_privatekey(crypto.load_privatekey(crypto.FILETYPE_PEM, read("root-key.pem")))
    for method in (server.use_certificate, server.use_privatekey):
        for value in ("", None, 1, object()):
            with pytest.raises(TypeError):
                method(value)
    client.set_verify(SSL.VERIFY_NONE)
    shake(server, client)
    assert client.get_peer_certificate().digest("sha256") == CERT.digest("sha256")


@pytest.mark.parametrize("name", [b"localhost", "localhost", b"a.example.test", "localhost."])
@pytest.mark.parametrize("where", ["context", "connection"])
def test_host_names_that_match(name, where):  # NA-113, NA-115
    client = client_context()
    if where == "context":
        client.set_verify_hostname(name)
    pair = memory_pair(client=client)
    if where == "connection":
        pair[1].set_verify_hostname(name)
    shake(*pair)


@pytest.mark.parametrize(
    "name", [b"other.test", "a.b.example.test", "example.test", "localhost.example.org"]
)
def test_host_names_that_do_not_match(name):
    pair = memory_pair()
    pair[1].set_verify_hostname(name)
    with pytest.raises(SSL.Error) as caught:
        shake(*pair)
    assert "certificate verify failed" in reasons(caught.value)
    assert pair[1].get_verify_result() == SSL.X509VerificationCodes.ERR_HOSTNAME_MISMATCH


@pytest.mark.parametrize("name", [b"", b".example.test", b"a\0b", b"x" * 300, "", ".com"])
def test_na_108_na_109_host_names_that_are_none(connection, name):
    for target in (connection, connection.get_context()):
        with pytest.raises(ValueError):
            target.set_verify_hostname(name)


@pytest.mark.parametrize("name", [1, 1.5, object(), [b"x"]])
def test_host_names_of_another_type(connection, name):
    for target in (connection, connection.get_context()):
        with pytest.raises(TypeError):
            target.set_verify_hostname(name)
        with pytest.raises(TypeError):
            target.set_verify_ip(name)


def test_na_111_addresses():
    for address in ("127.0.0.1", b"::1"):
        pair = memory_pair()
        pair[1].set_verify_ip(address)
        shake(*pair)
        pair = memory_pair()
        pair[1].set_verify_hostname(address)
        shake(*pair)
    pair = memory_pair()
    pair[1].set_verify_ip("127.0.0.2")
    with pytest.raises(SSL.Error):
        shake(*pair)
    assert pair[1].get_verify_result() == SSL.X509VerificationCodes.ERR_IP_ADDRESS_MISMATCH
    for address in ("localhost", "", "127.0.0", "1.2.3.4.5"):
        with pytest.raises(ValueError):
            pair[1].get_context().set_verify_ip(address)
    server = server_context(certificate="ip-as-dns.pem")
    client = client_context()
    client.load_verify_locations(DATA / "intermediate.pem")
    pair = memory_pair(server, client)
    pair[1].set_verify_hostname("127.0.0.1")
    with pytest.raises(SSL.Error):
        shake(*pair)


@pytest.mark.parametrize(
    "certificate, name, flag",
    [
        ("cn-only.pem", "cn.example.test", SSL.HOST_ALLOW_COMMON_NAME),
        ("partial-wildcard.pem", "foo.example.test", SSL.HOST_ALLOW_PARTIAL_WILDCARDS),
    ],
)
def test_na_110_na_112_what_is_only_allowed_when_asked(certificate, name, flag):
    client = client_context()
    client.load_verify_locations(DATA / "intermediate.pem")
    server = server_context(certificate=certificate)
    pair = memory_pair(server, client)
    pair[1].set_verify_hostname(name)
    with pytest.raises(SSL.Error):
        shake(*pair)
    pair = memory_pair(server, client)
    pair[1].set_verify_hostname(name, flags=flag)
    shake(*pair)


def test_nothing_is_required_any_more():
    client = client_context()
    client.set_verify_hostname("other.test")
    client.set_verify_hostname(None)
    connected(client=client)
    client.set_verify_ip("127.0.0.2")
    client.set_verify_ip(None)
    connected(client=client)


def test_app_data(connection):
    thing = object()
    assert connection.set_app_data(thing) is None
    assert connection.get_app_data() is thing


# ---- after it ----


@pytest.fixture(params=[SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION], ids=["TLS 1.2", "TLS 1.3"])
def pair(request):
    client = client_context()
    client.set_max_proto_version(request.param)
    client.set_groups("X25519")
    return connected(client=client)


def test_hybrid_group():
    client = client_context()
    try:
        client.set_groups("X25519MLKEM768")
    except SSL.Error:
        pytest.skip("OpenSSL before 3.5")
    server, client = connected(client=client)
    assert client.get_group_name() == server.get_group_name() == "X25519MLKEM768"
    assert client.get_peer_tmp_key() is None
    assert server.get_peer_tmp_key().bits() == 768


def test_what_was_negotiated(pair):
    server, client = pair
    assert server.get_cipher_name() == client.get_cipher_name()
    assert server.get_cipher_name() in client.get_cipher_list()
    assert all(type(name) is str for name in client.get_cipher_list())
    assert client.get_cipher_bits() in (128, 256)
    assert client.get_cipher_version() in ("TLSv1.2", "TLSv1.3")
    assert client.get_protocol_version() in (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION)
    assert client.get_group_name() == server.get_group_name() == "x25519"
    assert type(client.get_peer_tmp_key()) is crypto.PKey
    assert client.get_state_string() == b"SSL negotiation finished successfully"
    assert client.get_cleartext_mtu() == 0


def test_certificates(pair):
    server, client = pair
    assert server.get_peer_certificate() is None and server.get_peer_cert_chain() is None
    assert server.get_verified_chain() is None
    assert server.get_certificate().get_subject() == CERT.get_subject()
    assert client.get_peer_certificate().get_subject() == CERT.get_subject()
    names = [c.get_subject().CN for c in client.get_peer_cert_chain()]
    verified = [c.get_subject().CN for c in client.get_verified_chain()]
    assert names == verified[:2] and len(verified) == 3
    for name in ("get_peer_certificate", "get_peer_cert_chain", "get_verified_chain"):
        with pytest.raises(TypeError):
            getattr(client, name)(True)
        with pytest.raises(TypeError):
            getattr(client, name)(as_other=True)


def test_na_066_certificates_outlive_the_connection(pair, collected):
    chain = pair[1].get_peer_cert_chain() + pair[1].get_verified_chain()
    del pair
    collected()
    assert [c.get_subject().CN for c in chain][0] == "localhost"


def test_cryptography_objects(pair):
    x509 = pytest.importorskip("cryptography.x509")
    server, client = pair
    for value in (
        client.get_peer_certificate(as_cryptography=True),
        server.get_certificate(as_cryptography=True),
        *client.get_peer_cert_chain(as_cryptography=True),
        *client.get_verified_chain(as_cryptography=True),
    ):
        assert isinstance(value, x509.Certificate)
    context = server_context()
    root = crypto.load_certificate(crypto.FILETYPE_PEM, read("root.pem"))
    context.add_client_ca(root)
    server = SSL.Connection(context)
    server.set_accept_state()
    assert server.get_client_ca_list(as_cryptography=True) == [root.to_cryptography().subject]


def test_secrets(pair):
    server, client = pair
    assert len(client.client_random()) == len(client.server_random()) == 32
    assert client.client_random() == server.client_random()
    assert client.server_random() == server.server_random()
    assert client.master_key() == server.master_key() and len(client.master_key()) == 48
    assert client.get_finished() == server.get_peer_finished() != b""
    assert server.get_finished() == client.get_peer_finished() != b""


def test_keying_material(pair):
    server, client = pair
    first = client.export_keying_material(b"EXPORTER-test", 32)
    assert first == server.export_keying_material(label=b"EXPORTER-test", olen=32, context=None)
    assert client.export_keying_material(b"EXPORTER-test", 32, b"context") != first
    assert len(client.export_keying_material(b"EXPORTER-test", 1000)) == 1000
    for arguments in (("text", 5), (b"x", 5, "text"), (b"x", "5"), (None, 5), (b"x", None)):
        with pytest.raises(TypeError):
            client.export_keying_material(*arguments)
    with pytest.raises(ValueError):
        client.export_keying_material(b"x", -1)


def test_na_005_keying_material_before_the_handshake(connection):
    with pytest.raises(SSL.Error) as caught:
        connection.export_keying_material(b"EXPORTER-test", 32)
    assert any(reasons(caught.value))


def test_authorities_that_the_server_welcomes():
    context = server_context()
    root = crypto.load_certificate(crypto.FILETYPE_PEM, read("root.pem"))
    context.set_client_ca_list([root.get_subject()])
    context.set_verify(SSL.VERIFY_PEER)
    server, client = connected(context)
    assert client.get_client_ca_list() == [root.get_subject()]


# ---- fork ----


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_na_090_a_child_sends_nothing():
    server, client = connected_sockets()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            client.sendall(b"from the child")
        except SSL.Error:
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    client.sendall(b"from the parent")
    assert server.recv(100) == b"from the parent"


# ---- every method has a signature ----


@pytest.mark.parametrize("cls", [SSL.Context, SSL.Connection, SSL.Session])
def test_signatures(cls):
    for name, method in inspect.getmembers(cls, callable):
        if not name.startswith("__"):
            assert inspect.signature(method).parameters
            assert method.__doc__
