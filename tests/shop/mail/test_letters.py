"""The content of e-mails: in both languages, the same as text and as HTML, and correct."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree.ElementTree import Element

import pytest
from flask import Flask

from models import (
    Account,
    Invoice,
    InvoiceKind,
    Letter,
    LicenceGroup,
    Order,
    Payment,
    PaymentStatus,
    Role,
    Seat,
)
from shop import mail, settings
from shop.customers import password_changes
from shop.mail.links import Links
from shop.orders import orders
from shop.orders.baskets import Basket
from shop.payments import outcomes, payments
from shop.payments.gateway import Checkout, CheckoutStatus
from shop.text import formats
from tests import ROOT
from tests.support import cast, letter_causes, letters, pages, purchases, staff
from tests.support.parties import Bank, Provider

TEMPLATES = ROOT / "templates" / "mail"


PEOPLE = {"fr": cast.ALICE, "en": cast.CHARLIE}


@pytest.fixture
def customer(app: Flask, language: str) -> Account:
    """Provide a customer of each language."""
    return cast.register(PEOPLE[language])


_written: dict[tuple[str, str], letters.Written] = {}


@pytest.fixture(params=["fr", "en"])
def language(request: pytest.FixtureRequest) -> str:
    """Provide each language."""
    return str(request.param)


@pytest.fixture(params=[*letter_causes.CAUSES, *letter_causes.STAFF_CAUSES])
def letter(request: pytest.FixtureRequest, language: str) -> letters.Written:
    """Provide each e-mail in each language, written by its cause; cached, as tests only read it."""
    name = (request.param, language)
    if name not in _written and request.param in letter_causes.STAFF_CAUSES:
        request.getfixturevalue("app")
        member = staff.member(Role.SUPPORT, language)
        letter_causes.STAFF_CAUSES[request.param](member)
        _written[name] = letters.Written.of_staff(letters.to_staff(member, request.param))
    if name not in _written:
        bank, provider = request.getfixturevalue("bank"), request.getfixturevalue("provider")
        account = cast.register(PEOPLE[language])
        letter_causes.CAUSES[request.param](account, bank, provider)
        _written[name] = letters.Written.of(letters.the(account, request.param))
    return _written[name]


# --- Every letter ----------------------------------------------------------------------------


def test_every_letter_of_the_shop_is_tested_here() -> None:
    written = {path.name.removesuffix(".subject.txt") for path in TEMPLATES.glob("*.subject.txt")}
    assert written == set(letter_causes.CAUSES | letter_causes.STAFF_CAUSES)
    assert all(callable(getattr(mail, kind)) for kind in written)


def test_a_letter_is_good_html_in_its_own_language(letter: letters.Written) -> None:
    html = letter.html
    assert not pages.problems(html, is_letter=True)
    assert letters.parsed(html).get("lang") == letter.language


def test_a_letters_text_is_all_in_its_language(letter: letters.Written) -> None:
    text = letters.plain(letter.text)
    sentences = pages.english_sentences()
    english = [known for known in sentences if len(known) > 20 and known in text]
    assert (letter.language == "en") == bool(english), english


def test_the_subject_is_one_line_that_says_what_it_is_about(letter: letters.Written) -> None:
    assert letter.subject == " ".join(letter.subject.split(" "))
    assert len(letter.subject.splitlines()) == 1
    assert 10 < len(letter.subject) <= 90


def test_text_and_html_say_the_same_figures(letter: letters.Written) -> None:
    text, html = letter.text, letter.html
    unnumbered = re.sub(r"(?m)^\d\. ", "", text)
    assert figures(unnumbered) == figures(letters.shown(html))


def figures(text: str) -> set[str]:
    """Return all amounts, numbers, dates and times of a text, except in URLs."""
    without = re.sub(r"https?://\S+", "", text)
    return set(re.findall(r"\d(?:[\d.,:\u202f]*\d)?", without))


WITHOUT_FACTS = {"announcement"}
"""Letters that say what a member of staff wrote, and nothing else."""


def test_text_and_html_say_the_same_facts(letter: letters.Written) -> None:
    seen = letters.seen(letter.html)
    facts = [
        letters.plain(line.split(":", 1)[1])
        for line in letter.text.splitlines()
        if line.startswith("  ") and ": " in line
    ]
    missing = [fact for fact in facts if fact not in seen]
    assert not missing
    assert facts or letter.kind in WITHOUT_FACTS


def test_text_and_html_lead_to_the_same_places(letter: letters.Written) -> None:
    assert letters.links(letter.html) == letters.addresses(letter.text)


def test_every_link_leads_to_a_page_of_the_shop(app: Flask, letter: letters.Written) -> None:
    routes = app.url_map.bind("localhost")
    own = {link for link in letters.links(letter.html) if link.startswith(purchases.BASE)}
    legal = {f"{purchases.BASE}/{letter.language}/{name}" for name in letters.LEGAL_PAGES}
    assert own >= legal
    assert (own > legal) is (letter.is_to_customer or letter.kind in mail.TO_STRANGERS)
    for link in own:
        routes.match(link.removeprefix(purchases.BASE), method="GET")


def test_a_letter_says_whom_it_is_for_and_who_sends_it(letter: letters.Written) -> None:
    seller = settings.current().seller
    for version in (letters.plain(letter.text), letters.seen(letter.html)):
        assert (letter.full_name in version) is not letter.is_to_unproved
        assert (letter.nic_handle in version) is letter.is_to_customer
        assert seller.name in version
        assert seller.siren in version
        assert seller.email in version


def test_a_letters_text_fits_old_mail_programs(letter: letters.Written) -> None:
    lines = letter.text.splitlines()
    assert not [line for line in lines if len(line) > 76 and "://" not in line]
    assert "\n\n\n" not in letter.text


@pytest.mark.parametrize("language", ["fr"])
def test_french_letters_follow_french_typography(letter: letters.Written) -> None:
    for version in (letter.subject, letter.text, letters.shown(letter.html)):
        readable = re.sub(r"https?://\S+", "", version)
        assert "'" not in readable
        assert not re.search(r"(?<!\u00a0):(?=\s|$)", readable)
        assert not re.search(r"(?<!\u202f)[;!?](?=\s|$)", readable)
        assert not re.search(r"«(?!\u00a0)|(?<!\u00a0)»", readable)


def test_layout_tables_are_presentational_and_others_are_named(letter: letters.Written) -> None:
    for table in letters.parsed(letter.html).iter("table"):
        is_layout = table.get("role") == "presentation"
        own_headers = [cell for cell in cells_of(table) if cell.tag == "th"]
        assert is_layout != bool(own_headers)
        assert is_layout or all(cell.get("scope") for cell in own_headers)


def cells_of(table: Element) -> list[Element]:
    """Return the cells of a table, without those of nested tables."""
    rows = [row for part in table for row in ([part] if part.tag == "tr" else part)]
    return [cell for row in rows for cell in row]


# --- What each of them says ------------------------------------------------------------------


def says(account: Account, kind: str, *facts: str) -> None:
    """Assert that text and HTML of the newest e-mail of a kind contain each of ``facts``."""
    letter = letters.the(account, kind)
    for version in (letters.plain(mail.text_of(letter)), letters.seen(mail.html_of(letter))):
        for fact in facts:
            assert letters.plain(fact) in version, (kind, fact, version)


def test_the_first_letter_shows_the_customer_id(customer: Account) -> None:
    says(customer, "account_created", customer.nic_handle, customer.email)
    letter = letters.the(customer, "account_created")
    assert customer.nic_handle in letter.subject
    assert f"{purchases.BASE}/login" in mail.text_of(letter)
    assert cast.PASSWORD not in mail.text_of(letter) + mail.html_of(letter)


def test_the_reset_letter_holds_the_link_and_how_long_it_works(customer: Account) -> None:
    letter_causes.accounts.password_reset(customer, Bank(), Provider())
    letter = letters.the(customer, "password_reset")
    assert password_changes.RESET_LENGTH.total_seconds() == 3600
    expected = {"fr": "valable une heure", "en": "valid for one hour"}
    says(customer, "password_reset", expected[customer.language])
    (link,) = [x for x in letters.addresses(mail.text_of(letter)) if "/password/" in x]
    assert password_changes.find_reset(link.rsplit("/", 1)[1]) is not None


def test_the_order_letter_agrees_with_the_order_to_the_cent(customer: Account) -> None:
    letter_causes.orders.order_placed(customer, Bank(), Provider())
    order = Order.get(Order.account == customer)
    amounts = [order.net_cents, order.vat_cents, order.total_cents]
    for line in order.lines:
        amounts += [line.unit_price_cents, line.net_cents]
        says(customer, "order_placed", line.offer_name, f"{line.quantity} ×")
    says(
        customer,
        "order_placed",
        order.number,
        formats.rate(order.vat_rate, customer.language),
        formats.day(order.placed_at, customer.language),
        formats.moment(order.expires_at, customer.language),
        *[formats.money(amount, customer.language) for amount in amounts],
    )


def test_the_order_letter_says_under_which_vat(charlie: Account) -> None:
    purchases.place(charlie, language="en")
    says(charlie, "order_placed", "VAT of Ireland, declared through the One Stop Shop")


PLACED_IN_ENGLISH = (
    "order_placed", "order_cancelled", "order_expired", "payment_received", "payment_refunded",
    "delivery_failed", "service_installed", "licences_added", "invoice_issued", "invoice_paid",
    "invoice_payment_refunded", "credit_note_issued", "payment_failed", "service_suspended",
    "termination_notice", "withdrawal_received",
)  # fmt: skip


@pytest.mark.parametrize("kind", PLACED_IN_ENGLISH)
def test_letters_on_an_order_speak_the_customers_language_of_now(
    kind: str, alice: Account, bank: Bank, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = purchases.place

    def in_english(account: Account, chosen: Basket | None = None, language: str = "") -> Order:
        return place(account, chosen, "en")

    monkeypatch.setattr(purchases, "place", in_english)
    letter_causes.CAUSES[kind](alice, bank, provider)
    assert Order.get(Order.account == alice).language == "en"
    sentences = [known for known in pages.english_sentences() if len(known) > 20]
    for letter in Letter.select().where(Letter.account == alice):
        said = letters.plain(f"{letter.subject} {mail.text_of(letter)}")
        assert letter.language == "fr"
        assert not [known for known in sentences if known in said], letter.kind


def test_what_is_attached_keeps_its_language(alice: Account) -> None:
    order = purchases.place(alice, language="en")
    letter = letters.the(alice, "order_placed")
    assert letter.subject == f"Votre bon de commande n°\u00a0{order.number}"
    attached, *_ = mail.attachments_of(letter)
    assert attached.filename == f"purchase-order-{order.number}.pdf"


def test_the_vat_is_explained_in_the_language_of_the_letter(charlie: Account) -> None:
    purchases.place(charlie, language="fr")
    says(charlie, "order_placed", "VAT of Ireland, declared through the One Stop Shop")


def test_why_money_is_credited_is_said_in_the_language_of_the_letter(
    charlie: Account, bank: Bank, provider: Provider
) -> None:
    letter_causes.services.withdrawal_received(charlie, bank, provider)
    note = Invoice.get(Invoice.kind == InvoiceKind.CREDIT_NOTE)
    assert note.reason.startswith("Rétractation")
    says(charlie, "credit_note_issued", "Withdrawal from the contract within 14 days.", note.number)


def test_the_payment_letter_says_what_happens_next(
    customer: Account, bank: Bank, provider: Provider
) -> None:
    letter_causes.orders.payment_received(customer, bank, provider)
    order = Order.get(Order.account == customer)
    patience = {"fr": "jusqu’à 4 heures", "en": "up to 4 hours"}
    total = formats.money(order.total_cents, customer.language)
    says(customer, "payment_received", order.number, total, patience[customer.language])


def test_the_installed_letter_counts_the_licences_and_leads_to_them(
    customer: Account, bank: Bank, provider: Provider
) -> None:
    letter_causes.licences.service_installed(customer, bank, provider)
    for group in LicenceGroup.select().where(LicenceGroup.account == customer):
        licences = Seat.select().where(Seat.group == group).count()
        letter = Letter.get(Letter.key == f"service_installed:{group.id}")
        text = letters.plain(mail.text_of(letter))
        assert re.search(rf"(Nombre de licences|Number of licences) ?: {licences}\b", text)
        for said in (group.display_name, group.name, group.offer.name, "configureme", "O365"):
            assert said in text
        assert {"fr": "Configurer", "en": "Configure"}[customer.language] in text


def test_the_licence_letter_holds_what_is_needed_to_sign_in(customer: Account) -> None:
    letter_causes.licences.licence_active(customer, Bank(), Provider())
    says(customer, "licence_active", letters.ADDRESS, letters.PASSWORD, letters.GROUP)
    assert letters.PORTAL in letters.links(mail.html_of(letters.the(customer, "licence_active")))
    assert letters.PASSWORD not in letters.the(customer, "licence_active").subject


def test_the_labels_in_letters_are_those_on_screen(alice: Account) -> None:
    letter_causes.licences.licence_active(alice, Bank(), Provider())
    says(alice, "licence_active", "« Installer »", "« Téléphone et tablette »")
    says(alice, "licence_active", "« Changer le mot de passe »", "Login")
    says(alice, "account_created", "Identifiant client (nic-handle)", "Se connecter")
    says(alice, "account_created", "« Mon compte »", "« Emails reçus »")


# --- Why money goes back ---------------------------------------------------------------------


def refunded_because_cancelled(account: Account, bank: Bank, provider: Provider) -> None:
    letter_causes.orders.payment_refunded(account, bank, provider)


def refunded_because_expired(account: Account, bank: Bank, provider: Provider) -> None:
    order = purchases.place(account, language=account.language)
    payment = purchases.start_paying(order)
    letter_causes.orders.expire(order)
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED))


def refunded_because_paid_already(account: Account, bank: Bank, provider: Provider) -> None:
    order = purchases.place(account, language=account.language)
    payment = purchases.start_paying(order)
    payments.record_manual_payment(order, by="operator")
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED))


def refunded_because_of_another_amount(account: Account, bank: Bank, provider: Provider) -> None:
    payment = purchases.start_paying(purchases.place(account, language=account.language))
    wrong = Checkout(payment.checkout or "", CheckoutStatus.SUCCEEDED, 1, "EUR")
    bank.checkouts[wrong.reference] = wrong
    outcomes.CHECKOUTS.settle(payment, wrong)


def refunded_because_not_delivered(account: Account, bank: Bank, provider: Provider) -> None:
    letter_causes.orders.delivery_failed(account, bank, provider)
    orders.refund_order(Order.get(Order.account == account), by="operator")


@pytest.mark.parametrize(
    ("cause", "french", "english"),
    [
        (refunded_because_cancelled, "après l’annulation", "had been cancelled"),
        (refunded_because_expired, "après l’expiration", "had expired"),
        (refunded_because_paid_already, "déjà payée", "paid already"),
        (refunded_because_of_another_amount, "n’était pas celui", "was not the amount due"),
        (refunded_because_not_delivered, "pas pu installer", "could not install"),
    ],
)
def test_a_refund_letter_says_why_and_when(
    cause: letter_causes.Cause, french: str, english: str,
    customer: Account, bank: Bank, provider: Provider, drain: Callable[[], int],
) -> None:  # fmt: skip
    cause(customer, bank, provider)
    drain()
    payment = Payment.get(Payment.status == PaymentStatus.REFUNDED)
    reason = {"fr": french, "en": english}[customer.language]
    when = {"fr": "sous 5 à 10 jours ouvrés", "en": "within 5 to 10 working days"}
    amount = formats.money(payment.refund_cents, customer.language)
    says(customer, "payment_refunded", payment.order.number, amount, reason)
    says(customer, "payment_refunded", when[customer.language])


# --- Names of all kinds ----------------------------------------------------------------------


def test_names_are_shown_as_they_are_and_never_as_markup(app: Flask) -> None:
    name = '<b onclick="x()">Zoé</b> & Ναυσικά'
    account = cast.register(cast.ALICE, first_name=name, last_name="王")
    mail.licence_released(account, group="<i>R&D</i>", address="a&b@x.example", key="1")
    letter = letters.the(account, "licence_released")
    html = mail.html_of(letter)
    assert not list(letters.parsed(html).iter("b"))
    assert not list(letters.parsed(html).iter("i"))
    says(account, "licence_released", f"{name} 王", "<i>R&D</i>", "a&b@x.example")


def test_the_brand_is_the_one_of_the_settings(make_app: Callable[..., Flask]) -> None:
    make_app(SHOP_NAME="Brise & Fils", SELLER_NAME="Brise SA", PUBLIC_URL="https://brise.example")
    alice = cast.register(cast.ALICE)
    letter = letters.the(alice, "account_created")
    assert letter.subject.startswith("Bienvenue chez Brise & Fils")
    says(alice, "account_created", "L’équipe Brise & Fils", "Brise SA")
    assert "https://brise.example/login" in letters.links(mail.html_of(letter))


def test_addresses_follow_the_language() -> None:
    french = Links("https://shop.example", "fr")
    assert french.new_order == "https://shop.example/fr/order"
    assert replace(french, language="en").new_password == "https://shop.example/en/password"
