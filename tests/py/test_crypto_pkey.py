"""PKey."""

import gc
import weakref

import pytest
from crypto_support import WRONG, certificate, error_list, public_half, rsa_key

from OpenSSL import crypto
from OpenSSL.crypto import TYPE_DSA, TYPE_EC, TYPE_RSA, PKey

LARGE = 2**70


def test_empty_key():
    key = PKey()
    assert (key.type(), key.bits()) == (0, 0)
    assert key._initialized is False
    assert key._only_public is False
    with pytest.raises(TypeError):
        key.check()


def test_no_arguments():
    with pytest.raises(TypeError):
        PKey(1)
    with pytest.raises(TypeError):
        PKey(bits=1)


@pytest.mark.parametrize("kind, bits", [(TYPE_RSA, 512), (TYPE_RSA, 1024), (TYPE_DSA, 512), (TYPE_DSA, 576)])
def test_generate(kind, bits):
    key = PKey()
    assert key.generate_key(kind, bits) is None
    assert key.type() == kind
    assert key.bits() == bits
    assert key._initialized is True
    assert key._only_public is False


def test_generate_again_replaces_the_key():
    key = PKey()
    key.generate_key(type=TYPE_RSA, bits=1024)
    first = crypto.dump_publickey(crypto.FILETYPE_PEM, key)
    key.generate_key(TYPE_RSA, 1024)
    assert crypto.dump_publickey(crypto.FILETYPE_PEM, key) != first
    key.generate_key(TYPE_DSA, 512)
    assert key.type() == TYPE_DSA


@pytest.mark.parametrize("kind", [-1, 0, 7, TYPE_EC, crypto.TYPE_DH, 1087])
@pytest.mark.parametrize("bits", [0, 2048])
def test_generate_unknown_type(kind, bits):
    with pytest.raises(crypto.Error) as info:
        PKey().generate_key(kind, bits)
    assert info.value.args == ("No such key type",)


@pytest.mark.parametrize("bits", [0, -1, -2048])
def test_generate_rsa_without_bits(bits):
    with pytest.raises(ValueError):
        PKey().generate_key(TYPE_RSA, bits)


@pytest.mark.parametrize("kind, bits", [(TYPE_RSA, 8), (TYPE_RSA, 511), (TYPE_DSA, 0), (TYPE_DSA, 500)])
def test_generate_refused(kind, bits):
    key = PKey()
    with pytest.raises(crypto.Error) as info:
        key.generate_key(kind, bits)
    error_list(info)
    assert key.type() == 0


def test_generate_refused_keeps_the_old_key():
    key = PKey()
    key.generate_key(TYPE_RSA, 1024)
    before = crypto.dump_privatekey(crypto.FILETYPE_PEM, key)
    with pytest.raises(crypto.Error):
        key.generate_key(TYPE_RSA, 8)
    assert crypto.dump_privatekey(crypto.FILETYPE_PEM, key) == before


@pytest.mark.parametrize(
    "kind, arguments, name, bits",
    [
        ("RSA", (1024,), "RSA", 1024),
        ("rsa", (1024, None), "RSA", 1024),
        ("DSA", (1024,), "DSA", 1024),
        ("EC", (None, "secp384r1"), "EC", 384),
        ("EC", (None, b"P-256"), "EC", 256),
        ("X25519", (), "X25519", 253),
        ("DH", (None, "ffdhe2048"), "DH", 2048),
        ("SM2", (None,), "SM2", 256),
    ],
)
def test_generate_by_name(kind, arguments, name, bits):
    key = PKey()
    assert key.type_name() == ""
    assert key.generate_key(kind, *arguments) is None
    assert (key.type_name(), key.bits()) == (name, bits)
    assert key.type() > 0 and key._initialized and not key._only_public
    key.generate_key(type="ED25519", bits=None, group=None)
    assert key.type_name() == "ED25519"


@pytest.mark.parametrize(
    "arguments, error",
    [
        (("nope",), crypto.Error),
        (("",), crypto.Error),
        (("RSA ", 1024), crypto.Error),
        (("RSA", 511), crypto.Error),
        (("RSA",), ValueError),
        (("RSA", 0), ValueError),
        (("RSA", 1024, "prime256v1"), ValueError),
        (("DSA", 0), ValueError),
        (("EC",), ValueError),
        (("EC", 256), ValueError),
        (("EC", None, "nope"), ValueError),
        (("ED25519", 256), ValueError),
        (("R\0SA", 1024), ValueError),
        (("EC", None, "prime256v1\0"), ValueError),
        (("RSA", "1024"), TypeError),
        (("EC", None, 5), TypeError),
        ((b"RSA", 1024), TypeError),
        ((TYPE_RSA, 1024, "prime256v1"), TypeError),
        (("RSA", LARGE), OverflowError),
    ],
)
def test_generate_by_name_refused(arguments, error):
    key = PKey()
    key.generate_key("ED25519")
    with pytest.raises(error):
        key.generate_key(*arguments)
    assert key.type_name() == "ED25519"


@pytest.mark.parametrize("arguments", [(b"rsa", 1024), (TYPE_RSA, "1024"), (None, 1), (6.0, 1024), (TYPE_RSA, None)])
def test_generate_wrong_types(arguments):
    with pytest.raises(TypeError):
        PKey().generate_key(*arguments)


