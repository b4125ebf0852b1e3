"""The bank: checkouts, cards, refunds, ledger."""

from __future__ import annotations

from datetime import date

import pytest
from peewee import IntegrityError

from sandbox.bank import ledger
from sandbox.bank.cards import TEST_CARDS, luhn, read_card
from sandbox.bank.models import Checkout, Entry, Letter, StoredCard
from tests.sandbox.conftest import SHOP, checkout_body

CARD = {"number": "4242 4242 4242 4242", "expiry": "12/34", "code": "123"}


def pay(visitor, checkout, **card):
    """Fill in and submit the payment page."""
    visitor.open(checkout["url"])
    return visitor.press("Payer", **(CARD | card))


def read_checkout(bank, checkout):
    return bank("GET", f"/checkouts/{checkout['reference']}").json


# --- Paying -----------------------------------------------------------------------


def test_an_accepted_card_pays_and_sends_the_customer_back(visitor, bank, open_checkout):
    checkout = open_checkout()
    answer = pay(visitor, checkout)
    assert (answer.status_code, answer.location) == (303, f"{SHOP}/payment/return/signed")
    now = read_checkout(bank, checkout)
    assert (now["status"], now["reason"], now["mandate"]) == ("succeeded", "", None)
    assert ledger.balances() == {"cards": -1056, "merchant": 1056}


def test_the_page_says_what_is_paid_for(visitor, open_checkout):
    visitor.open(open_checkout(amount_cents=123456, reference="BC-77")["url"])
    assert visitor.sees("1 234,56 €")
    assert visitor.sees("BC-77")
    assert not visitor.sees("enregistrée")


def test_the_page_speaks_the_customers_language_unless_asked_otherwise(visitor, open_checkout):
    checkout = open_checkout(language="en")
    visitor.open(checkout["url"])
    assert visitor.sees("Card number")
    visitor.follow("Français")
    assert visitor.sees("Numéro de carte")
    answer = visitor.press("Payer", number="1", expiry="", code="")
    assert answer.status_code == 422
    assert visitor.sees("Ce numéro de carte n’est pas correct")


def test_a_declined_card_ends_the_checkout_and_returns_too(visitor, bank, open_checkout):
    checkout = open_checkout()
    assert pay(visitor, checkout, number="4000000000000002").location.startswith(SHOP)
    assert read_checkout(bank, checkout)["status"] == "declined"
    assert read_checkout(bank, checkout)["reason"] == "card_declined"
    assert Entry.select().count() == 0
    visitor.open(checkout["url"])
    assert visitor.sees("Cette carte a été refusée")


@pytest.mark.parametrize(
    ("number", "reason"),
    [("4000000000009995", "insufficient_funds"), ("4000000000000069", "expired_card")],
)
def test_each_declining_card_has_its_reason(visitor, bank, open_checkout, number, reason):
    checkout = open_checkout()
    pay(visitor, checkout, number=number)
    assert read_checkout(bank, checkout)["reason"] == reason


def test_strong_authentication_comes_before_the_money(visitor, bank, open_checkout):
    checkout = open_checkout()
    pay(visitor, checkout, number="4000 0025 0000 3155")
    assert visitor.sees("Est-ce bien vous ?")
    assert read_checkout(bank, checkout)["status"] == "open"
    assert Entry.select().count() == 0
    assert visitor.press("Authentifier").location.startswith(SHOP)
    assert read_checkout(bank, checkout)["status"] == "succeeded"


def test_a_refused_authentication_declines(visitor, bank, open_checkout):
    checkout = open_checkout()
    pay(visitor, checkout, number="4000002500003155")
    assert visitor.press("Refuser").location.startswith(SHOP)
    assert read_checkout(bank, checkout)["reason"] == "authentication_failed"
    assert Entry.select().count() == 0


def test_a_customer_can_cancel_during_the_authentication(visitor, bank, open_checkout):
    checkout = open_checkout()
    pay(visitor, checkout, number="4000002500003155")
    visitor.press("Annuler et revenir à la boutique")
    assert read_checkout(bank, checkout)["status"] == "closed"
    visitor.open(f"/bank/pay/{checkout['reference']}/authentication")
    assert visitor.response.status_code == 410


def test_cancelling_closes_the_checkout_and_returns(visitor, bank, open_checkout):
    checkout = open_checkout()
    visitor.open(checkout["url"])
    assert visitor.press("Annuler et revenir à la boutique").location.startswith(SHOP)
    assert read_checkout(bank, checkout)["status"] == "closed"


