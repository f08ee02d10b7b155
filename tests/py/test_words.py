"""Errors that explain themselves: what was not understood, what was given instead, what to do."""

import sys

import pytest
from crypto_support import certificate, rsa_key
from tls import DATA, carry, client_context, memory_pair, read, reasons, server_context

from OpenSSL import SSL, crypto

WRONG = "no/such/thing"
BYTES = WRONG.encode()


def said(call, *args):
    """All that the exception of a call shows to who reads a traceback."""
    with pytest.raises((SSL.Error, crypto.Error, ValueError, AttributeError)) as caught:
        call(*args)
    error = caught.value
    notes = getattr(error, "__notes__", [])
    if sys.version_info >= (3, 11) and getattr(error, "detail", ""):
        assert error.detail in "\n".join(notes)
    return "\n".join([str(error), getattr(error, "detail", ""), *notes])


def extension(kind, value):
    return lambda: crypto.X509Extension(kind.encode(), False, value.encode())


def context():
    return SSL.Context(SSL.TLS_METHOD)


def connection():
    return SSL.Connection(context(), None)


def pkcs12():
    made = crypto.PKCS12()
    made.set_privatekey(rsa_key())
    return made


# Everything that takes a text which can be wrong.
TEXTS = {
    "set_cipher_list": lambda: context().set_cipher_list(BYTES),
    "set_tls13_ciphersuites": lambda: context().set_tls13_ciphersuites(BYTES),
    "set_groups": lambda: context().set_groups(WRONG),
    "set_groups, one of two": lambda: context().set_groups("P-256:" + WRONG),
    "set_sigalgs": lambda: context().set_sigalgs(WRONG),
    "set_client_sigalgs": lambda: context().set_client_sigalgs(WRONG),
    "Connection.set_groups": lambda: connection().set_groups(WRONG),
    "Connection.set_sigalgs": lambda: connection().set_sigalgs(WRONG),
    "Connection.set_client_sigalgs": lambda: connection().set_client_sigalgs(WRONG),
    "set_tlsext_use_srtp": lambda: context().set_tlsext_use_srtp(BYTES),
    "set_alpn_protos": lambda: context().set_alpn_protos([BYTES * 20]),
    "Connection.set_alpn_protos": lambda: connection().set_alpn_protos([BYTES * 20]),
    "set_verify_hostname": lambda: context().set_verify_hostname(WRONG),
    "Connection.set_verify_hostname": lambda: connection().set_verify_hostname(WRONG),
    "set_verify_ip": lambda: context().set_verify_ip(WRONG),
    "Connection.set_verify_ip": lambda: connection().set_verify_ip(WRONG),
    "set_tlsext_host_name": lambda: connection().set_tlsext_host_name(BYTES * 20),
    "load_verify_locations": lambda: context().load_verify_locations(WRONG),
    "use_certificate_file": lambda: context().use_certificate_file(WRONG),
    "use_privatekey_file": lambda: context().use_privatekey_file(WRONG),
    "use_certificate_chain_file": lambda: context().use_certificate_chain_file(WRONG),
    "load_client_ca": lambda: context().load_client_ca(BYTES),
    "load_tmp_dh": lambda: context().load_tmp_dh(WRONG),
    "X509Store.load_locations": lambda: crypto.X509Store().load_locations(WRONG),
    "X509Store.set_purpose": lambda: crypto.X509Store().set_purpose(WRONG),
    "X509Store.add_policy": lambda: crypto.X509Store().add_policy(WRONG),
    "X509.set_notBefore": lambda: crypto.X509().set_notBefore(BYTES),
    "X509.set_notAfter": lambda: crypto.X509().set_notAfter(BYTES),
    "CRL.set_lastUpdate": lambda: crypto.CRL().set_lastUpdate(BYTES),
    "CRL.set_nextUpdate": lambda: crypto.CRL().set_nextUpdate(BYTES),
    "Revoked.set_rev_date": lambda: crypto.Revoked().set_rev_date(BYTES),
    "Revoked.set_serial": lambda: crypto.Revoked().set_serial(BYTES),
    "Revoked.set_reason": lambda: crypto.Revoked().set_reason(BYTES),
    "X509.sign": lambda: certificate().sign(rsa_key(), WRONG),
    "X509.digest": lambda: certificate().digest(WRONG),
    "X509Req.sign": lambda: crypto.X509Req().sign(rsa_key(), WRONG),
    "NetscapeSPKI.sign": lambda: crypto.NetscapeSPKI().sign(rsa_key(), WRONG),
    "CRL.export": lambda: crypto.CRL().export(certificate(), rsa_key(), digest=BYTES),
    "sign": lambda: crypto.sign(rsa_key(), b"", WRONG),
    "verify": lambda: crypto.verify(certificate(), b"", b"", WRONG),
    "NetscapeSPKI": lambda: crypto.NetscapeSPKI(WRONG),
    "dump_privatekey": lambda: crypto.dump_privatekey(crypto.FILETYPE_PEM, rsa_key(), WRONG, b"x"),
    "get_elliptic_curve": lambda: crypto.get_elliptic_curve(WRONG),
    "PKCS12.export, cipher": lambda: pkcs12().export(b"x", cipher=WRONG),
    "PKCS12.export, digest": lambda: pkcs12().export(b"x", mac_digest=WRONG),
    "X509Extension, type": extension(WRONG, "x"),
    "X509Extension, constraints": extension("basicConstraints", WRONG),
    "X509Extension, usage": extension("keyUsage", WRONG),
    "X509Extension, names": extension("subjectAltName", "DNS:localhost,IP:" + WRONG),
    "X509Extension, purposes": extension("extendedKeyUsage", WRONG),
    "X509Extension, key": extension("subjectKeyIdentifier", WRONG),
    "X509Name, field": lambda: setattr(crypto.X509().get_subject(), WRONG, "x"),
    "X509Name, a look": lambda: getattr(crypto.X509().get_subject(), WRONG),
    "X509Name, value": lambda: setattr(crypto.X509().get_subject(), "C", WRONG),
    "X509Name.add_entry, field": lambda: crypto.X509().get_subject().add_entry(WRONG, "x"),
    "X509Name.add_entry, value": lambda: crypto.X509().get_subject().add_entry("C", WRONG),
}


