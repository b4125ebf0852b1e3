"""The table of figures: verdicts, spreads, ratios to floors, and the comparison with a baseline."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import __main__ as command
from bench import baseline, parts
from bench.figures import LESS, MORE, Aim, Figure, ratio, table

COST = Figure("journey, CPU of web", "ms", [62, 50, 58], Aim(LESS, 60, 25), "SQLite", [20, 10, 16])
RATE = Figure("renewals a second", "", [140, 149.5], Aim(MORE, 150, 300))


@pytest.mark.parametrize(
    ("aim", "value", "verdict"),
    [
        (Aim(LESS, 60, 25), 25, "aim"),
        (Aim(LESS, 60, 25), 60, "required"),
        (Aim(LESS, 60, 25), 61, "missed"),
        (Aim(MORE, 150, 300), 300, "aim"),
        (Aim(MORE, 150, 300), 150, "required"),
        (Aim(MORE, 150, 300), 149, "missed"),
        (Aim(LESS), 1000, ""),
    ],
)
def test_a_value_reaches_the_aim_the_requirement_or_neither(
    aim: Aim, value: float, verdict: str
) -> None:
    assert aim.verdict(value) == verdict


def test_the_table_shows_median_spread_floor_and_verdict() -> None:
    head, _, cost, rate = table([COST, RATE]).splitlines()
    assert head.split("  ")[0] == "figure"
    assert cost.split("  ")[0] == "journey, CPU of web"
    for shown in ("58.0 ms", "50.0 to 62.0 of 3", "16.0", "≤ 60.0", "≤ 25.0", "required"):
        assert shown in cost
    for shown in ("145", "140 to 150 of 2", "≥ 150", "≥ 300", "missed"):
        assert shown in rate


def test_rounds_are_divided_by_the_floor_of_the_same_round() -> None:
    assert ratio([(10, 20), (30, 20)]) == [0.5, 1.5]


# --- The baseline ----------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "baseline.json"


def slower(figure: Figure, file: Path) -> list[str]:
    return [str(change) for change in baseline.slower([figure], file)]


def test_a_slower_machine_is_not_a_slower_shop(file: Path) -> None:
    baseline.write([COST], file)
    twice = Figure(COST.name, "ms", [116], COST.aim, "SQLite", [32])
    assert slower(twice, file) == []


def test_what_costs_more_beside_its_floor_is_slower(file: Path) -> None:
    baseline.write([COST, RATE], file)
    dearer = Figure(COST.name, "ms", [70], COST.aim, "SQLite", [16])
    (change,) = slower(dearer, file)
    assert "journey, CPU of web (SQLite): 1.21 times as slow" in change
    (change,) = slower(Figure(RATE.name, "", [100], RATE.aim), file)
    assert "renewals a second: 1.45 times as slow" in change


def test_a_small_difference_a_gain_and_a_new_figure_are_not_slower(file: Path) -> None:
    baseline.write([COST, RATE], file)
    assert slower(Figure(COST.name, "ms", [60], COST.aim, "SQLite", [16]), file) == []
    assert slower(Figure(RATE.name, "", [400], RATE.aim), file) == []
    assert slower(Figure("new", "", [1], Aim(LESS)), file) == []
    assert slower(Figure(COST.name, "ms", [900], COST.aim, "PostgreSQL"), file) == []


def test_a_part_measured_alone_leaves_the_rest_of_the_baseline(file: Path) -> None:
    baseline.write([COST, RATE], file)
    baseline.write([Figure(RATE.name, "", [1000], RATE.aim)], file)
    assert slower(Figure(COST.name, "ms", [580], COST.aim, "SQLite", [16]), file)
    assert slower(RATE, file)


def test_without_a_baseline_it_says_what_to_run(file: Path) -> None:
    with pytest.raises(baseline.NoBaseline, match="make bench"):
        slower(COST, file)


# --- The command -----------------------------------------------------------------------------


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, file: Path) -> list[Figure]:
    """What the parts find; the list can be changed between two runs."""
    found = [COST]
    monkeypatch.setattr(command, "PARTS", {"journeys": lambda *_: iter(found)})
    monkeypatch.setattr(baseline, "FILE", file)
    return found


def test_a_run_is_kept_and_a_slower_one_fails(
    measured: list[Figure], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--only", "journeys", "--on", "sqlite"]
    assert command.main(asked) == 0
    assert "journey, CPU of web" in capsys.readouterr().out
    assert command.main([*asked, "--compare"]) == 0
    assert "Nothing is slower" in capsys.readouterr().out
    measured[0] = Figure(COST.name, "ms", [580], COST.aim, "SQLite", [16])
    assert command.main([*asked, "--compare"]) == 1
    assert "SLOWER  journey, CPU of web (SQLite): 10.00 times" in capsys.readouterr().out


def test_a_failed_measurement_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the shop did not open")

    monkeypatch.setattr(command, "PARTS", {"journeys": fail})
    assert command.main(["--only", "journeys", "--on", "sqlite"]) == 1
    assert "FAILED: the shop did not open" in capsys.readouterr().err


def test_every_part_has_a_name_by_which_it_is_asked_for() -> None:
    assert {"journeys", "pages", "renewals", "growth", "idle"} <= parts.PARTS.keys()
