"""What a report about a fault should tell: `python -m OpenSSL.debug` prints it."""

import importlib
import sys

from OpenSSL import SSL, version

_UNKNOWN = "n/a"


def _find(module, attribute="__version__"):
    """An attribute of a module that need not be installed."""
    try:
        return getattr(importlib.import_module(module), attribute)
    except Exception:
        return _UNKNOWN


def _number(value):
    """0x300000e0 as 3.0.14."""
    return f"{value >> 28}.{value >> 20 & 0xFF}.{value >> 4 & 0xFFFF}"


_env_info = f"""\
pyOpenSSL: {version.__version__} (libpyossl {version.__pyossl_version__})
cryptography: {_find("cryptography")}
cffi: {_find("cffi")}
compiled against OpenSSL: {_number(SSL.OPENSSL_VERSION_NUMBER)}
running OpenSSL: {SSL.OpenSSL_version(SSL.OPENSSL_VERSION).decode()}
Python's OpenSSL: {_find("ssl", "OPENSSL_VERSION")}
Python executable: {sys.executable}
Python version: {sys.version}
Platform: {sys.platform}
sys.path: {sys.path}"""

if __name__ == "__main__":
    print(_env_info)
