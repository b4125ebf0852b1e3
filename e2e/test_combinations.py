"""The combinations that browser tests run with."""

from __future__ import annotations

from itertools import combinations

import pytest

from e2e.combinations import EVERY, allowed, few


@pytest.mark.parametrize("turn", range(9))
def test_a_test_meets_each_language_size_and_script(turn: int) -> None:
    one, other = few(EVERY, turn)
    assert one.language != other.language
    assert one.size != other.size
    assert one.script != other.script


@pytest.mark.parametrize("first", range(4))
def test_four_tests_in_a_row_hold_every_pair(first: int) -> None:
    chosen = [each for turn in range(first, first + 4) for each in few(EVERY, turn)]
    for one, other in combinations(("language", "size", "script"), 2):
        assert len({(getattr(c, one), getattr(c, other)) for c in chosen}) == 4


def test_a_test_can_ask_for_some_combinations_only() -> None:
    assert {c.script for c in few(allowed(script=True), 1)} == {True}
    assert len(few(allowed(language="fr", size="phone", script=False), 3)) == 1
