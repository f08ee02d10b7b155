"""A small certificate authority.

    python3 make_ca.py DIRECTORY

Makes a root and an intermediate authority; a server key with a request, and the
certificate that answers it; the chain, a PKCS #12 bundle (passphrase "secret"),
and a revocation list.
"""

import os
import pathlib
import sys

from OpenSSL import crypto

DAY = 24 * 60 * 60


class Authority:
    """Who signs: a key and its certificate."""

    def __init__(self, common_name, constraints, by=None):
        self.key = new_key()
        self.cert = start_cert(self.key, days=3650)
        set_name(self.cert.get_subject(), common_name)
        self.cert.add_extensions(
            [
                crypto.X509Extension(b"basicConstraints", True, constraints),
                crypto.X509Extension(b"keyUsage", True, b"keyCertSign, cRLSign"),
            ]
        )
        (by or self).sign(self.cert)

    def sign(self, cert):
        """Sign `cert`, and give it the identifiers that tie the two together."""
        cert.set_issuer(self.cert.get_subject())
        cert.add_extensions(
            [crypto.X509Extension(b"subjectKeyIdentifier", False, b"hash", subject=cert)]
        )
        cert.add_extensions(
            [crypto.X509Extension(b"authorityKeyIdentifier", False, b"keyid:always", issuer=self.cert)]
        )
        cert.sign(self.key, "sha256")


def new_key():
    key = crypto.PKey()
    key.generate_key(crypto.TYPE_RSA, 2048)
    return key


def start_cert(key, days):
    cert = crypto.X509()
    cert.set_version(2)
    # 127 random bits: unique without keeping a record (RFC 5280, section 4.1.2.2).
    cert.set_serial_number(int.from_bytes(os.urandom(16), "big") >> 1)
    cert.gmtime_adj_notBefore(-300)  # clocks differ
    cert.gmtime_adj_notAfter(days * DAY)
    cert.set_pubkey(key)
    return cert


def set_name(name, common_name):
    name.C = "SE"
    name.O = "Example"  # noqa: E741 (the field's name)
    name.CN = common_name


def make_request():
    """The server's side: a key, and a request for a certificate."""
    key = new_key()
    request = crypto.X509Req()
    request.set_pubkey(key)
    set_name(request.get_subject(), "localhost")
    hosts = b"DNS:localhost, IP:127.0.0.1, IP:::1"
    request.add_extensions([crypto.X509Extension(b"subjectAltName", False, hosts)])
    request.sign(key, "sha256")
    return key, request


def answer_request(request, authority):
    """The authority's side: check the request, and answer it with a certificate."""
    key = request.get_pubkey()
    request.verify(key)
    cert = start_cert(key, days=90)
    cert.set_subject(request.get_subject())
    # Of what the request asks for, take the host names alone; the rest is ours to say.
    names = [e for e in request.get_extensions() if e.get_short_name() == b"subjectAltName"]
    cert.add_extensions(
        names
        + [
            crypto.X509Extension(b"basicConstraints", True, b"CA:FALSE"),
            crypto.X509Extension(b"keyUsage", True, b"digitalSignature, keyEncipherment"),
            crypto.X509Extension(b"extendedKeyUsage", False, b"serverAuth, clientAuth"),
        ]
    )
    authority.sign(cert)
    return cert


def make_bundle(key, cert, authorities):
    bundle = crypto.PKCS12()
    bundle.set_privatekey(key)
    bundle.set_certificate(cert)
    bundle.set_ca_certificates(authorities)
    bundle.set_friendlyname(b"localhost")
    return bundle.export(b"secret")


def make_crl(authority):
    revoked = crypto.Revoked()
    revoked.set_serial(b"1001")
    revoked.set_rev_date(b"20260101000000Z")
    revoked.set_reason(b"keyCompromise")
    crl = crypto.CRL()
    crl.add_revoked(revoked)
    return crl.export(authority.cert, authority.key, days=30, digest=b"sha256")


def main(arguments):
    if len(arguments) != 1:
        sys.exit(__doc__)
    root = Authority("Example Root", b"CA:TRUE")
    intermediate = Authority("Example Intermediate", b"CA:TRUE, pathlen:0", by=root)
    key, request = make_request()
    cert = answer_request(request, intermediate)

    pem = crypto.FILETYPE_PEM
    files = {
        "root.pem": crypto.dump_certificate(pem, root.cert),
        "root.key": crypto.dump_privatekey(pem, root.key),
        "intermediate.pem": crypto.dump_certificate(pem, intermediate.cert),
        "intermediate.key": crypto.dump_privatekey(pem, intermediate.key),
        "server.csr": crypto.dump_certificate_request(pem, request),
        "server.pem": crypto.dump_certificate(pem, cert),
        "server.key": crypto.dump_privatekey(pem, key),
        "server.p12": make_bundle(key, cert, [intermediate.cert]),
        "intermediate.crl": make_crl(intermediate),
    }
    files["chain.pem"] = files["server.pem"] + files["intermediate.pem"]
    for name, content in files.items():
        path = pathlib.Path(arguments[0], name)
        secret = name.endswith((".key", ".p12"))
        path.touch(mode=0o600 if secret else 0o644)
        path.write_bytes(content)
        print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
