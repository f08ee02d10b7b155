"""OpenSSL.SSL.Context: each method with what it takes and what it refuses."""

import pathlib

import pytest

from OpenSSL import SSL, crypto
from tls import DATA, client_context, connected, read, reasons, server_context

CERT = crypto.load_certificate(crypto.FILETYPE_PEM, read("server.pem"))
ROOT = crypto.load_certificate(crypto.FILETYPE_PEM, read("root.pem"))
KEY = crypto.load_privatekey(crypto.FILETYPE_PEM, read("rsa.pem"))
OTHER_KEY = crypto.load_privatekey(crypto.FILETYPE_PEM, read("root-key.pem"))


@pytest.fixture
def context():
    return SSL.Context(SSL.TLS_METHOD)


# ---- construction ----


@pytest.mark.parametrize("name", [n for n in dir(SSL) if n.endswith("_METHOD")])
def test_methods(name):
    method = getattr(SSL, name)
    if name in ("SSLv2_METHOD", "SSLv3_METHOD"):
        try:
            SSL.Context(method)
        except ValueError as error:
            assert str(error) == "No such protocol"
    else:
        assert type(SSL.Context(method)) is SSL.Context


@pytest.mark.parametrize("method", [0, 13, -1, True, 1 << 40])
def test_unknown_methods(method):
    with pytest.raises((ValueError, OverflowError)):
        SSL.Context(method)


@pytest.mark.parametrize("method", ["", None, 1.0, b"1", object()])
def test_na_156_methods_are_integers(method):
    with pytest.raises(TypeError, match="method must be an integer"):
        SSL.Context(method)


def test_arity():
    with pytest.raises(TypeError):
        SSL.Context()
    with pytest.raises(TypeError):
        SSL.Context(SSL.TLS_METHOD, 1)
    with pytest.raises(TypeError):
        SSL.Context(methods=SSL.TLS_METHOD)
    assert SSL.Context(method=SSL.TLS_METHOD)


def test_is_made_once(context):
    with pytest.raises(RuntimeError):
        context.__init__(SSL.TLS_METHOD)


def test_na_077_without_init():
    empty = SSL.Context.__new__(SSL.Context)
    for name in dir(SSL.Context):
        method = getattr(empty, name)
        if name.startswith("__") or not callable(method):
            continue
        for arguments in ((), (1,), (b"x",), (None,), (1, 2)):
            try:
                method(*arguments)
            except Exception:
                pass
    with pytest.raises(ValueError):
        SSL.Connection(empty)


def test_na_146_na_147_defaults(context):
    assert context.get_verify_mode() == SSL.VERIFY_NONE
    assert context.get_verify_depth() == -1
    assert context.get_timeout() == 7200
    assert context.get_session_cache_mode() == SSL.SESS_CACHE_SERVER
    assert context.get_app_data() is None
    assert context.get_num_tickets() == 2
    options = context.get_options()
    assert options & SSL.OP_NO_COMPRESSION
    assert not options & SSL.OP_DONT_INSERT_EMPTY_FRAGMENTS
    assert not options & SSL.OP_IGNORE_UNEXPECTED_EOF  # NA-016
    assert context.get_mode() & 7 == 7


# ---- arguments, for all methods that take one ----

INT_METHODS = [
    "set_verify_depth",
    "set_min_proto_version",
    "set_max_proto_version",
    "set_options",
    "clear_options",
    "set_mode",
    "clear_mode",
    "set_session_cache_mode",
    "set_timeout",
    "set_num_tickets",
    "set_security_level",
]


@pytest.mark.parametrize("name", INT_METHODS)
@pytest.mark.parametrize("value", [None, "1", b"1", 1.5, object(), []])
def test_na_156_integers_only(context, name, value):
    with pytest.raises(TypeError, match="must be an integer"):
        getattr(context, name)(value)


@pytest.mark.parametrize("name", INT_METHODS)
@pytest.mark.parametrize("value", [1 << 64, -(1 << 64), 1 << 200])
def test_integers_that_are_too_large(context, name, value):
    with pytest.raises(OverflowError):
        getattr(context, name)(value)


