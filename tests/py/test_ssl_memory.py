"""An allocation of Python's fails: each in turn, and the call answers with MemoryError or works."""

import socket

import pytest
from test_crypto_memory import each_allocation_fails
from tls import DATA, connected, memory_pair, ocsp_response, read, shake

from OpenSSL import SSL, crypto

pytest.importorskip("_testcapi")
# An exception that nobody is left to catch is told to sys.unraisablehook(); sockets go when they go.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning",
    "ignore::DeprecationWarning", "ignore::PendingDeprecationWarning",
)

EC_KEY = crypto.load_privatekey(crypto.FILETYPE_PEM, read("ec.pem"))
EC_CERT = crypto.load_certificate(crypto.FILETYPE_PEM, read("server-ec.pem"))
ROOT = crypto.load_certificate(crypto.FILETYPE_PEM, read("root.pem"))
LINES = []


def tell(*arguments):
    LINES.append(len(arguments))
    return True


def choose(connection, offered):
    return offered[0]


def advertise(connection):
    return [b"h2", b"http/1.1"]


def staple(connection, data):
    return ocsp_response()


def see_staple(connection, response, data):
    return True


def cookie(connection):
    return b"cookie"


def check_cookie(connection, given):
    return given == b"cookie"


def with_key(method=SSL.TLS_METHOD):
    context = SSL.Context(method)
    context.use_certificate(EC_CERT)
    context.use_privatekey(EC_KEY)
    return context


SERVER, CLIENT = with_key(), SSL.Context(SSL.TLS_METHOD)
CLIENT.load_verify_locations(DATA / "root.pem")
TALKATIVE = with_key()
TALKATIVE.set_info_callback(tell)
TALKATIVE.set_keylog_callback(tell)
TALKATIVE.set_tlsext_servername_callback(tell)
TALKATIVE.set_alpn_select_callback(choose)
TALKATIVE.set_ocsp_server_callback(staple, "data")
TALKATIVE.set_verify(SSL.VERIFY_PEER, tell)
CURIOUS = SSL.Context(SSL.TLS_METHOD)
CURIOUS.load_verify_locations(DATA / "root.pem")
CURIOUS.use_certificate(EC_CERT)
CURIOUS.use_privatekey(EC_KEY)
CURIOUS.set_verify(SSL.VERIFY_PEER, tell)
CURIOUS.set_alpn_protos([b"h2", b"http/1.1"])
CURIOUS.set_ocsp_client_callback(see_staple, "data")
CURIOUS.set_info_callback(tell)
PAIR = connected(TALKATIVE, CURIOUS)
SESSION = PAIR[1].get_session()
COOKIES = with_key(SSL.DTLS_METHOD)
COOKIES.set_cookie_generate_callback(cookie)
COOKIES.set_cookie_verify_callback(check_cookie)


def contexts():
    context = SSL.Context(SSL.TLS_METHOD)
    context.use_certificate(EC_CERT)
    context.use_privatekey(EC_KEY)
    context.add_extra_chain_cert(ROOT)
    context.check_privatekey()
    context.set_cipher_list(b"HIGH")
    context.set_alpn_protos([b"h2", b"http/1.1"])
    context.set_session_id(b"id")
    context.set_client_ca_list([ROOT.get_subject()])
    context.add_client_ca(ROOT)
    context.load_client_ca(str(DATA / "authorities.pem").encode())
    context.load_verify_locations(str(DATA / "root.pem"), str(DATA / "capath"))
    context.load_tmp_dh(str(DATA / "dh.pem"))
    context.set_tmp_ecdh(crypto.get_elliptic_curve("prime256v1"))
    context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80")
    context.get_cert_store()
    context.set_app_data(LINES)
    context.set_timeout(context.get_timeout())
    context.set_passwd_cb(give, b"data")
    context.use_privatekey_file(str(DATA / "ec-des3.pem"))
    context.set_options(SSL.OP_NO_SSLv2)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_verify_depth(context.get_verify_depth())