def test_a_closed_page_takes_no_card(visitor, bank, open_checkout):
    checkout = open_checkout()
    visitor.open(checkout["url"])
    bank("POST", f"/checkouts/{checkout['reference']}/closure")
    answer = visitor.press("Payer", **CARD)
    assert answer.status_code == 410
    assert visitor.sees("Rien n’a été débité")
    assert Entry.select().count() == 0


def test_a_late_answer_leaves_the_payment_processing(
    visitor, bank, switch, open_checkout, clock, run_due
):
    switch(bank_outcome_delay=30)
    checkout = open_checkout()
    assert pay(visitor, checkout).status_code == 303
    assert read_checkout(bank, checkout)["status"] == "processing"
    assert Letter.select().count() == 0
    closed = bank("POST", f"/checkouts/{checkout['reference']}/closure").json
    assert closed["status"] == "processing"
    visitor.open(checkout["url"])
    assert visitor.sees("Votre paiement est en cours de confirmation")
    clock.shift(31)
    run_due()
    assert read_checkout(bank, checkout)["status"] == "succeeded"
    assert Letter.select().count() == 1


def test_pressing_pay_again_after_it_is_done_charges_nothing(client, visitor, open_checkout):
    checkout = open_checkout()
    visitor.open(checkout["url"])
    page = visitor.response.text
    assert visitor.press("Payer", **CARD).status_code == 303
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    again = client.post(checkout["url"], data=CARD | {"csrf_token": token})
    assert again.status_code == 303
    assert ledger.count_entries() == 1


# --- The card form -------------------------------------------------------------------------------


def test_bad_fields_are_named_and_nothing_typed_is_lost(visitor, bank, open_checkout):
    checkout = open_checkout()
    answer = pay(visitor, checkout, number="4242424242424241", expiry="13/30", code="12")
    assert answer.status_code == 422
    for sentence in (
        "Ce numéro de carte n’est pas correct",
        "Écrivez la date d’expiration sous la forme mois et année",
        "Le code de sécurité a 3 chiffres",
    ):
        assert visitor.sees(sentence)
    for value in ("4242424242424241", "13/30", "12"):
        assert f'value="{value}"' in answer.text
    assert read_checkout(bank, checkout)["status"] == "open"


def test_an_unknown_card_number_is_refused_with_a_message(visitor, open_checkout):
    answer = pay(visitor, open_checkout(), number="4111 1111 1111 1111")
    assert answer.status_code == 422
    assert visitor.sees("Ce n’est pas une carte de test")


def test_an_empty_form_asks_for_each_field(visitor, open_checkout):
    pay(visitor, open_checkout(), number="", expiry="", code="")
    assert visitor.response.text.count('aria-invalid="true"') == 3


TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("expiry", "read"),
    [
        ("11/26", (11, 2026)),
        ("1/27", (1, 2027)),
        ("01 / 27", (1, 2027)),
        ("0127", (1, 2027)),
        ("01/2027", (1, 2027)),
        ("01-27", (1, 2027)),
    ],
)
def test_the_expiry_date_is_read_as_people_write_it(expiry, read):
    card, problems = read_card(CARD | {"expiry": expiry}, TODAY)
    assert problems == {}
    assert (card.expiry_month, card.expiry_year) == read


@pytest.mark.parametrize("expiry", ["10/26", "00/30", "13/30", "2027", "abc", "1/2/27", "٠١/٢٧"])
def test_invalid_expiry_dates_are_refused(expiry):
    card, problems = read_card(CARD | {"expiry": expiry}, TODAY)
    assert card is None
    assert list(problems) == ["expiry"]


@pytest.mark.parametrize(
    ("number", "code", "good"),
    [
        ("4242424242424242", "123", True),
        ("4242424242424242", "1234", False),
        ("378282246310005", "1234", True),
        ("378282246310005", "123", False),
        ("4242424242424242", "12a", False),
        ("4242424242424242", "", False),
    ],
)
def test_the_security_code_has_the_length_of_its_card(number, code, good):
    _, problems = read_card(CARD | {"number": number, "code": code}, TODAY)
    assert (problems == {}) is good


def test_the_check_digit_catches_every_single_wrong_digit():
    for card in TEST_CARDS:
        assert luhn(card.number)
        for place in range(len(card.number)):
            for digit in set("0123456789") - {card.number[place]}:
                wrong = card.number[:place] + digit + card.number[place + 1 :]
                assert not luhn(wrong)


