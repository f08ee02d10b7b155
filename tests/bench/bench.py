"""Measure this library beside others, in one run, interleaved.

    bench.py BUILD-FOLDER [--quick [--local]] [--rounds N] [--ms N] [--minutes N] [--only WORD,...] [--write]

Peers are C that calls OpenSSL in the ordinary way ("naive C"), libpyossl from C, our Python package, the standard
library's ssl and, where they can be had, pyOpenSSL 23.0.0 and M2Crypto of Debian (on the same libssl) and the newest
pyOpenSSL of the package index. Each round runs naive C, libpyossl and our package once on each workload, and each other
peer in every second round; what a fresh process costs is measured in every fifth. What is told is the median over the
rounds of the ratio to naive C in the same round, as single figures of a shared machine mean little.

--only measures the rows whose name or title has one of the words. --write puts the table, the chart and the figures
into doc/performance/ and README.md. --quick runs each workload for a moment, to see that each row of each peer runs;
--local does not fetch peers that are not here.
"""

import argparse
import itertools
import pathlib
import sys
import time

import fixtures
import peers
import report
from rows import CORE, FRESH, NAIVE, OURS, STARTING, chosen, group, lacks, needed

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import skips  # noqa: E402

#: Fresh processes take long, and their values spread little.
SELDOM = 5
#: Peers that only show where we stand.
OTHERS = 2
#: In shorter windows, the switch interval of the interpreter is what two threads show.
THREADS = 2


class Progress:
    """A line that says where we are, and how long it will take."""

    def __init__(self, rounds, limit):
        self.rounds, self.limit, self.begin = rounds, limit, time.monotonic()
        self.live = sys.stderr.isatty()

    def elapsed(self):
        return time.monotonic() - self.begin

    def left(self, done):
        return "?" if not done else f"{max(min(self.elapsed() / done * self.rounds, self.limit) - self.elapsed(), 0):.0f} s"

    def show(self, number, share, workload):
        if self.live:
            print(f"\rround {number + 1} of {self.rounds}, {self.left(number + share)} left: {workload:24}", end="",
                  file=sys.stderr, flush=True)

    def round_over(self, number):
        if not self.live:
            print(f"round {number + 1} of {self.rounds}, {self.left(number + 1)} left", file=sys.stderr, flush=True)

    def say(self, message):
        print(("\n" if self.live else "") + message, file=sys.stderr, flush=True)


class Run:
    def __init__(self, found, names, milliseconds, progress):
        self.found, self.names, self.milliseconds, self.progress = found, names, milliseconds, progress
        self.result = {name: {peer.name: [] for peer in found} for name in names}
        self.failures = {}

    def ask(self, peer, name):
        """One value; a row that a peer has failed in twice is left alone, and the others go on."""
        if self.failures.get((peer.name, name), 0) >= 2:
            return None
        try:
            if name in STARTING:
                return peer.starting()
            return peer.ask(name, self.milliseconds * (THREADS if name.startswith("mt_") else 1))
        except (peers.Failed, OSError, ValueError) as error:
            self.failures[peer.name, name] = self.failures.get((peer.name, name), 0) + 1
            self.progress.say(f"failed: {error}")
            return None

    def keep(self, peer, name, value):
        if name not in STARTING:
            self.result[name][peer.name].append(value)
            return
        for each in STARTING:
            if each in self.result:
                self.result[each][peer.name].append(value and value[each])

    def round(self, number):
        first = next((name for name in self.names if name in STARTING), None)
        for place, name in enumerate(self.names):
            if name in STARTING and name != first:
                continue  # the first of them brought all
            self.progress.show(number, place / len(self.names), name)
            turn = (number + place) % len(self.found)
            for peer in self.found[turn:] + self.found[:turn]:
                seldom = name in FRESH + STARTING and number % SELDOM
                other = peer.name not in (NAIVE, CORE, OURS) and number % OTHERS
                self.keep(peer, name, None if seldom or other else self.ask(peer, name))
        self.progress.round_over(number)


def measure(found, rows, rounds, milliseconds, minutes):
    """What all rounds gave, the number of rounds, and what failed."""
    progress = Progress(rounds, 60 * minutes)
    run = Run(found, needed(rows), milliseconds, progress)
    done = 0
    try:
        for done in itertools.count(1):
            run.round(done - 1)
            if done == rounds or progress.elapsed() * (done + 1) / done > 60 * minutes:
                break
    except KeyboardInterrupt:
        progress.say("stopped; what is there is told")
    if progress.live:
        print(file=sys.stderr)
    return run.result, done, run.failures


def complete(found, rows, result):
    """Rows in which a peer of ours, or naive C, has no value."""
    for peer in found:
        for row in rows if peer.name in (NAIVE, CORE, OURS) else ():
            values = [value for name in row.workloads for value in result[name][peer.name]]
            if not lacks(peer.name, row) and None in values:
                yield f"{peer.name} has no value in {row.name}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true", help="one short round: does everything run?")
    parser.add_argument("--local", action="store_true", help="only peers that are here")
    parser.add_argument("--rounds", type=int, default=35)
    parser.add_argument("--ms", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=11.5, help="end with the round in which so much time is over")
    parser.add_argument("--only", default="", metavar="WORD,...")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    rows = chosen([word for word in args.only.split(",") if word])
    if not rows:
        parser.error(f"no row has {args.only}")
    if args.write and (args.only or args.quick):
        parser.error("--write wants all rows, measured in full")
    rounds, milliseconds, many = (1, 5, 20) if args.quick else (args.rounds, args.ms, 1000)
    build = pathlib.Path(args.build).resolve()
    folder = build / "bench" / "fixtures"
    fixtures.make(folder, str(build / "bindings" / "python"))
    found, missing = peers.find(build, folder, many, not args.local)
    for name in missing:
        if args.local:
            print(f"left out, as it is not here: {name}", file=sys.stderr)
        else:
            skips.skip(f"the benchmark's peer {name}: it cannot be had here")
    load = pathlib.Path("/proc/loadavg").read_text().split()[0]
    try:
        result, rounds, failures = measure(found, rows, rounds, milliseconds, args.minutes)
    finally:
        for peer in found:
            peer.stop()
    print("\n".join(report.markdown(found, rows, result)))
    if args.write:
        report.write(found, result, f"{rounds} rounds of {milliseconds} ms", load)
    wrong = [f"{peer} failed in {name}" for peer, name in failures]
    wrong += complete(found, rows, result) if args.quick else ()
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
