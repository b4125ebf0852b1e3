"""The order journey in both languages, and its known pitfalls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from models import Acceptance, Account, LicenceGroup, Order, OrderStatus
from shop.payments.gateway import CheckoutStatus
from tests.support.client import CheckingClient, browser
from tests.support.journeys import Shopper
from tests.support.parties import Bank, Provider

NO_BREAK = "\N{NO-BREAK SPACE}"


@pytest.fixture(params=["fr", "en"])
def shopper(client: CheckingClient, request: pytest.FixtureRequest) -> Shopper:
    return Shopper(client, request.param)


@pytest.fixture
def french(client: CheckingClient) -> Shopper:
    return Shopper(client, "fr")


# --- Usual numbers without JavaScript ---------------------------------------------------------


def test_a_usual_number_is_put_into_its_field_and_the_rest_stays(french: Shopper) -> None:
    french.open("/fr/order?offer=business")
    french.press("25", pro_plus="3")
    assert (french.typed("business"), french.typed("pro_plus")) == ("25", "3")
    assert "pick" not in french.address
    assert french.sees(f"310,44{NO_BREAK}€"), "25 × 8,80 and 3 × 12,90, and VAT"
    french.press("Commander")
    assert french.step == "summary"


@pytest.mark.parametrize(
    "pick", ["", "business", "business-", "business-x", "office-5", "business-99999"]
)
def test_a_number_that_no_button_has_changes_nothing(french: Shopper, pick: str) -> None:
    french.open(f"/fr/order?business=2&pro_plus=0&pick={pick}")
    assert french.typed("business") == "2"


def test_a_number_beside_what_is_no_number_keeps_it(french: Shopper) -> None:
    french.open("/fr/order?business=viele&pro_plus=2&pick=pro_plus-10")
    assert (french.typed("business"), french.typed("pro_plus")) == ("viele", "10")


# --- The whole way ---------------------------------------------------------------------------


def test_from_the_offer_to_the_installed_group(
    shopper: Shopper, bank: Bank, provider: Provider, drain: Callable[[], int]
) -> None:
    shopper.open("/" + shopper.language + "/office-365-business")
    shopper.follow(shopper.say("Commander", "Order"))
    assert shopper.typed("business") == "1"
    shopper.choose(4, 2, begin=False)
    assert shopper.step == "summary"
    shopper.carry_on()
    assert shopper.step == "identification"
    shopper.register()
    assert shopper.step == "contracts"
    customer = Account.get()
    assert shopper.sees(customer.nic_handle)
    shopper.confirm()
    order = shopper.ordered()
    assert shopper.sees(shopper.say("Paiement non reçu", "Payment not received"))
    response = shopper.go_to_bank()
    assert response.location.startswith("https://bank.example/pay/")
    checkout = response.location.rsplit("/", 1)[-1]
    bank.tell(checkout, CheckoutStatus.SUCCEEDED)
    shopper.open(bank.requests[checkout].return_url)
    assert shopper.sees(shopper.say("Validation", "Checking"))
    drain()
    shopper.open(shopper.address)
    assert shopper.sees(shopper.say("Finalisée", "Completed"))
    assert LicenceGroup.select().where(LicenceGroup.account == customer).count() == 2
    assert Order.get_by_id(order.id).status == OrderStatus.DELIVERED
    shopper.open("/manager/account/emails")
    assert shopper.sees(shopper.say("est installé", "service is installed"))


# --- Seven licences: lesson 7 ------------------------------------------------------------------


def expect_seven(shopper: Shopper) -> None:
    assert shopper.step == "contracts"
    assert shopper.sees("7 × Office 365 Business")
    order = shopper.confirm() and shopper.ordered()
    assert [(line.offer_id, line.quantity) for line in order.lines] == [("business", 7)]


def test_seven_survive_signing_in_after_a_wrong_password(shopper: Shopper, alice: Account) -> None:
    shopper.choose(7)
    shopper.carry_on()
    shopper.identify(alice, "wrong")
    assert shopper.response.status_code == 422
    shopper.identify(alice)
    expect_seven(shopper)


def test_seven_survive_a_registration_with_mistakes(shopper: Shopper) -> None:
    shopper.choose(7)
    shopper.carry_on()
    shopper.register(password_confirmation="something else")
    assert shopper.response.status_code == 422
    assert shopper.error_at("password_confirmation")
    shopper.press(
        shopper.say("Créer mon compte", "Create my account"),
        password="Correct-Horse-7",
        password_confirmation="Correct-Horse-7",
    )
    expect_seven(shopper)


def test_seven_survive_an_account_that_has_a_basket_elsewhere(
    app: Flask, shopper: Shopper, alice: Account
) -> None:
    elsewhere = Shopper(browser(app), shopper.language)
    elsewhere.choose(2, 5)
    elsewhere.carry_on()
    elsewhere.identify(alice)
    shopper.choose(7)
    shopper.carry_on()
    shopper.identify(alice)
    expect_seven(shopper)


def test_seven_survive_another_language_on_the_way(french: Shopper, alice: Account) -> None:
    french.choose(7)
    french.follow("English")
    french.language = "en"
    assert french.step == "summary"
    french.carry_on()
    french.identify(alice, "wrong")
    french.follow("Français")
    french.language = "fr"
    assert french.step == "identification"
    french.identify(alice)
    expect_seven(french)


# --- Back, and a second tab: lesson 9 ----------------------------------------------------------


def test_back_after_confirming_makes_no_second_order(shopper: Shopper, alice: Account) -> None:
    order = shopper.order(alice, 3)
    contracts = f"/{shopper.language}/order/contracts?basket={order.basket}&business=3&pro_plus=0"
    shopper.open(contracts)
    shopper.confirm()
    assert shopper.ordered() == order
    assert Order.select().count() == 1


def test_editing_after_confirming_replaces_the_unpaid_order(
    shopper: Shopper, alice: Account
) -> None:
    first = shopper.order(alice, 3)
    shopper.follow(shopper.say("Modifier la commande", "Change the order"))
    assert shopper.typed("business") == "3"
    shopper.choose(5, 1, begin=False)
    shopper.carry_on()
    shopper.confirm()
    second = shopper.ordered()
    assert second != first
    assert Order.get_by_id(first.id).status == OrderStatus.CANCELLED
    assert second.is_payable
    shopper.open(f"/{shopper.language}/order/{first.number}")
    assert shopper.sees(shopper.say("Annulée", "Cancelled"))


def test_an_order_under_payment_is_neither_edited_nor_cancelled(
    shopper: Shopper, alice: Account, bank: Bank
) -> None:
    order = shopper.order(alice, 3)
    shopper.go_to_bank()
    bank.tell("checkout-1", CheckoutStatus.PROCESSING)
    client, token = shopper.client, shopper.client.csrf_token()
    here = f"/{shopper.language}/order/{order.number}"
    assert client.ask("POST", here + "/cancellation", token=token).status_code == 409
    assert (
        client.ask("POST", here + "/payments", {"renewals": "self"}, token=token).status_code == 409
    )
    shopper.open(f"/{shopper.language}/order?basket={order.basket}&business=5&pro_plus=0")
    shopper.choose(5, 0, begin=False)
    shopper.carry_on()
    assert shopper.confirm().status_code == 409
    assert [row.status for row in Order.select()] == [OrderStatus.AWAITING_PAYMENT]
    assert len(bank.checkouts) == 1


def test_each_tab_orders_what_it_shows(app: Flask, shopper: Shopper, alice: Account) -> None:
    shopper.log_in(alice)
    shopper.choose(2)
    first_tab = shopper.address
    shopper.open(f"/{shopper.language}/order?business=9&pro_plus=4&basket=the-second-tabs-basket")
    shopper.choose(9, 4, begin=False)
    second_tab = shopper.address
    for tab, quantities in ((first_tab, [2]), (second_tab, [9, 4])):
        shopper.open(tab)
        shopper.carry_on()
        shopper.confirm()
        order = shopper.ordered()
        assert [line.quantity for line in order.lines] == quantities
    assert Order.select().where(Order.status == OrderStatus.AWAITING_PAYMENT).count() == 2


def test_a_visitors_page_begins_one_order_however_often_it_is_gone_back_to(
    app: Flask, shopper: Shopper, alice: Account
) -> None:
    shopper.choose(2)
    summary = shopper.address
    assert "basket=" not in summary, "the page is for all visitors"
    shopper.carry_on()
    shopper.identify(alice)
    for _ in range(3):
        shopper.confirm()
        number = shopper.ordered().number
        shopper.open(summary)
        shopper.carry_on()
    assert [row.number for row in Order.select()] == [number]
    shopper.order(alice, 2)
    assert Order.select().count() == 2, "a new page begins another"


def test_a_link_on_another_site_does_not_change_the_basket(shopper: Shopper) -> None:
    shopper.choose(8, 3)
    address = f"/{shopper.language}/order/summary?business=1&pro_plus=0"
    shopper.client.get(address, headers={"Sec-Fetch-Site": "cross-site"})
    shopper.open(f"/{shopper.language}/order")
    assert shopper.typed("business") == "8"


def test_a_second_tab_begins_with_what_was_chosen(shopper: Shopper) -> None:
    shopper.choose(8, 3)
    shopper.open(f"/{shopper.language}/order")
    assert (shopper.typed("business"), shopper.typed("pro_plus")) == ("8", "3")


def test_ordering_from_an_offers_page_adds_one_of_it_to_what_was_chosen(shopper: Shopper) -> None:
    shopper.choose(7, 0)
    for offer, numbers in (("pro-plus", ("7", "1")), ("business", ("7", "1"))):
        shopper.open(f"/{shopper.language}/office-365-{offer}")
        shopper.follow(shopper.say("Commander", "Order"))
        assert (shopper.typed("business"), shopper.typed("pro_plus")) == numbers
        shopper.press(shopper.say("Commander", "Order"))


def test_after_an_order_the_next_one_starts_afresh(shopper: Shopper, alice: Account) -> None:
    shopper.order(alice, 8)
    shopper.open(f"/{shopper.language}/order")
    assert shopper.typed("business") == "0"


@pytest.mark.parametrize("step", ["summary", "contracts"])
def test_a_step_without_a_basket_begins_at_the_beginning(
    shopper: Shopper, alice: Account, step: str
) -> None:
    shopper.log_in(alice)
    for asked in ("", "?business=0&pro_plus=0", "?business=301&pro_plus=0", "?business=x"):
        shopper.open(f"/{shopper.language}/order/{step}{asked}")
        assert shopper.sees(shopper.say("Choisissez vos licences", "Choose your licences"))
        if step == "summary" and asked:
            # The form of the order page leads here: what is wrong is said at its field.
            assert shopper.response.status_code == 422
            assert shopper.error_at("business")
        else:
            assert shopper.step == "order"
            assert shopper.sees(shopper.say("Choisissez d’abord", "Choose your licences first"))


# --- What is typed -----------------------------------------------------------------------------

WRONG: dict[str, tuple[str, str]] = {
    "-1": ("négatif", "cannot be negative"),
    "1.5": ("nombre entier", "whole number"),
    "2,5": ("nombre entier", "whole number"),
    "": ("Saisissez un nombre", "Enter a number"),
    "three": ("chiffres", "in digits"),
    "301": ("300", "300"),
    "9" * 39: ("300", "300"),
}


@pytest.mark.parametrize("typed", WRONG)
def test_a_wrong_number_is_said_at_its_field_and_kept(shopper: Shopper, typed: str) -> None:
    response = shopper.choose(typed, 2)
    assert response.status_code == 422
    assert shopper.say(*WRONG[typed]) in shopper.error_at("business")
    assert not shopper.error_at("pro_plus")
    assert shopper.typed("business") == typed
    assert shopper.typed("pro_plus") == "2"


def test_too_many_pro_plus_are_said_at_their_field(shopper: Shopper) -> None:
    assert shopper.choose(0, 100_001).status_code == 422
    said = (
        shopper.error_at("pro_plus")
        .replace(NO_BREAK, " ")
        .replace("\N{NARROW NO-BREAK SPACE}", " ")
    )
    assert shopper.say("100 000", "100,000") in said


def test_nothing_at_all_is_said_and_300_are_not(shopper: Shopper) -> None:
    assert shopper.choose(0, 0).status_code == 422
    assert shopper.say("au moins une licence", "at least one licence") in shopper.error_at(
        "business"
    )
    shopper.choose(300, 0)
    assert shopper.step == "summary"


# --- What is confirmed -------------------------------------------------------------------------


def test_without_the_contracts_there_is_no_order(shopper: Shopper, alice: Account) -> None:
    shopper.log_in(alice)
    shopper.choose(2)
    shopper.carry_on()
    response = shopper.confirm(accepted=False)
    assert response.status_code == 422
    assert shopper.error_at("accepted")
    assert not Order.select().exists()
    shopper.confirm()
    assert Acceptance.select().where(Acceptance.order == shopper.ordered()).count() == 3


@pytest.mark.parametrize(
    "forged",
    [
        {"total_cents": "1"}, {"total_cents": "0"}, {"total_cents": "-2112"},
        {"total_cents": ""}, {"total_cents": "9" * 30}, {"total_cents": "²"},
        {"digests": ""}, {"digests": "0" * 64}, {"digests": ",".join(["0" * 64] * 3)},
    ],
)  # fmt: skip
def test_what_the_page_did_not_show_is_not_confirmed(
    shopper: Shopper, alice: Account, forged: dict[str, Any]
) -> None:
    shopper.log_in(alice)
    shopper.choose(2)
    shopper.carry_on()
    response = shopper.confirm(**forged)
    assert response.status_code == 409
    assert not Order.select().exists()
    assert not Acceptance.select().exists()
    shopper.confirm()
    assert shopper.ordered().total_cents == 2112


def test_the_summary_leads_to_the_next_page_without_a_detour(
    shopper: Shopper, alice: Account
) -> None:
    """A visitor identifies first, a customer sees the contracts at once."""
    shopper.choose(business=1)
    assert shopper.find("form", action=f"/{shopper.language}/order/identification") is not None
    shopper.log_in(alice)
    shopper.choose(business=1)
    assert shopper.find("form", action=f"/{shopper.language}/order/contracts") is not None
