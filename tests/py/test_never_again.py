"""Faults that wrappers of OpenSSL have had, and that belong to no one class.

Each test carries the number of the fault in tests/never_again.txt.
"""

import gc
import os
import pathlib
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import pytest
from OpenSSL import SSL, crypto, rand
from tls import client_context, connected, memory_pair, read, server_context, shake, socket_pair, wait_until_held

PACKAGE = str(pathlib.Path(SSL.__file__).resolve().parent.parent)
HERE = str(pathlib.Path(__file__).resolve().parent)
PEM = crypto.FILETYPE_PEM


def run(code, timeout=240, python=sys.executable, **environment):
    """Run a script with our package in a process of its own; its exit status and output."""
    done = subprocess.run(
        [python, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([PACKAGE, HERE]), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
    )
    return done.returncode, done.stdout.decode(errors="replace")


def test_na_012_the_function_is_empty_and_not_needed():
    for provoke in (
        lambda: crypto.load_certificate(PEM, b"nothing"),
        lambda: crypto.load_privatekey(PEM, b"nothing"),
        lambda: SSL.Context(SSL.TLS_METHOD).set_cipher_list(b"no such cipher"),
    ):
        with pytest.raises((crypto.Error, SSL.Error)) as caught:
            provoke()
        assert caught.value.args[0]
        for library, function, reason in caught.value.args[0]:
            assert library and function == "" and reason


def test_na_063_callbacks_in_threads_and_subinterpreters():
    """A callback runs in the interpreter and thread that drive the connection."""
    server, seen, checked = server_context(), {}, []
    server.set_info_callback(
        lambda conn, where, ret: seen.setdefault(conn, set()).add(threading.get_ident())
    )

    def drive():
        pair = memory_pair(server, client_context())
        shake(*pair)
        checked.append(seen[pair[0]] == {threading.get_ident()})

    threads = [threading.Thread(target=drive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert checked == [True] * 4

    interpreters = pytest.importorskip("_xxsubinterpreters")
    inner = interpreters.create()
    try:
        interpreters.run_string(
            inner,
            textwrap.dedent(
                f"""
                import sys
                sys.path[:0] = [{PACKAGE!r}, {HERE!r}]
                from tls import *
                context, seen = server_context(), []
                context.set_info_callback(lambda *args: seen.append(args))
                shake(*memory_pair(context, client_context()))
                assert seen
                """
            ),
        )
    finally:
        interpreters.destroy(inner)


def test_na_071_what_was_loaded_needs_its_input_no_more():
    data = bytearray(read("server.pem"))
    cert = crypto.load_certificate(PEM, data)
    want = cert.digest("sha256")
    data[:] = b"\0" * len(data)
    del data
    gc.collect()
    assert cert.digest("sha256") == want
    assert cert.get_pubkey().bits() > 0
    key = bytearray(read("rsa.pem"))
    loaded = crypto.load_privatekey(PEM, key)
    key[:] = b"\0" * len(key)
    assert loaded.check()


def test_na_088_errors_are_those_of_the_call():
    """Threads that fail in different ways at the same time each see their own reason."""
    wrong, over = [], time.monotonic() + 1

    def fail(provoke, reason):
        while time.monotonic() < over:
            try:
                provoke()
            except (crypto.Error, SSL.Error) as error:
                if error.args[0][0][2] != reason:
                    wrong.append(error)

    context = SSL.Context(SSL.TLS_METHOD)
    threads = [
        threading.Thread(target=fail, args=pair)
        for pair in (
            (lambda: crypto.load_certificate(PEM, b"x"), "no start line"),
            (lambda: context.set_cipher_list(b"nonsense"), "no cipher match"),
            (lambda: crypto.load_privatekey(PEM, read("rsa-aes256.pem"), b"wrong"), "bad decrypt"),
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reasons = {error.args[0][0][2] for error in wrong}
    # A wrong passphrase decrypts to what by chance looks padded, once in some 256 times.
    assert not reasons & {"no start line", "no cipher match"}, reasons


MODES = [
    (SSL.VERIFY_NONE, None, True),
    (SSL.VERIFY_NONE, "client", True),
    (SSL.VERIFY_PEER, None, True),
    (SSL.VERIFY_PEER, "client", True),
    (SSL.VERIFY_PEER, "stranger", False),
    (SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, None, False),
    (SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, "client", True),
    (SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, "stranger", False),
]


def stranger():
    """A certificate that nobody trusts, and its key."""
    key = crypto.PKey()
    key.generate_key(crypto.TYPE_RSA, 2048)
    cert = crypto.X509()
    cert.get_subject().CN = "stranger"
    cert.set_issuer(cert.get_subject())
    cert.gmtime_adj_notBefore(-60)
    cert.gmtime_adj_notAfter(3600)
    cert.set_pubkey(key)
    cert.sign(key, "sha256")
    return cert, key


@pytest.mark.parametrize("mode, who, good", MODES)
def test_na_114_verification_modes_of_a_server(mode, who, good):
    server, client = server_context(), client_context()
    server.load_verify_locations(os.path.join(os.path.dirname(HERE), "data", "authorities.pem"))
    server.set_verify(mode)
    assert server.get_verify_mode() == mode
    if who == "client":
        client.use_certificate_chain_file(os.path.join(os.path.dirname(HERE), "data", "client.pem"))
        client.use_privatekey_file(os.path.join(os.path.dirname(HERE), "data", "client-key.pem"))
        client.add_extra_chain_cert(crypto.load_certificate(PEM, read("intermediate.pem")))
    elif who == "stranger":
        cert, key = stranger()
        client.use_certificate(cert)
        client.use_privatekey(key)
    one, other = memory_pair(server, client)
    if good:
        shake(one, other)
        asked = who is not None and mode != SSL.VERIFY_NONE
        assert (one.get_peer_certificate() is not None) == asked
        return
    with pytest.raises(SSL.Error):
        shake(one, other)
        other.recv(1)


def test_na_119_cyclic_and_long_chains_end():
    key = crypto.PKey()
    key.generate_key(crypto.TYPE_RSA, 2048)

    def signed(subject, issuer):
        cert = crypto.X509()
        cert.set_version(2)
        cert.get_subject().CN = subject
        name = crypto.X509().get_subject()
        name.CN = issuer
        cert.set_issuer(name)
        cert.gmtime_adj_notBefore(-60)
        cert.gmtime_adj_notAfter(3600)
        cert.set_pubkey(key)
        cert.add_extensions([crypto.X509Extension(b"basicConstraints", True, b"CA:TRUE")])
        cert.sign(key, "sha256")
        return cert

    cycle = [signed("one", "two"), signed("two", "one")]
    long = [signed("c%d" % i, "c%d" % (i + 1)) for i in range(300)]
    for leaf, chain in ((cycle[0], cycle), (long[0], long)):
        start = time.process_time()
        with pytest.raises(crypto.X509StoreContextError):
            crypto.X509StoreContext(crypto.X509Store(), leaf, chain).verify_certificate()
        assert time.process_time() - start < 20


def test_na_150_a_client_cannot_renegotiate_with_a_server():
    server, client = connected(client=tls12(client_context()))
    assert client.get_protocol_version_name() == "TLSv1.2"
    client.renegotiate()
    with pytest.raises((SSL.WantReadError, SSL.Error)):
        client.do_handshake()
    server.bio_write(client.bio_read(65536))
    with pytest.raises((SSL.WantReadError, SSL.Error)):
        server.recv(1)
    assert server.total_renegotiations() == 0


def tls12(context):
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    return context


def test_na_150_key_updates_do_not_pile_up():
    server, client = connected()
    for _ in range(200):
        client.key_update(peer_too=True)
        client.send(b"x")
        server.bio_write(client.bio_read(1 << 20))
        try:
            assert server.recv(10) == b"x"
            server.send(b"y")
        except SSL.Error:
            return  # refused: as good
        client.bio_write(server.bio_read(1 << 20))
        assert client.recv(10) == b"y"


def test_na_151_na_159_importing_again_and_again():
    """In interpreters of their own, which end with all that the module made."""
    code = f"""
        import _xxsubinterpreters as interpreters
        for _ in range(20):
            inner = interpreters.create()
            interpreters.run_string(inner, '''if True:
                import sys
                sys.path.insert(0, {PACKAGE!r})
                from OpenSSL import SSL, crypto, rand
                SSL.Context(SSL.TLS_METHOD), crypto.X509(), rand.bytes(8)
            ''')
            interpreters.destroy(inner)
        print("done")
        """
    pytest.importorskip("_xxsubinterpreters")
    status, out = run(code)
    assert status == 0 and "done" in out, out


def test_na_152_objects_visit_their_type():
    for make in (crypto.X509, crypto.PKey, crypto.X509Store, lambda: SSL.Context(SSL.TLS_METHOD)):
        thing = make()
        assert type(thing) in gc.get_referents(thing)


def test_na_153_sequences_that_change_while_they_are_read():
    context = SSL.Context(SSL.TLS_METHOD)
    items = [b"h2", b"http/1.1"]

    def drop():
        for item in list(items):
            items.clear()
            gc.collect()
            yield item

    context.set_alpn_protos(drop())

    class Shrinking(list):
        def __iter__(self):
            for item in self[:]:
                self.clear()
                yield item

    certs = Shrinking(crypto.load_certificate(PEM, read("root.pem")) for _ in range(3))
    bundle = crypto.PKCS12()
    bundle.set_ca_certificates(certs)
    assert len(bundle.get_ca_certificates()) == 3
    context.set_client_ca_list(
        Shrinking(cert.get_subject() for cert in bundle.get_ca_certificates())
    )


def test_na_154_no_memory_in_python():
    """Each of Python's allocations fails in turn: an exception, and never a crash."""
    pytest.importorskip("_testcapi")
    code = """
        import _testcapi
        from OpenSSL import SSL, crypto
        from tls import read, server_context, client_context, memory_pair
        pem = read("server.pem")
        cert = crypto.load_certificate(1, pem)
        context = SSL.Context(SSL.TLS_METHOD)
        connection = SSL.Connection(context)
        connection.set_connect_state()
        def wants():
            try:
                connection.do_handshake()
            except SSL.WantReadError:
                pass
        def refuses():
            try:
                crypto.load_certificate(1, b"x")
            except crypto.Error:
                pass
        calls = [lambda: crypto.load_certificate(1, pem), cert.get_subject, cert.get_notAfter,
            lambda: cert.get_subject().get_components(), lambda: crypto.dump_certificate(1, cert),
            lambda: cert.digest("sha256"), lambda: SSL.Context(SSL.TLS_METHOD), lambda: SSL.Connection(context),
            lambda: context.set_info_callback(print), lambda: context.set_alpn_protos([b"a"]), wants, refuses,
            connection.get_cipher_list, lambda: crypto.X509Extension(b"basicConstraints", True, b"CA:TRUE"),
            lambda: repr(cert.get_subject()), crypto.PKCS12, crypto.CRL, crypto.NetscapeSPKI]
        for call in calls:
            call()
            for n in range(60):
                _testcapi.set_nomemory(n, n + 1)
                try:
                    call()
                except MemoryError:
                    pass
                finally:
                    _testcapi.remove_mem_hooks()
            call()
        print("done")
        """
    status, out = run(code, timeout=240)
    assert status == 0 and "done" in out, out[-2000:]


def test_na_155_a_debug_build_of_python_finds_nothing():
    """It checks that a result comes without an exception, and an exception without a result."""
    debug = "/usr/bin/python3.11-dbg"
    if not os.path.exists(debug) or not list(pathlib.Path(PACKAGE).glob("OpenSSL/*311-x*")):
        pytest.skip("no debug build of Python")
    code = """
        import sys, sysconfig, importlib.machinery, importlib.util, glob, os
        # A debug build looks for another suffix; the module itself fits either.
        importlib.machinery.EXTENSION_SUFFIXES.append(".cpython-311-x86_64-linux-gnu.so")
        from OpenSSL import SSL, crypto, rand
        from tls import *
        shake(*memory_pair())
        for bad in (None, object(), -1, "\\0", b"\\0", 1.5):
            for call in (crypto.load_certificate, crypto.X509().set_serial_number, rand.bytes, SSL.Context,
                         SSL.Context(SSL.TLS_METHOD).set_cipher_list, crypto.X509Name):
                try:
                    call(bad)
                except (TypeError, ValueError, OverflowError, crypto.Error, SSL.Error, rand.Error):
                    pass
        print("done")
        """
    status, out = run(code, python=debug)
    assert status == 0 and "done" in out, out[-2000:]


def test_na_157_arguments_that_run_code():
    connection = SSL.Connection(SSL.Context(SSL.TLS_METHOD))
    holder = {"connection": connection}

    class Path:
        def __fspath__(self):
            holder.clear()
            gc.collect()
            return "/no/such/file"

    with pytest.raises(SSL.Error):
        SSL.Context(SSL.TLS_METHOD).load_verify_locations(Path())

    class Text(str):
        def __str__(self):
            raise AssertionError("nobody asked")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        SSL.Context(SSL.TLS_METHOD).set_cipher_list(Text("HIGH"))
    name = crypto.X509().get_subject()
    name.CN = Text("host")
    assert name.CN == "host"


def test_na_162_aliases_are_the_very_classes():
    assert SSL.ContextType is SSL.Context and SSL.ConnectionType is SSL.Connection
    for name in "X509 X509Name X509Req X509Store X509Extension PKey PKCS7 PKCS12 NetscapeSPKI CRL".split():
        assert getattr(crypto, name + "Type") is getattr(crypto, name)
    assert type(crypto.X509Type).__name__ == "type"
    assert isinstance(crypto.X509(), crypto.X509Type)


def test_na_163_buffers_are_held_while_the_interpreter_is_let_go():
    server, client = socket_pair()
    other = threading.Thread(target=server.do_handshake)
    other.start()
    client.do_handshake()
    other.join()
    room = bytearray(1 << 16)
    got = []
    reader = threading.Thread(target=lambda: got.append(server.recv_into(room)))
    reader.start()
    wait_until_held(room)
    with pytest.raises(BufferError):
        room.extend(b"x")
    client.send(b"hello")
    reader.join(60)
    assert got == [5] and room[:5] == b"hello"
    room.extend(b"x")


def test_na_171_headers_and_library_are_of_one_kind():
    """The running OpenSSL is of the release that was compiled against, or a later one of it."""
    running = SSL.OpenSSL_version(SSL.OPENSSL_VERSION).split()[1].decode()
    assert int(running.split(".")[0]) == SSL.OPENSSL_VERSION_NUMBER >> 28


@pytest.mark.parametrize(
    "text",
    [
        "",
        "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = strict\n[strict]\n"
        "MinProtocol = TLSv1.3\nCipherString = DEFAULT@SECLEVEL=3\nOptions = -SessionTicket\n",
        "openssl_conf = init\n[init]\nproviders = p\n[p]\ndefault = d\nbase = d\n[d]\nactivate = 1\n",
        "this is not a configuration [\n",
    ],
)
def test_na_174_configuration_of_the_system(text, tmp_path):
    """Whatever openssl.cnf says, importing works, and what a program sets counts."""
    path = tmp_path / "openssl.cnf"
    path.write_text(text)
    code = """
        from OpenSSL import SSL, crypto
        from tls import *
        crypto.load_certificate(1, read("server.pem")).digest("sha256")
        server, client = SSL.Context(SSL.TLS_METHOD), client_context()
        for context in (server, client):
            context.set_cipher_list(b"DEFAULT@SECLEVEL=1")
            context.set_min_proto_version(SSL.TLS1_2_VERSION)
            context.set_max_proto_version(SSL.TLS1_2_VERSION)
        server.use_certificate_chain_file(DATA / "chain.pem")
        server.use_privatekey_file(DATA / "rsa.pem")
        pair = memory_pair(server, client)
        shake(*pair)
        print(pair[0].get_protocol_version_name())
        """
    status, out = run(code, OPENSSL_CONF=str(path))
    assert status == 0 and "TLSv1.2" in out, out[-2000:]


def test_na_175_directories_with_partial_files(tmp_path):
    """A file that is being written when a chain asks is as good as none, and is read again."""
    leaf = crypto.load_certificate(PEM, read("server.pem"))
    chain = [crypto.load_certificate(PEM, read("intermediate.pem"))]
    root = read("root.pem")
    path = tmp_path / ("%08x.0" % crypto.load_certificate(PEM, root).subject_name_hash())
    path.write_bytes(root[: len(root) // 2])
    store = crypto.X509Store()
    store.load_locations(None, str(tmp_path))
    with pytest.raises(crypto.X509StoreContextError):
        crypto.X509StoreContext(store, leaf, chain).verify_certificate()
    path.write_bytes(root)
    crypto.X509StoreContext(store, leaf, chain).verify_certificate()


def test_na_177_default_paths_cost_once(tmp_path):
    """The first context reads the bundle; those after it share what was read."""
    path = tmp_path / "bundle.pem"
    path.write_bytes(read("authorities.pem") * 200)
    time.sleep(2.2)  # a file that was changed this moment is read anew each time
    kept, times = [], []
    for _ in range(20):
        start = time.perf_counter()
        context = SSL.Context(SSL.TLS_METHOD)
        context.load_verify_locations(str(path))
        times.append(time.perf_counter() - start)
        kept.append(context)
    assert min(times[1:]) < times[0]
    assert rand.status() == 1
