"""Host names that are asked for, through the package: the table of tests/data/host-names.txt."""

import ipaddress
import re

import pytest

from OpenSSL import SSL, crypto
from tls import memory_pair, read, shake

FLAGS = {
    "cn": SSL.HOST_ALLOW_COMMON_NAME,
    "partial": SSL.HOST_ALLOW_PARTIAL_WILDCARDS,
    "plain": SSL.HOST_NO_WILDCARDS,
}
TAGS = {"DNS": 0x82, "IP": 0x87, "EMAIL": 0x81, "URI": 0x86}
MISMATCHES = (
    SSL.X509VerificationCodes.ERR_HOSTNAME_MISMATCH,
    SSL.X509VerificationCodes.ERR_IP_ADDRESS_MISMATCH,
)


def unescape(text):
    return re.sub(rb"\\x(..)", lambda found: bytes([int(found[1], 16)]), text)


def rows():
    for line in read("host-names.txt").splitlines():
        if line and not line.startswith(b"#"):
            asked, words, names, verdict = (b" " + line).split(b" | ")
            yield unescape(asked[1:]), words.decode().split(","), names.strip(), verdict.decode()


ROWS = list(rows())


def tlv(tag, body):
    length = bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2, "big")
    return bytes([tag]) + length + body


def certificate(names, key, issuer=None, issuer_key=None):
    """With these names; without an issuer an authority."""
    made = crypto.X509()
    made.set_version(2)
    made.set_serial_number(1)
    made.set_notBefore(b"20200101000000Z")
    made.set_notAfter(b"20990101000000Z")
    made.set_pubkey(key)
    alternatives = b""
    for kind, value in names:
        if kind == "CN":
            made.get_subject().commonName = value
        elif kind == "IP":
            alternatives += tlv(TAGS[kind], ipaddress.ip_address(value.decode()).packed)
        else:
            alternatives += tlv(TAGS[kind], unescape(value))
    made.set_issuer((issuer or made).get_subject())
    if alternatives:
        words = b"DER:" + tlv(0x30, alternatives).hex(":").encode()
        made.add_extensions([crypto.X509Extension(b"subjectAltName", False, words)])
    if issuer is None:
        made.add_extensions([crypto.X509Extension(b"basicConstraints", True, b"CA:TRUE")])
    made.sign(issuer_key or key, "sha256")
    return made


def pairs(names):
    """Contexts of a server with a certificate for these names, and of a client that trusts it."""
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, read("ec.pem"))
    authority = certificate([("CN", b"authority")], key)
    server, client = SSL.Context(SSL.TLS_METHOD), SSL.Context(SSL.TLS_METHOD)
    server.use_certificate(certificate(names, key, authority, key))
    server.use_privatekey(key)
    client.get_cert_store().add_cert(authority)
    client.set_verify(SSL.VERIFY_PEER)
    return server, client


def parse(names):
    for item in names.split(b", "):
        kind, _, value = item.partition(b":")
        yield kind.decode(), value


def verdict_of(pair):
    try:
        shake(*pair)
    except SSL.Error:
        assert pair[1].get_verify_result() in MISMATCHES
        return "differ"
    return "match"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("where", ["context", "connection"])
def test_na_108_na_110_na_112_table(where):
    """A name that is refused leaves the one before in force, which no certificate here has."""
    checked = 0
    for asked, words, names, expected in ROWS:
        parsed = list(parse(names))
        if any(kind == "CN" and b"\\x00" in value for kind, value in parsed) or (
            sum(kind == "CN" for kind, _ in parsed) > 1
        ):
            continue  # a name's attribute is one, and has no NUL: c/integration/test_host_names.c does these
        parsed = [(kind, unescape(value) if kind == "CN" else value) for kind, value in parsed]
        server, client = pairs(parsed)
        pair = memory_pair(server, client)
        target = client if where == "context" else pair[1]
        target.set_verify_hostname(b"before.invalid")
        flags = sum(FLAGS.get(word, 0) for word in words)
        try:
            if "ip" in words:
                target.set_verify_ip(asked)
            else:
                target.set_verify_hostname(asked, flags)
        except ValueError:
            got = "refused"
            assert verdict_of(memory_pair(server, client) if where == "context" else pair) == "differ"
        else:
            got = verdict_of(memory_pair(server, client) if where == "context" else pair)
        assert got == expected, (asked, words, names)
        checked += 1
    assert checked > 300


