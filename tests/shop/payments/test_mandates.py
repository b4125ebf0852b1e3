"""Which service may be charged to which card: only what its customer allowed, and as long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import Account, Card, Event, Letter, LicenceGroup, Order, Payment, Subscription
from shop.errors import PartyRejected, PartyUnavailable, Refusal
from shop.invoicing import ledger_proof
from shop.jobs import queue
from shop.payments import card_setups, cards, mandates, outcomes, payments
from shop.payments.gateway import CheckoutStatus
from shop.pricing.lines import lines_of
from shop.subscriptions import subscriptions
from tests.support import billing, groups, purchases, running
from tests.support.groups import fresh
from tests.support.parties import Bank, Provider


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    return running.delivered(alice, bank)


def charged() -> list[str]:
    """Return the last digits of the stored cards that were charged, oldest first."""
    rows = Payment.select(Payment, Card).join(Card).order_by(Payment.id)
    return [row.card.last4 for row in rows]


def consents(group: LicenceGroup) -> list[str]:
    """Return the consents to charge a service and their ends, oldest first."""
    of_service = (Event.subject == "subscription") & (
        Event.subject_id == running.subscription_of(group).id
    )
    named = Event.name.in_([mandates.ALLOWED, mandates.WITHDRAWN])
    return [event.name for event in Event.select().where(of_service, named).order_by(Event.id)]


# --- For one service, not for another ----------------------------------------------------------


def test_a_card_kept_for_one_service_is_not_charged_for_another(
    alice: Account, bank: Bank, group: LicenceGroup
) -> None:
    other = running.delivered(alice, bank, card="")
    assert running.subscription_of(other).card is None
    running.to_renewal(group)
    if running.subscription_of(other).period_start != running.subscription_of(group).period_start:
        running.to_renewal(other)
    assert charged() == ["4242"]
    assert running.subscription_of(group).status == "active"
    assert running.subscription_of(other).status == "past_due"
    billing.assert_balanced()


def test_a_card_is_kept_for_every_service_of_the_order_it_paid(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    order = purchases.place(alice, purchases.basket(business=1, pro_plus=1))
    purchases.pay(order, bank, store_card=True)
    queue.drain()
    found = list(Subscription.select())
    assert len(found) == 2
    assert {row.card for row in found} == {Card.get()}
    assert Order.get_by_id(order.id).renewal_card == Card.get()


def test_a_card_kept_with_an_invoice_is_charged_for_its_service_alone(
    alice: Account, bank: Bank, group: LicenceGroup
) -> None:
    unpaid = running.delivered(alice, bank, card="")
    running.to_renewal(unpaid)
    payment = payments.start_payment(
        running.owed(unpaid), store_card=True, base_url=purchases.BASE, by="alice"
    )
    paid = bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED, number="1881")
    outcomes.CHECKOUTS.settle(payment, paid)
    assert running.subscription_of(unpaid).card.last4 == "1881"
    assert running.subscription_of(group).card.last4 == "4242"


def test_a_card_registered_for_a_service_is_charged_for_it_however_often_the_bank_tells(
    alice: Account, bank: Bank, group: LicenceGroup
) -> None:
    other = running.delivered(alice, bank, card="")
    setup = card_setups.register_card(
        alice, back_to="/x", typed={}, base_url=purchases.BASE, by="alice", group=other
    )
    told = bank.tell(setup.checkout or "", CheckoutStatus.SUCCEEDED, number="1881")
    for _ in range(2):
        card_setups.CHECKOUTS.settle(setup, told)
    assert running.subscription_of(other).card.last4 == "1881"
    assert running.subscription_of(group).card.last4 == "4242"
    assert consents(other) == [mandates.ALLOWED]


def test_licences_added_change_nothing_about_the_card(
    alice: Account, bank: Bank, group: LicenceGroup
) -> None:
    order = groups.add(group, 1)
    assert not mandates.needs_choice(order, lines_of(order))
    assert mandates.read_choice(order, "") is False
    purchases.pay(order, bank)
    queue.drain()
    assert running.subscription_of(group).card.last4 == "4242"
    assert consents(group) == [mandates.ALLOWED]


def test_a_new_service_needs_a_choice(alice: Account) -> None:
    order = purchases.place(alice)
    for missing in ("", "yes", "none"):
        with pytest.raises(Refusal) as refused:
            mandates.read_choice(order, missing)
        assert refused.value.field == "renewals"
    assert mandates.read_choice(order, "card") is True
    assert mandates.read_choice(order, "self") is False


def test_a_card_kept_with_an_invoice_of_no_service_is_charged_for_none(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    payment = payments.start_payment(
        billing.due(alice), store_card=True, base_url=purchases.BASE, by="alice"
    )
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED))
    assert Card.get().account == alice
    assert not Event.select().where(Event.name == mandates.ALLOWED).exists()


# --- Changed and removed -----------------------------------------------------------------------


def test_a_customer_who_pays_themselves_from_now_on_is_charged_no_more(
    alice: Account, group: LicenceGroup
) -> None:
    for _ in range(2):
        subscriptions.choose_card(running.subscription_of(group), None, by="alice")
    assert consents(group) == [mandates.ALLOWED, mandates.WITHDRAWN]
    running.to_renewal(group)
    assert charged() == []
    subscriptions.choose_card(running.subscription_of(group), Card.get(), by="alice")
    assert running.subscription_of(group).card == Card.get()


def test_a_card_of_another_customer_is_refused(
    alice: Account, bob: Account, group: LicenceGroup
) -> None:
    of_bob = Card.create(
        account=bob, mandate="m-bob", brand="visa", last4="1111", expiry_month=12,
        expiry_year=2034, consented_at=Card.get().consented_at,
    )  # fmt: skip
    with pytest.raises(Refusal, match="not registered"):
        subscriptions.choose_card(running.subscription_of(group), of_bob, by="alice")


def test_a_removed_card_is_charged_for_no_service_and_deleted_at_the_bank(
    alice: Account, bank: Bank, group: LicenceGroup
) -> None:
    card = Card.get()
    for _ in range(2):
        cards.remove_card(card, by="alice")
    queue.drain()
    assert bank.forgotten == {card.mandate}
    assert cards.find_card(alice, card.id) is None
    assert consents(group) == [mandates.ALLOWED, mandates.WITHDRAWN]
    assert Letter.select().where(Letter.kind == "card_withdrawn").count() == 1
    with pytest.raises(Refusal, match="not registered"):
        subscriptions.choose_card(running.subscription_of(group), card, by="alice")
    running.to_renewal(group)
    assert charged() == []
    billing.assert_balanced()


def test_a_card_removed_before_its_charge_reaches_the_bank_is_not_charged(
    alice: Account, bank: Bank, group: LicenceGroup
) -> None:
    invoice, card = billing.due(alice), Card.get()
    payment = payments.charge(invoice, card, by="shop")
    cards.remove_card(card, by="alice")
    payments.charge_card(payment.id)
    assert (fresh(payment).status, fresh(payment).reason) == ("declined", "mandate_revoked")
    assert bank.balance() == 3168


def test_a_charge_whose_answer_was_lost_counts_though_the_card_was_removed_since(
    alice: Account, bank: Bank, group: LicenceGroup
) -> None:
    invoice, card = billing.due(alice), Card.get()
    payment = payments.charge(invoice, card, by="shop")
    bank.losing = 1
    with pytest.raises(PartyUnavailable):
        payments.charge_card(payment.id)
    cards.remove_card(card, by="alice")
    payments.charge_card(payment.id)
    assert fresh(payment).status == "succeeded"
    assert fresh(invoice).status == "paid"


def test_a_bank_that_refuses_to_delete_a_card_is_asked_again(
    alice: Account, bank: Bank, group: LicenceGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(mandate: str) -> None:
        raise PartyRejected("blocked")

    with monkeypatch.context() as patch:
        patch.setattr(bank, "forget_mandate", refuse)
        cards.remove_card(Card.get(), by="alice")
        queue.drain()
    assert not bank.forgotten
    running.pass_time(timedelta(hours=1))
    assert bank.forgotten == {Card.get().mandate}


def test_the_mandate_of_another_customer_is_not_kept(
    alice: Account, bob: Account, bank: Bank, group: LicenceGroup
) -> None:
    other = running.delivered(bob, bank)
    assert Card.get().account == alice
    assert running.subscription_of(other).card is None


# --- The proof ---------------------------------------------------------------------------------


def test_the_ledger_sees_a_charge_that_was_not_allowed(
    alice: Account, bank: Bank, group: LicenceGroup
) -> None:
    running.to_renewal(group)
    billing.assert_balanced()
    payment = Payment.get(Payment.card.is_null(False))
    said = f"payment {payment.id} charged a card that its customer had not allowed for the service"
    allowed = Event.get(Event.name == mandates.ALLOWED)
    Event.delete().where(Event.id == allowed.id).execute()
    assert list(ledger_proof.find_faults()) == [said]
    for name, days in ((mandates.ALLOWED, 2), (mandates.WITHDRAWN, 1)):
        assert list(ledger_proof.find_faults()) == ([said] if name == mandates.ALLOWED else [])
        Event.create(
            subject=allowed.subject, subject_id=allowed.subject_id, name=name, by="alice",
            note=allowed.note, at=payment.created_at - timedelta(days=days),
        )  # fmt: skip
    assert list(ledger_proof.find_faults()) == [said]


def test_the_ledger_sees_a_service_charged_to_a_card_that_is_gone(group: LicenceGroup) -> None:
    Card.update(removed_at=Card.get().consented_at).execute()
    assert list(ledger_proof.find_faults()) == [
        f"service {group.name} is charged to a card that was removed, or is another customer's"
    ]
