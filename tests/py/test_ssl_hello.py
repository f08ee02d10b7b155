"""What the ClientHello says may be asked for until it is made, and later without effect."""

import pytest

from OpenSSL import SSL
from tls import DATA, client_context, connected, memory_pair, server_context, shake

HOST = b"host.example.test"
VERSIONS = [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION]


def ask(conn):
    """Everything that it says, as clients of Twisted ask for the host."""
    assert conn.set_tlsext_host_name(HOST) is None
    assert conn.set_alpn_protos([b"h2"]) is None
    assert conn.request_ocsp() is None


def server_that_answers(offered, version):
    """A context whose callbacks say what came."""
    server = server_context()
    server.set_min_proto_version(version)
    server.set_max_proto_version(version)
    server.set_tlsext_servername_callback(lambda conn: offered.append(conn.get_servername()))
    server.set_ocsp_server_callback(lambda conn, data: offered.append("OCSP") or b"")

    def choose(conn, protos):
        offered.append(protos)
        return protos[0]

    server.set_alpn_select_callback(choose)
    return server


def ask_at(moment, asked):
    def told(conn, where, ret):
        if where == moment and not asked:
            asked.append(conn)
            ask(conn)

    return told


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("whose", ["context", "connection"])
def test_na_182_asked_for_at_the_start(version, whose):
    offered, asked = [], []
    client = client_context()
    if whose == "context":
        client.set_info_callback(ask_at(SSL.SSL_CB_HANDSHAKE_START, asked))
    pair = memory_pair(server_that_answers(offered, version), client)
    if whose == "connection":
        pair[1].set_info_callback(ask_at(SSL.SSL_CB_HANDSHAKE_START, asked))
    shake(*pair)
    assert asked == [pair[1]]
    assert sorted(map(str, offered)) == sorted(map(str, [HOST, [b"h2"], "OCSP"]))
    assert pair[1].get_alpn_proto_negotiated() == b"h2"
    assert pair[1].get_servername() == HOST


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("moment", [SSL.SSL_CB_CONNECT_LOOP, SSL.SSL_CB_HANDSHAKE_DONE])
def test_na_182_too_late_in_a_callback(version, moment):
    offered, asked, calls = [], [], []
    client = client_context()

    def told(conn, where, ret):
        calls.append(where)
        # Before the ClientHello is made OpenSSL tells of no other step.
        if where == moment and not asked and conn.get_state_string() != b"before SSL initialization":
            asked.append(conn)
            ask(conn)

    client.set_info_callback(told)
    pair = memory_pair(server_that_answers(offered, version), client)
    shake(*pair)
    assert asked == [pair[1]] and calls[0] == SSL.SSL_CB_HANDSHAKE_START
    assert offered == [None] or offered == []
    assert pair[1].get_alpn_proto_negotiated() == b""
    assert pair[1].get_servername() is None


def test_na_182_too_late_outside():
    server, client = memory_pair()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    ask(client)
    for refused in (lambda: client.set_verify_hostname("localhost"), lambda: client.set_verify_ip("127.0.0.1")):
        with pytest.raises(SSL.Error, match="the handshake has begun"):
            refused()
    shake(server, client)
    ask(client)
    ask(server)
    assert client.get_servername() is None and server.get_servername() is None
    client.set_session(client.get_session())
    client.shutdown()
    ask(client)


@pytest.mark.parametrize("version", VERSIONS)
def test_na_182_a_session_at_the_start(version):
    server, client = server_context(), client_context()
    client.set_max_proto_version(version)
    session = connected(server, client)[1].get_session()
    resumed = []

    def told(conn, where, ret):
        if where == SSL.SSL_CB_HANDSHAKE_START:
            conn.set_session(session)

    client.set_info_callback(told)
    for _ in range(2):
        pair = connected(server, client)
        resumed.append(pair[1].session_reused())
    assert resumed == [True, True]


@pytest.mark.parametrize("version", VERSIONS)
def test_na_182_who_is_verified_is_settled_at_the_start(version):
    """What is asked in the end counts: a session of a peer of whom less was asked is not resumed."""
    server, client = server_context(), client_context(verify=False)
    client.load_verify_locations(DATA / "root.pem")
    client.set_max_proto_version(version)
    session = connected(server, client)[1].get_session()
    for wanted, good in ((b"host.example.test", True), (b"host.example", False)):

        def told(conn, where, ret):
            if where == SSL.SSL_CB_HANDSHAKE_START:
                conn.set_verify(SSL.VERIFY_PEER)
                conn.set_verify_hostname(wanted)

        pair = memory_pair(server, client)
        pair[1].set_info_callback(told)
        pair[1].set_session(session)
        if good:
            shake(*pair)
        else:
            with pytest.raises(SSL.Error, match="certificate verify failed"):
                shake(*pair)
        assert not pair[1].session_reused()


def test_na_182_settings_that_change_nothing():
    """The side that it is already, the size of datagrams where there are none."""
    server, client = memory_pair()
    told = []

    def again(conn, where, ret):
        conn.set_connect_state()
        conn.set_ciphertext_mtu(1400)
        told.append(where)

    client.set_info_callback(again)
    shake(server, client)
    assert SSL.SSL_CB_HANDSHAKE_START in told and SSL.SSL_CB_HANDSHAKE_DONE in told
    for end in (server, client):
        server.set_accept_state()
        client.set_connect_state()
        for refused in (server.set_connect_state, client.set_accept_state):
            with pytest.raises(SSL.Error, match="the handshake has begun"):
                refused()
        end.shutdown()
    with pytest.raises(SSL.Error):
        client.set_ciphertext_mtu(1 << 20)
