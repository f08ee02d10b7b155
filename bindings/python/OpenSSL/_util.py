"""Names that programs know from inside another implementation of this package.

There is no table of OpenSSL's functions behind `lib`: each name is a few lines
over the package's own methods, and the pointers are the package's objects: here
those that are asked for often, in _private.py the others. A name that is in
neither raises AttributeError. What a program puts in the place of
one of them is called where the package would do what it names.
"""

import os
from _thread import _local

from OpenSSL import _pyossl

__all__ = ["ffi", "lib"]

_private = {
    name[len("private.") :]: value
    for name, value in vars(_pyossl).items()
    if name.startswith("private.")
}
_Error = vars(_pyossl)["SSL.Error"]
_Refused = (ValueError, NotImplementedError)  # as where a name or a file type is unknown
_FAILURES = (_Error, vars(_pyossl)["crypto.Error"], *_Refused)
StrOrBytesPath = "str | bytes | os.PathLike"


# ---- errors ----

_pending = _local()


def _entries():
    if not hasattr(_pending, "entries"):
        _pending.entries = []
    return _pending.entries


def _leave(entries):
    """Leave the reasons of a failure behind, and nobody else's."""
    _entries()[:] = entries


def _leave_why(error):
    """The same, of a failure that has been raised."""
    if isinstance(error, _Refused) and not (error.args and isinstance(error.args[0], list)):
        _leave([("libpyossl", "", str(error))])
    else:
        _leave(error.args[0] if error.args and isinstance(error.args[0], list) else [])


def _tries(function):
    """1 for a call that works; 0, and the reason left behind, for one that fails."""

    def call(*args):
        try:
            function(*args)
        except _FAILURES as error:
            _leave_why(error)
            return 0
        return 1

    return staticmethod(call)


def exception_from_error_queue(exception_type):
    """Raise exception_type with what functions of lib left behind."""
    entries = list(_entries())
    _entries().clear()
    raise exception_type(entries)


def crypto_exception_from_error_queue(exception_type=vars(_pyossl)["crypto.Error"]):
    """The same with a default."""
    exception_from_error_queue(exception_type)


def make_assert(error):
    """A function that raises error unless it is given something true."""

    def openssl_assert(ok):
        if ok is not True:
            exception_from_error_queue(error)

    return openssl_assert


# ---- ffi ----


class _Null:
    """The pointer that points nowhere."""

    def __bool__(self):
        return False

    def __repr__(self):
        return "<NULL>"


class _Box(list):
    """What new() makes room for: box[0] is the value."""


def _octets(pointer):
    """The bytes that are there. A number is none, and bytes() of one are as many."""
    return bytes(memoryview(pointer))


class _Ffi:
    NULL = _Null()

    @staticmethod
    def new(kind, initial=None):
        if not kind.rstrip().endswith("]"):
            return _Box([_Ffi.NULL if "**" in kind else initial or 0])
        if isinstance(initial, (bytes, bytearray)):
            return bytearray(initial) + b"\0"
        inner = kind[kind.index("[") + 1 : kind.rindex("]")].strip()
        return bytearray(int(inner) if inner else initial)

    @staticmethod
    def string(pointer, maxlen=-1):
        text = _octets(pointer).partition(b"\0")[0]
        return text if maxlen < 0 else text[:maxlen]

    @staticmethod
    def buffer(pointer, size=-1):
        return _octets(pointer) if size < 0 else _octets(pointer)[:size]

    @staticmethod
    def gc(pointer, destructor, size=0):
        return pointer

    @staticmethod
    def from_buffer(data):
        return data


# ---- lib ----


def _default_directory():
    """Where this OpenSSL's configuration lies, from OPENSSLDIR: "/usr/lib/ssl"."""
    text = vars(_pyossl)["SSL.OpenSSL_version"](vars(_pyossl)["SSL.OPENSSL_DIR"])
    return text.partition(b'"')[2].rpartition(b'"')[0]


class _Param:
    """The verification parameters of a Context or a Connection.

    They are kept in its attributes, so that each of these shows the same ones. What a
    Connection was not told it has from its Context.
    """

    def __init__(self, owner):
        self.owner = owner

    def _kept(self, what):
        owner = self.owner
        if what not in vars(owner) and isinstance(owner, vars(_pyossl)["SSL.Connection"]):
            owner = owner.get_context()
        return vars(owner).get(what)

    def set_hostflags(self, flags):
        vars(self.owner)["_verify_flags"] = flags
        if self._kept("_verify_host") is not None:
            self._require(self._kept("_verify_host"))

    def set_host(self, name):
        self._require(name)
        vars(self.owner)["_verify_host"] = name

    def set_address(self, text):
        self.owner.set_verify_ip(text)
        vars(self.owner)["_verify_host"] = None

    def _require(self, name):
        self.owner.set_verify_hostname(name, _check_flags(self._kept("_verify_flags") or 0))


