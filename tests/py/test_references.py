"""NA-069: what is done again and again holds no references, and no blocks of memory.

Only a debug build of Python counts references: `./dev check debug` has one. The first rounds fill caches.
Besides what programs do, everything is called that the package has, as in test_matrix.py.
"""

import ctypes
import faulthandler
import gc
import itertools
import sys

import pytest

import matrix
import test_crypto_leaks
import test_ssl_lifetimes
from OpenSSL import SSL
from matrix_values import argument_lists, classes, few_wrong, functions, good_arguments, methods, parameters
from tls import carry, client_context, memory_pair, ocsp_response, server_context, shake

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
    gc.collect()
    gc.freeze()  # what is there already need not be looked at again and again
    yield
    gc.unfreeze()


def attempt(function, arguments=(), keywords={}):
    try:
        function(*arguments, **keywords)
    except Exception:
        pass


def counts():
    # It keeps the names that were asked for, even those of objects that had no such attribute.
    sys._clear_type_cache()
    gc.collect()
    return sys.gettotalrefcount(), sys.getallocatedblocks()


def assert_flat(action, foreign=False):
    """Several rounds leave nothing. What leaks does so in each; now and then a block comes or goes by itself.

    Compiled modules of others, in which no references are counted, falsify their number, but no blocks.
    """
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
        flat += deltas[-1][1] == 0 and (foreign or deltas[-1][0] == 0)
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
    "ocsp server": (0, lambda context, callback: context.set_ocsp_server_callback(callback), lambda *args: ocsp_response()),
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


# ---- everything that the package has ----


def all_calls(where, function):
    """What test_matrix.py calls it with, from a shorter list of wrong values; good arguments come last."""
    lists = [(arguments, keywords) for _, arguments, keywords in argument_lists(where, function, few_wrong)]
    return [*lists, (good_arguments(where, function), {})]


def assert_all_flat(actions):
    """{name: action}; all that leave something are named."""
    wrong = {}
    for name, action in actions.items():
        try:
            assert_flat(action, foreign="cryptography" in name)
        except AssertionError as error:
            wrong[name] = str(error)
    assert actions and not wrong


def actions_on(cls, make):
    """Each method of an object that @make makes, and its attributes, as actions."""

    def calling(name):
        lists = all_calls(f"{cls.__name__}.{name}", getattr(cls, name))

        def action():
            thing = make()
            for arguments, keywords in lists:
                attempt(getattr(thing, name), arguments, keywords)

        return action

    def looking():
        thing = make()
        for name in dir(thing):
            attempt(getattr, (thing, name))
        attempt(setattr, (thing, "no_such_attribute", 1))
        for look in (repr, str, hash, lambda one: one == make(), lambda one: one < make()):
            attempt(look, (thing,))

    def title(name):
        converts = any(known == "as_cryptography" for known, _, _ in parameters(getattr(cls, name)) or ())
        return f"{name}(as_cryptography)" if converts else name

    return {"attributes": looking, **{title(name): calling(name) for name in methods(cls)}}


def test_functions():
    def calling(name, function):
        lists = all_calls(name.split(".", 1)[1], function)

        def action():
            for arguments, keywords in lists:
                attempt(function, arguments, keywords)

        return action

    assert_all_flat({name: calling(name, function) for name, function in functions()})


def test_constructors():
    def making(cls):
        lists = all_calls(cls.__name__, cls)

        def action():
            for arguments, keywords in lists:
                attempt(cls, arguments, keywords)
                attempt(cls.__new__(cls).__init__, arguments, keywords)

        return action

    assert_all_flat({cls.__name__: making(cls) for cls in classes()})


def test_none_of_the_classes_is_missing():
    public = {cls for cls in classes() if not cls.__name__.startswith("_")}
    assert public - set(matrix.USED) == {SSL.Connection, SSL.Context, SSL.Session, SSL.X509VerificationCodes}


@pytest.mark.parametrize("cls", matrix.USED, ids=lambda cls: cls.__name__)
def test_objects(cls):
    for make in [*matrix.USED[cls], lambda: cls.__new__(cls)]:
        assert_all_flat(actions_on(cls, make))


@pytest.mark.parametrize("cls", [SSL.Session, SSL.X509VerificationCodes], ids=lambda cls: cls.__name__)
def test_objects_of_ssl(cls):
    assert_all_flat(actions_on(cls, lambda: cls.__new__(cls)))


@pytest.mark.parametrize("make", [lambda: SSL.Context(SSL.TLS_METHOD), lambda: SSL.Context.__new__(SSL.Context)],
                         ids=["new", "empty"])
def test_contexts(make):
    assert_all_flat(actions_on(SSL.Context, make))


@pytest.mark.parametrize("state", ["new", "established"])
def test_connections(state):
    pairs = matrix.Pairs("TLS 1.3")
    pairs.server.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    kept = []

    def make():
        kept[:] = pairs.make(state)  # a peer that has gone would be another state
        return kept[1]

    assert_all_flat(actions_on(SSL.Connection, make))


# ---- this very file ----


def test_a_leak_would_be_found():
    """A block that nothing refers to, and a reference, each left by one call in three."""
    allocate = ctypes.pythonapi.PyMem_Malloc
    allocate.restype, allocate.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    kept, turns = [], itertools.cycle(range(TIMES))

    def seldom(function):
        if next(turns) == 0:
            function()

    for leak in (lambda: allocate(40), lambda: kept.append(object()), lambda: kept.append(kept)):
        with pytest.raises(AssertionError, match="left"):
            assert_flat(lambda: seldom(leak))
    assert_flat(lambda: seldom(lambda: None))
