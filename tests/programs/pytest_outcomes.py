"""Run tests with pytest and write what became of each: pytest_outcomes.py FILE SECONDS ARGUMENT ...

A test has so many seconds. Names are pytest's own, from the folder at hand.
"""

import json
import os
import signal
import sys

import pytest


class Outcomes:
    """A plugin that remembers one word, and what explains it, for each test."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.seen = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item):
        # Again and again: what runs a loop may swallow the first.
        signal.setitimer(signal.ITIMER_REAL, self.seconds, self.seconds)
        yield
        signal.setitimer(signal.ITIMER_REAL, 0)

    def pytest_runtest_logreport(self, report):
        text = str(report.longrepr or "")[-500:]
        if report.failed:
            self.seen[report.nodeid] = ["failure" if report.when == "call" else "error", text]
        elif report.skipped:
            self.seen[report.nodeid] = ["expected failure" if hasattr(report, "wasxfail") else "skipped", text]
        elif report.when == "call":
            self.seen[report.nodeid] = ["passed", ""]

    def pytest_collectreport(self, report):
        if report.failed:
            self.seen[report.nodeid] = ["error", str(report.longrepr)[-500:]]


def too_long(_number, _frame):
    raise TimeoutError("the test takes too long")


def main(file, seconds, *arguments):
    signal.signal(signal.SIGALRM, too_long)
    outcomes = Outcomes(float(seconds))
    pytest.main(["-q", "--tb=short", "-p", "no:cacheprovider", "--rootdir=.", *arguments], plugins=[outcomes])
    with open(file, "w") as out:
        json.dump(outcomes.seen, out)
    sys.stdout.flush()
    os._exit(0)  # threads that tests left behind may never end


if __name__ == "__main__":
    main(*sys.argv[1:])
