"""What is there: names, signatures, types, of every release."""

import inspect
import subprocess
import sys
import warnings

import pytest
from crypto_support import WRONG

from OpenSSL import crypto, rand

CLASSES = {
    name: value
    for name, value in vars(crypto).items()
    if inspect.isclass(value) and not issubclass(value, BaseException) and name == value.__name__
}

METHODS = {
    "CRL": "add_revoked(revoked) export(cert,key,type,days,digest) from_cryptography(crypto_crl) get_issuer() "
    "get_revoked() set_lastUpdate(when) set_nextUpdate(when) set_version(version) "
    "sign(issuer_cert,issuer_key,digest) to_cryptography()",
    "NetscapeSPKI": "b64_encode() get_pubkey() set_pubkey(pkey) sign(pkey,digest) verify(key)",
    "PKCS12": "export(passphrase,iter,maciter,cipher,mac_digest) get_ca_certificates() get_certificate() "
    "get_friendlyname() get_privatekey() set_ca_certificates(cacerts) set_certificate(cert) "
    "set_friendlyname(name) set_privatekey(pkey)",
    "PKCS7": "get_type_name() type_is_data() type_is_enveloped() type_is_signed() type_is_signedAndEnveloped() "
    "get_certificates()",
    "PKey": "bits() check() from_cryptography_key(crypto_key) generate_key(type,bits,group) to_cryptography_key() type() "
    "type_name()",
    "Revoked": "all_reasons() get_reason() get_rev_date() get_serial() set_reason(reason) set_rev_date(when) "
    "set_serial(hex_str)",
    "X509": "add_extensions(extensions) digest(digest_name) from_cryptography(crypto_cert) get_extension(index) "
    "get_extension_count() get_issuer() get_notAfter() get_notBefore() get_pubkey() get_serial_number() "
    "get_signature_algorithm() get_subject() get_version() gmtime_adj_notAfter(amount) "
    "gmtime_adj_notBefore(amount) has_expired() set_issuer(issuer) set_notAfter(when) set_notBefore(when) "
    "set_pubkey(pkey) set_serial_number(serial) set_subject(subject) set_version(version) sign(pkey,digest) "
    "subject_name_hash() to_cryptography()",
    "X509Extension": "get_critical() get_data() get_short_name()",
    "X509Name": "der() get_components() hash()",
    "X509Req": "add_extensions(extensions) from_cryptography(crypto_req) get_extensions() get_pubkey() get_subject() "
    "get_version() set_pubkey(pkey) set_version(version) sign(pkey,digest) to_cryptography() verify(pkey)",
    "X509Store": "add_cert(cert) add_crl(crl) add_policy(oid) load_locations(cafile,capath) set_flags(flags) set_time(vfy_time)",
    "X509StoreContext": "get_verified_chain() set_store(store) verify_certificate()",
}

FUNCTIONS = """
load_certificate(type,buffer) dump_certificate(type,cert) load_privatekey(type,buffer,passphrase)
dump_privatekey(type,pkey,cipher,passphrase) load_publickey(type,buffer) dump_publickey(type,pkey)
load_certificate_request(type,buffer) dump_certificate_request(type,req) load_crl(type,buffer) dump_crl(type,crl)
load_pkcs7_data(type,buffer) load_pkcs12(buffer,passphrase) sign(pkey,data,digest)
verify(cert,signature,data,digest) get_elliptic_curves() get_elliptic_curve(name)
X509_verify_cert_error_string(errnum)
"""

RANDOM = "add(buffer,entropy) bytes(num_bytes) cleanup() egd(path,bytes) load_file(filename,maxbytes) seed(buffer) status() write_file(filename)"


def split(text):
    for item in text.split():
        name, _, parameters = item.rstrip(")").partition("(")
        yield name, [parameter for parameter in parameters.split(",") if parameter]


def parameters(function):
    return [name for name in inspect.signature(function).parameters if name not in ("self", "type_")]


@pytest.mark.parametrize("name", sorted(METHODS))
def test_na_013_methods(name):
    kind = getattr(crypto, name)
    for method, wanted in split(METHODS[name]):
        function = getattr(kind, method)
        assert parameters(function) == wanted, method
        assert function.__doc__, method
        assert function.__name__ == method


@pytest.mark.parametrize("module, text", [(crypto, FUNCTIONS), (rand, RANDOM)], ids=["crypto", "rand"])
def test_na_013_functions(module, text):
    for name, wanted in split(text):
        function = getattr(module, name)
        assert parameters(function) == wanted, name
        assert function.__module__ == module.__name__
        assert function.__name__ == name
        assert function.__doc__


def test_every_class_is_listed():
    assert set(METHODS) == set(CLASSES) - {"X509StoreFlags", "_EllipticCurve"}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_types(name):
    kind = CLASSES[name]
    assert isinstance(kind, type) and type(kind) is type
    assert kind.__name__ == name
    assert kind.__module__ == "OpenSSL.crypto"
    assert kind.__doc__
    assert isinstance(type(name, (kind,), {}), type)  # may be derived from


@pytest.mark.parametrize("name", [
    "PKey", "X509", "X509Name", "X509Req", "X509Store", "X509Extension", "CRL", "PKCS7", "PKCS12", "NetscapeSPKI"])
