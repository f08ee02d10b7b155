"""What the package has to call, and what to call it with; see matrix.py."""

import datetime
import inspect

from OpenSSL import SSL, crypto, rand

import tls
from tls import read

MODULES = (SSL, crypto, rand)

CERT = crypto.load_certificate(crypto.FILETYPE_PEM, read("server-ec.pem"))
KEY = crypto.load_privatekey(crypto.FILETYPE_PEM, read("ec.pem"))
RSA = crypto.load_privatekey(crypto.FILETYPE_PEM, read("rsa.pem"))
ROOT = crypto.load_certificate(crypto.FILETYPE_PEM, read("root.pem"))
CRL = crypto.load_crl(crypto.FILETYPE_PEM, read("crl.pem"))
SPKI = read("spkac.txt").strip()


# ---- what there is ----


def own(module):
    """The names of a module that are its own: (name, object)."""
    for name, value in sorted(vars(module).items()):
        if getattr(value, "__module__", None) == module.__name__ and name == getattr(value, "__name__", None):
            yield name, value


def functions():
    for module in MODULES:
        for name, value in own(module):
            if not name.startswith("_") and inspect.isroutine(value):
                yield f"{module.__name__}.{name}", value


def classes():
    for module in MODULES:
        for _, value in own(module):
            if inspect.isclass(value) and not issubclass(value, BaseException):
                yield value


def methods(cls):
    for name, value in inspect.getmembers(cls):
        if isinstance(value, SSL._Callback):  # an attribute, though it looks like a method
            continue
        if inspect.isroutine(value) and (not name.startswith("__") or name == "__getattr__"):
            yield name


