"""A plugin for pytest 8 that gives back what the tests of older releases use."""

import warnings

import pytest

_warns = pytest.warns


def warns(expected_warning=Warning, *args, **more):
    """warns(None) records whatever there is, as it did before pytest 8."""
    if expected_warning is None:
        return warnings.catch_warnings(record=True)
    return _warns(expected_warning, *args, **more)


pytest.warns = warns
