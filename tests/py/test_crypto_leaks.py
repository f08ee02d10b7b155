"""NA-069: what is done two thousand times leaves nothing behind, whether it works or fails."""

import functools
import gc
import os
import pathlib
import sys

import pytest
from conftest import DATA
from crypto_support import authority, certificate, name_of, rsa_key

from OpenSSL import crypto, rand

PAGE = os.sysconf("SC_PAGESIZE")
ROUNDS = 2000


@functools.lru_cache(maxsize=None)
def read(name):
    return (DATA / name).read_bytes()


ROOT, KEY = authority()
ROOT_PATH = str(DATA / "root.pem")
CERT_PEM = read("server.pem")
CERT = certificate("leaf", rsa_key(), ROOT, KEY)
SAN = crypto.X509Extension(b"subjectAltName", False, b"DNS:a.test, IP:192.0.2.1")
REQUEST = crypto.load_certificate_request(crypto.FILETYPE_PEM, read("request.pem"))
LIST = crypto.load_crl(crypto.FILETYPE_PEM, read("crl.pem"))
STORE = crypto.X509Store()
STORE.add_cert(ROOT)
EC_KEY = crypto.load_privatekey(crypto.FILETYPE_PEM, read("ec.pem"))
EC_CERT = crypto.load_certificate(crypto.FILETYPE_PEM, read("server-ec.pem"))
SIGNATURE = crypto.sign(EC_KEY, b"x", "sha256")
SPKI = read("spkac.txt").strip()
PKCS7 = read("pkcs7-certificates.der")


def p12():
    thing = crypto.PKCS12()
    thing.set_certificate(CERT)
    thing.set_privatekey(rsa_key())
    thing.set_ca_certificates([ROOT])
    thing.set_friendlyname(b"x")
    return thing


P12 = p12().export(b"secret", iter=1)


def raises(kind, function, *arguments, **named):
    try:
        function(*arguments, **named)
    except kind:
        return
    raise AssertionError("did not raise")


def name_fields():
    name = crypto.X509().get_subject()
    name.CN, name.O, name.CN = "a", "b", "c"
    name.CN, repr(name), name.get_components(), name.der(), name.hash()
    raises(crypto.Error, setattr, name, "C", "too long")
    raises(AttributeError, getattr, name, "nonsense")
    crypto.X509Name(name) == name


def certificate_fields():
    cert = crypto.X509()
    cert.set_serial_number(2**100)
    cert.get_serial_number()
    cert.set_notAfter(b"20300101000000Z")
    cert.gmtime_adj_notBefore(0)
    cert.get_notAfter(), cert.get_notBefore(), cert.has_expired()
    raises(ValueError, cert.set_notAfter, b"never")
    cert.set_subject(ROOT.get_subject())
    cert.set_pubkey(EC_KEY)
    cert.get_pubkey()
    cert.add_extensions([SAN])
    str(cert.get_extension(0))
    raises(IndexError, cert.get_extension, 1)
    raises(crypto.Error, crypto.X509().get_pubkey)


def crl_fields():
    crl = crypto.CRL()
    entry = crypto.Revoked()
    entry.set_serial(b"1f")
    entry.set_reason(b"superseded")
    entry.set_rev_date(b"20240101000000Z")
    crl.add_revoked(entry)
    crl.get_revoked()[0].get_reason()
    raises(crypto.Error, crl.add_revoked, crypto.Revoked())


def ec_list():
    crl = crypto.CRL()
    crl.export(ROOT, EC_KEY, digest="sha256")
    crl.sign(ROOT, EC_KEY, "sha256")
    raises(crypto.Error, crl.sign, ROOT, EC_KEY, "monkeys")


def judge():
    context = crypto.X509StoreContext(STORE, CERT, [ROOT])
    context.verify_certificate()
    context.get_verified_chain()
    raises(crypto.X509StoreContextError, crypto.X509StoreContext(crypto.X509Store(), CERT).verify_certificate)


# Made once: making a function fails badly in CPython 3.12 when there is no memory.
def give_secret(writing):
    return b"secret"


def give_three(writing):
    return 3


def passphrases():
    pem = read("ec-des3.pem")
    crypto.load_privatekey(1, pem, b"secret")
    crypto.load_privatekey(1, pem, give_secret)
    raises(crypto.Error, crypto.load_privatekey, 1, pem, b"wrong")
    raises(KeyError, crypto.load_privatekey, 1, pem, {}.__getitem__)
    raises(ValueError, crypto.load_privatekey, 1, pem, give_three)


