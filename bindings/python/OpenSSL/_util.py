"""Stand-ins for private names of other implementations that programs look at."""

from OpenSSL import _pyossl


class _Null:
    """The null pointer."""

    def __repr__(self):
        return "<cdata 'void *' NULL>"

    def __bool__(self):
        return False


class _FFI:
    NULL = _Null()


class _Lib:
    """What a program sets here is called in the place of the function it names."""

    X509_STORE_load_locations = "X509_STORE_load_locations"
    sk_X509_push = "sk_X509_push"

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)
        if value is getattr(type(self), name, self):
            _pyossl._hooks.pop(name, None)
        else:
            _pyossl._hooks[name] = value

    def __delattr__(self, name):
        object.__delattr__(self, name)
        _pyossl._hooks.pop(name, None)


ffi = _FFI()
lib = _Lib()


def exception_from_error_queue(exception_type):
    """Raise with what OpenSSL's queue holds: nothing, as every call leaves it empty."""
    raise exception_type([])


def crypto_exception_from_error_queue(exception_type=getattr(_pyossl, "crypto.Error")):
    """The same with a default."""
    exception_from_error_queue(exception_type)