def test_names_of_the_time_of_factories(name):
    assert getattr(crypto, name + "Type") is getattr(crypto, name)


def test_constants():
    wanted = {"FILETYPE_PEM": 1, "FILETYPE_ASN1": 2, "FILETYPE_TEXT": 65535, "TYPE_RSA": 6, "TYPE_DSA": 116,
              "TYPE_DH": 28, "TYPE_EC": 408}
    for name, value in wanted.items():
        assert getattr(crypto, name) == value
        assert type(getattr(crypto, name)) is int


def test_exceptions():
    assert issubclass(crypto.Error, Exception)
    assert crypto.Error.__module__ == "OpenSSL.crypto"
    assert repr(crypto.Error([])) == "Error([])"
    assert not issubclass(crypto.X509StoreContextError, crypto.Error)
    import pickle

    error = pickle.loads(pickle.dumps(crypto.Error([("a", "", "b")])))
    assert type(error) is crypto.Error and error.args == ([("a", "", "b")],)


def test_errors_from_the_queue():
    for arguments, kind in (((), crypto.Error), ((ValueError,), ValueError)):
        with pytest.raises(kind) as info:
            crypto._exception_from_error_queue(*arguments)
        assert info.value.args == ([],)


@pytest.mark.parametrize("module", [crypto, rand], ids=["crypto", "rand"])
def test_all(module):
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert hasattr(module, name), name
    scope = {}
    exec(f"from {module.__name__} import *", scope)
    assert set(scope) - {"__builtins__"} == set(module.__all__)


def test_all_of_both_eras():
    for name in "X509Name X509Extension X509Req Revoked CRL PKCS7 PKCS12 NetscapeSPKI X509StoreFlags dump_publickey".split():
        assert name in crypto.__all__


def test_no_warnings_on_import_or_use():
    code = "from OpenSSL.crypto import *; from OpenSSL import crypto; [getattr(crypto, n) for n in dir(crypto)]; X509(); X509Req(); PKCS12()"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=240)


def everything():
    for name in METHODS:
        for method, wanted in split(METHODS[name]):
            yield name, method, len(wanted)


@pytest.mark.parametrize("name, method, count", list(everything()))
def test_counts_of_arguments(name, method, count):
    """One argument too many, or a name that is none, is a TypeError and no more."""
    kind = getattr(crypto, name)
    thing = kind.__new__(kind)
    function = getattr(thing, method)
    with pytest.raises(TypeError):
        function(*[None] * (count + 1))
    with pytest.raises(TypeError):
        function(no_such_parameter=1)
    with pytest.raises(TypeError):
        getattr(kind, method)(object(), *[None] * count)


@pytest.mark.parametrize("name, method, count", [item for item in everything() if item[2]])
@pytest.mark.parametrize("wrong", [*WRONG, None, -1, 2**80, "\0", "\udc80", b"\xff" * 70000],
                         ids=lambda value: type(value).__name__)
def test_na_077_na_156_anything_anywhere(name, method, count, wrong):
    """Whatever is given to whatever state of an object, it answers with an exception or works."""
    warnings.simplefilter("ignore", DeprecationWarning)
    kind = getattr(crypto, name)
    for make in (lambda: kind.__new__(kind), kind):
        try:
            thing = make()
        except TypeError:
            continue
        try:
            getattr(thing, method)(*[wrong] * count)
        except (TypeError, ValueError, OverflowError, IndexError, crypto.Error, UnicodeError,
                MemoryError, ImportError):
            pass
        repr(thing)


def test_na_165_objects_outlive_the_module():
    """At the end of the interpreter, what a cache holds goes after the module."""
    code = """
import functools
from OpenSSL import crypto

@functools.lru_cache(maxsize=None)
def kept(number):
    key = crypto.PKey(); key.generate_key(crypto.TYPE_RSA, 1024)
    cert = crypto.X509(); cert.set_pubkey(key)
    p12 = crypto.PKCS12(); p12.set_certificate(cert)
    store = crypto.X509Store()
    return [key, cert, cert.get_subject(), p12, store, crypto.X509StoreContext(store, cert)]

kept(1)
"""
    subprocess.run([sys.executable, "-X", "dev", "-c", code], check=True, timeout=240)


def test_na_159_subinterpreters():
    """Another interpreter has its own module, state and types."""
    code = """
import _xxsubinterpreters as interpreters
from OpenSSL import crypto
key = crypto.PKey(); key.generate_key(crypto.TYPE_RSA, 1024)
for _ in range(3):
    other = interpreters.create(isolated=False)
    interpreters.run_string(other, '''
from OpenSSL import crypto
key = crypto.PKey(); key.generate_key(crypto.TYPE_RSA, 1024)
cert = crypto.X509(); cert.set_pubkey(key); cert.gmtime_adj_notAfter(5)
cert.get_subject().CN = "inner"
crypto.dump_privatekey(crypto.FILETYPE_PEM, key, "aes-128-cbc", lambda w: b"x")
try:
    crypto.load_certificate(1, b"")
except crypto.Error:
    pass
else:
    raise SystemExit(1)
''')
    interpreters.destroy(other)
assert key.check()
"""
    if sys.version_info >= (3, 13):
        pytest.skip("the module's name differs")
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)
