"""Rows older than a migration, and what it changes in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from types import ModuleType
from typing import Any

import pytest
from peewee import Database, IntegrityError
from playhouse.migrations import Runner

import models
from models import (
    NAMELESS,
    Account,
    Letter,
    LicenceGroup,
    Offer,
    OrderLine,
    Seat,
    SeatEvent,
    SeatKey,
    UsageDay,
)
from shop import database, mail
from shop.licences import groups
from shop.text.email_addresses import normalized
from shop.licences.seats import listing, search_keys
from tests.support.groups import count_by_status

THEN = datetime(2026, 1, 15, 9, 30)
NOW = THEN.replace(tzinfo=UTC)

ACCOUNT = {
    "nic_handle": "al12345-ovh", "email": "alice@atelier.example", "password_hash": "x",
    "first_name": "Alice", "last_name": "Lefèvre", "company": "", "siren": "", "vat_number": "",
    "vat_status": "none", "street": "12 rue des Lilas", "postcode": "59800", "city": "Lille",
    "country": "FR", "language": "fr", "created_at": THEN,
}  # fmt: skip

ORDER = {
    "number": "1", "status": "delivered", "basket": "b", "language": "fr", "customer": "{}",
    "currency": "EUR", "net_cents": 2640, "vat_cents": 528, "total_cents": 3168,
    "vat_rate": 2000, "vat_code": "standard", "placed_at": THEN, "expires_at": THEN,
    "paid_at": THEN, "delivered_at": THEN,
}  # fmt: skip

SIZES = {1: 3, 2: 0, 3: 1}
"""The seats of the groups before the migrations."""


LETTERS = 501
"""One more than the batch size of the migrations."""


@pytest.fixture
def before(new_database: Callable[[str], str]) -> Iterator[tuple[Database, Runner]]:
    """A database of the shop's first version, with groups of `SIZES`."""
    opened = database.open_database(new_database("before"))
    runner = Runner(opened, str(database.MIGRATIONS))
    runner.up("0001_initial")
    first = next(one for one in runner.migrations() if one.name == "0001_initial").load()
    with opened.bind_ctx([first.Account, first.Offer, first.Order, first.OrderLine,
                          first.LicenceGroup, first.Seat, first.Letter]):  # fmt: skip
        fill(first)
    yield opened, runner
    opened.close()


def fill(first: ModuleType) -> None:
    account = first.Account.create(**ACCOUNT)
    first.Offer.create(code="business", name="Office 365 Business", places_limit=300)
    for number in range(LETTERS):
        first.Letter.create(
            account=account, kind="order_placed", key=str(number), language="fr",
            recipient=account.email, subject=f"Votre Reçu n°\u00a0{number}", text="", html="",
            is_secret=False, status="stored", error="", created_at=THEN,
        )  # fmt: skip
    order = first.Order.create(account=account, **ORDER)
    for number, size in SIZES.items():
        line = first.OrderLine.create(
            order=order, position=number, offer="business", offer_name="Office 365 Business",
            quantity=3, unit_price_cents=880, net_cents=2640,
        )  # fmt: skip
        group = first.LicenceGroup.create(
            account=account, line=line, offer="business", name=f"o365-{number}",
            domain=f"o365-{number}.example", display_name=f"Group {number}",
            status="installed" if size else "installing", places_taken=3, places_limit=300,
            tries=1, error="", created_at=THEN,
        )  # fmt: skip
        for seat in range(1, size + 1):
            first.Seat.create(
                group=group, line=line, number=seat, status="unconfigured",
                first_name="", last_name="", version=1,
            )  # fmt: skip


@pytest.fixture
def after(before: tuple[Database, Runner]) -> Iterator[Database]:
    """The same database, migrated and bound to the models."""
    opened, runner = before
    runner.up()
    with opened.bind_ctx(models.all_tables()):
        yield opened


def test_groups_know_their_seats_after_the_migration(after: Database) -> None:
    for group in LicenceGroup.select().order_by(LicenceGroup.id):
        assert group.seats_by_status == count_by_status(group)
        assert group.seats_total == group.last_number == SIZES[group.id]


def test_the_offers_there_were_say_what_the_code_said(after: Database) -> None:
    offer = Offer.get_by_id("business")
    assert offer.is_on_sale_on(THEN.date())
    assert (offer.name_in("fr"), offer.places_limit) == ("Office 365 Business", 300)
    assert offer.application_names[-2:] == ["OneNote", "Publisher"]
    assert (offer.provider_product, offer.slug) == ("business", "office-365-business")