def parameters(function):
    """[(name, kind, is required)] without self; None where there is no signature."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [(p.name, p.kind, p.default is p.empty) for p in found]


# ---- values ----


class Named:
    name = "prime256v1"


def wrong():
    """Values that are wrong nearly everywhere: of another type, or of the right type and senseless."""
    return [
        None, object(), -1, -(2**80), 2**31, 2**80, 1.5, float("nan"),
        "", "a\0b", "\udc80", b"", b"\0", b"\xff" * 2**20, [], [b"x", 1], [None], (), {}, bytearray(b"x"),
        memoryview(b"abcdef")[::2], SSL.Context, lambda *anything: None, CERT, KEY, crypto.X509.__new__(crypto.X509),
        crypto.PKey.__new__(crypto.PKey),
    ]  # fmt: skip


def few_wrong():
    """The same, fewer, for connections, of which there are many."""
    return [None, object(), -1, 2**80, 1.5, "a\0b", b"", b"\xff" * 2**20, [1], memoryview(b"abcdef")[::2], CERT]


# Work that was asked for and takes its time, or writes where it was told to, is no fault.
LONG = {
    ("iter", 2**31), ("maciter", 2**31), ("num_bytes", 2**31), ("olen", 2**31), ("bits", 2**31),
}  # fmt: skip

GOOD = {
    # keys, certificates and their like
    "cert": lambda: CERT, "certobj": lambda: CERT, "issuer_cert": lambda: ROOT, "certificate": lambda: CERT,
    "x509": lambda: CERT,
    "certificate_authority": lambda: ROOT, "certificate_authorities": lambda: [ROOT.get_subject()],
    "cacerts": lambda: [ROOT], "chain": lambda: [ROOT], "pkey": lambda: KEY, "key": lambda: KEY,
    "issuer_key": lambda: RSA, "subject": lambda: CERT.get_subject(), "issuer": lambda: CERT,
    "req": lambda: crypto.load_certificate_request(crypto.FILETYPE_PEM, read("request.pem")), "crl": lambda: CRL,
    "revoked": crypto.Revoked, "store": crypto.X509Store, "extensions": lambda: [comment()], "enc": lambda: SPKI,
    "crypto_cert": lambda: theirs(CERT.to_cryptography), "crypto_key": lambda: theirs(KEY.to_cryptography_key),
    "crypto_crl": lambda: theirs(CRL.to_cryptography),
    "crypto_req": lambda: theirs(GOOD["req"]().to_cryptography),
    # bytes and text
    "buffer": lambda: read("server-ec.pem"), "buf": lambda: b"x" * 100, "data": lambda: b"data",
    "signature": lambda: b"0" * 70, "digest": lambda: "sha256", "digest_name": lambda: "sha256",
    "mac_digest": lambda: "sha256", "cipher": lambda: "aes-128-cbc", "passphrase": lambda: b"secret",
    "name": lambda: b"localhost", "type_name": lambda: b"nsComment", "value": lambda: b"text",
    "when": lambda: b"20300101000000Z", "rounds": lambda: 10_000_000, "place": lambda: 0, "hex_str": lambda: b"1f", "reason": lambda: b"keyCompromise",
    "label": lambda: b"EXPORTER-tests", "context": lambda: b"context", "pem": lambda: read("dh.pem"),
    "protos": lambda: [b"h2"], "profiles": lambda: b"SRTP_AES128_CM_SHA1_80", "cipher_list": lambda: b"ALL",
    "ciphersuites": lambda: b"TLS_AES_128_GCM_SHA256", "groups": lambda: "P-256:P-384", "sigalgs": lambda: "ECDSA+SHA256:RSA-PSS+SHA256", "address": lambda: "127.0.0.1",
    # numbers
    "type": lambda: crypto.FILETYPE_PEM, "filetype": lambda: SSL.FILETYPE_PEM, "bits": lambda: 1024,
    "version": lambda: 0, "serial": lambda: 2**90, "amount": lambda: 60, "index": lambda: 0, "days": lambda: 10,
    "iter": lambda: 1, "maciter": lambda: 1, "flags": lambda: 0, "mode": lambda: 0, "mode_to_clear": lambda: 0,
    "options": lambda: 0, "depth": lambda: 5, "level": lambda: 1, "count": lambda: 2, "timeout": lambda: 300,
    "state": lambda: SSL.SENT_SHUTDOWN, "bufsiz": lambda: 100, "nbytes": lambda: 10, "olen": lambda: 20, "mtu": lambda: 1400,
    "num_bytes": lambda: 10, "entropy": lambda: 1, "maxbytes": lambda: 10, "bytes": lambda: 10, "errnum": lambda: 0,
    "method": lambda: SSL.TLS_METHOD, "nid": lambda: 415, "obj": lambda: 0,
    # truth, time, callables, anything
    "critical": lambda: False, "on": lambda: True, "allowed": lambda: True,
    "peer_too": lambda: False, "how": lambda: None, "as_cryptography": lambda: False,
    "vfy_time": lambda: datetime.datetime(2030, 1, 1), "callback": lambda: lambda *anything: True,
    "userdata": object, "socket": lambda: None, "session": SSL.Session, "curve": Named, "lib": lambda: None,
    "addr": lambda: ("127.0.0.1", 1), "file_path": lambda: [], "dir_path": lambda: [],
    # files
    "cafile": lambda: tls.DATA / "root.pem", "capath": lambda: tls.DATA / "capath", "dhfile": lambda: tls.DATA / "dh.pem",
    "certfile": lambda: tls.DATA / "server-ec.pem", "keyfile": lambda: tls.DATA / "ec.pem", "filename": lambda: "file",
    "path": lambda: "no-such-socket", "dir_env_var": lambda: "NO_DIR", "file_env_var": lambda: "NO_FILE",
    # where a name means something else
    "X509Name.name": lambda: CERT.get_subject(), "X509Name.__getattr__.name": lambda: "CN",
    "set_purpose.purpose": lambda: "sslserver", "set_max_cert_list.size": lambda: 102400,
    "X509Name.add_entry.field": lambda: "OU", "X509Name.add_entry.value": lambda: "second",
    "Connection.__getattr__.name": lambda: "fileno", "get_elliptic_curve.name": lambda: "prime256v1",
    "_EllipticCurve.name": lambda: "prime256v1", "set_verify_hostname.name": lambda: "localhost",
    "Connection.context": lambda: SSL.Context(SSL.TLS_METHOD), "set_context.context": tls.server_context,
    "generate_key.type": lambda: crypto.TYPE_RSA, "generate_key.group": lambda: None, "X509Extension.subject": lambda: CERT, "recv_into.buffer": lambda: bytearray(100),
    "SSLeay_version.type": lambda: 0, "OpenSSL_version.type": lambda: 0, "load_privatekey.buffer": lambda: read("ec.pem"),
    "load_publickey.buffer": lambda: read("ec-public.pem"), "load_pkcs7_data.buffer": lambda: read("pkcs7-signed.pem"),
    "load_pkcs12.buffer": lambda: read("modern.p12"), "load_crl.buffer": lambda: read("crl.pem"),
    "load_certificate_request.buffer": lambda: read("request.pem"), "set_app_data.data": object,
    "add_policy.oid": lambda: "2.5.29.32.0",
    "set_flags.flags": lambda: crypto.X509StoreFlags.X509_STRICT, "set_verify.mode": lambda: SSL.VERIFY_PEER,
    "set_timeout.timeout": lambda: 300, "NetscapeSPKI.verify.key": lambda: RSA,
}  # fmt: skip


def has_cryptography():
    """Whether the package is there: what it makes cannot be made without."""
    try:
        import cryptography  # noqa: F401
    except ImportError:
        return False
    return True


def theirs(convert):
    """An object of cryptography, or any other without it: nothing can be good then."""
    return convert() if has_cryptography() else object()


def comment():
    return crypto.X509Extension(b"nsComment", False, b"text")


def good(where, parameter):
    """A good value for a parameter of Class.method, or of a function."""
    cls, _, method = where.rpartition(".")
    for key in (f"{cls}.{method}.{parameter}", f"{method}.{parameter}", f"{cls}.{parameter}", parameter):
        if key in GOOD:
            return GOOD[key]()
    raise LookupError(f"matrix_values.py: GOOD has nothing for {parameter} of {where}")


def argument_lists(where, function, values):
    """Lists of arguments, each with one wrong: (text, positional, keywords)."""
    expected = [p for p in parameters(function) or [] if p[0] not in ("self", "type_")]
    positional = [p for p in expected if p[1] in (p[1].POSITIONAL_ONLY, p[1].POSITIONAL_OR_KEYWORD)]
    keywords = [p for p in expected if p[1] is p[1].KEYWORD_ONLY]
    for at, (name, _, _) in enumerate(positional):
        for number, value in enumerate(values()):
            if isinstance(value, int) and (name, value) in LONG:
                continue
            arguments = [good(where, other) for other, _, _ in positional]
            arguments[at] = value
            yield f"{name} = wrong[{number}] {value!r:.40}", arguments, {}
    for name, _, _ in keywords:
        for number, value in enumerate(values()):
            yield f"{name} = wrong[{number}] {value!r:.40}", [], {name: value}
    yield "too many", [None] * (len(positional) + 1), {}
    yield "no such keyword", [], {"no_such_parameter": 1}
    if any(required for _, _, required in positional):
        yield "too few", [], {}


def good_arguments(where, function):
    expected = [p for p in parameters(function) or [] if p[0] not in ("self", "type_")]
    return [good(where, name) for name, kind, _ in expected if kind in (kind.POSITIONAL_ONLY, kind.POSITIONAL_OR_KEYWORD)]
