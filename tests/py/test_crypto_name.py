"""X509Name: fields are attributes."""

import gc

import pytest
from crypto_support import certificate, error_list, name_of

from OpenSSL import crypto
from OpenSSL.crypto import X509, X509Name

FIELDS = [
    ("C", "countryName", "SE"),
    ("ST", "stateOrProvinceName", "Skåne"),
    ("L", "localityName", "Malmö"),
    ("O", "organizationName", "Ö AB"),
    ("OU", "organizationalUnitName", "Δοκιμή"),
    ("CN", "commonName", "host.example.test"),
    ("emailAddress", "emailAddress", "a@example.test"),
]


def empty():
    return X509().get_subject()


@pytest.mark.parametrize("short, long, value", FIELDS)
def test_short_and_long_names_are_one_field(short, long, value):
    name = empty()
    assert getattr(name, short) is None
    assert getattr(name, long) is None
    setattr(name, short, value)
    assert getattr(name, long) == value
    setattr(name, long, "SE" if short == "C" else "b")
    assert getattr(name, short) == ("SE" if short == "C" else "b")
    assert len(name.get_components()) == 1


def test_dotted_numbers():
    name = empty()
    setattr(name, "2.5.4.3", "number")
    assert name.CN == "number"
    assert getattr(name, "2.5.4.3") == "number"


def test_bytes_are_accepted():
    name = empty()
    name.CN = "ü".encode()
    assert name.CN == "ü"
    with pytest.raises(crypto.Error):
        name.CN = b"\xff\xfe"
    assert name.CN == "ü"


@pytest.mark.parametrize("attribute", ["S", "E", "SP", "Email", "nonsense", "CN ", "1.2.3.", "", "C\0N", "\udc80"])
def test_unknown_fields(attribute):
    name = empty()
    with pytest.raises(AttributeError):
        getattr(name, attribute)
    for value in ("x", None, object()):
        with pytest.raises(AttributeError):
            setattr(name, attribute, value)
    assert not hasattr(name, attribute)


@pytest.mark.parametrize("value", [None, 30, 1.5, [], object()])
def test_values_are_text(value):
    name = empty()
    with pytest.raises(TypeError):
        name.CN = value
    assert name.CN is None


def test_attribute_names_are_exactly_str():
    class Text(str):
        pass

    with pytest.raises(TypeError):
        setattr(empty(), Text("CN"), "x")
    with pytest.raises(TypeError):
        X509Name.__setattr__(empty(), 3, "x")
    with pytest.raises(TypeError):
        X509Name.__getattribute__(empty(), 3)
    assert getattr(name_of("y"), Text("CN")) == "y"


def test_underscore_attributes_are_ordinary():
    name = empty()
    name._note = 1
    assert name._note == 1
    del name._note
    with pytest.raises(AttributeError):
        name._note
    with pytest.raises(AttributeError):
        name.__nothing__


def test_fields_cannot_be_deleted():
    name = name_of("x")
    with pytest.raises(AttributeError):
        del name.CN
    with pytest.raises(AttributeError):
        del name.nonsense
    assert name.CN == "x"


def test_methods_win_over_fields():
    assert callable(name_of("x").hash)
    assert callable(name_of("x").der)


def test_subclass_with_attributes():
    class Name(X509Name):
        kind = "mine"

        @property
        def CN(self):
            return "hidden"

    name = Name(name_of("x"))
    assert name.kind == "mine"
    assert name.CN == "hidden"
    assert name.commonName == "x"
    with pytest.raises(AttributeError):
        name.nonsense
    assert isinstance(name, X509Name)
    assert name == name_of("x")


def test_explicit_getattr():
    assert name_of("x").__getattr__("CN") == "x"
    with pytest.raises(AttributeError):
        name_of("x").__getattr__("nonsense")
    with pytest.raises(TypeError):
        name_of("x").__getattr__(3)
    with pytest.raises(TypeError):
        name_of("x").__getattr__()


@pytest.mark.parametrize(
    "field, value, reason",
    [
        ("C", "S", "string too short"),
        ("C", "SWE", "string too long"),
        ("CN", "", "string too short"),
        ("CN", "x" * 65, "string too long"),
        ("O", "x" * 65, "string too long"),
        ("L", "x" * 129, "string too long"),
        ("emailAddress", "ö@example.test", "illegal characters"),
        ("C", "ÅÄ", "illegal characters"),
    ],
)
def test_na_065_refused_values_change_nothing(field, value, reason):
    name = empty()
    name.C, name.CN = "SE", "old"
    before = name.der()
    with pytest.raises(crypto.Error) as info:
        setattr(name, field, value)
    assert reason in [triple[2] for triple in error_list(info)]
    assert name.der() == before


def test_limits_are_reached():
    name = empty()
    name.CN = "x" * 64
    name.L = "y" * 128
    assert (name.CN, name.L) == ("x" * 64, "y" * 128)


def test_na_105_nul_is_kept():
    name = empty()
    name.CN = "good.example\0.evil"
    assert name.CN == "good.example\0.evil"
    assert name.get_components() == [(b"CN", b"good.example\0.evil")]
    assert X509Name(name).CN == name.CN


