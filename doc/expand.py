#!/usr/bin/env python3
"""Write out the enum that status.h makes from its list, for Doxygen: expand.py FILE

Every other header passes through as it is.
"""

import pathlib
import re
import sys

ROW = re.compile(r"XX\((\w+),\s*(-?\d+),\s*(\w+),\s*\"([^\"]+)\"\)")
USE = re.compile(r"^#define XX\(.*?^#undef XX\n", re.DOTALL | re.MULTILINE)


def main():
    path = pathlib.Path(sys.argv[1])
    text = path.read_text(encoding="utf-8")
    if path.name == "status.h":
        values = "".join(
            f"    PYOSSL_{name} = {value}, /**< {meaning} ({class_}) */\n"
            for name, value, class_, meaning in ROW.findall(text))
        text = USE.sub(lambda _: values, text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
