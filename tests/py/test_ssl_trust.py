"""OpenSSL.SSL.Context: certificates, keys, passphrases, and whom it trusts."""

import base64
import pathlib
import threading
import time

import pytest

from OpenSSL import SSL, crypto
from tls import DATA, client_context, connected, read

CERT = crypto.load_certificate(crypto.FILETYPE_PEM, read("server.pem"))
ROOT = crypto.load_certificate(crypto.FILETYPE_PEM, read("root.pem"))
KEY = crypto.load_privatekey(crypto.FILETYPE_PEM, read("rsa.pem"))
OTHER_KEY = crypto.load_privatekey(crypto.FILETYPE_PEM, read("root-key.pem"))


@pytest.fixture
def context():
    return SSL.Context(SSL.TLS_METHOD)



# ---- certificates and keys ----


def test_objects(context):
    context.use_certificate(CERT)
    context.use_privatekey(KEY)
    assert context.check_privatekey() is None
    context.add_extra_chain_cert(ROOT)
    context.add_client_ca(ROOT)


@pytest.mark.parametrize(
    "name", ["use_certificate", "use_privatekey", "add_extra_chain_cert", "add_client_ca"]
)
@pytest.mark.parametrize("value", ["", b"", None, 1, object(), [], CERT.get_subject()])
def test_na_079_not_that_kind_of_object(context, name, value):
    with pytest.raises(TypeError):
        getattr(context, name)(value)


def test_na_009_empty_objects(context):
    with pytest.raises(SSL.Error):
        context.use_certificate(crypto.X509())
    with pytest.raises(SSL.Error):
        context.use_privatekey(crypto.PKey())
    with pytest.raises(SSL.Error):
        context.check_privatekey()


def pem_block(label, der):
    text = base64.encodebytes(der).replace(b"\n", b"")
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return b"-----BEGIN %s-----\n%s\n-----END %s-----\n" % (label, b"\n".join(lines), label)


ALIAS = bytes.fromhex("3004 0c026869")  # what "openssl x509 -trustout -setalias hi" adds


@pytest.mark.parametrize("label, more", [(b"CERTIFICATE", b""), (b"X509 CERTIFICATE", b""), (b"TRUSTED CERTIFICATE", ALIAS)])
def test_na_190_labels_of_certificates(context, tmp_path, label, more):
    """Wherever OpenSSL's own reader takes one: the first of a chain, and what is trusted."""
    leaf, root = (crypto.dump_certificate(crypto.FILETYPE_ASN1, cert) for cert in (CERT, ROOT))
    chain, trusted = tmp_path / "chain.pem", tmp_path / "trusted.pem"
    chain.write_bytes(pem_block(label, leaf + more) + read("intermediate.pem"))
    trusted.write_bytes(pem_block(label, root + more))
    context.use_certificate_chain_file(chain)
    context.use_privatekey(KEY)
    context.check_privatekey()
    client = SSL.Context(SSL.TLS_METHOD)
    client.load_verify_locations(trusted)
    client.set_verify(SSL.VERIFY_PEER)
    _, peer = connected(context, client)
    assert [cert.get_subject() for cert in peer.get_peer_cert_chain()][0] == CERT.get_subject()
    assert len(peer.get_peer_cert_chain()) == 2
    store = crypto.X509Store()
    store.load_locations(trusted)
    if more == b"":
        context.use_certificate_file(chain)
        context.load_client_ca(str(trusted).encode())
        again = crypto.load_certificate(crypto.FILETYPE_PEM, trusted.read_bytes())
        assert again.get_subject() == ROOT.get_subject()


def test_keys_that_do_not_belong(context):
    context.use_certificate(CERT)
    with pytest.raises(SSL.Error):
        context.use_privatekey(OTHER_KEY)
    with pytest.raises(SSL.Error):
        context.use_privatekey_file(DATA / "root-key.pem")
    context.use_privatekey(KEY)


def test_cryptography_objects():
    pytest.importorskip("cryptography")
    context = SSL.Context(SSL.TLS_METHOD)
    context.use_certificate(CERT.to_cryptography())
    context.use_privatekey(KEY.to_cryptography_key())
    context.check_privatekey()
    context.add_extra_chain_cert(
        crypto.load_certificate(crypto.FILETYPE_PEM, read("intermediate.pem")).to_cryptography()
    )
    context.add_client_ca(ROOT.to_cryptography())
    server, client = connected(context)
    assert server.get_client_ca_list() == [ROOT.get_subject()]
    assert client.get_peer_certificate(as_cryptography=True) == CERT.to_cryptography()


def test_identity(context):
    context.use_identity(CERT, KEY)
    intermediate = crypto.load_certificate(crypto.FILETYPE_PEM, read("intermediate.pem"))
    context.use_identity(CERT, KEY, chain=[intermediate])
    server, client = connected(context)
    assert len(client.get_peer_cert_chain()) == 2
    with pytest.raises(SSL.Error):
        context.use_identity(CERT, OTHER_KEY)
    with pytest.raises(TypeError):
        context.use_identity(CERT, KEY, [intermediate, "spam"])
    with pytest.raises(TypeError):
        context.use_identity(CERT, KEY, 1)
    with pytest.raises(TypeError):
        context.use_identity(CERT)
    connected(context)  # what failed changed nothing


