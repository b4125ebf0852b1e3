"""Lists of refunds: of some payments, and those that the operator has to see to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from peewee import SQL, ModelSelect, fn

from records.disputes import Dispute, DisputeStatus
from records.invoices import Invoice, InvoiceStatus
from records.payment_methods import PaymentMethod
from records.payments import Payment, PaymentStatus
from records.refunds import UNEXPLAINED, Refund, RefundOrigin, RefundStatus
from shop.payments import payables


@dataclass(frozen=True)
class OfPayments:
    """The refunds of some payments, oldest first."""

    made: list[Refund]

    @classmethod
    def read(cls, payments: list[Payment]) -> OfPayments:
        """Read them (one query, none where nothing was taken)."""
        due = PaymentStatus.REFUND_DUE
        ids = [
            each.id
            for each in payments
            if each.taken_cents or each.uncharged_cents or each.status == due
        ]
        if not ids:
            return cls([])
        return cls(list(Refund.select().where(Refund.payment.in_(ids)).order_by(Refund.id)))

    def latest(self, payment: Payment) -> Refund | None:
        """Return the last attempt to refund a whole payment, as `latest` does."""
        own = [each for each in self.made if each.payment_id == payment.id]
        asked = [each for each in own if each.credit_note_id is None and not each.is_of_bank]
        return asked[-1] if asked else None

    @property
    def by_bank(self) -> list[Refund]:
        """Those that the bank made on its own, without being asked."""
        done = [each for each in self.made if each.status == RefundStatus.SUCCEEDED]
        return [each for each in done if each.is_of_bank]


def transfers_due() -> ModelSelect[Refund]:
    """Return the query for refunds that the operator has to make by transfer, oldest first."""
    return Refund.select().where(
        Refund.status == RefundStatus.ASKED, Refund.method == PaymentMethod.MANUAL
    ).order_by(Refund.id)  # fmt: skip


def failed() -> ModelSelect[Refund]:
    """Return the query for refunds that failed and were not asked for again, oldest first."""
    later, other, note = Refund.alias(), Refund.alias(), Invoice.alias()
    again = later.select().where(
        later.payment == Refund.payment,
        fn.COALESCE(later.credit_note, 0) == fn.COALESCE(Refund.credit_note, 0),
        later.id > Refund.id,
        later.credit_note.is_null() | (later.status == RefundStatus.FAILED),
    )
    # Another payment may give back what failed of a credit note.
    given = other.select(fn.COALESCE(fn.SUM(other.cents), 0)).where(
        other.credit_note == Refund.credit_note, other.status != RefundStatus.FAILED
    )
    owing = note.select(note.id).where(
        note.id == Refund.credit_note, note.status == InvoiceStatus.DUE,
        note.total_cents - note.offset_cents > given,
    )  # fmt: skip
    # What a bank took back is given back by that.
    taken = Dispute.select(
        fn.COALESCE(fn.SUM(Dispute.withdrawn_cents - Dispute.absorbed_cents), 0)
    ).where(Dispute.payment == Payment.id, Dispute.status == DisputeStatus.LOST)
    of_rest = Refund.credit_note.is_null() & (Payment.status == PaymentStatus.SUCCEEDED)
    lost = Payment.select(Payment.id).where(
        Payment.id == Refund.payment,
        (Payment.status == PaymentStatus.LOST) | (of_rest & (Payment.uncharged_cents <= taken)),
    )
    return Refund.select().where(
        Refund.status == RefundStatus.FAILED, Refund.origin != RefundOrigin.BANK, ~fn.EXISTS(again),
        ~fn.EXISTS(lost), Refund.credit_note.is_null() | fn.EXISTS(owing),
    ).order_by(Refund.id)  # fmt: skip


def unfinished() -> Iterator[Refund]:
    """Yield the refunds that are not done, or that nobody explained, the most urgent first."""
    yield from failed()
    yield from unexplained()
    yield from transfers_due()
    at_bank = Refund.status.in_([RefundStatus.ASKED, RefundStatus.PENDING])
    of_shop = (Refund.method != PaymentMethod.MANUAL) & (Refund.origin != RefundOrigin.BANK)
    yield from Refund.select().where(at_bank, of_shop).order_by(Refund.id)


def unexplained() -> ModelSelect[Refund]:
    """Return the query for refunds that the bank made on its own, and nobody explained."""
    return Refund.select().where(
        SQL(UNEXPLAINED), Refund.credit_note.is_null(),
        Refund.status != RefundStatus.FAILED,
    ).order_by(Refund.id)  # fmt: skip


def number_of(row: Refund) -> str:
    """Return the number of the credit note, order or invoice that a refund is for."""
    if row.credit_note is not None:
        return str(row.credit_note.number)
    return str(payables.paid_by(row.payment).row.number)