def pkcs12():
    loaded = crypto.load_pkcs12(P12, b"secret")
    loaded.get_certificate(), loaded.get_ca_certificates(), loaded.get_privatekey()
    raises(crypto.Error, crypto.load_pkcs12, P12, b"wrong")
    raises(crypto.Error, crypto.load_pkcs12, P12[:-9], b"secret")
    p12().export(b"x", iter=1)
    raises(ValueError, p12().export, b"x", cipher="zippers")


def request():
    req = crypto.X509Req()
    req.get_subject().CN = "x"
    req.set_pubkey(EC_KEY)
    req.add_extensions([SAN])
    req.get_extensions()
    req.sign(EC_KEY, "sha256")
    req.verify(EC_KEY)
    raises(crypto.Error, req.verify, rsa_key())
    raises(ValueError, req.set_version, -1)


def extensions():
    crypto.X509Extension(b"subjectKeyIdentifier", False, b"hash", subject=CERT)
    raises(crypto.Error, crypto.X509Extension, b"nonsense", False, b"x")
    raises(TypeError, crypto.X509Extension, b"nsComment", False, b"x", 3)
    SAN.get_data(), SAN.get_short_name(), SAN.get_general_names(), SAN.get_oid(), SAN._nid


def keys():
    crypto.dump_privatekey(1, EC_KEY)
    crypto.dump_privatekey(2, EC_KEY)
    crypto.load_privatekey(2, read("ec.der"))
    crypto.load_publickey(1, crypto.dump_publickey(1, EC_KEY))
    raises(crypto.Error, crypto.PKey().generate_key, -1, 0)
    raises(TypeError, crypto.PKey().check)
    raises(TypeError, crypto.dump_privatekey, 1, EC_KEY, "aes-128-cbc")


def cycle():
    cert = crypto.X509()
    cert.me, cert.name = cert, cert.get_subject()


ACTIONS = {
    "certificate fields": certificate_fields,
    "certificates": lambda: (crypto.dump_certificate(1, crypto.load_certificate(1, CERT_PEM)),
                             raises(crypto.Error, crypto.load_certificate, 1, b"nonsense"),
                             raises(crypto.Error, crypto.load_certificate, 2, CERT_PEM)),
    "certificates as text": lambda: (CERT.digest("sha256"), crypto.dump_certificate(65535, CERT)),
    "cycles": cycle,
    "extensions": extensions,
    "keys": keys,
    "list entries": crl_fields,
    "lists": lambda: (LIST.get_issuer(), LIST.get_revoked(), crypto.dump_crl(1, LIST)),
    "lists signed": ec_list,
    "messages": lambda: (crypto.load_pkcs7_data(2, PKCS7).get_certificates(),
                         raises(crypto.Error, crypto.load_pkcs7_data, 2, PKCS7[:50])),
    "names": name_fields,
    "passphrases": passphrases,
    "pkcs12": pkcs12,
    "random": lambda: (rand.bytes(100), rand.add(b"x", 0), raises(ValueError, rand.bytes, -1)),
    "requests": request,
    "signatures": lambda: (crypto.sign(EC_KEY, b"x", "sha256"),
                           crypto.verify(EC_CERT, SIGNATURE, b"x", "sha256"),
                           raises(crypto.Error, crypto.verify, EC_CERT, SIGNATURE, b"y", "sha256")),
    "spki": lambda: (crypto.NetscapeSPKI(SPKI).b64_encode(), raises(crypto.Error, crypto.NetscapeSPKI, b"x")),
    "stores": lambda: (crypto.X509Store().load_locations(ROOT_PATH), crypto.X509Store().add_cert(ROOT),
                       crypto.X509Store().add_crl(LIST),
                       raises(crypto.Error, crypto.X509Store().load_locations, "/missing")),
    "verification": judge,
    "views": lambda: name_of("x").CN,
}


def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * PAGE


def sanitized():
    return "libasan" in pathlib.Path("/proc/self/maps").read_text()


@pytest.mark.skipif(not pathlib.Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_na_069_nothing_stays(name):
    action = ACTIONS[name]
    if sanitized():
        pytest.skip("released memory is kept on purpose")

    def run(rounds):
        for _ in range(rounds):
            action()
        gc.collect()
        return resident(), sys.getallocatedblocks()

    run(300)
    # The allocator may still be growing: what leaks does so every time.
    for _ in range(3):
        before, blocks = run(100)
        after, blocks_after = run(ROUNDS)
        if after - before < ROUNDS * 100 and blocks_after - blocks < ROUNDS / 4:
            return
    raise AssertionError(f"{(after - before) / ROUNDS} bytes, {(blocks_after - blocks) / ROUNDS} objects a round")
