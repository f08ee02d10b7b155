"""Run programs of every era with our package, and with the pyOpenSSL of their time.

    eras.py BUILD-FOLDER [ERA ...]

tests/programs/eras.toml pins them, and says what is run. Each has an environment in the build
folder, made by the Python it wants; where that is not here, the chroot of debian.sh has it, and
where that cannot be had either the program is skipped, and named. Every test that passes with
pyOpenSSL has to pass with ours, or be listed there with the reason; so has every test that fails
with both. Ends with a line for each program, and one of what ran.
"""

import collections
import concurrent.futures
import pathlib
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib

import programs
import skips

ERAS = programs.PROGRAMS / "eras.toml"
SECONDS = 15  # for a test: those that OpenSSL 3 cannot do, as TLS 1.0, wait until the end of it
AGAIN = 60  # for one whose outcome is not as listed: the machine may have been busy
BAD = ("failure", "error", "absent", "unexpected success")
MISSING = ["absent", ""]
OURS = "import OpenSSL.version; print(hasattr(OpenSSL.version, '__pyossl_version__'))"

Side = collections.namedtuple("Side", "name first folder")


def interpreter(version):
    """The program of that version that can make environments, or None."""
    if "%d.%d" % sys.version_info[:2] == version:
        return sys.executable
    found = shutil.which(f"python{version}")
    if found and subprocess.run([found, "-c", "import ensurepip, venv"], stderr=subprocess.DEVNULL).returncode == 0:
        return found
    return None


def wheels(folder, python, program, made={}):
    """Our two distributions, built once for each Python, in an environment of their own; None without an index."""
    if python not in made:
        venv = programs.make_venv(folder / f"python{python}", program)
        code, output = programs.install(venv, *programs.BUILDERS, check=False)
        made[python] = None if code else programs.build(venv, venv)
        if code:
            print(output[-500:])
    return made[python]


