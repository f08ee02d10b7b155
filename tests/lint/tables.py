#!/usr/bin/env python3
"""Lists that are kept by hand agree with the tree, and with each other."""

import re
import subprocess
import sys

import lint


def _list(path, variable):
    match = re.search(rf"^{variable} = (?:files\()?\[?\(?\n(.*?)^[\])]", lint.text(path),
                      re.MULTILINE | re.DOTALL)
    return re.findall(r"'([^']+)'", match.group(1)) if match else []


def sources():
    """libpyossl/meson.build names every source file"""
    named = {name for kind in ("", "small_") for name in _list("libpyossl/meson.build", f"libpyossl_{kind}sources")}
    there = {str(path.relative_to("libpyossl")) for path in lint.files(".c", under="libpyossl")}
    for name in sorted(named ^ there):
        yield f"libpyossl/{name}: {'not there' if name in named else 'not in meson.build'}"


def tests():
    """meson.build names every test file, of C and of Python"""
    lists = [("tests/c", f"tests/c/{kind}", f"{kind.rstrip('s')}_tests", ".c") for kind in ("unit", "integration", "faults", "oom")]
    for folder, under, variable, suffix in [*lists, ("tests/py", "tests/py", "python_tests", ".py")]:
        named = set(_list(f"{folder}/meson.build", variable))
        there = {path.stem.removeprefix("test_")
                 for path in lint.files(suffix, under=under) if suffix == ".c" or path.stem.startswith("test_")}
        for name in sorted(named ^ there):
            if (folder, name) != ("tests/c", "exchange"):  # what tests of faults share
                yield f"{under}/test_{name}{suffix}: {'not there' if name in named else 'not in meson.build'}"


def statuses():
    """Status values are unique, and their class follows from their range"""
    ranges = {"OK": range(0, 1), "RETRY": range(-15, 0), "END": range(-31, -15),
              "ERROR": range(-127, -31)}
    row = re.compile(r"XX\((\w+),\s*(-?\d+),\s*(\w+),\s*\"([^\"]+)\"\)")
    rows = row.findall(lint.text("include/pyossl/status.h"))
    if len(rows) < 10:
        yield "status.h: the list was not found"
    for column, what in ((0, "name"), (1, "value"), (3, "text")):
        values = [entry[column] for entry in rows]
        for value in sorted({value for value in values if values.count(value) > 1}):
            yield f"status.h: the {what} {value} stands there twice"
    for name, value, class_, _ in rows:
        if int(value) not in ranges[class_]:
            yield f"status.h: {name} is {value}, which is no {class_}"
        if class_ == "ERROR" and not name.startswith("E_"):
            yield f"status.h: {name} is an ERROR: its name begins with E_"


def constants():
    """constants.def names no constant twice"""
    path = "libpyossl/constants.def"
    if not (lint.ROOT / path).exists():
        yield f"{path} is not there"
        return
    rows = re.findall(r"^\s*[A-Z_]+\((?:\w+,\s*)*?\"?(\w+)\"?[,)]", lint.text(path), re.MULTILINE)
    if len(rows) < 50:
        yield f"{path}: only {len(rows)} rows were understood"


# Defined by OpenSSL and by nobody to be set, or deprecated bits that we have under no name.
NOT_SHOWN = {"SSL_OP_BIT", "SSL_OP_CISCO_ANYCONNECT", "X509_V_FLAG_USE_CHECK_TIME", "X509_V_FLAG_POLICY_MASK",
             # Nobody has tried what these do to the answers that a program's callback judges.
             "X509_V_FLAG_OCSP_RESP_CHECK", "X509_V_FLAG_OCSP_RESP_CHECK_ALL"}


def headers():
    """constants.def has every option, flag and result of verification of OpenSSL's headers"""
    asked = "#include <openssl/ssl.h>\n#include <openssl/x509_vfy.h>\n"
    try:
        defined = subprocess.run(["cc", "-dM", "-E", "-"], input=asked, capture_output=True, text=True, check=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        yield "cc finds no headers of OpenSSL"
        return
    theirs = set(re.findall(r"^#define (SSL_OP_\w+|X509_V_FLAG_\w+|X509_V_ERR_\w+)", defined, re.MULTILINE))
    if len(theirs) < 100:
        yield f"only {len(theirs)} were found"
    for name in sorted(theirs - NOT_SHOWN):
        if not re.search(rf"\b{name}\)", lint.text("libpyossl/constants.def")):
            yield f"constants.def lacks {name}"


def suites():
    """tests/README.md names the suites that `./dev test` must run, and no other"""
    sys.path.append(str(lint.ROOT / "tests" / "tools"))
    import count

    table = lint.text("tests/README.md").split("## Writing one")[0]
    told = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    for name in sorted(set(told) ^ set(count.SUITES)):
        yield f"{name}: {'not in count.py' if name in told else 'not in tests/README.md'}"


def versions():
    """The version is the same wherever it is written"""
    header = lint.text("include/pyossl/version.h")
    number = ".".join(re.search(rf"PYOSSL_VERSION_{part} (\d+)", header).group(1)
                      for part in ("MAJOR", "MINOR", "PATCH"))
    if f'PYOSSL_VERSION "{number}"' not in header:
        yield "version.h: PYOSSL_VERSION is not the three numbers"
    if f"version: '{number}'" not in lint.text("meson.build"):
        yield f"meson.build: the version is not {number}"


if __name__ == "__main__":
    lint.run(sources, tests, statuses, constants, headers, suites, versions)
