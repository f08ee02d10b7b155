#!/usr/bin/env python3
"""Count what the library takes for what peers send and files hold, as it becomes longer: what is not linear fails.

    growth.py PROGRAM [--quick]

PROGRAM (tests/c/cost) does each thing with an input of n, 2n and 4n parts; callgrind counts instructions. What the second
n parts took may be what the first took twice and a bit more: (4n - 2n) may be at most 2.3 times (2n - n), which leaves out
what does not depend on n. Where OpenSSL is not linear itself, which NOT_LINEAR lists, ours may take at most 1.1 times as
much as OpenSSL's own functions for the same. Exits with 77 where there is no valgrind.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

#: What an input of twice the length may add, over what the one before added.
MOST = 2.3
#: What ours may take over OpenSSL's own cost, where that is not linear.
BESIDE_OPENSSL = 1.1
#: So few instructions added by the longest input are noise: a signature has as many more or less.
FEW = 600_000
#: Where OpenSSL is not linear, and why.
NOT_LINEAR = {
    "trusted directory, one name": "a store compares each certificate that it is given with all of the same name",
}

HERE = pathlib.Path(__file__).resolve().parent
#: What takes a file, or bytes of a length: peers and files may bring those. All that tests/c/cost does not call, and why.
NOT_COUNTED = {
    "what a program says for itself, a number or a short text":
        "conn_set_verify_hostname conn_set_verify_ip ctx_set_verify_ip conn_set_alpn_protos ctx_set_session_id "
        "crl_set_last_update crl_set_next_update revoked_set_date x509_set_not_before x509_set_not_after name_set "
        "name_add pkcs12_set_friendly_name spki_set_challenge conn_export_keying_material",
    "OpenSSL's own work on bytes that are handed on":
        "pkcs7_sign pkcs7_verify pkey_sign pkey_verify rand_add rand_seed rand_load_file rand_write_file rand_egd",
    "one object of a file, read as the same in memory is":
        "ctx_use_certificate_file ctx_use_pkey_file ctx_load_tmp_dh ctx_set_tmp_dh",
    "a store's, of which the context's is": "ctx_load_verify_locations",
}
READER = re.compile(r"\bpyossl_status pyossl_(\w+)\(([^;]*?)\)[^;]*;")
TAKES = re.compile(r"const (?:void|unsigned char|char) \*\w+,\s*size_t|const char \*(?:path|file|dir)\b")


def not_covered():
    """Complaints about functions of include/ that read something and are neither counted nor listed, and the reverse."""
    called = "".join(path.read_text() for path in (HERE.parent / "c" / "cost").glob("*.c"))
    listed = {name for names in NOT_COUNTED.values() for name in names.split()}
    readers = set()
    for header in (HERE.parents[1] / "include" / "pyossl").glob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
        readers |= {found[1] for found in READER.finditer(text) if TAKES.search(found[2])}
    counted = {name for name in readers if f"pyossl_{name}(" in called}
    complaints = [f"pyossl_{name} is neither counted nor listed" for name in sorted(readers - counted - listed)]
    complaints += [f"pyossl_{name} is listed, and is counted or no reader" for name in sorted(listed - (readers - counted))]
    return complaints if len(readers) > 30 else ["no readers found in include/"]


def count(program, quick):
    """{name: {"ours" or "OpenSSL": [instructions of n, 2n, 4n]}}."""
    with tempfile.TemporaryDirectory() as place:
        out, files = pathlib.Path(place, "out"), pathlib.Path(place, "files")
        files.mkdir()
        done = subprocess.run(
            ["valgrind", "--quiet", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=counted",
             "--dump-after=counted", f"--callgrind-out-file={out}", program, files, *(["quick"] if quick else [])],
            text=True, stdout=subprocess.PIPE, check=True)  # fmt: skip
        lines = done.stdout.splitlines()
        totals = []
        for number in range(1, len(lines) + 1):
            found = re.search(r"^(?:totals|summary): (\d+)", pathlib.Path(f"{out}.{number}").read_text(), re.MULTILINE)
            totals.append(int(found[1]))
    counts = {}
    for line, total in zip(lines, totals, strict=True):
        _, who, name = line.split(" ", 2)
        counts.setdefault(name, {}).setdefault(who, []).append(total)
    return counts


def growth(sizes):
    first, second, third = sizes
    return (third - second) / max(second - first, 1)


def judge(name, counts):
    """What is wrong with it, or nothing."""
    ours = counts["ours"]
    if ours[2] - ours[1] < FEW or growth(ours) <= MOST:
        return ""
    if name not in NOT_LINEAR:
        return f"grows by {growth(ours):.2f}"
    ratio = max(mine / theirs for mine, theirs in zip(ours, counts["OpenSSL"], strict=True))
    return f"{ratio:.2f} times OpenSSL's own cost" if ratio > BESIDE_OPENSSL else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("valgrind is not installed")
        return 77
    complaints = not_covered()
    print("\n".join(complaints))
    wrong = len(complaints)
    counts = count(args.program.resolve(), args.quick)
    # What a signature takes depends on chance: what looks too much is measured again, the least counts.
    for _ in range(2):
        if any(judge(name, row) for name, row in counts.items()):
            for name, row in count(args.program.resolve(), args.quick).items():
                for who, sizes in row.items():
                    counts[name][who] = [min(pair) for pair in zip(counts[name][who], sizes, strict=True)]
    for name, row in counts.items():
        said = judge(name, row)
        wrong += bool(said)
        for who, sizes in row.items():
            print(f"{name:37}{who:8}" + "".join(f"{size:14,}" for size in sizes) + f"{growth(sizes):7.2f}  ", end="")
            print(said if who == "ours" else "")
    print(f"{len(counts)} things, {wrong} of them not linear")
    return 1 if wrong or len(counts) < 25 else 0


if __name__ == "__main__":
    sys.exit(main())
