"""An allocation of OpenSSL's fails: MemoryError or an Error, and what comes next works again."""

import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent


@pytest.mark.parametrize("actions", ["test_crypto_leaks", "test_ssl_memory"])
def test_na_006_na_074_each_allocation_of_openssl_fails(actions):
    pytest.importorskip("_testcapi")
    paths = [path for path in sys.path if path]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", HERE / "failing.py", actions],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *paths])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=240,
    )
    assert done.returncode == 0 and b"done" in done.stdout, done.stdout.decode(errors="replace")[-3000:]
