"""What awaits staff today: each case once, in its section, and what reading it costs."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from models import (
    Account,
    Dispute,
    Invoice,
    Job,
    Letter,
    LicenceStock,
    MoneyAct,
    Order,
    Payment,
    Payout,
    Refund,
    Role,
    Seat,
    StaffLetter,
    Subscription,
    VatCheck,
)
from shop import clock
from shop.errors import PartyRejected
from shop.office import configured, stock
from shop.operations import today
from shop.personal_data import erasure
from shop.staff import accounts
from tests.support import letters, queries, staff
from tests.support.belongings import Belongings


class Directory:
    """A provider that says how many licences it has left, or refuses to."""

    def __init__(self, **left: int) -> None:
        self.left = left

    def licences_left(self) -> dict[str, int]:
        if not self.left:
            raise PartyRejected("no", "unauthorized")
        return self.left


def have_a_bad_day(alices: Belongings) -> None:
    """Let everything of alice's need a member of staff."""
    now = clock.now()
    before = now - timedelta(hours=5)
    Order.update(status="paid", paid_at=before).where(Order.id == alices.unpaid.id).execute()
    Order.update(status="delivery_failed").where(Order.id == alices.delivered.id).execute()
    payment = Payment.get(Payment.order == alices.delivered)
    Payment.create(
        order=alices.unpaid, key="held", status="succeeded", amount_cents=100, created_at=before,
        settled_at=now - timedelta(days=20),
    )  # fmt: skip
    Payment.update(status="declined", card=alices.card, settled_at=now).where(
        Payment.id == payment.id
    ).execute()
    Dispute.create(payment=payment, reference="dp_1", cents=100, created_at=now)
    refund = {"payment": payment, "cents": 50, "created_at": now}
    Refund.create(key="2", method="manual", credit_note=alices.invoice, **refund)
    Refund.create(key="3", origin="bank", status="succeeded", settled_at=now, **refund)
    Refund.create(key="1", status="failed", **refund)
    Invoice.update(status="unpaid", paid_at=None).where(Invoice.id == alices.invoice.id).execute()
    Subscription.update(status="suspended", renews_on=None, suspended_at=now).where(
        Subscription.group == alices.group
    ).execute()
    Letter.update(status="failed", error="550").where(
        Letter.id == alices.document.letter_id
    ).execute()
    accounts.set_role(staff.member(Role.SUPPORT), Role.BILLING)
    letters.fail_to_staff(StaffLetter.select().order_by(StaffLetter.id.desc()).get())
    MoneyAct.create(
        key="waits", kind="goodwill", account=alices.account, cents=200_000, reason="Geste",
        status="waiting", asked_by="staff:camille", asked_at=now, details={},
    )  # fmt: skip
    job = {"payload": {}, "run_at": before, "created_at": before}
    Job.create(kind="billing_run", key="failed", status="failed", error="Oops", **job)
    seat = Seat.get(Seat.group == alices.group)
    Job.create(kind="activate_seat", key="late", **job | {"payload": {"seat": seat.id}})
    alices.account.vat_number, alices.account.vat_status = "FR1", "confirmed"
    alices.account.save()
    Payout.create(reference="po_1", status="failed", cents=4_200, arrives_on=clock.today(),
                  announced_at=now)  # fmt: skip
    VatCheck.create(account=alices.account, vat_number="FR1", answer="confirmed",
                    name="ATELIER", is_fitting=False, asked_at=now)  # fmt: skip


def test_each_case_is_in_its_section_and_leads_to_its_page(alices: Belongings) -> None:
    have_a_bad_day(alices)
    found = today.today()
    order, late, invoice = alices.delivered.number, alices.unpaid.number, alices.invoice.number
    pages = {
        name: [(case.page, case.target) for case in cases] for name, cases in found.cases.items()
    }
    failed, waiting = Job.get(Job.key == "failed"), Job.get(Job.key == "late")
    assert pages == {
        "late_deliveries": [("order", late)],
        "failed_deliveries": [("order", order)],
        "late_licences": [("job", str(waiting.id))],
        "disputes": [("order", order)],
        "failed_refunds": [("order", order)],
        "refunds_to_transfer": [("order", order)],
        "unexplained_refunds": [("order", order)],
        "waiting_acts": [("money_act", "")],
        "payouts": [("payout", str(Payout.get().id))],
        "held_payments": [("order", late)],
        "declined_charges": [("order", order)],
        "unpaid_invoices": [("invoice", invoice)],
        "suspended_services": [("group", alices.group.name)],
        "failed_letters": [("letter", str(alices.document.letter_id))],
        "failed_staff_letters": [("staff_letter", str(StaffLetter.get(status="failed").id))],
        "failed_jobs": [("job", str(failed.id))],
        "misfitting_names": [("customer", alices.account.nic_handle)],
        "new_customers": [("customer", alices.account.nic_handle)],
    }
    assert found.numbers == {name: 1 for name in pages if name != "new_customers"}
    nameless = {name for name, cases in found.cases.items() if not cases[0].nic_handle}
    assert nameless == {"payouts", "failed_staff_letters", "failed_jobs"}
    customers = {
        (case.nic_handle, case.customer) for cases in found.cases.values() for case in cases
    }
    assert customers == {(alices.account.nic_handle, alices.account.full_name), ("", "")}
    assert found.unpaid.numbers["due"] == 1
    for name, cases in found.cases.items():
        listed = today.listed(name)
        assert (listed.cases, listed.next_key) == (cases, "")
        beyond = "0" if listed.section.is_newest_first else str(2**31 - 1)
        assert today.listed(name, beyond).cases == []


def test_a_customer_who_was_erased_is_none_who_is_new(alice: Account) -> None:
    assert [case.target for case in today.listed("new_customers").cases] == [alice.nic_handle]
    assert erasure.erase(alice, "Asked", by="staff:camille")
    assert today.listed("new_customers").cases == []
    assert today.today().cases["new_customers"] == []


def test_the_page_of_today_costs_four_statements_and_reads_no_large_table(
    alices: Belongings,
) -> None:
    with queries.recorded() as statements:
        today.today()
    assert len(statements) == 4
    scanned = queries.scanned_by(today.today)
    whole = [line for line in scanned if "rows_of_" not in line and " INDEX " not in line]
    # Newest customers are read from the end, and the stock has a row for each product.
    assert len(whole) <= 2


def test_licences_that_run_out_are_kept_as_the_provider_last_said(app: Flask) -> None:
    assert LicenceStock.select().count() == 0
    for left in (10, 19, 20):
        with configured.provider.using(Directory(O365=left, OTHER=-1)):
            stock.count_stock()
    assert [(row.product, row.left) for row in stock.running_out()] == [("OTHER", -1)]
    with configured.provider.using(Directory()):
        stock.count_stock()
    assert LicenceStock.select().count() == 2
