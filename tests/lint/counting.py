#!/usr/bin/env python3
"""What ends a run of the tests tells the truth: tools/count.py on logs that were made up."""

import json
import pathlib
import subprocess
import sys
import tempfile

import lint


def count(tests, *arguments, suites="", skips=""):
    """The lines that count.py prints of a folder with this log, and its exit status."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if tests is not None:
            (folder / "meson-logs").mkdir()
            (folder / "meson-logs" / "testlog.json").write_text("".join(json.dumps(test) + "\n" for test in tests))
        (folder / "skips").write_text(skips)
        command = [sys.executable, lint.ROOT / "tests" / "tools" / "count.py", "--skips", folder / "skips", *arguments,
                   f"{folder}:{suites}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        return done.stdout.replace(name, "FOLDER").splitlines(), done.returncode


def log(name, result="OK", stdout=""):
    return {"name": name, "result": result, "stdout": stdout}


TAP = log("libpyossl:unit+threads / one", stdout="1..3\nok 1 - a\n# skipped: x.c:1\nok 2 - b\nok 3 - c\n")
PYTEST = log("py - libpyossl:two", stdout="....s\n4 passed, 1 skipped in 1.5s\n")


def ends(what, got, last, status, *among):
    lines, code = got
    if lines[-1:] != [last] or code != status:
        yield f"{what}: {lines[-1:]} and {code}, not {last} and {status}"
    for line in among:
        if line not in lines:
            yield f"{what}: no line {line!r} among {lines}"


def passes():
    """Cases that ran are counted, those that could not are not"""
    yield from ends("all", count([TAP, PYTEST], suites="unit,threads,py"), "6 passed, 0 failed", 0,
                    "cases that cannot run here, in tests that ran: 2")


def lacks():
    """A suite that did not run is a failure, and named: absent, skipped, or without any log"""
    line = "FOLDER: FAILED, no test of the suite stubs ran"
    yield from ends("absent", count([TAP], suites="unit,stubs"), "2 passed, 1 failed", 1, line)
    yield from ends("skipped", count([TAP, log("libpyossl:stubs / stubs", "SKIP")], suites="unit,stubs"),
                    "2 passed, 1 failed, 1 skipped", 1, line, "skipped: libpyossl:stubs / stubs in FOLDER")
    yield from ends("no log", count(None), "0 passed, 1 failed", 1, "FOLDER: FAILED, no test ran")
    yield from ends("all", count([TAP], suites="all"), "2 passed, 14 failed", 1)


def fails():
    """A test that ends badly is a failure, whatever its cases say, and so is a step"""
    yield from ends("crash", count([dict(TAP, result="FAIL")]), "2 passed, 1 failed", 1)
    yield from ends("no cases", count([TAP, log("lint - libpyossl:x", "TIMEOUT")]), "2 passed, 1 failed", 1)
    yield from ends("step", count([TAP], "--steps", "1"), "2 passed, 1 failed", 1)


def skips():
    """What was skipped is named in the line before the last"""
    got = count([TAP], skips="one: no mirror\ntwo\n")
    yield from ends("skips", got, "2 passed, 0 failed, 2 skipped", 0)
    if got[0][-2] != "skipped: one: no mirror; two":
        yield f"the line before is {got[0][-2]}"


if __name__ == "__main__":
    lint.run(passes, lacks, fails, skips)
