"""NetscapeSPKI."""

import subprocess

import pytest
from crypto_support import WRONG, error_list, public_half, rsa_key

from OpenSSL import crypto
from OpenSSL.crypto import NetscapeSPKI


def signed(key=None):
    spki = NetscapeSPKI()
    spki.set_pubkey(key or rsa_key())
    spki.sign(key or rsa_key(), "sha256")
    return spki


def test_new():
    spki = NetscapeSPKI()
    assert type(spki) is NetscapeSPKI
    for use in (spki.get_pubkey, spki.b64_encode):
        with pytest.raises(crypto.Error) as info:
            use()
        assert error_list(info)
    with pytest.raises(AttributeError):
        spki.foo
    assert NetscapeSPKI(None) is not None


def test_there_and_back():
    spki = signed()
    blob = spki.b64_encode()
    assert isinstance(blob, bytes)
    for given in (blob, blob.decode(), bytearray(blob)):
        again = NetscapeSPKI(given)
        assert again.verify(rsa_key()) is True
        assert again.get_pubkey().bits() == 2048
        assert again.b64_encode() == blob
    assert NetscapeSPKI(enc=blob).verify(key=public_half(rsa_key())) is True


def test_verify():
    assert signed().verify(rsa_key()) is True
    with pytest.raises(crypto.Error):
        signed().verify(rsa_key(1))
    with pytest.raises(crypto.Error):
        NetscapeSPKI().verify(rsa_key())
    for wrong in WRONG + [None, crypto.X509()]:
        with pytest.raises(TypeError):
            signed().verify(wrong)


@pytest.mark.parametrize("bad", [b"", b"nonsense", b"AAAA", b"MIIC", "\0", b"=" * 40])
def test_bad_base64(bad):
    with pytest.raises(crypto.Error) as info:
        NetscapeSPKI(bad)
    assert error_list(info)


def test_wrong_arguments():
    for wrong in (5, object(), []):
        with pytest.raises(TypeError):
            NetscapeSPKI(wrong)
    with pytest.raises(TypeError):
        NetscapeSPKI(b"", b"")
    with pytest.raises(UnicodeEncodeError):
        NetscapeSPKI("ä")


def test_sign_refused():
    for key in (crypto.PKey(), public_half(rsa_key())):
        with pytest.raises(ValueError):
            NetscapeSPKI().sign(key, "sha256")
    with pytest.raises(ValueError):
        NetscapeSPKI().sign(rsa_key(), "monkeys")


def test_openssl_reads_it():
    text = b"SPKAC=" + signed().b64_encode() + b"\n"
    done = subprocess.run(
        ["openssl", "spkac", "-verify", "-noout"], input=text, capture_output=True, timeout=240
    )
    assert done.returncode == 0
    assert b"OK" in done.stderr


def test_we_read_what_openssl_makes(data):
    text = data("spkac.txt").strip()
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, data("rsa.pem"))
    assert NetscapeSPKI(text).verify(key) is True
