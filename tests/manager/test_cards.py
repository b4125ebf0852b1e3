"""« Mes cartes », the choice of a card on a service's page, and what the home says of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from models import Account, Card, LicenceGroup
from shop import clock
from shop.jobs import queue
from shop.subscriptions import period_billing
from shop.text import formats
from tests.support import billing, running
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

CHARGED = "Les renouvellements de ces services y sont débités"


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    return running.delivered(alice, bank)


@pytest.fixture
def inside(visitor: Visitor, alice: Account) -> Visitor:
    visitor.log_in(alice)
    return visitor


# --- Cards -------------------------------------------------------------------------------------


def test_a_customer_sees_their_cards_and_removes_one(
    inside: Visitor, alice: Account, bank: Bank, group: LicenceGroup
) -> None:
    billing.card(alice)
    inside.open("/manager/account")
    inside.follow("Cartes")
    assert inside.sees("Mes cartes")
    assert inside.sees(CHARGED)
    assert inside.sees("Aucun service n’y est débité.")
    kept = running.subscription_of(group).card
    inside.client.ask("POST", f"/manager/account/cards/{kept.id}/removal")
    queue.drain()
    inside.open("/manager/account/cards")
    assert not inside.sees(CHARGED)
    assert bank.forgotten == {kept.mandate}
    assert inside.press("Retirer cette carte").status_code == 200
    assert inside.sees("est retirée : elle n’est plus débitée")
    assert inside.sees("Aucune carte n’est conservée")
    assert not Card.select().where(Card.removed_at.is_null()).exists()


@pytest.mark.parametrize(
    ("language", "name", "removal", "choice"),
    [
        ("fr", "Carte Visa se", "Retirer cette carte : carte Visa se", "chaque mois : carte Visa"),
        ("en", "Visa card ending", "Remove this card: Visa card", "each month: Visa card"),
    ],
)
def test_the_name_of_a_card_begins_with_a_capital_where_a_sentence_does(
    visitor: Visitor, alice: Account, group: LicenceGroup,
    language: str, name: str, removal: str, choice: str,
) -> None:  # fmt: skip
    alice.language = language
    alice.save()
    visitor.log_in(alice)
    visitor.open("/manager/account/cards")
    said = " ".join(visitor.response.text.split())
    assert re.search(f'<h2 class="card-title" id="card-[0-9]+">{name}', said)
    assert f'aria-label="{removal}' in said
    visitor.open("/manager/services")
    cells = " ".join(visitor.response.text.split()).replace('class="cell"> ', 'class="cell">')
    assert f'class="cell">{name}' in cells
    visitor.open(f"/manager/services/{group.name}")
    assert choice in " ".join(visitor.response.text.split())


def test_a_removed_card_is_gone(inside: Visitor, group: LicenceGroup) -> None:
    address = f"/manager/account/cards/{Card.get().id}/removal"
    statuses = [inside.client.ask("POST", address).status_code for _ in range(2)]
    assert statuses == [303, 404]


# --- One service -------------------------------------------------------------------------------


def test_a_service_says_whether_it_may_be_charged_and_lets_it_be_changed(
    inside: Visitor, alice: Account, group: LicenceGroup
) -> None:
    address = f"/manager/services/{group.name}"
    inside.open(address)
    assert not inside.sees("Aucune carte n’est débitée")
    inside.press("Enregistrer ce choix", card="none")
    assert inside.sees("Vous payez désormais vous-même les renouvellements de ce service")
    assert inside.sees("Aucune carte n’est débitée pour ce service")
    assert running.subscription_of(group).card is None
    inside.press("Enregistrer ce choix", card=str(Card.get().id))
    assert inside.sees("sont désormais débités sur cette carte")
    assert running.subscription_of(group).card == Card.get()
    for wrong in ({"card": "yes"}, {}, {"card": "0"}):
        assert inside.client.ask("POST", f"{address}/card", wrong).status_code == 422
    assert running.subscription_of(group).card == Card.get()


# --- Home --------------------------------------------------------------------------------------


def test_the_home_says_from_the_first_day_that_no_card_is_charged(
    inside: Visitor, alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="")
    renews_on = running.subscription_of(group).renews_on
    assert renews_on is not None
    inside.open("/manager/web")
    assert inside.sees("Un renouvellement à payer vous-même")
    assert inside.sees(formats.money(3168, "fr"))
    assert inside.sees(formats.day(renews_on, "fr"))
    inside.follow("Un renouvellement à payer vous-même")
    assert inside.address.endswith(f"/manager/services/{group.name}")
    billing.pay(period_billing.bill_ahead(running.subscription_of(group)), bank)
    inside.open("/manager/web")
    assert not inside.sees("Un renouvellement à payer vous-même"), "it is paid ahead"


def test_the_home_says_nothing_of_a_service_that_a_good_card_is_charged_for(
    inside: Visitor, group: LicenceGroup
) -> None:
    inside.open("/manager/web")
    assert not inside.sees("à payer vous-même")
    assert not inside.sees("Votre carte expire")


def test_the_home_and_the_service_say_that_the_card_expires_before_the_renewal(
    inside: Visitor, group: LicenceGroup
) -> None:
    month = clock.today().replace(day=1) - timedelta(days=1)
    Card.update(expiry_year=month.year, expiry_month=month.month).execute()
    inside.open("/manager/web")
    inside.follow("Votre carte expire avant le renouvellement")
    assert inside.sees("cette carte expire avant le renouvellement")
