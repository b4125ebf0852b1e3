"""The comparison with django-oscar: optional, and counted like our own journeys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench import __main__ as command
from bench import oscar, parts
from bench.journeys import Run
from bench.oscar import environment, measuring
from bench.places import opened
from bench.visitor import JourneyFailed


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where nothing is installed."""
    monkeypatch.setattr(environment, "STAMP", tmp_path / ".requirements")
    monkeypatch.setattr(environment, "DATABASE", tmp_path / "oscar.db")
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path / "requirements.txt")
    environment.REQUIREMENTS.write_text("django-oscar==4.1")
    return tmp_path


def install() -> None:
    environment.DATABASE.write_text("accounts")
    environment.STAMP.write_text(environment._wanted())


# --- Optional --------------------------------------------------------------------------------


def test_without_it_the_table_says_how_to_install_it_and_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setattr(command.baseline, "FILE", folder / "baseline.json")
    monkeypatch.setitem(command.PARTS, "renewals", lambda *_: iter([]))
    assert command.main(["--only", "oscar", "renewals", "--on", "sqlite"]) == 0
    said = capsys.readouterr().out
    assert "python -m bench.oscar --install" in said
    assert said.index("python -m bench.oscar --install") < said.index("renewals on SQLite")


def test_alone_it_says_how_to_install_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert measuring.main([]) == 0
    assert "python -m bench.oscar --install" in capsys.readouterr().out


def test_it_is_not_served_without_being_installed() -> None:
    with pytest.raises(oscar.OscarFailed, match="--install"), oscar.serving():
        pass


def test_it_is_installed_again_when_its_lock_or_its_database_changed() -> None:
    assert not oscar.installed()
    install()
    assert oscar.installed()
    environment.REQUIREMENTS.write_text("django-oscar==4.2")
    assert not oscar.installed()
    install()
    environment.DATABASE.unlink()
    assert not oscar.installed()


# --- Counting --------------------------------------------------------------------------------


class Served:
    """An Oscar without a server; it has spent a second for each journey."""

    def __init__(self, broken: int = -1) -> None:
        self.made: list[int] = []
        self._broken = broken

    def processor_seconds(self) -> float:
        return float(len(self.made))

    def journey(self, number: int) -> int:
        self.made.append(number)
        if number == self._broken:
            raise JourneyFailed("no preview")
        return 18 if number % 2 else 19


def test_journeys_are_counted_with_their_cost() -> None:
    shop = Served()
    run = measuring.measure(shop, 2, range(8, 14))
    assert sorted(shop.made) == [*range(8, 14)]
    assert (run.journeys, run.processor_of("web")) == (6, 1.0)
    assert run.requests == {"known": 18, "new": 19}


def test_a_failed_journey_ends_the_measurement() -> None:
    shop = Served(broken=0)
    with pytest.raises(JourneyFailed, match="preview"):
        measuring.measure(shop, 1, range(500))
    assert len(shop.made) < 500


def test_the_table_divides_by_its_rate_in_the_same_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served, ours = Served(), []

    @contextmanager
    def both(_: object) -> Iterator[tuple[object, Served]]:
        yield object(), served

    def journeys_of(_: object, number: int, *, are_busy: bool = False) -> Run:
        ours.append(number)
        return Run(number, 0.8 if are_busy else 1.0, {"web": 1.0, "worker": 0.5, "sandbox": 9.0})

    def at_oscar(_: object, __: int, numbers: range) -> Run:
        served.made += numbers
        return Run(len(numbers), seconds=4.0, processor={"web": 2.0})

    install()
    monkeypatch.setattr(parts, "_shop_and_oscar", both)
    monkeypatch.setattr(parts, "_journeys_of", journeys_of)
    monkeypatch.setattr(parts, "measure_oscar", at_oscar)
    with opened(["sqlite"]) as (place,):
        rate, ratio, busy, cost = parts.beside_oscar(place, parts.Effort(rounds=2, journeys=10))
    assert (list(rate.values), list(rate.floor)) == ([10.0, 10.0], [2.5, 2.5])
    assert (list(ratio.values), ratio.aim.required, ratio.aim.aimed) == ([4.0, 4.0], 3, 8)
    assert list(busy.values) == [10.0, 10.0]  # 20 journeys in 0.8 s beside 2.5 a second
    assert [*cost.values, *cost.floor] == pytest.approx([150, 150, 200, 200])
    assert len(served.made) == len(set(served.made)), "an account orders once"
