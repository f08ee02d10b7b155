"""The random number generator."""

from OpenSSL import _pyossl

for _name, _value in vars(_pyossl).items():
    if _name.startswith("rand."):
        globals()[_name[5:]] = _value

del _name, _value

__all__ = [
    "Error",
    "add",
    "bytes",
    "cleanup",
    "egd",
    "load_file",
    "seed",
    "status",
    "write_file",
]
