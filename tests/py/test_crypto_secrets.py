"""NA-141: what is printed of objects and errors tells neither passphrases nor keys."""

import re
import traceback

import pytest
from conftest import DATA

from OpenSSL import SSL, crypto
from tls import server_context

SECRET = b"correct horse battery staple"


def lines_of(key):
    """Pieces of the key as text and as numbers, to look for."""
    pem = crypto.dump_privatekey(crypto.FILETYPE_PEM, key).decode()
    text = crypto.dump_privatekey(crypto.FILETYPE_TEXT, key).decode() if key.type() == crypto.TYPE_RSA else ""
    return pem.splitlines()[1:-1] + [line.strip() for line in text.splitlines() if re.fullmatch(r"[0-9a-f:]{30,}", line.strip())]


def assert_says_nothing(texts, needles):
    for text in texts:
        assert text
        for needle in needles:
            assert needle not in text


@pytest.mark.parametrize("name", ["rsa.pem", "ec.pem", "ed25519.pem"])
def test_na_141_objects(name):
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, (DATA / name).read_bytes())
    context = server_context()
    request, spki, bundle = crypto.X509Req(), crypto.NetscapeSPKI(), crypto.PKCS12()
    request.set_pubkey(key)
    spki.set_pubkey(key)
    bundle.set_privatekey(key)
    objects = [key, request, spki, bundle, context, SSL.Connection(context)]
    needles = lines_of(key)
    assert needles
    assert_says_nothing([repr(one) for one in objects] + [str(one) for one in objects], needles)


def wrong_passphrases():
    """Loads that fail, each with the passphrase in hand."""
    encrypted = (DATA / "rsa-aes256.pem").read_bytes()
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_passwd_cb(lambda *args: SECRET)
    return {
        "argument": lambda: crypto.load_privatekey(crypto.FILETYPE_PEM, encrypted, SECRET),
        "callback": lambda: crypto.load_privatekey(crypto.FILETYPE_PEM, encrypted, lambda *args: SECRET),
        "too long": lambda: crypto.load_privatekey(crypto.FILETYPE_PEM, encrypted, lambda *args: SECRET * 100),
        "PKCS #12": lambda: crypto.load_pkcs12((DATA / "modern.p12").read_bytes(), SECRET),
        "context": lambda: context.use_privatekey_file(str(DATA / "rsa-aes256.pem")),
        "wrong type": lambda: crypto.load_privatekey(crypto.FILETYPE_PEM, encrypted, [SECRET]),
        "cipher": lambda: crypto.dump_privatekey(
            crypto.FILETYPE_PEM, crypto.load_privatekey(crypto.FILETYPE_PEM, (DATA / "ec.pem").read_bytes()), "none such", SECRET
        ),
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", wrong_passphrases())
def test_na_141_errors(name):
    with pytest.raises((crypto.Error, SSL.Error, ValueError, TypeError)) as caught:
        wrong_passphrases()[name]()
    error = caught.value
    texts = [repr(error), "".join(traceback.format_exception_only(type(error), error)), repr(error.args)]
    assert_says_nothing(texts, [SECRET.decode(), SECRET.hex()])
