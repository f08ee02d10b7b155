"""Count the instructions of ours that one operation takes: a change of more than 2 % fails.

    instructions.py BUILD-FOLDER [--write]

Times on a shared machine move by more than most changes matter; callgrind's
counts do not move. Counted is what runs in the benchmark's own file, into which
the library is linked; OpenSSL's and the C library's parts are theirs to change.
The counts hold for one compiler, so another one is told of and not compared.
--write keeps the present counts, for a change that is meant.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
KEPT = HERE / "instructions.json"
SKIPPED = 77
MARGIN = 0.02
#: A workload, and how often it is run to be measured.
WORK = {
    "pp_mem": 200,
    "bulk_mem_16k": 50,
    "hs_tls13_ec": 5,
    "x509_load_der": 50,
    "x509_dump_pem": 50,
    "x509_subject_cn": 200,
    "x509_extensions": 100,
    "x509_digest": 200,
    "pkey_load_ec": 50,
    "verify_ec": 5,
}
ROW = re.compile(r"^\s*([\d,]+) \(\s*[\d.]+%\)\s+\S+:\S+ \[(.*)\]")


def count(program, fixtures, workload, runs):
    """Instructions in the program's own file."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/out"
        command = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}", str(program), str(fixtures)]
        subprocess.run(command, input=f"{workload} -{runs}\n", text=True, check=True, stdout=subprocess.DEVNULL)
        text = subprocess.run(["callgrind_annotate", "--threshold=100", out], check=True, text=True, stdout=subprocess.PIPE)
    rows = filter(None, map(ROW.match, text.stdout.splitlines()))
    return sum(int(row[1].replace(",", "")) for row in rows if row[2].endswith(program.name))


def measure(build):
    program, fixtures = build / "tests" / "bench" / "bench_core", build / "bench" / "fixtures"
    result = {}
    for workload, runs in WORK.items():
        few, many = (count(program, fixtures, workload, n) for n in (runs, 3 * runs))
        result[workload] = round((many - few) / (2 * runs))
        print(f"{workload:20} {result[workload]:9}", flush=True)
    return result


def compare(kept, found):
    """What has become dearer, or cheaper without being kept."""
    for workload, number in found.items():
        before = kept.get(workload, 0)
        if abs(number - before) > max(MARGIN * before, 2):
            yield f"{workload}: {before} instructions before, {number} now"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    build = args.build.resolve()
    sys.path.insert(0, str(HERE))
    import bench

    bench.make_fixtures(build / "bench" / "fixtures", str(build / "bindings" / "python"))
    compiler = subprocess.run(["cc", "--version"], check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()[0]
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {"compiler": None, "counts": {}}
    if not args.write and kept["compiler"] != compiler:
        print(f"the counts are of {kept['compiler']}, this is {compiler}")
        return SKIPPED
    found = measure(build)
    if args.write:
        KEPT.write_text(json.dumps({"compiler": compiler, "counts": found}, indent=2) + "\n")
        return 0
    changes = list(compare(kept["counts"], found))
    print("\n".join(changes))
    return 1 if changes else 0


if __name__ == "__main__":
    sys.exit(main())
