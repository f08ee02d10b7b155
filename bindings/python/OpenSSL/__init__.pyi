from OpenSSL import SSL as SSL, crypto as crypto
from OpenSSL import debug as debug, rand as rand, tsafe as tsafe
from OpenSSL.version import (
    __author__ as __author__,
    __copyright__ as __copyright__,
    __email__ as __email__,
    __license__ as __license__,
    __summary__ as __summary__,
    __title__ as __title__,
    __uri__ as __uri__,
    __version__ as __version__,
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
