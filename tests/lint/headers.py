#!/usr/bin/env python3
"""Each public header compiles alone, and twice: headers.py DIRECTORY COMPILER [OPTION ...]"""

import concurrent.futures
import subprocess
import sys

import lint

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef", "-Werror"]
C_ONLY = ["-Wstrict-prototypes", "-Wmissing-prototypes", "-Wwrite-strings"]


def compile_alone(header):
    """What the compiler says of a file that is nothing but this header, twice."""
    include, options = sys.argv[1], sys.argv[2:]
    language = "c++" if any("++" in option for option in options) else "c"
    warnings = WARNINGS + (C_ONLY if language == "c" else [])
    run = subprocess.run(
        [*options, *warnings, f"-I{include}", "-fsyntax-only", "-x", language, "-"],
        input=f'#include "{header}"\n#include "{header}"\nint pyossl_not_empty;\n',
        capture_output=True, text=True)
    return run.stderr if run.returncode else ""


def main():
    headers = [str(path.relative_to("include")) for path in lint.files(".h", under="include")]
    failed = 0
    print(f"1..{len(headers)}")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for number, (header, said) in enumerate(zip(headers, pool.map(compile_alone, headers)), 1):
            for line in said.splitlines():
                print(f"# {line}", file=sys.stderr)
            failed += bool(said)
            print(f"{'not ok' if said else 'ok'} {number} - {header}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
