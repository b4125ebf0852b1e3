"""How renewals are paid: chosen on the purchase order, nothing preselected, nothing lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from models import Account, Card, LicenceGroup, Order, Payment, Subscription
from shop.payments import outcomes
from shop.payments.gateway import CheckoutStatus
from tests.support import groups, running
from tests.support.client import CheckingClient
from tests.support.journeys import Shopper
from tests.support.parties import Bank, Provider

MISSING = ("Choisissez comment les renouvellements sont payés", "Choose how the renewals are paid")


@pytest.fixture(params=["fr", "en"])
def shopper(client: CheckingClient, request: pytest.FixtureRequest) -> Shopper:
    return Shopper(client, request.param)


def selected(shopper: Shopper) -> str:
    """Return the selected option; "" if none is."""
    for value in ("card", "self"):
        option = shopper.find("input", id=f"renewals-{value}")
        assert option is not None
        if option.get("checked") is not None:
            return value
    return ""


def test_nothing_is_preselected_and_both_consequences_are_said(
    shopper: Shopper, alice: Account, bank: Bank
) -> None:
    shopper.order(alice)
    assert selected(shopper) == ""
    assert shopper.sees(
        shopper.say("Débiter cette carte chaque mois", "Charge this card each month")
    )
    assert shopper.sees(
        shopper.say("Je paierai chaque mois moi-même", "I will pay each month myself")
    )
    assert shopper.sees(shopper.say("services de cette commande", "this order’s services"))
    assert shopper.sees(shopper.say("7 jours et 1 jour avant", "7 days and 1 day before"))
    assert shopper.sees(shopper.say("est suspendu", "is suspended"))


@pytest.mark.parametrize("area", ["storefront", "manager"])
def test_a_missing_choice_is_said_at_the_field_and_nothing_is_charged(
    shopper: Shopper, alice: Account, bank: Bank, area: str
) -> None:
    order = shopper.order(alice)
    if area == "manager":
        alice.language = shopper.language
        alice.save()
        shopper.open(f"/manager/account/orders/{order.number}")
    assert shopper.go_to_bank("").status_code == 422
    assert shopper.say(*MISSING) in shopper.error_at("renewals")
    assert "every 2s" not in shopper.response.text, "or the next refresh would remove it"
    assert not Payment.select().exists()
    assert shopper.go_to_bank("self").status_code in (302, 303)
    assert not Payment.get().store_card


def test_what_was_chosen_stays_chosen_after_a_declined_card(
    shopper: Shopper, alice: Account, bank: Bank
) -> None:
    order = shopper.order(alice)
    shopper.go_to_bank("card")
    payment = Payment.get()
    outcomes.CHECKOUTS.settle(
        payment, bank.tell(payment.checkout, CheckoutStatus.DECLINED, "card_declined")
    )
    shopper.open(f"/{shopper.language}/order/{order.number}")
    assert selected(shopper) == "card"
    bank.silent = True
    assert shopper.go_to_bank("self").status_code == 422
    assert selected(shopper) == "self", "what was just chosen is not lost"


@pytest.mark.parametrize("choice", ["card", "self"])
def test_the_choice_decides_who_pays_the_first_renewal(
    shopper: Shopper, alice: Account, bank: Bank, provider: Provider, drain: Callable[[], int],
    choice: str,
) -> None:  # fmt: skip
    shopper.order(alice)
    shopper.go_to_bank(choice)
    payment = Payment.get()
    assert bank.requests[payment.checkout].store_card == (choice == "card")
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout, CheckoutStatus.SUCCEEDED))
    drain()
    assert Card.select().exists() == (choice == "card")
    running.to_renewal(LicenceGroup.get())
    assert Subscription.get().is_past_due == (choice == "self")


def test_licences_added_to_a_service_need_no_choice(
    shopper: Shopper, alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="")
    order: Order = groups.add(group, 1)
    alice.language = shopper.language
    alice.save()
    shopper.log_in(alice)
    shopper.open(f"/manager/account/orders/{order.number}")
    assert shopper.find(id="field-renewals") is None
    pressed = shopper.press(shopper.say("Payer par carte", "Pay by card"))
    assert pressed.location.startswith("https://bank.example/")
    assert running.subscription_of(group).card is None
