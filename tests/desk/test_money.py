"""Money at the desk: acts with a reason, once, by those who may; the accountant's corner."""

from __future__ import annotations

import re
from datetime import date

import pytest
from flask import Flask

from models import (
    Account,
    AccountCredit,
    Invoice,
    InvoiceStatus,
    MoneyAct,
    Payment,
    Role,
)
from shop import clock, money_acts, vat
from shop.invoicing import account_credits
from shop.jobs import queue
from shop.payments import disputes, gateway
from shop.payments.gateway import DisputeState
from shop.settings import current
from shop.subscriptions import corrections
from tests.support import billing, fec_rules, purchases, staff
from tests.support.billing import fresh
from tests.support.client import CheckingClient
from tests.support.parties import Bank
from web import files

pytestmark = pytest.mark.usefixtures("provider")


def address_of(number: str, name: str = "") -> str:
    return f"/desk/money/documents/{number}" + (f"/{name}" if name else "")


def test_billing_records_a_part_payment_and_the_rest(app: Flask, alice: Account) -> None:
    desk = staff.desk_of(app, Role.BILLING)
    invoice = billing.due(alice)
    form = {"day": clock.today().isoformat(), "reference": "VIR 1", "amount": "40,00"}
    done = staff.confirm(desk, address_of(invoice.number, "mark-paid"), **form)
    assert done.location == address_of(invoice.number)
    page = desk.get(address_of(invoice.number)).text
    assert "40,00" in page
    assert "Asked by telephone" in page
    assert fresh(invoice).balance_cents == 6_560
    rest = form | {"reference": "VIR 2", "amount": "65.60 €"}
    staff.confirm(desk, address_of(invoice.number, "mark-paid"), **rest)
    assert fresh(invoice).status == InvoiceStatus.PAID
    event = MoneyAct.select().order_by(MoneyAct.id).get()
    assert event.asked_by.startswith("staff:")
    billing.assert_balanced()


def test_what_cannot_be_is_said_before_the_confirming_step(app: Flask, alice: Account) -> None:
    desk = staff.desk_of(app, Role.BILLING)
    invoice = billing.due(alice)
    address, day = address_of(invoice.number, "mark-paid"), clock.today().isoformat()
    base = {"key": "k", "reason": "Virement", "reference": "VIR", "day": day}
    for wrong, said in {
        "dix": "Indiquez un montant en euros",
        "": "Indiquez un montant",
    }.items():
        answer = desk.ask("POST", address, base | {"amount": wrong})
        assert answer.status_code == 422
        assert said in answer.text
    answer = desk.ask("POST", address, base | {"amount": "10,00", "reason": ""})
    assert "Indiquez le motif" in answer.text
    answer = desk.ask("POST", address, base | {"amount": "10,00", "day": "2199-01-01"})
    assert answer.status_code == 422
    answer = desk.ask("POST", address, base | {"amount": "105,30", "confirmed": "yes"})
    assert answer.status_code == 422, "the rest would be too small"
    assert not MoneyAct.select().exists()


def test_a_form_sent_twice_is_one_act(app: Flask, alice: Account) -> None:
    desk = staff.desk_of(app, Role.BILLING)
    invoice = billing.due(alice)
    form = {"key": "one", "reason": "Erreur", "percent": "100", "confirmed": "yes"}
    for _ in range(2):
        answer = desk.ask("POST", address_of(invoice.number, "credit"), form)
        assert answer.location == address_of(invoice.number)
    assert Invoice.select().where(Invoice.kind == "credit_note").count() == 1
    amount = {"key": "two", "reason": "Excuses", "amount": "5", "confirmed": "yes"}
    for _ in range(2):
        desk.ask("POST", f"/desk/money/customers/{alice.nic_handle}/goodwill", amount)
    assert account_credits.available_of(alice) == 500
    billing.assert_balanced()


