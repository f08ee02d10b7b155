"""What the checks of this directory share: the tree's files, and a report in TAP."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What neither git nor anybody wrote.
_IGNORED = {".git", "__pycache__", ".hypothesis", ".pytest_cache", ".mypy_cache"}


def files(*suffixes, under="."):
    """The files of the tree that end in one of `suffixes` (all without), as paths from the root."""
    found = _from_git() or _from_disk()
    top = pathlib.PurePosixPath(under)
    return [path for path in found
            if (not suffixes or path.name.endswith(suffixes))
            and (under == "." or top in path.parents) and (ROOT / path).is_file()]


def _from_git():
    try:
        run = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return sorted({pathlib.PurePosixPath(name) for name in run.stdout.decode().split("\0") if name})


def _from_disk():
    """The same for a tree that was unpacked from an archive."""
    found = []
    for path in ROOT.rglob("*"):
        inside = path.relative_to(ROOT)
        if not _IGNORED.intersection(inside.parts) and not inside.parts[0].startswith("build"):
            found.append(pathlib.PurePosixPath(inside.as_posix()))
    return sorted(found)


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def nm(*arguments):
    """The lines of nm's answer, split."""
    run = subprocess.run(["nm", *map(str, arguments)], capture_output=True, check=True, text=True)
    return [line.split() for line in run.stdout.splitlines() if line]


def run(*checks):
    """Run functions that yield complaints; one TAP line for each, and the exit status."""
    failed = 0
    print(f"1..{len(checks)}")
    for number, check in enumerate(checks, 1):
        complaints = list(check())
        title = (check.__doc__ or check.__name__).splitlines()[0].rstrip(".")
        for complaint in complaints:
            print(f"# {complaint}", file=sys.stderr)
        failed += bool(complaints)
        print(f"{'not ok' if complaints else 'ok'} {number} - {title}")
    sys.exit(1 if failed else 0)
