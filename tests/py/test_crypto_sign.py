"""sign and verify."""

import pytest
from crypto_support import WRONG, certificate, error_list, public_half, rsa_key

from OpenSSL import crypto
from OpenSSL.crypto import sign, verify

CONTENT = b"It is easy to be wise after the event.\0And more."
STR_WARNING = "str for data is no longer accepted, use bytes"


@pytest.mark.parametrize("digest", ["md5", "sha1", "sha256", "sha512", b"sha384"])
def test_there_and_back(digest):
    signature = sign(rsa_key(), CONTENT, digest)
    assert isinstance(signature, bytes) and len(signature) == 256
    cert = certificate()
    assert verify(cert, signature, CONTENT, digest) is None
    assert verify(cert=cert, signature=signature, data=CONTENT, digest=digest) is None
    for bad in (CONTENT[:-1], CONTENT + b"\0", CONTENT.split(b"\0")[0], b""):
        with pytest.raises(crypto.Error):
            verify(cert, signature, bad, digest)


def test_na_007_wrong_signatures():
    signature = sign(rsa_key(), CONTENT, "sha256")
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    for bad in (b"", b"x", signature[:-1], signature + b"\0", flipped, b"\0" * 256):
        with pytest.raises(crypto.Error) as info:
            verify(certificate(), bad, CONTENT, "sha256")
        error_list(info)
    with pytest.raises(crypto.Error):
        verify(certificate(key=rsa_key(1)), signature, CONTENT, "sha256")
    with pytest.raises(crypto.Error):
        verify(certificate(), signature, CONTENT, "sha1")


def test_na_007_malformed_ecdsa(data):
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, data("ec.pem"))
    cert = crypto.load_certificate(crypto.FILETYPE_PEM, data("server-ec.pem"))
    for _ in range(20):
        signature = sign(key, CONTENT, "sha256")
        assert verify(cert, signature, CONTENT, "sha256") is None
    for bad in (b"\x30\x00", b"\x30\x06\x02\x01\x00\x02\x01\x00", signature[:-3], signature + b"x"):
        with pytest.raises(crypto.Error):
            verify(cert, bad, CONTENT, "sha256")


def test_na_039_large_and_other_keys(data):
    large = crypto.load_privatekey(crypto.FILETYPE_PEM, data("rsa-large.pem"))
    signature = sign(large, CONTENT, "sha1")
    assert len(signature) == 526
    verify(certificate(key=large), signature, CONTENT, "sha1")
    dsa = crypto.load_privatekey(crypto.FILETYPE_PEM, data("dsa.pem"))
    cert = crypto.X509()
    cert.set_pubkey(dsa)
    verify(cert, sign(dsa, CONTENT, "sha256"), CONTENT, "sha256")


def test_keys_with_a_digest_of_their_own(data):
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, data("ed25519.pem"))
    cert = crypto.load_certificate(crypto.FILETYPE_PEM, data("server-ed25519.pem"))
    signature = sign(key, CONTENT, None)
    assert len(signature) == 64
    assert verify(cert, signature, CONTENT, None) is None
    with pytest.raises(crypto.Error):
        verify(cert, signature[:-1] + b"\0", CONTENT, None)
    with pytest.raises(crypto.Error):
        sign(key, CONTENT, "sha256")


def test_str_data_warns():
    with pytest.warns(DeprecationWarning) as caught:
        signature = sign(rsa_key(), "téxt", "sha256")
    assert str(caught[-1].message) == STR_WARNING
    assert signature == sign(rsa_key(), "téxt".encode(), "sha256")
    with pytest.warns(DeprecationWarning) as caught:
        verify(certificate(), signature, "téxt", "sha256")
    assert str(caught[-1].message) == STR_WARNING
    assert caught[-1].filename == __file__


def test_kinds_of_data():
    signature = sign(rsa_key(), CONTENT, "sha256")
    for form in (bytearray, memoryview):
        assert sign(rsa_key(), form(CONTENT), "sha256") == signature
        verify(certificate(), form(signature), form(CONTENT), "sha256")
    with pytest.raises(BufferError):
        sign(rsa_key(), memoryview(CONTENT)[::2], "sha256")


def test_wrong_arguments():
    for wrong in WRONG + [None, crypto.X509()]:
        with pytest.raises(TypeError):
            sign(wrong, CONTENT, "sha256")
    for wrong in WRONG + [None, rsa_key()]:
        with pytest.raises(TypeError):
            verify(wrong, b"x", CONTENT, "sha256")
    for wrong in (None, 5, object()):
        with pytest.raises(TypeError):
            sign(rsa_key(), wrong, "sha256")
        with pytest.raises(TypeError):
            verify(certificate(), wrong, CONTENT, "sha256")
    with pytest.raises(TypeError):
        verify(certificate(), "text", CONTENT, "sha256")
    for digest in ("strange-digest", b"", "sha256\0"):
        with pytest.raises(ValueError):
            sign(rsa_key(), CONTENT, digest)
        with pytest.raises(ValueError):
            verify(certificate(), b"x", CONTENT, digest)
    for digest in (5, object()):
        with pytest.raises(TypeError):
            sign(rsa_key(), CONTENT, digest)


def test_keys_that_cannot_sign():
    for key in (crypto.PKey(), public_half(rsa_key())):
        with pytest.raises(crypto.Error) as info:
            sign(key, CONTENT, "sha256")
        assert error_list(info)
    with pytest.raises(crypto.Error):
        verify(crypto.X509(), b"x", CONTENT, "sha256")


