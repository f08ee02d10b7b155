"""PKCS12 and load_pkcs12."""

import subprocess

import pytest
from crypto_support import WRONG, authority, certificate, error_list, rsa_key

from OpenSSL import crypto
from OpenSSL.crypto import PKCS12, X509, PKey, load_pkcs12

STR_WARNING = "str for passphrase is no longer accepted, use bytes"


def full():
    root, root_key = authority()
    p12 = PKCS12()
    p12.set_privatekey(rsa_key())
    p12.set_certificate(certificate("leaf", rsa_key(), root, root_key))
    p12.set_ca_certificates([root])
    p12.set_friendlyname(b"Serverlicious")
    return p12


def pem(cert):
    return crypto.dump_certificate(crypto.FILETYPE_PEM, cert)


def same(a, b):
    assert pem(a.get_certificate()) == pem(b.get_certificate())
    assert crypto.dump_privatekey(crypto.FILETYPE_PEM, a.get_privatekey()) == (
        crypto.dump_privatekey(crypto.FILETYPE_PEM, b.get_privatekey())
    )
    assert list(map(pem, a.get_ca_certificates())) == list(map(pem, b.get_ca_certificates()))
    assert a.get_friendlyname() == b.get_friendlyname()


def test_new():
    p12 = PKCS12()
    assert type(p12) is PKCS12
    assert p12.get_certificate() is None
    assert p12.get_privatekey() is None
    assert p12.get_ca_certificates() is None
    assert p12.get_friendlyname() is None
    with pytest.raises(TypeError):
        PKCS12(1)
    with pytest.raises(crypto.Error) as info:
        p12.export()
    assert error_list(info)


def test_the_very_objects_come_back():
    p12, cert, key, ca = PKCS12(), X509(), PKey(), X509()
    assert p12.set_certificate(cert=cert) is None
    assert p12.set_privatekey(pkey=key) is None
    assert p12.set_ca_certificates(cacerts=iter([ca, cert])) is None
    assert p12.set_friendlyname(name=b"x") is None
    assert p12.get_certificate() is cert
    assert p12.get_privatekey() is key
    assert p12.get_ca_certificates() == (ca, cert)
    assert p12.get_ca_certificates()[0] is ca
    assert p12.get_friendlyname() == b"x"
    p12.set_certificate(None)
    p12.set_privatekey(None)
    p12.set_ca_certificates(None)
    p12.set_friendlyname(None)
    assert p12.get_certificate() is None
    assert p12.get_privatekey() is None
    assert p12.get_ca_certificates() is None
    assert p12.get_friendlyname() is None
    p12.set_ca_certificates([])
    assert p12.get_ca_certificates() == ()


def test_wrong_types():
    p12 = full()
    for wrong in WRONG + ["legbone", b"x", PKey()]:
        with pytest.raises(TypeError):
            p12.set_certificate(wrong)
    for wrong in WRONG + ["legbone", b"x", X509()]:
        with pytest.raises(TypeError):
            p12.set_privatekey(wrong)
    for wrong in (5, object(), [object()], ["x"], (PKey(),), "text"):
        with pytest.raises(TypeError):
            p12.set_ca_certificates(wrong)
    for wrong in (5, ("foo", "bar"), object()):
        with pytest.raises(TypeError):
            p12.set_friendlyname(wrong)
    with pytest.raises(ValueError):
        p12.set_friendlyname(b"a\0b")
    assert p12.get_friendlyname() == b"Serverlicious"


@pytest.mark.parametrize("passphrase", [None, b"", b"secret", "sö".encode(), b"x" * 100])
def test_there_and_back(passphrase):
    p12 = full()
    der = p12.export(passphrase)
    same(load_pkcs12(der, passphrase), p12)
    assert load_pkcs12(buffer=der, passphrase=passphrase).get_privatekey().check() is True


def test_no_passphrase_in_every_way():
    for written in ((), (None,), (b"",)):
        der = full().export(*written)
        for read in ((), (None,), (b"",)):
            assert load_pkcs12(der, *read).get_certificate() is not None


@pytest.mark.parametrize("options", [{"iter": 0, "maciter": 0}, {"iter": 1}, {"maciter": 500},
                                     {"cipher": "aes-256-cbc", "mac_digest": "sha256"}])
