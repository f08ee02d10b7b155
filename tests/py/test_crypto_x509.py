"""X509."""

import datetime
import gc
import weakref

import pytest
from crypto_support import WRONG, authority, certificate, error_list, name_of, public_half, rsa_key

from OpenSSL import crypto
from OpenSSL.crypto import X509, PKey, X509Extension


def load(data, name):
    return crypto.load_certificate(crypto.FILETYPE_PEM, data(name))


def test_new_certificate():
    cert = X509()
    assert type(cert) is X509
    assert cert.get_version() == 0
    assert cert.get_serial_number() == 0
    assert cert.get_notBefore() is None
    assert cert.get_notAfter() is None
    assert cert.get_extension_count() == 0
    assert cert.get_subject().get_components() == []
    with pytest.raises(crypto.Error) as info:
        cert.get_pubkey()
    assert error_list(info)
    with pytest.raises(TypeError):
        X509(1)


@pytest.mark.parametrize("version", [0, 1, 2, 1234, -1, True])
def test_version(version):
    cert = X509()
    cert.set_version(version)
    assert cert.get_version() == version


@pytest.mark.parametrize("version", ["2", None, 2.0, object()])
def test_version_wrong_type(version):
    with pytest.raises(TypeError):
        X509().set_version(version)


def test_version_overflow():
    with pytest.raises(OverflowError):
        X509().set_version(2**70)


@pytest.mark.parametrize(
    "serial",
    [0, 1, 127, 128, 255, 256, 2**32 + 1, 2**64 + 1, 2**128 + 1, 2**159, 2**4096, -1, -128, -129, -(2**70)],
)
def test_na_067_serial_numbers_of_any_size(serial):
    cert = X509()
    cert.set_serial_number(serial)
    assert cert.get_serial_number() == serial


@pytest.mark.parametrize("serial", ["1", b"1", None, 1.0, object()])
def test_serial_wrong_type(serial):
    cert = X509()
    cert.set_serial_number(7)
    with pytest.raises(TypeError):
        cert.set_serial_number(serial)
    assert cert.get_serial_number() == 7


def test_serial_of_int_subclass():
    class Number(int):
        pass

    cert = X509()
    cert.set_serial_number(Number(-255))
    assert cert.get_serial_number() == -255


@pytest.mark.parametrize("wrong", [None, "CN=x", *WRONG, X509()])
def test_names_wrong_type(wrong):
    for setter in (X509().set_subject, X509().set_issuer):
        with pytest.raises(TypeError):
            setter(wrong)


def test_names_are_copied():
    cert, name = X509(), name_of("one")
    cert.set_subject(subject=name)
    cert.set_issuer(issuer=name)
    name.CN = "two"
    assert cert.get_subject().CN == "one"
    assert cert.get_issuer().CN == "one"


def test_public_key():
    cert = X509()
    cert.set_pubkey(pkey=rsa_key())
    key = cert.get_pubkey()
    assert key._only_public is True
    assert crypto.dump_publickey(crypto.FILETYPE_PEM, key) == crypto.dump_publickey(
        crypto.FILETYPE_PEM, rsa_key()
    )
    cert.set_pubkey(public_half(rsa_key(1)))
    assert cert.get_pubkey().bits() == 2048


# ---- times ----

SETTERS = [("set_notBefore", "get_notBefore"), ("set_notAfter", "get_notAfter")]


@pytest.mark.parametrize("setter, getter", SETTERS)
@pytest.mark.parametrize(
    "when",
    [b"20040203040506Z", b"20040203040506+0530", b"20040203040506-0115", b"99991231235959Z", b"00010101000000Z"],
)
def test_times_come_back_verbatim(setter, getter, when):
    cert = X509()
    assert getattr(cert, getter)() is None
    assert getattr(cert, setter)(when=when) is None
    assert getattr(cert, getter)() == when
    getattr(cert, setter)(when.decode())
    assert getattr(cert, getter)() == when


def test_two_digit_years():
    cert = X509()
    cert.set_notAfter(b"490203040506Z")
    assert cert.get_notAfter() == b"20490203040506Z"
    cert.set_notAfter(b"500203040506Z")
    assert cert.get_notAfter() == b"19500203040506Z"


