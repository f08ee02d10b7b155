"""Names: constants, aliases, OpenSSL.debug, OpenSSL.version, and the private ones that programs use."""

import runpy
import subprocess
import sys

import pytest

import OpenSSL
from OpenSSL import SSL, _util, crypto, debug, tsafe, version
from OpenSSL._util import ffi, lib
from tls import DATA, client_context, connected, memory_pair, plain_pair, read, reasons, shake

# ---- constants ----

VALUES = {
    "SSLv2_METHOD": 1,
    "SSLv3_METHOD": 2,
    "SSLv23_METHOD": 3,
    "TLSv1_METHOD": 4,
    "TLSv1_1_METHOD": 5,
    "TLSv1_2_METHOD": 6,
    "TLS_METHOD": 7,
    "TLS_SERVER_METHOD": 8,
    "TLS_CLIENT_METHOD": 9,
    "DTLS_METHOD": 10,
    "DTLS_SERVER_METHOD": 11,
    "DTLS_CLIENT_METHOD": 12,
    "SSL3_VERSION": 0x300,
    "TLS1_VERSION": 0x301,
    "TLS1_1_VERSION": 0x302,
    "TLS1_2_VERSION": 0x303,
    "TLS1_3_VERSION": 0x304,
    "OP_NO_QUERY_MTU": 0x1000,
    "OP_COOKIE_EXCHANGE": 0x2000,
    "OP_NO_TICKET": 0x4000,
    "OP_NO_COMPRESSION": 0x20000,
    "OP_CIPHER_SERVER_PREFERENCE": 0x400000,
    "MODE_RELEASE_BUFFERS": 0x10,
    "VERIFY_NONE": 0,
    "VERIFY_PEER": 1,
    "VERIFY_FAIL_IF_NO_PEER_CERT": 2,
    "VERIFY_CLIENT_ONCE": 4,
    "FILETYPE_PEM": 1,
    "FILETYPE_ASN1": 2,
    "SESS_CACHE_OFF": 0,
    "SESS_CACHE_CLIENT": 1,
    "SESS_CACHE_SERVER": 2,
    "SESS_CACHE_BOTH": 3,
    "SESS_CACHE_NO_AUTO_CLEAR": 0x80,
    "SESS_CACHE_NO_INTERNAL_LOOKUP": 0x100,
    "SESS_CACHE_NO_INTERNAL_STORE": 0x200,
    "SESS_CACHE_NO_INTERNAL": 0x300,
    "SENT_SHUTDOWN": 1,
    "RECEIVED_SHUTDOWN": 2,
    "SSL_ST_CONNECT": 0x1000,
    "SSL_ST_ACCEPT": 0x2000,
    "SSL_ST_MASK": 0xFFF,
    "SSL_ST_INIT": 0x3000,
    "SSL_ST_BEFORE": 0x4000,
    "SSL_ST_OK": 3,
    "SSL_ST_RENEGOTIATE": 0x3004,
    "SSL_CB_HANDSHAKE_START": 0x10,
    "SSL_CB_HANDSHAKE_DONE": 0x20,
    "SSL_CB_READ_ALERT": 0x4004,
    "SSLEAY_VERSION": 0,
    "OPENSSL_DIR": 4,
}


@pytest.mark.parametrize("name", VALUES)
def test_values(name):
    assert getattr(SSL, name) == VALUES[name] and type(getattr(SSL, name)) is int


def test_all():
    namespace = {}
    exec("from OpenSSL.SSL import *", namespace)
    assert set(SSL.__all__) == set(namespace) - {"__builtins__"}
    assert {"Context", "Connection", "Session", "Error", "OP_ALL", "SSLeay_version"} < set(SSL.__all__)
    assert "OpenSSL_version" not in SSL.__all__
    assert not [name for name in SSL.__all__ if name.startswith("_")]


def test_verification_codes():
    codes = SSL.X509VerificationCodes
    assert codes.OK == 0 and codes.ERR_CERT_HAS_EXPIRED == 10 and codes.ERR_HOSTNAME_MISMATCH == 62
    assert len([n for n in vars(codes) if n.startswith("ERR_") or n == "OK"]) >= 57


def test_names_from_when_types_were_functions():
    assert SSL.ContextType is SSL.Context and SSL.ConnectionType is SSL.Connection
    with pytest.raises(AttributeError):
        SSL.SessionType


@pytest.mark.parametrize("cls", [SSL.Context, SSL.Connection, SSL.Session])
def test_types(cls):
    assert cls.__module__ == "OpenSSL.SSL" and cls.__name__ in ("Context", "Connection", "Session")
    assert type(cls) is type