PATH_METHODS = [
    "use_certificate_chain_file",
    "use_certificate_file",
    "use_privatekey_file",
    "load_verify_locations",
    "load_tmp_dh",
]


@pytest.mark.parametrize("name", PATH_METHODS)
@pytest.mark.parametrize("path", [object(), 1, 1.5, bytearray(b"x"), ["x"]])
def test_na_044_paths_only(context, name, path):
    with pytest.raises(TypeError):
        getattr(context, name)(path)


@pytest.mark.parametrize("name", PATH_METHODS + ["load_client_ca"])
def test_na_105_paths_with_nul(context, name):
    with pytest.raises(ValueError):
        getattr(context, name)(b"x\0y")


@pytest.mark.parametrize("name", PATH_METHODS + ["load_client_ca"])
@pytest.mark.parametrize("file", ["missing", "empty", "junk", "folder"])
def test_na_005_na_011_na_134_bad_files(context, name, file, tmp_path):
    path = tmp_path / file
    if file in ("empty", "junk"):
        path.write_bytes(b"" if file == "empty" else b"-----BEGIN JUNK-----\nAAAA\n")
    elif file == "folder":
        path.mkdir()
    with pytest.raises(SSL.Error) as caught:
        getattr(context, name)(bytes(path))
    assert all(len(entry) == 3 for entry in caught.value.args[0])
    assert any(reasons(caught.value))


@pytest.mark.parametrize("kind", [str, lambda p: bytes(pathlib.Path(p)), pathlib.Path])
@pytest.mark.parametrize("folder", ["plain", "\N{SNOWMAN}"])
def test_paths(context, kind, folder, tmp_path):
    place = tmp_path / folder
    place.mkdir()
    for name in ("chain.pem", "rsa.pem", "root.pem", "dh.pem"):
        (place / name).write_bytes(read(name))
    context.use_certificate_chain_file(kind(str(place / "chain.pem")))
    context.use_certificate_file(kind(str(place / "chain.pem")))
    context.use_privatekey_file(kind(str(place / "rsa.pem")))
    context.check_privatekey()
    context.load_verify_locations(kind(str(place / "root.pem")), kind(str(place)))
    context.load_verify_locations(None, kind(str(place)))
    context.load_tmp_dh(kind(str(place / "dh.pem")))


@pytest.mark.parametrize("filetype", [None, "1", 1.0, object(), ""])
def test_na_142_file_types_are_integers(context, filetype):
    for method in (context.use_privatekey_file, context.use_certificate_file):
        with pytest.raises(TypeError):
            method(DATA / "rsa.pem", filetype)


@pytest.mark.parametrize("filetype", [0, 3, -1, 65535])
def test_na_142_unknown_file_types(context, filetype):
    for method in (context.use_privatekey_file, context.use_certificate_file):
        with pytest.raises(SSL.Error):
            method(DATA / "rsa.pem", filetype)


def test_file_types(context):
    context.use_certificate_file(DATA / "server.der", SSL.FILETYPE_ASN1)
    context.use_privatekey_file(keyfile=DATA / "rsa.der", filetype=SSL.FILETYPE_ASN1)
    context.check_privatekey()


# ---- protocol ----


@pytest.mark.parametrize("setter", ["set_min_proto_version", "set_max_proto_version"])
def test_versions(context, setter):
    for version in (0, SSL.TLS1_VERSION, SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION):
        assert getattr(context, setter)(version) is None
    for version in (1, 0x9999, -5):
        with pytest.raises(SSL.Error):
            getattr(context, setter)(version)


def test_versions_in_force():
    client = client_context()
    client.set_max_proto_version(SSL.TLS1_2_VERSION)
    assert connected(client=client)[1].get_protocol_version_name() == "TLSv1.2"
    client.set_max_proto_version(0)
    assert connected(client=client)[1].get_protocol_version_name() == "TLSv1.3"


@pytest.mark.parametrize("ciphers", [b"AES128-SHA", b"hello world:AES128-SHA", bytearray(b"x")[:0]])
def test_ciphers(context, ciphers):
    if isinstance(ciphers, bytearray):
        with pytest.raises(TypeError):
            context.set_cipher_list(ciphers)
        return
    context.set_cipher_list(ciphers)
    assert "AES128-SHA" in SSL.Connection(context).get_cipher_list()