# ---- passphrases ----


def test_passphrase(context):
    seen = []
    context.set_passwd_cb(lambda *args: seen.append(args) or b"secret", "data")
    context.use_privatekey_file(DATA / "rsa-aes256.pem")
    assert seen == [(1024, 0, "data")]


@pytest.mark.parametrize("answer", [None, "secret", 5, False, bytearray(b"secret"), object()])
def test_na_056_passphrases_are_bytes(context, answer):
    context.set_passwd_cb(lambda *args: answer)
    with pytest.raises(ValueError, match="Bytes expected") as caught:
        context.use_privatekey_file(DATA / "rsa-aes256.pem")
    assert isinstance(caught.value, SSL.Error)


@pytest.mark.parametrize("answer", [b"", b"wrong", b"\0secret", b"x" * 65536])
def test_na_056_wrong_passphrases(context, answer):
    context.set_passwd_cb(lambda *args: answer)
    with pytest.raises(SSL.Error) as caught:
        context.use_privatekey_file(DATA / "rsa-aes256.pem")
    assert not isinstance(caught.value, ValueError)


@pytest.mark.parametrize("raised", [ZeroDivisionError, KeyboardInterrupt, GeneratorExit])
def test_na_046_na_056_passphrase_callbacks_raise(context, raised):
    def callback(*args):
        raise raised("here")

    context.set_passwd_cb(callback)
    with pytest.raises(raised):
        context.use_privatekey_file(DATA / "rsa-aes256.pem")
    with pytest.raises(TypeError):
        context.set_passwd_cb(lambda: b"secret")
        context.use_privatekey_file(DATA / "rsa-aes256.pem")


def test_na_057_nothing_is_asked_on_a_terminal(context):
    with pytest.raises(SSL.Error):
        context.use_privatekey_file(DATA / "rsa-aes256.pem")


def test_passphrase_callback_that_loads_another_key(context):
    other = SSL.Context(SSL.TLS_METHOD)
    other.set_passwd_cb(lambda *args: b"secret")

    def callback(*args):
        other.use_privatekey_file(DATA / "ec-aes256.pem")
        return b"secret"

    context.set_passwd_cb(callback)
    context.use_privatekey_file(DATA / "rsa-aes256.pem")


@pytest.mark.parametrize("callback", [None, 1, "x", (), object()])
def test_passphrase_callbacks_can_be_called(context, callback):
    with pytest.raises(TypeError, match="callable"):
        context.set_passwd_cb(callback)


# ---- trust ----


def test_nowhere_to_look(context):
    with pytest.raises(SSL.Error):
        context.load_verify_locations(None)
    with pytest.raises(SSL.Error):
        context.load_verify_locations(None, None)
    context.load_verify_locations(None, "/nonexistent")


def test_na_116_nobody_is_trusted_unasked(context):
    from OpenSSL._util import lib

    store = context.get_cert_store()
    assert isinstance(store, crypto.X509Store)
    assert lib.sk_X509_OBJECT_num(store) == 0
    context.load_verify_locations(DATA / "authorities.pem")
    assert lib.sk_X509_OBJECT_num(context.get_cert_store()) == 2
    store.add_cert(CERT)
    assert lib.sk_X509_OBJECT_num(context.get_cert_store()) == 3


def test_the_store_outlives_the_context(collected):
    context = client_context()
    store = context.get_cert_store()
    del context
    collected()
    intermediate = crypto.load_certificate(crypto.FILETYPE_PEM, read("intermediate.pem"))
    crypto.X509StoreContext(store, intermediate).verify_certificate()


def test_default_paths(context, monkeypatch):
    context.set_default_verify_paths()
    with pytest.raises(TypeError):
        context.set_default_verify_paths(1)
    monkeypatch.setenv("SSL_CERT_FILE", str(DATA / "root.pem"))
    trusting = SSL.Context(SSL.TLS_METHOD)
    trusting.set_default_verify_paths()
    trusting.set_verify(SSL.VERIFY_PEER)
    connected(client=trusting)


def test_client_authorities(context):
    names = [ROOT.get_subject(), CERT.get_subject()]
    context.set_client_ca_list(name for name in names)
    connection = SSL.Connection(context)
    connection.set_accept_state()
    assert connection.get_client_ca_list() == names
    context.add_client_ca(ROOT)
    assert connection.get_client_ca_list() == [*names, names[0]]
    context.load_client_ca(bytes(DATA / "root.pem"))
    assert connection.get_client_ca_list() == names[:1]
    context.set_client_ca_list("")
    assert connection.get_client_ca_list() == []
    context.set_client_ca_list([names[0]] * 1000)  # NA-120
    assert connection.get_client_ca_list() == [names[0]] * 1000


@pytest.mark.parametrize("value", [1, None, object(), [1], [None], ["x"], [ROOT]])
def test_na_079_authorities_are_names(context, value):
    with pytest.raises(TypeError):
        context.set_client_ca_list(value)


