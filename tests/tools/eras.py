"""Run programs of earlier years with our package and with the pyOpenSSL of their time.

    eras.py BUILD-FOLDER [ERA ...]

tests/programs/eras.toml pins them. Each has an environment in the build folder, made by
the Python it wants; where that is not here it is skipped, and named. Every test that passes
with pyOpenSSL has to pass with ours, or be listed there with the reason.
"""

import pathlib
import shutil
import sys
import tomllib

import programs

ERAS = programs.PROGRAMS / "eras.toml"
TRIAL = """twisted.test.test_ssl twisted.test.test_sslverify twisted.protocols.test.test_tls
twisted.internet.test.test_tls twisted.web.test.test_agent twisted.test.test_tcp""".split()
SECONDS = 20  # for a test: those that OpenSSL 3 cannot do, as TLS 1.0, wait until the end of it
MISSING = ["absent", ""]


def interpreter(version):
    """Its program, or None."""
    if "%d.%d" % sys.version_info[:2] == version:
        return sys.executable
    return shutil.which(f"python{version}")


def wheels(venv, folder, python, made={}):
    """Our two distributions, built once for each Python."""
    if python not in made:
        place = folder / f"python{python}"
        place.mkdir(exist_ok=True)
        made[python] = programs.build(venv, place)
    return made[python]


def environment(folder, name, era):
    """The era's environment with our package in it, and the folder with pyOpenSSL to put in front; or why not."""
    python = interpreter(era["python"])
    if python is None:
        return None, f"no Python {era['python']} here"
    venv = programs.make_venv(folder / name, python)
    code, output = programs.install(venv, *programs.BUILDERS, check=False)
    if code:
        return None, "the package index cannot be reached here"
    programs.install(venv, *era["install"], *programs.TESTERS)
    programs.install(venv, "--force-reinstall", "--no-deps", *wheels(venv, folder, era["python"]))
    theirs = venv / "upstream"
    programs.install(venv, "--target", theirs, "--no-deps", "--upgrade", *era["upstream"])
    return venv, theirs


def compare(name, era, venv, theirs):
    """How many tests do other than with pyOpenSSL, and are not listed; or are, and do not."""
    names = era.get("names", "").split() or TRIAL
    listed = era.get("differs", {})
    ours = programs.trial(venv, names, seconds=SECONDS)
    upstream = programs.trial(venv, names, first=theirs, seconds=SECONDS)

    def unlike():
        return {test for test in upstream if not programs.same(ours.get(test, MISSING)[0], upstream[test][0])}

    for _ in range(3):
        disputed = (unlike() ^ set(listed)) & set(upstream)
        if not disputed:
            break
        # Their limits are in seconds: a machine that is busy misses some. Alone they have another try.
        ours.update(programs.trial(venv, sorted(disputed), seconds=SECONDS))
        upstream.update(programs.trial(venv, sorted(disputed), first=theirs, seconds=SECONDS))
    failing = unlike()
    passed = sum(outcome == "passed" for outcome, _ in ours.values())
    print(f"{name}: {passed} passed with ours, {sum(o == 'passed' for o, _ in upstream.values())} with",
          f"{era['upstream'][0]}, of {len(upstream)}", flush=True)
    for test in sorted(failing ^ set(listed)):
        print(f"  not as listed: {test}: {ours.get(test, MISSING)}, {upstream.get(test, MISSING)[0]} with pyOpenSSL")
    few = passed < era["at_least"]
    if few:
        print(f"  fewer than the {era['at_least']} that passed before")
    return len(failing ^ set(listed)) + few


def main(build_folder, *chosen):
    folder = pathlib.Path(build_folder).resolve() / "programs" / "eras"
    folder.mkdir(parents=True, exist_ok=True)
    eras = tomllib.loads(ERAS.read_text())
    unknown = set(chosen) - set(eras)
    if unknown:
        raise SystemExit(f"eras: no {', '.join(sorted(unknown))} in {ERAS.name}")
    wrong, skipped = 0, []
    for name in chosen or eras:
        venv, theirs = environment(folder, name, eras[name])
        if venv is None:
            skipped.append(f"{name} ({theirs})")
            continue
        wrong += compare(name, eras[name], venv, theirs)
    if skipped:
        print("eras: skipped:", ", ".join(skipped))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