def test_ciphers_as_text(context):
    with pytest.warns(DeprecationWarning) as caught:
        context.set_cipher_list("AES128-SHA")
    assert str(caught[-1].message) == "str for cipher_list is no longer accepted, use bytes"
    assert caught[-1].filename == __file__


@pytest.mark.parametrize("ciphers", [b"", b"imaginary-cipher"])
def test_na_001_ciphers_that_do_not_exist(context, ciphers):
    with pytest.raises(SSL.Error) as caught:
        context.set_cipher_list(ciphers)
    assert caught.value.args[0][0] == ("SSL routines", "", "no cipher match")


@pytest.mark.parametrize("value", [None, 1, object(), bytearray(b"AES128-SHA"), [b"x"]])
def test_na_044_ciphers_are_bytes(context, value):
    for method in (context.set_cipher_list, context.set_tls13_ciphersuites):
        with pytest.raises(TypeError, match="must be a byte string"):
            method(value)
    with pytest.raises(TypeError):
        context.set_tls13_ciphersuites("TLS_AES_128_GCM_SHA256")


def test_suites(context):
    context.set_tls13_ciphersuites(b"TLS_AES_128_GCM_SHA256")
    context.set_tls13_ciphersuites(b"")
    with pytest.raises(SSL.Error):
        context.set_tls13_ciphersuites(b"x")


def test_options(context):
    before = context.get_options()
    assert context.set_options(SSL.OP_NO_TICKET) == before | SSL.OP_NO_TICKET
    assert context.set_options(0) == before | SSL.OP_NO_TICKET
    assert context.clear_options(SSL.OP_NO_TICKET) == before
    for value in (-1, 1 << 64):
        with pytest.raises(OverflowError):
            context.set_options(value)


def test_modes(context):
    assert context.set_mode(0) == 7
    assert context.set_mode(SSL.MODE_RELEASE_BUFFERS) == 7 | SSL.MODE_RELEASE_BUFFERS
    assert context.clear_mode(mode_to_clear=2) == 5 | SSL.MODE_RELEASE_BUFFERS
    assert context.get_mode() == 5 | SSL.MODE_RELEASE_BUFFERS


def test_session_names(context):
    context.set_session_id(b"")
    context.set_session_id(b"\0" * 32)
    with pytest.warns(DeprecationWarning, match="str for buf is no longer accepted"):
        context.set_session_id("name")
    with pytest.raises(SSL.Error) as caught:
        context.set_session_id(b"x" * 33)
    assert caught.value.args[0][0][2] == "ssl session id context too long"
    for value in (None, 1, object()):
        with pytest.raises(TypeError):
            context.set_session_id(value)


def test_numbers_that_give_the_one_before(context):
    assert context.set_timeout(1234) == 7200
    assert context.set_timeout(1) == 1234
    assert context.get_timeout() == 1
    assert context.set_session_cache_mode(SSL.SESS_CACHE_BOTH) == SSL.SESS_CACHE_SERVER
    assert context.get_session_cache_mode() == SSL.SESS_CACHE_BOTH


def test_depth(context):
    for depth in (0, 11, -1):
        context.set_verify_depth(depth)
        assert context.get_verify_depth() == depth


def test_tickets(context):
    context.set_num_tickets(0)
    assert context.get_num_tickets() == 0
    with pytest.raises(ValueError):
        context.set_num_tickets(-1)


@pytest.mark.parametrize("protos", [[], (), None, b"", ""])
def test_na_058_no_protocols(context, protos):
    with pytest.raises(ValueError, match="at least one protocol"):
        context.set_alpn_protos(protos)


@pytest.mark.parametrize(
    "protos, raised",
    [
        (["h2"], TypeError),
        (b"h2", TypeError),
        ("h2", TypeError),
        (1, TypeError),
        ([None], TypeError),
        ([b"x" * 256], ValueError),
        ([b""], SSL.Error),
        ([b"h2", b""], SSL.Error),
    ],
)
def test_na_008_na_058_bad_protocols(context, protos, raised):
    with pytest.raises(raised):
        context.set_alpn_protos(protos)
    with pytest.raises(raised):
        SSL.Connection(context).set_alpn_protos(protos)


