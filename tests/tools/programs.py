"""Run programs that were written for pyOpenSSL with our package, installed as a user would.

    programs.py BUILD-FOLDER

They come from the Python package index, in the releases that
doc/python/programs.csv names, and stay in the build folder. Twisted's tests run
with pyOpenSSL too; one that passes there and not with our package must be
listed in that file, with the reason. Without a way to the package index it says
so, and passes nothing: exit status 77.
"""

import csv
import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys

import skips

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAMS = TOP / "tests" / "programs"
ALONE = PROGRAMS / "alone.py"
LISTED = TOP / "doc" / "python" / "programs.csv"
UPSTREAM = "pyOpenSSL==26.4.0"
BUILDERS = ["meson-python==0.22.1", "ninja==1.13.0", "setuptools==80.9.0"]
TESTERS = ["pytest==8.4.2", "hypothesis==6.141.1", "PyHamcrest==2.1.0"]
LIMIT = 3600  # seconds


def run(venv, *arguments, check=True, first=None, cwd=None):
    """Run the virtual environment's Python there, or in the folder cwd; its exit status, and what it printed.

    Modules in the folder first hide those of the environment.
    """
    # Other modules, or other authorities, would make tests pass or fail for the wrong reason; those that
    # measure time are generous where CI says so.
    # What pip trusts is the machine's own business.
    dropped = () if "pip" in arguments else (
        "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
        "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("PYTHON") and name.upper() not in dropped}
    if first is not None:
        kept["PYTHONPATH"] = str(first)
    done = subprocess.run([str(venv / "bin" / "python"), *map(str, arguments)], cwd=cwd or venv,
                          env=dict(kept, CI="true", PATH=f"{venv / 'bin'}:{kept['PATH']}"),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT)
    output = done.stdout.decode(errors="replace")
    if check and done.returncode:
        print(output[-4000:])
        raise SystemExit(f"programs: {' '.join(map(str, arguments[:5]))} failed")
    return done.returncode, output


def pip(venv, *arguments, check=True):
    return run(venv, "-m", "pip", "--disable-pip-version-check", *arguments, check=check)


def install(venv, *what, check=True):
    code, output = pip(venv, "install", "--quiet", *what, check=False)
    if code and check:  # the index may have been out of reach for a moment
        return pip(venv, "install", "--quiet", *what)
    return code, output


def make_venv(folder, python=sys.executable):
    if not (folder / "bin" / "python").exists():
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
    return folder


def listed():
    """The releases to install, and the tests of them that may differ: {test: reason}."""
    releases, differences = [], {}
    with LISTED.open(newline="") as file:
        for row in csv.DictReader(file):
            releases.append(f"{row['program']}=={row['release']}")
            for line in filter(None, row["what differs"].splitlines()):
                test, _, reason = line.partition(": ")
                assert reason.strip(), f"{test} is listed without a reason"
                differences[test] = reason
    return releases, differences


def build(venv, folder):
    """Our two distributions as wheels."""
    wheels = folder / "wheels"
    stand_in = folder / "pyOpenSSL"
    for old in (wheels, stand_in):
        shutil.rmtree(old, ignore_errors=True)
    # setuptools writes beside what it builds.
    shutil.copytree(TOP / "bindings" / "python" / "pyOpenSSL", stand_in)
    wheel = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels]
    pip(venv, *wheel, f"--config-settings=build-dir={folder / 'build'}", TOP)
    pip(venv, *wheel, stand_in)
    return sorted(wheels.glob("*.whl"))


CHECK = """
import importlib.metadata as metadata, OpenSSL, sys
from OpenSSL import SSL, crypto, rand
assert metadata.version("pyOpenSSL").startswith(OpenSSL.__version__)
assert metadata.version("pyossl") == OpenSSL.version.__pyossl_version__
assert OpenSSL.__file__.startswith(sys.prefix), OpenSSL.__file__
assert any(str(path) == "OpenSSL/py.typed" for path in metadata.files("pyossl"))
"""


