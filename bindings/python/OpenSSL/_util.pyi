from typing import Any

__all__ = ["ffi", "lib"]

ffi: Any
lib: Any

def __getattr__(name: str) -> Any: ...