@pytest.mark.parametrize(
    "protos", [[b"h2"], (b"h2", b"x" * 255), [bytearray(b"h2")], iter([b"h2"]), [memoryview(b"h2")]]
)
def test_protocols(context, protos):
    context.set_alpn_protos(protos)


def test_srtp(context):
    context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32")
    for profiles in (b"", b"unknown"):
        with pytest.raises(SSL.Error):  # NA-008
            context.set_tlsext_use_srtp(profiles)
    with pytest.raises(TypeError):
        context.set_tlsext_use_srtp("SRTP_AES128_CM_SHA1_80")


def test_curves(context):
    for curve in crypto.get_elliptic_curves():
        with pytest.warns(PendingDeprecationWarning):
            context.set_tmp_ecdh(curve)

    class Curve:
        name = "secp256r1"

    context.set_tmp_ecdh(Curve())
    Curve.name = "nonsense"
    with pytest.raises(SSL.Error):
        context.set_tmp_ecdh(Curve())
    Curve.name = 1
    with pytest.raises(TypeError):
        context.set_tmp_ecdh(Curve())
    with pytest.raises(AttributeError):
        context.set_tmp_ecdh(object())


def test_groups():
    client = client_context()
    client.set_groups("P-384")
    assert connected(client=client)[1].get_group_name() == "secp384r1"
    for groups in ("", "nonsense", b"P-256:"):
        with pytest.raises(SSL.Error):
            client.set_groups(groups)


def test_na_144_diffie_hellman_for_who_loads_parameters():
    client = client_context()
    client.set_max_proto_version(SSL.TLS1_2_VERSION)
    client.set_cipher_list(b"DHE-RSA-AES128-GCM-SHA256")
    with pytest.raises(SSL.Error):
        connected(client=client)
    server = server_context()
    server.load_tmp_dh(DATA / "dh.pem")
    server.set_tmp_dh(read("dh.pem"))
    assert connected(server, client)[1].get_cipher_name().startswith("DHE-")
    with pytest.raises(SSL.Error):
        server.set_tmp_dh(b"nothing")


def test_app_data(context):
    thing = object()
    assert context.set_app_data(data=thing) is None
    assert context.get_app_data() is thing


# ---- changes ----


def test_na_083_changes_after_use():
    server, client = server_context(), client_context()
    for count in range(3):
        pair = connected(server, client)
        server.set_options(SSL.OP_NO_TICKET)
        server.set_timeout(100 + count)
        server.use_certificate(CERT)
        server.use_privatekey(KEY)
        server.set_cipher_list(b"ALL")
        server.set_verify(SSL.VERIFY_NONE, lambda *args: True)
        client.load_verify_locations(DATA / "other-root.pem")
        client.set_verify(SSL.VERIFY_PEER, lambda conn, cert, error, depth, ok: ok)
        pair[0].send(b"still")
        pair[1].bio_write(pair[0].bio_read(1000))
        assert pair[1].recv(10) == b"still"


def test_a_change_that_fails_changes_nothing():
    server, client = server_context(), client_context()
    connected(server, client)
    for change in (
        lambda: server.use_privatekey(OTHER_KEY),
        lambda: server.set_cipher_list(b"nothing"),
        lambda: server.load_verify_locations(DATA / "rsa.pem"),
        lambda: server.set_min_proto_version(5),
    ):
        with pytest.raises(SSL.Error):
            change()
        connected(server, client)


def test_changes_reach_connections_that_have_not_begun():
    from tls import memory_pair, shake

    server, client = server_context(), client_context()
    pair = memory_pair(server, client)
    seen = []
    client.set_verify(SSL.VERIFY_PEER, lambda *args: seen.append(args) or True)
    client.set_max_proto_version(SSL.TLS1_2_VERSION)
    shake(*pair)
    assert seen and seen[0][0] is pair[1]
    assert pair[1].get_protocol_version() == SSL.TLS1_2_VERSION
