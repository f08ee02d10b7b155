#!/usr/bin/env python3
"""A header as Doxygen is to read it: expand.py FILE

The enum that status.h makes from its list is written out. A type that is
defined and named in one declaration is shown once, not as type and alias.
"""

import pathlib
import re
import sys

ROW = re.compile(r"XX\((\w+),\s*(-?\d+),\s*(\w+),\s*\"([^\"]+)\"\)")
USE = re.compile(r"^#define XX\(.*?^#undef XX\n", re.DOTALL | re.MULTILINE)
ALIAS = re.compile(r"^typedef (enum|struct) (\w+) \{(.*?)^\} \2;", re.DOTALL | re.MULTILINE)


def main():
    path = pathlib.Path(sys.argv[1])
    text = path.read_text(encoding="utf-8")
    if path.name == "status.h":
        values = "".join(
            f"    PYOSSL_{name} = {value}, /**< {meaning} ({class_}) */\n"
            for name, value, class_, meaning in ROW.findall(text))
        text = USE.sub(lambda _: values, text)
    sys.stdout.write(ALIAS.sub(r"\1 \2 {\3};", text))


if __name__ == "__main__":
    main()
