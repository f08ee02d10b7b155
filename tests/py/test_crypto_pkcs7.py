"""PKCS7."""

import pytest
from crypto_support import error_list

from OpenSSL import crypto
from OpenSSL.crypto import FILETYPE_ASN1, FILETYPE_PEM, PKCS7

KINDS = {
    "pkcs7-signed": (b"pkcs7-signedData", "type_is_signed"),
    "pkcs7-enveloped": (b"pkcs7-envelopedData", "type_is_enveloped"),
    "pkcs7-certificates": (b"pkcs7-signedData", "type_is_signed"),
}
QUESTIONS = ["type_is_signed", "type_is_enveloped", "type_is_signedAndEnveloped", "type_is_data"]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_kinds(name, data):
    type_name, answer = KINDS[name]
    for message in (
        crypto.load_pkcs7_data(FILETYPE_PEM, data(name + ".pem")),
        crypto.load_pkcs7_data(FILETYPE_ASN1, data(name + ".der")),
    ):
        assert type(message) is PKCS7
        assert message.get_type_name() == type_name
        for question in QUESTIONS:
            assert getattr(message, question)() is (question == answer)


def test_plain_data():
    # id-data and an octet string
    der = bytes.fromhex("300f06092a864886f70d010701a0020400")
    message = crypto.load_pkcs7_data(FILETYPE_ASN1, der)
    assert message.type_is_data() is True
    assert message.get_type_name() == b"pkcs7-data"
    assert message.get_certificates() == []


def test_na_137_certificates(data):
    signed = crypto.load_pkcs7_data(FILETYPE_PEM, data("pkcs7-certificates.pem"))
    certs = signed.get_certificates()
    assert isinstance(certs, list) and certs
    assert all(type(cert) is crypto.X509 for cert in certs)
    del signed
    assert certs[0].get_subject().CN
    assert crypto.load_pkcs7_data(FILETYPE_PEM, data("pkcs7-enveloped.pem")).get_certificates() == []


def test_signed_without_content():
    """Type and nothing else: what OpenSSL leaves NULL must not be followed."""
    der = bytes.fromhex("300b06092a864886f70d010702")
    try:
        message = crypto.load_pkcs7_data(FILETYPE_ASN1, der)
    except crypto.Error as error:
        assert error.args[0]
    else:
        for use in (message.get_type_name, message.get_certificates, message.type_is_signed):
            try:
                use()
            except crypto.Error:
                pass


def test_nothing_else():
    message = PKCS7()
    for use in (*QUESTIONS, "get_type_name", "get_certificates"):
        with pytest.raises(crypto.Error) as info:
            getattr(message, use)()
        assert error_list(info)
        with pytest.raises(TypeError):
            getattr(message, use)(1)
    with pytest.raises(AttributeError):
        message.foo
    with pytest.raises(TypeError):
        PKCS7(1)