@pytest.mark.parametrize("setter, getter", SETTERS)
@pytest.mark.parametrize(
    "when",
    [
        b"",
        b"foo bar",
        b"20040203040506",
        b"20041303040506Z",
        b"20040230040506Z",
        b"20040203250506Z",
        b"20040203040506Zx",
        b"20040203040506Z\0",
        b"2004\xc3\xa40203040506Z",
        "２０040203040506Z",
    ],
)
def test_times_that_are_none(setter, getter, when):
    cert = X509()
    getattr(cert, setter)(b"20040203040506Z")
    with pytest.raises(ValueError):
        getattr(cert, setter)(when)
    assert getattr(cert, getter)() == b"20040203040506Z"


@pytest.mark.parametrize("setter, getter", SETTERS)
@pytest.mark.parametrize("when", [None, 20040203040506, datetime.datetime(2004, 2, 3), object()])
def test_times_wrong_type(setter, getter, when):
    with pytest.raises(TypeError):
        getattr(X509(), setter)(when)


@pytest.mark.parametrize("setter", ["gmtime_adj_notBefore", "gmtime_adj_notAfter"])
def test_relative_times(setter):
    getter = "get_" + setter[11:]
    cert = X509()
    before = datetime.datetime.now(datetime.timezone.utc)
    assert getattr(cert, setter)(amount=3600) is None
    after = datetime.datetime.now(datetime.timezone.utc)
    text = getattr(cert, getter)().decode()
    when = datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    away = datetime.timedelta(seconds=3600)
    assert before + away - datetime.timedelta(seconds=1) < when <= after + away
    # From now, not from what the field held.
    getattr(cert, setter)(0)
    assert getattr(cert, getter)() < text.encode()


@pytest.mark.parametrize("setter", ["gmtime_adj_notBefore", "gmtime_adj_notAfter"])
@pytest.mark.parametrize("amount", [None, "1", 1.5, object()])
def test_relative_times_wrong_type(setter, amount):
    with pytest.raises(TypeError):
        getattr(X509(), setter)(amount)


@pytest.mark.parametrize("amount", [8000 * 366 * 86400, -(2**62), 2**62])
def test_na_006_times_out_of_range(amount):
    cert = X509()
    cert.set_notAfter(b"20300101000000Z")
    with pytest.raises(ValueError):
        cert.gmtime_adj_notAfter(amount)
    assert cert.get_notAfter() == b"20300101000000Z"
    with pytest.raises(OverflowError):
        cert.gmtime_adj_notAfter(2**70)


def test_has_expired():
    cert = X509()
    with pytest.raises(ValueError):
        cert.has_expired()
    cert.gmtime_adj_notAfter(-1)
    assert cert.has_expired() is True
    cert.gmtime_adj_notAfter(100)
    assert cert.has_expired() is False
    cert.gmtime_adj_notAfter(-2)
    assert cert.has_expired() is True


@pytest.mark.parametrize("when, expired", [(b"20400101000000+0530", False), (b"20040101000000-0115", True)])
def test_has_expired_with_offset(when, expired):
    cert = X509()
    cert.set_notAfter(when)
    assert cert.has_expired() is expired


def test_loaded_certificates_expire(data):
    assert load(data, "expired.pem").has_expired() is True
    assert load(data, "server.pem").has_expired() is False


# ---- signing ----


def test_sign_and_judge():
    cert = certificate()
    assert cert.get_signature_algorithm() == b"sha256WithRSAEncryption"
    cert.sign(pkey=rsa_key(), digest=b"sha512")
    assert cert.get_signature_algorithm() == b"sha512WithRSAEncryption"


@pytest.mark.parametrize("digest", ["md5", "MD5", "sha1", "SHA1", "sha256", "sha384", "sha3-256", "RSA-SHA256"])
def test_names_of_digests(digest):
    certificate().sign(rsa_key(), digest)
    assert certificate().digest(digest)


