"""Objects that are initialised again, released, or called in odd ways, beside other threads."""

import functools
import gc
import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from OpenSSL import SSL, crypto
from tls import DATA, client_context, plain_pair, server_context


def run_python(text, timeout=60):
    """In a process of its own, as what goes wrong may end it."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=os.path.dirname(__file__),
    )


@pytest.mark.parametrize("look", ["n.get_components()", "n.CN", "repr(n)", "n == m", "n.der()"])
def test_na_211_the_collector_runs_beside_a_name(look):
    """What it finalises uses the very object that is being asked."""
    text = f"""
        import gc, sys
        from OpenSSL import crypto

        class Late:
            def __init__(self):
                self.me = self

            def __del__(self):
                fired.append((n.CN, n.get_components()))

        fired = []
        cert = crypto.X509()
        n, m = cert.get_subject(), crypto.X509().get_subject()
        n.CN = "caf\\u00e9"
        gc.disable()
        keep = []
        for i in range(50):
            Late()
            gc.set_threshold(1, 1, 1)
            gc.enable()
            keep.append({look})
            keep.append([[i], {{}}])
            gc.disable()
        assert fired or sys.version_info >= (3, 12)  # it does not run within a call there
        print("done")
    """
    result = run_python(text)
    assert result.returncode == 0 and result.stdout == "done\n", result.stderr


# ---- objects that get another handle ----


def certificate():
    return crypto.load_certificate(crypto.FILETYPE_PEM, (DATA / "chain.pem").read_bytes())


def test_na_212_names_change_beside_everything():
    """Views and names that are initialised again and again while others look at them."""
    cert, other = certificate(), crypto.X509Name(crypto.X509().get_subject())
    view, stop = cert.get_subject(), time.monotonic() + 1.5
    context = server_context()
    expected = cert.get_subject().get_components()

    def look():
        while time.monotonic() < stop:
            assert view.get_components() in ([], expected)
            repr(view), view == other, view.CN
            context.set_client_ca_list([view, view])
            SSL.Connection(context).get_client_ca_list()

    def change():
        while time.monotonic() < stop:
            view.__init__(other)
            view.__init__(cert.get_subject())

    run_all(look, look, look, change)


def run_all(*functions):
    raised = []

    def guarded(function):
        try:
            function()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(f,)) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if raised:
        raise raised[0]


def test_na_212_a_lock_that_is_waited_for_stays():
    """Through a view that is given another name meanwhile."""
    signed = bytes(40 << 20)
    cert = certificate()
    view, other = cert.get_subject(), crypto.X509Name(crypto.X509().get_subject())

    def verify(cert=cert):
        with pytest.raises(crypto.Error):
            crypto.verify(cert, b"x" * 256, signed, "sha256")

    threads = [
        threading.Thread(target=verify),
        threading.Thread(target=view.get_components),
        threading.Thread(target=view.__init__, args=(other,)),
    ]
    del cert, verify
    for thread in threads:
        thread.start()
    while threads:
        threads.pop().join(60)
    gc.collect()
    assert view.get_components() == []


def test_na_212_an_init_that_fails_beside_calls():
    cert, context, stop = certificate(), server_context(), time.monotonic() + 1

    class Closed:
        def fileno(self):
            time.sleep(0.0005)
            raise OSError

    connection = SSL.Connection.__new__(SSL.Connection)

    def use():
        while time.monotonic() < stop:
            for call in (connection.get_cipher_list, lambda: connection.use_certificate(cert)):
                with pytest.raises(SSL.Error, match="empty"):
                    call()

    def begin():
        while time.monotonic() < stop:
            with pytest.raises(OSError):
                connection.__init__(context, Closed())

    run_all(use, use, begin)


def test_na_219_an_init_that_failed_leaves_nothing_behind():
    class Reader:
        def recv(self, size):
            raise AssertionError("of a transport that was refused")

    reader = Reader()
    before = sys.getrefcount(reader)
    connection = SSL.Connection.__new__(SSL.Connection)
    for _ in range(5):
        with pytest.raises(TypeError):
            connection.__init__(client_context(), (reader, object()))
    assert sys.getrefcount(reader) == before
    a, _ = plain_pair()
    a.setblocking(False)
    connection.__init__(client_context(), a.fileno())
    connection.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    with pytest.raises(RuntimeError):
        connection.__init__(client_context(), a)


# ---- arguments ----

KEYS = [None, 5, b"x" * 100, (1, 2), 1e300, frozenset(), object()]


@pytest.mark.parametrize("key", KEYS)
def test_na_213_keywords_that_are_no_strings(key):
    for function, args in (
        (SSL._Context, (1,)),
        (SSL.Connection, (client_context(),)),
        (crypto.X509, ()),
        (crypto.X509Extension, (b"basicConstraints", False, b"CA:TRUE")),
        (crypto.load_certificate, (crypto.FILETYPE_PEM,)),
    ):
        call = functools.partial(function)
        call.__setstate__((function, args, {key: 6}, None))
        with pytest.raises(TypeError, match="string"):
            call()


# ---- the stack ----


@pytest.mark.parametrize("kind", ["SSL.Connection(context)", "SSL.Context(SSL.TLS_METHOD)"])
def test_na_218_long_chains_are_released(kind):
    count = 100000 if "Connection" in kind else 3000
    # A Context is a class of Python's, whose chains need a large stack from 3.12 on, ours or not.
    stack = 256 if "Connection" in kind or sys.version_info < (3, 12) else 8192
    text = f"""
        import threading
        from OpenSSL import SSL

        def work():
            context, before = SSL.Context(SSL.TLS_METHOD), None
            for _ in range({count}):
                made = {kind}
                made.set_app_data(before)
                before = made
            made = before = None
            print("done")

        threading.stack_size({stack} * 1024)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    """
    result = run_python(text, timeout=240)
    assert result.returncode == 0 and result.stdout == "done\n", result.stderr


def test_na_218_connections_that_lend_attributes_to_each_other():
    text = """
        from OpenSSL import SSL

        context = SSL.Context(SSL.TLS_METHOD)
        a, b = SSL.Connection(context), SSL.Connection(context)
        a._socket, b._socket = b, a
        for _ in range(20000):
            b = SSL.Connection(context, b)
        for connection in (a, b):
            try:
                connection.missing
            except RecursionError:
                print("done")
    """
    result = run_python(text, timeout=240)
    assert result.returncode == 0 and result.stdout == "done\ndone\n", result.stderr
