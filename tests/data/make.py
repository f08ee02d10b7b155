#!/usr/bin/env python3
"""Make the files in this directory with the openssl program.

    make.py           make what is missing
    make.py --again   make everything but the keys again
    make.py --check   say whether anything is missing, or no longer valid

Keys are random, so they are made once and kept; what is signed with an RSA or
Ed25519 key, or holds no salt, comes out the same each time. Everything but the
two certificates that are meant to be refused is valid from 2020 to 2099.
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PASSPHRASE = "secret"
START, END = "20200101000000Z", "20991231235959Z"

CONFIG = """
[ca]
default_ca = this
[this]
dir = .
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
default_md = sha256
policy = policy
unique_subject = no
string_mask = utf8only
[policy]
countryName = optional
organizationName = optional
commonName = optional
emailAddress = optional
[req]
distinguished_name = dn
prompt = no
string_mask = utf8only
[dn]
"""

CA = """
basicConstraints = critical, CA:TRUE{pathlen}
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
LEAF = """
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
extendedKeyUsage = {purpose}
{san}
"""
SAN = "subjectAltName = DNS:localhost, DNS:*.example.test, IP:127.0.0.1, IP:::1"


def leaf(purpose="serverAuth", san=SAN):
    return LEAF.format(purpose=purpose, san=san)


# dNSName "good.example.test" NUL ".evil.test": what a C string would cut short.
NUL_NAME = b"good.example.test\0.evil.test"
NUL_SAN = "subjectAltName = DER:" + (
    bytes([0x30, len(NUL_NAME) + 2, 0x82, len(NUL_NAME)]) + NUL_NAME
).hex(":")

# name, key, issuer, serial, subject, extensions, start, end
CERTIFICATES = [
    ("root", "root-key", None, 1, "/O=libpyossl tests/CN=Test Root", CA.format(pathlen=""), START, END),
    ("intermediate", "intermediate-key", "root", 2, "/O=libpyossl tests/CN=Test Intermediate",
     CA.format(pathlen=", pathlen:0"), START, END),
    ("other-root", "other-root-key", None, 1, "/O=libpyossl tests/CN=Other Root",
     CA.format(pathlen=""), START, END),
    ("stranger", "client-key", "other-root", 2, "/CN=localhost", leaf(), START, END),
    ("server", "rsa", "intermediate", 16, "/CN=localhost", leaf(), START, END),
    ("server-ec", "ec", "intermediate", 17, "/CN=localhost", leaf(), START, END),
    ("server-ed25519", "ed25519", "intermediate", 18, "/CN=localhost", leaf(), START, END),
    ("client", "client-key", "intermediate", 19,
     "/C=DE/O=libpyossl tests/CN=Test Client/emailAddress=client@example.test",
     leaf("clientAuth", "subjectAltName = email:client@example.test"), START, END),
    ("expired", "rsa", "intermediate", 20, "/CN=localhost", leaf(), START, "20210101000000Z"),
    ("not-yet-valid", "rsa", "intermediate", 21, "/CN=localhost", leaf(), "20980101000000Z", END),
    ("nul-in-san", "rsa", "intermediate", 22, "/CN=nul.example.test", leaf(san=NUL_SAN), START, END),
    ("revoked", "rsa", "intermediate", 23, "/CN=localhost", leaf(), START, END),
    ("cn-only", "rsa", "intermediate", 24, "/CN=cn.example.test", leaf(san=""), START, END),
    ("email-only", "rsa", "intermediate", 25, "/CN=cn.example.test",
     leaf(san="subjectAltName = email:someone@example.test"), START, END),
    ("partial-wildcard", "rsa", "intermediate", 26, "/CN=wild",
     leaf(san="subjectAltName = DNS:f*.example.test"), START, END),
    ("ip-as-dns", "rsa", "intermediate", 27, "/CN=127.0.0.1",
     leaf(san="subjectAltName = DNS:127.0.0.1"), START, END),
    ("under-leaf", "client-key", "server", 28, "/CN=not by an authority", leaf(), START, END),
    ("below-pathlen", "client-key", "sub-authority", 29, "/CN=too deep", leaf(), START, END),
]
# An authority below one that allows none (pathlen:0); made before what it signs.
CERTIFICATES.insert(-1, (
    "sub-authority", "other-root-key", "intermediate", 30, "/CN=Forbidden Authority",
    CA.format(pathlen=""), START, END))

KEYS = {
    "root-key": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "intermediate-key": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "other-root-key": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "client-key": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ed25519": ["-algorithm", "ED25519"],
    "rsa-large": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4208"],
    "dsa": None,
}

