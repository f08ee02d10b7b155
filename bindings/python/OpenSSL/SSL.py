"""TLS connections: Context, Connection, Session and their errors."""

import os

from OpenSSL import _pyossl
from OpenSSL._util import exception_from_error_queue as _exception_from_error_queue_as
from OpenSSL._util import ffi as _ffi
from OpenSSL._util import lib as _lib
from OpenSSL._util import make_assert as _make_assert
from OpenSSL._util import no_zero_allocator as _no_zero_allocator
from OpenSSL._util import path_bytes as _path_bytes
from OpenSSL._util import text_to_bytes_and_warn as _text_to_bytes_and_warn

for _name, _value in vars(_pyossl).items():
    if _name.startswith("SSL."):
        globals()[_name[4:]] = _value
    elif _name in ("crypto.PKey", "crypto.X509", "crypto.X509Name", "crypto.X509Store"):
        # Programs reach these through this module too.
        globals()[_name[7:]] = _value
del _name, _value

SSLeay_version = OpenSSL_version

#: What OpenSSL does not define has no value; programs test for None.
OP_COOKIE_EXCHANGE = globals().get("OP_COOKIE_EXCHANGE")

#: How Context.set_verify_hostname() compares names (RFC 9525); combine with |.
HOST_ALLOW_COMMON_NAME = 1
HOST_ALLOW_PARTIAL_WILDCARDS = 2
HOST_NO_WILDCARDS = 4


class _NoOverlappingProtocols:
    """The type of NO_OVERLAPPING_PROTOCOLS."""

    def __repr__(self):
        return "OpenSSL.SSL.NO_OVERLAPPING_PROTOCOLS"


#: What an ALPN callback returns to go on without an application protocol.
NO_OVERLAPPING_PROTOCOLS = _NoOverlappingProtocols()
vars(_pyossl)["private.set_no_overlap"](NO_OVERLAPPING_PROTOCOLS)


def _system_text(error):
    number, text = (*error.args, None, None)[:2]
    return os.strerror(number) if isinstance(number, int) and number >= 0 else text


SysCallError.errno = property(
    lambda self: self.args[0] if self.args else None, doc="The system's error number, -1 for an unexpected end."
)
SysCallError.strerror = property(_system_text, doc="The system's text for the error number, or what there is instead.")

# A library that came in a wheel looks for authorities where the wheel was built.
_CRYPTOGRAPHY_MANYLINUX_CA_DIR = b"/opt/pyca/cryptography/openssl/certs"
_CRYPTOGRAPHY_MANYLINUX_CA_FILE = b"/opt/pyca/cryptography/openssl/cert.pem"
_CERTIFICATE_FILE_LOCATIONS = [
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Gentoo
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL 6
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/pki/tls/cacert.pem",  # OpenELEC
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # RHEL 7
]
_CERTIFICATE_PATH_LOCATIONS = ["/etc/ssl/certs"]  # SLES 10, 11


class Context(_Context):
    """Settings that connections share: protocols, identity, trust and callbacks.

    method is TLS_METHOD and the like; ValueError for one that OpenSSL lacks. It may be
    changed at any time: what has begun its handshake keeps what it had.
    """

    def set_default_verify_paths(self):
        """Trust whom the system trusts: OpenSSL's own places, or SSL_CERT_FILE and SSL_CERT_DIR.

        Returns None, whether or not anything is there.
        """
        _openssl_assert(_lib.SSL_CTX_set_default_verify_paths(self._context) == 1)
        dir_env = _ffi.string(_lib.X509_get_default_cert_dir_env()).decode("ascii")
        file_env = _ffi.string(_lib.X509_get_default_cert_file_env()).decode("ascii")
        if self._check_env_vars_set(dir_env, file_env):
            return
        default_dir = _ffi.string(_lib.X509_get_default_cert_dir())
        default_file = _ffi.string(_lib.X509_get_default_cert_file())
        if (default_dir, default_file) == (
            _CRYPTOGRAPHY_MANYLINUX_CA_DIR,
            _CRYPTOGRAPHY_MANYLINUX_CA_FILE,
        ):
            self._fallback_default_verify_paths(
                _CERTIFICATE_FILE_LOCATIONS, _CERTIFICATE_PATH_LOCATIONS
            )

    def __copy__(self):
        """Return another object on the same settings, for copy.copy()."""
        from OpenSSL._private import copy

        return copy(self)

    def _check_env_vars_set(self, dir_env_var, file_env_var):
        """Whether the environment says whom to trust."""
        return dir_env_var in os.environ or file_env_var in os.environ

    def _fallback_default_verify_paths(self, file_path, dir_path):
        """Trust the first bundle, and the first directory, that is there."""
        for path in filter(os.path.isfile, file_path):
            self.load_verify_locations(path)
            break
        for path in filter(os.path.isdir, dir_path):
            self.load_verify_locations(None, path)
            break


