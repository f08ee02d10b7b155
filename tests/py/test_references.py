"""NA-069: what is done again and again holds no references, and no blocks of memory.

Only a debug build of Python counts references: `./dev check debug` has one. The first rounds fill caches.
"""

import faulthandler
import gc
import sys

import pytest

import test_crypto_leaks
import test_ssl_lifetimes
from OpenSSL import SSL
from tls import carry, client_context, memory_pair, server_context, shake

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not hasattr(sys, "gettotalrefcount"), reason="no debug build of Python"),
]
WARM_UP, FLAT, ROUNDS_MAX, TIMES = 2, 2, 20, 3
SECONDS_MAX = 600

@pytest.fixture(autouse=True)
def quiet(bounded, tmp_path, monkeypatch):
    """Some calls write to where they are told to."""
    faulthandler.dump_traceback_later(SECONDS_MAX, exit=True, file=sys.__stderr__)
    monkeypatch.chdir(tmp_path)


def attempt(function, arguments=(), keywords={}):
    try:
        function(*arguments, **keywords)
    except Exception:
        pass


def counts():
    gc.collect()
    return sys.gettotalrefcount(), sys.getallocatedblocks()


def assert_flat(action):
    """Rounds on end that leave no reference, and no block for each time: some blocks come and go by themselves."""
    for _ in range(WARM_UP):
        action()
    flat, deltas = 0, []
    before = after = counts()
    for _ in range(ROUNDS_MAX):
        before = counts()
        for _ in range(TIMES):
            action()
        after = counts()
        deltas.append((after[0] - before[0], after[1] - before[1]))
        flat = flat + 1 if deltas[-1][0] == 0 and deltas[-1][1] < TIMES else 0
        if flat == FLAT:
            return
    raise AssertionError(f"references and blocks that each round left: {deltas}")


SERVER = server_context(certificate="chain.pem", key="rsa.pem")
SERVER.set_session_cache_mode(SSL.SESS_CACHE_OFF)


@pytest.mark.parametrize("name", sorted(test_crypto_leaks.ACTIONS))
def test_crypto(name):
    assert_flat(test_crypto_leaks.ACTIONS[name])


@pytest.mark.parametrize("name", ["settings", "failures", "exchange", "facts", "raising"])
def test_ssl(name):
    assert_flat(getattr(test_ssl_lifetimes, name))


def no(*arguments):
    raise ZeroDivisionError


# Of a client or a server, what sets a callback, and two that it may be.
CALLBACKS = {
    "verify": (1, lambda context, callback: context.set_verify(SSL.VERIFY_PEER, callback), lambda *args: True),
    "info": (1, lambda context, callback: context.set_info_callback(callback), lambda *args: None),
    "keylog": (1, lambda context, callback: context.set_keylog_callback(callback), lambda *args: None),
    "servername": (0, lambda context, callback: context.set_tlsext_servername_callback(callback), lambda *args: None),
    "alpn": (0, lambda context, callback: context.set_alpn_select_callback(callback), lambda conn, offered: offered[0]),
    "ocsp server": (0, lambda context, callback: context.set_ocsp_server_callback(callback), lambda *args: b"status"),
    "ocsp client": (1, lambda context, callback: context.set_ocsp_client_callback(callback), lambda *args: True),
    "new session": (1, lambda context, callback: context.set_new_session_callback(callback), lambda *args: None),
}


@pytest.mark.parametrize("raises", [False, True], ids=["returns", "raises"])
@pytest.mark.parametrize("name", CALLBACKS)
def test_callbacks(name, raises, monkeypatch):
    side, set_callback, good = CALLBACKS[name]
    calls = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)

    def callback(*arguments):
        calls.append(1)
        return no() if raises else good(*arguments)

    def action():
        contexts = server_context(certificate="chain.pem", key="rsa.pem"), client_context()
        set_callback(contexts[side], callback)
        pair = memory_pair(*contexts)
        pair[1].set_alpn_protos([b"h2"])
        pair[1].set_tlsext_host_name(b"localhost")
        pair[1].request_ocsp()
        attempt(shake, pair)
        attempt(carry, pair)
        attempt(pair[1].recv, [1])
        assert calls
        calls.clear()

    assert_flat(action)


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION], ids=["TLS 1.2", "TLS 1.3"])
def test_handshakes(version):
    """Full, resumed, refused; data both ways; closed."""
    stranger = server_context(certificate="stranger.pem", key="rsa.pem")
    client = client_context()
    client.set_max_proto_version(version)

    def action():
        session = None
        for _ in range(3):
            pair = memory_pair(SERVER, client)
            if session is not None:
                pair[1].set_session(session)
            shake(*pair)
            for own, peer in (pair, pair[::-1]):
                own.sendall(b"data")
                carry(own, peer)
                assert peer.recv(10) == b"data"
            session = pair[1].get_session()
            pair[1].shutdown()
            carry(*pair[::-1])
            attempt(pair[0].recv, [1])
        attempt(shake, memory_pair(stranger, client))

    assert_flat(action)
