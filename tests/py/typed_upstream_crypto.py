"""Every function of pyOpenSSL 26.4 with the types that it declares, called and assigned, for mypy --strict.

It is checked, not run: a program that was written for those types has to pass with ours.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from typing import Any, Callable, Union

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from OpenSSL import crypto, rand
from OpenSSL.crypto import PKey, X509, X509Name, X509Store

_Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
_PrivateKey = Union[
    dsa.DSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey, rsa.RSAPrivateKey
]
_PublicKey = Union[
    dsa.DSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, ed448.Ed448PublicKey, rsa.RSAPublicKey
]
_Key = Union[_PrivateKey, _PublicKey]
_Passphrase = Union[bytes, Callable[..., bytes]]


def crypto_pkey_init() -> crypto.PKey:
    return crypto.PKey()


def crypto_pkey_to_cryptography_key(o: crypto.PKey) -> _Key:
    return o.to_cryptography_key()


def crypto_pkey_from_cryptography_key(crypto_key_: _Key) -> PKey:
    return crypto.PKey.from_cryptography_key(crypto_key_)


def crypto_pkey_generate_key(o: crypto.PKey, type_: int, bits_: int) -> None:
    o.generate_key(type_, bits_)


def crypto_pkey_check(o: crypto.PKey) -> bool:
    return o.check()


def crypto_pkey_type(o: crypto.PKey) -> int:
    return o.type()


def crypto_pkey_bits(o: crypto.PKey) -> int:
    return o.bits()


def crypto_get_elliptic_curves() -> set[Any]:
    return crypto.get_elliptic_curves()


def crypto_get_elliptic_curve(name_: str) -> Any:
    return crypto.get_elliptic_curve(name_)


def crypto_x509name_init(name_: X509Name) -> crypto.X509Name:
    return crypto.X509Name(name_)


def crypto_x509name_hash(o: crypto.X509Name) -> int:
    return o.hash()


def crypto_x509name_der(o: crypto.X509Name) -> bytes:
    return o.der()


def crypto_x509name_get_components(o: crypto.X509Name) -> list[tuple[bytes, bytes]]:
    return o.get_components()


def crypto_x509_init() -> crypto.X509:
    return crypto.X509()


def crypto_x509_to_cryptography(o: crypto.X509) -> x509.Certificate:
    return o.to_cryptography()


def crypto_x509_from_cryptography(crypto_cert_: x509.Certificate) -> X509:
    return crypto.X509.from_cryptography(crypto_cert_)


def crypto_x509_set_version(o: crypto.X509, version_: int) -> None:
    o.set_version(version_)


def crypto_x509_get_version(o: crypto.X509) -> int:
    return o.get_version()


def crypto_x509_get_pubkey(o: crypto.X509) -> PKey:
    return o.get_pubkey()


def crypto_x509_set_pubkey(o: crypto.X509, pkey_: PKey) -> None:
    o.set_pubkey(pkey_)


def crypto_x509_sign(o: crypto.X509, pkey_: PKey, digest_: str) -> None:
    o.sign(pkey_, digest_)


def crypto_x509_get_signature_algorithm(o: crypto.X509) -> bytes:
    return o.get_signature_algorithm()


def crypto_x509_digest(o: crypto.X509, digest_name_: str) -> bytes:
    return o.digest(digest_name_)


def crypto_x509_subject_name_hash(o: crypto.X509) -> int:
    return o.subject_name_hash()


def crypto_x509_set_serial_number(o: crypto.X509, serial_: int) -> None:
    o.set_serial_number(serial_)


def crypto_x509_get_serial_number(o: crypto.X509) -> int:
    return o.get_serial_number()


def crypto_x509_gmtime_adj_notAfter(o: crypto.X509, amount_: int) -> None:
    o.gmtime_adj_notAfter(amount_)


def crypto_x509_gmtime_adj_notBefore(o: crypto.X509, amount_: int) -> None:
    o.gmtime_adj_notBefore(amount_)


def crypto_x509_has_expired(o: crypto.X509) -> bool:
    return o.has_expired()


def crypto_x509_get_notBefore(o: crypto.X509) -> bytes | None:
    return o.get_notBefore()


def crypto_x509_set_notBefore(o: crypto.X509, when_: bytes) -> None:
    o.set_notBefore(when_)


def crypto_x509_get_notAfter(o: crypto.X509) -> bytes | None:
    return o.get_notAfter()


def crypto_x509_set_notAfter(o: crypto.X509, when_: bytes) -> None:
    o.set_notAfter(when_)


def crypto_x509_get_issuer(o: crypto.X509) -> X509Name:
    return o.get_issuer()


def crypto_x509_set_issuer(o: crypto.X509, issuer_: X509Name) -> None:
    o.set_issuer(issuer_)


def crypto_x509_get_subject(o: crypto.X509) -> X509Name:
    return o.get_subject()


def crypto_x509_set_subject(o: crypto.X509, subject_: X509Name) -> None:
    o.set_subject(subject_)


def crypto_x509_get_extension_count(o: crypto.X509) -> int:
    return o.get_extension_count()


def crypto_x509store_init() -> crypto.X509Store:
    return crypto.X509Store()


def crypto_x509store_add_cert(o: crypto.X509Store, cert_: X509) -> None:
    o.add_cert(cert_)


def crypto_x509store_add_crl(o: crypto.X509Store, crl_: x509.CertificateRevocationList) -> None:
    o.add_crl(crl_)


def crypto_x509store_set_flags(o: crypto.X509Store, flags_: int) -> None:
    o.set_flags(flags_)


def crypto_x509store_set_time(o: crypto.X509Store, vfy_time_: datetime.datetime) -> None:
    o.set_time(vfy_time_)


def crypto_x509store_load_locations(o: crypto.X509Store, cafile_: _Path | None, capath_: _Path | None) -> None:
    o.load_locations(cafile_, capath_)


def crypto_x509store_load_locations_short(o: crypto.X509Store, cafile_: _Path | None) -> None:
    o.load_locations(cafile_)


def crypto_x509storecontexterror_init(message_: str, errors_: list[Any], certificate_: X509) -> crypto.X509StoreContextError:
    return crypto.X509StoreContextError(message_, errors_, certificate_)


def crypto_x509storecontext_init(store_: X509Store, certificate_: X509, chain_: Sequence[X509] | None) -> crypto.X509StoreContext:
    return crypto.X509StoreContext(store_, certificate_, chain_)


def crypto_x509storecontext_init_short(store_: X509Store, certificate_: X509) -> crypto.X509StoreContext:
    return crypto.X509StoreContext(store_, certificate_)


def crypto_x509storecontext_set_store(o: crypto.X509StoreContext, store_: X509Store) -> None:
    o.set_store(store_)


def crypto_x509storecontext_verify_certificate(o: crypto.X509StoreContext) -> None:
    o.verify_certificate()


def crypto_x509storecontext_get_verified_chain(o: crypto.X509StoreContext) -> list[X509]:
    return o.get_verified_chain()


def crypto_load_certificate(type_: int, buffer_: bytes) -> X509:
    return crypto.load_certificate(type_, buffer_)


def crypto_dump_certificate(type_: int, cert_: X509) -> bytes:
    return crypto.dump_certificate(type_, cert_)


def crypto_dump_publickey(type_: int, pkey_: PKey) -> bytes:
    return crypto.dump_publickey(type_, pkey_)


def crypto_dump_privatekey(type_: int, pkey_: PKey, cipher_: str | None, passphrase_: _Passphrase | None) -> bytes:
    return crypto.dump_privatekey(type_, pkey_, cipher_, passphrase_)


def crypto_dump_privatekey_short(type_: int, pkey_: PKey) -> bytes:
    return crypto.dump_privatekey(type_, pkey_)


def crypto_load_publickey(type_: int, buffer_: str | bytes) -> PKey:
    return crypto.load_publickey(type_, buffer_)


def crypto_load_privatekey(type_: int, buffer_: str | bytes, passphrase_: _Passphrase | None) -> PKey:
    return crypto.load_privatekey(type_, buffer_, passphrase_)


def crypto_load_privatekey_short(type_: int, buffer_: str | bytes) -> PKey:
    return crypto.load_privatekey(type_, buffer_)


def rand_add(buffer_: bytes, entropy_: int) -> None:
    rand.add(buffer_, entropy_)


def rand_status() -> int:
    return rand.status()