def test_exceptions():
    assert SSL.Error.__mro__[1] is Exception
    for name in "WantReadError WantWriteError WantX509LookupError ZeroReturnError SysCallError".split():
        cls = getattr(SSL, name)
        assert cls.__bases__ == (SSL.Error,) and cls.__module__ == "OpenSSL.SSL"
        assert cls.__name__ == name
    assert SSL.SysCallError(-1, "Unexpected EOF").args == (-1, "Unexpected EOF")
    assert SSL.SysCallError(-1, "Unexpected EOF").strerror == "Unexpected EOF"
    assert SSL.SysCallError().errno is None


def test_versions():
    texts = [SSL.OpenSSL_version(getattr(SSL, "OPENSSL_" + n)) for n in
             ("VERSION", "CFLAGS", "BUILT_ON", "PLATFORM", "DIR")]
    assert all(type(t) is bytes for t in texts) and len(set(texts)) == 5
    assert SSL.SSLeay_version is SSL.OpenSSL_version
    assert SSL.OpenSSL_version(99) == SSL.OpenSSL_version(-1) == b"not available"
    for value in (None, "0", 1.5):
        with pytest.raises(TypeError):
            SSL.OpenSSL_version(value)
    assert SSL.OPENSSL_VERSION_NUMBER >= 0x30000000


def test_other_names_that_are_reachable():
    assert SSL.X509 is crypto.X509 and SSL.PKey is crypto.PKey
    assert SSL.X509Name is crypto.X509Name and SSL.X509Store is crypto.X509Store
    assert repr(SSL.NO_OVERLAPPING_PROTOCOLS) and isinstance(
        SSL.NO_OVERLAPPING_PROTOCOLS, SSL._NoOverlappingProtocols
    )


# ---- package, version, debug ----


def test_version():
    assert OpenSSL.__version__ == version.__version__ == "26.4.0"
    assert int(OpenSSL.__version__.split(".")[0]) >= 26
    for name in version.__all__:
        assert type(getattr(version, name)) is str and getattr(OpenSSL, name) == getattr(version, name)
    assert version.__copyright__.endswith(version.__author__)


def test_package():
    assert OpenSSL.tsafe is tsafe and OpenSSL.debug is debug
    assert OpenSSL.rand.status() == 1
    with pytest.raises(AttributeError):
        OpenSSL.missing
    assert set(OpenSSL.__all__) == {"SSL", "crypto", *version.__all__}


def test_debug(capsys):
    assert version.__version__ in debug._env_info and sys.executable in debug._env_info
    with pytest.warns(RuntimeWarning):
        runpy.run_module("OpenSSL.debug", run_name="__main__")
    assert capsys.readouterr().out == debug._env_info + "\n"
    labels = [line.partition(":")[0] for line in debug._env_info.splitlines() if ": " in line]
    assert len(labels) >= 10


def test_debug_without_other_packages():
    script = (
        "import sys; sys.modules['cffi'] = sys.modules['cryptography'] = None\n"
        "from OpenSSL import debug, SSL\n"
        "assert debug._env_info.count('n/a') >= 2\n"
        "assert 'cryptography' not in repr([m for m in sys.modules if sys.modules[m]])"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=240)


# ---- private names ----


def test_descriptors():
    left, right = plain_pair()
    assert SSL._asFileDescriptor(left) == left.fileno() and SSL._asFileDescriptor(5) == 5

    class Odd:
        def __init__(self, value):
            self.fileno = lambda: value

    for value in (object(), "text", Odd("x"), Odd(None)):
        with pytest.raises(TypeError, match="argument must be an int, or have a fileno"):
            SSL._asFileDescriptor(value)
    for value in (-1, Odd(-1), Odd(-5)):
        with pytest.raises(ValueError, match="negative"):
            SSL._asFileDescriptor(value)


def test_requires():
    def function():
        return 5

    assert SSL._make_requires(True, "error")(function) is function
    with pytest.raises(NotImplementedError, match="error text"):
        SSL._make_requires(False, "error text")(function)()


def test_null():
    assert not ffi.NULL and ffi.NULL == ffi.NULL and ffi.NULL != 0


def test_options_as_programs_read_them():
    context = client_context()
    assert lib.SSL_CTX_get_options(context._context) == context.get_options()
    connection = SSL.Connection(context)
    lib.SSL_clear_mode(connection._ssl, lib.SSL_MODE_AUTO_RETRY)
    assert not connection.get_mode() & lib.SSL_MODE_AUTO_RETRY
    assert SSL._lib is lib and SSL._ffi is ffi and _util.binding.lib is lib


