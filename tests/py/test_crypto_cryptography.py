"""Conversions to and from the cryptography package, and life without it."""

import subprocess
import sys

import pytest
from crypto_support import authority, certificate, public_half, rsa_key

from OpenSSL import crypto

pytest.importorskip("cryptography")

from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import (  # noqa: E402
    dsa,
    ec,
    ed448,
    ed25519,
    rsa,
    x448,
    x25519,
)

DER = serialization.Encoding.DER


def private_keys():
    yield rsa.generate_private_key(65537, 2048)
    yield dsa.generate_private_key(1024)
    yield ec.generate_private_key(ec.SECP256R1())
    yield ed25519.Ed25519PrivateKey.generate()
    yield ed448.Ed448PrivateKey.generate()


@pytest.fixture(scope="module", params=range(5), ids=["rsa", "dsa", "ec", "ed25519", "ed448"])
def key(request):
    return list(private_keys())[request.param]


def spki(key):
    return key.public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_private_keys(key):
    ours = crypto.PKey.from_cryptography_key(key)
    assert type(ours) is crypto.PKey
    assert ours._only_public is False and ours._initialized is True
    back = ours.to_cryptography_key()
    assert type(back) is type(key)
    assert spki(back.public_key()) == spki(key.public_key())


def test_public_keys(key):
    ours = crypto.PKey.from_cryptography_key(crypto_key=key.public_key())
    assert ours._only_public is True and ours._initialized is True
    back = ours.to_cryptography_key()
    assert type(back) is type(key.public_key())
    assert spki(back) == spki(key.public_key())


@pytest.mark.parametrize("size", [44, 65, 87])
def test_ml_dsa(size):
    mldsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.mldsa")
    ours = crypto.PKey()
    try:
        ours.generate_key(f"ML-DSA-{size}")
    except crypto.Error:
        pytest.skip("this OpenSSL has no ML-DSA")
    theirs = ours.to_cryptography_key()
    assert isinstance(theirs, getattr(mldsa, f"MLDSA{size}PrivateKey"))
    assert spki(theirs.public_key()) == crypto.dump_publickey(crypto.FILETYPE_ASN1, ours)
    back = crypto.PKey.from_cryptography_key(theirs)
    assert back.type_name() == ours.type_name() and not back._only_public
    signature = crypto.sign(back, b"data", None)
    theirs.public_key().verify(signature, b"data")
    half = crypto.PKey.from_cryptography_key(theirs.public_key())
    assert half._only_public and spki(half.to_cryptography_key()) == spki(theirs.public_key())
    generated = getattr(mldsa, f"MLDSA{size}PrivateKey").generate()
    cert = crypto.X509()
    cert.set_pubkey(crypto.PKey.from_cryptography_key(generated))
    crypto.verify(cert, generated.sign(b"data"), b"data", None)


def test_sizes():
    key = rsa.generate_private_key(65537, 1024)
    assert crypto.PKey.from_cryptography_key(key).bits() == key.key_size
    assert public_half(rsa_key()).to_cryptography_key().key_size == 2048


@pytest.mark.parametrize("kind", [x25519.X25519PrivateKey, x448.X448PrivateKey])
def test_keys_for_other_purposes(kind):
    key = kind.generate()
    for wrong in (key, key.public_key()):
        with pytest.raises(TypeError):
            crypto.PKey.from_cryptography_key(wrong)


@pytest.mark.parametrize("wrong", [None, object(), b"x", crypto.PKey(), crypto.X509()])
def test_wrong_types(wrong):
    for convert in (
        crypto.PKey.from_cryptography_key,
        crypto.X509.from_cryptography,
        crypto.X509Req.from_cryptography,
        crypto.CRL.from_cryptography,
    ):
        with pytest.raises(TypeError):
            convert(wrong)
        with pytest.raises(TypeError):
            convert()


def test_incomplete_objects():
    for convert in (
        crypto.PKey().to_cryptography_key,
        crypto.X509().to_cryptography,
        crypto.X509Req().to_cryptography,
        crypto.CRL().to_cryptography,
    ):
        with pytest.raises(crypto.Error):
            convert()


