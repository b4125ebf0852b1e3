"""The sections of today: the kinds of cases that await a member of staff, the most urgent first.

A section is a query of rows of the same form, so that the first rows of all sections can be read
by one statement (`shop.operations.today`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from peewee import JOIN, SQL, Case, Cast, ModelSelect, fn

from records.accounts import Account
from records.disputes import Dispute
from records.groups import LicenceGroup
from records.invoices import Invoice
from records.jobs import Job
from records.letters import Letter, StaffLetter
from records.money_acts import MoneyAct
from records.orders import Order, OrderStatus
from records.payments import Payment
from records.payouts import Payout
from records.refunds import Refund
from records.staff import StaffAccount
from records.subscriptions import Subscription, SubscriptionStatus
from records.vat import VatCheck
from shop import money_acts
from shop.errors import N_
from shop.jobs import failed
from shop.mail import staff_letters
from shop.operations import monitoring, unpaid
from shop.payments import disputes, held_at_bank, payouts, refund_lists
from shop.vat import confirmation

Query: TypeAlias = "ModelSelect[Any]"


@dataclass(frozen=True)
class Section:
    """A kind of case. ``select`` returns its query, joined with what the other columns name.

    ``key`` is the number by which its list goes on; ``page`` the kind of page where a case is
    settled, ``target`` its key there. ``counted`` returns the query that counts the cases, None
    for a list that has no end.
    """

    name: str
    title: str
    select: Callable[[], Query]
    key: Any
    at: Any
    text: Any
    page: Any
    target: Any
    counted: Callable[[], Query] | None = None
    cents: Any = None
    detail: Any = None
    is_newest_first: bool = False


def _paid(found: Query) -> Query:
    """Return a query with payments, joined with what they pay and with its customer."""
    return (
        found.join_from(Payment, Order, JOIN.LEFT_OUTER)
        .join_from(Payment, Invoice, JOIN.LEFT_OUTER)
        .join(Account, on=(Account.id == fn.COALESCE(Order.account, Invoice.account)))
    )


JOB_NUMBER, LETTER_NUMBER = Job.id.cast("VARCHAR(20)"), Letter.id.cast("VARCHAR(20)")
OWED_CENTS = Invoice.total_cents - Invoice.credited_cents - Invoice.offset_cents
PAID_NUMBER = fn.COALESCE(Order.number, Invoice.number)
PAID_PAGE = Case(None, [(Payment.order.is_null(), "invoice")], "order")


def _of_refunds(found: Callable[[], Query]) -> Callable[[], Query]:
    """Return the query for some refunds with what they give back."""
    return lambda: _paid(Refund.select().join(Payment)).where(
        Refund.id.in_(found().order_by().select(Refund.id))
    )


def _refund_section(name: str, title: str, found: Callable[[], Query]) -> Section:
    return Section(
        name, title, _of_refunds(found), Refund.id, Refund.created_at, PAID_NUMBER, PAID_PAGE,
        PAID_NUMBER, found, cents=Refund.cents, detail=Refund.reason,
    )  # fmt: skip


def _late_deliveries() -> Query:
    return monitoring.late().where(Order.status != OrderStatus.DELIVERY_FAILED)


def _disputes() -> Query:
    open_ones = disputes.open_disputes().order_by()
    return _paid(open_ones.join(Payment))


def _suspended() -> Query:
    return Subscription.select().where(Subscription.status == SubscriptionStatus.SUSPENDED)


def _new_customers() -> Query:
    return Account.select().where(Account.erased_at.is_null())


def _misfits() -> Query:
    return confirmation.misfits().order_by()


def _of_nobody(found: Callable[[], Query]) -> Callable[[], Query]:
    """Return a query of what names no customer, joined as if it did."""

    def query() -> Query:
        rows = found().order_by()
        return rows.join_from(rows.model, Account, JOIN.LEFT_OUTER, on=(Account.id == 0))

    return query


def _held() -> Query:
    """Return the query for payments that the bank holds for too long."""
    return _paid(Payment.select()).where(Payment.id.in_(held_at_bank.late().select(Payment.id)))


def _declined() -> Query:
    found = unpaid.declined_of_a_day().select(Payment.id)
    return _paid(Payment.select()).where(Payment.id.in_(found))


SECTIONS = {
    section.name: section
    for section in (
        Section(
            "late_deliveries", N_("Late deliveries"),
            lambda: _late_deliveries().join(Account), Order.id, Order.paid_at, Order.number,
            SQL("'order'"), Order.number, _late_deliveries, cents=Order.total_cents,
        ),
        Section(
            "failed_deliveries", N_("Failed deliveries"),
            lambda: monitoring.failed_deliveries().join(Account), Order.id, Order.paid_at,
            Order.number, SQL("'order'"), Order.number, monitoring.failed_deliveries,
            cents=Order.total_cents,
        ),
        Section(
            "late_licences", N_("Late licences"), _of_nobody(monitoring.late_licences),
            Job.id, Job.created_at, Job.kind, SQL("'job'"), JOB_NUMBER, monitoring.late_licences,
            detail=Job.error,
        ),
        Section(
            "disputes", N_("Open disputes"), _disputes, Dispute.id, Dispute.created_at,
            PAID_NUMBER, PAID_PAGE, PAID_NUMBER, disputes.open_disputes, cents=Dispute.cents,
            detail=Dispute.reason,
        ),
        _refund_section("failed_refunds", N_("Failed refunds"), refund_lists.failed),
        _refund_section(
            "refunds_to_transfer", N_("Refunds to transfer"), refund_lists.transfers_due
        ),
        _refund_section(
            "unexplained_refunds", N_("Refunds made by the bank on its own"),
            refund_lists.unexplained,
        ),
        Section(
            "waiting_acts", N_("Acts that wait for a second member"),
            lambda: money_acts.waiting().order_by(), MoneyAct.id, MoneyAct.asked_at,
            MoneyAct.kind, SQL("'money_act'"), MoneyAct.number, money_acts.waiting,
            cents=MoneyAct.cents, detail=MoneyAct.reason,
        ),
        Section(
            "payouts", N_("Bank payouts to examine"), _of_nobody(payouts.to_examine),
            Payout.id, Payout.announced_at, Payout.reference, SQL("'payout'"),
            Payout.id.cast("VARCHAR(20)"), payouts.to_examine, cents=Payout.cents,
            detail=Payout.open_lines.cast("VARCHAR(20)"),
        ),
        Section(
            "held_payments", N_("Card payments not paid out"), _held, Payment.id,
            Payment.settled_at, PAID_NUMBER, PAID_PAGE, PAID_NUMBER, held_at_bank.late,
            cents=fn.COALESCE(Payment.taken_cents, Payment.amount_cents),
        ),
        Section(
            "declined_charges", N_("Cards declined within a day"),
            _declined, Payment.id, Payment.settled_at,
            PAID_NUMBER, PAID_PAGE, PAID_NUMBER, unpaid.declined_of_a_day,
            cents=Payment.amount_cents, detail=Payment.reason, is_newest_first=True,
        ),
        Section(
            "unpaid_invoices", N_("Unpaid invoices"), lambda: unpaid.open_invoices().join(Account),
            Invoice.id, Invoice.issued_at, Invoice.number, SQL("'invoice'"), Invoice.number,
            unpaid.open_invoices, cents=OWED_CENTS,
            detail=Cast(unpaid.stage_reached(), "VARCHAR(2)"),
        ),
        Section(
            "suspended_services", N_("Suspended services"),
            lambda: _suspended().join(Account).join_from(Subscription, LicenceGroup),
            Subscription.id, Subscription.suspended_at, LicenceGroup.display_name,
            SQL("'group'"), LicenceGroup.name, _suspended, detail=Subscription.hold_reason,
        ),
        Section(
            "failed_letters", N_("Emails not sent"),
            lambda: monitoring.failed_letters().join(Account), Letter.id, Letter.created_at,
            Letter.subject, SQL("'letter'"), LETTER_NUMBER, monitoring.failed_letters,
            detail=Letter.error, is_newest_first=True,
        ),
        Section(
            "failed_staff_letters", N_("Emails to staff not sent"),
            _of_nobody(staff_letters.unsent_to_staff), StaffLetter.id, StaffLetter.created_at,
            StaffLetter.subject, SQL("'staff_letter'"), StaffLetter.id.cast("VARCHAR(20)"),
            staff_letters.unsent_to_staff, is_newest_first=True,
            detail=StaffAccount.login.concat(" · ").concat(StaffLetter.error),
        ),
        Section(
            "failed_jobs", N_("Failed jobs"), _of_nobody(failed.unhandled_failures), Job.id,
            Job.created_at, Job.kind, SQL("'job'"), JOB_NUMBER, failed.unhandled_failures,
            detail=Job.error, is_newest_first=True,
        ),
        Section(
            "misfitting_names", N_("Companies under another name"), _misfits, VatCheck.id,
            VatCheck.asked_at, VatCheck.name, SQL("'customer'"), Account.nic_handle, _misfits,
            detail=VatCheck.vat_number,
        ),
        Section(
            "new_customers", N_("New customers"), _new_customers, Account.id, Account.created_at,
            Account.email, SQL("'customer'"), Account.nic_handle, is_newest_first=True,
        ),
    )
}  # fmt: skip
"""The sections, the most urgent first, by name."""