@pytest.mark.every_case
def test_a_key_longer_than_ours_is_cut(app: Flask, alice: Account) -> None:
    desk = staff.desk_of(app, Role.BILLING)
    form = {"key": "k" * 300, "reason": "Excuses", "amount": "5", "confirmed": "yes"}
    for _ in range(2):
        answer = desk.ask("POST", f"/desk/money/customers/{alice.nic_handle}/goodwill", form)
        assert answer.status_code == 303
    assert account_credits.available_of(alice) == 500


def test_a_credit_note_takes_an_amount_and_the_customer_reads_why(
    app: Flask, alice: Account, bank: Bank
) -> None:
    desk = staff.desk_of(app, Role.BILLING)
    invoice = billing.invoice_of(billing.delivered(alice, bank))
    staff.confirm(desk, address_of(invoice.number, "credit"), amount="3,00", reason="Panne")
    note = Invoice.get(Invoice.kind == "credit_note")
    assert (note.net_cents, note.reason) == (300, "Panne")
    assert note.number in desk.get(address_of(invoice.number)).text
    queue.drain()
    billing.assert_balanced()


def test_a_failed_refund_is_asked_for_again(app: Flask, alice: Account, bank: Bank) -> None:
    desk = staff.desk_of(app, Role.BILLING)
    invoice = billing.due(alice)
    billing.pay(invoice, bank)
    bank.refunding = gateway.RefundState.FAILED
    note = billing.credit(fresh(invoice))
    queue.drain()
    staff.confirm(desk, address_of(note.number, "retry-refund"))
    queue.drain()
    form = {"day": clock.today().isoformat(), "reference": "VIR 3"}
    staff.confirm(desk, address_of(note.number, "mark-refunded"), **form)
    assert fresh(note).status == InvoiceStatus.REFUNDED
    assert desk.get(address_of(note.number, "retry-refund")).status_code == 404
    billing.assert_balanced()


def test_a_part_payment_no_longer_needed_is_paid_out(app: Flask, alice: Account) -> None:
    desk = staff.desk_of(app, Role.BILLING)
    invoice = billing.due(alice)
    day = clock.today().isoformat()
    form = {"day": day, "reference": "VIR 1", "amount": "40"}
    staff.confirm(desk, address_of(invoice.number, "mark-paid"), **form)
    staff.confirm(desk, address_of(invoice.number, "credit"))
    credit = AccountCredit.get()
    address = f"/desk/money/customers/{alice.nic_handle}/pay-out/{credit.id}"
    assert address in desk.get(f"/desk/money/customers/{alice.nic_handle}").text
    staff.confirm(desk, address, day=day, reference="VIR 2")
    assert desk.get(address).status_code == 404
    billing.assert_balanced()


