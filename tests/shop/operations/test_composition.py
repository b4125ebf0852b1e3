"""The composition root: the outside parties of a process, and that other settings change them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from flask import Flask

from shop import settings as shop_settings
from shop.customers import passwords
from shop.office import configured
from shop.office.graph import GraphProvider
from shop.office.sandbox import SandboxProvider
from shop.payments import gateways
from shop.payments.sandbox import SandboxBank
from shop.payments.stripe import StripeGateway
from shop.sandbox_link import test_points
from shop.sandbox_link.switches import Switches
from shop.security import rate_limits
from shop.settings import PerProcess
from shop.subscriptions import renewals
from shop.vat.registry import SandboxRegistry, Vies, registry
from tests import conftest
from tests.support import patience, racing
from tests.support.parties import Bank

MakeApp = Callable[..., Flask]

SLOTS = {
    "settings": shop_settings.current,
    "limiter": rate_limits.limiter,
    "hashing": passwords.hashing,
    "registry": registry,
    "bank": gateways.gateway,
    "office": configured.provider,
    "controls": test_points.controls,
    "queued": renewals.queued,
}

OUTSIDE = {
    "bank": (SandboxBank, StripeGateway),
    "office": (SandboxProvider, GraphProvider),
    "registry": (SandboxRegistry, Vies),
    "controls": (Switches, test_points.Production),
}
"""The outside parties of a developer's machine, and those of production."""


@pytest.mark.parametrize("name", OUTSIDE)
def test_setting_up_again_with_other_settings_gives_other_parties(
    make_app: MakeApp, name: str
) -> None:
    slot, (sandbox, real) = SLOTS[name], OUTSIDE[name]
    make_app()
    assert isinstance(slot(), sandbox)
    make_app(**conftest.PRODUCTION)
    assert isinstance(slot(), real)
    make_app()
    assert isinstance(slot(), sandbox)


@pytest.mark.parametrize("name", SLOTS)
def test_a_process_has_one_of_each(make_app: MakeApp, name: str) -> None:
    slot = SLOTS[name]
    make_app(RATE_LIMITS="on")
    first = slot()
    assert slot() is first
    make_app(RATE_LIMITS="on", SHOP_NAME="Another")
    assert slot() is not first


def test_the_parties_have_the_settings_they_were_made_from(make_app: MakeApp) -> None:
    app = make_app(ARGON2_MEMORY_KIB="16", SHOP_NAME="Another")
    assert shop_settings.current() is app.extensions["settings"]
    assert passwords.hashing().hasher.memory_cost == 16


def test_a_stand_in_stays_whatever_is_set_up(make_app: MakeApp, bank: Bank) -> None:
    make_app(**conftest.PRODUCTION)
    assert gateways.gateway() is bank
    with gateways.gateway.using(another := Bank()):
        assert gateways.gateway() is another
    assert gateways.gateway() is bank


def test_threads_that_ask_at_once_get_the_same(app: Flask) -> None:
    together, made = threading.Barrier(8), []

    def make() -> object:
        made.append(object())
        return made[-1]

    slot = PerProcess(make)

    def ask() -> None:
        together.wait(timeout=patience.STUCK)
        assert slot() is made[0]

    assert racing.race(ask, 8) == [None] * 8
    assert len(made) == 1


def test_what_was_not_set_up_says_so() -> None:
    with pytest.raises(RuntimeError, match="set_up"):
        PerProcess[Bank]()()