def test_options(options):
    p12 = full()
    same(load_pkcs12(p12.export(b"secret", **options), b"secret"), p12)


def test_no_mac():
    p12 = full()
    der = p12.export(b"secret", maciter=-1)
    with pytest.raises(crypto.Error) as info:
        load_pkcs12(der, b"secret")
    assert ("PKCS12 routines", "", "mac absent") in error_list(info)
    same(load_pkcs12(p12.export(maciter=-1)), p12)


def test_wrong_options():
    p12 = full()
    for wrong in ("x", None, 1.5):
        with pytest.raises(TypeError):
            p12.export(b"x", iter=wrong)
        with pytest.raises(TypeError):
            p12.export(b"x", maciter=wrong)
    for wrong in (5, object(), []):
        with pytest.raises(TypeError):
            p12.export(wrong)
    with pytest.raises(ValueError):
        p12.export(b"x", cipher="zippers")
    with pytest.raises(ValueError):
        p12.export(b"x", mac_digest="monkeys")
    with pytest.raises(ValueError):
        p12.export(b"a\0b")


@pytest.mark.parametrize("parts", ["key", "cert", "ca", "key ca", "cert ca"])
def test_na_138_members_may_be_missing(parts):
    whole, p12 = full(), PKCS12()
    if "key" in parts:
        p12.set_privatekey(whole.get_privatekey())
    if "cert" in parts:
        p12.set_certificate(whole.get_certificate())
    if "ca" in parts:
        p12.set_ca_certificates(whole.get_ca_certificates())
    again = load_pkcs12(p12.export(b"secret"), b"secret")
    assert (again.get_privatekey() is not None) == ("key" in parts)
    assert again.get_certificate() is None
    cas = again.get_ca_certificates()
    assert len(cas or ()) == ("cert" in parts) + ("ca" in parts)


def test_key_and_certificate_must_match():
    p12 = full()
    p12.set_privatekey(rsa_key(1))
    with pytest.raises(crypto.Error) as info:
        p12.export()
    assert error_list(info)


def test_str_passphrases_warn():
    der = full().export(b"secret")
    with pytest.warns(DeprecationWarning) as caught:
        assert load_pkcs12(der, passphrase="secret").get_certificate() is not None
    assert str(caught[-1].message) == STR_WARNING
    assert caught[-1].filename == __file__
    with pytest.warns(DeprecationWarning, match=STR_WARNING):
        der = full().export(passphrase="sö")
    assert load_pkcs12(der, "sö".encode()).get_certificate() is not None


def test_na_160_warnings_as_errors(recwarn):
    import warnings

    warnings.simplefilter("error")
    with pytest.raises(DeprecationWarning):
        full().export("x")


@pytest.mark.parametrize("name", ["modern.p12", "des3.p12"])
def test_files(name, data):
    p12 = load_pkcs12(data(name), b"secret")
    assert p12.get_friendlyname() == b"server"
    assert p12.get_certificate().get_subject().CN
    assert len(p12.get_ca_certificates()) == 1
    key = crypto.dump_privatekey(crypto.FILETYPE_PEM, p12.get_privatekey())
    assert key == data("rsa.pem")


def test_na_173_old_ciphers(data):
    try:
        p12 = load_pkcs12(data("rc2.p12"), b"secret")
    except crypto.Error as error:
        assert "unsupported" in str(error)
    else:
        assert p12.get_friendlyname() == b"server"


def test_wrong_passphrase(data):
    for wrong in (None, b"", b"wrong", b"secret1"):
        with pytest.raises(crypto.Error) as info:
            load_pkcs12(data("des3.p12"), wrong)
        assert ("PKCS12 routines", "", "mac verify failure") in error_list(info)


def test_empty_passphrase_file(data):
    for passphrase in (None, b""):
        assert load_pkcs12(data("empty-passphrase.p12"), passphrase).get_privatekey() is not None


@pytest.mark.parametrize("bad", [b"", b"fruit loops", b"\x30\x00", b"\0" * 100])
def test_garbage(bad):
    with pytest.raises(crypto.Error) as info:
        load_pkcs12(bad, b"")
    assert error_list(info)
    with pytest.raises(crypto.Error):
        load_pkcs12(bad)


def test_truncated(data):
    der = data("modern.p12")
    for length in range(0, len(der), 101):
        with pytest.raises(crypto.Error):
            load_pkcs12(der[:length], b"secret")