def test_a_large_act_is_confirmed_by_another_member(app: Flask, alice: Account) -> None:
    camille, sacha = (staff.desk_of(app, Role.BILLING) for _ in range(2))
    euros = str(current().desk_approval_cents // 100 + 1)
    address = f"/desk/money/customers/{alice.nic_handle}/goodwill"
    staff.confirm(camille, address, amount=euros)
    act = MoneyAct.get()
    assert act.is_waiting
    confirming = f"/desk/money/acts/{act.id}/confirm"
    assert confirming not in camille.get("/desk/money").text
    assert confirming in sacha.get("/desk/money").text
    own = camille.ask("POST", confirming, {"key": "k", "reason": "Oui", "confirmed": "yes"})
    assert own.status_code == 422
    staff.confirm(sacha, confirming, reason="Vu au téléphone")
    assert account_credits.available_of(alice) == act.cents
    again = sacha.ask("POST", confirming, {"key": "k", "reason": "Oui", "confirmed": "yes"})
    assert again.status_code == 409
    assert account_credits.available_of(alice) == act.cents
    billing.assert_balanced()


@pytest.mark.one_database
def test_a_role_without_the_act_sees_no_button(app: Flask, alice: Account) -> None:
    invoice = billing.due(alice)
    money_acts.perform(money_acts.goodwill(alice, 10**7), "Merci", by="staff:camille", key="large")
    pages = (address_of(invoice.number), f"/desk/money/customers/{alice.nic_handle}", "/desk/money")
    for role in (Role.SUPPORT, Role.AUDITOR):
        desk = staff.desk_of(app, role)
        for address in pages:
            shown = desk.get(address).text
            assert not re.search(r"mark-paid|/goodwill|/confirm|/refuse", shown), address
        assert desk.get(address_of(invoice.number, "mark-paid")).status_code == 403
    english = staff.desk_of(app, Role.BILLING, language="en")
    assert "Record money received" in english.get(pages[0]).text
    assert english.get("/desk/money/find?number=nothing").location.startswith("/desk/money?")
    found = english.get(f"/desk/money/find?number={invoice.number.lower()}")
    assert found.location == address_of(invoice.number)


# --- The accountant's corner -------------------------------------------------------------------


def test_an_order_is_opened_by_its_number(app: Flask, alice: Account) -> None:
    order = purchases.place(alice)
    desk = staff.desk_of(app, Role.BILLING)
    assert "mark-paid" in desk.get(address_of(order.number)).text
    assert desk.get(address_of("nothing")).status_code == 404
    assert not Payment.select().exists()


def figures(desk: CheckingClient, address: str) -> list[str]:
    """Return the links from the figures of a page to what they are made of."""
    found = re.findall(r'href="(/desk/accounting/vat/documents\?[^"]+)"', desk.get(address).text)
    return [each.replace("&amp;", "&") for each in found]


def test_each_figure_opens_its_documents(app: Flask, alice: Account) -> None:
    number = "DE136695976"
    Account.update(vat_number=number, vat_status="confirmed").execute()
    alice = Account.get_by_id(alice.id)
    of_business = vat.PlaceOfSupply("DE", "10117", number, vat_confirmed=True)
    invoices = [billing.due(alice)] + [
        billing.due(alice, treatment=vat.treatment_of(place))
        for place in (vat.PlaceOfSupply("DE", "10117"), of_business)
    ]
    money_acts.perform(
        money_acts.mark_paid(invoices[0], day=clock.today(), reference="VIR"),
        "Virement", by="staff:camille", key="paid",
    )  # fmt: skip
    desk = staff.desk_of(app, Role.AUDITOR)
    links = figures(desk, "/desk/accounting/vat")
    shown = [desk.get(link).text for link in links]
    for invoice in invoices:
        assert any(invoice.number in each for each in shown), invoice.vat_code
    for link in links:
        file = desk.get(link.replace("documents?", "documents.csv?"))
        assert "88,00" in file.text
    assert desk.get("/desk/accounting/vat/documents?code=nothing:FR").status_code == 404
    english = staff.desk_of(app, Role.BILLING, language="en")
    assert "One Stop Shop" in english.get("/desk/accounting/vat?month=2026-10").text


def test_the_file_of_a_figure_has_what_corrections_moved(
    app: Flask, alice: Account, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LINES_AT_ONCE", 1)
    german = {
        "country": "DE", "postcode": "10117", "city": "Berlin", "company": "Gros GmbH",
        "siren": "", "vat_number": "DE136695976",
    }  # fmt: skip
    wrong = [billing.due(alice) for _ in range(2)]
    for invoice in wrong:
        billing.pay(invoice, bank)
        corrections.correct(invoice, german, "VAT number.", by="operator")
    desk, day = staff.desk_of(app, Role.AUDITOR), clock.today().isoformat()
    figure = f"code={wrong[0].vat_code}&rate={wrong[0].vat_rate}&from={day}&to={day}"
    file = desk.get(f"/desk/accounting/vat/documents.csv?{figure}").text
    notes = Invoice.select().where(Invoice.kind == "credit_note")
    for document in (*wrong, *notes):
        assert document.number in file


def test_the_fec_is_downloaded_for_a_fiscal_year(app: Flask, alice: Account) -> None:
    billing.due(alice)
    desk, year = staff.desk_of(app, Role.AUDITOR), clock.today().year
    assert "chart-bar" in desk.get("/desk/accounting").text
    answer = desk.get(f"/desk/accounting/fec?from={year}-01-01&to={year}-12-31")
    name = re.search(r'filename="([^"]+)"', answer.headers["Content-Disposition"])[1]
    rows = fec_rules.read_file(name, answer.data, date(year, 1, 1), date(year, 12, 31))
    assert len(rows) == 3
    for wrong in (f"from={year}-12-31&to={year}-01-01", "from=x&to=y"):
        assert desk.get(f"/desk/accounting/fec?{wrong}").status_code == 422


@pytest.mark.parametrize(
    ("language", "said", "amount", "is_of_order"),
    [
        ("fr", "un avoir compte d’abord cette partie comme rendue", "30,00 €", False),
        ("en", "a credit note counts that part as given back first", "€30.00", True),
    ],
)
def test_a_credit_note_says_what_the_bank_has_taken_back_already(
    app: Flask, alice: Account, bank: Bank, language: str, said: str, amount: str,
    is_of_order: bool,
) -> None:  # fmt: skip
    if is_of_order:
        order = billing.delivered(alice, bank)
        invoice, payment = billing.invoice_of(order), Payment.get(Payment.order == order)
    else:
        invoice = billing.due(alice)
        payment = billing.pay(invoice, bank)
    form = f"/desk/money/documents/{invoice.number}/credit"
    desk = staff.desk_of(app, "billing", language=language)
    assert said not in desk.get(form).text
    told = bank.dispute(
        payment.checkout or "", 3_000, state=DisputeState.LOST, withdrawn_cents=3_000
    )
    disputes.settle(payment, told)
    shown = desk.get(form).text.replace("\u00a0", " ").replace("\u202f", " ")
    assert said in shown
    assert amount in shown


def test_staff_are_told_whether_an_act_is_done_or_waits(app: Flask, alice: Account) -> None:
    desk = staff.desk_of(app, Role.BILLING)
    address = f"/desk/money/customers/{alice.nic_handle}/goodwill"
    limit = current().desk_approval_cents // 100
    for amount, waits in ((limit, False), (limit + 1, True)):
        form = {"amount": str(amount), "reason": "Geste", "key": f"form-{amount}"}
        asked = desk.ask("POST", address, form).text
        assert ("Quand un autre membre de l’équipe l’aura confirmé" in asked) is waits
        desk.ask("POST", address, form | {"confirmed": "yes"})
        said = desk.get(f"/desk/money/customers/{alice.nic_handle}").text
        assert "Enregistré." in said
        assert ("doit encore confirmer" in said) is waits


def test_documents_of_today_lead_to_the_acts_on_their_money_and_back(
    app: Flask, alice: Account, bank: Bank
) -> None:
    invoice, order = billing.due(alice), billing.delivered(alice, bank)
    desk = staff.desk_of(app, Role.BILLING)
    for page in (f"/desk/invoices/{invoice.number}", f"/desk/orders/{order.number}"):
        number = page.rpartition("/")[2]
        assert f'href="{address_of(number)}"' in desk.get(page).text
        assert f'href="{page}"' in desk.get(address_of(number)).text
    assert f'href="/desk/invoices/{invoice.number}"' in desk.get("/desk/today").text
    assert address_of(invoice.number, "mark-paid") in desk.get(address_of(invoice.number)).text
    customer = f"/desk/money/customers/{alice.nic_handle}"
    assert f'href="{customer}"' in desk.get(f"/desk/customers/{alice.nic_handle}").text


# --- Invoices that replace others ----------------------------------------------------------------


def replaced(invoice: Invoice) -> Invoice:
    """Issue an invoice again for another address; return the one that replaces it."""
    done = corrections.correct(invoice, {"city": "Roubaix"}, "Adresse erronée.", by="operator")
    queue.drain()
    return done.invoice


def test_an_invoice_shows_the_payments_of_those_that_it_replaces(
    app: Flask, alice: Account, bank: Bank
) -> None:
    first = billing.due(alice)
    payment = billing.pay(first, bank)
    second = replaced(first)
    third = corrections.correct(second, {"city": "Lens"}, "Encore.", by="operator").invoice
    desk = staff.desk_of(app, Role.SUPPORT)
    shown = desk.get(f"/desk/invoices/{third.number}").text
    assert shown.count(payment.checkout) == 1
    assert f"Facture {first.number}, que celle-ci remplace" in shown
    assert f"/desk/invoices/{second.number}" in shown
    assert "Payé avec la facture qu’elle remplace" in shown
    assert "105,60" in shown
    earlier = desk.get(f"/desk/invoices/{first.number}").text
    assert payment.checkout in earlier
    assert f"paie la facture {second.number}, qui la remplace" in earlier
    listed = desk.get(f"/desk/customers/{alice.nic_handle}/invoices").text
    assert listed.count("Ceux de la facture qu’elle remplace") == 2
    money = desk.get(address_of(third.number)).text
    assert payment.checkout in money
    assert f'href="{address_of(first.number)}"' in money, "what it was paid for"
    assert f"Facture {second.number}, qui la remplace" in desk.get(address_of(first.number)).text


def test_the_invoice_of_an_order_shows_the_payments_of_the_order_once(
    app: Flask, alice: Account, bank: Bank
) -> None:
    order = billing.delivered(alice, bank)
    payment = Payment.get(Payment.order == order)
    first = billing.invoice_of(order)
    second = replaced(first)
    desk = staff.desk_of(app, Role.BILLING)
    for invoice in (first, second):
        shown = desk.get(f"/desk/invoices/{invoice.number}").text
        assert shown.count(payment.checkout) == 1, invoice.number
        money = desk.get(address_of(invoice.number)).text
        assert money.count(payment.checkout) == 1, invoice.number
        assert f'href="{address_of(order.number)}"' in money
    note = Invoice.get(Invoice.corrects == first)
    assert payment.checkout not in desk.get(address_of(note.number)).text


def test_an_invoice_that_was_not_paid_says_what_replaces_it(app: Flask, alice: Account) -> None:
    first = billing.due(alice)
    second = replaced(first)
    desk = staff.desk_of(app, Role.AUDITOR, language="en")
    shown = desk.get(f"/desk/invoices/{first.number}").text
    assert f"Invoice {second.number} replaces it." in shown
    assert "What was paid" not in shown
    assert "What was paid" not in desk.get(f"/desk/invoices/{second.number}").text


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", "Ce qui en reste dû est déduit d’abord"),
        ("en", "still owed of it is taken off first"),
    ],
)
def test_a_share_of_an_invoice_paid_in_part_is_credited(
    app: Flask, alice: Account, bank: Bank, language: str, said: str
) -> None:
    abroad = vat.PlaceOfSupply("DE", "10117", "DE136695976", vat_confirmed=True)
    wrong = billing.due(alice, treatment=vat.treatment_of(abroad))
    billing.pay(wrong, bank)
    invoice = replaced(wrong)
    assert invoice.balance_cents == 1_760
    desk = staff.desk_of(app, Role.BILLING, language=language)
    form = address_of(invoice.number, "credit")
    assert said in desk.get(form).text
    assert staff.confirm(desk, form, percent="50").status_code == 303
    queue.drain()
    assert (fresh(invoice).status, bank.balance()) == (InvoiceStatus.PAID, 5_280)
    billing.assert_balanced()