def test_certificates():
    cert = certificate(serial=77)
    theirs = cert.to_cryptography()
    assert isinstance(theirs, x509.Certificate)
    assert theirs.serial_number == 77
    ours = crypto.X509.from_cryptography(crypto_cert=theirs)
    assert type(ours) is crypto.X509
    assert crypto.dump_certificate(crypto.FILETYPE_PEM, ours) == crypto.dump_certificate(
        crypto.FILETYPE_PEM, cert
    )
    assert ours.get_version() == theirs.version.value


def test_requests():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "host")])
    theirs = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    ours = crypto.X509Req.from_cryptography(crypto_req=theirs)
    assert ours.get_subject().CN == "host"
    assert ours.verify(crypto.PKey.from_cryptography_key(key)) == 1
    assert ours.to_cryptography().public_bytes(DER) == theirs.public_bytes(DER)


def test_lists(data):
    ours = crypto.load_crl(crypto.FILETYPE_PEM, data("crl.pem"))
    theirs = ours.to_cryptography()
    assert len(theirs) == 2
    again = crypto.CRL.from_cryptography(crypto_crl=theirs)
    assert crypto.dump_crl(crypto.FILETYPE_ASN1, again) == data("crl.der")


def test_a_store_takes_their_lists(data):
    store = crypto.X509Store()
    for name in ("root.pem", "intermediate.pem"):
        store.add_cert(crypto.load_certificate(crypto.FILETYPE_PEM, data(name)))
    store.add_crl(x509.load_pem_x509_crl(data("crl.pem")))
    store.set_flags(crypto.X509StoreFlags.CRL_CHECK)
    revoked = crypto.load_certificate(crypto.FILETYPE_PEM, data("revoked.pem"))
    with pytest.raises(crypto.X509StoreContextError, match="certificate revoked"):
        crypto.X509StoreContext(store, revoked).verify_certificate()
    with pytest.raises(TypeError):
        store.add_crl(authority()[0].to_cryptography())


def test_types_for_annotations():
    assert crypto._Key is not None
    assert crypto._PrivateKey is not None
    assert crypto.PassphraseCallableT is not None
    with pytest.raises(AttributeError):
        crypto.nonsense


def run(code):
    """Run in a process that has no cryptography."""
    blocked = "import sys; sys.modules['cryptography'] = None\n"
    subprocess.run([sys.executable, "-W", "error", "-c", blocked + code], check=True, timeout=240)


def test_everything_else_works_without_it():
    run(
        """
from OpenSSL import crypto
key = crypto.PKey()
key.generate_key(crypto.TYPE_RSA, 1024)
cert = crypto.X509()
cert.set_pubkey(key)
crypto._Key, crypto._PrivateKey, crypto.PassphraseCallableT
for convert in (key.to_cryptography_key, cert.to_cryptography, crypto.X509Req().to_cryptography,
                crypto.CRL().to_cryptography):
    try:
        convert()
    except ImportError:
        pass
    else:
        raise SystemExit("no ImportError")
for convert in (crypto.PKey.from_cryptography_key, crypto.X509.from_cryptography,
                crypto.X509Req.from_cryptography, crypto.CRL.from_cryptography):
    try:
        convert(object())
    except ImportError:
        pass
    else:
        raise SystemExit("no ImportError")
"""
    )


def test_na_173_old_ciphers_without_it():
    """cryptography loads OpenSSL's legacy provider; we must not depend on that."""
    run(
        """
from OpenSSL import crypto
key = crypto.PKey()
key.generate_key(crypto.TYPE_RSA, 1024)
try:
    pem = crypto.dump_privatekey(crypto.FILETYPE_PEM, key, "blowfish", b"secret")
except crypto.Error as error:
    assert "unsupported" in str(error)
else:
    crypto.load_privatekey(crypto.FILETYPE_PEM, pem, b"secret")
"""
    )


def test_importing_does_not_import_it():
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, OpenSSL.crypto; assert 'cryptography' not in sys.modules",
        ],
        check=True,
        timeout=240,
    )