def test_order_is_that_of_setting():
    name = empty()
    name.CN = "foo"
    name.OU = "bar"
    name.CN = "baz"
    assert name.get_components() == [(b"OU", b"bar"), (b"CN", b"baz")]


def test_types_of_strings():
    name = empty()
    name.C = "US"
    assert name.der()[-4] == 0x13
    name = empty()
    name.CN = "x"
    assert name.der()[-3] == 0x0C
    name = empty()
    name.emailAddress = "x"
    assert name.der()[-3] == 0x16


def test_components_keep_the_bytes(data):
    client = crypto.load_certificate(crypto.FILETYPE_PEM, data("client.pem"))
    names = [field for field, _ in client.get_subject().get_components()]
    assert names == [b"C", b"O", b"CN", b"emailAddress"]
    assert all(isinstance(value, bytes) for _, value in client.get_subject().get_components())
    assert empty().get_components() == []


def test_repr():
    name = empty()
    assert repr(name) == "<X509Name object ''>"
    name.CN = "foo"
    name.OU = "bar"
    assert repr(name) == "<X509Name object '/CN=foo/OU=bar'>"
    name.L = "ö/ä"
    assert "\\xC3\\xB6" in repr(name)


def test_na_169_long_repr():
    name = empty()
    for field in ("CN", "O", "OU"):
        setattr(name, field, "é" * 64)
    assert repr(name).endswith("'>")


def test_hash_and_der():
    name = empty()
    assert name.hash() == 4003674586
    assert name.der() == b"0\x00"
    name.CN = "a"
    first = name.hash()
    name.CN = "b"
    assert name.hash() != first
    assert 0 <= name.hash() < 2**32


def test_na_168_comparison():
    a, same, b = name_of("a"), name_of("A "), name_of("b")
    assert a == X509Name(a)
    assert a == same  # case and blanks do not matter
    assert a != b
    assert (a < b) != (b < a)
    assert (a < b) == (a <= b)
    assert (a > b) == (a >= b)
    assert a <= same and a >= same
    assert a != object() and not a == object()
    for operation in ("__lt__", "__le__", "__gt__", "__ge__"):
        assert getattr(a, operation)(object()) is NotImplemented
    with pytest.raises(TypeError):
        a < object()


def test_unhashable():
    with pytest.raises(TypeError):
        hash(name_of("x"))
    with pytest.raises(TypeError):
        {name_of("x")}


def test_copies_are_independent():
    name = name_of("one")
    copy = X509Name(name=name)
    copy.CN = "two"
    assert name.CN == "one"
    name.CN = "three"
    assert copy.CN == "two"


@pytest.mark.parametrize("arguments", [(), (None,), ("CN=x",), (X509(),), (1, 2)])
def test_constructor_wrong_arguments(arguments):
    with pytest.raises(TypeError):
        X509Name(*arguments)


def test_view_changes_the_certificate():
    cert = X509()
    subject = cert.get_subject()
    subject.CN = "live"
    assert cert.get_subject().CN == "live"
    assert cert.get_subject() == subject


def test_na_064_a_view_keeps_its_owner():
    subject = certificate("still here").get_subject()
    gc.collect()
    assert subject.CN == "still here"
    assert isinstance(subject._owner, X509)


def test_na_064_a_replaced_view_is_refused():
    """It does not touch what it was a view of, and does not crash."""
    cert = X509()
    old = cert.get_subject()
    old.CN = "old"
    cert.set_subject(name_of("new"))
    assert cert.get_subject().CN == "new"
    for use in (
        lambda: old.CN,
        lambda: setattr(old, "CN", "x"),
        old.get_components,
        old.der,
        old.hash,
        lambda: X509Name(old),
        lambda: old == name_of("x"),
    ):
        with pytest.raises(crypto.Error) as info:
            use()
        assert error_list(info)
    assert "X509Name" in repr(old)
    assert cert.get_subject().CN == "new"


def test_own_name_as_argument():
    cert = X509()
    cert.get_subject().CN = "self"
    cert.set_subject(cert.get_subject())
    cert.set_issuer(cert.get_subject())
    assert cert.get_subject().CN == cert.get_issuer().CN == "self"


def test_cycle_is_collected():
    import weakref

    cert = certificate()
    name = cert.get_subject()
    cert.name = name
    reference = weakref.ref(cert)
    del cert, name
    gc.collect()
    assert reference() is None


def test_field_of_a_subclass_instance_dict():
    name = name_of("x")
    name.__dict__["CN"] = "from the dict"
    assert name.CN == "from the dict"


def test_na_195_second_entries():
    name = X509().get_subject()
    name.OU = "one"
    name.add_entry("OU", "two")
    name.add_entry(field=b"organizationalUnitName", value="drei ä")
    assert name.get_components() == [(b"OU", b"one"), (b"OU", b"two"), (b"OU", "drei ä".encode())]
    assert name.OU == "one"
    with pytest.raises(ValueError):
        name.add_entry("nothing", "x")
    with pytest.raises(crypto.Error):
        name.add_entry("C", "too long")
    for wrong in (None, 1, object()):
        with pytest.raises(TypeError):
            name.add_entry("OU", wrong)
        with pytest.raises(TypeError):
            name.add_entry(wrong, "x")
    assert len(name.get_components()) == 3
