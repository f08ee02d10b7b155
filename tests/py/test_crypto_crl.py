"""CRL and Revoked."""

import datetime
import gc
import re

import pytest
from crypto_support import WRONG, authority, certificate, public_half, rsa_key

from OpenSSL import crypto
from OpenSSL.crypto import CRL, FILETYPE_ASN1, FILETYPE_PEM, FILETYPE_TEXT, X509, PKey, Revoked

REASONS = [
    (b"unspecified", b"Unspecified"),
    (b"keyCompromise", b"Key Compromise"),
    (b"CACompromise", b"CA Compromise"),
    (b"affiliationChanged", b"Affiliation Changed"),
    (b"superseded", b"Superseded"),
    (b"cessationOfOperation", b"Cessation Of Operation"),
    (b"certificateHold", b"Certificate Hold"),
]


def revoked(serial=b"1F", reason=b"keyCompromise"):
    entry = Revoked()
    entry.set_serial(serial)
    entry.set_rev_date(b"20240101000000Z")
    entry.set_reason(reason)
    return entry


# ---- Revoked ----


def test_new_revoked():
    entry = Revoked()
    assert type(entry) is Revoked
    assert entry.get_serial() == b"00"
    assert entry.get_rev_date() is None
    assert entry.get_reason() is None
    with pytest.raises(TypeError):
        Revoked(1)


@pytest.mark.parametrize(
    "given, serial",
    [(b"0b", b"0B"), (b"10B", b"010B"), (b"0x10", b"00"), (b"31ppp", b"31"), (b"-5", b"-05"), ("ff", b"FF"),
     (b"f" * 64, b"F" * 64)],
)
def test_serial(given, serial):
    entry = Revoked()
    assert entry.set_serial(hex_str=given) is None
    assert entry.get_serial() == serial
    if b"x" not in serial:
        entry.set_serial(entry.get_serial())
        assert entry.get_serial() == serial


def test_bad_serial():
    entry = revoked(b"7")
    for wrong in (b"pqrst", b"", b" 10", b"-", b"10\0"):
        with pytest.raises(ValueError):
            entry.set_serial(wrong)
    for wrong in (100, None, 1.5, object()):
        with pytest.raises(TypeError):
            entry.set_serial(wrong)
    assert entry.get_serial() == b"07"


@pytest.mark.parametrize("given, text", REASONS)
def test_reasons(given, text):
    entry = Revoked()
    for form in (given, given.lower(), given.upper(), text):
        assert entry.set_reason(reason=form) is None
        assert entry.get_reason() == text
    entry.set_reason(entry.get_reason())
    assert entry.get_reason() == text
    entry.set_reason(None)
    assert entry.get_reason() is None
    assert given in entry.all_reasons()


def test_all_reasons():
    reasons = Revoked().all_reasons()
    assert reasons == [reason for reason, _ in REASONS]
    reasons.clear()
    assert len(Revoked().all_reasons()) == 7


def test_bad_reasons():
    entry = revoked()
    for wrong in (100, "foo", "keyCompromise", 1.5, object()):
        with pytest.raises(TypeError):
            entry.set_reason(wrong)
    for wrong in (b"blue", b"", b"keyCompromise\0"):
        with pytest.raises(ValueError):
            entry.set_reason(wrong)
    assert entry.get_reason() == b"Key Compromise"


def test_dates():
    entry = Revoked()
    for when in (b"20040203040506Z", b"20040203040506+0530", "20040203040506-0115"):
        assert entry.set_rev_date(when=when) is None
        assert entry.get_rev_date() == (when if isinstance(when, bytes) else when.encode())
    with pytest.raises(ValueError):
        entry.set_rev_date(b"foo bar")
    for wrong in (None, 20040203, object()):
        with pytest.raises(TypeError):
            entry.set_rev_date(wrong)


# ---- CRL ----


def test_new_crl():
    crl = CRL()
    assert type(crl) is CRL
    assert crl.get_revoked() is None
    assert crl.get_issuer().get_components() == []
    with pytest.raises(TypeError):
        CRL(1)


def test_entries_are_copies():
    crl, entry = CRL(), revoked(b"01")
    assert crl.add_revoked(revoked=entry) is None
    entry.set_serial(b"02")
    entry.set_reason(None)
    crl.add_revoked(entry)
    first, second = crl.get_revoked()
    assert (first.get_serial(), second.get_serial()) == (b"01", b"02")
    assert (first.get_reason(), second.get_reason()) == (b"Key Compromise", None)
    first.set_serial(b"09")
    assert crl.get_revoked()[0].get_serial() == b"01"
    assert isinstance(crl.get_revoked(), tuple)
    del crl
    gc.collect()
    assert second.get_serial() == b"02"


def test_add_revoked_wrong():
    for wrong in WRONG + [None, "foo", X509()]:
        with pytest.raises(TypeError):
            CRL().add_revoked(wrong)
    with pytest.raises(crypto.Error):
        CRL().add_revoked(Revoked())  # no date


def issued():
    root, key = authority()
    crl = CRL()
    crl.add_revoked(revoked())
    return crl, root, key


def test_export():
    crl, root, key = issued()
    text = crl.export(root, key, digest=b"sha256")
    assert text.startswith(b"-----BEGIN X509 CRL-----")
    again = crypto.load_crl(FILETYPE_PEM, text)
    assert again.get_issuer() == root.get_subject()
    (entry,) = again.get_revoked()
    assert entry.get_serial() == b"1F"
    der = crl.export(cert=root, key=key, type=FILETYPE_ASN1, days=10, digest="sha1")
    assert crypto.load_crl(FILETYPE_ASN1, der).get_revoked()
    assert b"Serial Number: 1F" in crl.export(root, key, FILETYPE_TEXT, 100, b"md5")


