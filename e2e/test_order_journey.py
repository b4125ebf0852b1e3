"""From the public order page to an installed licence group, in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from e2e import by_http
from e2e import journey as cards
from e2e.combinations import Combination
from e2e.journey import Journey
from e2e.live import LiveShop

Check = Callable[[], None]


def test_a_new_customer_orders_pays_and_owns_an_installed_group(
    page: Page, journey: Journey, check_accessibility: Check
) -> None:
    journey.begin_at_offer()
    check_accessibility()
    journey.choose(business=7, pro_plus=2)
    expect(journey.button("Poursuivre", "Continue")).to_be_visible()
    expect(page.locator("main")).to_contain_text(journey.say("104,88\u00a0€", "€104.88"))
    check_accessibility()
    journey.carry_on()
    expect(journey.link("Créez un compte", "Create an account")).to_be_visible()
    check_accessibility()
    nic_handle = journey.create_account()
    check_accessibility()
    number = journey.confirm()
    check_accessibility()
    expect(page.locator("main")).to_contain_text(nic_handle)
    journey.pay()
    journey.expect_delivered()
    check_accessibility()

    page.goto("/manager/account/emails")
    letters = page.locator("main")
    for french, english in (
        ("identifiant client", "customer ID"),
        ("bon de commande", "purchase order"),
        ("Paiement", "Payment"),
        ("installé", "installed"),
    ):
        expect(letters).to_contain_text(
            re.compile(re.escape(journey.say(french, english)), re.IGNORECASE)
        )
    check_accessibility()
    page.goto("/manager/account/orders")
    expect(page.get_by_role("link", name=re.compile(number)).first).to_be_visible()
    check_accessibility()
    page.goto("/manager/web")
    expect(page.locator("main")).to_contain_text(journey.say("0 sur 9", "0 of 9"))
    check_accessibility()


def test_an_existing_customer_finds_seven_licences_again_after_a_wrong_password(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    customer = shop.new_customer(journey.language)
    journey.begin_at_offer("office-365-pro-plus")
    journey.choose(business=0, pro_plus=7)
    journey.carry_on()
    journey.sign_in(customer, password="not-the-password")
    expect(
        page.get_by_text(journey.say("ne correspondent pas", "do not match")).first
    ).to_be_visible()
    check_accessibility()
    journey.sign_in(customer)
    expect(page.locator("main")).to_contain_text("7 × Office 365 Pro Plus")
    journey.confirm()
    line = page.get_by_role("row").filter(has_text="Office 365 Pro Plus")
    expect(line).to_contain_text("7")


def test_numbers_that_cannot_be_ordered_are_said_at_their_field(
    page: Page, journey: Journey, check_accessibility: Check
) -> None:
    page.goto(f"/{journey.language}/order")
    for business, pro_plus, french, english in (
        ("0", "0", "au moins une licence", "at least one licence"),
        ("-1", "0", "négatif", "negative"),
        ("1.5", "0", "entier", "whole"),
        ("", "1", "nombre de licences", "number of licences"),
        ("trois", "0", "chiffres", "digits"),
        ("301", "0", "300", "300"),
        ("0", "9" * 30, "100", "100"),
    ):
        journey.choose(business, pro_plus)
        error = page.locator(".field-error:not(:empty)").first
        expect(error).to_contain_text(journey.say(french, english))
        if business.isdigit():
            field = journey.field("Licences Office 365 Business", "Office 365 Business licences")
            expect(field).to_have_value(business)
    check_accessibility()


def test_a_declined_card_leaves_the_order_payable(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    journey.order(shop.new_customer(journey.language))
    journey.pay(cards.DECLINED)
    journey.expect_status("Paiement non reçu", "Payment not received")
    expect(page.locator("main")).to_contain_text(
        journey.say("Rien n’a été débité", "Nothing was charged")
    )
    check_accessibility()
    journey.pay()
    journey.expect_delivered()


def test_strong_authentication_comes_back_signed_in(
    page: Page, journey: Journey, shop: LiveShop
) -> None:
    journey.order(shop.new_customer(journey.language))
    journey.pay(cards.STRONG)
    journey.button("Authentifier", "Authenticate").click()
    journey.expect_delivered()


def test_a_refused_authentication_charges_nothing(
    page: Page, journey: Journey, shop: LiveShop
) -> None:
    journey.order(shop.new_customer(journey.language))
    journey.pay(cards.STRONG)
    journey.button("Refuser", "Refuse").click()
    journey.expect_status("Paiement non reçu", "Payment not received")
    expect(page.locator("main")).to_contain_text(
        journey.say("Rien n’a été débité", "Nothing was charged")
    )


def test_a_card_is_stored_only_with_consent(page: Page, journey: Journey, shop: LiveShop) -> None:
    journey.order(shop.new_customer(journey.language))
    journey.go_to_bank(by_card=True)
    expect(page.locator("main")).to_contain_text(
        re.compile(journey.say("conserv|enregistr", "keep|store|stored"), re.IGNORECASE)
    )
    journey.enter_card(cards.ACCEPTED)
    journey.expect_delivered()


def test_a_customer_who_walks_away_finds_the_order_and_pays_later(
    page: Page, journey: Journey, shop: LiveShop
) -> None:
    number = journey.order(shop.new_customer(journey.language))
    journey.go_to_bank()
    page.goto("/manager/account/orders")
    page.get_by_role("link", name=re.compile(number)).first.click()
    journey.pay()
    page.goto(f"/{journey.language}/order/{number}")
    journey.expect_delivered()


def test_the_back_button_at_the_bank_shows_the_same_unpaid_order(
    page: Page, journey: Journey, shop: LiveShop
) -> None:
    number = journey.order(shop.new_customer(journey.language), business=3)
    journey.go_to_bank()
    page.go_back()
    expect(page).to_have_url(re.compile(rf"/order/{number}"))
    journey.pay()
    journey.expect_delivered()
    page.goto("/manager/account/orders")
    expect(page.locator("main").get_by_role("link", name=number, exact=True)).to_have_count(1)
    expect(page.locator("main tbody tr")).to_have_count(1)


def test_the_order_says_checking_while_the_bank_is_slow(
    page: Page, journey: Journey, sandbox: LiveShop, check_accessibility: Check
) -> None:
    journey.order(sandbox.new_customer(journey.language))
    sandbox.switch(bank_outcome_delay=4)
    journey.pay()
    journey.expect_status("Validation", "Checking")
    # A second Pay starts no new charge: there is no button for it.
    expect(journey.button("Payer par carte", "Pay by card")).to_have_count(0)
    check_accessibility()
    journey.expect_delivered()


@pytest.mark.parametrize("timing", ["before", "after"])
def test_the_customer_may_come_back_before_or_after_the_notification(
    page: Page, journey: Journey, sandbox: LiveShop, timing: str, combination: Combination
) -> None:
    number = journey.order(sandbox.new_customer(journey.language))
    sandbox.switch(notification_timing=timing, notifications_doubled=True)
    journey.pay()
    # A script removes the reference by which the customer came back.
    own = re.compile(rf"/order/{number}$" if combination.script else rf"/order/{number}\?payment=")
    expect(page).to_have_url(own)
    page.reload()
    expect(page).to_have_url(own)
    journey.expect_delivered()


def test_the_customer_chooses_who_pays_the_renewals(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    number = journey.order(shop.new_customer(journey.language))
    choice, error = page.locator("#field-renewals"), page.locator("#renewals-error")
    expect(choice.locator("input:checked")).to_have_count(0)
    journey.button("Payer par carte", "Pay by card").click()
    expect(error).to_contain_text(
        journey.say("Choisissez comment les renouvellements", "Choose how the renewals")
    )
    check_accessibility()
    journey.pay(cards.ACCEPTED, by_card=True)
    journey.expect_delivered()
    page.goto(f"/manager/account/orders/{number}")
    expect(choice).to_have_count(0)
    page.goto("/manager/account/cards")
    expect(page.locator("main")).to_contain_text("4242")
    expect(page.locator("main")).to_contain_text("Office 365 Business")
    check_accessibility()


def test_an_unpaid_order_is_cancelled(page: Page, journey: Journey, shop: LiveShop) -> None:
    number = journey.order(shop.new_customer(journey.language))
    page.goto(f"/manager/account/orders/{number}")
    page.locator("summary", has_text=journey.say("Annuler la", "Cancel the")).click()
    journey.button("Oui, annuler la commande", "Yes, cancel the order").click()
    expect(page.locator("main")).to_contain_text(journey.say("Annulée", "Cancelled"))
    expect(journey.button("Payer par carte", "Pay by card")).to_have_count(0)
    journey.link("Commander à nouveau", "Order again").click()
    expect(page.locator("#business")).to_have_value("1")


def test_a_second_tab_takes_the_basket_up_and_makes_one_order(
    page: Page, journey: Journey, shop: LiveShop
) -> None:
    journey.begin_at_offer()
    journey.choose(business=5)
    second = Journey(page.context.new_page(), journey.language)
    second.page.goto(f"/{journey.language}/order")
    field = second.field("Licences Office 365 Business", "Office 365 Business licences")
    expect(field).to_have_value("5")
    second.button("Commander", "Order").click()
    journey.carry_on()
    journey.sign_in(shop.new_customer(journey.language))
    number = journey.confirm()
    second.carry_on()
    assert second.confirm() == number


def test_a_forgotten_password_is_replaced_by_the_link_in_an_email(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    customer = shop.new_customer(journey.language)
    page.goto("/login")
    page.get_by_role(
        "link", name=re.compile(journey.say("Mot de passe oublié", "Forgot"), re.IGNORECASE)
    ).first.click()
    check_accessibility()
    page.locator("main input[name=identifier]").fill(customer.nic_handle)
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main")).to_contain_text(journey.say("e-mail", "email"))
    check_accessibility()
    # The customer, still signed in in another session, reads the e-mail there.
    page.goto("/login")
    journey.sign_in(customer)
    journey.open_letter("mot de passe", "password")
    page.get_by_text(journey.say("L’e-mail en texte", "The email as text")).click()
    text = page.locator("main").inner_text()
    link = re.search(r"https?://\S+/password/[\w-]+", text)
    assert link, text
    page.goto(link.group())
    check_accessibility()
    journey.field("Mot de passe", "Password").fill("Un-Autre-Secret-8")
    journey.field("Confirmer le mot de passe", "Confirm password").fill("Un-Autre-Secret-8")
    page.locator("main form button[type=submit]").click()
    expect(page).to_have_url(re.compile("/login"))
    journey.sign_in(customer, password="Un-Autre-Secret-8")
    expect(page).to_have_url(re.compile("/manager/web"))
    page.goto(link.group())
    expect(page.locator("main")).not_to_contain_text(
        journey.say("Confirmer le mot", "Confirm pass")
    )


def test_changing_an_order_of_licences_leads_back_to_its_group(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    group = by_http.open_group(page, shop.new_customer(journey.language, licences=3))
    name = group.rsplit("/", 1)[-1]
    number = journey.field("Nombre de licences", "Number of licences")

    def generate() -> None:
        journey.button("Poursuivre", "Continue").click()
        page.get_by_role("checkbox").check()
        journey.button("Générer le bon de commande", "Generate the purchase order").click()
        expect(page).to_have_url(re.compile(r"/manager/account/orders/\d+$"))

    page.goto(f"/manager/order/office?group={name}&quantity=297")
    generate()
    first = page.url
    check_accessibility()
    journey.link("Modifier la commande", "Change the order").click()
    expect(number).to_have_value("297")
    expect(journey.field("Groupe de licences", "Licence group")).to_have_value(name)
    expect(page.locator("main")).to_contain_text(
        journey.say("groupe : 297 sur 300", "297 of 300 places are free")
    )
    number.fill("2")
    generate()
    assert page.url != first
    expect(page.locator("main")).to_contain_text(journey.say("Paiement non reçu", "not received"))
    page.goto(first)
    expect(page.locator("#order-status")).to_contain_text(journey.say("Annulée", "Cancelled"))


def test_more_than_a_card_pays_is_refused_before_it_is_ordered(
    page: Page, journey: Journey, check_accessibility: Check
) -> None:
    journey.begin_at_offer("office-365-pro-plus")
    journey.choose(pro_plus=100_000)
    expect(page.locator(".error-summary")).to_contain_text(
        journey.say("plus que ce que les banques acceptent", "more than banks accept")
    )
    check_accessibility()


def test_what_is_not_installed_is_refunded_and_the_rest_is_kept(
    page: Page, journey: Journey, sandbox: LiveShop, check_accessibility: Check
) -> None:
    customer = sandbox.new_customer(journey.language)
    sandbox.switch(provider_refused_offer="pro_plus")
    journey.begin_at_offer()
    journey.choose(business=3, pro_plus=2)
    journey.carry_on()
    journey.sign_in(customer)
    journey.confirm()
    journey.pay()
    journey.expect_status("Échec de la livraison", "Delivery failed")
    order = page.locator("#order-status")
    expect(journey.button("Réessayer", "Try again")).to_be_visible()
    expect(order).to_contain_text("2\u00a0×\u00a0Office 365 Pro Plus")
    check_accessibility()
    journey.button("Être remboursé", "Get refunded").click()
    journey.expect_delivered()
    by_http.see(page, order.get_by_text(journey.say("Remboursé le", "Refunded on")))
    # 25.80 and the VAT of the customer's country.
    expect(order).to_contain_text(re.compile(journey.say(r"\(30,96\s€", r"\(€\d\d\.\d\d")))
    expect(order.get_by_role("link", name=re.compile("Office 365 Business"))).to_be_visible()
    expect(order.get_by_role("link", name=re.compile("Office 365 Pro Plus"))).to_have_count(0)
    check_accessibility()
    journey.open_letter("Remboursement d’une partie", "Refund of a part")
    expect(page.locator("main")).to_contain_text(journey.say("Installé le", "Installed on"))