# made file, arguments; a file it needs is looked for here
CONVERSIONS = [
    ("rsa.der", "pkey -in rsa.pem -outform DER"),
    ("rsa-public.pem", "pkey -in rsa.pem -pubout"),
    ("rsa-public.der", "pkey -in rsa.pem -pubout -outform DER"),
    ("rsa-traditional.pem", "pkey -in rsa.pem -traditional"),
    ("ec.der", "pkey -in ec.pem -outform DER"),
    ("ec-public.pem", "pkey -in ec.pem -pubout"),
    ("ec-traditional.pem", "pkey -in ec.pem -traditional"),
    ("ed25519.der", "pkey -in ed25519.pem -outform DER"),
    ("ed25519-public.pem", "pkey -in ed25519.pem -pubout"),
    ("dsa-traditional.pem", "pkey -in dsa.pem -traditional"),
    ("server.der", "x509 -in server.pem -outform DER"),
    ("root.der", "x509 -in root.pem -outform DER"),
    ("request.pem", "req -new -config {config} -key rsa.pem -sha256 -subj /CN=localhost "
                    "-addext subjectAltName=DNS:localhost"),
    ("request.der", "req -in request.pem -outform DER"),
    ("dh.pem", "genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048"),
    ("ec-parameters.pem", "ecparam -name prime256v1"),
    ("crl.der", "crl -in crl.pem -outform DER"),
    ("pkcs7-certificates.pem", "crl2pkcs7 -nocrl -certfile chain.pem"),
    ("pkcs7-certificates.der", "crl2pkcs7 -nocrl -certfile chain.pem -outform DER"),
    ("pkcs7-crl.pem", "crl2pkcs7 -in crl.pem -certfile chain.pem"),
]
SALTED = [
    ("rsa-aes256.pem", "pkcs8 -topk8 -v2 aes-256-cbc -in rsa.pem -passout pass:{passphrase}"),
    ("rsa-aes256.der", "pkcs8 -topk8 -v2 aes-256-cbc -in rsa.pem -passout pass:{passphrase} -outform DER"),
    ("rsa-des3.pem", "pkey -in rsa.pem -traditional -des3 -passout pass:{passphrase}"),
    ("rsa-des.pem", "pkey -in rsa.pem -traditional -des -passout pass:{passphrase} "
                    "-provider legacy -provider default"),
    ("rsa-pkcs5v1-des.pem", "pkcs8 -topk8 -v1 PBE-MD5-DES -in rsa.pem -passout pass:{passphrase} "
                            "-provider legacy -provider default"),
    ("ec-aes256.pem", "pkcs8 -topk8 -v2 aes-256-cbc -in ec.pem -passout pass:{passphrase}"),
    ("ec-des3.pem", "pkey -in ec.pem -traditional -des3 -passout pass:{passphrase}"),
    ("ed25519-aes256.pem", "pkcs8 -topk8 -v2 aes-256-cbc -in ed25519.pem -passout pass:{passphrase}"),
    ("modern.p12", "pkcs12 -export {bundle} -name server"),
    ("des3.p12", "pkcs12 -export {bundle} -name server "
                 "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1"),
    ("rc2.p12", "pkcs12 -export {bundle} -name server -legacy"),
    ("no-mac.p12", "pkcs12 -export {bundle} -nomac"),
    ("certificates-only.p12", "pkcs12 -export -nokeys -in chain.pem -passout pass:{passphrase}"),
    ("key-only.p12", "pkcs12 -export -nocerts -inkey rsa.pem -passout pass:{passphrase} -name alone"),
    ("empty-passphrase.p12", "pkcs12 -export -inkey rsa.pem -in server.pem -passout pass:"),
    ("pkcs7-signed.pem", "smime -sign {message} -signer server.pem -inkey rsa.pem "
                         "-certfile intermediate.pem -outform PEM -nodetach -binary"),
    ("pkcs7-signed.der", "smime -sign {message} -signer server.pem -inkey rsa.pem "
                         "-certfile intermediate.pem -outform DER -nodetach -binary"),
    ("pkcs7-enveloped.pem", "smime -encrypt {message} -aes256 -outform PEM -binary server.pem"),
    ("pkcs7-enveloped.der", "smime -encrypt {message} -aes256 -outform DER -binary server.pem"),
]
BUNDLE = "-inkey rsa.pem -in server.pem -certfile intermediate.pem -passout pass:{passphrase}"


def openssl(arguments, cwd=HERE):
    """Run the program and return what it printed."""
    environment = {**os.environ, "OPENSSL_CONF": os.devnull}
    run = subprocess.run(["openssl", *arguments], cwd=cwd, env=environment, capture_output=True)
    if run.returncode != 0:
        sys.exit(f"openssl {' '.join(arguments)}\n{run.stderr.decode()}")
    return run.stdout


def write(name, data):
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


def make_key(name, options):
    if options is not None:
        return openssl(["genpkey", *options])
    with tempfile.TemporaryDirectory() as work:
        parameters = os.path.join(work, "parameters.pem")
        openssl(["genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:2048",
                 "-pkeyopt", "dsa_paramgen_q_bits:256", "-out", parameters])
        return openssl(["genpkey", "-paramfile", parameters])