# --- Stored cards --------------------------------------------------------------------------------


@pytest.fixture
def stored(visitor, bank, open_checkout):
    """Return a function that stores a test card by paying with it; it returns the mandate."""

    def store(number=CARD["number"], amount=1056, expiry="12/34"):
        checkout = open_checkout(store_card=True, amount_cents=amount)
        pay(visitor, checkout, number=number, expiry=expiry)
        if "3155" in number:
            visitor.press("Authentifier")
        return read_checkout(bank, checkout)["mandate"]

    return store


def charge(bank, mandate, key=None, **fields):
    body = {
        "mandate": mandate["reference"],
        "amount_cents": 880,
        "currency": "EUR",
        "reference": "F-1",
        "description": "",
        "notification_url": f"{SHOP}/notifications/bank",
    }
    return bank("POST", "/charges", body | fields, key)


def test_a_stored_card_shows_only_its_last_digits(stored):
    mandate = stored()
    assert {k: v for k, v in mandate.items() if k != "reference"} == {
        "brand": "Visa",
        "last4": "4242",
        "expiry_month": 12,
        "expiry_year": 2034,
    }
    row = StoredCard.get()
    assert "4242424242424242" not in str(vars(row)["__data__"])


def test_the_customer_is_told_that_the_card_is_stored(visitor, open_checkout):
    visitor.open(open_checkout(store_card=True)["url"])
    assert visitor.sees("Avec votre accord, votre carte sera enregistrée")


def test_a_card_can_be_stored_without_charging_anything(visitor, bank, stored, open_checkout):
    visitor.open(open_checkout(store_card=True, amount_cents=0)["url"])
    assert visitor.sees("Rien n’est débité aujourd’hui")
    mandate = stored(amount=0)
    assert mandate["last4"] == "4242"
    assert ledger.count_entries() == 0


def test_a_stored_card_is_charged_while_the_customer_is_away(bank, stored):
    answer = charge(bank, stored())
    assert (answer.status_code, answer.json["status"]) == (201, "succeeded")
    assert answer.json["url"] == ""
    assert ledger.balances()["merchant"] == 1056 + 880


@pytest.mark.parametrize(
    ("number", "reason"),
    [("4000000000000341", "card_declined"), ("4000002500003155", "")],
)
def test_some_cards_are_declined_only_later(bank, stored, number, reason):
    answer = charge(bank, stored(number)).json
    assert answer["reason"] == reason
    assert answer["status"] == ("declined" if reason else "succeeded")


def test_a_revoked_card_is_not_charged(bank, stored):
    mandate = stored()
    assert bank("DELETE", f"/mandates/{mandate['reference']}").status_code == 204
    assert bank("DELETE", f"/mandates/{mandate['reference']}").status_code == 204
    assert charge(bank, mandate).json["reason"] == "mandate_revoked"
    assert bank("DELETE", "/mandates/md_unknown").status_code == 404


def test_a_card_expires_by_the_sandboxs_clock(bank, stored, move_on):
    mandate = stored(expiry="12/34")
    move_on(20 * 366 * 86400)
    assert charge(bank, mandate).json["reason"] == "expired_card"


def test_an_unknown_mandate_is_refused(bank, sandbox_app):
    assert charge(bank, {"reference": "md_unknown"}).status_code == 404


# --- Keys ----------------------------------------------------------------------------------------


def test_the_same_key_answers_the_same_checkout(open_checkout):
    assert open_checkout(key="k")["reference"] == open_checkout(key="k")["reference"]
    assert Checkout.select().count() == 1


@pytest.mark.parametrize("change", [{"amount_cents": 1}, {"return_url": "http://else.example/"}])
def test_a_key_is_refused_with_other_parameters(bank, open_checkout, change):
    open_checkout(key="k")
    again = bank("POST", "/checkouts", checkout_body(**change), "k")
    assert (again.status_code, again.json["error"]["code"]) == (409, "key_reused")


def test_a_repeated_charge_takes_the_money_once(bank, stored):
    mandate = stored()
    assert (
        charge(bank, mandate, "c").json["reference"] == charge(bank, mandate, "c").json["reference"]
    )
    assert ledger.count_entries() == 2
    assert charge(bank, mandate, "c", amount_cents=1).status_code == 409


def test_a_key_of_one_kind_of_call_is_refused_for_another(bank, stored):
    mandate = stored()
    assert charge(bank, mandate, "k").status_code == 201
    assert bank("POST", "/checkouts", checkout_body(), "k").status_code == 409


