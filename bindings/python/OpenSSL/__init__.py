"""TLS, certificates, keys and random numbers over OpenSSL."""

from OpenSSL import SSL, crypto
from OpenSSL.version import (
    __author__,
    __copyright__,
    __email__,
    __license__,
    __summary__,
    __title__,
    __uri__,
    __version__,
)

__all__ = [
    "SSL",
    "__author__",
    "__copyright__",
    "__email__",
    "__license__",
    "__summary__",
    "__title__",
    "__uri__",
    "__version__",
    "crypto",
]


def __getattr__(name):
    """Submodules that seldom serve are imported when first asked for."""
    if name in ("rand", "tsafe", "debug"):
        import importlib

        return importlib.import_module("OpenSSL." + name)
    raise AttributeError(f"module 'OpenSSL' has no attribute {name!r}")
