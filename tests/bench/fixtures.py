"""Certificates, keys and a CA bundle for the workloads, made by this library."""

import os
import pathlib
import subprocess
import sys
import time

SCRIPT = """
import subprocess, sys, pathlib
from OpenSSL import crypto

folder, PEM, DER = pathlib.Path(sys.argv[1]), crypto.FILETYPE_PEM, crypto.FILETYPE_ASN1


def extensions(cert, issuer, ca):
    def one(name, critical, value, **more):
        return crypto.X509Extension(name, critical, value, **more)

    yield one(b"basicConstraints", True, b"CA:TRUE" if ca else b"CA:FALSE")
    yield one(b"keyUsage", True, b"keyCertSign, cRLSign" if ca else b"digitalSignature, keyEncipherment")
    yield one(b"subjectKeyIdentifier", False, b"hash", subject=cert)
    yield one(b"subjectAltName", False, b"DNS:localhost, DNS:*.example.org, IP:127.0.0.1")
    yield one(b"crlDistributionPoints", False, b"URI:http://example.org/crl")
    yield one(b"authorityInfoAccess", False, b"OCSP;URI:http://ocsp.example.org/")
    yield one(b"nsComment", False, b"made for measuring")
    if not ca:
        yield one(b"extendedKeyUsage", False, b"serverAuth, clientAuth")


def make(name, key, issuer, issuer_key, ca):
    cert = crypto.X509()
    cert.set_version(2)
    cert.set_serial_number(0x1234567890ABCDEF1234 + len(name))
    subject = cert.get_subject()
    subject.C, subject.O, subject.OU, subject.CN = "SE", "Example", "Benchmarks", name
    cert.set_issuer((issuer or cert).get_subject())
    cert.gmtime_adj_notBefore(-86400)
    cert.gmtime_adj_notAfter(3650 * 86400)
    cert.set_pubkey(key)
    cert.add_extensions(list(extensions(cert, issuer, ca)))
    cert.add_extensions([crypto.X509Extension(b"authorityKeyIdentifier", False, b"keyid", issuer=issuer or cert)])
    cert.sign(issuer_key or key, "sha256")
    return cert


def new_key(kind):
    if kind == "rsa":
        key = crypto.PKey()
        key.generate_key(crypto.TYPE_RSA, 2048)
        return key
    command = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    return crypto.load_privatekey(PEM, subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def write(name, data):
    (folder / name).write_bytes(data)


for kind in ("ec", "rsa"):
    root_key, issuer_key, key = new_key(kind), new_key(kind), new_key(kind)
    root = make(kind + " root", root_key, None, None, True)
    issuer = make(kind + " intermediate", issuer_key, root, root_key, True)
    leaf = make("localhost", key, issuer, issuer_key, False)
    for name, cert in (("", leaf), ("-intermediate", issuer), ("-root", root)):
        write(kind + name + ".pem", crypto.dump_certificate(PEM, cert))
    write(kind + ".der", crypto.dump_certificate(DER, leaf))
    write(kind + "-chain.pem", crypto.dump_certificate(PEM, leaf) + crypto.dump_certificate(PEM, issuer))
    write(kind + ".key", crypto.dump_privatekey(PEM, key))
    write(kind + "-enc.key", crypto.dump_privatekey(PEM, key, "aes-256-cbc", b"secret"))
"""


def make(folder, package):
    """Fill @folder, unless it is; @package is where our package is found."""
    if (folder / "bundle.pem").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    environment = {"PYTHONPATH": package, "PATH": os.environ.get("PATH", "/usr/bin:/bin")}
    subprocess.run([sys.executable, "-c", SCRIPT, str(folder)], check=True, env=environment)
    system = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
    bundle = system.read_bytes() if system.exists() else (folder / "ec-root.pem").read_bytes() * 140
    (folder / "bundle.pem").write_bytes(bundle)
    time.sleep(2.1)  # a file that was changed this moment is not kept