def source(venv, release, only, folder):
    """The program's source package, with its tests, or only what begins so, unpacked there."""
    shutil.rmtree(folder, ignore_errors=True)
    kept = venv / "source"
    program = release.partition("==")[0]
    if not list(kept.glob("*.tar.gz")):
        programs.pip(venv, "download", "--quiet", "--no-deps", "--no-binary", program, "--dest", kept, release)
    with tarfile.open(next(kept.glob("*.tar.gz"))) as archive:
        # Where Python can be told that an archive stays in its folder.
        members = [m for m in archive if m.name.partition("/")[2].startswith(only)]
        archive.extractall(folder, members, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return next(folder.iterdir())


def environment(folder, name, era, ours):
    """The era's environment, with our package in it, and pyOpenSSL's in a folder beside."""
    venv, stamp = folder / name, folder / name / "installed"
    wanted = repr([era["install"], era["upstream"], era.get("source")])
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(venv, ignore_errors=True)
    programs.make_venv(venv, interpreter(era["python"]))
    # Before the program, which else would bring pyOpenSSL.
    programs.install(venv, "--force-reinstall", "--no-deps", *ours)
    if not stamp.exists():
        programs.install(venv, *era["install"], *programs.TESTERS)
        upstream = f"pyOpenSSL=={era['upstream']}"
        programs.install(venv, "--target", venv / "upstream", "--no-deps", upstream)
        stamp.write_text(wanted)
    return venv


def sides(venv, era):
    """Where each of the two runs, and what it imports."""
    made = []
    for name, first in (("ours", None), ("upstream", venv / "upstream")):
        folder = venv / f"run-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "pytest.ini").touch()  # else the options are this tree's, where a program has none
        if "source" in era:
            folder = source(venv, era["source"], era.get("only", ""), folder / "source")
        for script in era.get("own", "").split():
            shutil.copy(programs.PROGRAMS / script, folder)
        found = programs.run(venv, "-c", OURS, first=first, cwd=folder)[1].strip()
        assert found == str(name == "ours"), f"{venv.name}: {name} imports the other package"
        made.append(Side(name, first, folder))
    return made


def outcomes(venv, side, era, names, seconds):
    """What became of the tests named: {test: [outcome, text]}."""
    runner = "trial_outcomes.py" if "trial" in era else "pytest_outcomes.py"
    return programs.outcomes(venv, runner, names, first=side.first, seconds=seconds, cwd=side.folder)


def both(venv, pair, era, names, seconds):
    """The same of both sides, which run side by side."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(pool.map(lambda side: outcomes(venv, side, era, names, seconds), pair))


def listed(era, table):
    """{test: reason} of a table of {reason: tests}."""
    return {test: reason for reason, tests in era.get(table, {}).items() for test in tests.split()}


def unlike(ours, upstream):
    """The tests that do other than with pyOpenSSL, and those that fail with both."""
    bad = {test for test in upstream if ours.get(test, MISSING)[0] in BAD}
    alike = {test for test in bad if upstream[test][0] in BAD}
    differ = {test for test in upstream if not programs.same(ours.get(test, MISSING)[0], upstream[test][0])}
    return differ - alike, alike


def compare(venv, era):
    """(tests passed with ours, with pyOpenSSL, what is wrong)"""
    names, seconds = era.get("trial", era.get("pytest", "")).split(), era.get("seconds", SECONDS)
    pair = sides(venv, era)
    ours, upstream = both(venv, pair, era, names, seconds)
    tables = listed(era, "differs"), listed(era, "fails")
    # Their limits are in seconds: a machine that is busy misses some. Alone they have another try.
    for _ in range(2):
        disputed = set().union(*(found ^ set(table) for found, table in zip(unlike(ours, upstream), tables))) & set(upstream)
        if not disputed:
            break
        for seen, more in zip((ours, upstream), both(venv, pair, era, sorted(disputed), max(AGAIN, seconds))):
            seen.update(more)
    wrong = []
    for found, table, words in zip(unlike(ours, upstream), tables, ("differs", "fails with both")):
        for test in sorted(found - set(table)):
            outcome, text = ours.get(test, MISSING)
            wrong.append(f"not listed: {test} {words}: {outcome}, {upstream[test][0]} with pyOpenSSL: {text.strip()[-200:]}")
        wrong += [f"listed, but it is not so: {test} {words}" for test in sorted(set(table) - found)]
    passed = [sum(outcome == "passed" for outcome, _ in seen.values()) for seen in (ours, upstream)]
    if passed[0] < era["at_least"]:
        wrong.append(f"fewer than the {era['at_least']} that passed before")
    return (*passed, wrong)


def report(folder, name, era, ours):
    """(a line that says what ran, what is wrong)"""
    begun = time.monotonic()
    try:
        passed, theirs, wrong = compare(environment(folder, name, era, ours), era)
    except (SystemExit, OSError, subprocess.SubprocessError) as problem:
        return f"{name}: broke off", [str(problem)]
    return (f"{name}: {passed} passed, at least {era['at_least']} must; {theirs} with pyOpenSSL {era['upstream']};"
            f" Python {era['python']}, {time.monotonic() - begun:.0f} s"), wrong


def elsewhere(eras):
    """Run them in the chroot of the Debian that has their Python; its exit status, skips.EXIT where that cannot be had."""
    dev = programs.TOP / "dev"
    return subprocess.run(["sh", str(dev), "debian", "bookworm", "--", "programs", "eras", *eras]).returncode


def main(build_folder, *chosen):
    folder = pathlib.Path(build_folder).resolve() / "programs" / "eras"
    folder.mkdir(parents=True, exist_ok=True)
    eras = tomllib.loads(ERAS.read_text())
    here = "%d.%d" % sys.version_info[:2]
    for era in eras.values():
        era.setdefault("python", here)
    unknown = set(chosen) - set(eras)
    if unknown:
        raise SystemExit(f"eras: no {', '.join(sorted(unknown))} in {ERAS.name}")
    if not programs.can_be_alone():
        skips.skip("programs of every era: their tests need a network of their own, which cannot be had here")
        return skips.EXIT
    lines, wrong, skipped, absent = [], 0, [], []
    for name in chosen or eras:
        program = interpreter(eras[name]["python"])
        if program is None:
            absent.append(name)
            continue
        ours = wheels(folder, eras[name]["python"], program)
        if ours is None:
            skipped.append(f"{name} (the package index cannot be reached here)")
            continue
        line, said = report(folder, name, eras[name], ours)
        lines.append(line)
        print(line, *said, sep="\n  ", flush=True)
        wrong += len(said)
    if absent:
        status = elsewhere(absent)
        if status == skips.EXIT:
            skipped += [f"{name} (no Python {eras[name]['python']} here)" for name in absent]
        elif status:
            wrong += 1
        else:
            lines.append(f"in a chroot: {', '.join(absent)}")
    for one in skipped:
        skips.skip(one)
    print("", *lines, sep="\n")
    print(f"eras: {len(lines)} ran, {wrong} wrong, {len(skipped)} skipped{': ' if skipped else ''}{', '.join(skipped)}")
    return 1 if wrong else 0 if lines else skips.EXIT


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