def check_installed(venv):
    """pip is content, and it is our package that is installed."""
    pip(venv, "check")
    run(venv, "-c", CHECK)
    print("installed: pyossl and pyOpenSSL, pip check is content", flush=True)


def scripts(venv):
    """How many of our own scripts, which use programs with our package, fail."""
    failed = 0
    for script in sorted(PROGRAMS.glob("test_*.py")):
        code, output = run(venv, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir=.", "-p", "no:cacheprovider",
                           "--tb=short", script, check=False)
        print(f"{script.name}:", output.strip().splitlines()[-1], flush=True)
        if code:
            print(output[-6000:])
            failed += 1
    return failed


@functools.cache
def can_be_alone():
    """Whether tests can have a network of their own here."""
    return subprocess.run([sys.executable, str(ALONE), "/bin/true"]).returncode == 0


def outcomes(venv, runner, names, first=None, seconds=120, cwd=None):
    """What became of the tests that a runner of tests/programs runs: {test: [outcome, text]}."""
    file = (cwd or venv) / "outcomes.json"
    file.unlink(missing_ok=True)
    apart = [ALONE, venv / "bin" / "python"] if can_be_alone() else []
    run(venv, *apart, PROGRAMS / runner, file, seconds, *names, first=first, cwd=cwd)
    return json.loads(file.read_text())


def trial(venv, names):
    """Outcomes of Twisted's tests."""
    return outcomes(venv, "trial_outcomes.py", names)


def same(ours, theirs):
    """Whether a test does with our package what it does with pyOpenSSL, or better."""
    return ours == theirs or ours in ("passed", "expected failure")


def twisted(our_venv, their_venv, names, differences):
    """How many of Twisted's tests do other than with pyOpenSSL, and are not listed; or are, and do not."""
    theirs = trial(their_venv, names)
    ours = trial(our_venv, names)
    missing = ["absent", ""]

    def unlike():
        """The tests that do other than with pyOpenSSL."""
        return {test for test in theirs if not same(ours.get(test, missing)[0], theirs[test][0])}

    for _ in range(3):
        disputed = unlike() ^ set(differences)
        if not disputed:
            break
        # Their limits are in seconds: a machine that is busy misses some. Alone they have another try.
        for venv, seen in ((their_venv, theirs), (our_venv, ours)):
            seen.update(trial(venv, sorted(disputed & set(theirs))))
    failing = unlike()
    for venv, seen in (("pyOpenSSL", theirs), ("this package", ours)):
        passed = sum(outcome == "passed" for outcome, _ in seen.values())
        print(f"Twisted with {venv}: {passed} passed of {len(seen)}", flush=True)
    for test in sorted(failing - set(differences)):
        print(f"not listed: {test}: {ours.get(test, missing)}, but {theirs[test][0]} with pyOpenSSL")
    for test in sorted(set(differences) - failing):
        print(f"listed, but does the same: {test}")
    return len(failing ^ set(differences)) + (len(theirs) < 300)


def main(build_folder):
    folder = pathlib.Path(build_folder).resolve() / "programs"
    folder.mkdir(parents=True, exist_ok=True)
    releases, differences = listed()
    our_venv, their_venv = make_venv(folder / "ours"), make_venv(folder / "theirs")
    code, output = install(our_venv, *BUILDERS, check=False)
    if code:
        print(output[-500:])
        skips.skip("the programs of others: the package index cannot be reached here")
        return skips.EXIT
    install(our_venv, "--force-reinstall", "--no-deps", *build(our_venv, folder))
    install(our_venv, *releases, *TESTERS)
    check_installed(our_venv)
    wrong = scripts(our_venv)
    compared = [release for release in releases if release.startswith(("Twisted", "service_identity"))]
    install(their_venv, UPSTREAM, *compared, *TESTERS)
    with LISTED.open(newline="") as file:
        names = next(row["what runs"] for row in csv.DictReader(file) if row["program"].startswith("Twisted"))
    return 1 if wrong + twisted(our_venv, their_venv, names.split(), differences) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
