#!/usr/bin/env python3
"""Sum what Meson's tests and their subtests did: count.py [--steps N] BUILD_FOLDER ...

A test that speaks TAP counts by its lines, one that ran pytest by pytest's own
count, any other as one. A folder without a log, where nothing could be built,
counts as one that failed. N is how many steps failed in all: some do without
any of these tests. Prints "N passed, N failed"; fails if anything did.
"""

import argparse
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


def count_folder(folder):
    """Passed and failed of a build folder."""
    log = pathlib.Path(folder) / "meson-logs" / "testlog.json"
    tests = [count(json.loads(line)) for line in log.read_text().splitlines()] if log.is_file() else []
    return (sum(passed for passed, _ in tests), sum(failed for _, failed in tests)) if tests else (0, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("folders", nargs="*")
    args = parser.parse_args()
    counts = [count_folder(folder) for folder in args.folders]
    passed = sum(passed for passed, _ in counts)
    failed = max(sum(failed for _, failed in counts), args.steps)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
