#!/usr/bin/env python3
"""The public symbols: exports.py SHARED_LIBRARY STATIC_LIBRARY, or exports.py --write

What the shared library exports, what libpyossl/exports.list names and what the
public headers declare are the same set. --write makes the list from the headers.
"""

import re
import sys

import lint

LIST = "libpyossl/exports.list"
DECLARATION = re.compile(r"PYOSSL_API\b[^;{]*?\b(pyossl_\w+)\s*\(", re.DOTALL)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def declared():
    names = []
    for path in lint.files(".h", under="include"):
        code = COMMENT.sub(" ", lint.text(path))
        if path.name != "export.h":
            names += DECLARATION.findall(code)
    return names


def listed():
    return lint.text(LIST).split()


def difference(here, there, here_name, there_name):
    for name in sorted(set(here) - set(there)):
        yield f"{name}: in {here_name}, but not in {there_name}"
    for name in sorted(set(there) - set(here)):
        yield f"{name}: in {there_name}, but not in {here_name}"


def list_is_sorted():
    """exports.list is sorted, and names nothing twice"""
    if listed() != sorted(set(listed())):
        yield f"{LIST}: run tests/lint/exports.py --write"


def declared_once():
    """No function is declared twice"""
    names = declared()
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name} is declared more than once"


def list_and_headers():
    """exports.list names what the headers declare"""
    yield from difference(listed(), declared(), LIST, "the headers")


def list_and_library():
    """The shared library exports what exports.list names"""
    symbols = [row[-1].split("@")[0] for row in lint.nm("-D", "--defined-only", sys.argv[1])]
    exported = [name for name in symbols if name != "PYOSSL_0"]
    yield from difference(listed(), exported, LIST, "the library")


def prefixes():
    """What the library shares between files begins with osl_ or pyossl_"""
    for row in lint.nm("--defined-only", "--extern-only", sys.argv[2]):
        if len(row) == 3 and not re.match(r"(osl_|pyossl_)", row[2]):
            # What compilers and sanitizers add begins with an underscore.
            if not row[2].startswith("_"):
                yield f"{row[2]} needs the prefix osl_"


def changes_meet_handshakes():
    """What changes a context, a store or a certificate is tried beside handshakes, under TSan"""
    page = "tests/c/load/test_changes.c"
    pattern = re.compile(r"pyossl_(?:ctx_(?:add|clear|load|set|use)_\w+|store_(?:add|load|set)_\w+"
                         r"|x509_(?:(?:add|adj|remove|set)_\w+|sign))")
    tried = set(re.findall(r"pyossl_\w+", lint.text(page)))
    elsewhere = {"pyossl_ctx_set_srtp_profiles"}  # DTLS alone
    for name in listed():
        if pattern.fullmatch(name) and name not in tried | elsewhere:
            yield f"{page}: nothing tries {name}"


def main():
    if sys.argv[1:] == ["--write"]:
        (lint.ROOT / LIST).write_text("".join(f"{name}\n" for name in sorted(set(declared()))))
        return
    lint.run(list_is_sorted, declared_once, list_and_headers, list_and_library, prefixes, changes_meet_handshakes)


if __name__ == "__main__":
    main()
