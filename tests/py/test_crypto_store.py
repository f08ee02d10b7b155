"""X509Store, X509StoreContext, X509StoreContextError, X509StoreFlags."""

import datetime
import gc
import pathlib

import pytest
from conftest import DATA
from crypto_support import WRONG, authority, certificate, error_list, rsa_key

from OpenSSL import crypto
from OpenSSL.crypto import (
    FILETYPE_PEM,
    X509,
    X509Store,
    X509StoreContext,
    X509StoreContextError,
    X509StoreFlags,
)


def load(name):
    return crypto.load_certificate(FILETYPE_PEM, (DATA / name).read_bytes())


def store_of(*certs):
    store = X509Store()
    for cert in certs:
        store.add_cert(cert)
    return store


def failure(store, cert, chain=None):
    with pytest.raises(X509StoreContextError) as info:
        X509StoreContext(store, cert, chain).verify_certificate()
    return info.value


# ---- the store ----


def test_add_policy():
    store = X509Store()
    assert store.add_policy(oid="2.5.29.32.0") is None
    assert store.add_policy(b"1.2.3.4") is None
    for wrong in ("", "policy", "1.2\0.3"):
        with pytest.raises(ValueError):
            store.add_policy(wrong)
    for wrong in [*WRONG, None, 1]:
        with pytest.raises(TypeError):
            store.add_policy(wrong)


def test_add_cert():
    store, root = X509Store(), load("root.pem")
    assert type(store) is X509Store
    assert store.add_cert(cert=root) is None
    store.add_cert(root)
    for wrong in WRONG + [None, 1.0, "cert", rsa_key()]:
        with pytest.raises(TypeError):
            store.add_cert(wrong)
    with pytest.raises(TypeError):
        X509Store(1)


def test_flags():
    wanted = {
        "CRL_CHECK": 0x4,
        "CRL_CHECK_ALL": 0x8,
        "IGNORE_CRITICAL": 0x10,
        "X509_STRICT": 0x20,
        "ALLOW_PROXY_CERTS": 0x40,
        "POLICY_CHECK": 0x80,
        "EXPLICIT_POLICY": 0x100,
        "INHIBIT_MAP": 0x400,
        "INHIBIT_ANY": 0x200,
        "EXTENDED_CRL_SUPPORT": 0x1000,
        "USE_DELTAS": 0x2000,
        "NOTIFY_POLICY": 0x800,
        "CHECK_SS_SIGNATURE": 0x4000,
        "CB_ISSUER_CHECK": 0,
        "PARTIAL_CHAIN": 0x80000,
        "TRUSTED_FIRST": 0x8000,
        "SUITEB_128_LOS_ONLY": 0x10000,
        "SUITEB_192_LOS": 0x20000,
        "SUITEB_128_LOS": 0x30000,
        "NO_ALT_CHAINS": 0x100000,
        "NO_CHECK_TIME": 0x200000,
    }
    for name, value in wanted.items():
        assert getattr(X509StoreFlags, name) == value
        assert X509Store().set_flags(flags=value) is None
    assert X509StoreFlags.__module__ == "OpenSSL.crypto"
    for wrong in ("4", None, 4.0):
        with pytest.raises(TypeError):
            X509Store().set_flags(wrong)
    for wrong in (-1, 2**70):
        with pytest.raises(OverflowError):
            X509Store().set_flags(wrong)


def test_add_crl():
    store = store_of(load("root.pem"), load("intermediate.pem"))
    assert store.add_crl(crl=crypto.load_crl(FILETYPE_PEM, (DATA / "crl.pem").read_bytes())) is None
    store.set_flags(X509StoreFlags.CRL_CHECK)
    error = failure(store, load("revoked.pem"))
    assert str(error) == "certificate revoked"
    assert X509StoreContext(store, load("server.pem")).verify_certificate() is None
    for wrong in WRONG + [None, "crl", load("root.pem")]:
        with pytest.raises(TypeError):
            store.add_crl(wrong)


def test_missing_crl():
    store = store_of(load("root.pem"), load("intermediate.pem"))
    store.set_flags(X509StoreFlags.CRL_CHECK)
    assert failure(store, load("server.pem")).errors[0] == 3


