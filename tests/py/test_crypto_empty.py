"""NA-077: objects that were never given their arguments, and ones initialised twice."""

import gc
import inspect

import pytest
from crypto_support import authority, certificate, rsa_key

from OpenSSL import crypto

CLASSES = [
    crypto.CRL,
    crypto.NetscapeSPKI,
    crypto.PKCS12,
    crypto.PKCS7,
    crypto.PKey,
    crypto.Revoked,
    crypto.X509,
    crypto.X509Extension,
    crypto.X509Name,
    crypto.X509Req,
    crypto.X509Store,
    crypto.X509StoreContext,
    crypto._EllipticCurve,
]
ACCEPTABLE = (crypto.Error, TypeError, ValueError, AttributeError, IndexError, ImportError)


def methods(kind):
    for name, value in inspect.getmembers(kind):
        if not name.startswith("__") and callable(value) and not isinstance(value, type):
            yield name


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_method_of_an_empty_object(kind):
    for name in methods(kind):
        thing = kind.__new__(kind)
        for arguments in ((), (1,), (b"x",), (thing,), (rsa_key(), "sha256"), (1, 2048), (b"", b"")):
            if name == "generate_key" and arguments == (1, 2048):
                continue
            try:
                getattr(thing, name)(*arguments)
            except ACCEPTABLE:
                pass
    thing = kind.__new__(kind)
    repr(thing)
    try:
        str(thing)
    except crypto.Error:
        pass
    assert kind is crypto.X509Name or thing == thing
    del thing
    gc.collect()


def test_empty_objects_as_arguments():
    empty = {kind: kind.__new__(kind) for kind in CLASSES}
    root, key = authority()
    calls = [
        lambda: certificate().set_subject(empty[crypto.X509Name]),
        lambda: certificate().set_pubkey(empty[crypto.PKey]),
        lambda: certificate().add_extensions([empty[crypto.X509Extension]]),
        lambda: crypto.X509Name(empty[crypto.X509Name]),
        lambda: crypto.X509Store().add_cert(empty[crypto.X509]),
        lambda: crypto.X509Store().add_crl(empty[crypto.CRL]),
        lambda: crypto.X509StoreContext(empty[crypto.X509Store], root),
        lambda: crypto.X509StoreContext(crypto.X509Store(), empty[crypto.X509]),
        lambda: crypto.X509StoreContext(crypto.X509Store(), root, [empty[crypto.X509]]).verify_certificate(),
        lambda: crypto.CRL().add_revoked(empty[crypto.Revoked]),
        lambda: crypto.CRL().export(empty[crypto.X509], key, digest="sha256"),
        lambda: crypto.dump_certificate(1, empty[crypto.X509]),
        lambda: crypto.dump_privatekey(1, empty[crypto.PKey]),
        lambda: crypto.dump_publickey(1, empty[crypto.PKey]),
        lambda: crypto.dump_crl(1, empty[crypto.CRL]),
        lambda: crypto.dump_certificate_request(1, empty[crypto.X509Req]),
        lambda: crypto.sign(empty[crypto.PKey], b"", "sha256"),
        lambda: crypto.verify(empty[crypto.X509], b"", b"", "sha256"),
        lambda: crypto.X509Extension(b"nsComment", False, b"x", empty[crypto.X509]),
        lambda: empty[crypto.X509Name] == empty[crypto.X509Name],
        lambda: certificate().get_subject() < empty[crypto.X509Name],
    ]
    for call in calls:
        with pytest.raises(crypto.Error) as info:
            call()
        assert info.value.args[0][0][2]
    p12 = crypto.PKCS12()
    p12.set_certificate(empty[crypto.X509])
    with pytest.raises(crypto.Error):
        p12.export()


def test_empty_pkcs12_is_just_empty():
    p12 = crypto.PKCS12.__new__(crypto.PKCS12)
    assert p12.get_certificate() is None
    p12.set_friendlyname(b"x")
    assert p12.get_friendlyname() == b"x"


@pytest.mark.parametrize(
    "kind", [crypto.CRL, crypto.NetscapeSPKI, crypto.PKey, crypto.Revoked, crypto.X509, crypto.X509Req, crypto.X509Store],
    ids=lambda kind: kind.__name__,
)
def test_initialised_again(kind):
    thing = kind()
    for _ in range(3):
        thing.__init__()
    with pytest.raises(TypeError):
        thing.__init__(1, 2, 3)
    repr(thing)


def test_name_initialised_again():
    cert = certificate("first")
    view = cert.get_subject()
    view.__init__(certificate("second").get_subject())
    assert view.CN == "second"
    view.CN = "third"
    assert cert.get_subject().CN == "first"
    assert view._owner is None
    view.__init__(view)
    assert view.CN == "third"


def test_extension_initialised_again():
    extension = crypto.X509Extension(b"nsComment", False, b"x")
    extension.__init__(b"basicConstraints", True, b"CA:true")
    assert extension.get_short_name() == b"basicConstraints"
    with pytest.raises(crypto.Error):
        extension.__init__(b"nonsense", True, b"CA:true")
    assert extension.get_short_name() == b"basicConstraints"