def give(size, verify, data):
    return b"secret"


def callbacks():
    context = SSL.Context(SSL.TLS_METHOD)
    for _ in range(2):  # the second replaces the first
        context.set_info_callback(tell)
        context.set_keylog_callback(tell)
        context.set_tlsext_servername_callback(tell)
        context.set_alpn_select_callback(choose)
        context.set_ocsp_server_callback(staple, "data")
        context.set_ocsp_client_callback(see_staple, "data")
        context.set_verify(SSL.VERIFY_PEER, tell)
        context.set_cookie_generate_callback(cookie)
        context.set_cookie_verify_callback(check_cookie)


def shake_hands():
    server, client = memory_pair(TALKATIVE, CURIOUS)
    client.set_tlsext_host_name(b"localhost")
    shake(server, client)


def resume():
    server, client = memory_pair(SERVER, CURIOUS)
    client.set_session(SESSION)
    shake(server, client)
    client.get_session()


def facts():
    for connection in PAIR:
        connection.get_cipher_list(), connection.get_cipher_name(), connection.get_cipher_version()
        connection.get_peer_certificate(), connection.get_peer_cert_chain(), connection.get_verified_chain()
        connection.get_certificate(), connection.get_client_ca_list(), connection.get_servername()
        connection.get_finished(), connection.get_peer_finished(), connection.get_protocol_version_name()
        connection.get_alpn_proto_negotiated(), connection.get_state_string(), connection.get_session()
        connection.export_keying_material(b"label", 16), connection.master_key(), connection.client_random()
        connection.server_random(), connection.get_context(), connection.get_app_data(), connection.pending()
        repr(connection)


def move_data():
    server, client = connected(SERVER, CLIENT)
    client.send(b"x" * 100)
    server.bio_write(client.bio_read(4096))
    server.recv(10)
    server.recv_into(bytearray(200))
    client.sendall(bytearray(b"abc"))
    server.bio_write(client.bio_read(4096))
    server.recv(10, socket.MSG_PEEK)
    server.read(10)


# No functions of Python's: pushing a frame fails badly in CPython when there is no memory.
REFUSED = (
    ("recv", 10), ("bio_read", 0), ("set_tlsext_host_name", b"a\0b"), ("sendall", "text"), ("set_session", 3),
    ("set_context", 3), ("set_alpn_protos", []),
)


def refuses():
    connection = SSL.Connection(SERVER)
    for name, argument in REFUSED:
        try:
            getattr(connection, name)(argument)
        except (SSL.Error, TypeError, ValueError):
            continue


def over_sockets():
    left, right = socket.socketpair()
    left.setblocking(False), right.setblocking(False)
    server, client = SSL.Connection(SERVER, left), SSL.Connection(CLIENT, right)
    server.set_accept_state(), client.set_connect_state()
    for _ in range(6):
        for connection in (client, server):
            try:
                connection.do_handshake()
            except (SSL.WantReadError, SSL.WantWriteError):
                pass
    client.fileno(), client.getpeername(), client.gettimeout()


def datagrams():
    server, client = SSL.Connection(COOKIES), SSL.Connection(SSL.Context(SSL.DTLS_METHOD))
    client.set_connect_state()
    server.set_ciphertext_mtu(1400)
    for _ in range(2):
        try:
            client.do_handshake()
        except SSL.WantReadError:
            server.bio_write(client.bio_read(4096))
        try:
            server.DTLSv1_listen()
        except SSL.WantReadError:
            client.bio_write(server.bio_read(4096))
    client.DTLSv1_get_timeout()


ACTIONS = {
    "callbacks": callbacks,
    "contexts": contexts,
    "data": move_data,
    "datagrams": datagrams,
    "facts": facts,
    "handshake": shake_hands,
    "refused": refuses,
    "resumption": resume,
    "sockets": over_sockets,
}


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_na_155_each_allocation_fails(name):
    # What one side could not do ends the other's handshake, or leaves it nothing to read.
    each_allocation_fails(ACTIONS[name], SSL.Error)
