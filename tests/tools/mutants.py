#!/usr/bin/env python3
"""Put faults in, one at a time, and see that a test finds each.

mutants.py [NAME ...]   all that mutants.toml lists, or those whose name has one of these words
mutants.py --check      the table still fits the sources

A copy of the tree is built in build-mutants/. A fault is caught if the library with it does not
compile, or if one of its tests fails, crashes or hangs. A test is called

  NAME                  tests/c/.../test_NAME.c, under the address and undefined behaviour sanitizers
  tsan:NAME             the same under ThreadSanitizer
  py:NAME[::FUNCTION]   tests/py/test_NAME.py
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build-mutants"
TREE = FOLDER / "tree"
SECONDS = 120
PACKAGE = FOLDER / "py" / "bindings" / "python"
ENVIRONMENT = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", ASAN_OPTIONS="detect_leaks=1",
                   UBSAN_OPTIONS="halt_on_error=1", TSAN_OPTIONS="halt_on_error=1", OOM_DISTINCT="1",
                   PYTHONPATH=str(PACKAGE), PYOSSL_PACKAGE=str(PACKAGE), PYTHONDONTWRITEBYTECODE="1")
BUILDS = {
    "c": ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dpython=disabled", "-Doptimization=1"],
    "tsan": ["-Db_sanitize=thread", "-Db_lundef=false", "-Dpython=disabled", "-Doptimization=1"],
    "py": ["-Dtests=disabled", "-Dexamples=disabled"],
}


def table():
    with open(ROOT / "tests/tools/mutants.toml", "rb") as file:
        return tomllib.load(file)["mutant"]


def check(mutants):
    """What does not fit any more: a fault that cannot be put in tests nothing."""
    for mutant in mutants:
        found = (ROOT / mutant["file"]).read_text(encoding="utf-8").count(mutant["old"])
        if found != 1:
            yield f"{mutant['name']}: {mutant['file']} has its text {found} times"


def run(*command, seconds=900):
    return subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=seconds, check=False,
                          text=True, errors="replace")


def copy_tree():
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        source, target = ROOT / name, TREE / name
        if not name or not source.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != source.read_bytes():
            shutil.copyfile(source, target)
            shutil.copymode(source, target)


def kind_of(test):
    return test.partition(":")[0] if ":" in test else "c"


def compiles(tests):
    """Whether what these tests run compiles, and what was said if not."""
    for kind in sorted({kind_of(test) for test in tests}):
        build = FOLDER / kind
        if not (build / "build.ninja").exists():
            done = run("meson", "setup", build, TREE, *BUILDS[kind])
            if done.returncode != 0:
                sys.exit(done.stdout)
        targets = [f"tests/c/test_{test.partition(':')[2] or test}" for test in tests if kind_of(test) == kind]
        done = run("ninja", "-C", build, "-j2", *(targets if kind != "py" else ()))
        if done.returncode != 0:
            return False, done.stdout
    return True, ""


def finds(test):
    """How the test failed; None where it passed."""
    kind = kind_of(test)
    name = test.partition(":")[2] or test
    command = [FOLDER / kind / "tests/c" / f"test_{name}"]
    if kind == "py":
        file, _, function = name.partition("::")
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-c", TREE / "tests/py/pytest.ini",
                   "::".join([str(TREE / "tests/py" / f"test_{file}.py"), *([function] if function else [])])]
    try:
        done = run(*command, seconds=SECONDS)
    except subprocess.TimeoutExpired:
        return "hangs"
    return None if done.returncode == 0 else "fails"


def try_mutant(mutant):
    """Which test catches it; None where none does."""
    file = TREE / mutant["file"]
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace(mutant["old"], mutant["new"]), encoding="utf-8")
    try:
        built, _ = compiles(mutant["tests"])
        if not built:
            return "the compiler"
        for test in mutant["tests"]:
            if finds(test):
                return test
        return None
    finally:
        file.write_text(good, encoding="utf-8")


def main(arguments):
    mutants = table()
    stale = list(check(mutants))
    if stale or arguments == ["--check"]:
        sys.exit("\n".join(stale) or None)
    if arguments:
        mutants = [one for one in mutants if any(word in one["name"] for word in arguments)]
    copy_tree()
    tests = sorted({test for mutant in mutants for test in mutant["tests"]})
    built, output = compiles(tests)
    broken = [test for test in tests if finds(test)] if built else []
    if not built or broken:
        sys.exit(f"without a fault: {output[-2000:] if not built else broken}")
    caught = 0
    for mutant in mutants:
        by = try_mutant(mutant)
        caught += by is not None
        print(f"{'caught by ' + by if by else 'NOT CAUGHT'}: {mutant['name']}", flush=True)
    print(f"mutants: {caught} of {len(mutants)} caught")
    sys.exit(0 if caught == len(mutants) else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