def test_load_wrong_arguments():
    for wrong in (None, 5, object()):
        with pytest.raises(TypeError):
            load_pkcs12(wrong)
        if wrong is not None:
            with pytest.raises(TypeError):
                load_pkcs12(b"", wrong)
    with pytest.raises(TypeError):
        load_pkcs12()
    with pytest.raises(crypto.Error):
        load_pkcs12("ä")


def test_openssl_reads_it(tmp_path):
    file = tmp_path / "x.p12"
    file.write_bytes(full().export(b"secret"))
    done = subprocess.run(
        ["openssl", "pkcs12", "-in", str(file), "-passin", "pass:secret", "-nodes"],
        capture_output=True,
        timeout=240,
    )
    assert done.returncode == 0
    assert pem(full().get_certificate()) in done.stdout
    assert b"friendlyName: Serverlicious" in done.stdout


def test_subclass_and_cycle():
    import gc
    import weakref

    class Mine(PKCS12):
        pass

    p12 = Mine()
    cert = certificate()
    cert.holder = p12
    p12.set_certificate(cert)
    reference = weakref.ref(p12)
    del p12, cert
    gc.collect()
    assert reference() is None


def names_in(der, tmp_path):
    (tmp_path / "x.p12").write_bytes(der)
    text = subprocess.run(
        ["openssl", "pkcs12", "-in", tmp_path / "x.p12", "-passin", "pass:pw", "-nokeys", "-legacy"],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout.decode()
    return [line.split(": ")[1] for line in text.splitlines() if "friendlyName" in line]


def test_na_193_friendly_names_of_other_certificates(tmp_path):
    (tmp_path / "cas.pem").write_bytes(pem(certificate("one")) + pem(certificate("two")))
    (tmp_path / "leaf.pem").write_bytes(
        pem(certificate("leaf", rsa_key())) + crypto.dump_privatekey(crypto.FILETYPE_PEM, rsa_key())
    )
    command = "openssl pkcs12 -export -in leaf.pem -certfile cas.pem -name main -caname first -caname second"
    subprocess.run([*command.split(), "-passout", "pass:pw", "-out", "a.p12"], cwd=tmp_path, check=True)
    loaded = load_pkcs12((tmp_path / "a.p12").read_bytes(), b"pw")
    assert names_in(loaded.export(b"pw"), tmp_path) == ["main", "first", "second"]
    again = load_pkcs12(loaded.export(b"pw"), b"pw")
    other = PKCS12()
    other.set_ca_certificates(reversed(again.get_ca_certificates()))
    assert names_in(other.export(b"pw"), tmp_path) == ["second", "first"]


@pytest.mark.parametrize("secret", [b"x" * 1024, b"x" * 1025, b"y" * 100000])
def test_na_193_long_passphrases(secret):
    p12 = full()
    data = p12.export(secret)
    same(load_pkcs12(data, secret), p12)
    with pytest.raises(crypto.Error):
        load_pkcs12(data, secret[1:])


@pytest.mark.parametrize("rounds", [{"iter": -1}, {"iter": 0}, {"iter": -5, "maciter": -5}])
def test_na_193_odd_rounds(rounds):
    p12 = full()
    same(load_pkcs12(p12.export(b"pw", **rounds), b"pw"), p12)


def test_na_193_no_mac():
    """maciter=-1 leaves the MAC out, as PKCS12_create(3) says; under a passphrase that is refused."""
    data = full().export(b"pw", iter=-1, maciter=-1)
    with pytest.raises(crypto.Error, match="mac absent"):
        load_pkcs12(data, b"pw")


@pytest.mark.parametrize("digest", ["sha1", b"sha256"])
def test_na_193_choice_of_mac_and_cipher(digest, tmp_path):
    (tmp_path / "x.p12").write_bytes(full().export(b"pw", cipher="aes-256-cbc", mac_digest=digest))
    text = subprocess.run(
        ["openssl", "pkcs12", "-in", tmp_path / "x.p12", "-passin", "pass:pw", "-info", "-noout"],
        stderr=subprocess.PIPE,
        check=True,
    ).stderr.decode()
    assert ("MAC: sha1" in text) == (digest == "sha1")
    assert "AES-256-CBC" in text
