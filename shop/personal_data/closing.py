"""Close an account: for its customer, at once and for good."""

from __future__ import annotations

from typing import Any

from peewee import JOIN, SQL, fn

from records.account_credits import AccountCredit, CreditKind
from records.accounts import Account
from records.base import database, lock
from records.cards import Card
from records.disputes import Dispute, DisputeStatus
from records.events import Event
from records.groups import GROUPS_OVER, GroupStatus, LicenceGroup
from records.invoices import OWED, Invoice, InvoiceKind, InvoiceStatus
from records.money_acts import MoneyAct, MoneyActStatus
from records.orders import UNDELIVERED, Order, OrderStatus
from records.payments import UNDER_WAY, UNSETTLED, Payment, PaymentStatus
from records.refunds import Refund, RefundStatus
from shop import clock, mail
from shop.errors import N_, Conflict
from shop.orders import orders
from shop.payments import cards
from shop.personal_data import KEPT, blanking

SERVICES_RUN = N_(
    "Licence groups of this account still run: terminate them first, and wait for their last day."
)
ORDERS_RUN = N_("A paid order is being delivered: wait until it is finished or refunded.")
MONEY_OWED = N_("Invoices of this account are not paid yet: pay them first.")
MONEY_MOVES = N_("A payment or a refund is still under way: wait until the bank has finished it.")

BALANCE_LEFT = N_("There is money on the balance of this account: ask us to pay it out first.")


class CannotClose(Conflict):
    """The account cannot be closed yet: services run, or money is owed."""


def find_account(nic_handle: str) -> Account | None:
    """Return the account with a nic-handle that was not erased, or None."""
    return Account.get_or_none(Account.nic_handle == nic_handle, Account.erased_at.is_null())


def obstacles(account: Account) -> list[str]:
    """Return why an account cannot be closed now (``msgid``), nothing where it can.

    One statement.
    """
    found = _conditions(account)
    columns = [fn.EXISTS(query) for _, query in found]
    rows: Any = Account.select(*columns).where(Account.id == account.id).tuples()
    said = [sentence for (sentence, _), holds in zip(found, rows.get(), strict=True) if holds]
    return list(dict.fromkeys(said))


def _conditions(account: Account) -> list[tuple[str, Any]]:
    """Return the queries that find what keeps an account from being closed."""
    alive = [each for each in GroupStatus if each not in GROUPS_OVER]
    groups = LicenceGroup.select().where(LicenceGroup.account == account)
    ordered = Order.select(Order.id).where(Order.account == account)
    billed = Invoice.select(Invoice.id).where(Invoice.account == account)
    owed = billed.where(
        SQL(OWED), Invoice.total_cents > Invoice.credited_cents + Invoice.offset_cents
    )
    return [
        (SERVICES_RUN, groups.where(LicenceGroup.status.in_(alive))),
        (ORDERS_RUN, ordered.where(Order.status.in_(UNDELIVERED))),
        (MONEY_OWED, owed),
        *((MONEY_MOVES, query) for query in _moving_money(account, billed)),
        (BALANCE_LEFT, _transferred(account)),
    ]


def _moving_money(account: Account, billed: Any) -> list[Any]:
    """Return the queries that find money on its way, for the orders and invoices of an account."""
    moving = Payment.alias()
    open_ones = moving.select(moving.id).where(SQL(UNDER_WAY))
    # The bank's page of an order that is not paid yet is closed with the order.
    taken = Payment.status.in_((PaymentStatus.PROCESSING, PaymentStatus.REFUND_DUE))
    for_invoice = Payment.status.in_(UNSETTLED) & Payment.invoice.is_null(False)
    payments = Payment.select().where(Payment.id.in_(open_ones), taken | for_invoice)
    under_way = Refund.status.in_((RefundStatus.ASKED, RefundStatus.PENDING))
    refunds = Refund.select().join(Payment).where(under_way)
    disputes = Dispute.select().join(Payment)
    # By an expression: they are found by their status, not among all of the account.
    acts = MoneyAct.select().where(MoneyAct.account + 0 == account.id)
    return [
        _paid(account, payments),
        _paid(
            account, refunds.where(Refund.status.in_((RefundStatus.ASKED, RefundStatus.PENDING)))
        ),
        _paid(account, disputes.where(Dispute.status == DisputeStatus.OPEN)),
        billed.where(Invoice.kind == InvoiceKind.CREDIT_NOTE, Invoice.status == InvoiceStatus.DUE),
        acts.where(MoneyAct.status == MoneyActStatus.WAITING),
    ]


def _paid(account: Account, few: Any) -> Any:
    """Return a query of what concerns few payments, of which those of an account are kept."""
    return (
        few.join_from(Payment, Order, JOIN.LEFT_OUTER)
        .join_from(Payment, Invoice, JOIN.LEFT_OUTER)
        .where(fn.COALESCE(Order.account, Invoice.account) == account.id)
    )


def _transferred(account: Account) -> Any:
    """Return the query for money on the customer's balance; goodwill ends with the account."""
    used = AccountCredit.used_cents + AccountCredit.paid_out_cents
    return AccountCredit.select().where(
        AccountCredit.account == account,
        AccountCredit.kind == CreditKind.TRANSFER,
        AccountCredit.cents > used,
    )


def close_account(account: Account, *, by: str, reason: str = "", tell: bool = True) -> bool:
    """Close an account for good; return False if it is closed already.

    Unpaid orders are cancelled, cards removed, sessions and all that is kept for signing in
    deleted. Raise `CannotClose` while services run or money is owed, and the refusal of an order
    that cannot be cancelled. ``tell`` sends the customer a confirmation.
    """
    if not _is_open(account):
        return False
    check_obstacles(account)
    open_orders = Order.select().where(
        Order.account == account, Order.status == OrderStatus.AWAITING_PAYMENT
    )
    for order in list(open_orders):
        orders.cancel_order(order, by=by)
    with database.atomic():
        lock(account)
        if not _is_open(account):
            return False
        check_obstacles(account)
        for card in Card.select().where(Card.account == account, Card.removed_at.is_null()):
            if cards.mark_removed(card, "account_closed", by):
                cards.forget_card.later(card=card.id)
        if tell:
            mail.account_closed(account, KEPT)
        blanking.forget_sign_in(account)
        Account.update(closed_at=clock.now()).where(Account.id == account.id).execute()
        record_event(account, "account_closed", by=by, note=reason)
    return True


def _is_open(account: Account) -> bool:
    return Account.select().where(Account.id == account.id, Account.closed_at.is_null()).exists()


def check_obstacles(account: Account) -> None:
    """Raise `CannotClose` while services of an account run or money is owed."""
    if found := obstacles(account):
        raise CannotClose(found[0])


def record_event(account: Account, name: str, *, by: str, note: str = "") -> None:
    """Write an event about an account."""
    Event.insert(
        subject="account", subject_id=account.id, account_id=account.id, name=name, by=by,
        note=note[:255], at=clock.now(),
    ).execute()  # fmt: skip
