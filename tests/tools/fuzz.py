"""Run the fuzz targets with libFuzzer, and say what came of it.

    fuzz.py [SECONDS | --runs N] [--plain] [--minimise] [TARGET ...]

Without --runs each target runs for SECONDS, 60 unless told. With it, each runs until it has executed N inputs in
all: what was done before is counted, so that a run that was interrupted goes on. The library is instrumented and
built with AddressSanitizer and UndefinedBehaviorSanitizer; --plain leaves these out, which is several times faster.
What is new is collected in build-fuzz/corpus/, what crashes or takes longer than ten seconds is left in build-fuzz/;
--minimise brings the collected inputs that reach something new into tests/c/fuzz/corpus/.
"""

import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "c" / "fuzz"
FOLDER = ROOT / "build-fuzz"

# The most bytes of an input: room for what the target takes, and no more, as short inputs run faster.
TARGETS = {
    "certificate": 2048,
    "client_bytes": 1024,
    "dtls_listen": 1024,
    "extension": 256,
    "hostname": 300,
    "key": 2048,
    "name": 300,
    "operations": 160,
    "pkcs12": 4096,
    "pkcs7": 3000,
    "request": 1536,
    "revocation_list": 1536,
    "server_bytes": 4096,
    "settings": 256,
    "spkac": 1024,
    "validity": 64,
}
# Those that decode one input, without a connection.
PARSERS = [name for name in TARGETS if name not in
           ("client_bytes", "dtls_listen", "operations", "server_bytes", "settings")]  # fmt: skip

SLICE = 600  # seconds until figures are written down, and so the most that an interruption costs
FINDINGS = 5  # so many at a time, and a target is left alone
KEPT_FILES = 200  # of one target, and as many bytes in all its files:
KEPT_BYTES = 90_000


class Build:
    """One way of building the targets."""

    def __init__(self, plain):
        self.kind = "plain" if plain else "sanitizers"
        self.folder = FOLDER / self.kind
        self.options = [] if plain else ["-Db_sanitize=address,undefined"]
        self.figures_file = FOLDER / f"figures-{self.kind}.json"

    def make(self, names):
        """Configure where that has not been done, and build only the targets: nothing else links here."""
        if not (self.folder / "build.ninja").exists():
            subprocess.run(
                ["meson", "setup", self.folder, "-Dfuzzing=enabled", "-Dpython=disabled", "-Dexamples=disabled",
                 "-Db_lundef=false", "-Dc_args=-fsanitize=fuzzer-no-link", *self.options],
                cwd=ROOT, env=dict(os.environ, CC="clang"), check=True,
            )  # fmt: skip
        goals = [f"tests/c/fuzz/fuzz-{name}" for name in names]
        subprocess.run(["ninja", "-C", self.folder, *goals], check=True)

    def program(self, name):
        return self.folder / "tests" / "c" / "fuzz" / f"fuzz-{name}"

    def figures(self):
        """Of each target: executions, processor seconds, findings."""
        if self.figures_file.exists():
            return json.loads(self.figures_file.read_text())
        return {}

    def add(self, name, runs, seconds, findings):
        """Written after each slice, by whoever is through with one: two may run at a time."""
        figures = self.figures()
        known = figures.setdefault(name, {"runs": 0, "seconds": 0.0, "findings": 0})
        known["runs"] += runs
        known["seconds"] += seconds
        known["findings"] += findings
        draft = self.figures_file.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(figures, indent=1, sort_keys=True))
        draft.replace(self.figures_file)
        return known


