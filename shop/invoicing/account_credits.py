"""The balance of a customer: goodwill and part payments, which pay invoices as they are issued.

What pays an invoice is a `CreditUse`, counted in its ``offset_cents``. A credit note gives it back
to the balance before any money is refunded: goodwill never becomes money.
"""

from __future__ import annotations

from datetime import date

from peewee import ModelSelect, fn

from records.account_credits import AccountCredit, CreditKind, CreditUse
from records.accounts import Account
from records.base import lock
from records.invoices import Invoice
from shop import clock, mail
from shop.errors import N_, Refusal
from shop.invoicing import ledger
from shop.pricing import money
from shop.sql.prepared import prepared

NOT_LEFT = N_("Less than that is left of this amount.")
TOO_SMALL_A_REST = N_(
    "The rest would be too small to be paid by card: record all of it, or leave more."
)


# --- Added -----------------------------------------------------------------------------------


def grant_goodwill(account: Account, cents: int, reason: str, *, by: str) -> AccountCredit:
    """Put an amount on a customer's balance, which the next invoice uses; tell them why.

    Runs in the caller's transaction. Raise `Refusal` for no amount, and for a closed account.
    """
    if lock(account).closed_at is not None:
        raise Refusal(N_("This account is closed for good."))
    credit = _add(account, CreditKind.GOODWILL, cents, reason, by=by)
    mail.goodwill_granted(credit, available_of(account))
    return credit


def record_part_payment(
    invoice: Invoice, cents: int, *, day: date, reference: str, by: str
) -> AccountCredit:
    """Record money received for a part of an invoice, in the caller's transaction.

    ``invoice`` is locked. Raise `Refusal` unless a part of it is still owed after that.
    """
    rest = invoice.balance_cents - cents
    if not invoice.is_payable or rest <= 0:
        raise Refusal(N_("Only a part of what is owed can be recorded as a part."))
    if rest < money.LEAST_CENTS:
        raise Refusal(TOO_SMALL_A_REST)
    credit = _add(
        invoice.account, CreditKind.TRANSFER, cents, invoice.number, by=by,
        reference=reference, received_on=day,
    )  # fmt: skip
    _use(credit, invoice, cents)
    _add_offset(invoice, cents)
    mail.part_payment_received(invoice, credit)
    return credit


def _add(
    account: Account, kind: str, cents: int, reason: str, *, by: str,
    reference: str = "", received_on: date | None = None,
) -> AccountCredit:  # fmt: skip
    if not 0 < cents <= money.MOST_CENTS:
        raise Refusal(N_("Enter an amount."), "amount")
    credit = AccountCredit.create(
        account=account, kind=kind, cents=cents, reason=reason[:255], by=by,
        reference=reference[:128], received_on=received_on, at=clock.now(),
    )  # fmt: skip
    ledger.post_credit(credit)
    return credit


def pay_out(credit: AccountCredit, cents: int, *, by: str) -> AccountCredit:
    """Record that what is left of a transfer was given back, in the caller's transaction.

    Raise `Refusal` for goodwill, and for more than is left.
    """
    credit = lock(credit)
    if credit.kind != CreditKind.TRANSFER:
        raise Refusal(N_("Goodwill is used by invoices, and not paid out."))
    if not 0 < cents <= credit.left_cents:
        raise Refusal(NOT_LEFT)
    paid_out = AccountCredit.paid_out_cents + cents
    AccountCredit.update(paid_out_cents=paid_out).where(AccountCredit.id == credit.id).execute()
    ledger.post_paid_out(credit, cents)
    return AccountCredit.get_by_id(credit.id)


# --- Used ------------------------------------------------------------------------------------


def take(account_id: int, total_cents: int) -> list[tuple[AccountCredit, int]]:
    """Return the amounts of a balance that pay an invoice about to be issued, locked.

    Oldest first.
    """
    open_credits = _left_of(account_id).order_by(AccountCredit.id)
    found = [lock(credit) for credit in open_credits]
    most = part_paid(sum(credit.left_cents for credit in found), total_cents)
    taken = []
    for credit in found:
        part = min(most, credit.left_cents)
        if part > 0:
            taken.append((credit, part))
            most -= part
    return taken


def part_paid(balance_cents: int, total_cents: int) -> int:
    """Return how much of an invoice of ``total_cents`` a balance pays when it is issued.

    What is left to pay is nothing, or not too small for a card.
    """
    most = min(total_cents, balance_cents)
    if 0 < total_cents - most < money.LEAST_CENTS:
        most = max(0, total_cents - money.LEAST_CENTS)
    return most