@pytest.mark.parametrize("kind", [str, str.encode, pathlib.Path], ids=["str", "bytes", "path"])
def test_load_locations(kind):
    convert = kind if kind is not str.encode else (lambda text: text.encode())
    store = X509Store()
    assert store.load_locations(convert(str(DATA / "authorities.pem"))) is None
    assert X509StoreContext(store, load("server.pem"), [load("intermediate.pem")]).verify_certificate() is None
    store = X509Store()
    assert store.load_locations(cafile=None, capath=convert(str(DATA / "capath"))) is None
    assert X509StoreContext(store, load("server.pem"), [load("intermediate.pem")]).verify_certificate() is None


def test_na_011_load_locations_refused(tmp_path):
    store = X509Store()
    with pytest.raises(crypto.Error) as info:
        store.load_locations(None)
    assert info.value.args == ([],)
    with pytest.raises(crypto.Error):
        store.load_locations(cafile=None, capath=None)
    for file in (tmp_path / "missing", tmp_path):
        with pytest.raises(crypto.Error) as info:
            store.load_locations(file)
        assert error_list(info)
    (tmp_path / "nonsense").write_text("no certificate")
    with pytest.raises(crypto.Error):
        store.load_locations(tmp_path / "nonsense")
    for wrong in (5, object(), [], 1.5):
        with pytest.raises(TypeError):
            store.load_locations(wrong)
        with pytest.raises(TypeError):
            store.load_locations(None, wrong)
    with pytest.raises(ValueError):
        store.load_locations("a\0b")
    with pytest.raises(TypeError):
        store.load_locations()
    # A directory is looked into when a chain asks.
    assert store.load_locations(None, tmp_path / "missing") is None


def test_stand_in_for_load_locations(monkeypatch):
    """Programs and tests put a function of theirs in the place of OpenSSL's."""
    from OpenSSL._util import ffi, lib

    called = []
    monkeypatch.setattr(lib, "X509_STORE_load_locations", lambda *args: called.append(args[1:]) or 1)
    store = X509Store()
    store.load_locations("/cä", None)
    store.load_locations(None, b"/dir")
    assert called == [("/cä".encode(), ffi.NULL), (ffi.NULL, b"/dir")]
    monkeypatch.setattr(lib, "X509_STORE_load_locations", lambda *args: 0)
    with pytest.raises(crypto.Error):
        store.load_locations("x")
    monkeypatch.undo()
    assert store.load_locations(DATA / "root.pem") is None


def test_stand_in_for_push(monkeypatch):
    from OpenSSL._util import lib

    monkeypatch.setattr(lib, "sk_X509_push", lambda *args: -1)
    with pytest.raises(crypto.Error):
        X509StoreContext(X509Store(), load("server.pem"), [load("intermediate.pem")])
    monkeypatch.undo()
    assert X509StoreContext(X509Store(), load("server.pem"), [load("intermediate.pem")])


# ---- time ----


def test_time():
    root, key = authority(begins=-10 * 86400, ends=10 * 86400)
    store = store_of(root)
    leaf = certificate("leaf", rsa_key(), root, key, begins=-86400, ends=86400)
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    good = lambda: X509StoreContext(store, leaf).verify_certificate()  # noqa: E731
    good()
    store.set_time(vfy_time=now + datetime.timedelta(days=2))
    assert failure(store, leaf).errors[0] == 10
    store.set_time(now - datetime.timedelta(days=2))
    assert failure(store, leaf).errors[0] == 9
    store.set_time(now)
    good()
    # A tzinfo does not count, as it never did.
    store.set_time(now.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=14))))
    good()
    store.set_time(datetime.date(2090, 1, 1))
    assert failure(store, leaf).errors[0] == 10


def test_time_boundary():
    root = authority()[0]
    cert = certificate(begins=-86400 * 30)
    cert.set_notAfter(b"20300101120000Z")
    cert.sign(rsa_key(), "sha256")
    store = store_of(cert, root)
    store.set_time(datetime.datetime(2030, 1, 1, 11, 59, 59))
    assert X509StoreContext(store, cert).verify_certificate() is None
    # OpenSSL 4.0 counts the second between them to the time of validity, as RFC 5280 does.
    store.set_time(datetime.datetime(2030, 1, 1, 12, 0, 1))
    assert str(failure(store, cert)) == "certificate has expired"


