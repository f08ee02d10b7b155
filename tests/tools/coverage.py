#!/usr/bin/env python3
"""Judge what gcovr has counted.

coverage.py COUNTS.json              compare with coverage.txt and the limits; fails if either does not hold: one
                                     that is run after all does no harm, and a few lines may be missing
coverage.py COUNTS.json --write      write coverage.txt anew: what is no longer true goes, what is new has no reason

coverage.txt says of each function how many of its lines no test runs, and why: "2" or, where it
depends on who comes first, "0-2".
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "tests/coverage.txt"

#: Part, its folder, and how much of its lines and branches must be run, in percent.
LIMITS = (("library", "libpyossl/", 97.0, 92.0), ("binding", "bindings/python/src/", 95.0, 0.0))

#: How many lines may be missing in coverage.txt: which allocation of many alike fails differs from run to run.
SLACK = 25


def functions_of(path):
    """(line, name) of each function, in order: its name stands at the line's beginning or behind its type."""
    found = []
    lines = (ROOT / path).read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines, 1):
        match = re.match(r"PO_METHOD\w*\((\w+)\)", line) or re.match(
            r"(?!typedef|struct|enum|union|#)[A-Za-z_].*?\b(\w+)\(", line)
        if match and not line.rstrip().endswith(";"):
            found.append((number, match.group(1)))
    return found


def judge(counts):
    """{(file, function): [uncovered line, ...]}, and the sums of each part."""
    missing, sums = {}, {part: [0, 0, 0, 0] for part, *_ in LIMITS}
    for file in counts["files"]:
        part = next((part for part, folder, *_ in LIMITS if file["file"].startswith(folder)), None)
        if part is None:
            continue
        functions = functions_of(file["file"])
        for line in file["lines"]:
            if line.get("gcovr/noncode"):
                continue
            branches = [branch["count"] > 0 for branch in line["branches"]]
            for i, more in enumerate((line["count"] > 0, 1, sum(branches), len(branches))):
                sums[part][i] += more
            if line["count"] == 0:
                names = [name for number, name in functions if number <= line["line_number"]]
                missing.setdefault((file["file"], names[-1] if names else "-"), []).append(line["line_number"])
    return missing, sums


def table():
    """{(file, function): (least, most, reason)}"""
    found = {}
    if not TABLE.exists():
        return found
    for line in TABLE.read_text(encoding="utf-8").split("\n"):
        if line and not line.startswith("#"):
            file, function, lines, reason = (word.strip() for word in line.split(":", 3))
            least, _, most = lines.partition("-")
            found[file, function] = int(least), int(most or least), reason
    return found


def complaints(missing, listed):
    """(what is not as it should be, what is worth knowing)"""
    wrong, notes, more = [], [], 0
    for key, lines in sorted(missing.items()):
        _, most, reason = listed.get(key, (0, 0, ""))
        if len(lines) > most:
            more += len(lines) - most
            notes.append(f"{key[0]}: {key[1]}(): no test runs {len(lines)} of its lines "
                         f"({', '.join(map(str, lines))}), and coverage.txt has {most}")
        elif not reason:
            wrong.append(f"{key[0]}: {key[1]}(): no reason is given")
    for key, (least, _, _) in sorted(listed.items()):
        if key not in missing and least > 0:
            notes.append(f"{key[0]}: {key[1]}(): all of its lines are run, and coverage.txt has {least} that are not")
    if more > SLACK:
        wrong.append(f"{more} lines that no test runs are not in coverage.txt, {SLACK} may be missing")
    return wrong, notes


def write(missing, listed):
    kept = TABLE.read_text(encoding="utf-8").split("\n\n", 1)[0] if TABLE.exists() else "#"
    rows = {}
    for key in set(missing) | {key for key, (least, *_) in listed.items() if least == 0}:
        least, most, reason = listed.get(key, (0, 0, ""))
        count = len(missing.get(key, ()))
        varies = least < most and count <= most
        rows[key] = f"{least}-{most}" if varies else str(count), reason
    body = "\n".join(f"{file}: {function}: {lines}: {reason}" for (file, function), (lines, reason) in sorted(rows.items()))
    TABLE.write_text(f"{kept}\n\n{body}\n", encoding="utf-8")


def main(path, *arguments):
    missing, sums = judge(json.loads(pathlib.Path(path).read_text(encoding="utf-8")))
    if arguments == ("--write",):
        write(missing, table())
        return 0
    wrong, notes = complaints(missing, table())
    for part, _, least_lines, least_branches in LIMITS:
        run, lines, taken, branches = sums[part]
        percent = 100 * run / lines, 100 * taken / branches
        print(f"{part}: {percent[0]:.1f} % of {lines} lines, {percent[1]:.1f} % of {branches} branches")
        if percent[0] < least_lines or percent[1] < least_branches:
            wrong.append(f"{part}: {least_lines} % of the lines and {least_branches} % of the branches have to be run")
    print(*notes, *wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
