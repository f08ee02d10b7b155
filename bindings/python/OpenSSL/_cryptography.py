"""From the objects of the cryptography package to ours and back, as DER.

Imported by the methods that need it, and nothing else needs that package.
"""

import os
import typing

from OpenSSL import crypto

PassphraseCallableT = typing.Union[bytes, typing.Callable[..., bytes]]
StrOrBytesPath = typing.Union[str, bytes, os.PathLike]


def _accepted(private):
    """The classes of keys that both sides know; X25519 and X448 are for other purposes."""
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

    if private:
        return (
            dsa.DSAPrivateKey,
            ec.EllipticCurvePrivateKey,
            ed25519.Ed25519PrivateKey,
            ed448.Ed448PrivateKey,
            rsa.RSAPrivateKey,
        )
    return (
        dsa.DSAPublicKey,
        ec.EllipticCurvePublicKey,
        ed25519.Ed25519PublicKey,
        ed448.Ed448PublicKey,
        rsa.RSAPublicKey,
    )


def key_to(pkey):
    """PKey.to_cryptography_key()"""
    from cryptography.hazmat.primitives import serialization

    if pkey._only_public:
        return serialization.load_der_public_key(
            crypto.dump_publickey(crypto.FILETYPE_ASN1, pkey)
        )
    return serialization.load_der_private_key(
        crypto.dump_privatekey(crypto.FILETYPE_ASN1, pkey), None
    )


def key_from(key):
    """PKey.from_cryptography_key()"""
    from cryptography.hazmat.primitives import serialization

    if isinstance(key, _accepted(private=False)):
        der = key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return crypto.load_publickey(crypto.FILETYPE_ASN1, der)
    if isinstance(key, _accepted(private=True)):
        der = key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return crypto.load_privatekey(crypto.FILETYPE_ASN1, der)
    raise TypeError("crypto_key must be an RSA, DSA, EC, Ed25519 or Ed448 key of cryptography")


def _der(thing, kind, name):
    from cryptography.hazmat.primitives.serialization import Encoding

    if not isinstance(thing, kind):
        raise TypeError(f"{name} must be a {kind.__name__} of cryptography")
    return thing.public_bytes(Encoding.DER)


def certificate_to(cert):
    """X509.to_cryptography()"""
    from cryptography import x509

    return x509.load_der_x509_certificate(crypto.dump_certificate(crypto.FILETYPE_ASN1, cert))


def certificate_from(cert):
    """X509.from_cryptography()"""
    from cryptography import x509

    der = _der(cert, x509.Certificate, "crypto_cert")
    return crypto.load_certificate(crypto.FILETYPE_ASN1, der)


def request_to(req):
    """X509Req.to_cryptography()"""
    from cryptography import x509

    return x509.load_der_x509_csr(crypto.dump_certificate_request(crypto.FILETYPE_ASN1, req))


def request_from(req):
    """X509Req.from_cryptography()"""
    from cryptography import x509

    der = _der(req, x509.CertificateSigningRequest, "crypto_req")
    return crypto.load_certificate_request(crypto.FILETYPE_ASN1, der)


def crl_to(crl):
    """CRL.to_cryptography()"""
    from cryptography import x509

    return x509.load_der_x509_crl(crypto.dump_crl(crypto.FILETYPE_ASN1, crl))


def crl_from(crl):
    """CRL.from_cryptography(), and X509Store.add_crl() of such a list"""
    from cryptography import x509

    der = _der(crl, x509.CertificateRevocationList, "crypto_crl")
    return crypto.load_crl(crypto.FILETYPE_ASN1, der)


def __getattr__(name):
    """Types for annotations, which need that package or are anything."""
    if name not in ("Key", "PrivateKey", "PublicKey"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        private, public = _accepted(private=True), _accepted(private=False)
    except ImportError:
        return typing.Any
    kinds = {"PrivateKey": private, "PublicKey": public, "Key": private + public}[name]
    return typing.Union[kinds]