def test_a_refused_call_does_not_use_its_key_up(bank, open_checkout):
    assert bank("POST", "/checkouts", checkout_body(amount_cents=-1), "k").status_code == 422
    assert open_checkout(key="k")["status"] == "open"


# --- Refunds and ledger --------------------------------------------------------------------------


@pytest.fixture
def paid(visitor, open_checkout):
    checkout = open_checkout()
    pay(visitor, checkout)
    return checkout


def refund(bank, checkout, cents, key=None):
    path = f"/checkouts/{checkout['reference']}/refunds"
    return bank("POST", path, {"amount_cents": cents}, key)


def test_a_refund_is_made_once_for_each_key(bank, paid):
    first, second = refund(bank, paid, 1000, "r"), refund(bank, paid, 1000, "r")
    assert first.json == second.json
    assert ledger.balances() == {"cards": -56, "merchant": 56}
    assert refund(bank, paid, 1, "r").status_code == 409


def test_refunds_never_exceed_the_payment(bank, paid):
    assert refund(bank, paid, 1057).json["error"]["code"] == "too_much"
    assert refund(bank, paid, 1000).status_code == 201
    assert refund(bank, paid, 57).status_code == 422
    assert refund(bank, paid, 56).status_code == 201
    assert ledger.balances()["merchant"] == 0


def test_an_unpaid_checkout_is_not_refunded(bank, open_checkout):
    assert refund(bank, open_checkout(), 1).json["error"]["code"] == "not_paid"
    assert refund(bank, {"reference": "cs_unknown"}, 1).status_code == 404


def test_the_database_itself_refuses_a_second_payment_of_a_checkout(sandbox_app, paid):
    checkout = Checkout.get()
    with pytest.raises(IntegrityError):
        ledger.book_payment(checkout)


def test_the_ledger_can_be_read(visitor, bank, paid):
    refund(bank, paid, 56)
    ledger_page = bank("GET", "/ledger?reference=BC-1").json
    assert ledger_page["balances"] == {"cards": -1000, "merchant": 1000}
    assert [entry["kind"] for entry in ledger_page["entries"]] == ["refund", "payment"]
    assert bank("GET", "/ledger?reference=other").json["entries"] == []
    visitor.open("/bank/ledger")
    assert visitor.sees("Remboursement")
    visitor.press("Rechercher", reference="nothing")
    assert visitor.sees("Aucun mouvement avec cette référence")


def test_the_ledger_is_paginated(visitor, sandbox_app, paid):
    checkout = Checkout.get()
    for _ in range(30):
        ledger.book_refund(checkout, 1)
    visitor.open("/bank/ledger")
    assert visitor.sees("Page 1 sur 2")
    visitor.follow("Suivant")
    assert visitor.sees("Page 2 sur 2")
    assert visitor.sees("Paiement")


# --- Payouts -------------------------------------------------------------------------------------

DAY = 86_400


def payouts(bank, **asked):
    return bank("GET", "/payouts?" + "&".join(f"{n}={v}" for n, v in asked.items())).json


def test_each_day_pays_out_what_was_taken_two_days_before(bank, paid, move_on, visitor):
    assert payouts(bank) == {"payouts": [], "after": ""}
    refund(bank, paid, 56)
    move_on(2 * DAY)
    (payout,) = payouts(bank)["payouts"]
    fee = 15 + 25  # 1.4 % of 10.56 and 25 cents
    assert (payout["state"], payout["amount_cents"]) == ("pending", 1000 - fee)
    lines = bank("GET", f"/payouts/{payout['reference']}/lines").json["lines"]
    assert [(line["kind"], line["gross_cents"], line["fee_cents"]) for line in lines] == [
        ("charge", 1056, fee), ("refund", -56, 0),
    ]  # fmt: skip
    assert lines[0]["source"] == paid["reference"]
    move_on(DAY)
    assert [row["state"] for row in payouts(bank)["payouts"]] == ["paid"]
    visitor.open("/bank/payouts")
    assert visitor.sees("Arrivé")
    assert visitor.sees("9,60 €")


def test_days_of_refunds_alone_are_taken_off_the_next_payout(
    bank, paid, move_on, open_checkout, visitor
):
    move_on(2 * DAY)
    refund(bank, paid, 1000)
    move_on(3 * DAY)
    assert len(payouts(bank)["payouts"]) == 1
    pay(visitor, open_checkout(amount_cents=5000))
    move_on(2 * DAY)
    newest = payouts(bank)["payouts"][0]
    assert newest["amount_cents"] == 5000 - 70 - 25 - 1000


