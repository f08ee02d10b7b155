"""A Context that is in use may be changed: what counts from when, and what a failure leaves."""

import os
import threading

import pytest
from OpenSSL import SSL, crypto
from tls import (
    DATA, carry, client_context, connected, connected_sockets, memory_pair, read, server_context, shake,
)  # fmt: skip

PEM = crypto.FILETYPE_PEM


def load(name):
    return crypto.load_certificate(PEM, read(name))


def key(name):
    return crypto.load_privatekey(PEM, read(name))


def seen(client):
    """Which certificate a client was shown."""
    return client.get_peer_certificate().digest("sha256")


OLD, NEW = load("server.pem").digest("sha256"), load("server-ec.pem").digest("sha256")


def renew(context):
    """From the RSA certificate to the EC one, all at once."""
    context.use_identity(load("server-ec.pem"), key("ec.pem"), [load("intermediate.pem")])


def only_ec(context):
    context.set_cipher_list(b"ECDHE-ECDSA-AES128-GCM-SHA256")
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    return context


def test_renewed_certificates_drop_no_connection():
    """Those that talk go on talking, those that come see the new certificate."""
    server = server_context()
    old = connected(server)
    assert seen(old[1]) == OLD
    renew(server)
    for sender, receiver in (old, old[::-1]):
        sender.send(b"still here")
        carry(sender, receiver)
        assert receiver.recv(100) == b"still here"
    new = connected(server, only_ec(client_context()))
    assert seen(new[1]) == NEW
    assert seen(old[1]) == OLD
    old[0].shutdown()
    carry(*old)
    with pytest.raises(SSL.ZeroReturnError):
        old[1].recv(1)


def test_a_connection_that_has_not_begun_takes_the_change():
    server = server_context()
    pair = memory_pair(server, only_ec(client_context()))
    renew(server)
    shake(*pair)
    assert seen(pair[1]) == NEW


def test_a_handshake_under_way_keeps_what_it_had():
    server = server_context()
    one, other = memory_pair(server, client_context())
    with pytest.raises(SSL.WantReadError):
        other.do_handshake()
    carry(other, one)
    with pytest.raises(SSL.WantReadError):
        one.do_handshake()
    renew(server)
    shake(one, other)
    assert seen(other) == OLD


def test_authorities_verification_and_protocols_of_later_connections():
    server = server_context()
    connected(server)
    server.load_verify_locations(DATA / "authorities.pem")
    server.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    with pytest.raises(SSL.Error):
        connected(server)
    server.set_verify(SSL.VERIFY_NONE)
    server.set_max_proto_version(SSL.TLS1_2_VERSION)
    assert connected(server)[1].get_protocol_version_name() == "TLSv1.2"
    name = load("root.pem").get_subject()
    server.set_client_ca_list([name])
    assert memory_pair(server)[0].get_client_ca_list() == [name]


FAILURES = {
    "cipher list": lambda c: c.set_cipher_list(b"no such cipher"),
    "suites": lambda c: c.set_tls13_ciphersuites(b"no such suite"),
    "version": lambda c: c.set_max_proto_version(7),
    "chain file": lambda c: c.use_certificate_chain_file(DATA / "message.txt"),
    "key": lambda c: c.use_privatekey(key("root-key.pem")),
    "key file": lambda c: c.use_privatekey_file(DATA / "no such file"),
    "identity": lambda c: c.use_identity(load("server-ec.pem"), key("rsa.pem")),
    "authorities": lambda c: c.load_client_ca(os.fsencode(DATA / "message.txt")),
    "trust": lambda c: c.load_verify_locations(DATA / "no such file"),
    "session name": lambda c: c.set_session_id(b"x" * 33),
    "SRTP": lambda c: c.set_tlsext_use_srtp(b"no such profile"),
    "ALPN": lambda c: c.set_alpn_protos([b"h2", b""]),
    "DH": lambda c: c.load_tmp_dh(DATA / "message.txt"),
    "host": lambda c: c.set_verify_hostname(""),
    "callback": lambda c: c.set_verify(SSL.VERIFY_PEER, 5),
}


