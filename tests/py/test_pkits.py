"""NIST's Public Key Interoperability Test Suite 1.0.1, through X509StoreContext: data/README.md tells what is in it."""

import base64
import datetime
import json

import pytest
from conftest import DATA

from OpenSSL.crypto import (
    FILETYPE_ASN1,
    X509Store,
    X509StoreContext,
    X509StoreContextError,
    X509StoreFlags,
    load_certificate,
    load_crl,
)

SUITE = json.loads((DATA / "pkits.json").read_text())
WHEN = datetime.datetime.fromtimestamp(SUITE["validation_time"], datetime.timezone.utc)
FLAGS = (
    X509StoreFlags.CRL_CHECK
    | X509StoreFlags.CRL_CHECK_ALL
    | X509StoreFlags.EXTENDED_CRL_SUPPORT
    | X509StoreFlags.USE_DELTAS
    | X509StoreFlags.POLICY_CHECK
)
# What OpenSSL does not do: keys that inherit DSA parameters from their issuer's, and the path to the issuer of an
# indirect list. Both are refusals of what is valid.
MISSES = {"4.1.5", "4.14.30"}


def der(name):
    return base64.b64decode(SUITE["files"][name])


def dotted(policy):
    return "2.5.29.32.0" if policy == "anyPolicy" else "2.16.840.1.101.3.2.1.48." + policy.rpartition("-")[2]


def store_for(case):
    store, flags = X509Store(), FLAGS
    for key, flag in (("explicit", "EXPLICIT_POLICY"), ("inhibit_map", "INHIBIT_MAP"), ("inhibit_any", "INHIBIT_ANY")):
        flags |= getattr(X509StoreFlags, flag) if case[key] else 0
    store.set_flags(flags)
    store.set_time(WHEN)
    for name in case["crls"]:
        store.add_crl(load_crl(FILETYPE_ASN1, der(name)))
    for policy in case["initial_policy_set"]:
        store.add_policy(dotted(policy))
    return store


def validates(case):
    """The certificates are listed from the trust anchor to the end entity."""
    store = store_for(case)
    certs = [load_certificate(FILETYPE_ASN1, der(name)) for name in case["certs"]]
    store.add_cert(certs[0])
    context = X509StoreContext(store, certs[-1], certs[1:-1])
    try:
        assert context.verify_certificate() is None
    except X509StoreContextError as error:
        assert error.errors[0] != 0 and error.errors[2] and error.certificate is not None
        with pytest.raises(X509StoreContextError):
            context.get_verified_chain()
        return False
    assert 2 <= len(context.get_verified_chain()) <= len(certs)  # some certificates only sign lists
    return True


@pytest.mark.parametrize("section", sorted({case["test"].rpartition(".")[0] for case in SUITE["cases"]}))
def test_judged_as_nist_says(section):
    cases = [case for case in SUITE["cases"] if case["test"].rpartition(".")[0] == section]
    wrong = [(case["test"], case["name"]) for case in cases if validates(case) != case["should_validate"]]
    assert {number for number, _ in wrong} <= MISSES
    assert all(case["should_validate"] for case in cases if case["test"] in MISSES)


def test_nothing_is_left_out():
    assert len(SUITE["cases"]) == 247
    assert sum(case["test"] in MISSES for case in SUITE["cases"]) == 2
