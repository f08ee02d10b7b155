"""The benchmark's own parts, on figures that are made up: nothing is measured here."""

import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import bench  # noqa: E402
import instructions  # noqa: E402
import peers  # noqa: E402
import report  # noqa: E402
import rows  # noqa: E402

FOUND = [peers.Peer(name, [], {}, version="1 with 2") for name in (rows.NAIVE, rows.CORE, rows.OURS, "ssl", report.NEWEST)]


def made_up(factor):
    """Results in which naive C does 100 a second, and the others @factor times that."""
    names = [*rows.needed(rows.ROWS), *rows.STARTING]
    return {name: {peer.name: [100.0 * (1 if peer.name == rows.NAIVE else factor), None] for peer in FOUND} for name in names}


def test_medians_are_of_the_ratios_of_a_round():
    assert rows.paired([10, 30, None, 8], [10, 10, 5, 0]) == 2.0
    assert rows.paired([None], [1]) is None


def test_marks():
    row = rows.Row("a", "a", 0.97, 1.2)
    assert [rows.reached(row, v) for v in (None, 0.96, 0.966, 0.97, 1.2)] == [None, "no", "must", "must", "aim"]
    row = rows.Row("a", "a", 8, 5, rows.AMOUNT, unit="ms")
    assert [rows.reached(row, v) for v in (8.1, 8.0, 5.0)] == ["no", "must", "aim"]
    assert rows.reached(rows.Row("a", "a", None, None), 3) is None


def test_each_row_has_its_goals_and_a_reason():
    pytest.importorskip("tomllib")
    reasons = report.reasons_kept()
    assert len({row.name for row in rows.ROWS}) == len(rows.ROWS)
    for row in rows.ROWS:
        if row.must is None:
            continue
        assert (row.aim <= row.must) if row.lower else (row.aim >= row.must), row.name
        assert row.name in reasons, row.name
    assert set(reasons) <= {row.name for row in rows.ROWS}


def test_what_is_written():
    pytest.importorskip("tomllib")
    for factor in (0.01, 1, 1000):
        result = made_up(factor)
        lines = report.markdown(FOUND, rows.ROWS, result)
        assert len({line.count("|") for line in lines}) == 1
        assert all(any(row.title in line for line in lines) for row in rows.ROWS)
        picture = ElementTree.fromstring(report.svg(FOUND, rows.ROWS, result))
        assert picture.tag.endswith("svg")
        table = report.restructured(FOUND, rows.ROWS, result)
        assert sum(line.startswith("   * -") for line in table) == 1 + len(rows.SECTIONS) + len(rows.ROWS)
        missed = [row for row in rows.ROWS if rows.reached(row, rows.value(row, result, rows.OURS)) == "no"]
        assert sum(not line.startswith((" ", "Every")) and line != "" for line in report.below(rows.ROWS, result)) == len(missed)


def test_a_peer_that_fails_loses_no_other_row(tmp_path):
    program = tmp_path / "peer.py"
    program.write_text("import sys\nfor line in sys.stdin:\n    name = line.split()[0]\n    if name == 'hs_tls13_ec': sys.exit(1)\n"
                       "    print('-' if name == 'sign_ec' else 2.0, flush=True)\n")
    found = [peers.Peer(name, [sys.executable, str(program)], {}) for name in (rows.NAIVE, rows.OURS)]
    chosen = [row for row in rows.ROWS if row.name in ("hs_tls13_ec", "pp_mem", "sign_ec", "mt_pp_2", "loop_1000")]
    try:
        result, done, failures = bench.measure(found, chosen, 4, 1, 1)
    finally:
        for peer in found:
            peer.stop()
    assert done == 4
    assert failures == {(peer.name, "hs_tls13_ec"): 2 for peer in found}
    assert result["pp_mem"][rows.OURS] == [2.0] * 4
    assert result["sign_ec"][rows.OURS] == result["hs_tls13_ec"][rows.OURS] == [None] * 4


def test_instructions_that_fail(capsys):
    kept = json.loads(instructions.KEPT.read_text())
    assert set(kept["counts"]) == set(instructions.WORK)
    here = {name: kept[name] for name in ("compiler", "openssl")}
    same = {name: dict(numbers) for name, numbers in kept["counts"].items()}
    assert instructions.compare(kept, same, here) == ([], [])
    dearer = {**same, "pp_mem": {"own": round(same["pp_mem"]["own"] * 1.03), "ratio": same["pp_mem"]["ratio"] * 1.03}}
    assert [line.split(",")[0].split()[1] for line in instructions.compare(kept, dearer, here)[0]] == ["own", "ratio"]
    assert instructions.compare(kept, dearer, {**here, "compiler": "another"})[0] == []
    dearer["pp_mem"]["ratio"] *= 1.05
    assert len(instructions.compare(kept, dearer, {**here, "compiler": "another"})[0]) == 1
    assert instructions.compare(kept, dearer, {**here, "openssl": "another"})[0] == []
    dearer["pp_mem"]["ratio"] *= 1.3
    assert len(instructions.compare(kept, dearer, {**here, "openssl": "another"})[0]) == 1
    assert "only ratios" in capsys.readouterr().out
