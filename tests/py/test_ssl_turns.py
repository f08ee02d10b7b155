"""Whose a Connection or Context is while Python code runs for it: callbacks, greenlets, fork()."""

import functools
import gc
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from OpenSSL import SSL, crypto, rand
from tls import DATA, carry, client_context, connected, memory_pair, plain_pair, server_context, shake

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
forks = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def elsewhere(function):
    """What @function gives in another thread; fails where that takes long."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()), daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "the other thread waits"
    return results[0]


def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_python(text, *args, timeout=60):
    """In a process of its own, as what goes wrong may end it."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text), *args],
        capture_output=True, text=True, timeout=timeout, cwd=os.path.dirname(__file__),
    )


# ---- callbacks ----

GETTERS = {
    "servername": lambda c: c.get_servername(),
    "app data": lambda c: c.get_app_data(),
    "context": lambda c: c.get_context(),
    "state": lambda c: c.get_state_string(),
    "pending": lambda c: c.pending(),
    "ciphers": lambda c: c.get_cipher_list(),
    "peer": lambda c: c.get_peer_certificate(),
    "attribute": lambda c: c._socket,
    "shutdown": lambda c: c.set_shutdown(0),
    "options": lambda c: c.set_options(0),
    "own data": lambda c: c.set_app_data("data"),
    "another connection": lambda c: SSL.Connection(c.get_context()) is not None,
}


@pytest.mark.parametrize("name", GETTERS)
def test_na_209_other_threads_are_answered_while_a_callback_runs(name):
    """As they are when it does not."""
    look, context, seen = GETTERS[name], server_context(), []
    context.set_tlsext_servername_callback(
        lambda connection: seen.append((look(connection), elsewhere(lambda: look(connection))))
    )
    server, client = memory_pair(context)
    client.set_tlsext_host_name(b"localhost")
    shake(server, client)
    assert len(seen) == 1 and seen[0][0] == seen[0][1]


def test_na_209_the_transport_and_its_connection():
    """Objects of the program's own, whose methods other threads wait for."""
    seen = []

    class End:
        def recv(self, size):
            seen.append(elsewhere(lambda: connection.get_cipher_list()))
            return None

        def send(self, data):
            return len(data)

    connection = SSL.Connection(client_context(), End())
    connection.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    assert seen and seen[0]


def encrypted_key(tmp_path):
    path = tmp_path / "key.pem"
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, (DATA / "rsa.pem").read_bytes())
    path.write_bytes(crypto.dump_privatekey(crypto.FILETYPE_PEM, key, "aes128", b"secret"))
    return path


def test_na_209_a_passphrase_is_asked_for(tmp_path):
    context, path = server_context(), encrypted_key(tmp_path)

    def passphrase(*_):
        assert elsewhere(lambda: SSL.Connection(context)) is not None
        elsewhere(lambda: context.set_info_callback(None))
        assert elsewhere(lambda: connected(context)) is not None
        with pytest.raises(SSL.Error, match="passphrase callback"):
            context.use_privatekey_file(path)
        return b"secret"

    context.set_passwd_cb(passphrase)
    context.use_privatekey_file(path)
    context.check_privatekey()


