"""Elliptic curves."""

import pytest

from OpenSSL import crypto
from OpenSSL.crypto import _EllipticCurve, get_elliptic_curve, get_elliptic_curves


def test_the_set():
    curves = get_elliptic_curves()
    assert isinstance(curves, set) and len(curves) > 10
    assert get_elliptic_curves() is curves
    assert all(type(curve) is _EllipticCurve for curve in curves)
    assert _EllipticCurve._curves is curves
    assert _EllipticCurve._get_elliptic_curves(None) is curves
    assert _EllipticCurve._load_elliptic_curves(None) == curves


def test_every_curve_by_its_name():
    for curve in get_elliptic_curves():
        assert isinstance(curve.name, str)
        assert get_elliptic_curve(name=curve.name) is curve
        assert repr(curve) == f"<Curve {curve.name!r}>"
        assert curve._nid > 0
        assert curve._to_EC_KEY() is not None
        assert _EllipticCurve.from_nid(None, curve._nid).name == curve.name


@pytest.mark.parametrize("name", ["this curve was just invented", "secp256r1 ", "", b"prime256v1", None, 5])
def test_na_128_unknown(name):
    with pytest.raises(ValueError) as info:
        get_elliptic_curve(name)
    assert info.value.args == ("unknown curve name", name)


def test_unknown_number():
    for number in (0, -1, 6, 2**31):
        with pytest.raises(ValueError):
            _EllipticCurve.from_nid(None, number)
    with pytest.raises(TypeError):
        _EllipticCurve.from_nid(None, "415")
    with pytest.raises(TypeError):
        get_elliptic_curve()


def test_identity():
    a, b = get_elliptic_curve("prime256v1"), get_elliptic_curve("secp384r1")
    assert a == a and not a != a
    assert a != b
    assert a in get_elliptic_curves()
    assert object() not in get_elliptic_curves()
    assert {a: 1}[a] == 1


def test_other_types_decide():
    class Other:
        def __eq__(self, other):
            return ["mine", other]

        def __ne__(self, other):
            return ["not mine", other]

    curve = get_elliptic_curve("prime256v1")
    assert (curve == Other()) == ["mine", curve]
    assert (curve != Other()) == ["not mine", curve]


def test_made_by_hand():
    curve = _EllipticCurve(None, 415, "prime256v1")
    assert curve.name == "prime256v1"
    assert curve._nid == 415
    with pytest.raises(TypeError):
        _EllipticCurve()
    with pytest.raises(TypeError):
        _EllipticCurve(None, 1, 5)
    empty = _EllipticCurve.__new__(_EllipticCurve)
    assert empty._nid == 0
    assert repr(empty) == "<Curve None>"


def test_verify_cert_error_string():
    text = crypto.X509_verify_cert_error_string
    assert text(0) == "ok"
    assert text(10) == "certificate has expired"
    assert text(errnum=23) == "certificate revoked"
    assert isinstance(text(-999), str)
    for wrong in ("10", None, 1.0):
        with pytest.raises(TypeError):
            text(wrong)
    with pytest.raises(OverflowError):
        text(2**70)
