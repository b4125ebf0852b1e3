"""The desk's pages of the bank's payouts: lists, lines, files, where a payment arrived."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from flask import Flask

from models import Account, Payment, Payout, PayoutLine, Role, StaffAct, database
from shop import clock
from shop.accounting import payouts as listed
from shop.jobs import queue
from shop.payments import gateway, held_at_bank, notifications, payout_matching, payouts
from shop.payments.gateway import Notification, PayoutLineKind, PayoutState
from shop.text import formats
from tests.support import billing, purchases, queries, running, staff
from tests.support.client import CheckingClient
from tests.support.money_books import paid, perform
from tests.support.parties import Bank

pytestmark = pytest.mark.usefixtures("provider")

LIST = "/desk/accounting/payouts"


def paid_out(
    account: Account, bank: Bank, *extra: gateway.PayoutLine, number: int = 1
) -> tuple[Payment, Payout]:
    """Return the last of some payments, and the payout in which it arrived."""
    for _ in range(number):
        payment = billing.pay(billing.due(account), bank)
    made = bank.pay_out(*extra, state=PayoutState.PAID)
    payouts.fetch_payouts()
    queue.drain()
    return payment, Payout.get(Payout.reference == made.reference)


def strange(reference: str = "line-of-nothing") -> gateway.PayoutLine:
    """Return a line of which the shop knows nothing."""
    charge = PayoutLineKind.CHARGE
    return gateway.PayoutLine(reference, charge, 5_000, 95, "checkout-of-others", clock.now())


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def rows_of(desk: CheckingClient, address: str) -> list[list[str]]:
    content = desk.get(address).data.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(content), delimiter=";"))


@pytest.mark.parametrize(("role", "language"), [("auditor", "fr"), ("billing", "en")])
def test_each_line_of_a_payout_leads_to_what_it_is_for(
    app: Flask, alice: Account, bank: Bank, role: str, language: str
) -> None:
    order = purchases.place(alice)
    purchases.pay(order, bank)
    paid = billing.pay(billing.due(alice), bank)
    assert paid.checkout
    notifications.apply_notification(Notification("e", bank.refund_of_itself(paid.checkout, 560)))
    payment, payout = paid_out(alice, bank)
    desk = staff.desk_of(app, role, language=language)
    shown = plain(desk.get(LIST).text)
    matched, amount = {
        "fr": ("Rapproché", f"{payout.cents // 100},{payout.cents % 100:02d} €"),
        "en": ("All matched", f"€{payout.cents / 100:.2f}"),
    }[language]
    assert matched in shown
    assert amount in shown
    assert f"{LIST}/{payout.id}" in desk.get("/desk/accounting/payouts").text
    page = desk.get(f"{LIST}/{payout.id}").text
    assert {"fr": "−5,60 €", "en": "−€5.60"}[language] in plain(page), "the sign of minus"
    assert payment.invoice is not None
    for link in (
        f"/desk/invoices/{payment.invoice.number}", f"/desk/orders/{order.number}",
        f"/desk/customers/{alice.nic_handle}",
    ):  # fmt: skip
        assert f'href="{link}"' in page
    for address in (f"/desk/invoices/{payment.invoice.number}", f"/desk/orders/{order.number}",
                    f"/desk/money/documents/{payment.invoice.number}",
                    f"/desk/customers/{alice.nic_handle}/invoices"):  # fmt: skip
        assert f'href="{LIST}/{payout.id}"' in desk.get(address).text


def test_support_sees_the_day_and_opens_no_payout(app: Flask, alice: Account, bank: Bank) -> None:
    payment, payout = paid_out(alice, bank, strange())
    desk = staff.desk_of(app, Role.SUPPORT, language="en")
    assert payment.invoice is not None
    shown = desk.get(f"/desk/invoices/{payment.invoice.number}").text
    assert "payout of" in shown
    assert f"{LIST}/{payout.id}" not in shown
    assert "Bank payouts to examine" not in desk.get("/desk/today").text
    assert desk.ask("GET", "/desk/today/payouts").status_code == 404
    assert desk.ask("GET", f"{LIST}/{payout.id}").status_code == 403


def test_what_matches_nothing_is_shown_and_explained_once(
    app: Flask, alice: Account, bank: Bank
) -> None:
    _, payout = paid_out(alice, bank, strange())
    line = PayoutLine.get(PayoutLine.problem == "unknown")
    desk = staff.desk_of(app, Role.BILLING, language="en")
    address = f"/desk/accounting/payout-lines/{line.id}/explanation"
    assert "Bank payouts to examine" in desk.get("/desk/today").text
    assert f'href="{LIST}/{payout.id}"' in desk.get("/desk/today/payouts").text
    assert "Not matched" in desk.get(LIST).text
    assert "The shop has nothing with this reference." in desk.get(f"{LIST}/{payout.id}").text
    auditor = staff.desk_of(app, Role.AUDITOR, language="en")
    assert address not in auditor.get(f"{LIST}/{payout.id}").text
    assert staff.confirm(desk, address, reason="Our other shop").location == f"{LIST}/{payout.id}"
    shown = desk.get(f"{LIST}/{payout.id}").text
    assert "Our other shop" in shown
    assert "All matched" in shown
    assert "Bank payouts to examine" not in desk.get("/desk/today").text
    again = desk.ask("POST", address, {"key": "k", "reason": "x", "confirmed": "yes"})
    assert again.status_code == 409
    assert desk.ask("GET", address).location == f"{LIST}/{payout.id}"
    assert StaffAct.select().where(StaffAct.kind == "payout_line_explained").count() == 1
    unreasoned = desk.ask("POST", address, {"key": "k2", "reason": ""})
    assert unreasoned.status_code == 422


def test_a_payout_sent_back_says_so_until_its_money_comes(
    app: Flask, alice: Account, bank: Bank
) -> None:
    _, payout = paid_out(alice, bank)
    bank.fail_payout(payout.reference)
    payouts.fetch_payouts()
    desk = staff.desk_of(app, Role.AUDITOR, language="en")
    assert "Your own bank sent this payout back" in desk.get(f"{LIST}/{payout.id}").text
    assert "Sent back" in desk.get("/desk/today").text
    _, later = paid_out(alice, bank)
    shown = desk.get(f"{LIST}/{payout.id}").text
    assert "Your own bank sent this payout back" not in shown
    assert f"{LIST}/{later.id}" in shown
    assert f'href="{LIST}/{payout.id}"' in desk.get(f"{LIST}/{later.id}").text


@pytest.mark.one_database
def test_tables_hold_all_payouts_and_all_lines(app: Flask, alice: Account, bank: Bank) -> None:
    payment, payout = paid_out(alice, bank, strange(), number=3)
    desk = staff.desk_of(app, Role.AUDITOR)
    heading, row = rows_of(desk, f"{LIST}.csv")
    cents = f"{payout.cents // 100},{payout.cents % 100:02d}"
    assert row[0] == payout.arrives_on.isoformat()
    assert row[3:5] == ["4", "1"]
    assert row[6:] == [cents, "EUR"]
    assert len(heading) == len(row)
    heading, *rows = rows_of(desk, f"{LIST}/{payout.id}.csv")
    assert len(rows) == 4
    assert {len(each) for each in rows} == {len(heading)}
    net = sum(int(each[6].replace(",", "")) for each in rows)
    assert net == payout.cents
    assert payment.invoice is not None
    assert payment.invoice.number in {each[2] for each in rows}
    assert rows[-1][8] == "La boutique n’a rien sous cette référence."


def test_lists_go_on_and_cost_the_same_however_long_they_are(
    app: Flask, alice: Account, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listed, "LINES_PER_PAGE", 3)
    paid_out(alice, bank, number=7)
    day, now = clock.today(), clock.now()
    first = Payout.get()
    Payout.insert_many(
        [
            {"reference": f"po_{n}", "status": "paid", "cents": n, "announced_at": now,
             "arrives_on": day + timedelta(days=n // 2)}
            for n in range(1, 45)
        ]
    ).execute()  # fmt: skip
    desk = staff.desk_of(app, Role.AUDITOR, language="en")
    seen, address = [], LIST
    while address:
        with queries.recorded() as statements:
            text = desk.get(address).text
        assert len(statements) <= 4
        seen += [part.split('"')[0] for part in text.split(f'href="{LIST}/')[1:]]
        older = text.split(f'href="{LIST}?before=')
        address = f"{LIST}?before={older[1].split(chr(34))[0]}" if len(older) > 1 else ""
    assert len(seen) == len(set(seen)) == 45
    lines = desk.get(f"{LIST}/{first.id}").text
    assert lines.count("checkout-") == 3
    following = lines.split(f'href="{LIST}/{first.id}?after=')[1].split('"')[0]
    assert desk.get(f"{LIST}/{first.id}?after={following}").text.count("checkout-") == 3
    for wrong in ("x", "2026-13-01.1", "2026-01-01.x", "9" * 30):
        assert desk.get(f"{LIST}?before={wrong}").status_code == 200
    assert desk.ask("GET", f"{LIST}/99999").status_code == 404
    assert queries.scanned_by(lambda: listed.newest_payouts("2026-12-01.7")) == []
    assert queries.scanned_by(lambda: listed.lines_of(first, 1)) == []


@pytest.mark.one_database
def test_before_the_first_payout_the_list_says_so(app: Flask) -> None:
    assert "Aucun versement pour le moment" in staff.desk_of(app, Role.BILLING).get(LIST).text


# --- In no payout yet --------------------------------------------------------------------------

HELD = "/desk/accounting/payments-held"
A_ROW = 'href="/desk/customers/'
"""What each row of that list has once: the link to its customer."""


@pytest.mark.parametrize(
    ("language", "title", "everything"),
    [("fr", "Paiements par carte non versés", "Tout est versé"),
     ("en", "Card payments not paid out", "Everything is paid out")],
)  # fmt: skip
def test_payments_that_the_bank_holds_are_listed_until_a_payout_brings_them(
    app: Flask, alice: Account, bank: Bank, language: str, title: str, everything: str
) -> None:
    order = purchases.place(alice)
    purchases.pay(order, bank)
    invoice = billing.due(alice)
    billing.pay(invoice, bank)
    perform(paid(billing.due(alice)))  # by transfer: the bank that takes the cards has none of it
    desk = staff.desk_of(app, Role.BILLING, language=language)
    shown = plain(desk.get(HELD).text)
    assert shown.count(A_ROW) == 2
    assert shown.index(f'href="/desk/orders/{order.number}"') < shown.index(
        f'href="/desk/invoices/{invoice.number}"'
    )
    assert plain(formats.money(order.total_cents + invoice.total_cents, language)) in shown
    assert f'href="{HELD}"' in desk.get(LIST).text
    assert title not in desk.get("/desk/today").text, "banks take some days"
    running.move_on(timedelta(days=15))
    desk = staff.desk_of(app, Role.BILLING, language=language)
    assert title in desk.get("/desk/today").text
    assert order.number in desk.get("/desk/today/held_payments").text
    bank.pay_out(state=PayoutState.PAID)
    payouts.fetch_payouts()
    queue.drain()
    assert everything in desk.get(HELD).text
    assert title not in desk.get("/desk/today").text
    billing.assert_balanced()


def test_payments_of_an_unread_payout_are_known_once_it_is_matched_again(
    alice: Account, bank: Bank
) -> None:
    payment, _ = paid_out(alice, bank)
    PayoutLine.update(payment=None, problem="unknown").execute()
    Payment.update(is_paid_out=False).execute()
    payout_matching.match_again()
    assert Payment.get_by_id(payment.id).is_paid_out
    billing.assert_balanced()


def test_support_does_not_see_what_the_bank_holds(app: Flask, alice: Account, bank: Bank) -> None:
    billing.pay(billing.due(alice), bank)
    running.move_on(timedelta(days=15))
    desk = staff.desk_of(app, Role.SUPPORT, language="en")
    assert "Card payments not paid out" not in desk.get("/desk/today").text
    assert desk.ask("GET", "/desk/today/held_payments").status_code == 404
    assert desk.ask("GET", HELD).status_code == 403


def test_what_a_payout_by_hand_may_have_brought_awaits_nobody(
    app: Flask, alice: Account, bank: Bank
) -> None:
    billing.pay(billing.due(alice), bank)
    Payout.create(
        reference="po_hand", status="paid", cents=4_200, is_automatic=False,
        arrives_on=clock.today(), announced_at=clock.now(), read_at=clock.now(),
    )  # fmt: skip
    running.move_on(timedelta(days=1))
    later = billing.due(alice)
    billing.pay(later, bank)
    running.move_on(timedelta(days=15))
    desk = staff.desk_of(app, Role.AUDITOR, language="en")
    shown = desk.get(HELD).text
    assert "Somebody began a payout by hand" in shown
    assert shown.count(A_ROW) == 2
    assert [row.invoice for row in held_at_bank.late()] == [later]


def test_a_payout_in_another_currency_says_that_it_is_not_booked(
    app: Flask, alice: Account, bank: Bank
) -> None:
    _, payout = paid_out(alice, bank)
    desk = staff.desk_of(app, Role.AUDITOR, language="en")
    said = "in another currency than the euro: it is listed and matched, and not booked"
    assert said not in desk.get(f"{LIST}/{payout.id}").text
    other = Payout.create(
        reference="po_usd", status="paid", cents=100, currency="USD", arrives_on=clock.today(),
        announced_at=clock.now(), read_at=clock.now(),
    )  # fmt: skip
    assert said in desk.get(f"{LIST}/{other.id}").text
    assert "are listed and matched, and not booked" in desk.get(LIST).text
    assert "Payouts in other currencies" in desk.get("/desk/accounting").text


def test_the_list_of_what_the_bank_holds_goes_on_and_costs_the_same(
    app: Flask, alice: Account, bank: Bank
) -> None:
    order = purchases.place(alice)
    at = clock.now() - timedelta(days=3)
    with database.atomic():
        Payment.insert_many(
            [
                {"order": order, "key": f"k{n}", "status": "refunded", "amount_cents": n,
                 "created_at": at, "settled_at": at + timedelta(minutes=n // 3)}
                for n in range(1, 46)
            ]
        ).execute()  # fmt: skip
    desk = staff.desk_of(app, Role.AUDITOR, language="en")
    seen, address = 0, HELD
    while address:
        with queries.recorded() as statements:
            text = desk.get(address).text
        assert len(statements) <= 5
        seen += text.count(A_ROW)
        newer = text.split(f'href="{HELD}?after=')
        address = f"{HELD}?after={newer[1].split(chr(34))[0]}" if len(newer) > 1 else ""
    assert seen == 45
    keys, after = [], ""
    while True:
        stretch = listed.held_payments(after, per_page=4)
        keys += [row.payment.key for row in stretch.rows]
        if not (after := stretch.newer):
            break
    assert keys == [f"k{n}" for n in range(1, 46)]
    for wrong in ("x", "2026-13-01.1", "2026-01-01.7", "9" * 30):
        assert desk.get(f"{HELD}?after={wrong}").status_code == 200
    assert queries.scanned_by(lambda: listed.held_payments()) == []
    assert queries.scanned_by(lambda: list(held_at_bank.late())) == []
