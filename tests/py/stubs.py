"""What the stubs say is what the modules have, and programs that use them pass a type checker.

Runs mypy's stubtest on every module, and mypy --strict on typed*.py. Without
mypy the test is skipped.
"""

import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
MODULES = ["SSL", "crypto", "debug", "rand", "tsafe", "version"]
PROGRAMS = ["typed.py", "typed_programs.py", "typed_upstream_ssl.py", "typed_upstream_crypto.py"]
SKIPPED = 77


def main():
    if not shutil.which("stubtest") or not shutil.which("mypy"):
        print("skipped: mypy is not installed")
        return SKIPPED
    environment = dict(os.environ, MYPYPATH=os.environ["PYOSSL_PACKAGE"])
    cache = f"--cache-dir={os.devnull}"
    commands = [
        ["stubtest", "--allowlist", str(HERE / "stubtest.txt"), *(f"OpenSSL.{name}" for name in MODULES)],
        ["mypy", "--strict", "--no-error-summary", cache, *(str(HERE / name) for name in PROGRAMS)],
    ]
    return max(subprocess.run(command, env=environment).returncode for command in commands)


if __name__ == "__main__":
    sys.exit(main())
