"""Make the first inputs of each fuzz target, from tests/data and from handshakes made here.

    python3 seeds.py [CORPUS-FOLDER]
"""

import base64
import hashlib
import pathlib
import re
import ssl
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parent.parent / "data"

FILES = {
    "certificate": ["*.pem", "*.der"],
    "request": ["request.*"],
    "revocation_list": ["crl*"],
    "key": ["rsa*", "ec*", "ed25519*", "dsa*"],
    "pkcs7": ["pkcs7*"],
    "pkcs12": ["*.p12"],
    "spkac": ["spkac*"],
}
WORDS = {
    "extension": [
        b"\x00\x01CA:TRUE, pathlen:0", b"\x01\x01keyCertSign, cRLSign", b"\x02\x00serverAuth, 1.2.3.4",
        b"\x03\x00DNS:example.org, IP:192.0.2.1, email:a@b.c, URI:http://x/, RID:1.2.3, otherName:1.2.3;UTF8:x",
        b"\x04\x00issuer:copy", b"\x05\x01permitted;DNS:.example.org, excluded;IP:10.0.0.0/255.0.0.0",
        b"\x06\x00OCSP;URI:http://ocsp.example/", b"\x07\x00URI:http://example/crl",
        b"\x08\x00a comment", b"\x09\x00requireExplicitPolicy:3", b"\x0a\x001.2.3.4",
        b"\x0b\x00hash", b"\x0c\x00keyid:always, issuer:always",
        b"\x0d\x00language:id-ppl-anyLanguage, pathlen:1, policy:text:AB", b"\x0e\x00DER:05:00",
        b"\x0e\x00ASN1:UTF8String:text", b"\x0f\x00status_request",
    ],
    "validity": [
        b"20200101000000Z", b"200101000000Z", b"2001010000Z", b"20040203040506+0530",
        b"20040203040506-0115", b"20040203040506.789Z", b"99991231235959Z", b"20000229000000Z",
        b"20010229000000Z", b"500101000000Z", b"491231235959Z", struct.pack("<q", 86400),
        struct.pack("<q", -86400), struct.pack("<q", 1 << 62),
    ],
    "hostname": [
        b"\x00example.org", b"\x00EXAMPLE.org.", b"\x01xn--bcher-kva.example", b"\x02127.0.0.1",
        b"\x002001:db8::1", b"\x00[::1]", b"\x00*.example.org", b"\x00.example.org", b"\x00a" * 130,
        b"\x00" + b"a" * 63 + b".example", b"\x00" + b"a" * 64 + b".example", b"\x00-a.example",
        b"\x00example.org\x00.evil", b"\x00::ffff:192.0.2.1", b"\x000x7f.1",
    ],
    "settings": [
        b"\x00HIGH:!aNULL:@STRENGTH", b"\x00DEFAULT@SECLEVEL=0", b"\x01TLS_AES_128_GCM_SHA256",
        b"\x02X25519:P-256:P-384", b"\x03\x02h2\x08http/1.1", b"\x04SRTP_AES128_CM_SHA1_80",
        b"\x05prime256v1", b"\x06session", b"\x00ALL:COMPLEMENTOFALL", b"\x01", b"\x03\x00",
    ],
    "operations": [
        bytes([0x81, 0, 0x83, 255, 0x01, 0, 0x03, 255] * 12),
        bytes([0x8F, 0, 0x0F, 0] * 20 + [0x84, 100, 0x83, 255, 0x05, 200] * 5),
        bytes([0x8F, 0, 0x0F, 0] * 20 + [0x89, 1, 0x84, 9, 0x83, 255, 0x05, 99, 0x87, 0, 0x83, 255, 0x07, 0]),
        bytes([0x8F, 0, 0x0F, 0] * 20 + [0x0D, 0, 0x03, 255, 0x85, 9, 0x83, 255, 0x05, 9, 0x88, 0, 0x08, 0]),
    ],
    "name": [
        bytes.fromhex("3000"), b"\x02\x05value", b"\x00\x02SE\x01\x07Example\x02\x04host",
        b"\x02\x06a\x00b\xc3\xa5c",
    ],
}  # fmt: skip


def names_in(certificate):
    """The DER of subject and issuer: what a name's input looks like."""
    return re.findall(rb"\x30[\x10-\x7f]\x31[\x08-\x40]\x30[\x06-\x40]\x06\x03\x55\x04.*?(?=\x30\x1e\x17)",
                      certificate, re.DOTALL)


