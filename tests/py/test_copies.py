"""copy.copy() of every object: what is copied, and what is shared."""

import copy
import gc

import pytest
from crypto_support import signer
from tls import DATA, client_context, connected, memory_pair, read, server_context, shake

from OpenSSL import SSL, crypto


def things():
    cert, key = signer()
    request = crypto.X509Req()
    request.get_subject().CN = "x"
    return [
        cert,
        crypto.X509(),
        key,
        crypto.PKey(),
        request,
        crypto.X509Req(),
        crypto.load_certificate_request(crypto.FILETYPE_PEM, read("request.pem")),
        cert.get_subject(),
        crypto.X509Extension(b"basicConstraints", True, b"CA:TRUE"),
        crypto.X509Store(),
        crypto.load_pkcs7_data(crypto.FILETYPE_PEM, read("pkcs7-signed.pem")),
        SSL.Context(SSL.TLS_METHOD),
        revocation_list(),
        crypto.CRL(),
        revocation_list().get_revoked()[0],
        crypto.Revoked(),
        crypto.NetscapeSPKI(read("spkac.txt")),
        crypto.NetscapeSPKI(),
        bundle(),
        crypto.PKCS12(),
        session(),
        crypto.X509StoreContext(crypto.X509Store(), cert),
    ]


def revocation_list():
    return crypto.load_crl(crypto.FILETYPE_PEM, read("crl.pem"))


def bundle():
    made = crypto.PKCS12()
    cert, key = signer()
    made.set_certificate(cert)
    made.set_privatekey(key)
    made.set_ca_certificates([cert])
    made.set_friendlyname(b"name")
    return made


def session():
    context = client_context()
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    return connected(client=context)[1].get_session()


def test_na_234_copies():
    for thing in things():
        cls = type("Mine", (type(thing),), {}) if not isinstance(thing, crypto.X509Name) else type(thing)
        made = copy.copy(thing)
        assert type(made) is type(thing) and made is not thing
        if not isinstance(thing, crypto.X509Name):
            thing.note = "note"
            assert copy.copy(thing).note == "note"
            assert type(copy.copy(copy.copy(cls.__new__(cls)) if not isinstance(thing, SSL.Context) else made)) in (cls, type(made))


def test_na_234_copies_of_lists_and_containers():
    listed = revocation_list()
    made, entries = copy.copy(listed), len(listed.get_revoked())
    assert crypto.dump_crl(crypto.FILETYPE_ASN1, made) == crypto.dump_crl(crypto.FILETYPE_ASN1, listed)
    entry = crypto.Revoked()
    entry.set_serial(b"07")
    entry.set_reason(b"keyCompromise")
    undated = copy.copy(entry)
    assert (undated.get_serial(), undated.get_reason(), undated.get_rev_date()) == (b"07", b"Key Compromise", None)
    entry.set_rev_date(b"20300101000000Z")
    dated = copy.copy(entry)
    undated.set_serial(b"08")
    assert (entry.get_serial(), dated.get_rev_date()) == (b"07", b"20300101000000Z")
    made.add_revoked(entry)
    assert (len(made.get_revoked()), len(listed.get_revoked())) == (entries + 1, entries)

    cert, key = signer()
    unsigned = crypto.CRL()
    unsigned.add_revoked(entry)
    unsigned.set_lastUpdate(b"20200101000000Z")
    unsigned.set_nextUpdate(b"20400101000000Z")
    unsigned.set_version(1)
    made = copy.copy(unsigned)
    for each in (made, unsigned):
        each.sign(cert, key, b"sha256")
    assert crypto.dump_crl(crypto.FILETYPE_ASN1, made) == crypto.dump_crl(crypto.FILETYPE_ASN1, unsigned)

    spki = crypto.NetscapeSPKI()
    spki.set_pubkey(key)
    made = copy.copy(spki)
    made.sign(key, "sha256")
    assert copy.copy(made).verify(key) and copy.copy(made).b64_encode() == made.b64_encode()
    with pytest.raises(crypto.Error):
        spki.b64_encode()

    held = bundle()
    made = copy.copy(held)
    assert made.get_certificate() is held.get_certificate() and made.get_privatekey() is held.get_privatekey()
    assert made.get_ca_certificates() == held.get_ca_certificates()
    made.set_friendlyname(None)
    assert held.get_friendlyname() == b"name" and made.get_friendlyname() is None

    judged = crypto.X509StoreContext(crypto.X509Store(), cert)
    judged._store.add_cert(cert)
    assert copy.copy(judged).verify_certificate() is None
    curve = crypto.get_elliptic_curve("prime256v1")
    assert copy.copy(curve) == curve


def test_na_234_a_copy_of_a_session_resumes():
    context, server = client_context(), server_context()
    server.set_session_id(b"id")
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    kept = copy.copy(connected(server, context)[1].get_session())
    assert kept.is_resumable() and kept._context is context
    pair = memory_pair(server, context)
    pair[1].set_session(kept)
    shake(*pair)
    assert pair[1].session_reused()


def test_na_234_what_copies_share():
    cert, key = signer()
    made = copy.copy(cert)
    assert made.digest("sha256") == cert.digest("sha256")
    made.set_serial_number(77)
    made.sign(key, "sha256")
    assert cert.get_serial_number() != 77 and made.get_serial_number() == 77
    request = crypto.X509Req()
    request.get_subject().CN = "x"
    request.add_extensions([crypto.X509Extension(b"subjectAltName", False, b"DNS:a")])
    request.set_pubkey(key)
    again = copy.copy(request)
    assert again.get_subject().CN == "x" and str(again.get_extensions()[0]) == "DNS:a"
    again.sign(key, "sha256")
    assert again.verify(key) and copy.copy(again).verify(key)
    assert copy.copy(key).check() is True and copy.copy(key).bits() == key.bits()
    store = crypto.X509Store()
    copy.copy(store).add_cert(cert)
    assert crypto.X509StoreContext(store, cert).verify_certificate() is None
    name = copy.copy(cert.get_subject())
    name.CN = "other"
    assert cert.get_subject().CN == "signer"


def test_na_234_copies_of_contexts_share_their_settings():
    asked, told = [], []
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_passwd_cb(lambda *arguments: asked.append(arguments) or b"secret", "data")
    context.set_app_data("first")
    made = copy.copy(context)
    del context
    gc.collect()
    made.use_privatekey_file(str(DATA / "ec-aes256.pem"))
    assert asked and asked[0][2] == "data" and made.get_app_data() == "first"
    context = server_context()
    made = copy.copy(copy.copy(context))
    made.set_info_callback(lambda *arguments: told.append(arguments))
    assert context._info_callback is made._info_callback
    made.set_app_data("second")
    assert context.get_app_data() is None
    del context
    gc.collect()
    connected(server=made)
    assert told
