"""What every test of the package relies on."""

import ctypes
import faulthandler
import gc
import os
import pathlib
import re
import sys

import pytest

# Trust that the environment brings would make tests pass, or fail, for the wrong reason.
for _name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
    os.environ.pop(_name, None)

import OpenSSL  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
PASSPHRASE = b"secret"
LIMIT = 300  # seconds that a test may take: one that hangs says where, and ends the run


def pytest_configure(config):
    """Another package of this name may be installed: these tests are about ours."""
    found = pathlib.Path(OpenSSL.__file__).resolve()
    wanted = os.environ.get("PYOSSL_PACKAGE")
    ours = hasattr(OpenSSL.version, "__pyossl_version__")
    if not ours or (wanted and pathlib.Path(wanted).resolve() not in found.parents):
        pytest.exit(f"not the package to test: {found}", returncode=3)


def _peek_error():
    """OpenSSL's ERR_peek_error of this process, or None where it cannot be reached."""
    try:
        maps = pathlib.Path("/proc/self/maps").read_text()
    except OSError:
        return None
    found = re.search(r"(/\S*libcrypto\.so\S*)", maps)
    if found is None:
        return None
    function = ctypes.CDLL(found.group(1)).ERR_peek_error
    function.restype = ctypes.c_ulong
    function.argtypes = []
    return function


_PEEK_ERROR = _peek_error()


@pytest.fixture(autouse=True)
def queue_is_empty():
    """NA-001, NA-002: whatever a test does, it leaves nothing in the thread's queue."""
    yield
    if _PEEK_ERROR is not None:
        assert _PEEK_ERROR() == 0, "OpenSSL's error queue is not empty"


@pytest.fixture(autouse=True)
def bounded():
    """No test hangs, or leaves sockets open."""
    faulthandler.dump_traceback_later(LIMIT, exit=True, file=sys.__stderr__)
    yield
    if "tls" in sys.modules:
        sys.modules["tls"].close_all()
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def collected():
    """A function that collects garbage to the last."""

    def collect():
        for _ in range(3):
            gc.collect()

    return collect


@pytest.fixture
def data():
    """The bytes of a file of tests/data."""
    return lambda name: (DATA / name).read_bytes()
