"""The Python manual names every public name of the package, and none that is not there.

Run with the built package on PYTHONPATH.
"""

import importlib
import inspect
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = TOP / "doc" / "python"
DIRECTIVE = re.compile(r"^\s*\.\. py:(\w+):: ([\w.]+)")
# Looked up on the socket: see Connection.__getattr__.
BY_LOOKUP = set(
    "bind listen fileno getpeername getsockname getsockopt setsockopt setblocking close".split()
)
# Names by which a class is known to programs and to nobody else, and what modules import.
NOT_API = {"OpenSSL.SSL": {"PKey", "X509", "X509Name", "X509Store", "socket", "os", "platform"}}


def documented():
    names, module, holder = set(), None, None
    for path in sorted(FOLDER.glob("*.rst")):
        for line in path.read_text().splitlines():
            match = DIRECTIVE.match(line)
            if not match:
                continue
            kind, name = match.groups()
            if kind in ("module", "currentmodule"):
                module = name
            elif kind == "attribute":
                names.add(f"{module}.{holder}.{name}")
            else:
                holder = name
                names.add(f"{module}.{name}")
    return names


def public(module_name):
    module = importlib.import_module(module_name)
    hidden = NOT_API.get(module_name, set())
    for name in getattr(module, "__all__", None) or dir(module):
        value = getattr(module, name)
        if name.startswith("_") or inspect.ismodule(value) or name in hidden:
            continue
        yield f"{module_name}.{name}"
        if not inspect.isclass(value) or issubclass(value, BaseException):
            continue
        for member in vars(value):
            if not member.startswith("_") and name != "X509VerificationCodes":
                yield f"{module_name}.{name}.{member}"


def there(name):
    parts = name.split(".")
    value = importlib.import_module(".".join(parts[:2]))
    for part in parts[2:]:
        if parts[2] == "X509Name" and len(parts) == 4:
            return True
        if parts[2] == "Connection" and part in BY_LOOKUP:
            return True
        if not hasattr(value, part):
            return False
        value = getattr(value, part)
    return True


def main():
    told = documented()
    have = {name for module in ("SSL", "crypto", "rand") for name in public("OpenSSL." + module)}
    missing = sorted(have - told)
    stale = sorted(name for name in told if not there(name))
    print("1..2")
    print("not " * bool(missing) + "ok 1 - The manual names every public name")
    print("not " * bool(stale) + "ok 2 - What the manual names is there")
    for name in missing:
        print("# not in the manual:", name)
    for name in stale:
        print("# not in the package:", name)
    return 1 if missing or stale else 0


if __name__ == "__main__":
    sys.exit(main())
