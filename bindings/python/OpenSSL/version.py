"""Which release's programs this package runs, and which one it is."""

__all__ = [
    "__author__",
    "__copyright__",
    "__email__",
    "__license__",
    "__summary__",
    "__title__",
    "__uri__",
    "__version__",
]

__version__ = "26.4.0"
__pyossl_version__ = "0.1.0"

__title__ = "pyOpenSSL"
__uri__ = "https://pyopenssl.org/"
__summary__ = "TLS, certificates and keys over OpenSSL, by libpyossl"
__author__ = "The libpyossl developers"
__email__ = "developers@libpyossl.invalid"
__license__ = "Apache License, Version 2.0"
__copyright__ = f"Copyright 2026 {__author__}"