def processor_seconds():
    """What the processes started here have used, which says more than a clock where others work too."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def corpora(name):
    """libFuzzer adds to the first, and only reads the second."""
    collected = FOLDER / "corpus" / name
    collected.mkdir(parents=True, exist_ok=True)
    return [collected, HERE / "corpus" / name]


def run_slice(build, name, seconds, runs):
    """One process of libFuzzer; its own count of executions, and what it found."""
    # Leaks are looked for when the process ends, and with every input that is kept by the tests: to do so after
    # each input stops the process hundreds of times a second, as OpenSSL keeps things for later.
    dictionary = HERE / "dictionaries" / name
    log = FOLDER / f"{name}-{build.kind}.log"
    before = set(FOLDER.glob(f"{name}-{build.kind}-*"))
    started = processor_seconds()
    with log.open("wb") as out:
        ended = subprocess.run(
            [build.program(name), f"-max_total_time={int(seconds)}", f"-max_len={TARGETS[name]}", "-timeout=10",
             "-rss_limit_mb=2048", "-reload=0", "-detect_leaks=0", "-print_final_stats=1",
             f"-artifact_prefix={FOLDER}/{name}-{build.kind}-",
             *([f"-dict={dictionary}"] if dictionary.exists() else []),
             *([f"-runs={runs}"] if runs else []), *corpora(name)],
            stdout=out, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    spent = processor_seconds() - started
    text = log.read_text(errors="replace")
    # The count at the end, or, of a process that crashed, the last that it told.
    counts = re.findall(r"number_of_executed_units: (\d+)", text) or re.findall(r"^#(\d+)\s", text, re.MULTILINE)
    found = sorted(set(FOLDER.glob(f"{name}-{build.kind}-*")) - before)
    for path in found:
        print(f"    {path.relative_to(ROOT)}", flush=True)
    if not counts:
        sys.exit(f"fuzz: {name} did not get past what was kept: see {log}")
    return int(counts[-1]), spent, max(len(found), int(ended.returncode != 0))


def run_target(build, name, seconds, runs):
    """Until the time is over, or until there are so many executions."""
    known = build.figures().get(name, {"runs": 0, "findings": 0})
    end = time.monotonic() + seconds
    limit = known["findings"] + FINDINGS
    while known["findings"] < limit:
        left = end - time.monotonic()
        missing = runs - known["runs"] if runs else 0
        if (missing <= 0) if runs else (left < 1):
            break
        known = build.add(name, *run_slice(build, name, SLICE if runs else min(left, SLICE), missing))
        print(f"    {name}: {known['runs']} executions, {known['findings']} findings", flush=True)


def minimise(build, name):
    """The shortest inputs that together reach what all reach, within the limits of what is kept."""
    kept, fresh = HERE / "corpus" / name, FOLDER / "merged" / name
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    subprocess.run(
        [build.program(name), "-merge=1", f"-max_len={TARGETS[name]}", "-timeout=10", fresh, kept,
         FOLDER / "corpus" / name],
        stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    size = count = 0
    kept_names = {path.name for path in kept.iterdir()}
    # What is there stays; of what is new the shortest.
    for path in kept.iterdir():
        size += path.stat().st_size
        count += 1
    for path in sorted(fresh.iterdir(), key=lambda item: (item.stat().st_size, item.name)):
        length = path.stat().st_size
        if path.name in kept_names or length == 0:
            continue
        if count >= KEPT_FILES or size + length > KEPT_BYTES:
            break
        shutil.copy(path, kept / path.name[:16])
        size += length
        count += 1
    print(f"    {name}: {count} inputs, {size} bytes", flush=True)


def table(build, names):
    """What all runs of this build have come to."""
    figures = build.figures()
    print(f"\n| target ({build.kind}) | executions | a second | processor seconds | findings |\n|---|---|---|---|---|")
    for name in names:
        if name in figures:
            it = figures[name]
            print(f"| {name} | {it['runs']} | {it['runs'] / max(it['seconds'], 1):.0f} | {it['seconds']:.0f} "
                  f"| {it['findings']} |")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="SECONDS | TARGET", help="`parsers` stands for all that decode")
    parser.add_argument("--runs", type=int, default=0, metavar="N")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--minimise", action="store_true")
    args = parser.parse_args()
    seconds = 60
    names = []
    for word in args.words:
        if word.isdigit():
            seconds = int(word)
        elif word == "parsers":
            names += PARSERS
        elif word in TARGETS:
            names.append(word)
        else:
            parser.error(f"no target {word}")
    names = names or list(TARGETS)
    build = Build(args.plain)
    FOLDER.mkdir(exist_ok=True)
    before = {name: it["findings"] for name, it in build.figures().items()}
    build.make(names)
    for name in names:
        print(f"==> {name}", flush=True)
        if args.minimise:
            minimise(build, name)
        else:
            run_target(build, name, seconds, args.runs)
    if args.minimise:
        return 0
    table(build, names)
    figures = build.figures()
    return 1 if any(figures[name]["findings"] > before.get(name, 0) for name in names if name in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
