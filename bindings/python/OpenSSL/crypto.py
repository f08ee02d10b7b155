"""Certificates, keys, requests, revocation lists, PKCS #7 and #12, SPKAC."""

from OpenSSL import _pyossl

for _name, _value in vars(_pyossl).items():
    if _name.startswith("crypto."):
        globals()[_name[7:]] = _value

# What the classes were called when they were made by functions.
for _name in (
    "PKey X509 X509Name X509Req X509Store X509Extension CRL PKCS7 PKCS12 NetscapeSPKI".split()
):
    globals()[_name + "Type"] = globals()[_name]

# Which of an extension's names programs write with which word, by RFC 5280's numbers.
X509Extension._prefixes = {1: "email", 2: "DNS", 6: "URI"}


def _copy(self):
    """Return another object with the same content, for copy.copy()."""
    from OpenSSL._private import copy

    return copy(self)


def _handle(of_self):
    """A property that programs take for a pointer, and give another one's."""
    return property(of_self, lambda self, other: vars(_pyossl)["private.adopt"](self, other))


def _message(self):
    from OpenSSL._pointers import Message

    return Message(self)


def _from_raw_x509_ptr(cls, x509):
    from OpenSSL._private import from_raw_x509_ptr

    return from_raw_x509_ptr(cls, x509)


X509._from_raw_x509_ptr = classmethod(_from_raw_x509_ptr)
X509Extension._nid = property(vars(_pyossl)["private.ext_nid"])
for _class in (
    *(CRL, NetscapeSPKI, PKCS12, PKCS7, PKey, Revoked, X509, X509Extension),
    *(X509Name, X509Req, X509Store, X509StoreContext),
):
    _class.__copy__ = _copy
# There is one object for each curve, and what is equal is the same.
_EllipticCurve.__copy__ = lambda self: self

# Programs hand these to functions of OpenSSL._util.lib, which take the objects themselves.
for _class, _name in (
    (CRL, "_crl"),
    (NetscapeSPKI, "_spki"),
    (PKCS7, "_pkcs7"),
    (PKey, "_pkey"),
    (Revoked, "_revoked"),
    (X509, "_x509"),
    (X509Extension, "_extension"),
    (X509Name, "_name"),
    (X509Req, "_req"),
    (X509Store, "_store"),
):
    setattr(_class, _name, _handle(_message if _class is PKCS7 else lambda self: self))

del _class, _name, _value

__all__ = [
    "CRL",
    "Error",
    "FILETYPE_ASN1",
    "FILETYPE_PEM",
    "FILETYPE_TEXT",
    "NetscapeSPKI",
    "PKCS12",
    "PKCS7",
    "PKey",
    "Revoked",
    "TYPE_DSA",
    "TYPE_RSA",
    "X509",
    "X509Extension",
    "X509Name",
    "X509Req",
    "X509Store",
    "X509StoreContext",
    "X509StoreContextError",
    "X509StoreFlags",
    "dump_certificate",
    "dump_certificate_request",
    "dump_crl",
    "dump_privatekey",
    "dump_publickey",
    "get_elliptic_curve",
    "get_elliptic_curves",
    "load_certificate",
    "load_certificate_request",
    "load_crl",
    "load_pkcs12",
    "load_pkcs7_data",
    "load_privatekey",
    "load_publickey",
    "sign",
    "verify",
]

# Names that programs take from here but that few need: imported when first asked for.
_ELSEWHERE = {
    "PassphraseCallableT": ("OpenSSL._cryptography", "PassphraseCallableT"),
    "StrOrBytesPath": ("OpenSSL._cryptography", "StrOrBytesPath"),
    "_Key": ("OpenSSL._cryptography", "Key"),
    "_PrivateKey": ("OpenSSL._cryptography", "PrivateKey"),
    "_PublicKey": ("OpenSSL._cryptography", "PublicKey"),
    "_PassphraseHelper": ("OpenSSL._pointers", "PassphraseHelper"),
    "_X509NameInvalidator": ("OpenSSL._private", "X509NameInvalidator"),
    "_UNSPECIFIED": ("OpenSSL._util", "UNSPECIFIED"),
    "_bio_to_string": ("OpenSSL._pointers", "bio_to_string"),
    "_byte_string": ("OpenSSL._util", "byte_string"),
    "_make_assert": ("OpenSSL._util", "make_assert"),
    "_native": ("OpenSSL._util", "native"),
    "_new_mem_buf": ("OpenSSL._pointers", "new_mem_buf"),
    "_openssl_assert": ("OpenSSL._private", "openssl_assert"),
    "_path_bytes": ("OpenSSL._util", "path_bytes"),
    "_text_to_bytes_and_warn": ("OpenSSL._util", "text_to_bytes_and_warn"),
    "_exception_from_error_queue": ("OpenSSL._util", "crypto_exception_from_error_queue"),
    "_raise_current_error": ("OpenSSL._util", "crypto_exception_from_error_queue"),
    "_ffi": ("OpenSSL._util", "ffi"),
    "_lib": ("OpenSSL._util", "lib"),
}


def __getattr__(name):
    """Names that live in other modules."""
    import importlib

    try:
        module, attribute = _ELSEWHERE[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value
