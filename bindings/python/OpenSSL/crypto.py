"""Certificates, keys, requests, revocation lists, PKCS #7 and #12, SPKAC."""

from OpenSSL import _pyossl

for _name, _value in vars(_pyossl).items():
    if _name.startswith("crypto."):
        globals()[_name[7:]] = _value