@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_change_changes_nothing(name, used):
    server = server_context()
    if used:
        kept = connected(server)  # noqa: F841, so that it is in use
    facts = [
        server.get_options(),
        server.get_verify_mode(),
        server.get_timeout(),
        memory_pair(server)[0].get_cipher_list(),
    ]
    with pytest.raises((SSL.Error, ValueError, TypeError)):
        FAILURES[name](server)
    assert facts == [
        server.get_options(),
        server.get_verify_mode(),
        server.get_timeout(),
        memory_pair(server)[0].get_cipher_list(),
    ]
    server.check_privatekey()
    assert seen(connected(server)[1]) == OLD


def test_renewing_while_threads_shake_hands():
    """Each handshake sees the old certificate or the new one, whole: never a key of another."""
    server = server_context()
    wrong, over, count = [], threading.Event(), [0]

    def shake_hands():
        while not over.is_set():
            try:
                found = seen(connected(server)[1])
            except SSL.Error as error:
                wrong.append(error)
                return
            if found not in (OLD, NEW):
                wrong.append(found)
            count[0] += 1

    threads = [threading.Thread(target=shake_hands) for _ in range(3)]
    for thread in threads:
        thread.start()
    old = load("server.pem"), key("rsa.pem"), [load("intermediate.pem")]
    new = load("server-ec.pem"), key("ec.pem"), [load("intermediate.pem")]
    for i in range(100):
        server.use_identity(*(new if i % 2 else old))
        server.set_info_callback(lambda *args: None)
        server.set_client_ca_list([old[0].get_subject()])
    over.set()
    for thread in threads:
        thread.join(30)
    assert not wrong and count[0] > 0


def resumed(server, client, session):
    """Whether a new connection resumes."""
    pair = memory_pair(server, client)
    pair[1].set_session(session)
    shake(*pair)
    assert pair[0].session_reused() == pair[1].session_reused()
    return pair[1].session_reused()


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION], ids=["TLS 1.2", "TLS 1.3"])
def test_sessions_outlive_changes(version):
    """A change of other settings costs nobody a session, on either side; a new certificate does not either."""
    server, client = server_context(), client_context()
    server.set_session_id(b"changes")
    client.set_max_proto_version(version)
    session = connected(server, client)[1].get_session()
    assert resumed(server, client, session)
    server.set_timeout(1000)
    client.set_options(SSL.OP_CIPHER_SERVER_PREFERENCE)
    client.set_alpn_protos([b"h2"])
    assert resumed(server, client, session)
    server.set_alpn_select_callback(lambda conn, offered: offered[0])
    session = connected(server, client)[1].get_session()
    assert resumed(server, client, session)
    renew(server)
    assert resumed(server, client, session)
    # Whom the client trusts is no other setting.
    client.load_verify_locations(DATA / "other-root.pem")
    assert not resumed(server, client, session)


def test_a_renegotiation_keeps_what_the_connection_had():
    server, client = server_context(), client_context()
    client.set_max_proto_version(SSL.TLS1_2_VERSION)
    one, other = connected(server, client)
    renew(server)
    one.renegotiate()
    for _ in range(6):
        for own, peer in ((one, other), (other, one)):
            try:
                own.do_handshake()
            except SSL.WantReadError:
                pass
            try:
                own.recv(1)
            except SSL.WantReadError:
                pass
            carry(own, peer)
    assert one.total_renegotiations() == 1
    assert seen(other) == OLD
    one.send(b"x")
    carry(one, other)
    assert other.recv(1) == b"x"


