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


def test_na_241_a_collection_does_not_change_what_is_raised():
    """Making tuples and exceptions may collect garbage, whose finalizers may make calls that fail."""
    ended = []

    class Fails:
        def __init__(self):
            self.itself = self

        def __del__(self):
            with pytest.raises(crypto.Error):
                crypto.load_privatekey(crypto.FILETYPE_ASN1, b"no key")
            ended.append(True)

    def raised():
        with pytest.raises(crypto.Error) as failed:
            crypto.load_certificate(crypto.FILETYPE_PEM, b"no certificate")
        return failed.value.args

    expected, before = raised(), gc.get_threshold()
    try:
        for number in range(60):
            gc.collect()
            gc.set_threshold(1 + number % 12)
            Fails()
            assert raised() == expected
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert len(ended) == 60
