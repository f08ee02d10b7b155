"""Run what others have listed with allocations of OpenSSL's failing: failing.py MODULE, in a process of its own.

OpenSSL takes other allocators only before its first allocation, so this comes before all that uses it.
"""

import ctypes
import ctypes.util
import gc
import os
import importlib
import sys

LIBC = ctypes.CDLL(None)
CRYPTO = ctypes.CDLL(ctypes.util.find_library("crypto"))
ALLOCATE = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_int)
LIBC.malloc.restype, LIBC.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]

left = -1  # how many allocations go well before one fails; less than none: all of them
failed = 0


@ALLOCATE
def allocate(size, file, line):
    global left, failed
    left -= 1
    if left == -1:
        failed += 1
        return None
    return LIBC.malloc(size)


def attempt(action, number, acceptable):
    """With allocation @number failing; whether it came to that."""
    global left
    before = failed
    left = number
    try:
        action()
    except acceptable:
        pass
    finally:
        left = -1
    return failed > before


def main(name):
    # free() and realloc() do not mind the file and the line behind their own arguments.
    assert CRYPTO.CRYPTO_set_mem_functions(allocate, LIBC.realloc, LIBC.free) == 1
    actions = list(importlib.import_module(name).ACTIONS.values())
    from OpenSSL import SSL, crypto, rand

    acceptable = (MemoryError, AssertionError, crypto.Error, crypto.X509StoreContextError, SSL.Error, rand.Error)
    without_memory = 0
    for action in actions:
        action()
        number = 0
        while attempt(action, number, acceptable):
            number += 1 + number // 40
        action()
        gc.collect()
        without_memory += number
    # One that is plain: nothing but memory can be wanting.
    try:
        for number in range(3):
            assert attempt(crypto.X509, number, ()), number
    except MemoryError:
        print("done", without_memory)
    # All goes while Python can still allocate: the allocator is a function of its own.
    del action
    actions.clear()
    for made in [key for key in sys.modules if key.startswith("test_") or key in ("tls", "crypto_support")]:
        vars(sys.modules.pop(made)).clear()
    gc.collect()


if __name__ == "__main__":
    main(sys.argv[1])
    # OpenSSL tidies up behind Python's end, and its allocator is a function of Python's.
    sys.stdout.flush()
    os._exit(0)