def test_na_209_two_threads_load_keys(tmp_path):
    """One after the other, each with the answers to its own questions."""
    context, path, asked = server_context(), encrypted_key(tmp_path), []
    inside, go = threading.Event(), threading.Event()

    def passphrase(*_):
        asked.append(threading.get_ident())
        inside.set()
        assert go.wait(20)
        return b"secret"

    context.set_passwd_cb(passphrase)
    threads = [
        threading.Thread(target=context.use_privatekey_file, args=(path,)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    assert inside.wait(20)
    time.sleep(0.1)
    assert len(asked) == 1
    go.set()
    for thread in threads:
        thread.join(20)
    assert set(asked) == {thread.ident for thread in threads}


def held_by_a_callback(until):
    """A connection that another thread is shaking hands on, inside a callback."""
    context, inside = server_context(), threading.Event()

    def hold(_):
        inside.set()
        until.wait(20)

    context.set_tlsext_servername_callback(hold)
    server, client = memory_pair(context)
    client.set_tlsext_host_name(b"localhost")
    thread = threading.Thread(target=shake, args=(server, client), daemon=True)
    thread.start()
    assert inside.wait(20)
    return server, thread


def test_na_209_exchanges_wait_until_the_callback_is_over():
    until = threading.Event()
    server, thread = held_by_a_callback(until)
    threading.Timer(0.3, until.set).start()
    began = time.monotonic()
    try:
        server.do_handshake()
    except SSL.WantReadError:
        pass
    assert time.monotonic() - began > 0.1
    thread.join(20)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
@pytest.mark.parametrize("call", ["do_handshake", "shutdown", "recv", "send"])
def test_na_209_signals_end_the_wait(call):
    until = threading.Event()
    server, thread = held_by_a_callback(until)

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    began = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            getattr(server, call)(*{"recv": (1,), "send": (b"x",)}.get(call, ()))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 5
    until.set()
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_na_209_signals_end_the_wait_for_another_writer():
    """Who waits for its peer to read keeps the next writer waiting, but not for ever."""
    a, b = plain_pair()
    server, client = SSL.Connection(server_context(), a), SSL.Connection(client_context(), b)
    server.set_accept_state()
    client.set_connect_state()
    thread = threading.Thread(target=server.do_handshake)
    thread.start()
    client.do_handshake()
    thread.join(20)
    writer = threading.Thread(target=lambda: suppressed(client.sendall, bytes(16 << 20)), daemon=True)
    writer.start()
    time.sleep(0.3)

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            client.send(b"x")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    a.shutdown(socket.SHUT_RDWR)
    writer.join(20)
    assert not writer.is_alive()


def suppressed(function, *args):
    try:
        function(*args)
    except SSL.Error:
        pass


# ---- another context ----

LATE = ["alpn", "ocsp", "keylog", "info", "verify"]


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
@pytest.mark.parametrize("name", LATE)
def test_na_216_another_context_comes_too_late(name, version):
    own, client, other, said = server_context(), client_context(), server_context(), []
    own.set_max_proto_version(version)

    def move(connection, *args):
        with pytest.raises(SSL.Error, match="server name callback") as refused:
            connection.set_context(other)
        said.append(refused.value)
        return {"alpn": b"h2", "ocsp": b"x"}.get(name, True)

    {
        "alpn": own.set_alpn_select_callback,
        "ocsp": own.set_ocsp_server_callback,
        "keylog": own.set_keylog_callback,
        "info": own.set_info_callback,
        "verify": functools.partial(client.set_verify, SSL.VERIFY_PEER),
    }[name](move)
    client.set_alpn_protos([b"h2"])
    client.set_ocsp_client_callback(lambda *_: True)
    server, peer = memory_pair(own, client)
    if name == "ocsp":
        peer.request_ocsp()
    shake(server, peer)
    assert said
    peer.send(b"x")
    carry(peer, server)
    assert server.recv(1) == b"x"
    assert server.get_context() is own


# ---- settings ----


def test_na_217_callbacks_go_with_the_settings_of_their_moment():
    """Neither of two settings refuses; nor does a handshake that begins between them."""
    client = SSL.Context(SSL.TLS_METHOD)  # trusts nobody: only the callback says yes
    server, stop, refused = server_context(), time.monotonic() + 2, []
    before = sys.getswitchinterval()

    def change():
        while time.monotonic() < stop:
            client.set_verify(SSL.VERIFY_NONE)
            client.set_verify(SSL.VERIFY_PEER, lambda *_: True)

    thread = threading.Thread(target=change)
    sys.setswitchinterval(1e-6)
    try:
        thread.start()
        while time.monotonic() < stop and not refused:
            try:
                connected(server, client)
            except SSL.Error as error:
                refused.append(error)
        thread.join(20)
    finally:
        sys.setswitchinterval(before)
    assert not refused


def test_na_211_the_collector_runs_in_a_setter():
    text = """
        import gc
        from OpenSSL import SSL

        context = SSL.Context(SSL.TLS_METHOD)
        first, second, third = (lambda *a: n for n in range(3))

        class Late:
            def __init__(self):
                self.me = self

            def __del__(self):
                context.set_new_session_callback(second)
                fired.append([tuple([i] * 16) for i in range(100)])

        fired = []
        gc.disable()
        context.set_info_callback(first)
        keep = [tuple(range(i, i + 16)) for i in range(5000)]
        Late()
        gc.set_threshold(1, 1, 1)
        setter = context.set_keylog_callback
        gc.enable()
        setter(third)
        gc.disable()
        gc.collect()
        assert fired
        callables = [t for t in gc.get_referents(context) if type(t) is tuple][0]
        assert {first, second, third} <= set(callables), callables
        connection = SSL.Connection(context)
        connection.set_connect_state()
        try:
            connection.do_handshake()
        except SSL.WantReadError:
            print("done")
    """
    result = run_python(text)
    assert result.returncode == 0 and result.stdout == "done\n", result.stderr


# ---- KeyboardInterrupt ----


def test_na_220_looks_at_attributes_let_it_out():
    class Property:
        @property
        def fileno(self):
            raise KeyboardInterrupt

    class Everything:
        def __getattr__(self, name):
            raise KeyboardInterrupt

    for call in (
        lambda: SSL.Connection(client_context(), Property()),
        lambda: SSL.Connection(client_context(), (Property(), Property())),
        lambda: crypto.X509Store().set_time(Everything()),
        lambda: crypto.X509Store().add_crl(Everything()),
    ):
        with pytest.raises(KeyboardInterrupt):
            call()


def test_na_220_the_hook_for_exceptions_lets_it_out(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "excepthook", interrupt)
    context = server_context()
    context.set_tlsext_servername_callback(lambda _: 1 / 0)
    server, client = memory_pair(context)
    client.set_tlsext_host_name(b"localhost")
    with pytest.raises(KeyboardInterrupt):
        shake(server, client)


# ---- fork ----


def fork_takes():
    """Seconds, in the parent."""
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os._exit(0)
    took = time.monotonic() - began
    assert ended(child) == 0
    return took


@forks
@needs_fork
@pytest.mark.parametrize("what", ["rand", "ca", "client ca", "certificate", "key", "store"])
def test_na_214_fork_does_not_wait_for_a_file(what, tmp_path):
    """One that gives nothing, as a pipe may."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    context = server_context()
    load = {
        "rand": lambda: rand.load_file(path),
        "ca": lambda: context.load_verify_locations(path),
        "client ca": lambda: context.load_client_ca(os.fsencode(path)),
        "certificate": lambda: context.use_certificate_chain_file(path),
        "key": lambda: context.use_privatekey_file(path),
        "store": lambda: crypto.X509Store().load_locations(path),
    }[what]

    def reader():
        try:
            load()
        except (SSL.Error, crypto.Error):
            pass

    writer = os.open(path, os.O_RDWR)
    thread = threading.Thread(target=reader, daemon=True)
    thread.start()
    time.sleep(0.2)
    assert thread.is_alive()
    assert fork_takes() < 1
    assert elsewhere(lambda: SSL.Connection(context)) is not None
    os.close(writer)
    thread.join(20)
    assert not thread.is_alive()


@forks
@needs_fork
def test_na_214_fork_does_not_wait_for_a_key():
    stop = threading.Event()

    def generate():
        while not stop.is_set():
            crypto.PKey().generate_key(crypto.TYPE_RSA, 3072)

    thread = threading.Thread(target=generate)
    thread.start()
    time.sleep(0.05)
    took = [fork_takes() for _ in range(10)]
    stop.set()
    thread.join(60)
    assert sorted(took)[5] < 0.1


@forks
@needs_fork
@pytest.mark.parametrize("memory", [False, True])
def test_na_215_a_connection_that_has_not_begun_is_served_in_a_child(memory):
    """As forking servers do; one that has begun has keys that two processes must not share."""
    a, b = plain_pair()
    served = SSL.Connection(server_context(), None if memory else a)
    served.set_accept_state()
    children = []
    for _ in range(1 if not memory else 2):
        children.append(os.fork())
        if children[-1] == 0:
            try:
                if memory:
                    client = memory_pair()[1]
                    shake(served, client)
                else:
                    served.do_handshake()
                    served.sendall(b"hello")
                os._exit(0)
            except BaseException:
                os._exit(1)
    if not memory:
        client = SSL.Connection(client_context(), b)
        client.set_connect_state()
        client.do_handshake()
        assert client.recv(5) == b"hello"
        child = os.fork()
        if child == 0:
            try:
                client.send(b"x")
            except SSL.Error as error:
                os._exit(0 if "parent" in str(error) else 2)
            os._exit(1)
        children.append(child)
    assert [ended(child) for child in children] == [0] * len(children)


@forks
@needs_fork
def test_na_214_fork_does_not_wait_for_long_work():
    """Whatever it is: here the signing of a certificate, which holds that certificate's lock."""
    key, cert = crypto.PKey(), crypto.X509()
    key.generate_key(crypto.TYPE_RSA, 2048)
    cert.set_pubkey(key)
    cert.add_extensions([crypto.X509Extension(b"nsComment", False, b"x" * (8 << 20))])
    stop = threading.Event()

    def sign():
        while not stop.is_set():
            cert.sign(key, "sha512")

    thread = threading.Thread(target=sign)
    thread.start()
    took = [fork_takes() for _ in range(10)]
    stop.set()
    thread.join(60)
    assert sorted(took)[5] < 0.1


@forks
@needs_fork
def test_na_089_a_child_does_not_wait_for_callbacks_of_its_parent(tmp_path):
    """Of threads that it does not have."""
    context, inside, until = server_context(), threading.Event(), threading.Event()
    path = encrypted_key(tmp_path)

    def passphrase(*_):
        inside.set()
        until.wait(20)
        return b"secret"

    context.set_passwd_cb(passphrase)
    thread = threading.Thread(target=context.use_privatekey_file, args=(path,), daemon=True)
    thread.start()
    assert inside.wait(20)
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(20)
            context.set_passwd_cb(lambda *_: b"secret")
            context.use_privatekey_file(path)
            os._exit(0)
        except BaseException:
            os._exit(1)
    until.set()
    thread.join(20)
    assert ended(child) == 0
