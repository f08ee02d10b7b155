"""X509Req."""

import gc

import pytest
from crypto_support import WRONG, error_list, public_half, rsa_key

from OpenSSL import crypto
from OpenSSL.crypto import FILETYPE_ASN1, FILETYPE_PEM, X509Extension, X509Req


def request(key=None):
    req = X509Req()
    req.get_subject().CN = "host.example.test"
    req.set_pubkey(key or rsa_key())
    req.sign(key or rsa_key(), "sha256")
    return req


def test_new_request():
    req = X509Req()
    assert type(req) is X509Req
    assert req.get_version() == 0
    assert req.get_extensions() == []
    assert req.get_subject().get_components() == []
    with pytest.raises(crypto.Error) as info:
        req.get_pubkey()
    assert error_list(info)
    with pytest.raises(TypeError):
        X509Req(1)


def test_version():
    req = X509Req()
    assert req.set_version(version=0) is None
    req.set_pubkey(rsa_key())
    for number in (1, 2, 3, 0):
        # As until 23.1; from 23.2 on there was ValueError.
        req.set_version(number)
        req.sign(rsa_key(), "sha256")
        again = crypto.load_certificate_request(FILETYPE_ASN1, crypto.dump_certificate_request(FILETYPE_ASN1, req))
        assert req.get_version() == again.get_version() == number
        try:
            assert again.verify(rsa_key())
        except crypto.Error as error:  # OpenSSL 3.5 signs others than 0, but verifies none of them
            assert number != 0 and error.args[0][-1][2] == "unsupported version"
    with pytest.raises(ValueError):
        req.set_version(-1)
    assert req.get_version() == 0
    for wrong in ("0", None, 0.0, object()):
        with pytest.raises(TypeError):
            req.set_version(wrong)
    with pytest.raises(OverflowError):
        req.set_version(2**70)


def test_subject_is_a_view_that_outlives_the_request():
    req = X509Req()
    subject = req.get_subject()
    subject.CN = "foo"
    assert req.get_subject().CN == "foo"
    del req
    gc.collect()
    assert subject.CN == "foo"
    subject.CN = "bar"
    assert not hasattr(X509Req, "set_subject")


def test_na_007_sign_and_verify():
    req = request()
    assert req.verify(rsa_key()) == 1
    assert req.verify(pkey=public_half(rsa_key())) == 1
    assert isinstance(req.verify(rsa_key()), int)
    with pytest.raises(crypto.Error):
        req.verify(rsa_key(1))
    with pytest.raises(crypto.Error):
        X509Req().verify(rsa_key())


def test_tampered_request():
    der = bytearray(crypto.dump_certificate_request(FILETYPE_ASN1, request()))
    position = der.index(b"host.example")
    der[position] ^= 1
    tampered = crypto.load_certificate_request(FILETYPE_ASN1, der)
    with pytest.raises(crypto.Error):
        tampered.verify(rsa_key())


def test_sign_refused():
    req = X509Req()
    with pytest.raises(crypto.Error):
        req.sign(rsa_key(), "sha256")  # without a public key
    for digest in ("monkeys", b"monkeys"):
        with pytest.raises(ValueError):
            request().sign(rsa_key(), digest)
    for key in (crypto.PKey(), public_half(rsa_key())):
        with pytest.raises(ValueError):
            request().sign(key, "sha256")
    for key in WRONG:
        with pytest.raises(TypeError):
            request().sign(key, "sha256")


def test_signing_with_ed25519(data):
    key = crypto.load_privatekey(FILETYPE_PEM, data("ed25519.pem"))
    req = X509Req()
    req.set_pubkey(key)
    req.sign(key, None)
    assert req.verify(key) == 1


def test_extensions():
    req = X509Req()
    wanted = [
        X509Extension(b"basicConstraints", True, b"CA:false"),
        X509Extension(b"subjectAltName", False, b"DNS:a.test"),
    ]
    assert req.add_extensions([]) is None
    req.add_extensions(extensions=iter(wanted))
    for _ in range(2):
        found = req.get_extensions()
        assert [e.get_short_name() for e in found] == [b"basicConstraints", b"subjectAltName"]
        assert [e.get_critical() for e in found] == [1, 0]
    req.set_pubkey(rsa_key())
    req.sign(rsa_key(), "sha256")
    again = crypto.load_certificate_request(
        FILETYPE_ASN1, crypto.dump_certificate_request(FILETYPE_ASN1, req)
    )
    assert [str(e) for e in again.get_extensions()] == ["CA:FALSE", "DNS:a.test"]


def test_extensions_wrong_arguments():
    for wrong in (None, 5, object()):
        with pytest.raises(TypeError):
            X509Req().add_extensions(wrong)
    for wrong in ([object()], ["x"], "text"):
        with pytest.raises(ValueError):
            X509Req().add_extensions(wrong)


def test_extensions_are_asked_for_once():
    req = X509Req()
    first = X509Extension(b"nsComment", False, b"x")
    req.add_extensions([first])
    with pytest.raises(crypto.Error):
        req.add_extensions([first])
    assert len(req.get_extensions()) == 1


def test_loaded_request(data):
    req = crypto.load_certificate_request(FILETYPE_PEM, data("request.pem"))
    key = crypto.load_privatekey(FILETYPE_PEM, data("rsa.pem"))
    assert req.verify(key) == 1
    assert [e.get_short_name() for e in req.get_extensions()] == [b"subjectAltName"]
    assert req.get_pubkey()._only_public is True


def test_na_195_requested_extensions_are_removed():
    req = X509Req()
    with pytest.raises(IndexError):
        req.remove_extension(0)
    words = [crypto.X509Extension(b"nsComment", False, word) for word in (b"a", b"b")]
    req.add_extensions(words)
    req.remove_extension(0)
    assert [str(extension) for extension in req.get_extensions()] == ["b"]
    req.remove_extension(0)
    assert req.get_extensions() == []
    req.add_extensions(words)
    assert len(req.get_extensions()) == 2