# ---- keys of every type ----

#: What generate_key() takes by name, and the digest to sign with.
TYPES = {
    "RSA": (("RSA", 1024), "sha256"),
    "RSA-PSS": (("RSA-PSS", 1024), "sha256"),
    "DSA": (("DSA", 1024), "sha256"),
    "EC": (("EC", None, "prime256v1"), "sha256"),
    "ED25519": (("ed25519",), None),
    "ED448": (("Ed448", None), None),
    "ML-DSA-44": (("ML-DSA-44",), None),
    "ML-DSA-65": (("mldsa65",), None),
    "ML-DSA-87": (("ML-DSA-87", None, None), None),
    "SLH-DSA-SHAKE-128f": (("SLH-DSA-SHAKE-128f",), None),
}


def key_of(name):
    key = crypto.PKey()
    try:
        key.generate_key(*TYPES[name][0])
    except crypto.Error as error:
        if name[:2] not in ("ML", "SL") or error.args[0][-1][2] != "no such key type":
            raise
        pytest.skip(f"this OpenSSL has no {name}")
    return key


def signed(key, digest):
    """Everything that can be signed, and how to verify it."""
    cert = crypto.X509()
    cert.set_version(2)
    cert.get_subject().CN = "signed"
    cert.set_issuer(cert.get_subject())
    cert.gmtime_adj_notBefore(-60)
    cert.gmtime_adj_notAfter(3600)
    cert.set_pubkey(key)
    yield lambda: cert.sign(key, digest)
    store = crypto.X509Store()
    store.add_cert(cert)
    crypto.X509StoreContext(store, cert).verify_certificate()

    req = crypto.X509Req()
    req.set_pubkey(key)
    yield lambda: req.sign(key, digest)
    assert req.verify(key)

    spki = crypto.NetscapeSPKI()
    spki.set_pubkey(key)
    yield lambda: spki.sign(key, digest)
    assert spki.verify(key)

    crl = crypto.CRL()
    crl.set_lastUpdate(b"20200101000000Z")
    crl.set_nextUpdate(b"50000101000000Z")
    yield lambda: crl.sign(cert, key, digest)
    assert crl.get_issuer().CN == "signed"
    yield lambda: crl.export(cert, key, digest=digest)

    made = []
    yield lambda: made.append(sign(key, CONTENT, digest))
    assert verify(cert, made[0], CONTENT, digest) is None
    with pytest.raises(crypto.Error):
        verify(cert, made[0], CONTENT + b".", digest)


@pytest.mark.parametrize("name", TYPES)
def test_every_type_signs_everything(name):
    key = key_of(name)
    assert key.type_name() == name
    for call in signed(key, TYPES[name][1]):
        call()


@pytest.mark.parametrize("name", TYPES)
def test_the_error_says_which_digest_to_give(name):
    key, right = key_of(name), TYPES[name][1]
    cert = certificate()
    req, spki, crl = crypto.X509Req(), crypto.NetscapeSPKI(), crypto.CRL()
    calls = (
        lambda digest: cert.sign(key, digest),
        lambda digest: req.sign(key, digest),
        lambda digest: spki.sign(key, digest),
        lambda digest: crl.sign(cert, key, digest),
        lambda digest: sign(key, CONTENT, digest),
    )
    for call in calls:
        if right is None:
            with pytest.raises(crypto.Error) as info:
                call("sha256")
            assert "brings its own digest: pass none" in error_list(info)[-1][2]
        else:
            with pytest.raises(ValueError, match="needs a digest, such as sha256"):
                call(None)
        with pytest.raises(ValueError, match="a digest without a length of its own"):
            call("shake256")
    with pytest.raises(ValueError, match="a digest without a length of its own"):
        cert.digest("shake128")
    with pytest.raises(ValueError, match="a digest without a length of its own"):
        verify(cert, b"x", b"y", "SHAKE128")


def test_keys_that_never_sign():
    key = crypto.PKey()
    key.generate_key("X25519")
    with pytest.raises(ValueError, match="this type of key cannot sign"):
        sign(key, CONTENT, None)
    with pytest.raises(crypto.Error):
        sign(key, CONTENT, "sha256")


@pytest.mark.parametrize("name", TYPES)
def test_every_type_is_written_and_read(name):
    key = key_of(name)
    public = crypto.dump_publickey(crypto.FILETYPE_ASN1, key)
    secret = (b"secret",)
    for kind in (crypto.FILETYPE_PEM, crypto.FILETYPE_ASN1):
        for given, asked in (((), ()), (("aes-256-cbc", b"secret"), secret)):
            dumped = crypto.dump_privatekey(kind, key, *given)
            back = crypto.load_privatekey(kind, dumped, *asked)
            assert crypto.dump_publickey(crypto.FILETYPE_ASN1, back) == public
            assert (back.type(), back.bits()) == (key.type(), key.bits())
            assert back.type_name() == name and not back._only_public
        half = crypto.load_publickey(kind, crypto.dump_publickey(kind, key))
        assert half.type_name() == name and half._only_public
        with pytest.raises(TypeError):
            half.check()
    if name not in ("DSA", "EC", "ED25519", "ED448"):
        assert key.check() is True
    file = crypto.PKCS12()
    file.set_privatekey(key)
    back = crypto.load_pkcs12(file.export(b"secret"), b"secret").get_privatekey()
    assert crypto.dump_publickey(crypto.FILETYPE_ASN1, back) == public
