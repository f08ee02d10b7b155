"""dump_*: formats, ciphers, passphrases."""

import subprocess

import pytest
from conftest import DATA
from crypto_support import WRONG, certificate, error_list, public_half, rsa_key

from OpenSSL import crypto
from OpenSSL.crypto import FILETYPE_ASN1, FILETYPE_PEM, FILETYPE_TEXT

DUMPS = {
    "dump_certificate": ("load_certificate", "server"),
    "dump_certificate_request": ("load_certificate_request", "request"),
    "dump_crl": ("load_crl", "crl"),
    "dump_publickey": ("load_publickey", "rsa-public"),
}
EVERY = pytest.mark.parametrize("name", sorted(DUMPS))


def loaded(name, data):
    loader, file = DUMPS[name]
    return getattr(crypto, loader)(FILETYPE_PEM, data(file + ".pem"))


def openssl(*arguments, stdin):
    done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


@EVERY
def test_what_was_loaded_comes_back(name, data):
    dump, thing, file = getattr(crypto, name), loaded(name, data), DUMPS[name][1]
    pem = data(file + ".pem")
    assert dump(FILETYPE_PEM, thing) == pem[pem.index(b"-----BEGIN") :]
    assert dump(FILETYPE_ASN1, thing) == data(file + ".der")


@EVERY
def test_file_types(name, data):
    dump, thing = getattr(crypto, name), loaded(name, data)
    assert dump(True, thing) == dump(1.0, thing) == dump(FILETYPE_PEM, thing)
    for wrong in (0, 3, -1, 100, 2**70, object(), None, "PEM"):
        with pytest.raises(ValueError):
            dump(wrong, thing)


@EVERY
def test_wrong_arguments(name, data):
    dump, thing = getattr(crypto, name), loaded(name, data)
    for wrong in WRONG + [None, crypto.PKCS12(), b"x"]:
        with pytest.raises(TypeError):
            dump(FILETYPE_PEM, wrong)
    for arguments in ((), (FILETYPE_PEM,), (FILETYPE_PEM, thing, 3)):
        with pytest.raises(TypeError):
            dump(*arguments)


@pytest.mark.parametrize(
    "name, command",
    [
        ("dump_certificate", ["x509", "-noout", "-text", "-nameopt", ""]),
        ("dump_certificate_request", ["req", "-noout", "-text", "-nameopt", ""]),
    ],
)
def test_text_is_that_of_openssl(name, command, data):
    text = getattr(crypto, name)(FILETYPE_TEXT, loaded(name, data))
    assert text == openssl(*command, stdin=data(DUMPS[name][1] + ".pem"))


def test_text_of_lists_and_public_keys(data):
    assert crypto.dump_crl(FILETYPE_TEXT, loaded("dump_crl", data)).startswith(
        b"Certificate Revocation List (CRL):"
    )
    with pytest.raises(ValueError):
        crypto.dump_publickey(FILETYPE_TEXT, rsa_key())


def test_incomplete_objects():
    for dump, thing in (
        (crypto.dump_certificate, crypto.X509()),
        (crypto.dump_certificate_request, crypto.X509Req()),
    ):
        for kind in (FILETYPE_PEM, FILETYPE_ASN1):
            with pytest.raises(crypto.Error) as info:
                dump(kind, thing)
            assert error_list(info)


def test_public_half_of_a_private_key():
    assert crypto.dump_publickey(FILETYPE_PEM, pkey=rsa_key()) == crypto.dump_publickey(
        FILETYPE_PEM, public_half(rsa_key())
    )
    with pytest.raises(crypto.Error):
        crypto.dump_publickey(FILETYPE_PEM, crypto.PKey())


# ---- private keys ----


def test_pem_is_pkcs8(data):
    for name in ("rsa.pem", "ec.pem", "ed25519.pem", "dsa.pem"):
        key = crypto.load_privatekey(FILETYPE_PEM, data(name))
        assert crypto.dump_privatekey(FILETYPE_PEM, key) == data(name)
    key = crypto.load_privatekey(FILETYPE_PEM, data("rsa-traditional.pem"))
    assert crypto.dump_privatekey(FILETYPE_PEM, key) == data("rsa.pem")


def test_der_is_traditional(data):
    key = crypto.load_privatekey(FILETYPE_PEM, data("rsa-traditional.pem"))
    import base64

    body = b"".join(data("rsa-traditional.pem").splitlines()[1:-1])
    assert crypto.dump_privatekey(FILETYPE_ASN1, key) == base64.b64decode(body)
    # There is no such encoding for these.
    key = crypto.load_privatekey(FILETYPE_PEM, data("ed25519.pem"))
    assert crypto.dump_privatekey(FILETYPE_ASN1, key) == data("ed25519.der")


def test_text_is_for_rsa_only(data):
    assert b"rivate-Key: (2048 bit" in crypto.dump_privatekey(FILETYPE_TEXT, rsa_key())
    for name in ("ec.pem", "ed25519.pem", "dsa.pem"):
        with pytest.raises(TypeError):
            crypto.dump_privatekey(FILETYPE_TEXT, crypto.load_privatekey(FILETYPE_PEM, data(name)))


