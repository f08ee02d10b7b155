"""What is kept of a certificate between calls is what a fresh one would say."""

import gc
import sys
import threading
import weakref

import pytest
from crypto_support import certificate, name_of, rsa_key

from OpenSSL import crypto

DER, PEM = crypto.FILETYPE_ASN1, crypto.FILETYPE_PEM


class IntLike(int):
    """An int, but not exactly one: it goes the long way."""


def fresh(cert):
    return crypto.load_certificate(PEM, crypto.dump_certificate(PEM, cert))


CHANGES = {
    "serial": lambda c: c.set_serial_number(c.get_serial_number() + 1),
    "version": lambda c: c.set_version(0 if c.get_version() else 2),
    "field of a view": lambda c: setattr(c.get_subject(), "O", "more"),
    "field of the issuer": lambda c: setattr(c.get_issuer(), "OU", "more"),
    "subject": lambda c: c.set_subject(name_of("other")),
    "validity": lambda c: c.gmtime_adj_notAfter(7200),
    "key": lambda c: c.set_pubkey(rsa_key(5)),
    "extension": lambda c: c.add_extensions([crypto.X509Extension(b"nsComment", False, b"x")]),
    "signature": lambda c: c.sign(rsa_key(), "sha512"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_der_follows_changes(change):
    cert = certificate(serial=255)
    for _ in range(3):
        before = crypto.dump_certificate(DER, cert)
        assert crypto.dump_certificate(DER, cert) is before
        digest, key = cert.digest("sha256"), crypto.dump_publickey(DER, cert.get_pubkey())
        change(cert)
        after = crypto.dump_certificate(DER, cert)
        assert after == crypto.dump_certificate(DER, fresh(cert))
        assert cert.digest("sha256") == fresh(cert).digest("sha256")
        assert crypto.dump_publickey(DER, cert.get_pubkey()) == crypto.dump_publickey(DER, fresh(cert).get_pubkey())
        assert (after != before) == (cert.digest("sha256") != digest)
        assert key is not None


def test_a_certificate_made_anew_keeps_nothing():
    cert = certificate()
    crypto.dump_certificate(DER, cert)
    cert.__init__()
    assert cert.get_serial_number() == 0
    with pytest.raises(crypto.Error):
        crypto.dump_certificate(DER, cert)


@pytest.mark.parametrize("form", [IntLike(2), 2.0, DER])
def test_both_ways_give_the_same(form):
    cert = certificate()
    assert crypto.dump_certificate(form, cert) == crypto.dump_certificate(DER, cert)
    assert crypto.dump_certificate(type=form, cert=cert) == crypto.dump_certificate(DER, cert)


@pytest.mark.parametrize("form", [0, 3, -1, 2**63, -(2**70), None, "2"])
def test_other_formats_are_refused(form):
    with pytest.raises(ValueError):
        crypto.dump_certificate(form, certificate())


def test_an_empty_certificate_is_refused_either_way():
    empty = crypto.X509.__new__(crypto.X509)
    for form in (DER, PEM):
        with pytest.raises(crypto.Error):
            crypto.dump_certificate(form, empty)


@pytest.mark.parametrize("number", [0, 1, 255, 256, 2**64 - 1, 2**64, 2**159 - 1, -1, -255, -(2**80)])
def test_serial_numbers(number):
    cert = crypto.X509()
    cert.set_serial_number(number)
    assert cert.get_serial_number() == number


def test_extensions_outlive_their_certificate():
    cert = certificate(extensions=[crypto.X509Extension(b"basicConstraints", True, b"CA:FALSE")])
    extension = cert.get_extension(0)
    cert.add_extensions([crypto.X509Extension(b"nsComment", False, b"x")] * 9)
    cert.sign(rsa_key(), "sha256")
    del cert
    assert extension.get_short_name() == b"basicConstraints"
    assert str(extension) == "CA:FALSE" and extension.get_critical() == 1


class Marked(crypto.X509Extension):
    """An extension of a type of its own."""


def with_attribute(extension):
    extension.mark = "x"


def with_dict_of_its_own(extension):
    extension.__dict__ = Marking()


def with_weak_reference(extension):
    weakref.finalize(extension, list)


class Marking(dict):
    """A dict, but not exactly one."""


@pytest.mark.parametrize("touch", [with_attribute, with_dict_of_its_own, with_weak_reference])
def test_extensions_begin_without_what_others_had(touch):
    cert = certificate(extensions=[crypto.X509Extension(b"nsComment", True, b"x")] * 3)
    for _ in range(40):  # more than there is room kept for
        for extension in [cert.get_extension(i) for i in range(3)]:
            assert type(extension) is crypto.X509Extension and vars(extension) == {}
            assert type(vars(extension)) is dict and weakref.getweakrefcount(extension) == 0
            assert gc.is_tracked(extension)
            assert extension.get_short_name() == b"nsComment" and extension.get_critical() == 1
            touch(extension)


def test_what_an_extension_had_is_released():
    cert = certificate(extensions=[crypto.X509Extension(b"nsComment", True, b"x")] * 20)
    kept = [vars(cert.get_extension(i)) for i in range(20)]  # dicts that outlive their objects
    for attributes in kept:
        attributes["mark"] = object()
    assert all(vars(cert.get_extension(i)) == {} for i in range(20))
    token = Marking()
    gone = weakref.ref(token)
    extension = cert.get_extension(0)
    extension.token = token
    extension.itself = extension
    del token, extension
    gc.collect()
    assert gone() is None


def test_extensions_of_another_type_are_left_alone():
    cert = certificate(extensions=[crypto.X509Extension(b"nsComment", True, b"x")])
    for _ in range(40):
        marked = Marked(b"basicConstraints", False, b"CA:FALSE")
        assert marked.get_short_name() == b"basicConstraints"
        del marked
        extension = cert.get_extension(0)
        assert type(extension) is crypto.X509Extension and extension.get_short_name() == b"nsComment"
        extension.__init__(b"basicConstraints", False, b"CA:FALSE")
        assert extension.get_short_name() == b"basicConstraints"
        assert cert.get_extension(0).get_short_name() == b"nsComment"


def test_threads_look_at_extensions():
    cert = certificate(extensions=[crypto.X509Extension(b"nsComment", True, b"x")] * 3)
    wrong = []

    def look():
        for _ in range(300):
            held = [cert.get_extension(i) for i in range(3)]
            if [extension.get_short_name() for extension in held] != [b"nsComment"] * 3:
                wrong.append(held)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_names_of_constants_are_the_same_objects_and_right():
    names = [b"basicConstraints", b"keyUsage", b"nsComment"]
    values = [b"CA:FALSE", b"digitalSignature", b"x"]
    cert = certificate(extensions=[crypto.X509Extension(n, False, v) for n, v in zip(names, values)])
    for _ in range(2):
        assert [cert.get_extension(i).get_short_name() for i in range(3)] == names


def test_components_of_a_stale_view():
    cert = certificate()
    view = cert.get_subject()
    assert view.get_components() == [(b"CN", b"leaf")]
    cert.set_subject(name_of("other"))
    with pytest.raises(crypto.Error):
        view.get_components()
    assert crypto.X509().get_subject().get_components() == []


def test_threads_dump_while_one_changes():
    """Each dump is one of the states, whole."""
    cert, seen, stop = certificate(), [], threading.Event()

    def dump():
        while not stop.is_set():
            seen.append(crypto.dump_certificate(DER, cert))

    threads = [threading.Thread(target=dump) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(20):
        cert.set_serial_number(number + 1)
        cert.sign(rsa_key(), "sha256")
    stop.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert seen[-1] and crypto.dump_certificate(DER, cert) == crypto.dump_certificate(DER, fresh(cert))
    for der in set(seen):
        assert crypto.load_certificate(DER, der).get_subject().CN == "leaf"


# ---- views of names ----


def test_views_are_objects_of_their_own_while_they_live():
    cert = certificate()
    first, second = cert.get_subject(), cert.get_subject()
    assert first is not second and first == second
    del first
    third = cert.get_subject()
    assert third is not second and third == second
    assert type(third) is crypto.X509Name


@pytest.mark.parametrize("which", ["get_subject", "get_issuer"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_views_follow_changes(which, change):
    cert = certificate()
    for _ in range(3):
        for field in ("CN", "O", "OU", "C"):
            assert getattr(getattr(cert, which)(), field) == getattr(getattr(fresh(cert), which)(), field)
        change(cert)
        for field in ("CN", "O", "OU", "C"):
            assert getattr(getattr(cert, which)(), field) == getattr(getattr(fresh(cert), which)(), field)
        assert getattr(cert, which)().get_components() == getattr(fresh(cert), which)().get_components()


def test_a_view_that_lives_sees_what_another_changes():
    cert = certificate()
    view = cert.get_subject()
    view.O = "one"
    assert (view.O, view.O) == ("one", "one")
    cert.get_subject().O = "two"
    assert (view.O, cert.get_subject().O) == ("two", "two")
    assert view.ST is None and cert.get_subject().ST is None


def test_a_stale_view_is_not_given_out_again():
    cert = certificate()
    stale = cert.get_subject()
    assert stale.CN == stale.CN
    cert.set_subject(name_of("new"))
    with pytest.raises(crypto.Error):
        stale.CN
    del stale
    assert cert.get_subject().CN == "new"


def test_a_certificate_made_anew_has_no_old_view():
    cert = certificate()
    assert cert.get_subject().CN
    view = cert.get_subject()
    cert.__init__()
    old = view.CN
    del view
    assert old and cert.get_subject().CN is None


def test_what_is_hung_on_a_view_goes_with_it():
    import gc
    import weakref

    cert, gone = certificate(), []
    view = cert.get_subject()
    weak = weakref.ref(view, gone.append)
    del view
    assert gone == [weak] and weak() is None
    view = cert.get_subject()
    try:
        view.__dict__["mark"] = gone
    except AttributeError:
        pass
    del view
    gc.collect()
    assert not getattr(cert.get_subject(), "__dict__", {})


def test_views_and_certificates_go_in_either_order():
    import gc
    import sys

    types_before = sys.getrefcount(crypto.X509Name)
    for _ in range(200):
        cert = certificate_copy()
        view = cert.get_subject()
        assert view.CN
        del cert
        assert view.CN
        del view
        cert = certificate_copy()
        assert cert.get_subject().CN and cert.get_issuer().CN
        del cert
    gc.collect()
    assert abs(sys.getrefcount(crypto.X509Name) - types_before) <= 2


def test_a_view_in_a_cycle_is_collected():
    import gc

    class Certificate(crypto.X509):
        pass

    cert = Certificate()
    cert.view = cert.get_subject()
    cert.view.CN = "cycle"
    assert cert.view.CN == "cycle"
    del cert
    gc.collect()


def certificate_copy():
    return fresh(KEPT)


KEPT = certificate()


def test_serial_number_follows_changes():
    cert = certificate(serial=2**70)
    assert cert.get_serial_number() is cert.get_serial_number()
    cert.set_serial_number(7)
    assert cert.get_serial_number() == 7
    cert.__init__()
    assert cert.get_serial_number() == 0


def test_na_152_kept_views_keep_their_type():
    """Whoever releases a view looks at its type, which may otherwise go first when the interpreter ends."""
    certs = [fresh(certificate()) for _ in range(20)]
    gc.collect()
    before = sys.getrefcount(crypto.X509Name)
    for cert in certs:
        for _ in range(3):
            assert cert.get_subject().CN == certs[0].get_subject().CN
            cert.get_issuer()
        assert crypto.X509Name in gc.get_referents(cert)
    assert sys.getrefcount(crypto.X509Name) >= before + 2 * len(certs)
    del cert
    certs.clear()
    gc.collect()
    assert sys.getrefcount(crypto.X509Name) <= before + 1
