"""Services from before the choice of a card for each: they keep the card they were charged to."""

from __future__ import annotations

import importlib
from datetime import timedelta

import pytest

import models
from models import Account, Card, Event, Order, Subscription
from shop import clock
from shop.invoicing import ledger_proof
from shop.payments import mandates
from tests.support import billing, purchases, running
from tests.support.parties import Bank, Provider

pytestmark = pytest.mark.every_case

migration = importlib.import_module("migrations.0071_cards_by_service")


def test_services_keep_the_card_that_was_charged(
    alice: Account, bob: Account, bank: Bank, provider: Provider
) -> None:
    charged, chosen = running.delivered(alice, bank), running.delivered(alice, bank, card="1881")
    without = running.delivered(bob, bank, card="")
    running.to_renewal(charged)
    paid = purchases.place(alice)
    purchases.pay(paid, bank)
    newest, oldest = billing.card(alice), Card.get(Card.mandate == "mandate-4242")
    # As the release before had it: what was not chosen was charged to the newest card.
    Event.delete().where(Event.name.in_([mandates.ALLOWED, mandates.WITHDRAWN])).execute()
    Subscription.update(card=None).where(Subscription.group != chosen).execute()
    assert [fault for fault in ledger_proof.find_faults() if "had not allowed" in fault]
    migration.keep_cards(models.database)
    assert running.subscription_of(charged).card == newest
    assert running.subscription_of(chosen).card.last4 == "1881"
    assert running.subscription_of(without).card is None
    assert Order.get_by_id(paid.id).renewal_card == newest
    assert list(ledger_proof.find_faults()) == []
    notes = {event.note for event in Event.select().where(Event.name == mandates.ALLOWED)}
    assert str(oldest.id) in notes, "it was charged in the past"


def test_a_removed_card_is_not_brought_back(alice: Account, bank: Bank, provider: Provider) -> None:
    group = running.delivered(alice, bank, card="")
    billing.card(alice)
    Card.update(removed_at=clock.now() - timedelta(days=1)).execute()
    migration.keep_cards(models.database)
    assert running.subscription_of(group).card is None
