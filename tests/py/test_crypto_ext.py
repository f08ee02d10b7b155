"""X509Extension."""

import pytest
from crypto_support import authority, certificate, error_list, rsa_key

from OpenSSL import crypto
from OpenSSL.crypto import X509, X509Extension

GOOD = [
    (b"basicConstraints", b"CA:true", "CA:TRUE"),
    (b"basicConstraints", b"CA:TRUE, pathlen:0", "CA:TRUE, pathlen:0"),
    (b"keyUsage", b"keyCertSign, cRLSign", "Certificate Sign, CRL Sign"),
    (b"extendedKeyUsage", b"serverAuth, 1.2.3.4", "TLS Web Server Authentication, 1.2.3.4"),
    (b"subjectAltName", b"DNS:a.test, IP:192.0.2.1", "DNS:a.test, IP Address:192.0.2.1"),
    (b"subjectAltName", b"email:a@b.test, URI:http://c.test/", "email:a@b.test, URI:http://c.test/"),
    (b"subjectAltName", b"RID:1.2.3", "Registered ID:1.2.3"),
    (b"subjectKeyIdentifier", b"01:02", "01:02"),
    (b"nsComment", b"free text", "free text"),
    (b"nsCertType", b"server", "SSL Server"),
    (b"nameConstraints", b"permitted;DNS:a.test", "Permitted:\n  DNS:a.test"),
    (b"inhibitAnyPolicy", b"2", "2"),
    (b"1.2.3.4.5", b"DER:05:00", None),
    (b"1.2.3.4.5", b"ASN1:UTF8String:x", None),
]


@pytest.mark.parametrize("name, value, text", GOOD)
def test_values(name, value, text):
    extension = X509Extension(name, False, value)
    assert extension.get_critical() == 0
    if text is not None:
        assert str(extension).strip() == text
        assert extension.get_short_name() == name
    else:
        assert extension.get_short_name() == b"UNDEF"
    assert isinstance(extension.get_data(), bytes)
    same = X509Extension(name.decode(), 0, value.decode())
    assert same.get_data() == extension.get_data()


@pytest.mark.parametrize(
    "name, value, text",
    [
        (b"1.3.6.1.4.1.311.20.2", b"ASN1:BMPString:Machine", "0000 - 1e 0e 00 4d"),
        (b"1.2.3.4.5", b"ASN1:UTF8String:hello", "0000 - 0c 05 68 65 6c 6c 6f"),
        (b"nsComment", b"", "0000 - 16 00"),
        (b"keyUsage", b"DER:01:02:03", "0000 - 01 02 03"),
    ],
)
def test_na_188_what_openssl_cannot_print(name, value, text):
    assert str(X509Extension(name, False, value)).startswith(text)


@pytest.mark.parametrize(
    "name, value, text",
    [
        (b"certificatePolicies", b"1.2.3.4", "Policy: 1.2.3.4"),
        (b"certificatePolicies", b"1.2.3.4, 2.5.29.32.0", "X509v3 Any Policy"),
        (b"certificatePolicies", b"ia5org, 1.2.3.4", "Policy: 1.2.3.4"),
        (b"policyMappings", b"1.2.3.4:1.2.3.5", "1.2.3.4:1.2.3.5"),
        (b"policyConstraints", b"requireExplicitPolicy:3", "Require Explicit Policy:3"),
        (b"proxyCertInfo", b"language:id-ppl-anyLanguage,pathlen:3", "Path Length Constraint: 03"),
        (b"issuerSignTool", b"signTool:x", "x"),
    ],
)
def test_na_191_no_database_is_an_empty_one(name, value, text):
    """Some extensions want a configuration, though nothing of it."""
    for about in ({}, {"issuer": certificate()}, {"subject": certificate(), "issuer": certificate()}):
        assert text in str(X509Extension(name, False, value, **about))


@pytest.mark.parametrize("value", [b"@section", b"1.2.3.4, @section", b"@ENV", b"1.2.3.4,@ENV"])
def test_na_191_there_is_nothing_in_it(value):
    with pytest.raises(crypto.Error):
        X509Extension(b"certificatePolicies", False, value)


def test_data():
    assert X509Extension(b"basicConstraints", True, b"CA:true").get_data() == b"0\x03\x01\x01\xff"
    assert X509Extension(b"basicConstraints", True, b"CA:false").get_data() == b"0\x00"
    assert X509Extension(b"1.2.3.4.5", False, b"DER:05:00").get_data() == b"\x05\x00"
    assert X509Extension(b"1.2.3.4.5", False, b"DER:05:00").get_oid() == b"1.2.3.4.5"
    assert X509Extension(b"basicConstraints", True, b"CA:true").get_oid() == b"2.5.29.19"


@pytest.mark.parametrize("critical, number", [(True, 1), (1, 1), ("yes", 1), (False, 0), (0, 0), (None, 0), ([], 0)])
def test_critical_is_a_truth_value(critical, number):
    extension = X509Extension(b"basicConstraints", critical, b"CA:false")
    assert extension.get_critical() == number


def test_critical_in_the_value():
    assert X509Extension(b"basicConstraints", False, b"critical,CA:false").get_critical() == 1
    with pytest.raises(crypto.Error):
        X509Extension(b"basicConstraints", True, b"critical,CA:false")


def test_critical_that_raises():
    class Undecided:
        def __bool__(self):
            raise KeyError("no")

    with pytest.raises(KeyError):
        X509Extension(b"basicConstraints", Undecided(), b"CA:false")


