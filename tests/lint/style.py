#!/usr/bin/env python3
"""Sizes, white space, and what must not be in the tree."""

import re

import lint

LINES_MAX = 600
LONG = {"LICENSE"}
WRITTEN = (".c", ".h", ".def", ".py", ".pyi", ".sh", ".build", ".txt", ".md", ".rst", ".toml",
           ".list", ".map", ".in", ".yml")
# What the test data holds is made, not written.
MADE = re.compile(r"tests/(data|c/data|c/fuzz/corpus|c/abi|py/data)/")

MACHINE = re.compile(r"/(root|home|Users|work)/[\w.]|/tmp/bash")
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
STREAMS = re.compile(r"\b(f(dopen|open|read|gets|getc|scanf)|getline|BIO_new_(file|fp))\s*\(")
INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")


def written():
    for path in lint.files(*WRITTEN):
        if not MADE.match(str(path)) and path.name not in LONG:
            yield path, lint.text(path)


def grep(pattern, but=()):
    for path, text in written():
        if str(path) in but:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                yield f"{path}:{number}: {line.strip()[:100]}"


def sizes():
    """No file has more than 600 lines"""
    for path, text in written():
        if text.count("\n") > LINES_MAX:
            yield f"{path} has {text.count(chr(10))} lines"


def white_space():
    """No tabs, no white space at line ends, one newline at the end of a file"""
    for path, text in written():
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip() or "\t" in line or "\r" in line:
                yield f"{path}:{number}: white space"
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield f"{path}: its end"


def machine():
    """No path of somebody's machine"""
    yield from grep(MACHINE, but={"tests/lint/style.py"})


def streams():
    """No stream of the C library reads a file for the library: its buffer keeps what was in it"""
    for path in lint.files(".c", ".h", under="libpyossl"):
        for number, line in enumerate(lint.text(path).splitlines(), 1):
            if STREAMS.search(line):
                yield f"{path}:{number}: {line.strip()[:100]}"


def marks():
    """No marks of unfinished work"""
    yield from grep(MARKS, but={"tests/lint/style.py"})


def invisible():
    """No invisible characters"""
    yield from grep(INVISIBLE)


if __name__ == "__main__":
    lint.run(sizes, white_space, machine, streams, marks, invisible)