def test_versions_as_programs_set_them():
    context = client_context()
    assert lib.SSL_CTX_set_max_proto_version(context._context, SSL.TLS1_2_VERSION) == 1
    assert connected(client=context)[1].get_protocol_version_name() == "TLSv1.2"
    SSL._openssl_assert(lib.SSL_CTX_set_min_proto_version(context._context, 0) == 1)
    assert lib.SSL_CTX_set_min_proto_version(context._context, 5) == 0
    with pytest.raises(SSL.Error) as caught:
        SSL._openssl_assert(False)
    assert caught.value.args[0]


@pytest.mark.parametrize(
    "name, good", [(b"localhost", True), (b"other.test", False), (b"127.0.0.1", True)]
)
def test_host_names_as_programs_require_them(name, good):
    server, client = memory_pair()
    param = lib.SSL_get0_param(client._ssl)
    lib.X509_VERIFY_PARAM_set_hostflags(
        param,
        lib.X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | lib.X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
    )
    SSL._openssl_assert(lib.X509_VERIFY_PARAM_set1_host(param, name, len(name)) == 1)
    if good:
        shake(server, client)
        return
    with pytest.raises(SSL.Error):
        shake(server, client)
    result = lib.SSL_get_verify_result(client._ssl)
    assert ffi.string(lib.X509_verify_cert_error_string(result)) == b"hostname mismatch"


@pytest.mark.parametrize("address", [b"\x7f\0\0\x01", b"\0" * 15 + b"\x01"])
def test_addresses_as_programs_require_them(address):
    server, client = memory_pair()
    assert lib.X509_VERIFY_PARAM_set1_ip(lib.SSL_get0_param(client._ssl), address, len(address)) == 1
    shake(server, client)
    param = lib.SSL_CTX_get0_param(client_context()._context)
    assert lib.X509_VERIFY_PARAM_set1_ip(param, b"abc", 3) == 0
    assert lib.X509_VERIFY_PARAM_set1_host(param, b"", 0) == 0


def test_diffie_hellman_as_programs_load_it(tmp_path):
    bio = lib.BIO_new_file(bytes(DATA / "dh.pem"), b"r")
    assert bio != ffi.NULL
    bio = ffi.gc(bio, lib.BIO_free)
    dh = lib.PEM_read_bio_DHparams(bio, ffi.NULL, ffi.NULL, ffi.NULL)
    dh = ffi.gc(dh, lib.DH_free)
    lib.BIO_free(bio)
    context = SSL.Context(SSL.TLS_METHOD)
    assert lib.SSL_CTX_set_tmp_dh(context._context, dh) == 1
    assert lib.BIO_new_file(b"/nonexistent", b"r") == ffi.NULL
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    bio = lib.BIO_new_file(bytes(empty), b"r")
    assert lib.PEM_read_bio_DHparams(bio, ffi.NULL, ffi.NULL, ffi.NULL) == ffi.NULL
    assert lib.BIO_free(bio) == 1


def test_names_as_programs_print_them():
    name = crypto.load_certificate(crypto.FILETYPE_PEM, read("root.pem")).get_subject()
    buffer = ffi.new("char[]", 512)
    lib.X509_NAME_oneline(name._name, buffer, len(buffer))
    assert ffi.string(buffer).startswith(b"/") and b"CN=" in ffi.string(buffer)


def test_attributes_of_a_connection():
    left, right = plain_pair()
    connection = SSL.Connection(client_context(), left)
    assert connection._socket is left and connection._context is connection.get_context()
    connection._socket = right
    assert connection.getpeername is not None and connection._socket is right


def test_the_queue_that_tests_write_to():
    lib.ERR_put_error(lib.ERR_LIB_EVP, 0, 1112, b"", 10)
    with pytest.raises(ValueError) as caught:
        _util.exception_from_error_queue(ValueError)
    assert caught.value.args[0] == [("digital envelope routines", "", "")]
    with pytest.raises(SSL.Error) as caught:
        SSL._raise_current_error()
    assert caught.value.args == ([],)


def test_group_names_as_tests_replace_them(monkeypatch):
    server, client = connected()
    monkeypatch.setattr(lib, "SSL_get0_group_name", lambda ssl: ffi.NULL)
    assert client.get_group_name() is None
    monkeypatch.setattr(lib, "SSL_get0_group_name", lambda ssl: b"another")
    assert client.get_group_name() == "another"
    monkeypatch.undo()
    assert client.get_group_name() == ffi.string(lib.SSL_get0_group_name(client._ssl)).decode()
    assert lib.SSL_get0_group_name(SSL.Connection(client_context())) == ffi.NULL


def test_names_that_are_not_there():
    with pytest.raises(AttributeError, match="OpenSSL._util.lib has no 'ENGINE_by_id'.*instead"):
        lib.ENGINE_by_id
    assert not hasattr(lib, "__length_hint__") and not hasattr(lib, "SSL_OP_") and not hasattr(lib, "X509_V_")
    with pytest.raises(AttributeError):
        ffi.dlopen