def handshake(version):
    """What each side of a handshake sends, until the other would need a secret."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.minimum_version = client.maximum_version = version
    client.set_alpn_protocols(["h2", "http/1.1"])
    key, chain = server_files()
    server.load_cert_chain(chain, key)
    server.set_alpn_protocols(["h2"])
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    a = client.wrap_bio(to_client, to_server, server_hostname="host.example")
    b = server.wrap_bio(to_server, to_client, server_side=True)
    sent = {"client": b"", "server": b""}
    for _ in range(4):
        for name, side, out in (("client", a, to_server), ("server", b, to_client)):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            data = out.read()
            sent[name] += data
            out.write(data)
    return sent


def server_files():
    """A key of tests/data and the certificate that goes with it."""
    for key in sorted(DATA.glob("*.pem")):
        for chain in ("chain.pem", "server.pem"):
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                    DATA / chain, key, password=lambda: b""
                )
                return key, DATA / chain
            except (ssl.SSLError, OSError, ValueError):
                continue
    raise SystemExit("no key of tests/data goes with its chain")


def datagrams():
    """DTLS 1.2 ClientHellos, with and without a cookie, in this target's framing."""
    out = b""
    for cookie in (b"", b"cookie", b"wrong!"):
        hello = b"\xfe\xfd" + bytes(32) + b"\x00" + bytes([len(cookie)]) + cookie
        hello += b"\x00\x04\xc0\x2b\x00\xff" + b"\x01\x00"
        hello += b"\x00\x12\x00\x0a\x00\x04\x00\x02\x00\x17\x00\x0d\x00\x06\x00\x04\x04\x03\x08\x04"
        body = b"\x01" + len(hello).to_bytes(3, "big") + bytes(5) + len(hello).to_bytes(3, "big") + hello
        record = b"\x16\xfe\xff" + bytes(8) + len(body).to_bytes(2, "big") + body
        out += bytes([len(record)]) + record
    return out


def openssl(*words):
    """What the program writes; the passphrase of everything is that of tests/data."""
    command = ["openssl", *(str(word) for word in words)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def quickly_derived():
    """Bundles and encrypted keys of one round each, as the time of others goes into nothing else."""
    pair = ("-inkey", DATA / "ec.pem", "-in", DATA / "server-ec.pem")
    rounds = ("-iter", 1, "-passout", "pass:secret")
    for more in (
        (), ("-nomac",), ("-keypbe", "NONE", "-certpbe", "NONE"), ("-macalg", "sha1"),
        ("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES"), ("-certfile", DATA / "intermediate.pem"),
        ("-name", "friendly", "-caname", "another", "-certfile", DATA / "intermediate.pem"),
    ):  # fmt: skip
        yield "pkcs12", openssl("pkcs12", "-export", *pair, *rounds, *more)
    yield "pkcs12", openssl("pkcs12", "-export", "-nokeys", "-in", DATA / "server-ec.pem", *rounds)
    yield "pkcs12", openssl("pkcs12", "-export", *pair, "-iter", 1, "-passout", "pass:")
    for form in ("DER", "PEM"):
        for cipher in (("-v2", "aes-128-cbc"), ("-v2", "des3"), ("-v1", "PBE-SHA1-3DES")):
            yield "key", openssl("pkcs8", "-topk8", "-in", DATA / "ec.pem", "-outform", form, *cipher, *rounds)
    for key in ("ec", "ed25519", "rsa", "dsa"):
        yield "key", openssl("pkey", "-in", DATA / f"{key}.pem", "-outform", "DER")
        yield "key", openssl("pkey", "-in", DATA / f"{key}.pem", "-pubout", "-outform", "DER")


def revocation_lists():
    """Lists that are short."""
    for name in ("crl.pem", "crl-empty.pem"):
        yield "revocation_list", openssl("crl", "-in", DATA / name, "-outform", "DER")


def inputs():
    yield from quickly_derived()
    yield from revocation_lists()
    for target, patterns in FILES.items():
        for pattern in patterns:
            for path in sorted(DATA.glob(pattern)):
                yield target, path.read_bytes()
    for target, items in WORDS.items():
        for item in items:
            yield target, item
    for path in sorted(DATA.glob("*.pem")):
        for block in re.findall(rb"BEGIN CERTIFICATE-+\s(.*?)-+END", path.read_bytes(), re.DOTALL):
            der = base64.b64decode(block)
            yield "certificate", der
            for name in names_in(der)[:2]:
                yield "name", name
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        sent = handshake(version)
        yield "client_bytes", sent["client"]
        yield "server_bytes", sent["server"]
    yield "dtls_listen", datagrams()
    yield "client_bytes", b"GET / HTTP/1.0\r\n\r\n"
    yield "server_bytes", b"\x15\x03\x03\x00\x02\x02\x28"


def main(folder):
    for target, data in inputs():
        place = pathlib.Path(folder) / target
        place.mkdir(parents=True, exist_ok=True)
        (place / hashlib.sha1(data).hexdigest()[:16]).write_bytes(data)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else HERE / "corpus")
