"""What programs do with the types of pyOpenSSL, for mypy --strict: it is checked, not run."""

import select
import selectors
from typing import Optional, Union

from OpenSSL import SSL, crypto

_Buffer = Union[bytes, bytearray, memoryview]


def register(selector: selectors.DefaultSelector, connection: SSL.Connection) -> None:
    selector.register(connection, selectors.EVENT_READ)
    select.select([connection], [], [connection], 1)


def explain(error: crypto.X509StoreContextError) -> Optional[str]:
    return error.certificate.get_subject().CN


def passphrase(maximum: int, verify: bool, extra: Optional[str]) -> bytes:
    return b"secret"


def passphrases(context: SSL.Context) -> None:
    context.set_passwd_cb(passphrase)
    context.set_passwd_cb(passphrase, "extra")
    context.set_passwd_cb(passphrase, None)


def patience(connection: SSL.Connection) -> Optional[int]:
    return connection.DTLSv1_get_timeout()


class OwnConnection(SSL.Connection):
    def send(self, buf: _Buffer, flags: int = 0) -> int:
        return super().send(buf, flags)

    def recv(self, bufsiz: int, flags: Optional[int] = None) -> bytes:
        return super().recv(bufsiz, flags)