@pytest.mark.parametrize(
    "name, value",
    [
        (b"thisIsMadeUp", b"hi"),
        (b"", b"hi"),
        (b"basicConstraints", b"blah blah"),
        (b"X509v3 Basic Constraints", b"CA:true"),
        (b"proxyCertInfo", b"language:id-ppl-anyLanguage,policy:file:/etc/hostname"),
        (b"subjectAltName", b"dirName:section"),
        (b"subjectAltName", b"@section"),
        (b"certificatePolicies", b"@section"),
        (b"subjectAltName", b"IP:not an address"),
        (b"subjectKeyIdentifier", b"hash"),
        (b"subjectAltName", b"email:copy"),
        (b"authorityKeyIdentifier", b"keyid:always"),
        (b"basicConstraints", b"CA:true\0, pathlen:1"),
        (b"keyUsage", b""),
        (b"1.2.3.4.5", b"DER:zz"),
    ],
)
def test_na_132_refused(name, value):
    """Error of late, ValueError in the first releases."""
    for kind in (crypto.Error, ValueError):
        with pytest.raises(kind) as info:
            X509Extension(name, False, value)
    assert error_list(info)


def test_nul_in_the_name():
    with pytest.raises(ValueError):
        X509Extension(b"basicConstraints\0", False, b"CA:true")


def test_wrong_arguments():
    for arguments in ((), (b"nsComment",), (b"nsComment", True), (b"nsComment", True, b"x", None, None, None)):
        with pytest.raises(TypeError):
            X509Extension(*arguments)
    for wrong in (5, None, object()):
        with pytest.raises(TypeError):
            X509Extension(wrong, False, b"x")
        with pytest.raises(TypeError):
            X509Extension(b"nsComment", False, wrong)
    with pytest.raises(TypeError):
        X509Extension(b"nsComment", False, b"x", nonsense=1)
    with pytest.raises(TypeError):
        X509Extension(b"nsComment", False, b"x", typename=b"nsComment")


def test_both_names_of_the_first_parameter():
    old = X509Extension(typename=b"nsComment", critical=False, value=b"x")
    new = X509Extension(type_name=b"nsComment", critical=False, value=b"x")
    assert old.get_data() == new.get_data()


@pytest.mark.parametrize("wrong", [True, object(), "hello", [], crypto.PKey()])
def test_subject_and_issuer_are_certificates(wrong):
    for which in ("subject", "issuer"):
        with pytest.raises(TypeError):
            X509Extension("basicConstraints", False, "CA:true", **{which: wrong})


def test_subject():
    cert = certificate()
    text = str(X509Extension(b"subjectKeyIdentifier", False, b"hash", subject=cert))
    assert text.count(":") == 19
    cert.get_subject().emailAddress = "me@example.test"
    extension = X509Extension(b"subjectAltName", False, b"email:copy", subject=cert)
    assert str(extension) == "email:me@example.test"
    # Not needed, so ignored.
    assert str(X509Extension(b"basicConstraints", False, b"CA:false", cert, cert)) == "CA:FALSE"


def test_issuer():
    root, _ = authority("Yoda root CA")
    text = str(X509Extension(b"authorityKeyIdentifier", False, b"issuer:always", issuer=root))
    assert "DirName:/CN=Yoda root CA" in text


def test_issuer_that_is_not_signed_yet():
    issuer = X509()
    issuer.get_issuer().CN = "unfinished"
    issuer.set_pubkey(rsa_key())
    text = str(X509Extension(b"authorityKeyIdentifier", False, b"issuer:always", issuer=issuer))
    assert "DirName:/CN=unfinished" in text


def test_na_104_nul_in_a_subject_alternative_name(data):
    cert = crypto.load_certificate(crypto.FILETYPE_PEM, data("nul-in-san.pem"))
    names = [cert.get_extension(i) for i in range(cert.get_extension_count())]
    (extension,) = [e for e in names if e.get_short_name() == b"subjectAltName"]
    assert str(extension) == "DNS:good.example.test\0.evil.test"
    assert extension._subjectAltNameString() == str(extension)
    assert extension.get_general_names() == [(2, b"good.example.test\0.evil.test")]


def test_na_106_names_apart():
    """The text can be forged, the list cannot."""
    extension = X509Extension(b"subjectAltName", False, b"URI:http://a.test/ DNS:evil, IP:192.0.2.1")
    assert extension.get_general_names()[-1] == (7, b"\xc0\x00\x02\x01")
    assert len(extension.get_general_names()) == 2
    with pytest.raises(ValueError):
        X509Extension(b"basicConstraints", False, b"CA:true").get_general_names()


def test_malformed_content():
    for name in ("basicConstraints", "subjectAltName", "keyUsage", "authorityKeyIdentifier"):
        der = {"basicConstraints": "2.5.29.19", "subjectAltName": "2.5.29.17",
               "keyUsage": "2.5.29.15", "authorityKeyIdentifier": "2.5.29.35"}[name]
        extension = X509Extension(der.encode(), False, b"DER:30:03:02:01")
        assert extension.get_short_name() == name.encode()
        try:
            str(extension)
        except crypto.Error:
            pass


def test_prefixes():
    assert X509Extension._prefixes == {1: "email", 2: "DNS", 6: "URI"}
    assert X509Extension(b"basicConstraints", False, b"CA:true")._nid == 87