@pytest.mark.parametrize("when", [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59),
                                  datetime.datetime(2024, 2, 29), datetime.date(1969, 12, 31)])
def test_any_date(when):
    assert X509Store().set_time(when) is None


def test_time_wrong():
    for wrong in (None, 5, "2030-01-01", object(), datetime.timedelta(1)):
        with pytest.raises(TypeError):
            X509Store().set_time(wrong)

    class Odd:
        def __init__(self, result):
            self.result = result

        def timetuple(self):
            if isinstance(self.result, Exception):
                raise self.result
            return self.result

    for result, kind in ((KeyError("x"), KeyError), ((1, 2), IndexError), (None, TypeError),
                         (("x",) * 9, TypeError), ((2**70,) * 9, OverflowError),
                         ((2000, 1, 1, 99, 0, 0, 0, 1, 0), ValueError)):
        with pytest.raises(kind):
            X509Store().set_time(Odd(result))


# ---- judging ----


def test_valid():
    context = X509StoreContext(store_of(load("root.pem"), load("intermediate.pem")), load("server.pem"))
    for _ in range(3):
        assert context.verify_certificate() is None
    chain = context.get_verified_chain()
    assert [cert.get_subject().CN for cert in chain] == ["localhost", "Test Intermediate", "Test Root"]
    assert isinstance(chain, list) and all(type(cert) is X509 for cert in chain)
    assert len(context.get_verified_chain()) == 3


def test_chain_argument():
    store, leaf = store_of(load("root.pem")), load("server.pem")
    helpers = [load("intermediate.pem"), load("other-root.pem"), load("intermediate.pem"), leaf]
    for chain in (helpers, tuple(helpers), set(helpers), iter(helpers)):
        context = X509StoreContext(store=store, certificate=leaf, chain=chain)
        assert context.verify_certificate() is None
        assert context.verify_certificate() is None
    context = X509StoreContext(store, leaf, helpers)
    del helpers, chain, leaf
    gc.collect()
    assert len(context.get_verified_chain()) == 3
    for chain in (None, [], ()):
        assert failure(store, load("server.pem"), chain).errors[0] == 20


def test_untrusted_roots_do_not_count():
    error = failure(X509Store(), load("server.pem"), [load("intermediate.pem"), load("root.pem")])
    assert error.errors[0] in (18, 19)
    assert error.certificate.get_subject().CN == "Test Root"


def test_partial_chain():
    store = store_of(load("intermediate.pem"))
    context = X509StoreContext(store, load("server.pem"))
    with pytest.raises(X509StoreContextError):
        context.verify_certificate()
    store.set_flags(X509StoreFlags.PARTIAL_CHAIN)
    assert context.verify_certificate() is None
    assert len(context.get_verified_chain()) == 2


def test_set_store():
    context = X509StoreContext(X509Store(), load("server.pem"), [load("intermediate.pem")])
    with pytest.raises(X509StoreContextError):
        context.verify_certificate()
    assert context.set_store(store=store_of(load("root.pem"))) is None
    assert context.verify_certificate() is None
    for wrong in WRONG + [None, X509()]:
        with pytest.raises(TypeError):
            context.set_store(wrong)
    assert context.verify_certificate() is None


def test_wrong_arguments():
    store, leaf = X509Store(), load("server.pem")
    for wrong in WRONG + [None, leaf]:
        with pytest.raises(TypeError):
            X509StoreContext(wrong, leaf)
    for wrong in WRONG + [None, store]:
        with pytest.raises(TypeError):
            X509StoreContext(store, wrong)
    for wrong in (42, object(), [object()], [leaf, None], "text"):
        with pytest.raises(TypeError):
            X509StoreContext(store, leaf, wrong)
    with pytest.raises(TypeError):
        X509StoreContext(store)
    with pytest.raises(crypto.Error):
        X509StoreContext(store, X509.__new__(X509))