def test_seats_of_groups_that_ended_before_have_ended(before: tuple[Database, Runner]) -> None:
    opened, runner = before
    opened.execute_sql("UPDATE licence_group SET status = 'terminated' WHERE id = 1")
    runner.up()
    with opened.bind_ctx(models.all_tables()):
        ended = LicenceGroup.get_by_id(1)
        assert {seat.status for seat in Seat.select().where(Seat.group == 1)} == {"ended"}
        assert {key.status for key in SeatKey.select().where(SeatKey.group == 1)} == {"ended"}
        assert (ended.seats_ended, ended.seats_total) == (SIZES[1], SIZES[1])
        assert Seat.get(Seat.group == 3).status == "unconfigured"
        with pytest.raises(IntegrityError):
            Seat.update(secret="x").where(Seat.group == 1).execute()


def test_seats_from_before_are_found_and_stand_behind_those_with_names(after: Database) -> None:
    group = LicenceGroup.get_by_id(1)
    found = listing.page_of(group, listing.read_view("configureme", "unconfigured", "", 1))
    assert [seat.number for seat in found.rows] == [1, 2, 3]
    assert {bytes(key.key) for key in SeatKey.select()} == {search_keys.UNCONFIGURED_KEY}
    assert SeatKey.select().count() == sum(SIZES.values())
    sorted_by = Seat.select(Seat.by_first, Seat.by_last, Seat.by_login)
    assert {bytes(value) for row in sorted_by.tuples() for value in row} == {NAMELESS}
    assert {(seat.act, seat.reference, seat.secret) for seat in Seat.select()} == {("", "", "")}


def test_existing_letters_and_groups_get_their_search_text(after: Database) -> None:
    alice = Account.get()
    assert mail.search_letters(alice, "RECU N° 500").letters.count() == 1
    assert {letter.addressee for letter in Letter.select()} == {""}
    assert [group.id for group in groups.search_groups(alice, "group 2")] == [2]
    assert [group.id for group in groups.search_groups(alice, "O365-3")] == [3]


ADDRESSES = {
    "jose\u0301@exemple.example": "josé@exemple.example",
    "bob@xn--mnchen-3ya.example": "bob@münchen.example",
    "not an address": "not an address",
}


def test_addresses_from_before_are_found_as_they_are_compared_now(
    before: tuple[Database, Runner],
) -> None:
    opened, runner = before
    runner.up("0055_addressees")
    with opened.bind_ctx([Account]):
        for number, email in enumerate(ADDRESSES):
            Account.create(
                **ACCOUNT | {"nic_handle": f"x{number}", "email": email, "created_at": NOW}
            )
    runner.up()
    with opened.bind_ctx([Account]):
        emails = {row.email for row in Account.select()}
    assert emails == {ACCOUNT["email"], *ADDRESSES.values()}
    assert {normalized(email) for email in emails} == emails


def test_lines_from_before_keep_their_amounts_under_the_new_rule(after: Database) -> None:
    assert {(line.net_cents, line.days) for line in OrderLine.select()} == {(2640, None)}
    pro_rata: dict[str, Any] = {"days": 10, "period_days": 31, "net_cents": 852}
    assert OrderLine.update(**pro_rata).where(OrderLine.id == 1).execute() == 1
    with pytest.raises(IntegrityError), after.atomic():
        OrderLine.update(net_cents=853).where(OrderLine.id == 1).execute()


def test_the_new_rules_hold_for_rows_from_before(after: Database) -> None:
    for broken in ({"seats_unconfigured": -1}, {"seats_unconfigured": 4}):
        with pytest.raises(IntegrityError), after.atomic():
            LicenceGroup.update(**broken).where(LicenceGroup.id == 1).execute()
    with pytest.raises(IntegrityError), after.atomic():
        Seat.update(act="activate").execute()


def test_usage_is_counted_from_events_of_before(before: tuple[Database, Runner]) -> None:
    opened, runner = before
    runner.up("0020_account")
    with opened.bind_ctx([SeatEvent]):
        for at, change in (
            ("2026-01-15T09:00", 1), ("2026-01-15T10:00", 1), ("2026-01-15T22:59", -1),
            ("2026-01-15T23:01", -1), ("2026-02-01T12:00", 1),
        ):  # fmt: skip
            moment = datetime.fromisoformat(f"{at}+00:00")
            SeatEvent.create(group=1, seat=None, at=moment, change=change)
    runner.up()
    with opened.bind_ctx(models.all_tables()):
        days = UsageDay.select().order_by(UsageDay.day)
        assert [(day.day, day.peak, day.closing) for day in days] == [
            (date(2026, 1, 15), 2, 1), (date(2026, 1, 16), 1, 0), (date(2026, 2, 1), 1, 1),
        ]  # fmt: skip
