"""The random number generator."""

from OpenSSL import _pyossl

for _name, _value in vars(_pyossl).items():
    if _name.startswith("rand."):
        globals()[_name[5:]] = _value