def test_a_clock_that_moves_on_far_makes_the_payout_of_each_day(
    bank, paid, move_on, open_checkout, visitor
):
    move_on(DAY)
    pay(visitor, open_checkout(amount_cents=5000))
    move_on(30 * DAY)
    found = payouts(bank)["payouts"]
    assert [row["state"] for row in found] == ["paid", "paid"]
    assert found[0]["created_at"] - found[1]["created_at"] == pytest.approx(DAY, abs=3600)
    assert payouts(bank, since=int(found[0]["created_at"]))["payouts"] == found[:1]
    assert payouts(bank, after=found[0]["reference"])["payouts"] == found[1:]
    assert bank("GET", "/payouts?after=po_unknown").status_code == 404


def test_a_payout_that_fails_comes_with_a_later_one(bank, paid, move_on, switch):
    move_on(2 * DAY)
    switch(payouts_failing=1)
    move_on(DAY)
    (failed,) = payouts(bank)["payouts"]
    assert (failed["state"], failed["reason"]) == ("failed", "account_closed")
    move_on(3 * DAY)
    later = payouts(bank)["payouts"][0]
    assert (later["state"], later["amount_cents"]) == ("paid", failed["amount_cents"])
    (line,) = bank("GET", f"/payouts/{later['reference']}/lines").json["lines"]
    assert (line["kind"], line["source"]) == ("payout", failed["reference"])


# --- Time ----------------------------------------------------------------------------------------


def test_a_payment_page_ends_after_a_day_of_the_sandboxs_clock(
    bank, visitor, open_checkout, move_on, run_due
):
    checkout = open_checkout()
    move_on(24 * 3600 - 60)
    run_due()
    assert read_checkout(bank, checkout)["status"] == "open"
    move_on(120)
    run_due()
    assert Letter.get().kind == "checkout.closed"
    assert read_checkout(bank, checkout)["status"] == "closed"
    visitor.open(checkout["url"])
    assert visitor.response.status_code == 410


def test_an_expired_page_is_closed_by_the_next_request(visitor, open_checkout, move_on):
    checkout = open_checkout()
    visitor.open(checkout["url"])
    move_on(25 * 3600)
    assert visitor.press("Payer", **CARD).status_code == 410
    assert Letter.get().kind == "checkout.closed"


# --- Access and validation ---------------------------------------------------------------------


def test_only_the_holder_of_the_key_may_call(bank, open_checkout):
    checkout = open_checkout()
    bank.key = "another"
    assert read_checkout(bank, checkout)["error"]["code"] == "unauthorised"
    assert bank("POST", "/checkouts", checkout_body()).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"amount_cents": -1},
        {"amount_cents": 10.5},
        {"amount_cents": "10"},
        {"amount_cents": True},
        {"currency": "USD"},
        {"reference": ""},
        {"language": "de"},
        {"return_url": "javascript:alert(1)"},
        {"notification_url": "ftp://x"},
        {"store_card": "yes"},
    ],
)
def test_an_invalid_call_is_refused(bank, sandbox_app, change):
    answer = bank("POST", "/checkouts", checkout_body(**change))
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "invalid")


def test_a_call_without_a_key_or_a_body_is_refused(bank, sandbox_app):
    assert bank("POST", "/checkouts", checkout_body(), "").status_code == 422
    assert bank("POST", "/checkouts", [1]).status_code == 400
    assert bank("GET", "/checkouts/cs_unknown").status_code == 404
    assert bank("GET", "/unknown").status_code == 404


def test_an_unknown_checkout_gets_an_error_page(visitor, bank, stored):
    assert visitor.open("/bank/pay/cs_unknown").status_code == 404
    off_session = charge(bank, stored()).json["reference"]
    assert visitor.open(f"/bank/pay/{off_session}").status_code == 404


def test_a_form_without_its_token_is_refused(client, open_checkout):
    answer = client.post(open_checkout()["url"], data=CARD)
    assert answer.status_code == 400
    assert Checkout.get().status == "open"


def test_the_content_security_policy_allows_forms_to_lead_only_to_the_shop(client, open_checkout):
    policy = client.get(open_checkout()["url"]).headers["Content-Security-Policy"]
    assert f"form-action 'self' {SHOP};" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    elsewhere = client.get("/bank/ledger").headers["Content-Security-Policy"]
    assert "form-action 'self';" in elsewhere