@pytest.mark.parametrize("arguments", [(), (TYPE_RSA,), (TYPE_RSA, 1024, 3)])
def test_generate_wrong_count(arguments):
    with pytest.raises(TypeError):
        PKey().generate_key(*arguments)


@pytest.mark.parametrize("arguments", [(LARGE, 1024), (TYPE_RSA, LARGE), (TYPE_RSA, 2**40)])
def test_generate_overflow(arguments):
    with pytest.raises(OverflowError):
        PKey().generate_key(*arguments)


def test_check_good_key():
    assert rsa_key().check() is True


def test_check_refuses_public_keys():
    with pytest.raises(TypeError):
        public_half(rsa_key()).check()
    with pytest.raises(TypeError):
        certificate().get_pubkey().check()


def test_check_refuses_other_types(data):
    with pytest.raises(TypeError):
        crypto.load_privatekey(crypto.FILETYPE_PEM, data("ec.pem")).check()


@pytest.mark.parametrize(
    "name, kind, bits",
    [("rsa.pem", 6, 2048), ("ec.pem", 408, 256), ("ed25519.pem", 1087, 256), ("dsa.pem", 116, 2048)],
)
def test_type_and_bits(data, name, kind, bits):
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, data(name))
    assert key.type() == kind
    # OpenSSL counts the bits of the group's order, one less for Ed25519.
    assert key.bits() in (bits, bits - 3)
    assert key._initialized is True
    assert key._only_public is False


def test_public_flag_of_every_source(data):
    key = rsa_key()
    req = crypto.X509Req()
    req.set_pubkey(key)
    spki = crypto.NetscapeSPKI()
    spki.set_pubkey(key)
    for public in (
        public_half(key),
        certificate(key=key).get_pubkey(),
        req.get_pubkey(),
        spki.get_pubkey(),
    ):
        assert public._only_public is True
        assert public._initialized is True
        assert public.bits() == 2048


def test_flags_can_be_set():
    """Programs make keys by hand and set the flags themselves."""
    key = PKey()
    key._initialized = True
    assert key._initialized is True
    key._initialized = False
    assert key._initialized is False
    public = public_half(rsa_key())
    public._only_public = False
    assert public._only_public is False
    # Saying so does not make a private key of it.
    with pytest.raises(ValueError):
        crypto.X509().sign(public, "sha256")
    private = crypto.load_privatekey(
        crypto.FILETYPE_PEM, crypto.dump_privatekey(crypto.FILETYPE_PEM, rsa_key())
    )
    private._only_public = True
    with pytest.raises(ValueError):
        certificate().sign(private, "sha256")
    del private._only_public
    assert private._only_public is False


def test_ordinary_object():
    key = PKey()
    key.note = "mine"
    assert key.__dict__ == {"note": "mine"}
    assert key == key
    assert key != PKey()
    assert hash(key) == hash(key)
    reference = weakref.ref(key)
    del key
    gc.collect()
    assert reference() is None


def test_na_158_no_pickles():
    import copy
    import pickle

    for make in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            make(rsa_key())


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_type_everywhere(wrong):
    for call in (
        crypto.X509().set_pubkey,
        crypto.X509Req().set_pubkey,
        crypto.X509Req().verify,
        crypto.NetscapeSPKI().set_pubkey,
        crypto.NetscapeSPKI().verify,
    ):
        with pytest.raises(TypeError):
            call(wrong)


def test_empty_key_as_argument():
    with pytest.raises(crypto.Error):
        crypto.X509().set_pubkey(PKey())
    with pytest.raises(crypto.Error):
        crypto.X509Req().verify(PKey())
    with pytest.raises(ValueError):
        crypto.X509().sign(PKey(), "sha256")


@pytest.mark.parametrize("cipher", ["aes-256-cbc", b"aes-128-cbc", "des3"])
@pytest.mark.parametrize("secret", [b"secret", lambda *args: b"secret"])
def test_na_192_encrypted_der(cipher, secret):
    der = crypto.dump_privatekey(crypto.FILETYPE_ASN1, rsa_key(), cipher, secret)
    plain = crypto.dump_privatekey(crypto.FILETYPE_ASN1, rsa_key())
    for given in (b"secret", lambda *args: b"secret"):
        again = crypto.load_privatekey(crypto.FILETYPE_ASN1, der, given)
        assert crypto.dump_privatekey(crypto.FILETYPE_ASN1, again) == plain
        # One that is not needed is not asked for, as in PEM.
        assert crypto.load_privatekey(crypto.FILETYPE_ASN1, plain, given).bits() == 2048
    for wrong in (b"Secret", None):
        with pytest.raises(crypto.Error):
            crypto.load_privatekey(crypto.FILETYPE_ASN1, der, wrong)
    # What the tests of all releases want.
    with pytest.raises(ValueError):
        crypto.load_privatekey(crypto.FILETYPE_ASN1, der, "secret")
    with pytest.raises(ValueError):
        crypto.dump_privatekey(crypto.FILETYPE_ASN1, rsa_key(), cipher, "secret")
    with pytest.raises(ValueError):
        crypto.dump_privatekey(crypto.FILETYPE_TEXT, rsa_key(), cipher, b"secret")


def test_empty_keys_say_what_to_call():
    with pytest.raises(crypto.Error, match="generate_key"):
        crypto.dump_privatekey(crypto.FILETYPE_PEM, PKey())
    with pytest.raises(ValueError, match="generate_key"):
        crypto.X509Req().sign(PKey(), "sha256")