def test_export_times():
    crl, root, key = issued()
    text = crl.export(root, key, FILETYPE_TEXT, days=30, digest=b"sha256").decode()

    def when(label):
        line = next(line for line in text.splitlines() if label in line)
        return datetime.datetime.strptime(line.split(": ", 1)[1], "%b %d %H:%M:%S %Y GMT")

    assert when("Next Update") - when("Last Update") == datetime.timedelta(days=30)
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    assert abs(when("Last Update") - now) < datetime.timedelta(minutes=1)


def test_na_121_times_are_of_the_right_type():
    crl, root, key = issued()
    near = crl.export(root, key, FILETYPE_ASN1, 1, b"sha256")
    far = crl.export(root, key, FILETYPE_ASN1, 36500, b"sha256")
    utc_time = re.compile(rb"\x17\x0d[0-9]{12}Z")  # the signature may have any two bytes
    assert len(utc_time.findall(near)) == 3
    assert len(utc_time.findall(far)) == 2 and re.search(rb"\x18\x0f21[0-9]{12}Z", far)


def test_export_order_of_checks():
    crl, root, key = issued()
    for cert in WRONG + [None, key]:
        with pytest.raises(TypeError):
            crl.export(cert, key, digest=b"monkeys")
    for wrong in WRONG + [None, root]:
        with pytest.raises(TypeError):
            crl.export(root, wrong, digest=b"monkeys")
    for kind in ("PEM", None, 1.0, object()):
        with pytest.raises(TypeError):
            crl.export(root, key, kind, digest=b"monkeys")
    with pytest.raises(TypeError):
        crl.export(root, key)
    with pytest.raises(TypeError):
        crl.export(root)
    with pytest.raises(TypeError):
        crl.export(root, key, FILETYPE_PEM, "10", b"sha256")
    for digest in (b"strange-digest", "strange-digest"):
        with pytest.raises(ValueError):
            crl.export(root, key, 100, digest=digest)
    with pytest.raises(ValueError):
        crl.export(root, key, 100, 10, b"sha256")
    with pytest.raises(ValueError):
        crl.export(root, key, FILETYPE_PEM, 10**7, b"sha256")
    with pytest.raises(ValueError):
        crl.export(root, key, FILETYPE_PEM, -(2**62), b"sha256")
    with pytest.raises(crypto.Error):
        crl.export(X509(), PKey(), digest=b"sha256")
    with pytest.raises(crypto.Error):
        crl.export(root, public_half(key), digest=b"sha256")


def test_sign():
    crl, root, key = issued()
    crl.set_version(1)
    crl.set_lastUpdate(b"20140601000000Z")
    crl.set_nextUpdate(b"50000601000000Z")
    assert crl.sign(issuer_cert=root, issuer_key=key, digest=b"sha512") is None
    again = crypto.load_crl(FILETYPE_ASN1, crypto.dump_crl(FILETYPE_ASN1, crl))
    assert again.get_issuer().CN == "root"
    text = crypto.dump_crl(FILETYPE_TEXT, again)
    assert b"Version 2" in text and b"Jun  1 00:00:00 5000 GMT" in text
    # Unknown digests are Error here, ValueError in export().
    for kind in (crypto.Error, ValueError):
        with pytest.raises(kind):
            crl.sign(root, key, b"monkeys")
    for wrong in WRONG + [None]:
        with pytest.raises(TypeError):
            crl.sign(wrong, key, b"sha256")
        with pytest.raises(TypeError):
            crl.sign(root, wrong, b"sha256")


def test_setters_wrong():
    crl = CRL()
    for setter in (crl.set_lastUpdate, crl.set_nextUpdate):
        with pytest.raises(ValueError):
            setter(b"never")
        for wrong in (None, 5, object()):
            with pytest.raises(TypeError):
                setter(wrong)
    for wrong in ("1", None, 1.0):
        with pytest.raises(TypeError):
            crl.set_version(wrong)
    with pytest.raises(OverflowError):
        crl.set_version(2**70)


def test_issuer_is_a_copy():
    crl, root, key = issued()
    crl.sign(root, key, b"sha256")
    issuer = crl.get_issuer()
    issuer.CN = "another"
    assert crl.get_issuer().CN == "root"


def test_loaded(data):
    crl = crypto.load_crl(FILETYPE_PEM, data("crl.pem"))
    first, second = crl.get_revoked()
    assert (first.get_serial(), first.get_reason()) == (b"17", b"Key Compromise")
    assert (second.get_serial(), second.get_reason()) == (b"63", None)
    assert first.get_rev_date().startswith(b"20200601")
    assert crypto.load_crl(FILETYPE_PEM, data("crl-empty.pem")).get_revoked() is None


def test_a_list_signed_by_another_is_still_only_a_list():
    crl, root, _ = issued()
    crl.set_lastUpdate(b"20240101000000Z")
    crl.sign(root, rsa_key(3), b"sha256")
    store = crypto.X509Store()
    store.add_cert(root)
    store.add_crl(crl)
    store.set_flags(crypto.X509StoreFlags.CRL_CHECK)
    leaf = certificate("leaf", rsa_key(), root, rsa_key(1), serial=0x99)
    with pytest.raises(crypto.X509StoreContextError) as info:
        crypto.X509StoreContext(store, leaf).verify_certificate()
    assert info.value.errors[0] == 8  # the list's signature
