"""load_*: formats, kinds of buffers, passphrases."""

import pytest
from crypto_support import certificate, error_list, rsa_key

from OpenSSL import crypto
from OpenSSL.crypto import FILETYPE_ASN1, FILETYPE_PEM, FILETYPE_TEXT

# function, PEM, DER
LOADS = {
    "load_certificate": ("server.pem", "server.der", crypto.X509),
    "load_certificate_request": ("request.pem", "request.der", crypto.X509Req),
    "load_crl": ("crl.pem", "crl.der", crypto.CRL),
    "load_pkcs7_data": ("pkcs7-signed.pem", "pkcs7-signed.der", crypto.PKCS7),
    "load_publickey": ("rsa-public.pem", "rsa-public.der", crypto.PKey),
    "load_privatekey": ("rsa.pem", "rsa.der", crypto.PKey),
}
EVERY = pytest.mark.parametrize("name", sorted(LOADS))


@EVERY
def test_both_formats(name, data):
    pem, der, kind = LOADS[name]
    load = getattr(crypto, name)
    assert type(load(FILETYPE_PEM, data(pem))) is kind
    assert type(load(type=FILETYPE_ASN1, buffer=data(der))) is kind
    assert type(load(FILETYPE_PEM, data(pem).decode())) is kind


@EVERY
def test_kinds_of_buffers(name, data):
    pem, der, kind = LOADS[name]
    load = getattr(crypto, name)
    for form in (bytearray, memoryview):
        assert type(load(FILETYPE_ASN1, form(data(der)))) is kind
    for wrong in (None, 5, object(), ["x"]):
        with pytest.raises(TypeError):
            load(FILETYPE_PEM, wrong)


@EVERY
def test_file_types_are_compared(name, data):
    pem, _, kind = LOADS[name]
    load = getattr(crypto, name)
    assert type(load(True, data(pem))) is kind
    assert type(load(1.0, data(pem))) is kind
    for wrong in (FILETYPE_TEXT, 0, 3, -1, 100, 2**70, object(), None, "PEM", "1"):
        with pytest.raises(ValueError):
            load(wrong, data(pem))


@EVERY
def test_comparison_that_fails(name):
    class Broken:
        def __eq__(self, other):
            raise KeyError("no")

    with pytest.raises(KeyError):
        getattr(crypto, name)(Broken(), b"")


@EVERY
def test_wrong_counts(name, data):
    load = getattr(crypto, name)
    for arguments in ((), (FILETYPE_PEM,), (FILETYPE_PEM, b"", None, None)):
        with pytest.raises(TypeError):
            load(*arguments)
    with pytest.raises(TypeError):
        load(FILETYPE_PEM, b"", nonsense=1)
    with pytest.raises(TypeError):
        load(FILETYPE_PEM, b"", type=1)