def test_small_things():
    assert _util.text(b"text") == "text" and _util.native(b"x") == "x" == _util.native("x")
    assert _util.byte_string("x") == b"x" and _util.path_bytes("x") == b"x"
    with pytest.raises(TypeError):
        _util.native(1)
    with pytest.warns(DeprecationWarning, match="str for x is no longer accepted, use bytes"):
        assert _util.text_to_bytes_and_warn("x", "y") == b"y"
    assert _util.text_to_bytes_and_warn("x", b"y") == b"y"
    assert len(_util.no_zero_allocator("char[]", 5)) == 5


def test_fallback_paths(monkeypatch):
    context = SSL.Context(SSL.TLS_METHOD)
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(variable, raising=False)
    assert context._check_env_vars_set("SSL_CERT_DIR", "SSL_CERT_FILE") is False
    monkeypatch.setenv("SSL_CERT_DIR", "/nonexistent")
    assert context._check_env_vars_set("SSL_CERT_DIR", "SSL_CERT_FILE") is True
    monkeypatch.delenv("SSL_CERT_DIR")
    context._fallback_default_verify_paths([], [])
    context._fallback_default_verify_paths(["/not/a/file"], ["/not/a/dir"])
    asked = []
    context._fallback_default_verify_paths = lambda *args: asked.append(args)
    monkeypatch.setattr(lib, "SSL_CTX_set_default_verify_paths", lambda ctx: 1)
    context.set_default_verify_paths()
    assert asked == []
    monkeypatch.setattr(SSL, "_CRYPTOGRAPHY_MANYLINUX_CA_DIR", lib.X509_get_default_cert_dir())
    monkeypatch.setattr(SSL, "_CRYPTOGRAPHY_MANYLINUX_CA_FILE", lib.X509_get_default_cert_file())
    context.set_default_verify_paths()
    assert asked == [(SSL._CERTIFICATE_FILE_LOCATIONS, SSL._CERTIFICATE_PATH_LOCATIONS)]
    trusting = SSL.Context(SSL.TLS_METHOD)
    trusting._fallback_default_verify_paths([DATA / "root.pem"], [])
    trusting.set_verify(SSL.VERIFY_PEER)
    connected(client=trusting)


def test_failing_default_paths(monkeypatch):
    monkeypatch.setattr(lib, "SSL_CTX_set_default_verify_paths", lambda ctx: 0)
    with pytest.raises(SSL.Error):
        SSL.Context(SSL.TLS_METHOD).set_default_verify_paths()
    assert reasons(SSL.Error([("a", "", "b")])) == ["b"]


def test_a_name_for_the_group_may_be_text(monkeypatch):
    connection = SSL.Connection(client_context())
    monkeypatch.setattr(lib, "SSL_get0_group_name", lambda ssl: "of text")
    assert connection.get_group_name() == "of text"
    monkeypatch.setattr(lib, "SSL_get0_group_name", lambda ssl: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        connection.get_group_name()


def test_functions_of_connections_take_nothing_else():
    with pytest.raises(TypeError, match="a Connection is needed"):
        lib.DTLSv1_handle_timeout(client_context())
    with pytest.raises(SSL.Error):
        lib.DTLSv1_handle_timeout(SSL.Connection.__new__(SSL.Connection))


def test_names_of_attributes_are_text():
    with pytest.raises(TypeError, match="attribute name must be string"):
        SSL.Connection.__getattr__(SSL.Connection(client_context()), 1)


def test_an_empty_name_is_no_client_ca():
    context = client_context()
    with pytest.raises(ValueError, match="client CA is empty"):
        context.set_client_ca_list([crypto.X509Name.__new__(crypto.X509Name)])


class Odd:
    """It looks like a certificate and a key of cryptography, but has no bytes to give."""

    tbs_certificate_bytes = b""

    def public_bytes(self, encoding):
        return "text"

    def private_bytes(self, *formats):
        return None


def test_what_is_no_bytes_is_refused():
    pytest.importorskip("cryptography")
    context = client_context()
    for use in (context.use_certificate, context.add_extra_chain_cert):
        with pytest.raises(TypeError, match="gave no bytes"):
            use(Odd())
    with pytest.raises(TypeError, match="gave no bytes"):
        context.use_privatekey(Odd())


def test_allow_slim():
    class Doubtful:
        def __bool__(self):
            raise ZeroDivisionError

    try:
        for allowed in (False, 0, None, True):
            assert SSL.allow_slim(allowed) is None
            SSL.Context(SSL.TLS_METHOD).set_cipher_list(b"ECDHE")
        with pytest.raises(ZeroDivisionError):
            SSL.allow_slim(Doubtful())
    finally:
        SSL.allow_slim(True)
