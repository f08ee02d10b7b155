#!/usr/bin/env python3
"""Sum what Meson's tests and their subtests did: count.py BUILD_FOLDER ...

A test that speaks TAP counts by its lines, one that ran pytest by pytest's own
count, any other as one. Prints "N passed, N failed"; fails if anything did.
"""

import json
import pathlib
import re
import sys

TAP = re.compile(r"^(not )?ok\b(?:[^#\n]|#(?! *(?:skip|todo)))*(?P<directive># *(?:skip|todo))?",
                 re.MULTILINE | re.IGNORECASE)
PYTEST = re.compile(r"^=*\s*((?:\d+ \w+(?:, )?)+) in [\d.:]+\w*", re.MULTILINE)
BAD = ("failed", "error", "errors")


def count(test):
    """Passed and failed of one test."""
    output = test.get("stdout") or ""
    good = test["result"] in ("OK", "EXPECTEDFAIL")
    passed = failed = 0
    if test["result"] == "SKIP":
        return 0, 0
    if re.search(r"^1\.\.\d", output, re.MULTILINE):
        for line in TAP.finditer(output):
            if not line.group("directive"):
                failed += bool(line.group(1))
                passed += not line.group(1)
    else:
        for summary in PYTEST.findall(output):
            for number, what in re.findall(r"(\d+) (\w+)", summary):
                passed += int(number) if what == "passed" else 0
                failed += int(number) if what in BAD else 0
    if passed + failed == 0:
        return (1, 0) if good else (0, 1)
    # Ended badly, although no subtest says so: a crash, a time limit, a leak at exit.
    return passed, failed + (not good and failed == 0)


def main():
    passed = failed = 0
    for folder in sys.argv[1:]:
        for line in (pathlib.Path(folder) / "meson-logs" / "testlog.json").read_text().splitlines():
            here = count(json.loads(line))
            passed, failed = passed + here[0], failed + here[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