@pytest.mark.parametrize(
    "name, number",
    [("expired.pem", 10), ("not-yet-valid.pem", 9), ("under-leaf.pem", None), ("below-pathlen.pem", None)],
)
def test_na_116_certificates_that_are_not_good(name, number):
    chain = [load("intermediate.pem"), load("server.pem"), load("sub-authority.pem")]
    error = failure(store_of(load("root.pem")), load(name), chain)
    assert error.errors[0] == number or number is None
    assert error.errors[0] != 0


def test_an_empty_certificate():
    error = None
    try:
        X509StoreContext(X509Store(), X509()).verify_certificate()
    except (X509StoreContextError, crypto.Error) as raised:
        error = raised
    assert error is not None


def test_private_attributes():
    store, leaf, helper = X509Store(), load("server.pem"), load("intermediate.pem")
    context = X509StoreContext(store, leaf, [helper])
    assert context._store is store
    assert context._cert is leaf
    assert list(context._chain) == [helper]


def test_cycle_is_collected():
    import weakref

    leaf = load("server.pem")
    context = X509StoreContext(X509Store(), leaf)
    leaf.context = context
    reference = weakref.ref(context)
    del leaf, context
    gc.collect()
    assert reference() is None


# ---- the error ----


def test_error_of_both_generations():
    leaf = load("server.pem")
    error = failure(store_of(load("root.pem")), leaf)
    text = "unable to get local issuer certificate"
    assert not isinstance(error, crypto.Error)
    assert error.args == ([20, 0, text],)
    assert error.errors == [20, 0, text]
    assert str(error) == text
    assert type(error.certificate) is X509
    assert error.certificate.get_subject() == leaf.get_subject()


def test_error_made_by_hand():
    cert = load("root.pem")
    modern = X509StoreContextError("text", [1, 2, "other"], cert)
    assert (str(modern), modern.errors, modern.certificate) == ("text", [1, 2, "other"], cert)
    assert modern.args == ([1, 2, "other"],)
    named = X509StoreContextError(message="text", errors=[1, 2, "x"], certificate=cert)
    assert named.certificate is cert
    old = X509StoreContextError([1, 2, "text"], cert)
    assert (str(old), old.errors, old.certificate) == ("text", [1, 2, "text"], cert)
    assert old.args == ([1, 2, "text"],)
    assert str(X509StoreContextError("text", cert)) == "text"
    for arguments in ((), (1,), (1, 2, 3, 4)):
        with pytest.raises(TypeError):
            X509StoreContextError(*arguments)

    class Mine(X509StoreContextError):
        pass

    with pytest.raises(X509StoreContextError):
        raise Mine("text", [1, 2, "text"], cert)
    assert "X509StoreContextError" in repr(modern)
    assert str(X509StoreContextError.__new__(X509StoreContextError)) == ""


def test_na_195_purpose_and_depth():
    root, root_key = authority()
    leaf = certificate("leaf", rsa_key(1), root, root_key, extensions=[crypto.X509Extension(b"extendedKeyUsage", False, b"clientAuth")])

    def judge(**settings):
        store = crypto.X509Store()
        store.add_cert(root)
        for name, value in settings.items():
            getattr(store, "set_" + name)(value)
        crypto.X509StoreContext(store, leaf).verify_certificate()

    judge()
    judge(purpose="sslclient", depth=3)
    judge(purpose=b"sslclient", depth=-1)
    with pytest.raises(crypto.X509StoreContextError):
        judge(purpose="sslserver")
    for settings in ({"purpose": "nothing"}, {"depth": -2}):
        with pytest.raises(ValueError):
            judge(**settings)
    for settings in ({"purpose": None}, {"depth": "1"}):
        with pytest.raises(TypeError):
            judge(**settings)


def test_no_check_time():
    chain = [load("intermediate.pem")]
    for flags, good in ((0, False), (X509StoreFlags.NO_CHECK_TIME, True)):
        store = X509Store()
        store.add_cert(load("root.pem"))
        store.set_flags(flags)
        context = crypto.X509StoreContext(store, load("expired.pem"), chain)
        if good:
            assert context.verify_certificate() is None
        else:
            with pytest.raises(crypto.X509StoreContextError):
                context.verify_certificate()
