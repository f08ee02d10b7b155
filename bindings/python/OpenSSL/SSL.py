"""TLS connections: Context, Connection, Session and their errors."""

from OpenSSL import _pyossl

for _name, _value in vars(_pyossl).items():
    if _name.startswith("SSL."):
        globals()[_name[4:]] = _value
