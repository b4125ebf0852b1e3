"""One call for all who ask at the same time: never one that began before they asked."""

from __future__ import annotations

import asyncio
import threading

import pytest

from web.single_flight import SingleFlight

pytestmark = pytest.mark.one_database


class Slow:
    """A function that counts its calls, and returns once the test says so."""

    def __init__(self) -> None:
        self.calls = 0
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self) -> int:
        self.calls += 1
        number = self.calls
        self.begun.set()
        self.may_end.wait()
        return number


async def begun(slow: Slow) -> None:
    await asyncio.get_running_loop().run_in_executor(None, slow.begun.wait)


def test_who_asks_during_a_call_shares_the_next_one() -> None:
    slow = Slow()

    async def ask() -> list[int]:
        flight = SingleFlight(slow)
        first = asyncio.create_task(flight.call())
        await begun(slow)
        others = [asyncio.create_task(flight.call()) for _ in range(20)]
        await asyncio.sleep(0)
        gone = asyncio.create_task(flight.call())
        await asyncio.sleep(0)
        gone.cancel()
        slow.may_end.set()
        return [await task for task in [first, *others]]

    assert asyncio.run(ask()) == [1, *[2] * 20]
    assert slow.calls == 2


def test_a_call_that_fails_fails_for_those_who_shared_it_alone() -> None:
    outcomes: list[ValueError | int] = [ValueError("gone"), 7]

    def function() -> int:
        found = outcomes.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def ask() -> int:
        flight = SingleFlight(function)
        both = await asyncio.gather(flight.call(), flight.call(), return_exceptions=True)
        assert [str(each) for each in both] == ["gone", "gone"]
        return await flight.call()

    assert asyncio.run(ask()) == 7