class _Dh:
    """Diffie-Hellman parameters, in PEM."""

    def __init__(self, pem):
        self.pem = pem


def _check_flags(flags):
    """X509_check_host(3) by our own flags; what is not said there is as strict as RFC 9525."""
    if flags & _Lib.X509_CHECK_FLAG_NEVER_CHECK_SUBJECT:
        flags &= ~_Lib.X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT
    subject = flags & _Lib.X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT
    return (1 if subject else 0) | (4 if flags & _Lib.X509_CHECK_FLAG_NO_WILDCARDS else 0)


class _Lib:
    """Functions by OpenSSL's names."""

    # What this OpenSSL can do.
    Cryptography_HAS_KEYLOG = int(_private["has_feature"](1))
    Cryptography_HAS_NEXTPROTONEG = int(_private["has_feature"](2))
    Cryptography_HAS_EC = 1
    Cryptography_HAS_ALPN = int(_private["has_feature"](3))
    Cryptography_HAS_SSL_COOKIE = int(_private["has_feature"](5))
    Cryptography_HAS_SSL_GET0_GROUP_NAME = int(_private["has_feature"](6))

    def __getattr__(self, name):
        """What few programs ask for."""
        if name.startswith("__"):
            raise AttributeError(name)
        from OpenSSL import _private

        return _private.find(name)

    SSL_MODE_ENABLE_PARTIAL_WRITE = 0x1
    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 0x2
    SSL_MODE_AUTO_RETRY = 0x4
    SSL_MODE_RELEASE_BUFFERS = 0x10
    X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT = 0x1
    X509_CHECK_FLAG_NO_WILDCARDS = 0x2
    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS = 0x4
    X509_CHECK_FLAG_MULTI_LABEL_WILDCARDS = 0x8
    X509_CHECK_FLAG_SINGLE_LABEL_SUBDOMAINS = 0x10
    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT = 0x20
    ERR_LIB_EVP = 6
    OPENSSL_VERSION_NUMBER = vars(_pyossl)["SSL.OPENSSL_VERSION_NUMBER"]

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)
        if getattr(type(self), name, None) is value:
            _pyossl._hooks.pop(name, None)  # the old function is back
        else:
            _pyossl._hooks[name] = value

    def __delattr__(self, name):
        object.__delattr__(self, name)
        _pyossl._hooks.pop(name, None)

    # Contexts.
    SSL_CTX_get_options = staticmethod(lambda ctx: ctx.get_options())
    SSL_CTX_set_options = staticmethod(lambda ctx, options: ctx.set_options(options))
    SSL_CTX_get_mode = staticmethod(lambda ctx: ctx.get_mode())
    SSL_CTX_set_mode = staticmethod(lambda ctx, mode: ctx.set_mode(mode))
    SSL_CTX_clear_mode = staticmethod(lambda ctx, mode: ctx.clear_mode(mode))
    SSL_CTX_get0_param = staticmethod(_Param)
    SSL_CTX_set_default_verify_paths = _tries(lambda ctx: ctx._set_default_verify_paths())
    SSL_CTX_set_min_proto_version = _tries(lambda ctx, v: ctx.set_min_proto_version(v))
    SSL_CTX_set_max_proto_version = _tries(lambda ctx, v: ctx.set_max_proto_version(v))
    SSL_CTX_set_post_handshake_auth = staticmethod(lambda ctx, on: ctx.set_post_handshake_auth(on))
    SSL_CTX_set1_curves_list = _tries(lambda ctx, groups: ctx.set_groups(groups))
    SSL_CTX_set1_groups_list = SSL_CTX_set1_curves_list
    SSL_CTX_set_tmp_dh = _tries(lambda ctx, dh: ctx.set_tmp_dh(dh.pem))

    # Connections.
    SSL_get_options = staticmethod(lambda ssl: ssl.get_options())
    SSL_set_options = staticmethod(lambda ssl, options: ssl.set_options(options))
    SSL_get_mode = staticmethod(lambda ssl: ssl.get_mode())
    SSL_set_mode = staticmethod(lambda ssl, mode: ssl.set_mode(mode))
    SSL_clear_mode = staticmethod(lambda ssl, mode: ssl.clear_mode(mode))
    SSL_get0_param = staticmethod(_Param)
    SSL_get_verify_result = staticmethod(lambda ssl: ssl.get_verify_result())
    SSL_get0_group_name = staticmethod(
        lambda ssl: (_private["group_name"](ssl) or "").encode() or _Ffi.NULL
    )
    DTLSv1_handle_timeout = staticmethod(_private["dtls_handle_timeout"])

    @staticmethod
    def DTLSv1_get_timeout(ssl, seconds, microseconds):
        timeout = ssl.DTLSv1_get_timeout()
        if timeout is None:
            return 0
        seconds[0] = int(timeout)
        microseconds[0] = int((timeout - seconds[0]) * 1000000)
        return 1

    Cryptography_DTLSv1_get_timeout = DTLSv1_get_timeout

    # Whose certificate is accepted.
    @staticmethod
    def X509_VERIFY_PARAM_set_hostflags(param, flags):
        param.set_hostflags(flags)

    @_tries
    def X509_VERIFY_PARAM_set1_host(param, name, length=0):
        param.set_host(bytes(name[: length or None]))

    @_tries
    def X509_VERIFY_PARAM_set1_ip(param, address, length=0):
        import ipaddress

        try:
            text = str(ipaddress.ip_address(bytes(address[: length or None])))
        except ValueError:
            raise _Error([("X509 V3 routines", "", "bad ip address")]) from None
        param.set_address(text)

    X509_verify_cert_error_string = staticmethod(_private["verify_error_string"])

    # Trust.
    X509_get_default_cert_dir = staticmethod(lambda: _default_directory() + b"/certs")
    X509_get_default_cert_file = staticmethod(lambda: _default_directory() + b"/cert.pem")
    X509_get_default_cert_dir_env = staticmethod(lambda: b"SSL_CERT_DIR")
    X509_get_default_cert_file_env = staticmethod(lambda: b"SSL_CERT_FILE")
    X509_STORE_get0_objects = staticmethod(lambda store: store)
    sk_X509_OBJECT_num = staticmethod(_private["store_count"])
    X509_STORE_load_locations = _tries(lambda store, *paths: store.load_locations(*paths))
    sk_X509_push = staticmethod(lambda stack, cert: stack.append(cert) or len(stack))

    # Diffie-Hellman parameters.
    @staticmethod
    def BIO_new_file(path, mode):
        try:
            return open(os.fsdecode(path), os.fsdecode(mode).replace("b", "") + "b")
        except OSError as error:
            _leave([("system library", "", error.strerror or "")])
            return _Ffi.NULL

    @staticmethod
    def BIO_free(bio):
        bio.close()
        return 1

    @staticmethod
    def PEM_read_bio_DHparams(bio, place, callback, userdata):
        pem = bio.read()
        return _Dh(pem) if b"-----BEGIN " in pem else _Ffi.NULL

    @staticmethod
    def DH_free(dh):
        pass

    # Names.
    @staticmethod
    def X509_NAME_oneline(name, buffer, size):
        line = os.fsencode(repr(name).partition("'")[2].rpartition("'")[0])[: size - 1]
        buffer[: len(line) + 1] = line + b"\0"
        return buffer

    # Methods, which say nothing but that there are such.
    TLS_method = staticmethod(lambda: 7)
    TLS_server_method = staticmethod(lambda: 8)
    TLS_client_method = staticmethod(lambda: 9)

    @staticmethod
    def ERR_put_error(library, function, reason, file, line):
        _leave([("digital envelope routines" if library == _Lib.ERR_LIB_EVP else "", "", "")])


ffi = _Ffi()
lib = _Lib()


class binding:
    """Both under one name."""

    ffi = ffi
    lib = lib


# ---- small things that programs import from here ----

UNSPECIFIED = object()


def no_zero_allocator(kind, size=None):
    return ffi.new(kind, size)


def text(pointer):
    """A C string as str."""
    return ffi.string(pointer).decode("utf-8")


def native(value):
    """str, whatever it was."""
    if not isinstance(value, (bytes, str)):
        raise TypeError(f"{value!r} is neither bytes nor unicode")
    return value.decode("utf-8") if isinstance(value, bytes) else value


def byte_string(value):
    """bytes, one for each character."""
    return value.encode("latin-1")


def path_bytes(path):
    """A path in the file system's encoding."""
    return os.fsencode(path)


path_string = path_bytes


def from_buffer(value):
    return ffi.from_buffer(value)


def text_to_bytes_and_warn(label, value):
    """UTF-8 of a str, with the warning that programs look for; anything else as it is."""
    if not isinstance(value, str):
        return value
    import warnings

    warnings.warn(
        f"str for {label} is no longer accepted, use bytes",
        category=DeprecationWarning,
        stacklevel=3,
    )
    return value.encode("utf-8")
