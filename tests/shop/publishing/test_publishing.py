"""What administrators publish: with a reason, on record, and on every page at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask

from models import Account, Contract, Event, Letter, Notice, Price, PriceAnnouncement
from shop import clock
from shop.clock import day_of, midnight
from shop.errors import Conflict, Refusal
from shop.orders import contracts
from shop.orders.contracts import announcements
from shop.pricing import catalogue, catalogue_version
from shop.publishing import acts, contract_versions, notices, prices
from shop.publishing.contract_versions import Difference, Draft
from shop.publishing.notices import Wording
from shop.subscriptions import price_changes
from tests.support import running
from tests.support.client import browser
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

pytestmark = pytest.mark.usefixtures("app")

ADA = "staff:ada"


# --- Prices ----------------------------------------------------------------------------------


def test_a_price_is_set_with_a_reason_and_taken_back_until_it_applies() -> None:
    day = clock.today() + timedelta(days=9)
    with pytest.raises(Refusal, match="reason"):
        prices.set_price("business", 990, day, by=ADA, reason=" ")
    for past in (clock.today() - timedelta(days=1), date.min):
        with pytest.raises(Refusal):
            prices.set_price("business", 990, past, by=ADA, reason="Zu spät")
    before = catalogue_version.current()
    price = prices.set_price("business", 990, day, by=ADA, reason="Microsoft est plus cher")
    assert catalogue_version.current() != before
    listed = prices.all_prices()
    assert [(each.price.amount_cents, each.can_be_taken_back) for each in listed[:1]] == [
        (990, True)
    ]
    assert not any(each.can_be_taken_back for each in listed[1:])
    assert catalogue.offers(midnight(day))["business"].price_cents == 990
    prices.take_back(price, by=ADA, reason="Trop cher")
    assert catalogue.offers(midnight(day))["business"].price_cents == 880
    with pytest.raises(Conflict):
        prices.take_back(price, by=ADA, reason="Noch einmal")
    noted = [(event.name, event.by, event.note) for event in acts.history()]
    assert noted == [
        ("price_taken_back", ADA, "Trop cher"), ("price_set", ADA, "Microsoft est plus cher"),
    ]  # fmt: skip
    with pytest.raises(Conflict, match="applies already"):
        prices.take_back(Price.get(Price.offer == "business"), by=ADA, reason="Non")


def test_a_price_that_a_customer_was_told_of_stays(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    running.delivered(alice, bank)
    price = prices.set_price(
        "business", 990, clock.today() + timedelta(days=20), by=ADA, reason="Hausse"
    )
    running.move_on(timedelta(days=5))
    price_changes.announce_all()
    assert PriceAnnouncement.get().price_id == price.id
    (shown,) = [each for each in prices.all_prices() if each.price.id == price.id]
    assert (shown.announced, shown.can_be_taken_back) == (1, False)
    with pytest.raises(Conflict, match="announced"):
        prices.take_back(price, by=ADA, reason="Zu spät")
    assert prices.find_price(price.id) is not None


# --- Announcements ---------------------------------------------------------------------------


def wording(**changes: object) -> Wording:
    now = clock.now()
    plain = Wording(
        "Maintenance samedi.", "Maintenance on Saturday.",
        now + timedelta(hours=1), now + timedelta(days=2), "warning",
    )  # fmt: skip
    return replace(plain, **changes)


def test_an_announcement_is_on_every_page_from_its_beginning_to_its_end(
    app: Flask, alice: Account
) -> None:
    stranger, customer = browser(app), browser(app)
    Visitor(customer).log_in(alice)

    def seen() -> list[bool]:
        pages = (
            stranger.get("/fr/").text, stranger.get("/en/office-365-business").text,
            customer.get("/manager/account").text,
        )  # fmt: skip
        texts = ("Maintenance samedi.", "Maintenance on Saturday.", "Maintenance samedi.")
        return [text in page for text, page in zip(texts, pages, strict=True)]

    assert seen() == [False, False, False]
    notices.publish(wording(), by=ADA, reason="Travaux")
    assert seen() == [False, False, False], "it has not begun"
    running.move_on(timedelta(hours=1, minutes=1))
    assert seen() == [True, True, True]
    running.move_on(timedelta(days=2))
    assert seen() == [False, False, False]
    Visitor(customer).log_in(alice)
    again = notices.publish(
        wording(starts_at=clock.now(), ends_at=clock.now() + timedelta(days=1)),
        by=ADA, reason="Encore",
    )  # fmt: skip
    assert seen() == [True, True, True]
    also = wording(text_fr="Prix\nnouveaux.", text_en="New prices.", starts_at=clock.now())
    notices.publish(also, by=ADA, reason="Hausse")
    assert seen() == [True, True, True]
    assert "Prix nouveaux." in customer.get("/manager/account").text
    notices.take_back(again, by=ADA, reason="Annulé")
    assert seen() == [False, False, False]
    assert "Prix nouveaux." in customer.get("/manager/account").text
    with pytest.raises(Conflict):
        notices.take_back(again, by=ADA, reason="Annulé")


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"text_en": " "}, "Travaux", "text_en"),
        ({"text_fr": "x" * 501}, "Travaux", "text_fr"),
        ({"ends_at": clock.now() - timedelta(days=1)}, "Travaux", "ends_at"),
        ({}, "", "reason"),
    ],
)
def test_an_announcement_that_is_not_complete_is_refused(
    changes: dict[str, object], reason: str, field: str
) -> None:
    with pytest.raises(Refusal) as refused:
        notices.publish(wording(**changes), by=ADA, reason=reason)
    assert refused.value.field == field
    assert not Notice.select().exists()


def test_an_announcement_is_mailed_once_to_customers_with_a_running_service(
    alice: Account, bob: Account, bank: Bank, provider: Provider, drain: Callable[[], int]
) -> None:
    running.delivered(alice, bank)
    first = notices.publish(wording(by_email=True), by=ADA, reason="Travaux")
    gone = notices.publish(wording(by_email=True), by=ADA, reason="Erreur")
    notices.take_back(gone, by=ADA, reason="Erreur")
    drain()
    mails = Letter.select().where(Letter.kind == "announcement")
    assert mails.count() == 0, "it has not begun"
    running.move_on(timedelta(hours=1, minutes=1))
    drain()
    notices.send_notice(notice=first.id)
    (letter,) = mails
    assert letter.account == alice
    assert "Maintenance samedi." in letter.text


# --- Contracts -------------------------------------------------------------------------------


def draft(**changes: object) -> Draft:
    bodies = {
        language: contract_versions.newest_version("general_terms", language).body + "\n\n" + added
        for language, added in {"fr": "Un alinéa de plus.", "en": "One more paragraph."}.items()
    }
    titles = {"fr": "Conditions générales", "en": "General terms"}
    plain = Draft("general_terms", titles, bodies, contracts.first_day_after_notice())
    return replace(plain, **changes)


def test_a_version_is_compared_published_announced_and_applies_from_its_day(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    running.delivered(alice, bank)
    wanted = draft()
    last = contract_versions.newest_version("general_terms", "fr")
    changed = [
        each for each in contract_versions.difference(last.body, wanted.bodies["fr"]) if each.mark
    ]
    assert changed == [Difference("+", "Un alinéa de plus.")]
    before = catalogue_version.current()
    version = contract_versions.publish(wanted, by=ADA, reason="Arrêt du 3 mars")
    assert version == last.version + 1
    assert catalogue_version.current() != before
    assert Contract.select().where(Contract.version == version).count() == 2
    (shown,) = [each for each in contract_versions.all_versions() if each.is_to_come]
    assert (shown.contract.version, shown.announced) == (version, 0)
    announcements.announce_all()
    assert Letter.select().where(Letter.kind == "contract_change").count() == 1
    in_force = {each.kind: each.version for each in contracts.current_contracts("fr")}
    assert in_force["general_terms"] < version
    running.move_on(midnight(wanted.applies_on) - clock.now())
    in_force = {each.kind: each.version for each in contracts.current_contracts("en")}
    assert in_force["general_terms"] == version
    noted = Event.select().where(Event.name == "contract_published")
    assert {(event.by, event.note) for event in noted} == {(ADA, "Arrêt du 3 mars")}
    assert Event.select().where(Event.subject == "contract").count() == 2


@pytest.mark.parametrize("wrong", ["day", "kind", "language", "same", "reason"])
def test_a_version_that_cannot_be_published_is_refused(wrong: str) -> None:
    changes: dict[str, object] = {
        "day": {"applies_on": day_of(clock.now()) + timedelta(days=30)},
        "kind": {"kind": "menu"},
        "language": {"bodies": {"fr": "Texte", "en": " "}},
        "same": {
            "bodies": {
                each: contract_versions.newest_version("general_terms", each).body
                for each in ("fr", "en")
            },
            "titles": {
                each: contract_versions.newest_version("general_terms", each).title
                for each in ("fr", "en")
            },
        },
        "reason": {},
    }
    number = Contract.select().count()
    with pytest.raises(Refusal):
        contract_versions.publish(
            draft(**changes[wrong]), by=ADA, reason="" if wrong == "reason" else "Arrêt"
        )
    assert Contract.select().count() == number
