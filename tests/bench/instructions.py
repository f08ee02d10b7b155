"""Count instructions of operations, ours and naive C's: what has become dearer fails.

    instructions.py BUILD-FOLDER [--only WORD] [--write]

Times on a shared machine move by more than most changes matter; callgrind's counts do not. Counted are

- "own": instructions of an operation in the benchmark's own file, into which the library is linked. With the compiler
  and the OpenSSL that instructions.json names, 2 % more fail, or 5 instructions where that is more.
- "ratio": all instructions of an operation, OpenSSL's and the C library's too, over those of naive C in the same run.
  With that OpenSSL, 2 % more fail: this is what tells that OpenSSL is asked for more. Another compiler, which compiles
  our part and not OpenSSL, may take 5 % more. With another OpenSSL naive C is another one, too: there an operation may
  take a quarter more than the ratio that is kept, or as much as naive C, whichever is more.

What has become cheaper by more than that is told, and fails nothing; --write keeps the present counts.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import fixtures

HERE = pathlib.Path(__file__).resolve().parent
KEPT = HERE / "instructions.json"
MARGIN = 0.02
FEW = 5
OTHER_COMPILER, OTHER_OPENSSL = 0.05, 0.25
#: A workload, and how often it is run to be counted.
WORK = {
    "hs_tls13_ec": 20,
    "hs_tls12_ec": 20,
    "hs_tls13_resume": 20,
    "hs_tls12_resume": 40,
    "pp_mem": 100,
    "bulk_mem_16k": 20,
    "x509_load_pem": 50,
    "x509_load_der": 50,
    "x509_load_pubkey": 20,
    "x509_dump_pem": 50,
    "x509_dump_der": 100,
    "x509_subject_cn": 100,
    "x509_serial": 100,
    "x509_digest": 100,
    "x509_has_expired": 100,
    "x509_components": 100,
    "x509_extensions": 100,
    "x509_extension_text": 50,
    "pkey_load_rsa": 20,
    "pkey_load_ec": 20,
    "pkey_load_ec_enc": 3,
    "sign_ec": 40,
    "verify_ec": 40,
    "verify_rsa": 20,
    "store_verify": 10,
    "ctx_new": 10,
    "ctx_cafile": 1,
}
ROW = re.compile(r"^\s*([\d,]+) \(\s*[\d.]+%\)\s+\S+:\S+ \[(.*)\]")


def count(program, folder, workload, runs):
    """Instructions of one run: all, and those in the program's own file."""
    with tempfile.TemporaryDirectory() as place:
        out = f"{place}/out"
        command = ["valgrind", "--quiet", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=counted",
                   f"--callgrind-out-file={out}", str(program), str(folder), "1"]
        subprocess.run(command, input=f"{workload} -{runs}\n", text=True, check=True, stdout=subprocess.DEVNULL)
        text = subprocess.run(["callgrind_annotate", "--threshold=100", out], check=True, text=True, stdout=subprocess.PIPE)
    rows = [(int(row[1].replace(",", "")), row[2]) for row in map(ROW.match, text.stdout.splitlines()) if row]
    if not rows:
        raise RuntimeError(f"callgrind counted nothing in {workload}")
    return sum(n for n, _ in rows) / runs, sum(n for n, file in rows if file.endswith(program.name)) / runs


def measure(build, names):
    """{workload: {"own": instructions, "ratio": to naive C}}."""
    folder, programs = build / "bench" / "fixtures", build / "tests" / "bench"
    result = {}
    print(f"{'':22}{'naive C':>14}{'ours':>14}{'own':>9}{'ratio':>9}", flush=True)
    for workload in names:
        naive, _ = count(programs / "bench_naive", folder, workload, WORK[workload])
        ours, own = count(programs / "bench_core", folder, workload, WORK[workload])
        result[workload] = {"own": round(own), "ratio": round(ours / naive, 4)}
        print(f"{workload:22}{naive:14,.0f}{ours:14,.0f}{own:9,.0f}{ours / naive:9.4f}", flush=True)
    return result


def environment():
    def first(*command):
        return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()[0]

    return {"compiler": first("cc", "--version"), "openssl": " ".join(first("openssl", "version").split()[:2])}


def limits(kept, workload, compiler, openssl):
    """What an operation may take: {"own": instructions, "ratio": ratio}."""
    before = kept["counts"].get(workload)
    if before is None:
        return {}
    if not openssl:
        return {"ratio": max(before["ratio"] * (1 + OTHER_OPENSSL), 1)}
    if not compiler:
        return {"ratio": before["ratio"] * (1 + OTHER_COMPILER)}
    return {"own": max(before["own"] * (1 + MARGIN), before["own"] + FEW), "ratio": before["ratio"] * (1 + MARGIN) + 0.0001}


def compare(kept, found, here):
    """(what has become dearer, what has become cheaper)."""
    compiler, openssl = (kept[name] == here[name] for name in ("compiler", "openssl"))
    for name in ("compiler", "openssl"):
        if kept[name] != here[name]:
            print(f"the counts are of {kept[name]}, this is {here[name]}: only ratios to naive C are compared")
    dearer, cheaper = [], []
    for workload, numbers in found.items():
        allowed = limits(kept, workload, compiler, openssl)
        if not allowed:
            dearer.append(f"{workload}: nothing is kept to compare with; see --write")
        for what, limit in allowed.items():
            before = kept["counts"][workload][what]
            if numbers[what] > limit:
                dearer.append(f"{workload}: {what} {before} before, {numbers[what]} now, {limit:.4g} allowed")
            elif compiler and openssl and numbers[what] < before - (limit - before):
                cheaper.append(f"{workload}: {what} {before} before, {numbers[what]} now: cheaper, keep it with --write")
    return dearer, cheaper


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", default="", metavar="WORD")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    build = args.build.resolve()
    fixtures.make(build / "bench" / "fixtures", str(build / "bindings" / "python"))
    found = measure(build, [name for name in WORK if args.only in name])
    kept = json.loads(KEPT.read_text())
    if args.write:
        same = all(kept.get(name) == value for name, value in environment().items())
        counts = {**(kept["counts"] if args.only and same else {}), **found}
        KEPT.write_text(json.dumps({**environment(), "counts": counts}, indent=2) + "\n")
        return 0
    dearer, cheaper = compare(kept, found, environment())
    print("\n".join(cheaper + dearer))
    return 1 if dearer else 0


if __name__ == "__main__":
    sys.exit(main())
