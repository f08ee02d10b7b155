"""From the objects of the cryptography package to ours and back, as DER.

Imported by the methods that need it, and nothing else needs that package.
"""

import os
import typing

from OpenSSL import crypto

PassphraseCallableT = typing.Union[bytes, typing.Callable[..., bytes]]
StrOrBytesPath = typing.Union[str, bytes, os.PathLike]


def _newer(private):
    """Those that not every release has."""
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa
    except ImportError:
        return ()
    half = "Private" if private else "Public"
    names = (f"MLDSA{size}{half}Key" for size in (44, 65, 87))
    return tuple(getattr(mldsa, name) for name in names if hasattr(mldsa, name))


def _accepted(private):
    """The classes of keys that both sides know; X25519 and X448 are for other purposes."""
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

    if private:
        return _newer(private) + (
            dsa.DSAPrivateKey,
            ec.EllipticCurvePrivateKey,
            ed25519.Ed25519PrivateKey,
            ed448.Ed448PrivateKey,
            rsa.RSAPrivateKey,
        )
    return _newer(private) + (
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
    raise TypeError("crypto_key must be an RSA, DSA, EC, Ed25519, Ed448 or ML-DSA key of cryptography")


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


def certificate_der(certificate):
    """What Context.use_certificate() and its like make of a certificate that is not ours."""
    if not (hasattr(certificate, "public_bytes") and hasattr(certificate, "tbs_certificate_bytes")):
        raise TypeError("Must be a certificate")
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)


def key_der(key):
    """What Context.use_privatekey() makes of a key that is not ours."""
    if not hasattr(key, "private_bytes"):
        raise TypeError("Unsupported key type")
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _header(tag, length):
    if length < 0x80:
        return bytes((tag, length))
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big")


def _element(tag, *parts):
    body = b"".join(parts)
    return _header(tag, len(body)) + body


def _request(subject):
    """DER of a request that says nothing but its subject: releases of cryptography
    that cannot read a name by itself read it there. The key is a point of P-256."""
    algorithm = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
    point = bytes.fromhex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    )
    key = _element(0x30, algorithm, _element(0x03, b"\0", point))
    info = _element(0x30, b"\x02\x01\x00", subject, key, b"\xa0\x00")
    ecdsa_sha256 = bytes.fromhex("300a06082a8648ce3d040302")
    signature = _element(0x30, b"\x02\x01\x01\x02\x01\x01")
    return _element(0x30, info, ecdsa_sha256, _element(0x03, b"\0", signature))


def name(der):
    """An item of Connection.get_client_ca_list(as_cryptography=True)"""
    from cryptography import x509

    if hasattr(x509.Name, "from_bytes"):
        return x509.Name.from_bytes(der)
    return x509.load_der_x509_csr(_request(der)).subject


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
