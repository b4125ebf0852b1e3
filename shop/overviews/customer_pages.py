"""A customer as members of staff see them: details, what they own, and how things stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from peewee import JOIN, SQL, ModelSelect, Select, fn

from records.accounts import Account, Session
from records.base import database
from records.catalogue import Contract, Offer
from records.disputes import Dispute
from records.groups import Addition, LicenceGroup
from records.invoices import OWED, Invoice, InvoiceLine
from records.letters import Letter
from records.orders import Acceptance, Order, OrderLine
from records.payments import Payment
from records.payouts import Payout
from records.refunds import Refund
from records.security import Authenticator, Passkey
from records.subscriptions import Reminder, Subscription, SubscriptionStatus
from shop import mail
from shop.customers import sessions
from shop.invoicing import account_credits
from shop.overviews import bills
from shop.payments import payables, payouts
from shop.text.pagination import PER_PAGE, Stretch, newest_first


def find_customer(nic_handle: str) -> Account | None:
    """Return the customer with a nic-handle, or None."""
    return Account.get_or_none(Account.nic_handle == nic_handle)


# --- How things stand ------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """What is to be known of a customer at a glance; ``owed_cents`` is due or overdue.

    ``suspended`` counts their suspended services.
    """

    owed_cents: int
    unpaid: int
    suspended: int
    has_second_factor: bool


def standing_of(account: Account) -> Standing:
    """Return how things stand with a customer: one statement."""
    owed = Invoice.total_cents - Invoice.credited_cents - Invoice.offset_cents
    open_invoices = Invoice.select().where(Invoice.account == account, SQL(OWED))
    suspended = Subscription.select(fn.COUNT(Subscription.id)).where(
        Subscription.account == account, Subscription.status == SubscriptionStatus.SUSPENDED
    )
    codes = Authenticator.select().where(
        Authenticator.account == account, Authenticator.confirmed_at.is_null(False)
    )
    passkeys = Passkey.select().where(Passkey.account == account)
    columns = (
        open_invoices.select(fn.COALESCE(fn.SUM(owed), 0)),
        open_invoices.select(fn.COUNT(Invoice.id)),
        suspended,
        fn.EXISTS(codes),
        fn.EXISTS(passkeys),
    )
    owed_cents, unpaid, services, *factors = database.execute(Select(columns=columns)).fetchone()
    return Standing(int(owed_cents), unpaid, services, any(factors))


# --- Lists -----------------------------------------------------------------------------------


def groups_of(account: Account, before: str = "", per_page: int = PER_PAGE) -> Stretch[Any]:
    """Return a customer's groups, the newest first, with their subscriptions and offers."""
    query = (
        LicenceGroup.select(LicenceGroup, Subscription, Offer)
        .join(Offer)
        .switch(LicenceGroup)
        .left_outer_join(
            Subscription, on=(Subscription.group == LicenceGroup.id), attr="subscription"
        )
        .where(LicenceGroup.account == account)
    )
    return newest_first(query, LicenceGroup.id, before, per_page)


def orders_of(account: Account, before: str = "", per_page: int = PER_PAGE) -> Stretch[Order]:
    """Return a customer's orders, the newest first."""
    query = Order.select().where(Order.account == account)
    return newest_first(query, Order.id, before, per_page)


def invoices_of(account: Account, before: str = "") -> Stretch[Invoice]:
    """Return a customer's invoices and credit notes, the newest first."""
    query = bills.with_state().where(Invoice.account == account)
    return newest_first(query, Invoice.id, before)


def letters_of(account: Account, before: str = "") -> Stretch[Letter]:
    """Return the e-mails to a customer without their contents, the newest first."""
    return newest_first(mail.letters_of(account).order_by(), Letter.id, before)


def find_letter(letter_id: int) -> Letter | None:
    """Return an e-mail with its customer, or None."""
    return Letter.select(Letter, Account).join(Account).where(Letter.id == letter_id).first()


def sessions_of(account: Account, before: str = "") -> Stretch[Session]:
    """Return a customer's running sessions, the newest first."""
    # By their ids, which the index of running sessions finds: ended ones are many.
    running = sessions.active_sessions(account).order_by().select(Session.id)
    return newest_first(Session.select().where(Session.id.in_(running)), Session.id, before)


# --- Payments --------------------------------------------------------------------------------


@dataclass
class Attempt:
    """A payment: every one was an attempt, whatever came of it."""

    payment: Payment
    refunds: list[Refund] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    payout: Payout | None = None
    """The payout of the bank in which its money arrived."""


