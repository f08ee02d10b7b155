"""Keys and certificates that the tests of OpenSSL.crypto make for themselves."""

import datetime
import functools

from OpenSSL import crypto

#: So that what is made twice is the same, whatever second it is.
STARTED = datetime.datetime.now(datetime.timezone.utc)

#: Objects that are never what a function wants.
WRONG = [object(), 3.5, [], {}, lambda: None]


@functools.lru_cache(maxsize=None)
def rsa_key(number=0, bits=2048):
    """A key pair, the same one for the same number."""
    key = crypto.PKey()
    key.generate_key(crypto.TYPE_RSA, bits)
    return key


def public_half(key):
    return crypto.load_publickey(crypto.FILETYPE_ASN1, crypto.dump_publickey(crypto.FILETYPE_ASN1, key))


def name_of(common_name):
    name = crypto.X509().get_subject()
    name.CN = common_name
    return name


def moment(seconds):
    """So many seconds after STARTED, as certificates have it."""
    return (STARTED + datetime.timedelta(seconds=seconds)).strftime("%Y%m%d%H%M%SZ").encode()


def certificate(
    common_name="leaf",
    key=None,
    issuer=None,
    issuer_key=None,
    serial=1,
    begins=-3600,
    ends=3600,
    extensions=(),
):
    """A certificate signed by issuer, or by itself, valid from `begins` to `ends` seconds after STARTED."""
    key = key or rsa_key()
    cert = crypto.X509()
    cert.set_version(2)
    cert.set_serial_number(serial)
    cert.get_subject().CN = common_name
    cert.set_issuer(issuer.get_subject() if issuer else cert.get_subject())
    cert.set_notBefore(moment(begins))
    cert.set_notAfter(moment(ends))
    cert.set_pubkey(key)
    cert.add_extensions(extensions)
    cert.sign(issuer_key or key, "sha256")
    return cert


def authority(common_name="root", number=1, **more):
    """(certificate, key) of one that may sign others."""
    key = rsa_key(number)
    return (
        certificate(
            common_name,
            key,
            extensions=[
                crypto.X509Extension(b"basicConstraints", True, b"CA:TRUE"),
                crypto.X509Extension(b"keyUsage", True, b"keyCertSign, cRLSign"),
            ],
            **more,
        ),
        key,
    )


def error_list(info):
    """The list of triples that an Error carries, checked for its shape."""
    (errors,) = info.value.args
    assert isinstance(errors, list)
    for triple in errors:
        assert isinstance(triple, tuple) and len(triple) == 3
        assert all(isinstance(part, str) for part in triple)
    return errors


def signer():
    """A certificate that signed itself, and its key."""
    key = rsa_key()
    cert = crypto.X509()
    cert.set_version(2)
    cert.get_subject().CN = "signer"
    cert.set_issuer(cert.get_subject())
    cert.gmtime_adj_notBefore(0)
    cert.gmtime_adj_notAfter(1000)
    cert.set_pubkey(key)
    cert.sign(key, "sha256")
    return cert, key