def use(taken: list[tuple[AccountCredit, int]], invoice: Invoice) -> None:
    """Let amounts of the balance pay an invoice, in the transaction that issues it."""
    for credit, cents in taken:
        _use(credit, invoice, cents)


def _use(credit: AccountCredit, invoice: Invoice, cents: int) -> None:
    used = AccountCredit.used_cents + cents
    AccountCredit.update(used_cents=used).where(AccountCredit.id == credit.id).execute()
    CreditUse.create(credit=credit, invoice=invoice, cents=cents, at=clock.now())


def _add_offset(invoice: Invoice, cents: int) -> None:
    offset = Invoice.offset_cents + cents
    Invoice.update(offset_cents=offset).where(Invoice.id == invoice.id).execute()
    invoice.offset_cents += cents


# --- Restored --------------------------------------------------------------------------------


def restore(invoice: Invoice, most_cents: int) -> int:
    """Put up to that amount of what paid an invoice back on the balance; return how much it was.

    Runs in the caller's transaction, which has locked the invoice.
    """
    left = most_cents
    for row in _uses_of(invoice):
        credit = lock(row.credit)
        cents = min(left, row.cents - row.returned_cents)
        if cents <= 0:
            continue
        CreditUse.update(returned_cents=row.returned_cents + cents).where(
            CreditUse.id == row.id
        ).execute()
        used = AccountCredit.used_cents - cents
        AccountCredit.update(used_cents=used).where(AccountCredit.id == credit.id).execute()
        _add_offset(invoice, -cents)
        if row.invoice_id != invoice.id:
            # It paid the invoice that this one replaces, too.
            _add_offset(Invoice.get_by_id(row.invoice_id), -cents)
        left -= cents
    return most_cents - left


def used_on(invoice: Invoice) -> int:
    """Return the cents of the balance that pay an invoice, or paid the one that it replaces."""
    return sum(row.cents - row.returned_cents for row in _uses_of(invoice))


def not_received_for(invoice: Invoice) -> int:
    """Return the part of `used_on` that is no money received for the invoice: goodwill, and
    transfers that paid another one first."""
    own = with_replaced(invoice)
    return sum(
        row.cents - row.returned_cents
        for row in _uses_of(invoice)
        if row.credit.is_goodwill or _first_paid(row.credit) not in own
    )


def _first_paid(credit: AccountCredit) -> int:
    """Return the id of the invoice that an amount of the balance paid first."""
    first: CreditUse = (
        CreditUse.select().where(CreditUse.credit == credit).order_by(CreditUse.id).get()
    )
    return first.invoice_id


def with_replaced(invoice: Invoice) -> list[int]:
    """Return the ids of an invoice and of those that it replaces."""
    return [invoice.id, *(each.id for each in replaced_by(invoice))]


def replaced_by(invoice: Invoice) -> list[Invoice]:
    """Return the invoices that an invoice replaces, the latest first: their payments pay it."""
    found, earlier = [], invoice.replaces
    while earlier is not None:
        found.append(earlier)
        earlier = earlier.replaces
    return found


def _uses_of(invoice: Invoice) -> list[CreditUse]:
    ids = with_replaced(invoice)
    query = CreditUse.select().where(
        CreditUse.invoice.in_(ids), CreditUse.cents > CreditUse.returned_cents
    )
    return list(query.order_by(CreditUse.credit, CreditUse.id))


# --- Reading ---------------------------------------------------------------------------------


def credits_of(account: Account) -> ModelSelect[AccountCredit]:
    """Return the query for all amounts ever put on a customer's balance, newest first."""
    return AccountCredit.select().where(AccountCredit.account == account).order_by(
        AccountCredit.id.desc()
    )  # fmt: skip


def find_credit(account: Account, number: int) -> AccountCredit | None:
    """Return an amount of a customer's balance, if it is theirs."""
    return AccountCredit.get_or_none(AccountCredit.id == number, AccountCredit.account == account)


def available_of(account: Account) -> int:
    """Return the cents on a customer's balance that the next invoices use."""
    (row,) = _available_of.rows(account)
    return int(row.available_cents)  # type: ignore[attr-defined]


def available_query(account: Account) -> ModelSelect[AccountCredit]:
    """Return the query for the same, as one number."""
    left = AccountCredit.cents - AccountCredit.used_cents - AccountCredit.paid_out_cents
    total = fn.COALESCE(fn.SUM(left), 0).alias("available_cents")
    return AccountCredit.select(total).where(AccountCredit.account == account)


_available_of = prepared(available_query)


def _left_of(account_id: int) -> ModelSelect[AccountCredit]:
    used = AccountCredit.used_cents + AccountCredit.paid_out_cents
    return AccountCredit.select().where(
        AccountCredit.account == account_id, AccountCredit.cents > used
    )