def attempts_at(debts: Sequence[payables.Debt]) -> dict[int, list[Attempt]]:
    """Return the attempts to pay some orders, or some invoices, by their ids, oldest first.

    An order's invoice is paid by the payments of its order. Four statements at most.
    """
    owed = [payables.for_debt(debt) for debt in debts]
    orders = [each.paying_order_id for each in owed if each.paying_order_id is not None]
    invoices = [each.invoice.id for each in owed if each.invoice is not None]
    found: list[Payment] = []
    for column, ids in ((Payment.order, orders), (Payment.invoice, invoices)):
        if ids:
            found.extend(payouts.with_arrivals(Payment.select().where(column.in_(ids))))
    attempts = {
        payment.id: Attempt(payment, payout=payouts.arrival_of(payment))
        for payment in sorted(found, key=lambda payment: payment.id)
    }
    for refund in _rows_of(Refund.select(), Refund.payment, list(attempts)):
        attempts[refund.payment_id].refunds.append(refund)
    for dispute in _rows_of(Dispute.select(), Dispute.payment, list(attempts)):
        attempts[dispute.payment_id].disputes.append(dispute)
    made = attempts.values()
    return {each.row.id: [one for one in made if each.is_settled_by(one.payment)] for each in owed}


def _rows_of(query: ModelSelect[Any], column: Any, ids: list[int]) -> list[Any]:
    return list(query.where(column.in_(ids)).order_by(query.model.id)) if ids else []


# --- An order, an invoice --------------------------------------------------------------------


def find_order(number: str) -> Order | None:
    """Return the order with a number, with its customer; None if there is none."""
    return Order.select(Order, Account).join(Account).where(Order.number == number).first()


@dataclass(frozen=True)
class OrderPage:
    """An order with all that came of it."""

    order: Order
    lines: list[OrderLine]
    attempts: list[Attempt]
    groups: list[LicenceGroup]
    additions: list[Addition]
    invoices: list[Invoice]
    acceptances: list[Acceptance]


def page_of_order(order: Order) -> OrderPage:
    """Return what staff see of an order: eight statements."""
    line = OrderLine.order == order
    groups = LicenceGroup.select(LicenceGroup).join(OrderLine).where(line)
    additions = (
        Addition.select(Addition, LicenceGroup)
        .join(LicenceGroup)
        .switch(Addition)
        .join(OrderLine, on=(Addition.line == OrderLine.id))
        .where(line)
    )
    acceptances = (
        Acceptance.select(Acceptance, Contract.title, Contract.kind, Contract.version)
        .join(Contract)
        .where(Acceptance.order == order)
        .order_by(Acceptance.id)
    )
    return OrderPage(
        order=order,
        lines=list(OrderLine.select().where(line).order_by(OrderLine.position)),
        attempts=attempts_at([order])[order.id],
        groups=list(groups.order_by(LicenceGroup.id)),
        additions=list(additions.order_by(Addition.id)),
        invoices=list(Invoice.select().where(Invoice.order == order).order_by(Invoice.id)),
        acceptances=list(acceptances),
    )


def find_invoice(number: str) -> Invoice | None:
    """Return the invoice or credit note with a number, with its customer; None if there is none."""
    query = bills.with_state().select_extend(Account, LicenceGroup)
    query = query.join_from(Invoice, Account).join_from(Invoice, LicenceGroup, JOIN.LEFT_OUTER)
    return query.where(Invoice.number == number).first()


@dataclass(frozen=True)
class InvoicePage:
    """An invoice or a credit note with all that came of it.

    ``related`` are the credit notes of an invoice, or the invoice that a credit note corrects;
    ``replaced`` the invoices that it replaces, with the payments of theirs that pay it;
    ``replacement`` the one that replaces it.
    """

    invoice: Invoice
    lines: list[InvoiceLine]
    attempts: list[Attempt]
    related: list[Invoice]
    replaced: list[tuple[Invoice, list[Attempt]]]
    replacement: Invoice | None
    reminders: list[Reminder]
    refunds: list[Refund]
    order: Order | None
    group: LicenceGroup | None


def page_of_invoice(invoice: Invoice) -> InvoicePage:
    """Return what staff see of an invoice.

    At most nine statements, and one for each invoice that it replaces.
    """
    related = (
        (Invoice.corrects == invoice)
        | (Invoice.replaces == invoice)
        | (Invoice.id == (invoice.corrects_id or 0))
    )
    others = list(Invoice.select().where(related).order_by(Invoice.id))
    replaced = account_credits.replaced_by(invoice)
    attempts = attempts_at([invoice, *replaced])
    own = {each.payment.id for each in attempts[invoice.id]}
    lines = InvoiceLine.select().where(InvoiceLine.invoice == invoice)
    reminders = Reminder.select().where(Reminder.invoice == invoice)
    refunds = Refund.select().where(Refund.credit_note == invoice)
    return InvoicePage(
        invoice=invoice,
        lines=list(lines.order_by(InvoiceLine.position)),
        attempts=attempts[invoice.id],
        related=[each for each in others if each.replaces_id != invoice.id],
        replaced=[
            (each, [one for one in attempts[each.id] if one.payment.id not in own])
            for each in replaced
        ],
        replacement=next((each for each in others if each.replaces_id == invoice.id), None),
        reminders=list(reminders.order_by(Reminder.stage)),
        refunds=list(refunds.order_by(Refund.id)) if invoice.is_credit_note else [],
        order=invoice.order if invoice.order_id else None,
        group=invoice.group if invoice.group_id else None,
    )
