#!/usr/bin/env python3
"""Which test guards against which fault of tests/never_again.txt.

never_again.py --check   every fault has a test, or a reason why not; tests/README.md is up to date
never_again.py --write   write the table in tests/README.md anew

A test guards against a fault if its name or a comment in it gives the number:
test_na_001_..., NA-001. Functions of several, test_na_001_na_002_..., count for each.
"""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = ROOT / "tests" / "never_again.txt"
README = ROOT / "tests" / "README.md"
BEGIN, END = "<!-- never again: begin -->", "<!-- never again: end -->"

LINE = re.compile(r"(\d{3}) ([^|]+?)(?: \| (.+))?$")
IN_NAME = re.compile(r"_na_(\d{3})")
IN_COMMENT = re.compile(r"\bNA-(\d{3})")
FUNCTION = re.compile(r"^(?:static void |\s*def |\s*async def |class )((?:test|Test)\w+)", re.MULTILINE)


def faults():
    """Number -> (what went wrong, why there is no test or None)."""
    found = {}
    for line in LIST.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            match = LINE.match(line)
            if not match or match.group(1) in found:
                sys.exit(f"{LIST.name}: cannot read: {line}")
            found[match.group(1)] = match.group(2, 3)
    return found


def test_files():
    for suffix in ("c/unit/*.c", "c/integration/*.c", "c/oom/*.c", "c/faults/*.c", "c/fuzz/*.c", "c/load/*.c",
                   "interop/*.py", "py/**/*.py"):
        yield from sorted((ROOT / "tests").glob(suffix))


def guards():
    """Number -> the tests that name it, as (file, function or "")."""
    found = collections.defaultdict(list)
    for path in test_files():
        text = path.read_text(encoding="utf-8")
        functions = [(match.start(), match.group(1)) for match in FUNCTION.finditer(text)]
        named = [(number, name) for _, name in functions for number in IN_NAME.findall(name)]
        named += [(match.group(1), owner(text, functions, match.start()))
                  for match in IN_COMMENT.finditer(text)]
        for number, name in named:
            test = (path.relative_to(ROOT / "tests").as_posix(), name)
            if test not in found[number]:
                found[number].append(test)
    return found


def owner(text, functions, place):
    """The function that a comment belongs to: the one it is in, or, at the margin, the next."""
    line = text[text.rfind("\n", 0, place) + 1:place]
    if line[:1] in ("/", " ", "#") and not line.startswith("    "):
        return next((name for start, name in functions if start > place), "")
    return next((name for start, name in reversed(functions) if start < place), "")


def table(all_faults, found):
    rows = ["| number | what went wrong | guarded by |", "|---|---|---|"]
    for number, (what, reason) in all_faults.items():
        tests = [f"`{file}`: {name}" if name else f"`{file}`" for file, name in found[number]]
        shown = "; ".join(tests[:2]) + (f"; and {len(tests) - 2} more" if len(tests) > 2 else "")
        rows.append(f"| NA-{number} | {what} | {shown or reason or '**nothing**'} |")
    return "\n".join(rows)


def with_table(text, rows):
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{rows}\n{END}{rest.split(END)[1]}"


def main():
    all_faults, found = faults(), guards()
    text = README.read_text(encoding="utf-8")
    new = with_table(text, table(all_faults, found))
    if sys.argv[1:] == ["--write"]:
        README.write_text(new, encoding="utf-8")
        return 0
    complaints = [f"NA-{number}: no test, and no reason why not: {what}"
                  for number, (what, reason) in all_faults.items() if not found[number] and not reason]
    complaints += [f"NA-{number} is named by {found[number][0][0]}, but not in {LIST.name}"
                   for number in sorted(set(found) - set(all_faults))]
    if new != text:
        complaints.append("tests/README.md is out of date: run tests/tools/never_again.py --write")
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