@EVERY
@pytest.mark.parametrize("kind", [FILETYPE_PEM, FILETYPE_ASN1])
def test_nonsense(name, kind, data):
    pem, der, _ = LOADS[name]
    good = data(pem) if kind == FILETYPE_PEM else data(der)
    for bad in (b"", b"nonsense", b"\0", good[: len(good) // 2], good[:-40], b"\x30\x80\x00\x00", b"\x30\x84\x7f\xff\xff\xff"):
        with pytest.raises(crypto.Error) as info:
            getattr(crypto, name)(kind, bad)
        assert error_list(info)


@EVERY
def test_the_other_format(name, data):
    pem, der, _ = LOADS[name]
    with pytest.raises(crypto.Error):
        getattr(crypto, name)(FILETYPE_ASN1, data(pem))
    with pytest.raises(crypto.Error):
        getattr(crypto, name)(FILETYPE_PEM, data(der))


def test_another_kind_of_pem(data):
    for name in ("load_certificate", "load_certificate_request", "load_crl", "load_publickey"):
        with pytest.raises(crypto.Error):
            getattr(crypto, name)(FILETYPE_PEM, data("rsa.pem"))
    with pytest.raises(crypto.Error):
        crypto.load_privatekey(FILETYPE_PEM, data("server.pem"))
    with pytest.raises(crypto.Error):
        crypto.load_publickey(FILETYPE_PEM, data("server.pem"))


def test_text_and_other_blocks_around(data):
    pem = b"some text\n" + data("rsa.pem") + data("server.pem") + data("root.pem")
    assert crypto.load_certificate(FILETYPE_PEM, pem).get_subject().CN == (
        crypto.load_certificate(FILETYPE_PEM, data("server.pem")).get_subject().CN
    )
    assert crypto.load_privatekey(FILETYPE_PEM, pem).bits() == 2048
    assert crypto.load_certificate(FILETYPE_ASN1, data("server.der") + b"behind")


def test_public_keys_are_public(data):
    assert crypto.load_publickey(FILETYPE_PEM, data("rsa-public.pem"))._only_public is True
    for name in ("ec-public.pem", "ed25519-public.pem"):
        key = crypto.load_publickey(FILETYPE_PEM, data(name))
        assert crypto.dump_publickey(FILETYPE_PEM, key) == data(name)


# ---- private keys ----


@pytest.mark.parametrize(
    "name",
    ["rsa.pem", "rsa-traditional.pem", "ec.pem", "ec-traditional.pem", "ed25519.pem", "dsa.pem", "dsa-traditional.pem"],
)
def test_plain_private_keys(name, data):
    key = crypto.load_privatekey(FILETYPE_PEM, data(name))
    assert key._only_public is False
    # The passphrase is not asked for where nothing is encrypted.
    again = crypto.load_privatekey(FILETYPE_PEM, data(name), lambda writing: 1 / 0)
    assert again.type() == key.type()


@pytest.mark.parametrize(
    "name", ["rsa-aes256.pem", "ec-aes256.pem", "ed25519-aes256.pem", "rsa-des3.pem", "ec-des3.pem"]
)
def test_encrypted_private_keys(name, data):
    key = crypto.load_privatekey(FILETYPE_PEM, data(name), b"secret")
    assert crypto.load_privatekey(FILETYPE_PEM, data(name), "secret").type() == key.type()
    called = []

    def ask(*arguments):
        called.append(arguments)
        return b"secret"

    assert crypto.load_privatekey(FILETYPE_PEM, data(name), passphrase=ask).type() == key.type()
    assert called == [(0,)]
    assert called == [(False,)]


@pytest.mark.parametrize("name", ["rsa-des.pem", "rsa-pkcs5v1-des.pem"])
def test_na_173_old_ciphers(name, data):
    try:
        key = crypto.load_privatekey(FILETYPE_PEM, data(name), b"secret")
    except crypto.Error as error:
        assert "unsupported" in str(error)  # no legacy provider
    else:
        assert key.bits() == 2048


@pytest.mark.parametrize("name", ["rsa-aes256.pem", "ec-aes256.pem", "rsa-des3.pem"])
@pytest.mark.parametrize("passphrase", [b"", b"wrong", b"\0secret", b"s" * 1024, "wrong"])
def test_wrong_passphrase(name, passphrase, data):
    for given in (passphrase, lambda writing: passphrase):
        with pytest.raises(crypto.Error) as info:
            crypto.load_privatekey(FILETYPE_PEM, data(name), given)
        assert error_list(info) != []


@pytest.mark.parametrize("name", ["rsa-aes256.pem", "rsa-des3.pem"])
def test_no_passphrase_never_prompts(name, data, capfd):
    with pytest.raises(crypto.Error) as info:
        crypto.load_privatekey(FILETYPE_PEM, data(name))
    assert error_list(info)
    with pytest.raises(crypto.Error):
        crypto.load_privatekey(FILETYPE_PEM, data(name), None)
    assert capfd.readouterr() == ("", "")


def test_na_056_answers_of_a_callback(data):
    encrypted = data("rsa-aes256.pem")
    for answer in (3, None, 1.5, ["secret"]):
        with pytest.raises(ValueError):
            crypto.load_privatekey(FILETYPE_PEM, encrypted, lambda writing: answer)
    for length in (1025, 65536):
        with pytest.raises(ValueError):
            crypto.load_privatekey(FILETYPE_PEM, encrypted, lambda writing: b"a" * length)
        with pytest.raises(ValueError):
            crypto.load_privatekey(FILETYPE_PEM, encrypted, b"a" * length)
    assert crypto.load_privatekey(FILETYPE_PEM, encrypted, lambda writing: "secret")


@pytest.mark.parametrize("kind", [ArithmeticError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_exceptions_of_a_callback_come_through(kind, data):
    def fails(writing):
        raise kind("mine")

    for name in ("rsa-aes256.pem", "rsa-des3.pem"):
        with pytest.raises(kind):
            crypto.load_privatekey(FILETYPE_PEM, data(name), fails)


def test_a_callback_may_load_another_key(data):
    def nested(writing):
        crypto.load_privatekey(FILETYPE_PEM, data("ec-aes256.pem"), lambda inner: b"secret")
        return b"secret"

    assert crypto.load_privatekey(FILETYPE_PEM, data("rsa-aes256.pem"), nested).bits() == 2048


def test_passphrase_is_judged_before_the_buffer(data):
    for wrong in (object(), 0, False, 5, ["secret"]):
        with pytest.raises(TypeError):
            crypto.load_privatekey(FILETYPE_PEM, b"no key", wrong)
        with pytest.raises(TypeError):
            crypto.load_privatekey(FILETYPE_PEM, data("rsa.pem"), wrong)


def test_passphrases_of_der(data):
    # No release took one, and the tests of all want this one to be refused.
    with pytest.raises(ValueError):
        crypto.load_privatekey(FILETYPE_ASN1, data("rsa.der"), "secret")
    for passphrase in (b"secret", lambda *args: b"secret"):
        for name in ("rsa.der", "rsa-aes256.der"):
            assert crypto.load_privatekey(FILETYPE_ASN1, data(name), passphrase).bits() == 2048
    with pytest.raises(crypto.Error):
        crypto.load_privatekey(FILETYPE_ASN1, data("rsa-aes256.der"))


def test_traditional_der_and_pkcs8_der(data):
    traditional = crypto.dump_privatekey(FILETYPE_ASN1, rsa_key())
    assert crypto.load_privatekey(FILETYPE_ASN1, traditional).check() is True
    assert crypto.load_privatekey(FILETYPE_ASN1, data("ed25519.der")).type() == 1087
    assert crypto.load_privatekey(FILETYPE_ASN1, data("ec.der")).type() == crypto.TYPE_EC


def test_na_120_malformed_certificates_do_not_crash():
    der = crypto.dump_certificate(FILETYPE_ASN1, certificate())
    for position in range(0, len(der), 7):
        broken = bytearray(der)
        broken[position] ^= 0x81
        try:
            cert = crypto.load_certificate(FILETYPE_ASN1, broken)
        except crypto.Error:
            continue
        for use in (
            cert.get_subject,
            cert.get_pubkey,
            cert.get_notAfter,
            cert.has_expired,
            cert.get_serial_number,
            cert.get_signature_algorithm,
            lambda: [str(cert.get_extension(i)) for i in range(cert.get_extension_count())],
            lambda: crypto.dump_certificate(crypto.FILETYPE_TEXT, cert),
        ):
            try:
                use()
            except (crypto.Error, ValueError):
                pass


@EVERY
@pytest.mark.parametrize("head", ["# F\u0151tan\xfas\xedtv\xe1ny\n", "\ufeff", "\ufeff# \u0434\n", "friendlyName: \U0001f511\n"])
def test_na_189_text_is_utf8(name, data, head):
    """What open(path).read() returns for a file with comments of anybody's, or with a mark of its encoding."""
    pem, _, kind = LOADS[name]
    load = getattr(crypto, name)
    assert type(load(FILETYPE_PEM, head.encode() + data(pem))) is kind
    assert type(load(FILETYPE_PEM, head + data(pem).decode())) is kind
