"""The floors answer as the benchmark expects, and the load is counted as it was served."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench import floors, load
from bench.floors import journey
from bench.places import opened


@pytest.fixture(scope="module")
def floor() -> Iterator[floors.Floor]:
    with (
        opened(["sqlite"]) as (place,),
        place.new_database() as url,
        floors.serving({"FLOOR_DATABASE": url}) as floor,
    ):
        yield floor


def test_every_floor_is_served(floor: floors.Floor) -> None:
    for path in ("/constant?bytes=1000", "/jinja?bytes=1000", "/reads?bytes=1000"):
        served = load.served(f"{floor.url}{path}", {}, 0.05)
        assert served.requests > 0
        assert served.rate > 0


def test_the_bare_journey_has_as_many_requests_as_asked_for(floor: floors.Floor) -> None:
    run = journey.measure(floor, customers=2, journeys=2, requests=15)
    assert run.journeys == 2
    assert run.processor_of("web") >= 0


def test_what_is_not_served_is_an_error(floor: floors.Floor) -> None:
    with pytest.raises(load.NotServed, match="404"):
        load.served(f"{floor.url}/nothing", {}, 0.05)
