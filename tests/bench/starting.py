"""What an import costs: starting.py STATEMENT prints resident memory, size on disk and number of modules.

The size is that of all packages that came and are not the standard library's, whole, since they are installed whole.
Of the standard library only ssl counts, where it is what is imported.
"""

import os
import sys


def resident_kib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1024


def folder_size(folder):
    """Files that are installed: no caches, and no by-products of a build."""
    total = 0
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__" and not name.endswith(".p")]
        total += sum(os.path.getsize(os.path.join(place, name)) for name in files)
    return total


def size_of(names, library, counted):
    total = 0
    for name in names:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is None:
            continue
        top = name.partition(".")[0]
        if os.path.dirname(file).startswith(library) and "packages" not in file:
            total += os.path.getsize(file) if name in counted else 0
        elif name == top:
            whole = os.path.basename(file).startswith("__init__.")
            total += folder_size(os.path.dirname(file)) if whole else os.path.getsize(file)
    return total / 1024


def main():
    library = os.path.dirname(os.__file__)
    before, start = set(sys.modules), resident_kib()
    exec(sys.argv[1], {})
    grown = resident_kib() - start
    new = [name for name in sys.modules if name not in before]
    print(grown / 1024, size_of(new, library, ("ssl", "_ssl") if sys.argv[1] == "import ssl" else ()), len(new))


if __name__ == "__main__":
    main()
