"""What awaits a member of staff today: one section for each kind, its rows by customer.

A section is a query of rows of the same form, so that the first rows of all sections are read by
one statement, and a section's list by another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any, TypeAlias

import peewee
from peewee import JOIN, SQL, ModelSelect, Select, fn

from records.accounts import Account
from records.base import MomentField, database
from records.disputes import Dispute
from records.groups import LicenceGroup
from records.invoices import Invoice
from records.jobs import Job
from records.letters import Letter, StaffLetter
from records.licence_stock import LicenceStock
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
from shop.office import stock
from shop.operations import monitoring, unpaid
from shop.overviews import job_words
from shop.parsing.numbers_and_json import read_integer
from shop.payments import disputes, held_at_bank, payouts, refund_lists
from shop.text.pagination import PER_PAGE
from shop.vat import confirmation

FIRST_ROWS = 5
"""The rows of a section that the page of all sections shows."""

Query: TypeAlias = "ModelSelect[Any]"

NOTHING, NO_CENTS = SQL("''"), SQL("0")


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


@dataclass(frozen=True)
class Case:
    """A row of a section, which leads to the ``page`` of ``target``."""

    section: str
    key: int
    at: datetime
    text: str
    cents: int
    detail: str
    page: str
    target: str
    nic_handle: str
    customer: str


@dataclass(frozen=True)
class Today:
    """The first cases of each section, how many there are of each, and more figures.

    ``unpaid`` counts unpaid invoices by stage (`unpaid.STAGES`).
    """

    cases: dict[str, list[Case]]
    numbers: dict[str, int]
    unpaid: unpaid.Debts
    stock: list[LicenceStock]


def today(sections: Collection[str] = ()) -> Today:
    """Return what awaits staff, of all sections or of those named.

    Four statements, and two more where jobs are among it.
    """
    chosen = {name: SECTIONS[name] for name in SECTIONS if not sections or name in sections}
    queries = [_first(section) for section in chosen.values()]
    together = reduce(lambda query, other: query.union_all(other), queries)
    cases: dict[str, list[Case]] = {name: [] for name in chosen}
    for row in database.execute(together).fetchall():
        case = _case(row)
        cases[case.section].append(case)
    cases = _whose_jobs(cases)
    counted = {name: section.counted() for name, section in chosen.items() if section.counted}
    return Today(cases, monitoring.counts(**counted), unpaid.by_stage(), stock.running_out())


@dataclass(frozen=True)
class Listed:
    """A stretch of a section's list; ``next_key`` continues it, "" at the end."""

    section: Section
    cases: list[Case]
    next_key: str = ""


def listed(name: str, after: str = "") -> Listed:
    """Return a stretch of a section's list, from the row after the one with the key ``after``."""
    section = SECTIONS[name]
    query = _rows(section)
    reached = read_integer(after, high=2**31 - 1)
    if reached is not None:
        key = _order_of(section)
        beyond = key < reached if section.is_newest_first else key > reached
        query = query.where(beyond)
    cases = [_case(row) for row in query.limit(PER_PAGE + 1).tuples()]
    shown = _whose_jobs({name: cases[:PER_PAGE]})[name]
    return Listed(section, shown, str(shown[-1].key) if len(cases) > PER_PAGE else "")


def _first(section: Section) -> Any:
    """Return the query for the first rows of a section, as a member of a compound query."""
    rows = _rows(section).limit(FIRST_ROWS).alias(f"rows_of_{section.name}")
    return Select([rows], [SQL(f'"rows_of_{section.name}".*')])


def _rows(section: Section) -> Any:
    columns = (
        SQL(f"'{section.name}'"), section.key.alias("row_key"), section.at.alias("row_at"),
        section.text, NO_CENTS if section.cents is None else section.cents,
        NOTHING if section.detail is None else section.detail, section.page, section.target,
        Account.nic_handle, Account.first_name, Account.last_name, Account.company,
    )  # fmt: skip
    named = [
        column.alias(f"column_{place}") if place not in {1, 2} else column
        for place, column in enumerate(columns)
    ]
    order = _order_of(section)
    order = order.desc() if section.is_newest_first else order
    return section.select().select(*named).order_by(order)


def _order_of(section: Section) -> Any:
    """Return what a section's list is ordered by.

    Cases are few, and found by an index of what makes them one: an expression keeps planners from
    reading the whole table in the order of its ids instead.
    """
    return section.key + 0 if section.counted else section.key


_moments = MomentField()


def _case(row: tuple[Any, ...]) -> Case:
    *values, nic_handle, first_name, last_name, company = row
    name, key, given, text, cents, detail, page, target = values
    at = _moments.python_value(given)
    assert at is not None, "every section has a moment"
    return Case(
        name, key, at, text or "", int(cents or 0), detail or "", page,
        target or "", nic_handle or "", company or f"{first_name or ''} {last_name or ''}".strip(),
    )  # fmt: skip


def _whose_jobs(cases: dict[str, list[Case]]) -> dict[str, list[Case]]:
    """Return the cases with the customers whose work the jobs among them do."""
    jobs = {int(case.target) for rows in cases.values() for case in rows if case.page == "job"}
    if not jobs:
        return cases
    owners = job_words.customers_of(jobs)
    return {name: [_owned(case, owners) for case in rows] for name, rows in cases.items()}


def _owned(case: Case, owners: dict[int, Account]) -> Case:
    account = owners.get(int(case.target)) if case.page == "job" else None
    if account is None:
        return case
    name = account.company or account.full_name
    return replace(case, nic_handle=account.nic_handle, customer=name)


# --- Sections --------------------------------------------------------------------------------


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
PAID_PAGE = peewee.Case(None, [(Payment.order.is_null(), "invoice")], "order")


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
            "unpaid_invoices", N_("Unpaid invoices"), lambda: unpaid.open_ones().join(Account),
            Invoice.id, Invoice.issued_at, Invoice.number, SQL("'invoice'"), Invoice.number,
            unpaid.open_ones, cents=OWED_CENTS, detail=peewee.Cast(unpaid.reached(), "VARCHAR(2)"),
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
