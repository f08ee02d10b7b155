#!/usr/bin/env python3
"""Every public declaration has a documentation comment, and the prose holds together."""

import re

import lint

DECLARATION = re.compile(
    r"^(?P<api>PYOSSL_API\b[^;{]*?\b(?P<function>pyossl_\w+)\s*\()"
    r"|^typedef (?:struct|enum) (?P<type>pyossl_\w+) \{"
    r"|^typedef [^;{]*?\(\*(?P<callback>pyossl_\w+)\)"
    r"|^#define (?P<macro>PYOSSL_\w+)(?P<rest>[^\n]*)", re.MULTILINE)
GUARD = re.compile(r"PYOSSL_\w*_H$")
PROMISES = {"PYOSSL_BEGIN_DECLS", "PYOSSL_END_DECLS"}


def public_headers():
    return lint.files(".h", under="include")


def commented():
    """Every public function, type and macro has a documentation comment"""
    for path in public_headers():
        text = lint.text(path)
        for match in DECLARATION.finditer(text):
            name = next(filter(None, match.group("function", "type", "callback", "macro")))
            if GUARD.match(name) or name in PROMISES:
                continue
            before = text[:match.start()].rstrip()
            before = re.sub(r"/\* clang-format off \*/$|#if[^\n]*$|#el[^\n]*$", "", before).rstrip()
            behind = "/**<" in (match.group("rest") or "")
            if not before.endswith("*/") and not behind and not alternative(before):
                yield f"{path}: {name} has no comment"


def alternative(before):
    """Whether a macro is another branch of one that was commented."""
    return re.search(r"#(el\w+|else|if)[^\n]*$|#define [^\n]*$", before) is not None


def headers_begin_with_file():
    """Every public header says what it is for"""
    for path in public_headers():
        name = str(path.relative_to("include"))
        if f"@file {name}\n" not in lint.text(path).split("#ifndef")[0]:
            yield f"{path}: begins with no @file {name} comment"


def must_check():
    """Every public function that returns a status must be checked"""
    pattern = re.compile(r"^PYOSSL_API\b(?P<attributes>[^;(]*?)\bpyossl_status\s+(?P<name>pyossl_\w+)\(",
                         re.MULTILINE)
    free = {"pyossl_error_status"}  # a getter: the status is what is asked for
    for path in public_headers():
        for match in pattern.finditer(lint.text(path)):
            if "PYOSSL_MUST_CHECK" not in match.group("attributes") and match.group("name") not in free:
                yield f"{path}: {match.group('name')} is not PYOSSL_MUST_CHECK"


def umbrella():
    """pyossl.h includes every public header but openssl.h; Meson installs every one"""
    every = {str(path.relative_to("include")) for path in public_headers()} - {"pyossl.h"}
    included = set(re.findall(r'#include "(pyossl/\w+\.h)"', lint.text("include/pyossl.h")))
    installed = set(re.findall(r"'(pyossl/\w+\.h)'", lint.text("include/meson.build")))
    for name in sorted(every - included - {"pyossl/openssl.h"}):
        yield f"pyossl.h does not include {name}"
    for name in sorted(every ^ installed):
        yield f"include/meson.build and the tree differ: {name}"


def links():
    """Files that the prose names are there"""
    pattern = re.compile(r"\]\((?!https?:|#)([^)#\s]+)[^)]*\)")
    for path in lint.files(".md"):
        for target in pattern.findall(lint.text(path)):
            if not (lint.ROOT / path.parent / target).exists():
                yield f"{path} names {target}, which is not there"


def settings_judge_or_not():
    """Decision 26 says of each setting of a context or connection whether it judges a peer"""
    pattern = re.compile(r"\bpyossl_((?:ctx|conn)_(?:set|add|use|load|clear|request)_\w+)\(")
    there = {name for path in public_headers() for name in pattern.findall(lint.text(path))}
    page = "doc/decisions/0026-what-judges-a-peer.rst"
    said = set(re.findall(r"``((?:ctx|conn)_\w+)``", lint.text(page)))
    for name in sorted(there ^ said):
        yield f"{page} and the headers differ: {name}"


if __name__ == "__main__":
    lint.run(commented, headers_begin_with_file, must_check, umbrella, links, settings_judge_or_not)