@contextlib.contextmanager
def authority(issuer, serial="1000", database=""):
    """A directory in which `openssl ca` finds all it wants."""
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "config").write_text(CONFIG)
        (work / "index.txt").write_text(database)
        (work / "index.txt.attr").write_text("unique_subject = no\n")
        (work / "serial").write_text(serial + "\n")
        (work / "crlnumber").write_text("01\n")
        yield work


def key_of(name):
    return next(key for certificate, key, *_ in CERTIFICATES if certificate == name)


def issuer_options(issuer, name):
    if issuer is None:
        return ["-selfsign", "-keyfile", str(HERE / f"{key_of(name)}.pem")]
    return ["-cert", str(HERE / f"{issuer}.pem"), "-keyfile", str(HERE / f"{key_of(issuer)}.pem")]


def make_certificate(name, key, issuer, serial, subject, extensions, start, end):
    with authority(issuer, f"{serial:04X}") as work:
        (work / "extensions").write_text(extensions)
        openssl(["req", "-new", "-config", "config", "-key", str(HERE / f"{key}.pem"),
                 "-subj", subject, "-out", "request"], work)
        openssl(["ca", "-batch", "-config", "config", "-notext", "-in", "request", "-out", "out",
                 "-extfile", "extensions", "-startdate", start, "-enddate", end, "-preserveDN",
                 *issuer_options(issuer, name)], work)
        return (work / "out").read_bytes()


def make_crl(issuer, revoked):
    """`revoked`: serial number, when, and why, as the database of `openssl ca` has them."""
    rows = "".join(f"R\t991231235959Z\t{when}{why}\t{serial:04X}\tunknown\t/CN=localhost\n"
                   for serial, when, why in revoked)
    with authority(issuer, database=rows) as work:
        openssl(["ca", "-gencrl", "-config", "config", "-out", "out", "-crl_lastupdate", START,
                 "-crl_nextupdate", END, *issuer_options(issuer, None)], work)
        return (work / "out").read_bytes()


def read(*names):
    return b"".join((HERE / name).read_bytes() for name in names)


def run_line(line):
    with tempfile.TemporaryDirectory() as work:
        config = pathlib.Path(work, "config")
        config.write_text(CONFIG)
        line = line.replace("{bundle}", BUNDLE).replace("{message}", "-in message.txt")
        return openssl(line.format(config=config, passphrase=PASSPHRASE).split())


def make_spkac():
    """The base64 alone, as a browser sends it."""
    line = openssl(["spkac", "-key", "rsa.pem", "-challenge", "tests"])
    return line.removeprefix(b"SPKAC=").strip()


def steps():
    """Each file with how to make it, in an order in which that works; and whether it is a key."""
    yield "passphrase.txt", lambda: PASSPHRASE.encode() + b"\n", False
    yield "message.txt", lambda: b"The message of these tests.\r\n", False
    for name, options in KEYS.items():
        yield f"{name}.pem", lambda n=name, o=options: make_key(n, o), True
    for row in CERTIFICATES:
        yield f"{row[0]}.pem", lambda r=row: make_certificate(*r), False
    yield "chain.pem", lambda: read("server.pem", "intermediate.pem"), False
    yield "authorities.pem", lambda: read("root.pem", "other-root.pem"), False
    yield "crl.pem", lambda: make_crl("intermediate", [
        (23, "200601000000Z", ",keyCompromise"), (99, "200701000000Z", "")]), False
    yield "crl-empty.pem", lambda: make_crl("root", []), False
    yield "spkac.txt", make_spkac, False
    for name, line in CONVERSIONS + SALTED:
        yield name, lambda text=line: run_line(text), False
    yield "server-all.pem", lambda: read("rsa.pem", "server.pem", "intermediate.pem"), False


def make_directory():
    """Copies under the names that a lookup by hash asks for; symbolic links do not travel well."""
    directory = HERE / "capath"
    shutil.rmtree(directory, ignore_errors=True)
    for name in ("root", "other-root"):
        number = openssl(["x509", "-in", f"{name}.pem", "-noout", "-hash"]).decode().strip()
        write(f"capath/{number}.0", read(f"{name}.pem"))


def check():
    missing = [name for name, *_ in steps() if not (HERE / name).exists()]
    for name in missing:
        print(f"missing: {name}")
    told = (HERE / "README.md").read_text()
    untold = [name for name, *_ in steps() if f"`{name}`" not in told]
    for name in untold:
        print(f"not in README.md: {name}")
    for name in ("server", "server-ec", "server-ed25519", "client"):
        openssl(["verify", "-CAfile", "root.pem", "-untrusted", "intermediate.pem", f"{name}.pem"])
    openssl(["verify", "-CApath", "capath", "-untrusted", "intermediate.pem", "server.pem"])
    return 1 if missing or untold else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--again", action="store_true", help="make everything but the keys again")
    parser.add_argument("--check", action="store_true", help="say whether anything is missing")
    options = parser.parse_args()
    if options.check:
        return check()
    for name, make, is_key in steps():
        if not (HERE / name).exists() or (options.again and not is_key):
            write(name, make())
            print(name)
    make_directory()
    return check()


if __name__ == "__main__":
    sys.exit(main())
