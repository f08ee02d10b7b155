#!/usr/bin/env python3
"""The C in the guide compiles: guide.py COMPILER

The blocks of a page are taken together, as one file.
"""

import re
import subprocess
import sys
import textwrap

import lint

INCLUDES = """\
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pyossl.h>
"""
BLOCK = re.compile(r"^\.\. code-block:: c\n\n((?:   [^\n]*\n|\n)+)", re.MULTILINE)
WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror",
            # Each function is shown for its own sake.
            "-Wno-unused-function"]


def blocks(path):
    """A page's code, each line where it stands in the page."""
    text = lint.text(path)
    code = [""] * (text.count("\n") + 1)
    for match in BLOCK.finditer(text):
        first = text.count("\n", 0, match.start(1))
        for number, line in enumerate(textwrap.dedent(match.group(1)).splitlines()):
            code[first + number] = line
    return "\n".join(code) + "\n"


def check(path):
    def compiles():
        run = subprocess.run(
            [*sys.argv[1:], *WARNINGS, f"-I{lint.ROOT / 'include'}", "-fsyntax-only", "-x", "c", "-"],
            input=f'{INCLUDES}#line 1 "{path}"\n{blocks(path)}', capture_output=True, text=True)
        yield from run.stderr.splitlines()
    compiles.__doc__ = str(path)
    return compiles


if __name__ == "__main__":
    pages = [path for path in lint.files(".rst", under="doc") if BLOCK.search(lint.text(path))]
    lint.run(*map(check, pages))