class _Callback:
    """Context._info_callback and its like: the callable that is set, or None.

    A program may keep an object of its own under the name.
    """

    def __init__(self, place):
        self.place = place

    def __get__(self, thing, cls):
        if thing is None:
            return self
        context = thing._context
        if context is None or vars(_pyossl)["private.is_empty"](context):
            return None
        return vars(_pyossl)["private.context_callbacks"](context)[self.place]


# Places as in the binding's po_slot; where releases differ in the name, both.
for _place, _names in enumerate(
    (
        "_verify_callback _verify_helper",
        "_passphrase_callback _passphrase_helper",
        "_passphrase_userdata",
        "_info_callback",
        "_keylog_callback",
        "_tlsext_servername_callback",
        "_alpn_select_callback _alpn_select_helper",
        "_npn_advertise_callback _npn_advertise_helper",
        "_npn_select_callback _npn_select_helper",
        "_ocsp_server_callback _ocsp_callback _ocsp_helper",
        "_ocsp_data",
        "_ocsp_client_callback",
        "_ocsp_client_data",
        "_cookie_generate_callback _cookie_generate_helper",
        "_cookie_verify_callback _cookie_verify_helper",
    )
):
    for _name in _names.split():
        setattr(Context, _name, _Callback(_place))
for _name in "_verify_callback _verify_helper _cookie_generate_helper _cookie_verify_helper".split():
    setattr(Connection, _name, vars(Context)[_name])
for _class in (Context, Connection):
    _class._app_data = property(_class.get_app_data, _class.set_app_data)
del _class, _name, _names, _place


class _ReverseMapping:
    """Connection._reverse_mapping, made when it is first asked for."""

    def __get__(self, connection, cls):
        from OpenSSL._private import mapping

        Connection._reverse_mapping = mapping()
        return Connection._reverse_mapping


Connection._reverse_mapping = _ReverseMapping()


def _make_requires(flag, error):
    """A decorator for functions that raise NotImplementedError(error) unless flag."""

    def decorate(function):
        if flag:
            return function

        def explain(*args, **kwargs):
            raise NotImplementedError(error)

        explain.__name__, explain.__qualname__ = function.__name__, function.__qualname__
        explain.__doc__, explain.__module__ = function.__doc__, function.__module__
        explain.__wrapped__ = function
        return explain

    return decorate


_requires_keylog = _make_requires(_lib.Cryptography_HAS_KEYLOG, "Key logging not available")
_requires_ssl_cookie = _make_requires(
    _lib.Cryptography_HAS_SSL_COOKIE, "DTLS cookie support is not available"
)
_requires_ssl_get0_group_name = _make_requires(
    _lib.Cryptography_HAS_SSL_GET0_GROUP_NAME,
    "Getting group name is not supported by the linked OpenSSL version",
)


def _exception_from_error_queue():
    """Raise Error with what functions of _lib left behind."""
    _exception_from_error_queue_as(Error)


_raise_current_error = _exception_from_error_queue
_openssl_assert = _make_assert(Error)

Session.__copy__ = Context.__copy__

_RENAMED = {"ContextType": Context, "ConnectionType": Connection}


def __getattr__(name):
    """Names of the types from when Context and Connection were functions, and modules that few take from here."""
    if name in _RENAMED:
        return _RENAMED[name]
    if name in ("functools", "platform", "socket", "typing"):
        return __import__(name)
    if name in ("_native", "_path_string"):  # to 21.0
        from OpenSSL import _util

        return getattr(_util, name[1:])
    if name == "F":
        import typing

        return globals().setdefault("F", typing.TypeVar("F", bound=typing.Callable[..., typing.Any]))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_PUBLIC_PREFIXES = ("OP_", "SSL_", "SSLEAY_", "OPENSSL_", "SESS_CACHE_", "VERIFY_", "HOST_")
_PUBLIC_NAMES = {
    "Connection",
    "Context",
    "Error",
    "FILETYPE_ASN1",
    "FILETYPE_PEM",
    "MODE_RELEASE_BUFFERS",
    "NO_OVERLAPPING_PROTOCOLS",
    "RECEIVED_SHUTDOWN",
    "SENT_SHUTDOWN",
    "SSLeay_version",
    "Session",
    "SysCallError",
    "WantReadError",
    "WantWriteError",
    "WantX509LookupError",
    "X509VerificationCodes",
    "ZeroReturnError",
}
__all__ = sorted(
    name
    for name, value in globals().items()
    if value is not None
    and (
        name in _PUBLIC_NAMES
        or name.startswith(_PUBLIC_PREFIXES)
        or name.endswith(("_METHOD", "1_VERSION", "2_VERSION", "3_VERSION"))
    )
)