@pytest.mark.parametrize("what", TEXTS)
def test_na_243_a_wrong_text_is_shown(what):
    assert WRONG in said(TEXTS[what])


# Numbers that are no such thing.
NUMBERS = {
    "set_min_proto_version": lambda: context().set_min_proto_version(77),
    "set_max_proto_version": lambda: context().set_max_proto_version(77),
    "set_security_level": lambda: context().set_security_level(77),
    "set_verify": lambda: context().set_verify(77),
    "set_timeout": lambda: context().set_timeout(-77),
    "use_certificate_file": lambda: context().use_certificate_file(DATA / "root.pem", 77),
    "use_privatekey_file": lambda: context().use_privatekey_file(DATA / "rsa.pem", 77),
    "load_certificate": lambda: crypto.load_certificate(77, b""),
    "dump_certificate": lambda: crypto.dump_certificate(77, certificate()),
    "load_privatekey": lambda: crypto.load_privatekey(77, b""),
    "X509Store.set_depth": lambda: crypto.X509Store().set_depth(-77),
    "gmtime_adj_notAfter": lambda: crypto.X509().gmtime_adj_notAfter(1 << 62 | 77),
}


@pytest.mark.parametrize("what", NUMBERS)
def test_na_243_a_wrong_number_is_shown(what):
    assert "77" in said(NUMBERS[what]) or str(1 << 62 | 77) in said(NUMBERS[what])


def test_na_243_what_is_shown_is_text():
    """Neither lines nor screens of what somebody else may have written."""
    shown = said(context().set_cipher_list, b"one\ntwo\x1b[1m" + b"x" * 1000)
    assert "one?two?[1mxxx" in shown and "\x1b" not in shown and "x" * 200 not in shown
    assert "\N{REPLACEMENT CHARACTER}" in said(context().set_cipher_list, b"\xff\xfe")
    assert "(empty)" in said(context().set_tls13_ciphersuites, b":") or ":" in said(context().set_tls13_ciphersuites, b":")
    assert "(empty)" in said(context().set_verify_ip, "")