REFUSED = sorted({asked for asked, words, _, verdict in ROWS if verdict == "refused" and "ip" not in words})


@pytest.mark.parametrize("asked", REFUSED)
def test_na_108_refused_where_programs_call_openssl(asked):
    """X509_VERIFY_PARAM_set1_host() takes none of these either, and the name before stays in force."""
    pair = memory_pair(*pairs([("DNS", b"example.test")]))
    param = SSL._lib.SSL_get0_param(pair[1]._ssl)
    assert SSL._lib.X509_VERIFY_PARAM_set1_host(param, b"before.invalid", 14) == 1
    assert SSL._lib.X509_VERIFY_PARAM_set1_host(param, asked, len(asked)) == 0
    assert verdict_of(pair) == "differ"


def host(param, name=b"www.example.test"):
    assert SSL._lib.X509_VERIFY_PARAM_set1_host(param, name, len(name)) == 1


def flags(param, value=SSL._lib.X509_CHECK_FLAG_NO_WILDCARDS):
    SSL._lib.X509_VERIFY_PARAM_set_hostflags(param, value)


OF, OF_CONTEXT = SSL._lib.SSL_get0_param, SSL._lib.SSL_CTX_get0_param
ORDERS = {
    "flags first": lambda ctx, ssl: (flags(OF(ssl)), host(OF(ssl))),
    "host first": lambda ctx, ssl: (host(OF(ssl)), flags(OF(ssl))),
    "flags of the context": lambda ctx, ssl: (flags(OF_CONTEXT(ctx)), host(OF(ssl))),
    "host of the context": lambda ctx, ssl: (host(OF_CONTEXT(ctx)), flags(OF(ssl))),
    "another host": lambda ctx, ssl: (host(OF(ssl), b"other.test"), flags(OF(ssl)), host(OF(ssl))),
    "both of the context, flags first": lambda ctx, ssl: (flags(OF_CONTEXT(ctx)), host(OF_CONTEXT(ctx))),
    "both of the context, host first": lambda ctx, ssl: (host(OF_CONTEXT(ctx)), flags(OF_CONTEXT(ctx))),
}


@pytest.mark.parametrize("order", ORDERS)
def test_na_248_flags_hold_in_each_order(order):
    server, client = pairs([("DNS", b"*.example.test")])
    # What a Connection has of its Context, it has from the handshake on.
    pair = memory_pair(server, client)
    ORDERS[order](client, pair[1]._ssl)
    assert verdict_of(memory_pair(server, client) if order.startswith("both") else pair) == "differ"


def test_na_248_flags_of_the_last_call_count():
    pair = memory_pair(*pairs([("DNS", b"*.example.test")]))
    flags(OF(pair[1]))
    host(OF(pair[1]))
    flags(OF(pair[1]), 0)
    assert verdict_of(pair) == "match"


def test_na_248_flags_do_not_bring_a_host_back():
    pair = memory_pair(*pairs([("DNS", b"*.example.test"), ("IP", b"127.0.0.1")]))
    host(OF(pair[1]))
    assert SSL._lib.X509_VERIFY_PARAM_set1_ip(OF(pair[1]), b"\x7f\0\0\x02", 4) == 1
    flags(OF(pair[1]), 0)
    assert verdict_of(pair) == "differ"


def test_na_248_a_subject_that_never_counts():
    both = SSL._lib.X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | SSL._lib.X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT
    for value, verdict in ((both, "differ"), (SSL._lib.X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT, "match")):
        pair = memory_pair(*pairs([("CN", b"www.example.test")]))
        host(OF(pair[1]))
        flags(OF(pair[1]), value)
        assert verdict_of(pair) == verdict


def test_na_248_flags_that_come_too_late_raise():
    pair = memory_pair(*pairs([("DNS", b"*.example.test")]))
    host(OF(pair[1]))
    shake(*pair)
    with pytest.raises(SSL.Error):
        flags(OF(pair[1]))
