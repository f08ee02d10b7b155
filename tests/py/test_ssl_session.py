"""Sessions: what resumes a connection."""

import pytest

from OpenSSL import SSL
from tls import (
    client_context,
    connected,
    connected_sockets,
    memory_pair,
    server_context,
    shake,
)


@pytest.fixture
def connection():
    return SSL.Connection(client_context())


@pytest.fixture(params=[SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION], ids=["TLS 1.2", "TLS 1.3"])
def pair(request):
    client = client_context()
    client.set_max_proto_version(request.param)
    return connected(client=client)



# ---- sessions ----


def test_resuming(pair):
    server, client = pair
    session = client.get_session()
    assert type(session) is SSL.Session and session.is_resumable()
    again = memory_pair(server.get_context(), client.get_context())
    again[1].set_session(session)
    shake(*again)
    assert again[1].session_reused() and again[0].session_reused()


def test_na_096_sessions_of_another_context(pair):
    session = pair[1].get_session()
    other = SSL.Connection(client_context())
    with pytest.raises(ValueError) as caught:
        other.set_session(session)
    assert isinstance(caught.value, SSL.Error)


@pytest.mark.parametrize("value", [None, 1, b"session", object(), SSL.Session])
def test_sessions_only(connection, value):
    with pytest.raises(TypeError, match="session must be a Session instance"):
        connection.set_session(value)


def test_na_077_empty_sessions(connection):
    with pytest.raises(SSL.Error):
        connection.set_session(SSL.Session())
    with pytest.raises(TypeError):
        SSL.Session(1)


def test_na_099_new_sessions_are_told():
    told = []
    client = client_context()
    client.set_session_cache_mode(SSL.SESS_CACHE_CLIENT)
    client.set_new_session_callback(lambda conn, session: told.append(session))
    server, connection = connected(client=client)
    assert len(told) == 2 and all(s.is_resumable() for s in told)
    again = memory_pair(server.get_context(), client)
    again[1].set_session(told[0])
    shake(*again)
    assert again[1].session_reused()


def test_na_100_sessions_outlive_their_connection(pair, collected):
    server, client = pair
    contexts = server.get_context(), client.get_context()
    session = client.get_session()
    del pair, server, client
    collected()
    again = memory_pair(*contexts)
    again[1].set_session(session)
    shake(*again)
    assert again[1].session_reused()


@pytest.mark.parametrize("count", [0, 1, 5])
def test_tickets_in_force(count):
    told = []
    server, client = server_context(), client_context()
    server.set_num_tickets(count)
    client.set_session_cache_mode(SSL.SESS_CACHE_CLIENT)
    client.set_new_session_callback(lambda conn, session: told.append(session))
    connected(server, client)
    assert len(told) == count


def test_read_ahead_hides_bytes_from_select():
    server = server_context()
    server.set_read_ahead(True)
    reader, writer = connected_sockets(server)
    writer.setblocking(False)
    for letter in (b"a", b"b", b"c"):
        writer.send(letter)
    assert reader.recv(1) == b"a" and reader.has_pending()
    assert reader.recv(1) == b"b" and reader.recv(1) == b"c"
