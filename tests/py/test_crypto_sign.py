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
