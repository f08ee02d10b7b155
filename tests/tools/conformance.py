"""Run the test suites of pyOpenSSL's own releases, unmodified, against our package.

    conformance.py BUILD-FOLDER [RELEASE ...]

Their source packages come from the Python package index and are kept in the
build folder, never in the tree. A test that does not pass must be listed in
doc/python/conformance.csv, with the reason; one that is listed and passes is an
error too. Without a way to the package index it says so, and passes nothing: exit status 77.
"""

import csv
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import xml.etree.ElementTree

import skips

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PLUGINS = TOP / "tests" / "programs"
LISTED = TOP / "doc" / "python" / "conformance.csv"

# Which files of a release, and which of two plugins that cannot live together it wants.
RELEASES = {
    "26.4.0": (["ssl", "crypto", "rand", "debug", "util"], "no:flaky"),
    "23.0.0": (["ssl", "crypto", "rand", "debug", "util"], "no:rerunfailures"),
    "17.1.0": (["crypto", "rand"], "no:rerunfailures"),
}

# What a reason says of a test whose outcome is not ours to tell: it may pass.
MAY_PASS = ("network", "some releases of OpenSSL")


def fetch(release, folder):
    """The tests of a release as a folder, or None where the index cannot be reached."""
    tests = folder / release / "tests"
    if tests.is_dir():
        return tests
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary",
                ":all:", "--no-build-isolation", "--dest", str(folder), f"pyOpenSSL=={release}"]
    try:
        said = subprocess.run(download, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300).stdout
    except subprocess.TimeoutExpired:
        said = b"no answer"
    archives = [p for p in folder.glob("*.tar.gz") if p.name.lower() == f"pyopenssl-{release}.tar.gz"]
    if not archives:
        print(said.decode(errors="replace")[-500:])
        return None
    with tarfile.open(archives[0]) as archive:
        # Where Python can be told that an archive stays in its folder.
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    unpacked = next(p for p in folder.iterdir() if p.is_dir() and p.name.lower() == f"pyopenssl-{release}")
    shutil.copytree(unpacked / "tests", tests)
    return tests


def node_of(name):
    """How pytest calls a test: "test_ssl.TestContext.test_x" is "tests/test_ssl.py::TestContext::test_x"."""
    where, bracket, parameters = name.partition("[")
    file, *inside = where.split(".")
    return "::".join([f"tests/{file}.py", *inside]) + bracket + parameters


def run(release, tests, package, names=()):
    """Outcomes of a release's tests, or of those named: {name: (outcome, text)}."""
    files, plugin = RELEASES[release]
    report = tests.parent / "report.xml"
    report.unlink(missing_ok=True)
    environment = dict(os.environ, PYTHONPATH=f"{package}:{tests.parent}:{PLUGINS}")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        environment.pop(name, None)
    check = "import OpenSSL; print(OpenSSL.version.__pyossl_version__)"
    subprocess.run([sys.executable, "-c", check], env=environment, check=True,
                   stdout=subprocess.DEVNULL, cwd=tests.parent)
    subprocess.run(
        [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir=.", "-p", "no:cacheprovider",
         "-p", plugin, "-p", "older_pytest", "-q", "--tb=no", f"--junitxml={report}"]
        + [node_of(name) for name in names] + [f"tests/test_{name}.py" for name in files if not names],
        cwd=tests.parent, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        timeout=3600,
    )
    outcomes = {}
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        name = case.get("classname").removeprefix("tests.") + "." + case.get("name")
        bad = [child for child in case if child.tag in ("failure", "error", "skipped")]
        outcomes[name] = (bad[0].tag, bad[0].get("message")) if bad else ("passed", "")
    return outcomes


def listed():
    with LISTED.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["reason"].strip() for row in rows)
    return {(row["release"], row["test"]): row["reason"] for row in rows}


def unlike(release, outcomes, known):
    """The tests whose outcome is not as listed: {name: what is to be said of it}."""
    wrong = {}
    for name, (outcome, text) in sorted(outcomes.items()):
        reason = known.get((release, name))
        if outcome in ("failure", "error") and reason is None:
            wrong[name] = f"not listed: {release} {name}: {(text or '').splitlines()[:1]}"
        elif outcome == "passed" and reason is not None and not any(word in reason for word in MAY_PASS):
            wrong[name] = f"listed, but passes: {release} {name}"
    return wrong


def judge(release, outcomes, known, again):
    """Print what is not as listed; how many such."""
    wrong = unlike(release, outcomes, known)
    for _ in range(2):
        if not wrong:
            break
        # Some of their limits are in seconds: a machine that is busy misses one. Alone they have another try.
        retried = again(sorted(wrong))
        wrong = {name: wrong[name] for name in unlike(release, {n: retried.get(n, ("error", "")) for n in wrong}, known)}
    print(*wrong.values(), sep="\n", end="\n" if wrong else "")
    missing = [n for r, n in known if r == release and n not in outcomes]
    for name in missing:
        print(f"listed, but not there: {release} {name}")
    return len(wrong) + len(missing)


def main(arguments):
    build = pathlib.Path(arguments[0]).resolve()
    folder = build / "conformance"
    folder.mkdir(parents=True, exist_ok=True)
    known = listed()
    wrong, run_any = 0, False
    for release in arguments[1:] or RELEASES:
        tests = fetch(release, folder)
        if tests is None:
            skips.skip(f"the tests of pyOpenSSL {release}: its source package cannot be had here")
            continue
        run_any = True
        package = build / "bindings" / "python"
        outcomes = run(release, tests, package)
        counts = {}
        for outcome, _ in outcomes.values():
            counts[outcome] = counts.get(outcome, 0) + 1
        print(f"pyOpenSSL {release}: {len(outcomes)} tests, "
              + ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())), flush=True)
        if len(outcomes) < 100:
            wrong += 1
        wrong += judge(release, outcomes, known, lambda names: run(release, tests, package, names))
    return 1 if wrong else 0 if run_any else skips.EXIT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
