"""Random histories, each of them lived from the same beginning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from tests.support.databases import Snapshot


def live_each(live: Callable[..., None], examples: int, **drawn: SearchStrategy[Any]) -> None:
    """Call ``live`` ``examples`` times with drawn values, always on the rows that are there now.

    A history that fails is not made shorter: each attempt costs a whole one.
    """
    beginning = Snapshot()

    @settings(
        max_examples=examples,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        phases=[Phase.generate],
        deadline=None,
    )
    @given(**drawn)
    def one(**values: Any) -> None:
        beginning.restore()
        live(**values)

    one()