def test_authorities_are_copied(context):
    name = crypto.X509Name(ROOT.get_subject())
    context.set_client_ca_list([name])
    name.CN = "another"
    connection = SSL.Connection(context)
    connection.set_accept_state()
    assert connection.get_client_ca_list() == [ROOT.get_subject()]


# ---- files that contexts share ----


def bundle(tmp_path, *names):
    path = tmp_path / "bundle.pem"
    path.write_bytes(b"".join((DATA / name).read_bytes() for name in names))
    time.sleep(2.1)  # what was written this moment is not kept
    return path


def trusts(context, name="intermediate.pem"):
    cert = crypto.load_certificate(crypto.FILETYPE_PEM, read(name))
    try:
        crypto.X509StoreContext(context.get_cert_store(), cert).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True


def with_bundle(path):
    context = SSL.Context(SSL.TLS_METHOD)
    context.load_verify_locations(str(path))
    return context


def test_a_replaced_file_is_seen_by_the_next_context(tmp_path):
    path = bundle(tmp_path, "root.pem")
    before = with_bundle(path)
    assert trusts(before)
    path.write_bytes((DATA / "other-root.pem").read_bytes())
    after = with_bundle(path)
    assert trusts(before) and not trusts(after)


def test_what_one_context_adds_no_other_has(tmp_path):
    path = bundle(tmp_path, "other-root.pem")
    changed, other = with_bundle(path), with_bundle(path)
    store = changed.get_cert_store()
    store.add_cert(ROOT)
    assert trusts(changed) and not trusts(other) and not trusts(with_bundle(path))
    store.add_crl(crypto.load_crl(crypto.FILETYPE_PEM, read("crl-empty.pem")))
    store.set_flags(crypto.X509StoreFlags.CRL_CHECK)
    assert trusts(changed)
    both = with_bundle(path)
    both.get_cert_store().add_cert(ROOT)
    both.get_cert_store().set_flags(crypto.X509StoreFlags.CRL_CHECK)
    assert not trusts(both)  # the list is in the other store


def test_a_bad_certificate_in_the_middle_is_reported(tmp_path):
    pem = read("server.pem").splitlines(keepends=True)
    pem[3] = b"!" + pem[3][1:]
    path = tmp_path / "bad.pem"
    path.write_bytes(read("root.pem") + b"".join(pem) + read("other-root.pem"))
    for _ in range(2):
        with pytest.raises(SSL.Error) as caught:
            with_bundle(path)
        assert ("PEM routines", "", "bad base64 decode") in caught.value.args[0]
        time.sleep(2.1)


def test_contexts_in_threads_share_a_file():
    wrong = []

    def run():
        for _ in range(50):
            if not trusts(with_bundle(DATA / "authorities.pem")):
                wrong.append(1)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# ---- words ----


@pytest.mark.parametrize("text", [b"nothing\n", None])
@pytest.mark.parametrize("kind", [str, str.encode, pathlib.Path])
@pytest.mark.parametrize(
    "name",
    ["use_certificate_file", "use_certificate_chain_file", "use_privatekey_file", "load_verify_locations", "load_tmp_dh"],
)
def test_na_194_errors_name_the_file(context, tmp_path, name, kind, text):
    path = tmp_path / "x.pem"
    if text is not None:
        path.write_bytes(text)
    given = kind(str(path))
    with pytest.raises(SSL.Error) as info:
        getattr(context, name)(given)
    assert info.value.filename == given
    assert str(path) in "".join(info.value.__notes__)
    assert all(len(entry) == 3 for entry in info.value.args[0])
    if name == "load_verify_locations":
        with pytest.raises(crypto.Error) as info:
            crypto.X509Store().load_locations(given)
        assert info.value.filename == given


def test_na_195_long_chains(context):
    assert context.get_max_cert_list() == 102400
    context.set_max_cert_list(2**20)
    assert context.get_max_cert_list() == 2**20
    for kind in (SSL.Error, ValueError):
        with pytest.raises(kind):
            context.set_max_cert_list(-1)


def test_na_195_a_peer_may_send_more(context):
    many = crypto.X509Extension(b"nsComment", False, b"x" * 60000)
    for cert in (CERT, ROOT):
        assert cert.get_extension_count()
    helper = crypto.load_certificate(crypto.FILETYPE_PEM, read("intermediate.pem"))
    helper.add_extensions([many])
    helper.sign(OTHER_KEY, "sha256")
    context.use_certificate(CERT)
    context.use_privatekey(KEY)
    context.add_extra_chain_cert(helper)
    context.add_extra_chain_cert(helper)
    client = SSL.Context(SSL.TLS_METHOD)
    with pytest.raises(SSL.Error, match="excessive message size"):
        connected(context, client)
    client.set_max_cert_list(2**18)
    connected(context, client)


def test_na_195_client_authorities_that_tls_cannot_send(context):
    names = []
    for i in range(900):
        name = crypto.X509().get_subject()
        name.CN = f"{i:060}"
        names.append(name)
    for kind in (SSL.Error, ValueError):
        with pytest.raises(kind, match="65535"):
            context.set_client_ca_list(names)
    context.set_client_ca_list(names[:450])
