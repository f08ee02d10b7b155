import io
from typing import Any, Optional

from OpenSSL.SSL import Connection

class ConnectionIO(io.RawIOBase):
    def __init__(self, connection: Connection, reads: bool, writes: bool) -> None: ...
    @property
    def mode(self) -> str: ...
    def readinto(self, buffer: Any) -> Optional[int]: ...
    def write(self, data: Any) -> Optional[int]: ...

def makefile(
    connection: Connection,
    mode: str = "r",
    buffering: Optional[int] = None,
    *,
    encoding: Optional[str] = None,
    errors: Optional[str] = None,
    newline: Optional[str] = None,
) -> Any: ...
