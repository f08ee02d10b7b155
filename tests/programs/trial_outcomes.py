"""Run tests with Twisted's trial and write what became of each: trial_outcomes.py FILE SECONDS NAME ...

A test that sets no limit of its own has so many seconds.
"""

import json
import sys

from twisted.trial import reporter, runner, util


class Outcomes(reporter.Reporter):
    """A reporter that remembers one word, and what explains it, for each test."""

    seen = {}

    def _note(self, test, outcome, text=""):
        # What goes wrong after a test's own outcome counts against it.
        if self.seen.get(test.id(), [""])[0] not in ("error", "failure"):
            self.seen[test.id()] = [outcome, str(text)[-500:]]

    def addSuccess(self, test):
        super().addSuccess(test)
        self._note(test, "passed")

    def addError(self, test, error):
        super().addError(test, error)
        self._note(test, "error", error)

    def addFailure(self, test, failure):
        super().addFailure(test, failure)
        self._note(test, "failure", failure)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._note(test, "skipped", reason)

    def addExpectedFailure(self, test, failure, todo=None):
        super().addExpectedFailure(test, failure, todo)
        self._note(test, "expected failure")

    def addUnexpectedSuccess(self, test, todo=None):
        super().addUnexpectedSuccess(test, todo)
        self._note(test, "unexpected success")


def main(file, seconds, *names):
    util.DEFAULT_TIMEOUT_DURATION = float(seconds)
    suite = runner.TestLoader().loadByNames(names, recurse=True)
    runner.TrialRunner(Outcomes, workingDirectory="trial-temporary").run(suite)
    with open(file, "w") as out:
        json.dump(Outcomes.seen, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