@pytest.mark.parametrize("cipher", ["aes-256-cbc", b"aes-128-cbc", "AES-256-CBC", "des3", "camellia-256-cbc"])
@pytest.mark.parametrize("passphrase", [b"secret", b"a\0b", b"\xff" * 1024, "söcret"])
def test_encrypted(cipher, passphrase):
    pem = crypto.dump_privatekey(FILETYPE_PEM, rsa_key(), cipher, passphrase)
    assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    key = crypto.load_privatekey(FILETYPE_PEM, pem, passphrase)
    assert crypto.dump_privatekey(FILETYPE_PEM, key) == crypto.dump_privatekey(FILETYPE_PEM, rsa_key())
    with pytest.raises(crypto.Error):
        crypto.load_privatekey(FILETYPE_PEM, pem, b"other")


def test_openssl_reads_what_is_encrypted():
    pem = crypto.dump_privatekey(FILETYPE_PEM, rsa_key(), "aes-256-cbc", b"foo\0bar")
    plain = openssl("pkey", "-passin", "pass:secret", stdin=crypto.dump_privatekey(
        FILETYPE_PEM, rsa_key(), "aes-256-cbc", b"secret"))
    assert plain == crypto.dump_privatekey(FILETYPE_PEM, rsa_key())
    with pytest.raises(crypto.Error):
        crypto.load_privatekey(FILETYPE_PEM, pem, b"foo")


def test_passphrase_callback():
    called = []

    def ask(*arguments):
        called.append(arguments)
        return b"from a callback"

    pem = crypto.dump_privatekey(type=FILETYPE_PEM, pkey=rsa_key(), cipher="aes-256-cbc", passphrase=ask)
    assert called == [(1,)]
    assert called == [(True,)]
    assert crypto.load_privatekey(FILETYPE_PEM, pem, b"from a callback")


@pytest.mark.parametrize("kind", [ArithmeticError, KeyboardInterrupt])
def test_exceptions_of_a_callback_come_through(kind):
    def fails(writing):
        raise kind

    with pytest.raises(kind):
        crypto.dump_privatekey(FILETYPE_PEM, rsa_key(), "aes-256-cbc", fails)


def test_answers_of_a_callback():
    for answer in (3, None, b"a" * 1025):
        with pytest.raises(ValueError):
            crypto.dump_privatekey(FILETYPE_PEM, rsa_key(), "aes-256-cbc", lambda writing: answer)
    with pytest.raises(ValueError):
        crypto.dump_privatekey(FILETYPE_PEM, rsa_key(), "aes-256-cbc", b"a" * 1025)


def test_order_in_which_arguments_are_judged():
    dump, key = crypto.dump_privatekey, rsa_key()
    for wrong in WRONG + [None, crypto.X509()]:
        with pytest.raises(TypeError):
            dump(FILETYPE_PEM, wrong)
    # A cipher without a passphrase was a ValueError once, and is a TypeError today.
    for kind in (TypeError, ValueError):
        with pytest.raises(kind):
            dump(FILETYPE_PEM, key, "aes-256-cbc")
        with pytest.raises(kind):
            dump(FILETYPE_PEM, key, "no such cipher", None)
    for cipher in ("zippers", "", b"zippers"):
        with pytest.raises(ValueError):
            dump(FILETYPE_PEM, key, cipher, b"x")
    for cipher in (5, object()):
        with pytest.raises(TypeError):
            dump(FILETYPE_PEM, key, cipher, b"x")
    with pytest.raises(ValueError):
        dump(FILETYPE_ASN1, key, "aes-256-cbc", "x")
    with pytest.raises(ValueError):
        dump(100, key, None, b"x")
    with pytest.raises(TypeError):
        dump(FILETYPE_PEM, key, "aes-256-cbc", object())
    with pytest.raises(TypeError):
        dump(FILETYPE_PEM, key, None, 5)
    with pytest.raises(ValueError):
        dump(100, key)
    with pytest.raises(TypeError):
        dump(FILETYPE_PEM, crypto.PKey(), "aes-256-cbc")


def test_a_passphrase_without_a_cipher_encrypts_nothing():
    pem = crypto.dump_privatekey(FILETYPE_PEM, rsa_key(), None, b"secret")
    assert pem == crypto.dump_privatekey(FILETYPE_PEM, rsa_key())


@pytest.mark.parametrize("cipher", ["aes-256-ctr", "aes-256-gcm", "chacha20"])
def test_ciphers_that_cannot_be_used(cipher):
    with pytest.raises((crypto.Error, ValueError)):
        crypto.dump_privatekey(FILETYPE_PEM, rsa_key(), cipher, b"secret")


def test_no_private_half():
    for key in (public_half(rsa_key()), crypto.PKey()):
        for kind in (FILETYPE_PEM, FILETYPE_ASN1):
            with pytest.raises(crypto.Error) as info:
                crypto.dump_privatekey(kind, key)
            assert error_list(info)


def test_openssl_agrees_about_der():
    cert = certificate()
    pem = crypto.dump_certificate(FILETYPE_PEM, cert)
    assert openssl("x509", "-outform", "DER", stdin=pem) == crypto.dump_certificate(FILETYPE_ASN1, cert)
    assert (DATA / "server.der").read_bytes() == openssl(
        "x509", "-outform", "DER", stdin=(DATA / "server.pem").read_bytes()
    )
