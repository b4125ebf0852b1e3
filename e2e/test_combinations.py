"""The combinations browser tests are run with."""

from __future__ import annotations

from e2e.combinations import EVERY, allowed, pairwise


def test_four_combinations_hold_every_pair() -> None:
    chosen = pairwise(EVERY)
    assert len(chosen) == 4
    for one, other in (("language", "size"), ("language", "script"), ("size", "script")):
        assert len({(getattr(c, one), getattr(c, other)) for c in chosen}) == 4


def test_a_test_can_ask_for_some_combinations_only() -> None:
    assert {c.script for c in pairwise(allowed(script=True))} == {True}
    assert len(pairwise(allowed(language="fr", size="phone", script=False))) == 1
