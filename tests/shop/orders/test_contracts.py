"""Versions of contracts: in both languages, from a day on, announced 30 days before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from models import Account, Contract, ContractAnnouncement, Letter
from shop import clock as shop_clock
from shop import mail
from shop.errors import Conflict
from shop.invoicing import ledger_proof
from shop.orders import baskets, contracts
from shop.orders.contracts import announcements
from shop.orders.contracts.texts import ShippedText
from shop.subscriptions import renewals, terminations
from tests.support import billing, letters, purchases, running
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

pytestmark = pytest.mark.usefixtures("app")

Drain = Callable[[], int]

SHIPPED, COMING = 2, 3
"""The newest version shipped of the general terms, and one that follows it."""

TITLES = {"fr": "Conditions générales", "en": "General terms"}


def publish(version: int = COMING, kind: str = "general_terms", languages: str = "fr en") -> None:
    contracts.publish(
        [
            ShippedText(kind, version, language, TITLES[language], f"Texte {version} {language}.")
            for language in languages.split()
        ]
    )


def terms(language: str = "fr") -> int:
    """Return the version of the general terms that an order accepts."""
    return int(contracts.current_contracts(language)[0].version)


def letters_sent() -> list[Letter]:
    return list(Letter.select().where(Letter.kind == "contract_change").order_by(Letter.id))


def test_the_shipped_texts_apply_from_their_publication_on() -> None:
    assert {row.applies_on for row in Contract.select()} == {None}
    assert [terms("fr"), terms("en")] == [SHIPPED] * 2


def test_a_new_version_applies_30_full_days_after_it_was_published(
    clock: time_machine.Traveller,
) -> None:
    publish()
    day = shop_clock.today() + timedelta(days=31)
    for language in ("fr", "en"):
        coming = contracts.coming_contract("general_terms", language)
        assert (coming.version, coming.applies_on) == (COMING, day)
    for days, version in ((0, SHIPPED), (30, SHIPPED), (1, COMING)):
        clock.shift(timedelta(days=days))
        assert {terms("fr"), terms("en")} == {version}
        assert contracts.current_contract("general_terms", "fr").version == version
    assert contracts.coming_contract("general_terms", "fr") is None
    assert contracts.find_contract("general_terms", 1, "fr") is not None


def test_publishing_again_moves_no_day(clock: time_machine.Traveller) -> None:
    publish()
    days = {row.id: row.applies_on for row in Contract.select()}
    clock.shift(timedelta(days=5))
    publish()
    contracts.publish_shipped()
    assert {row.id: row.applies_on for row in Contract.select()} == days


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_version_in_one_language_is_not_published(language: str) -> None:
    before = Contract.select().count()
    publish(languages=language)
    assert Contract.select().count() == before
    publish()
    assert Contract.select().count() == before + 2


def test_a_version_found_in_one_language_does_not_apply_and_is_a_fault() -> None:
    Contract.create(
        kind="general_terms", version=COMING, language="fr", title="Seule", body="x", digest="x",
        published_at=shop_clock.now(),
    )  # fmt: skip
    assert terms("fr") == SHIPPED
    assert contracts.current_contract("general_terms", "fr").version == SHIPPED
    said = f"contract general_terms-{COMING} was not published in both languages"
    assert list(ledger_proof.find_faults()) == [said]


def test_an_order_accepts_the_version_that_applies(
    clock: time_machine.Traveller, alice: Account
) -> None:
    publish()
    chosen = purchases.basket()
    seen = purchases.seen_by(alice, chosen)
    order = baskets.place_order(alice, chosen, seen)
    assert COMING not in {row.contract.version for row in order.acceptances}
    # What was read the day before is not what applies today.
    clock.shift(timedelta(days=31))
    with pytest.raises(Conflict, match="contracts have changed"):
        baskets.place_order(alice, purchases.basket(), seen)
    assert COMING in {row.contract.version for row in purchases.place(alice).acceptances}


# --- Announcements -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "said"),
    [("fr", "Conditions générales"), ("en", "General terms")],
)
def test_customers_with_a_running_service_are_told_once_30_days_before(
    alice: Account, charlie: Account, bank: Bank, provider: Provider, language: str, said: str
) -> None:
    alice.language = language
    alice.save()
    running.delivered(alice, bank)
    running.delivered(alice, bank)
    publish()
    assert announcements.announce_all() == 1
    assert announcements.announce_all() == 0
    (letter,) = letters_sent()
    assert (letter.account, letter.language) == (alice, language)
    text = letters.plain(mail.text_of(letter))
    assert said in text
    assert f"/{language}/contracts/general_terms/{COMING}" in text
    row = ContractAnnouncement.get()
    assert row.applies_on == shop_clock.today() + timedelta(days=31)


def test_the_worker_announces_on_the_day_of_publication(
    alice: Account, bank: Bank, provider: Provider, drain: Drain
) -> None:
    running.delivered(alice, bank)
    publish()
    renewals.queued().clear()
    renewals.queue_runs()
    drain()
    assert len(letters_sent()) == 1
    billing.assert_balanced()


def test_to_whom_it_is_announced_late_it_applies_later(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    running.delivered(alice, bank)
    publish()
    running.pass_time(timedelta(days=40))
    assert terms() == COMING
    said = (
        "a new version of a contract applies, and it was not announced to customer "
        f"{alice.nic_handle}"
    )
    assert said in list(ledger_proof.find_faults())
    announcements.announce_all()
    assert ContractAnnouncement.get().applies_on == shop_clock.today() + timedelta(days=31)
    assert said not in list(ledger_proof.find_faults())


def test_nobody_is_told_of_what_they_accepted_or_do_not_use(
    alice: Account, charlie: Account, bank: Bank, provider: Provider
) -> None:
    ended = running.delivered(charlie, bank)
    terminations.request_termination(ended, by="charlie")
    running.to_renewal(ended)
    publish()
    running.pass_time(timedelta(days=32))
    running.delivered(alice, bank)
    assert announcements.announce_all() == 0
    assert letters_sent() == []


# --- Pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "coming", "until", "over", "read"),
    [
        ("fr", "Une nouvelle version s’applique à partir du", "D’ici là, la version 2 s’applique.",
         "Cette version ne s’applique plus.", "Lire la version 3"),
        ("en", "A new version applies from", "Until then, version 2 applies.",
         "This version applies no longer.", "Read version 3"),
    ],
)  # fmt: skip
def test_the_page_of_a_contract_says_which_version_applies(
    clock: time_machine.Traveller, visitor: Visitor, language: str, coming: str, until: str,
    over: str, read: str,
) -> None:  # fmt: skip
    address = f"/{language}/terms"
    visitor.open(address)
    assert not any(visitor.sees(text) for text in (coming, until, over))
    publish()
    visitor.open(address)
    assert visitor.sees(coming)
    visitor.follow(read)
    assert visitor.sees(until)
    visitor.follow(until)
    assert visitor.sees(coming)
    clock.shift(timedelta(days=31))
    visitor.open(address)
    assert visitor.address.endswith(f"/general_terms/{COMING}")
    assert not any(visitor.sees(text) for text in (coming, until, over))
    visitor.open(f"/{language}/contracts/general_terms/{SHIPPED}")
    assert visitor.sees(over)


# --- Shipped -------------------------------------------------------------------------------------


def test_a_new_shop_begins_with_the_newest_version_and_a_running_one_announces_it(
    alice: Account, bank: Bank, provider: Provider, clock: time_machine.Traveller
) -> None:
    assert {row.version for row in Contract.select().where(Contract.kind == "general_terms")} == {
        1, SHIPPED,
    }  # fmt: skip
    # A shop that runs since version 1.
    newer = (Contract.kind == "general_terms") & (Contract.version == SHIPPED)
    Contract.delete().where(newer).execute()
    running.delivered(alice, bank)
    contracts.publish_shipped()
    assert terms() == 1
    assert announcements.announce_all() == 1
    (letter,) = letters_sent()
    assert f"/fr/contracts/general_terms/{SHIPPED}" in mail.text_of(letter)
    clock.shift(timedelta(days=31))
    assert [terms("fr"), terms("en")] == [SHIPPED] * 2
    billing.assert_balanced()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", ["trois jours après l’échec", "Se rétracter", "Confirmer la rétractation"]),
        ("en", ["three days after the delivery failed", "Withdraw", "Confirm the withdrawal"]),
    ],
)
def test_the_terms_say_what_is_done(language: str, said: list[str]) -> None:
    text = contracts.current_contract("general_terms", language).body
    assert [each for each in said if each not in text] == []
