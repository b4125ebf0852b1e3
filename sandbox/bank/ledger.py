"""The bank's ledger (double entry): payments and refunds move money between two accounts."""

from __future__ import annotations

import secrets
from typing import Any

from peewee import fn

from sandbox import clock
from sandbox.api_errors import ApiRefusal
from sandbox.bank import payouts
from sandbox.bank.models import Checkout, Dispute, Entry, Refund, RefundState, Status
from sandbox.database import database

CARDS, MERCHANT = "cards", "merchant"


def book_payment(checkout: Checkout) -> None:
    """Book the amount of ``checkout`` from the cardholder to the merchant."""
    Entry.create(
        at=clock.now(),
        kind="payment",
        debit=CARDS,
        credit=MERCHANT,
        amount_cents=checkout.amount_cents,
        currency=checkout.currency,
        checkout=checkout,
    )
    payouts.move_charge(checkout)


def refunded_cents(checkout: Checkout) -> int:
    """Return the cents of a checkout that are refunded, or about to be."""
    kept = (Refund.checkout == checkout) & (Refund.state != RefundState.FAILED)
    total = Refund.select(fn.SUM(Refund.amount_cents)).where(kept).scalar()
    return int(total or 0)


def book_refund(checkout: Checkout, amount_cents: int, **columns: Any) -> Refund:
    """Refund ``amount_cents`` of ``checkout`` to its card, in the caller's transaction.

    ``columns`` are further columns of the refund.

    Raises `ApiRefusal` if it was not paid, or if the refunds would exceed the payment.
    """
    if checkout.status != Status.SUCCEEDED:
        raise ApiRefusal(422, "not_paid", "Only a succeeded checkout can be refunded.")
    if refunded_cents(checkout) + amount_cents > checkout.amount_cents:
        raise ApiRefusal(422, "too_much", "More would be given back than was paid.")
    now = clock.now()
    refund = Refund.create(
        reference=f"re_{secrets.token_urlsafe(18)}",
        checkout=checkout,
        amount_cents=amount_cents,
        created_at=now,
        **columns,
    )
    Entry.create(
        at=now,
        kind="refund",
        debit=MERCHANT,
        credit=CARDS,
        amount_cents=amount_cents,
        currency=checkout.currency,
        checkout=checkout,
        refund=refund,
    )
    payouts.move_refund(refund, -amount_cents)
    return refund


def book_returned_refund(refund: Refund) -> None:
    """Book that the money of a refund did not arrive, and is the merchant's again."""
    Entry.create(
        at=clock.now(),
        kind="refund_returned",
        debit=CARDS,
        credit=MERCHANT,
        amount_cents=refund.amount_cents,
        currency=refund.checkout.currency,
        checkout=refund.checkout_id,
        refund=refund,
    )
    payouts.move_refund(refund, refund.amount_cents)


def book_dispute(dispute: Dispute, cents: int) -> None:
    """Book what is withdrawn from the merchant for a dispute; a negative amount is given back."""
    taken, checkout = cents > 0, dispute.checkout
    Entry.create(
        at=clock.now(),
        kind="withdrawal" if taken else "reinstatement",
        debit=MERCHANT if taken else CARDS,
        credit=CARDS if taken else MERCHANT,
        amount_cents=abs(cents),
        currency=checkout.currency,
        checkout=checkout,
    )
    payouts.move_dispute(dispute, -cents)


def balances() -> dict[str, int]:
    """Return the balance of each account in cents; their sum is always zero."""
    with database.atomic():
        merchant = _sum(Entry.credit == MERCHANT) - _sum(Entry.debit == MERCHANT)
    return {CARDS: -merchant, MERCHANT: merchant}


def _sum(which: Any) -> int:
    total = Entry.select(fn.SUM(Entry.amount_cents)).where(which).scalar()
    return int(total or 0)


def list_entries(page: int = 1, size: int = 50, reference: str = "") -> list[Entry]:
    """Return a page of entries, newest first; only of one merchant reference, if given."""
    query = Entry.select(Entry, Checkout).join(Checkout).order_by(Entry.id.desc())
    if reference:
        query = query.where(Checkout.merchant_reference == reference)
    return list(query.paginate(page, size))


def count_entries(reference: str = "") -> int:
    """Count the entries, in all or of one merchant reference."""
    query = Entry.select().join(Checkout)
    if reference:
        query = query.where(Checkout.merchant_reference == reference)
    return int(query.count())