@pytest.mark.parametrize("set_time", ["set_notBefore", "set_notAfter"])
def test_na_243_the_form_of_a_time(set_time):
    for wrong in (b"tomorrow", b"2030-01-01", b"20300101", b""):
        assert "YYYYMMDDhhmmssZ" in said(getattr(crypto.X509(), set_time), wrong)


LOADERS = {
    "certificate": (crypto.load_certificate, "root.pem"),
    "privatekey": (crypto.load_privatekey, "rsa.pem"),
    "publickey": (crypto.load_publickey, "rsa-public.pem"),
    "request": (crypto.load_certificate_request, "request.pem"),
    "crl": (crypto.load_crl, "crl.pem"),
    "pkcs7": (crypto.load_pkcs7_data, "pkcs7-signed.pem"),
}


@pytest.mark.parametrize("what", LOADERS)
def test_na_243_pem_and_der(what):
    load, name = LOADERS[what]
    pem = read(name)
    for text in (pem, b"\n\n" + pem, b"\xef\xbb\xbf" + pem):
        assert "it is PEM, not DER" in said(load, crypto.FILETYPE_ASN1, text)
    assert "is it DER?" in said(load, crypto.FILETYPE_PEM, b"\x30\x82\x01\x00" + bytes(256))
    label, name = ("PRIVATE KEY", "rsa.pem") if what in ("certificate", "pkcs7") else ("CERTIFICATE", "root.pem")
    assert f"not: {label}" in said(load, crypto.FILETYPE_PEM, read(name))
    nothing = said(load, crypto.FILETYPE_PEM, b"nothing")
    assert "DER" not in nothing and "not:" not in nothing
    assert "PEM" not in said(load, crypto.FILETYPE_ASN1, b"nothing")
    assert "FILETYPE_PEM" in said(load, crypto.FILETYPE_TEXT, pem)


def test_na_243_files_of_the_other_type(tmp_path):
    certificate_der, key_der = tmp_path / "cert.der", tmp_path / "key.der"
    certificate_der.write_bytes(crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate()))
    key_der.write_bytes(crypto.dump_privatekey(crypto.FILETYPE_ASN1, rsa_key()))
    assert "is it DER?" in said(context().use_certificate_file, certificate_der)
    assert "is it DER?" in said(context().use_privatekey_file, key_der)
    assert "is it DER?" in said(context().use_certificate_chain_file, certificate_der)
    assert "it is PEM, not DER" in said(context().use_certificate_file, DATA / "root.pem", SSL.FILETYPE_ASN1)
    assert "it is PEM, not DER" in said(context().use_privatekey_file, DATA / "rsa.pem", SSL.FILETYPE_ASN1)
    assert "it is PEM, not DER" in said(crypto.load_pkcs12, read("root.pem"), b"x")


def test_na_243_passphrases():
    encrypted = crypto.dump_privatekey(crypto.FILETYPE_PEM, rsa_key(), "aes-128-cbc", b"right")
    for text in (encrypted, read("rsa-aes256.pem")):
        assert "no passphrase was given" in said(crypto.load_privatekey, crypto.FILETYPE_PEM, text)
        assert "maybe wrong password" in said(crypto.load_privatekey, crypto.FILETYPE_PEM, text, b"wrong")
    assert "no passphrase was given" in said(context().use_privatekey_file, DATA / "rsa-aes256.pem")
    file = pkcs12().export(b"right")
    assert "no passphrase was given" in said(crypto.load_pkcs12, file)
    assert "maybe wrong password" in said(crypto.load_pkcs12, file, b"wrong")
    assert "without it nobody can tell" in said(crypto.load_pkcs12, pkcs12().export(b"x", maciter=-1), b"x")
    assert "no key and no certificate" in said(crypto.PKCS12().export)


