#!/usr/bin/env python3
"""Functions that could be static: singleuse.py STATIC_LIBRARY"""

import collections
import sys

import lint


def used_elsewhere():
    """What is not static is used by another file"""
    home, users = {}, collections.defaultdict(set)
    for row in lint.nm("-A", sys.argv[1]):
        # archive:member:address kind name, the address missing where it is undefined
        member = row[0].split(":")[1]
        kind, name = row[-2], row[-1]
        if kind == "U":
            users[name].add(member)
        elif kind.isupper():
            home[name] = member
    for name, member in sorted(home.items()):
        if name.startswith("osl_") and not users[name] - {member}:
            yield f"{name} is used in {member} alone: make it static"


if __name__ == "__main__":
    lint.run(used_elsewhere)