def test_sign_wrong_arguments():
    cert = certificate()
    for key in (None, "key", X509(), *WRONG):
        with pytest.raises(TypeError):
            cert.sign(key, "sha256")
        with pytest.raises(TypeError):
            cert.sign(key, b"monkeys")
    for digest in (5, object(), 1.5):
        with pytest.raises(TypeError):
            cert.sign(rsa_key(), digest)
    for key in (PKey(), public_half(rsa_key())):
        with pytest.raises(ValueError):
            cert.sign(key, "sha256")
    for digest in ("monkeys", b"monkeys", "", "sha256\0"):
        with pytest.raises(ValueError):
            cert.sign(rsa_key(), digest)
    with pytest.raises(TypeError):
        cert.sign(rsa_key())


def test_sign_refused_by_openssl():
    small = rsa_key(0, 512)
    with pytest.raises(crypto.Error) as info:
        certificate().sign(small, "sha512")
    assert error_list(info)


def test_sign_with_ed25519(data):
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, data("ed25519.pem"))
    cert = certificate()
    with pytest.raises(crypto.Error):
        cert.sign(key, "sha256")
    cert.set_pubkey(key)
    cert.sign(key, None)
    assert cert.get_signature_algorithm().upper() == b"ED25519"


def test_signature_algorithm_unknown():
    with pytest.raises(ValueError):
        X509().get_signature_algorithm()
    der = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate())
    # 1.2.840.113549.1.1.11 becomes 1.2.840.113549.1.1.127, which nobody has given out.
    strange = der.replace(bytes.fromhex("06092a864886f70d01010b"), bytes.fromhex("06092a864886f70d01017f"))
    assert strange != der
    with pytest.raises(ValueError):
        crypto.load_certificate(crypto.FILETYPE_ASN1, strange).get_signature_algorithm()


# ---- fingerprints ----


def test_digest_is_that_of_the_der():
    import hashlib

    cert = certificate()
    der = crypto.dump_certificate(crypto.FILETYPE_ASN1, cert)
    for name in ("md5", "sha1", "sha256"):
        want = hashlib.new(name, der).hexdigest().upper()
        assert cert.digest(digest_name=name).replace(b":", b"") == want.encode()
        assert cert.digest(name.encode()) == cert.digest(name)
    assert cert.digest("md5").count(b":") == 15


def test_digest_refused():
    with pytest.raises(ValueError):
        X509().digest("monkeys")
    with pytest.raises(crypto.Error):
        X509().digest("sha256")
    for wrong in (None, 5, object()):
        with pytest.raises(TypeError):
            certificate().digest(wrong)


def test_subject_name_hash(data):
    cert = load(data, "root.pem")
    assert cert.subject_name_hash() == cert.get_subject().hash()
    from conftest import DATA

    assert (DATA / "capath" / f"{cert.subject_name_hash():08x}.0").exists()


# ---- extensions ----


def test_extensions():
    cert = certificate()
    assert cert.get_extension_count() == 0
    first = X509Extension(b"basicConstraints", True, b"CA:false")
    second = X509Extension(b"nsComment", False, b"hello")
    cert.add_extensions(iter([first, second]))
    cert.add_extensions(extensions=[second])
    assert cert.get_extension_count() == 3
    assert [cert.get_extension(i).get_short_name() for i in range(3)] == [
        b"basicConstraints",
        b"nsComment",
        b"nsComment",
    ]
    assert cert.get_extension(index=0).get_critical() == 1
    assert cert.get_extension(True).get_critical() == 0


def test_extension_index():
    cert = authority()[0]
    for index in (-1, 2, 2**40, -(2**40)):
        with pytest.raises(IndexError):
            cert.get_extension(index)
    for index in ("0", None, 0.0, object()):
        with pytest.raises(TypeError):
            cert.get_extension(index)


def test_add_extensions_wrong_arguments():
    cert = X509()
    good = X509Extension(b"nsComment", False, b"x")
    for wrong in (None, 5, object()):
        with pytest.raises(TypeError):
            cert.add_extensions(wrong)
    for wrong in ([object()], ["x"], [good, None], "text"):
        with pytest.raises(ValueError):
            cert.add_extensions(wrong)
    with pytest.raises(crypto.Error):
        cert.add_extensions([good, X509Extension.__new__(X509Extension)])
    assert cert.get_extension_count() == 0

    def fails():
        yield good
        raise KeyError("stop")

    with pytest.raises(KeyError):
        cert.add_extensions(fails())
    assert cert.get_extension_count() == 0


