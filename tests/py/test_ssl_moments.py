"""Setters and getters at every moment of a connection: what releases took is not refused here."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import moments  # noqa: E402

LISTED = {(row[0], row[1], row[3], row[4]): row for row in moments.listed()}


@pytest.mark.parametrize("side, moment", list(moments.moments()))
def test_na_237_calls_at_every_moment(side, moment):
    ours = moments.probe([(side, moment)], moments.calls())
    assert not [key for key, answer in ours.items() if answer in ("crash", "hang", "never")]
    for key in moments.differences(ours):
        row = LISTED.get(key)
        assert row is not None and moment in row[2].split("; "), f"not in doc/python/moments.csv: {moment}, {key}"
        assert row[5], f"no reason: {key}"