@pytest.mark.parametrize("side", ["set_connect_state", "set_accept_state"])
@pytest.mark.parametrize("sent", [b"HTTP/1.0 400 Bad Request\r\n", b"GET / HTTP/1.0\r\n\r\n", b"220 mail.example ESMTP\r\n"])
def test_na_243_a_peer_without_tls(side, sent):
    peer = connection()
    getattr(peer, side)()
    with pytest.raises(SSL.WantReadError):
        peer.do_handshake()
    peer.bio_write(sent)
    for _ in range(2):
        assert "is not TLS" in said(peer.do_handshake)


def test_na_243_which_certificate_a_store_refuses():
    leaf = crypto.load_certificate(crypto.FILETYPE_PEM, read("server.pem"))
    with pytest.raises(crypto.X509StoreContextError) as caught:
        crypto.X509StoreContext(crypto.X509Store(), leaf).verify_certificate()
    error = caught.value
    number, depth, text = error.errors
    assert error.args == (error.errors,) and str(error) == text
    assert error.detail.startswith(f"error {number}, depth {depth}, subject: /") and "CN=localhost" in error.detail
    if sys.version_info >= (3, 11):
        assert error.__notes__ == [error.detail]
    assert crypto.X509StoreContextError("text", [1, 2, "text"], leaf).detail == ""


# ---- what a peer hears of a callback that raises: as with every pyOpenSSL ----


def raises(*args):
    raise ZeroDivisionError


def judging(server, client):
    client.set_verify(SSL.VERIFY_PEER, raises)


def judging_clients(server, client):
    server.load_verify_locations(DATA / "root.pem")
    server.set_verify(SSL.VERIFY_PEER, raises)
    client.use_certificate_chain_file(DATA / "chain.pem")
    client.use_privatekey_file(DATA / "rsa.pem")


def stapling(server, client):
    server.set_ocsp_server_callback(raises)
    client.set_ocsp_client_callback(lambda *args: True)


def reading_staples(server, client):
    server.set_ocsp_server_callback(lambda *args: b"response")
    client.set_ocsp_client_callback(raises)


def choosing(server, client):
    server.set_alpn_select_callback(raises)
    client.set_alpn_protos([b"h2"])


def naming(server, client):
    server.set_tlsext_servername_callback(raises)


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
@pytest.mark.parametrize(
    "prepare, alert",
    [
        (judging, "internal error"),
        (judging_clients, "unsupported certificate"),  # that is no client's: found before it raises
        (stapling, "internal error"),
        (reading_staples, "internal error"),
        (choosing, "no application protocol"),
        (naming, "unrecognized name"),
    ],
)
def test_na_244_alerts_of_callbacks_that_raise(prepare, alert, version):
    server, client = server_context(), client_context()
    prepare(server, client)
    for each in (server, client):
        each.set_max_proto_version(version)
    pair = memory_pair(server, client)
    pair[1].set_tlsext_host_name(b"localhost")
    pair[1].request_ocsp()
    heard = []
    for _ in range(10):
        for own, peer in (pair, pair[::-1]):
            try:
                own.recv(1)  # which shakes hands first
            except SSL.WantReadError:
                pass
            except (ZeroDivisionError, SSL.Error) as error:
                heard.append(str(error))
            carry(own, peer)
    assert any(alert in text for text in heard)


def parts(kind, *given):
    """A certificate or a request that was given some of what it needs."""
    made = kind()
    if "key" in given:
        made.set_pubkey(rsa_key())
    return made


@pytest.mark.parametrize("kind, dump", [(crypto.X509, crypto.dump_certificate), (crypto.X509Req, crypto.dump_certificate_request)])
def test_na_228_which_part_is_missing(kind, dump):
    calls = [
        (lambda: parts(kind).sign(rsa_key(), "sha256"), "no public key is set"),
        (lambda: dump(crypto.FILETYPE_PEM, parts(kind)), "no public key is set"),
        (lambda: dump(crypto.FILETYPE_ASN1, parts(kind, "key")), "not signed"),
    ]
    for call, detail in calls:
        with pytest.raises(crypto.Error) as caught:
            call()
        assert reasons(caught.value)[0] == "illegal zero content" and caught.value.detail == detail
