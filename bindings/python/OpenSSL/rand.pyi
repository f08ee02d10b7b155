import builtins
import os
from typing import Union

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

_Text = Union[str, builtins.bytes, bytearray, memoryview]
_Path = Union[str, builtins.bytes, os.PathLike[str], os.PathLike[builtins.bytes]]

class Error(Exception):
    detail: str

def add(buffer: _Text, entropy: float) -> None: ...
def bytes(num_bytes: int) -> builtins.bytes: ...
def cleanup() -> None: ...
def egd(path: _Path, bytes: int = 255) -> int: ...
def load_file(filename: _Path, maxbytes: int = -1) -> int: ...
def seed(buffer: _Text) -> None: ...
def status() -> int: ...
def write_file(filename: _Path) -> int: ...
