#!/usr/bin/env python3
"""Sum what Meson's tests and their subtests did: count.py [--steps N] [--skips FILE] FOLDER[:SUITE,...] ...

A test that speaks TAP counts by its lines, one that ran pytest by pytest's own
count, any other as one. Each suite named with a folder, or each of SUITES for
"all", must have run there: one that did not counts as one that failed, and is
named. N is how many steps failed in all: some do without any of these tests.
FILE has a line for each step, or part of one, that was skipped; they, and tests
that were skipped as a whole, are named in the line before the last. The last is
"N passed, N failed" or "N passed, N failed, N skipped". Fails if anything did.
"""

import argparse
import collections
import json
import pathlib
import re
import sys

#: Those of `./dev test`, as tests/README.md has them.
SUITES = [
    "unit", "integration", "faults", "differential", "headers", "lint", "oom", "load", "threads", "seconds",
    "fuzz", "py", "bench", "stubs", "interop", "conformance",
]

TAP = re.compile(r"^(not )?ok\b(?:[^#\n]|#(?! *(?:skip|todo)))*(?P<directive># *(?:skip|todo))?",
                 re.MULTILINE | re.IGNORECASE)
SKIPPED = re.compile(r"^# skipped: ", re.MULTILINE)  # tests/c/support/test.h
PYTEST = re.compile(r"^=*\s*((?:\d+ \w+(?:, )?)+) in [\d.:]+\w*", re.MULTILINE)
BAD = ("failed", "error", "errors")

Counts = collections.namedtuple("Counts", "passed failed left_out")


def count(test):
    """What the cases of one test did."""
    output = test.get("stdout") or ""
    good = test["result"] in ("OK", "EXPECTEDFAIL")
    passed = failed = left_out = 0
    if test["result"] == "SKIP":
        return Counts(0, 0, 0)
    if re.search(r"^1\.\.\d", output, re.MULTILINE):
        left_out = len(SKIPPED.findall(output))
        passed -= left_out  # cmocka says "ok" of them
        for line in TAP.finditer(output):
            if line.group("directive"):
                left_out += 1
            else:
                failed += bool(line.group(1))
                passed += not line.group(1)
    else:
        for summary in PYTEST.findall(output):
            for number, what in re.findall(r"(\d+) (\w+)", summary):
                passed += int(number) if what == "passed" else 0
                failed += int(number) if what in BAD else 0
                left_out += int(number) if what == "skipped" else 0
    if passed + failed + left_out == 0:
        return Counts(int(good), int(not good), 0)
    # Ended badly, although no subtest says so: a crash, a time limit, a leak at exit.
    return Counts(passed, failed + (not good and failed == 0), left_out)


def suites_of(test):
    """The suites that a test belongs to; Meson writes "PROJECT:SUITE+SUITE / NAME", or "SUITE+SUITE - PROJECT:NAME"."""
    newer = re.match(r"(\S+) - [^:]+:", test["name"])
    older = re.match(r"(?:[^:/]*:)?([^/ ]*) / ", test["name"])
    found = newer or older
    return found.group(1).split("+") if found else []


def read(folder):
    """The tests that the log of a build folder has."""
    log = pathlib.Path(folder) / "meson-logs" / "testlog.json"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []


def count_folder(folder, wanted):
    """What the tests of a build folder did, the suites that it lacks, and the names of tests that were skipped."""
    tests = read(folder)
    ran = collections.Counter(suite for test in tests if test["result"] != "SKIP" for suite in suites_of(test))
    print(f"{folder}: {len(tests)} tests of {len(ran)} suites: "
          + ", ".join(f"{suite} {number}" for suite, number in ran.items()))
    lacking = [suite for suite in wanted if not ran[suite]] or ([] if tests else ["any"])
    skipped = [f"{test['name']} in {folder}" for test in tests if test["result"] == "SKIP"]
    counts = [count(test) for test in tests]
    total = Counts(*(sum(column) for column in zip(*counts))) if counts else Counts(0, 0, 0)
    return total, lacking, skipped


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--skips", type=pathlib.Path)
    parser.add_argument("folders", nargs="*")
    args = parser.parse_args()
    passed = failed = left_out = 0
    skipped = args.skips.read_text().splitlines() if args.skips and args.skips.is_file() else []
    for argument in args.folders:
        folder, _, wanted = argument.partition(":")
        total, lacking, names = count_folder(folder, SUITES if wanted == "all" else list(filter(None, wanted.split(","))))
        for suite in lacking:
            print(f"{folder}: FAILED, no test of the suite {suite} ran" if suite != "any" else f"{folder}: FAILED, no test ran")
        passed += total.passed
        failed += total.failed + len(lacking)
        left_out += total.left_out
        skipped += names
    if left_out:
        print(f"cases that cannot run here, in tests that ran: {left_out}")
    failed = max(failed, args.steps)
    if skipped:
        print("skipped: " + "; ".join(skipped))
    print(f"{passed} passed, {failed} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
