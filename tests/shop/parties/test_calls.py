"""Calls to outside parties: a slow one keeps a bounded number of requests waiting, and no more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

import asgi
from shop.errors import PartyUnavailable
from shop.office.graph import GraphProvider
from shop.office.sandbox import SandboxProvider
from shop.parties.calls import BANK, PROVIDER, Calls, calls
from shop.payments.sandbox import SandboxBank
from shop.payments.stripe import StripeGateway
from shop.settings import Settings
from shop.vat.registry import Answer, SandboxRegistry, Vies
from tests.support import patience

NOWHERE = "http://127.0.0.1:9"
"""Nothing listens here: a call that is sent fails differently from one that is not."""

NOT_SENT = "0 calls wait"


def test_calls_above_the_bound_fail_and_those_to_others_do_not() -> None:
    bounded, answered = Calls(at_once=2, patience=0), threading.Event()
    waiting = threading.Barrier(3)

    def call() -> None:
        with bounded.to(BANK):
            waiting.wait(patience.STUCK)
            assert answered.wait(patience.STUCK)

    with ThreadPoolExecutor(2) as pool:
        slow = [pool.submit(call) for _ in range(2)]
        waiting.wait(patience.STUCK)
        with pytest.raises(PartyUnavailable, match="2 calls wait for the bank"), bounded.to(BANK):
            pass
        with bounded.to(PROVIDER):
            pass
        answered.set()
        for each in slow:
            each.result()
    with bounded.to(BANK):
        pass


def test_a_call_above_the_bound_takes_the_place_of_one_that_was_answered() -> None:
    bounded, answered = Calls(at_once=1, patience=patience.STUCK), threading.Event()
    under_way: list[str] = []

    def call(name: str) -> None:
        with bounded.to(BANK):
            under_way.append(name)
            assert answered.wait(patience.STUCK)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(call, "first")
        patience.wait_until(lambda: under_way == ["first"], lambda: len(under_way))
        second = pool.submit(call, "second")
        patience.wait_until(lambda: bounded.queued(BANK) == 1, lambda: bounded.queued(BANK))
        with pytest.raises(PartyUnavailable, match="1 calls wait for the bank"):
            # One call has the place and one waits for it: the third is refused at once.
            call("third")
        assert under_way == ["first"]
        answered.set()
        first.result()
        second.result()
    assert under_way == ["first", "second"]


def test_a_call_that_fails_makes_room_for_the_next() -> None:
    bounded = Calls(at_once=1)
    for _ in range(3):
        with pytest.raises(PartyUnavailable, match="silent"), bounded.to(BANK):
            raise PartyUnavailable("the bank is silent")


def test_a_call_gives_its_thread_away_while_it_waits() -> None:
    steps: list[str] = []

    @contextmanager
    def waiting() -> Iterator[None]:
        steps.append("waits")
        yield
        steps.append("computes")

    with Calls(waiting=waiting).to(BANK):
        steps.append("asks")
    assert steps == ["waits", "asks", "computes"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda: SandboxBank(NOWHERE, "key", "secret").find_checkout("1"),
        lambda: StripeGateway("sk_test_of_nobody", "secret").find_checkout("cs_1"),
        lambda: SandboxProvider(NOWHERE, "key").suspend_tenant("key", "domain", ""),
        lambda: GraphProvider("tenant", "client", "secret", url=NOWHERE).suspend_tenant(
            "key", "domain", ""
        ),
    ],
    ids=["sandbox bank", "Stripe", "sandbox provider", "Graph"],
)
def test_every_party_is_called_within_the_bound(ask: Callable[[], object]) -> None:
    with calls.using(Calls(at_once=0)), pytest.raises(PartyUnavailable, match=NOT_SENT):
        ask()


@pytest.mark.parametrize("registry", [SandboxRegistry(NOWHERE), Vies(NOWHERE)])
def test_a_registry_above_the_bound_is_unavailable(registry: SandboxRegistry | Vies) -> None:
    with calls.using(Calls(at_once=0)):
        assert registry.check("FR44732829320").answer == Answer.UNAVAILABLE


def test_the_web_server_bounds_the_calls_of_its_process(settings: Settings) -> None:
    try:
        asgi.create(settings=settings)
        with ExitStack() as waiting:
            for _ in range(settings.party_calls):
                waiting.enter_context(calls().to(BANK))
            with pytest.raises(PartyUnavailable), calls().to(BANK):
                pass
    finally:
        calls.set_factory(Calls)