def test_an_extension_outlives_its_certificate():
    extension = authority()[0].get_extension(0)
    gc.collect()
    assert str(extension) == "CA:TRUE"


# ---- an ordinary object ----


def test_subclasses():
    class Mine(X509):
        def __init__(self, note):
            super().__init__()
            self.note = note

    cert = Mine("hello")
    cert.get_subject().CN = "x"
    assert cert.note == "hello"
    assert cert.get_subject().CN == "x"
    assert crypto.X509Store().add_cert(certificate()) is None


def test_identity_and_weak_references():
    cert = certificate()
    assert cert != crypto.load_certificate(
        crypto.FILETYPE_ASN1, crypto.dump_certificate(crypto.FILETYPE_ASN1, cert)
    )
    assert len({cert, cert}) == 1
    reference = weakref.ref(cert)
    del cert
    assert reference() is None


def test_methods_can_be_patched(monkeypatch):
    monkeypatch.setattr(X509, "has_expired", lambda self: "patched")
    assert certificate().has_expired() == "patched"
    monkeypatch.undo()
    assert certificate().has_expired() is False


def test_a_changed_certificate_is_encoded_anew(data):
    cert = load(data, "server.pem")
    before = crypto.dump_certificate(crypto.FILETYPE_ASN1, cert)
    text = crypto.dump_certificate(crypto.FILETYPE_PEM, cert)
    assert before == data("server.der")
    assert crypto.dump_certificate(crypto.FILETYPE_PEM, cert) == text
    cert.set_serial_number(99)
    cert.get_subject().CN = "changed"
    cert.sign(rsa_key(), "sha256")
    again = crypto.load_certificate(
        crypto.FILETYPE_ASN1, crypto.dump_certificate(crypto.FILETYPE_ASN1, cert)
    )
    assert again.get_serial_number() == 99
    assert again.get_subject().CN == "changed"
    again = crypto.load_certificate(
        crypto.FILETYPE_PEM, crypto.dump_certificate(crypto.FILETYPE_PEM, cert)
    )
    assert again.get_serial_number() == 99
    assert load(data, "server.pem").get_serial_number() != 99


def test_initialised_again():
    cert = certificate()
    name = cert.get_subject()
    cert.__init__()
    assert cert.get_subject().get_components() == []
    # The view belongs to the certificate that was.
    assert name.CN == "leaf"


def test_na_195_extensions_are_removed():
    cert = certificate(extensions=[X509Extension(b"nsComment", False, word) for word in (b"a", b"b", b"c")])
    count = cert.get_extension_count()
    before = [cert.get_extension(i) for i in range(count)]
    cert.remove_extension(1)
    assert [str(cert.get_extension(i)) for i in range(count - 1)] == [
        str(extension) for i, extension in enumerate(before) if i != 1
    ]
    for wrong in (-1, count - 1, 2**20):
        with pytest.raises(IndexError):
            cert.remove_extension(wrong)
    for wrong in (None, "0", 0.0):
        with pytest.raises(TypeError):
            cert.remove_extension(wrong)
    cert.sign(rsa_key(), "sha256")
    again = crypto.load_certificate(crypto.FILETYPE_ASN1, crypto.dump_certificate(crypto.FILETYPE_ASN1, cert))
    assert again.get_extension_count() == count - 1


def test_extensions_are_of_version_3():
    cert = X509()
    cert.set_pubkey(rsa_key())
    cert.gmtime_adj_notBefore(0)
    cert.gmtime_adj_notAfter(60)
    cert.sign(rsa_key(), "sha256")
    assert cert.get_version() == 0
    cert.add_extensions([X509Extension(b"nsComment", False, b"a")])
    cert.sign(rsa_key(), "sha256")
    assert cert.get_version() == 2
