"""An allocation of Python's fails: each in turn, and the call answers with MemoryError or works."""

import gc

import pytest
from test_crypto_leaks import ACTIONS

from OpenSSL import crypto

testcapi = pytest.importorskip("_testcapi")

#: What a failing allocation may turn into where Python's own code or the action's catches it.
ACCEPTABLE = (MemoryError, AssertionError, crypto.Error, crypto.X509StoreContextError)


def fail_at(action, number, acceptable):
    """Run with allocation @number failing. Whether it came to that."""
    try:
        testcapi.set_nomemory(number, number + 1)
        try:
            action()
        finally:
            testcapi.remove_mem_hooks()
    except acceptable:
        return True
    return False


def each_allocation_fails(action, *more):
    """@more: what else a failing allocation may turn into."""
    action()
    gc.collect()
    gc.disable()
    survived = 0
    try:
        for number in range(2000):
            survived = 0 if fail_at(action, number, ACCEPTABLE + more) else survived + 1
            # Some failures are absorbed; many in a row mean that the action is over.
            if survived == 100:
                break
    finally:
        gc.enable()
    assert survived
    action()


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_na_155_each_allocation_fails(name):
    each_allocation_fails(ACTIONS[name])
