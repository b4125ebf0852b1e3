"""The books: the FEC by the DGFiP's rules, and VAT figures as naive sums over any history."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from hypothesis import strategies as st

from models import (
    Account,
    CreditUse,
    Invoice,
    InvoiceLine,
    LedgerEntry,
    MovedLoss,
    Order,
    PayoutLine,
    Subscription,
)
from records.invoices import LETTERS_OF_KIND
from shop import clock, vat
from shop.accounting import fec, reporting_periods, revenue, revenue_proof, vat_returns
from shop.errors import Refusal
from shop.invoicing import ledger_proof
from shop.jobs import queue
from shop.mail import order_letters
from shop.money_acts import goodwill
from shop.payments import payouts
from shop.payments.gateway import PayoutState
from shop.settings import current
from tests.support import billing, cast, fec_rules, histories, queries
from tests.support.money_books import ACTS, Books, balance_of, paid, perform
from tests.support.parties import Bank

pytestmark = pytest.mark.usefixtures("provider")

TREATMENTS = [
    vat.treatment_of(place)
    for place in (
        vat.PlaceOfSupply("FR", "59000"),
        vat.PlaceOfSupply("FR", "97400"),
        vat.PlaceOfSupply("FR", "97300"),
        vat.PlaceOfSupply("DE", "10117"),
        vat.PlaceOfSupply("ES", "28001"),
        vat.PlaceOfSupply("DE", "10117", "DE136695976", vat_confirmed=True),
        vat.PlaceOfSupply("US", "10001"),
    )
]


def read_fec(first: date, last: date) -> list[dict[str, str]]:
    """Return the lines of a FEC, checked by the rules of the DGFiP."""
    return fec_rules.read_file(fec.filename(last), b"".join(fec.lines(first, last)), first, last)


def year_of(day: date) -> tuple[date, date]:
    return date(day.year, 1, 1), date(day.year, 12, 31)


# --- FEC ---------------------------------------------------------------------------------------


def test_a_paid_order_is_booked_and_lettered(alice: Account, bank: Bank) -> None:
    invoice = billing.invoice_of(billing.delivered(alice, bank))  # paid by card before its invoice
    rows = read_fec(*year_of(clock.today()))
    assert [(row["JournalCode"], row["CompteNum"], fec_rules.cents(row)) for row in rows] == [
        ("BQ", "411000", -invoice.total_cents),
        ("BQ", "511500", invoice.total_cents),
        ("VE", "411000", invoice.total_cents),
        ("VE", "706000", -invoice.net_cents),
        ("VE", "445710", -invoice.vat_cents),
    ]
    paid_by, _, charged, *others = [row["EcritureLet"] for row in rows]
    assert paid_by == charged != ""
    assert others == ["", ""]
    assert {row["CompAuxNum"] for row in rows} == {alice.nic_handle, ""}
    assert rows[2]["PieceRef"] == invoice.number


def test_what_is_owed_has_no_letters_and_a_transfer_is_at_the_bank(alice: Account) -> None:
    first, second = billing.due(alice), billing.due(alice)
    perform(paid(first))
    perform(goodwill(alice, 700))
    rows = read_fec(*year_of(clock.today()))
    of = {row["PieceRef"]: row for row in rows if row["CompteNum"] == "411000"}
    assert of[first.number]["EcritureLet"]
    assert not of[second.number]["EcritureLet"]
    assert Counter(row["CompteNum"] for row in rows)["512000"] == 1
    assert Counter(row["CompteNum"] for row in rows)["658000"] == 1
    customers = [fec_rules.cents(row) for row in rows if row["CompteNum"] == "411000"]
    assert sum(customers) == balance_of(alice)


def test_letters_are_those_of_later_files_once_all_is_settled(
    alice: Account, clock: time_machine.Traveller
) -> None:
    clock.move_to("2026-12-20T10:00:00+00:00")
    invoice = billing.due(alice)
    billing.due(alice)
    clock.move_to("2027-01-10T10:00:00+00:00")
    perform(paid(invoice))
    december, january = date(2026, 12, 31), date(2027, 1, 31)
    assert letters(read_fec(date(2026, 12, 1), december)) == {}
    found = letters(read_fec(date(2027, 1, 1), january))
    assert list(found) == [("BQ", invoice.number)]
    (both,) = set(found.values())
    assert letters(read_fec(date(2026, 12, 1), january)) == {
        ("VE", invoice.number): both, ("BQ", invoice.number): both,
    }  # fmt: skip


def letters(rows: list[dict[str, str]]) -> dict[tuple[str, str], str]:
    return {
        (row["JournalCode"], row["PieceRef"]): row["EcritureLet"]
        for row in rows
        if row["EcritureLet"]
    }


def test_names_that_the_file_cannot_hold_do_not_break_it(alice: Account) -> None:
    Account.update(company="Ły\tsa 東 & Žofie").where(Account.id == alice.id).execute()
    billing.due(alice)
    rows = read_fec(*year_of(clock.today()))
    assert rows[0]["CompAuxLib"] == "?y sa ? & Žofie"


def test_accounts_are_a_setting(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    from shop.settings import variables
    from shop.settings.defaults import ACCOUNTING_CHART

    read = variables.chart(ACCOUNTING_CHART)
    assert dict(read("ACCOUNTING_CHART", "sales=707100"))["sales"] == "707100"
    for wrong in ("sale=707100", "sales=abc", "sales"):
        with pytest.raises(variables.InvalidSetting):
            read("ACCOUNTING_CHART", wrong)


def test_a_command_writes_it_under_its_name(app: Flask, alice: Account, tmp_path: Path) -> None:
    billing.due(alice)
    first, last = year_of(clock.today())
    run = app.test_cli_runner().invoke
    words = ["accounting", "fec", "--from", str(first), "--to", str(last)]
    assert "3 lines" in run(args=[*words, "--into", str(tmp_path)]).output
    name = f"{current().seller.siren}FEC{last:%Y%m%d}.txt"
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600, "it names customers"
    assert len(fec_rules.read_file(name, (tmp_path / name).read_bytes(), first, last)) == 3
    wrong = ["accounting", "fec", "--from", str(last), "--to", str(first)]
    assert "lies before" in run(args=wrong).output
    month = f"{clock.today():%Y-%m}"
    assert "domestic" not in run(args=["accounting", "vat", month]).output, "nothing was paid"
    perform(paid(Invoice.get()))
    assert "88.00          17.60 EUR" in run(args=["accounting", "vat", month]).output
    assert run(args=["accounting", "des", month]).exit_code == 0
    assert "is no month" in run(args=["accounting", "vat", "2026"]).output


# --- VAT ---------------------------------------------------------------------------------------


def test_documents_of_a_figure_take_the_same_statements_however_many_they_are(
    alice: Account,
) -> None:
    perform(paid(billing.due(alice)))
    one = statements_for_documents(1)
    for _ in range(3):
        perform(paid(billing.due(alice)))
    assert statements_for_documents(4) == one


def statements_for_documents(number: int) -> int:
    today = clock.today()
    (figure,) = vat_returns.ca3(today, today)
    with queries.recorded() as statements:
        found = list(vat_returns.documents_of_rate(figure.code, figure.rate, today, today))
    assert len(found) == number
    return len(statements)


def test_an_oss_credit_note_of_an_earlier_quarter_corrects_it(
    alice: Account, clock: time_machine.Traveller
) -> None:
    clock.move_to("2027-03-30T10:00:00+00:00")
    treatment = vat.treatment_of(vat.PlaceOfSupply("DE", "10117"))
    billing.due(alice, treatment=treatment)
    wrong = billing.due(alice, treatment=treatment)
    (line,) = vat_returns.oss(2027, 1)
    assert (line.country, line.rate, line.quarter) == ("DE", 1900, "")
    assert (line.base_cents, line.vat_cents) == (17_600, 3_344)
    clock.move_to("2027-04-02T10:00:00+00:00")
    billing.credit(wrong)
    (line,) = vat_returns.oss(2027, 2)
    assert (line.quarter, line.base_cents, line.vat_cents) == ("2027-Q1", -8_800, -1_672)


def test_the_sales_of_a_kind_are_found_among_all_of_a_quarter_by_an_index(alice: Account) -> None:
    billing.due(alice)
    first, last = reporting_periods.days_of_quarter(2026, 4)
    for read in (
        lambda: vat_returns.oss(2026, 4),
        lambda: vat_returns.des(first, last),
        lambda: list(vat_returns.documents_of_rate("oss:DE", 1900, first, last)),
    ):
        plan = queries.plan_of(read)
        assert any("invoice_vat_kind" in line for line in plan), plan


def test_kinds_of_vat_differ_in_the_letters_that_the_index_has() -> None:
    letters = {f"{kind}:"[:LETTERS_OF_KIND] for kind in vat.Kind}
    assert len(letters) == len(vat.Kind)


def test_services_to_businesses_are_listed_by_vat_number(alice: Account) -> None:
    number = "DE136695976"
    place = vat.PlaceOfSupply("DE", "10117", number, vat_confirmed=True)
    invoice = billing.due(alice, treatment=vat.treatment_of(place))
    first, last = reporting_periods.days_of_month(clock.today())
    (service,) = vat_returns.des(first, last)
    assert (service.base_cents, service.euros) == (8_800, 88)
    (document,) = vat_returns.documents_of_vat_number(service.vat_number, first, last)
    assert document.number == invoice.number


def test_services_that_end_are_the_churn_of_their_month(alice: Account, bank: Bank) -> None:
    for _ in range(2):
        billing.delivered(alice, bank)
    first, second = Subscription.select().order_by(Subscription.id)
    earlier = clock.midnight(date(2026, 1, 10))
    Subscription.update(started_at=earlier).execute()
    Subscription.update(
        status="terminated", renews_on=None, ended_at=clock.midnight(date(2026, 3, 31))
    ).where(Subscription.id == first.id).execute()
    found = {month.first.month: month for month in revenue.months_until(date(2026, 5, 1), 5)}
    assert [(found[n].services, found[n].ended) for n in range(1, 6)] == [
        (0, 0), (2, 0), (2, 1), (1, 0), (1, 0),
    ]  # fmt: skip
    assert found[3].churn == 500
    assert list(revenue_proof.find_faults()) == []
    assert not Subscription.get_by_id(second.id).ended_at


def half_up(amount: Fraction) -> int:
    return int(abs(amount) + Fraction(1, 2)) * (1 if amount >= 0 else -1)


def naive_invoiced(days: Callable[[date], bool]) -> dict[tuple[str, int], list[int]]:
    sums: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    for invoice in Invoice.select():
        if days(invoice.issued_on):
            sign = -1 if invoice.kind == "credit_note" else 1
            line = sums[invoice.vat_code, invoice.vat_rate]
            line[0] += sign * invoice.net_cents
            line[1] += sign * invoice.vat_cents
    return sums


def naive_received(
    days: Callable[[date], bool], moved: dict[int, int]
) -> dict[tuple[str, int], int]:
    """Follow each movement of money, and each payment that a correction moved (``moved``)."""
    sums: dict[tuple[str, int], int] = defaultdict(int)
    for entry in LedgerEntry.select():
        if not days(clock.day_of(entry.at)):
            continue
        if entry.payment is not None:
            debt = entry.payment.invoice or entry.payment.order
            if entry.kind in {"refunded", "returned"} and entry.invoice is not None:
                debt = entry.invoice
            elif entry.kind != "paid":
                debt = in_place_of(debt, entry.at)
        elif entry.kind in {"received", "paid_out"}:
            uses = CreditUse.select().where(CreditUse.credit == entry.credit)
            debt = sorted(uses, key=lambda use: use.id)[0].invoice
        else:
            continue
        sums[debt.vat_code, debt.vat_rate] -= entry.cents
    for new in Invoice.select().where(Invoice.replaces.is_null(False)):
        notes = list(Invoice.select().where(Invoice.corrects == new.replaces))
        note = next(note for note in notes if note.id > new.id)
        if days(note.issued_on):
            sums[note.vat_code, note.vat_rate] -= moved[note.id]
            sums[new.vat_code, new.vat_rate] += moved[note.id]
    for row in MovedLoss.select():
        if days(clock.day_of(row.at)):
            note, right = row.credit_note, in_place_of(row.credit_note.corrects, row.at)
            sums[note.vat_code, note.vat_rate] -= row.cents
            sums[right.vat_code, right.vat_rate] += row.cents
    return sums


def in_place_of(debt: Invoice | Order, at: datetime) -> Invoice | Order:
    """Return what stands in place of a debt at a moment."""
    if isinstance(debt, Order):
        return debt
    newer = Invoice.get_or_none(Invoice.replaces == debt, Invoice.issued_at <= at)
    return in_place_of(newer, at) if newer else debt


@pytest.mark.parametrize("examples", [5, pytest.param(150, marks=pytest.mark.slow)])
def test_figures_are_naive_sums_over_any_history(
    app: Flask, bank: Bank, examples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_letters, "store_letter", lambda *_, **__: None)

    def live(acts: list[tuple[str, int, int]], taxed: list[vat.VatTreatment]) -> None:
        bank.__init__()
        with time_machine.travel("2026-12-20T10:00:00+00:00", tick=False) as traveller:
            books = Books(cast.register(cast.ALICE), bank)
            for number, act in enumerate(acts):
                books.treatment = taxed[number % len(taxed)]
                with suppress(Refusal):
                    books.act(*act)
                queue.drain()
                traveller.shift(timedelta(days=3))
                if number % 6 == 5:
                    pay_out(bank)
            pay_out(bank)
            check_figures(books)

    histories.live_each(
        live,
        examples,
        acts=ACTS,
        taxed=st.lists(st.sampled_from(TREATMENTS), min_size=1, max_size=6),
    )


def pay_out(bank: Bank) -> None:
    """Have the bank pay out all that it took, and the shop record it."""
    bank.pay_out(state=PayoutState.PAID)
    payouts.fetch_payouts()
    queue.drain()
    assert list(ledger_proof.find_faults()) == []


def check_months() -> None:
    """Compare recurring and deferred revenue with sums over all lines, day by day."""
    for month in revenue.months_until(date(2027, 2, 3), 4):
        recurring, deferred = 0, Fraction()
        for line in InvoiceLine.select():
            invoice = line.invoice
            if invoice.issued_on > month.last:
                continue
            sign = -1 if invoice.kind == "credit_note" else 1
            days = range(line.period_start.toordinal(), line.period_end.toordinal())
            if month.last.toordinal() in days:
                recurring += sign * line.quantity * line.unit_price_cents
            later = [day for day in days if day > month.last.toordinal()]
            deferred += Fraction(sign * line.net_cents * len(later), len(days))
        assert month.recurring_cents == recurring
        assert month.deferred_cents == half_up(deferred)
    assert list(revenue_proof.find_faults()) == []


def check_figures(books: Books) -> None:
    """Compare the figures of December, and of the whole time, with naive sums."""
    whole = date(2026, 12, 1), date(2027, 12, 31)
    for first, last in (whole, (date(2026, 12, 1), date(2026, 12, 31))):
        invoiced = naive_invoiced(lambda day, a=first, b=last: a <= day <= b)
        received = naive_received(lambda day, a=first, b=last: a <= day <= b, books.moved)
        expected = [
            (code, rate, *amounts)
            for (code, rate), amounts in invoiced.items()
            if code.split(":")[0] not in {"domestic", "oss"}
        ]
        for (code, rate), cents in received.items():
            base = half_up(Fraction(cents * 10_000, 10_000 + rate))
            if code.startswith("domestic") and cents:
                expected.append((code, rate, base, cents - base))
        figures = vat_returns.ca3(first, last)
        found = [(each.code, each.rate, each.base_cents, each.vat_cents) for each in figures]
        assert found == sorted(expected)
        for figure in figures:
            documents = list(vat_returns.documents_of_rate(figure.code, figure.rate, first, last))
            total = sum(each.base_cents + each.vat_cents for each in documents)
            assert total == figure.total_cents
        services = vat_returns.des(first, last)
        of_des = sum(each.base_cents for each in services)
        assert of_des == sum(
            net for (code, _), (net, _) in invoiced.items() if code.startswith("reverse_charge")
        )
    lines = [
        each for quarter in ((2026, 4), (2027, 1), (2027, 2)) for each in vat_returns.oss(*quarter)
    ]
    whole_oss = naive_invoiced(lambda day: whole[0] <= day <= whole[1])
    for country in ("DE", "ES"):
        declared = [each for each in lines if each.country == country]
        expected = [sums for (code, _), sums in whole_oss.items() if code == f"oss:{country}"]
        assert sum(each.base_cents for each in declared) == sum(net for net, _ in expected)
        assert sum(each.vat_cents for each in declared) == sum(tax for _, tax in expected)
    check_months()
    rows = read_fec(*whole)
    sales = [fec_rules.cents(row) for row in rows if row["CompteNum"].startswith("706")]
    months = revenue.months_until(whole[1], 13)
    assert sum(month.turnover_cents for month in months) == -sum(sales)
    customers = [fec_rules.cents(row) for row in rows if row["CompteNum"] == "411000"]
    assert sum(customers) == balance_of(books.account)
    assert PayoutLine.select().where(PayoutLine.problem != "").count() == 0
    on_the_way = [fec_rules.cents(row) for row in rows if row["CompteNum"] == "511500"]
    assert sum(on_the_way) == 0, "all that cards paid was paid out"
    lettered: dict[str, int] = defaultdict(int)
    for row in rows:
        if row["EcritureLet"]:
            lettered[row["EcritureLet"]] += fec_rules.cents(row)
    assert set(lettered.values()) <= {0}