def test_a_store_goes_on_belonging_to_its_context():
    server = server_context()
    client = SSL.Context(SSL.TLS_METHOD)
    client.set_verify(SSL.VERIFY_PEER)
    store = client.get_cert_store()
    with pytest.raises(SSL.Error):
        connected(server, client)
    client.set_timeout(100)
    client.set_cipher_list(b"ALL")
    store.add_cert(load("root.pem"))
    connected(server, client)
    client.set_timeout(101)
    connected(server, client)


def test_what_is_remembered_outlives_changes():
    server = server_context()
    thing = object()
    server.set_app_data(thing)
    server.set_passwd_cb(lambda *anything: b"secret")
    kept = connected(server)
    server.set_cipher_list(b"ALL")
    server.set_options(SSL.OP_NO_COMPRESSION)
    assert server.get_app_data() is thing
    assert kept[0].get_context() is server
    server.use_privatekey_file(DATA / "rsa-aes256.pem")
    assert seen(connected(server)[1]) == OLD


@pytest.mark.parametrize("setter", ["set_tlsext_servername_callback", "set_info_callback", "set_alpn_select_callback"])
def test_na_061_a_callback_changes_its_own_context(setter):
    """It counts for the next connection, and nothing waits for itself."""
    server, client = server_context(), client_context()
    client.set_alpn_protos([b"h2"])
    calls = []

    def callback(connection, *more):
        calls.append(connection)
        renew(connection.get_context())
        connection.get_context().set_max_proto_version(SSL.TLS1_2_VERSION)
        return b"h2" if setter == "set_alpn_select_callback" else None

    getattr(server, setter)(callback)
    pair = memory_pair(server, client)
    pair[1].set_tlsext_host_name(b"localhost")
    shake(*pair)
    assert calls and pair[1].get_protocol_version_name() == "TLSv1.3"
    assert seen(pair[1]) == OLD
    assert connected(server, client)[1].get_protocol_version_name() == "TLSv1.2"


def test_changes_while_bytes_move():
    """Two exchanges over sockets go on, whatever becomes of their context, and new ones begin."""
    server, client = server_context(), client_context()
    block, rounds = os.urandom(40000), 60
    trouble, over = [], threading.Event()

    def exchange():
        try:
            left, right = connected_sockets(server, client)
            for _ in range(rounds):
                sender = threading.Thread(target=left.sendall, args=(block,))
                sender.start()
                got = b""
                while len(got) < len(block):
                    got += right.recv(len(block))
                sender.join(30)
                assert got == block
                assert seen(connected_sockets(server, client)[1]) in (OLD, NEW)
        except BaseException as error:
            trouble.append(error)
        finally:
            over.set()

    threads = [threading.Thread(target=exchange) for _ in range(2)]
    for thread in threads:
        thread.start()
    old = load("server.pem"), key("rsa.pem"), [load("intermediate.pem")]
    new = load("server-ec.pem"), key("ec.pem"), [load("intermediate.pem")]
    names = [load("root.pem").get_subject(), load("other-root.pem").get_subject()]
    turn = 0
    while not over.is_set() and turn < 5000:
        turn += 1
        server.use_identity(*(new if turn % 2 else old))
        server.set_cipher_list(b"ECDHE+AESGCM" if turn % 3 else b"ALL:!aNULL")
        server.set_tls13_ciphersuites(b"TLS_AES_128_GCM_SHA256" if turn % 5 else b"TLS_AES_256_GCM_SHA384")
        server.set_client_ca_list(names[: turn % 3])
        server.set_alpn_select_callback(lambda conn, offered, turn=turn: offered[turn % len(offered)])
        client.set_alpn_protos([b"a", b"b"][: 1 + turn % 2])
        client.set_verify(SSL.VERIFY_PEER, lambda conn, cert, number, depth, ok: ok)
        client.load_verify_locations(DATA / "root.pem")
        with pytest.raises(SSL.Error):
            server.set_cipher_list(b"no such cipher")
    for thread in threads:
        thread.join(60)
    assert not trouble and turn > 10
