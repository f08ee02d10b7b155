#!/usr/bin/env python3
"""Who may include what: the arrows of doc/internals/layers.rst, read from the #include lines."""

import re

import lint

INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.MULTILINE)
PYTHON, OPENSSL, PUBLIC = "Python.h", "openssl/", "pyossl"

# Files -> what they may not include, and why.
RULES = [
    (r"libpyossl/", r"Python\.h|structmember\.h", "the library does not know Python"),
    (r"bindings/", r"openssl/", "the binding sees OpenSSL through libpyossl alone"),
    (r"bindings/", r"(\.\./)*libpyossl/|base/|crypto/crypto\.h|ssl/tls\.h|.*internal\.h",
     "the binding sees public headers alone"),
    (r"include/(?!pyossl/openssl\.h)", r"openssl/", "public headers do not show OpenSSL's"),
    (r"include/", r"Python\.h|(\.\./)+|base/|crypto/|ssl/", "public headers include public headers"),
    (r"libpyossl/crypto/", r"(\.\./)?ssl/|.*tls\.h", "crypto lies below TLS"),
    (r"libpyossl/rand/", r"(\.\./)?(ssl|crypto)/|.*tls\.h|.*crypto/crypto\.h",
     "rand stands on base alone"),
    (r"libpyossl/base/", r"(\.\./)?(ssl|crypto|rand)/|.*tls\.h|.*crypto/crypto\.h",
     "base stands on nothing of ours"),
    (r"tests/c/integration/|doc/examples/", r"base/|crypto/|ssl/|.*internal\.h|.*tls\.h|\.\./",
     "what a program may not see, these may not see"),
    (r"tests/c/support/.*\.c", r"base/|crypto/|ssl/|.*internal\.h", "integration tests use it too"),
    (r"libpyossl/|bindings/|include/", r"cmocka\.h|test\.h", "nothing depends on the tests"),
]


def arrows():
    """Each file includes what its layer may"""
    for path in lint.files(".c", ".h", ".def"):
        for included in INCLUDE.findall(lint.text(path)):
            for where, what, why in RULES:
                if re.match(where, str(path)) and re.match(what, included):
                    yield f"{path} includes {included}: {why}"


def posix():
    """POSIX headers are included only where another system has its own file"""
    allowed = re.compile(r"libpyossl/(ssl/transport_fd|rand/\w+|base/\w+)\.[ch]$")
    system = re.compile(r"(sys/(?!stat\.h|types\.h)|unistd\.h|poll\.h|fcntl\.h|netinet/|arpa/|pthread\.h|dirent\.h)")
    for path in lint.files(".c", ".h", under="libpyossl"):
        for included in INCLUDE.findall(lint.text(path)):
            if system.match(included) and not allowed.match(str(path)):
                yield f"{path} includes {included}"


def versions():
    """OpenSSL's version is tested in base/internal.h alone"""
    allowed = {"libpyossl/base/internal.h", "libpyossl/base/init.c"}
    for path in lint.files(".c", ".h", under="libpyossl"):
        if str(path) not in allowed and "OPENSSL_VERSION_NUMBER" in lint.text(path):
            yield f"{path} looks at OPENSSL_VERSION_NUMBER"


def python_versions():
    """Python's version is tested in compat.h alone"""
    for path in lint.files(".c", ".h", under="bindings"):
        if path.name != "compat.h" and "PY_VERSION_HEX" in lint.text(path):
            yield f"{path} looks at PY_VERSION_HEX"


if __name__ == "__main__":
    lint.run(arrows, posix, versions, python_versions)
