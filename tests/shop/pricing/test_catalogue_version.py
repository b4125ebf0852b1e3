"""The version of the catalogue: it differs whenever a page of the catalogue would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

import models
from models import Contract, Offer, Price
from shop import clock as shop_clock
from shop.operations import demo
from shop.pricing import catalogue_version
from shop.subscriptions import price_changes
from tests.support import queries

pytestmark = pytest.mark.every_case


def a_new_price() -> None:
    price_changes.change_price("business", 990, shop_clock.now() + timedelta(days=9))


def a_corrected_price() -> None:
    Price.update(amount_cents=Price.amount_cents + 1).where(Price.offer == "business").execute()


def a_price_less() -> None:
    Price.delete().where(Price.offer == "business").execute()


def another_name() -> None:
    Offer.update(name="Office 365 Affaires").where(Offer.code == "business").execute()


def a_new_text() -> None:
    Contract.create(
        kind="privacy_notice", version=99, language="fr", title="t", body="b", digest="d",
        published_at=shop_clock.now(),
    )  # fmt: skip


@pytest.mark.parametrize(
    "change", [a_new_price, a_corrected_price, a_price_less, another_name, a_new_text]
)
def test_every_change_makes_another_version(app: Flask, change: Callable[[], None]) -> None:
    before = catalogue_version.current()
    assert catalogue_version.current() == before
    change()
    assert catalogue_version.current() != before


def test_what_is_published_already_changes_nothing(app: Flask) -> None:
    before = catalogue_version.current()
    demo.publish()
    assert catalogue_version.current() == before


def test_a_change_that_is_taken_back_leaves_the_version(app: Flask) -> None:
    before = catalogue_version.current()
    with models.database.atomic() as transaction:
        a_corrected_price()
        assert catalogue_version.current() != before
        transaction.rollback()
    assert catalogue_version.current() == before


@contextmanager
def differs() -> Iterator[None]:
    before = catalogue_version.current()
    yield
    assert catalogue_version.current() != before


def test_a_price_begins_to_apply_and_a_day_begins(
    app: Flask, clock: time_machine.Traveller
) -> None:
    price_changes.change_price("business", 990, shop_clock.now() + timedelta(hours=2))
    price_changes.change_price("pro_plus", 1390, shop_clock.now() + timedelta(hours=3))
    for _ in range(2):
        clock.shift(timedelta(minutes=50))
        with differs():
            clock.shift(timedelta(minutes=71))
    with differs():
        clock.move_to(shop_clock.midnight(shop_clock.today() + timedelta(days=1)))


@pytest.mark.one_database
def test_it_takes_one_statement(app: Flask) -> None:
    catalogue_version.current()
    with queries.recorded() as statements:
        catalogue_version.current()
    assert len(statements) == 1
