"""The e-mails about orders, and about invoices, cards and refunds."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from records.account_credits import AccountCredit
from records.cards import Card
from records.disputes import Dispute
from records.invoices import Invoice, InvoiceKind
from records.letters import LetterKind
from records.orders import Order
from records.payments import Payment
from records.refunds import Refund
from shop import clock, documents, transitions
from shop.licences.parts import parts_of
from shop.mail.archive import store_letter
from shop.pricing import money
from shop.pricing.lines import lines_of
from shop.text import templates

# --- The order -------------------------------------------------------------------------------


def order_placed(order: Order) -> None:
    """Confirm an order, with the purchase order and the contracts, and how to pay it."""
    _about_order(
        order, LetterKind.ORDER_PLACED, f"order_placed:{order.id}",
        attach=documents.of_order(order),
        lines=lines_of(order),
        mention=documents.vat_mention(order, order.account.language),
    )  # fmt: skip


def order_cancelled(order: Order) -> None:
    """Report a cancelled order; nothing is due."""
    _about_order(order, LetterKind.ORDER_CANCELLED, f"order_cancelled:{order.id}")


def order_expired(order: Order) -> None:
    """Report an order that was not paid in time; nothing is due."""
    _about_order(order, LetterKind.ORDER_EXPIRED, f"order_expired:{order.id}")


def payment_received(order: Order, payment: Payment) -> None:
    """Confirm a payment: the installation starts (guide: a few minutes, up to 4 hours)."""
    _about_order(
        order, LetterKind.PAYMENT_RECEIVED, f"payment_received:{order.id}", payment=payment
    )


def payment_refunded(order: Order, payment: Payment, refund: Refund, reason: str) -> None:
    """Report a full refund and when it arrives; ``reason`` is one that the template knows."""
    _about_order(
        order, LetterKind.PAYMENT_REFUNDED, f"payment_refunded:{payment.id}:{refund.id}",
        payment=payment, refund=refund, reason=reason,
    )  # fmt: skip


def rest_refunded(order: Order, payment: Payment, refund: Refund) -> None:
    """Report the refund of what is not charged of an order, and what was delivered of it."""
    _about_order(
        order, LetterKind.REST_REFUNDED, f"rest_refunded:{payment.id}:{refund.id}",
        refund=refund, parts=parts_of(order),
    )  # fmt: skip


def delivery_failed(order: Order, refunded_at: datetime) -> None:
    """Report what could not be installed and what happens next: the refund, at the latest."""
    _about_order(
        order, LetterKind.DELIVERY_FAILED, f"delivery_failed:{order.id}:{clock.now().isoformat()}",
        refunded_at=refunded_at, parts=parts_of(order),
    )  # fmt: skip


def _about_order(order: Order, kind: LetterKind, key: str, **values: Any) -> None:
    store_letter(order.account, kind, key, order=order, **values)


def attach_ordered(
    order: Order, *, service: str, line: money.Line, totals: money.Totals, renewal_on: date
) -> None:
    """Confirm an order of Office Attach: a free month, then ``line`` and ``totals`` monthly."""
    _about_order(
        order, LetterKind.ATTACH_ORDERED, f"attach_ordered:{order.id}",
        attach=documents.of_order(order),
        service=service,
        line=line,
        totals=totals,
        renewal_on=renewal_on,
    )  # fmt: skip


# --- Invoices --------------------------------------------------------------------------------


def invoice_issued(invoice: Invoice, card: Card | None = None) -> None:
    """Send an invoice as attachment: already paid, or the amount due, its date, and the stored
    ``card`` that will be charged."""
    _about_invoice(
        invoice, LetterKind.INVOICE_ISSUED, attach=[documents.of_invoice(invoice)], card=card
    )


def invoice_paid(invoice: Invoice, payment: Payment) -> None:
    """Confirm the payment of an invoice."""
    _about_invoice(invoice, LetterKind.INVOICE_PAID, payment=payment)


def part_payment_received(invoice: Invoice, credit: AccountCredit) -> None:
    """Confirm a transfer that pays a part of an invoice, and say what is still owed."""
    key = f"part_payment_received:{credit.id}"
    _about_invoice(invoice, LetterKind.PART_PAYMENT_RECEIVED, key=key, credit=credit)


def goodwill_granted(credit: AccountCredit, available_cents: int) -> None:
    """Tell a customer of an amount that their next invoice uses, and why."""
    store_letter(
        credit.account, LetterKind.GOODWILL_GRANTED, f"goodwill_granted:{credit.id}",
        credit=credit, available_cents=available_cents,
    )  # fmt: skip


def credit_note_issued(note: Invoice, reason: str) -> None:
    """Send a credit note as attachment, and whether money is refunded; ``reason`` is a ``msgid`` or
    the operator's text."""
    _about_invoice(
        note, LetterKind.CREDIT_NOTE_ISSUED,
        attach=[documents.of_invoice(note)],
        corrects=note.corrects,
        reason=templates.translate(reason, note.account.language),
    )  # fmt: skip


def invoice_payment_refunded(invoice: Invoice, payment: Payment, refund: Refund) -> None:
    """Report the refund of what a payment is more than an invoice: all of it, or a part."""
    key = f"invoice_payment_refunded:{payment.id}:{refund.id}"
    _about_invoice(
        invoice, LetterKind.INVOICE_PAYMENT_REFUNDED, key=key, payment=payment, refund=refund
    )


def credit_note_refunded(note: Invoice, refund: Refund) -> None:
    """Report that the money of a credit note was given back, by transfer or after a failure."""
    key = f"credit_note_refunded:{refund.id}"
    _about_invoice(note, LetterKind.CREDIT_NOTE_REFUNDED, key=key, refund=refund)


def refunded_by_bank(refund: Refund) -> None:
    """Report a refund that was made in the bank's dashboard."""
    payment = refund.payment
    store_letter(
        payment.account, LetterKind.REFUNDED_BY_BANK, f"refunded_by_bank:{refund.id}",
        refund=refund, order=payment.order, invoice=payment.invoice,
    )  # fmt: skip


def payment_disputed(dispute: Dispute, card: Card | None) -> None:
    """Tell that the bank reports a payment as contested, and that its ``card`` is not charged."""
    payment = dispute.payment
    store_letter(
        payment.account, LetterKind.PAYMENT_DISPUTED, f"payment_disputed:{dispute.id}",
        dispute=dispute, payment=payment, card=card, order=payment.order, invoice=payment.invoice,
    )  # fmt: skip


def dispute_lost(
    dispute: Dispute, invoice: Invoice | None, owed_cents: int, *, card: Card | None = None,
    pay_before: date | None = None, charged_on: datetime | None = None,
) -> None:  # fmt: skip
    """Tell that the bank took a payment back for good, and that ``owed_cents`` of it are owed again
    for ``invoice``, or the one that it was for.

    A service is suspended unless that is paid before a day; ``card``, another one that the customer
    chose for the service, is charged with it on ``charged_on``.
    """
    payment = dispute.payment
    store_letter(
        payment.account, LetterKind.DISPUTE_LOST, _key_of_loss(dispute, owed_cents),
        dispute=dispute, owed_cents=owed_cents, order=payment.order,
        invoice=invoice if owed_cents else _invoice_of(payment),
        card=card, pay_before=pay_before, charged_on=charged_on,
    )  # fmt: skip


def _key_of_loss(dispute: Dispute, owed_cents: int) -> str:
    """Return the key of a letter: a bank may decide again, or take more.

    That of the first decision, of which nothing is owed, is as it was before banks did so: who was
    told of it is not told again.
    """
    decisions = sum(event.name == "dispute_lost" for event in transitions.history(dispute))
    again = f":{decisions}" if decisions > 1 else ""
    return f"dispute_lost:{dispute.id}{again}" + (":owed" if owed_cents else "")


def _invoice_of(payment: Payment) -> Invoice | None:
    """Return the invoice that a payment is for, also that of its order."""
    if payment.invoice is not None:
        return payment.invoice
    of_order = (Invoice.order == payment.order_id) & (Invoice.kind == InvoiceKind.INVOICE)
    found: Invoice | None = Invoice.select().where(of_order).order_by(Invoice.id.desc()).first()
    return found


def card_removed(card: Card) -> None:
    """Tell that the bank removed a stored card, so that renewals need another one."""
    store_letter(card.account, LetterKind.CARD_REMOVED, f"card_removed:{card.id}", card=card)


def card_withdrawn(card: Card, services: list[str]) -> None:
    """Confirm that the customer removed a card, and name the services that were charged to it."""
    store_letter(
        card.account,
        LetterKind.CARD_WITHDRAWN,
        f"card_withdrawn:{card.id}",
        card=card,
        services=services,
    )


def card_expiring(card: Card, services: list[str], *, is_last: bool) -> None:
    """Tell that a card expires, the day before (``is_last``) or earlier, and which services are
    charged to it."""
    key = f"card_expiring:{card.id}:{card.valid_until.isoformat()}:{1 if is_last else 7}"
    store_letter(
        card.account, LetterKind.CARD_EXPIRING, key,
        card=card, services=services, expires_on=card.valid_until,
    )  # fmt: skip


def refund_failed(refund: Refund) -> None:
    """Report that the bank did not make a refund, or sent it back, and what happens next."""
    payment, note = refund.payment, refund.credit_note
    store_letter(
        payment.account, LetterKind.REFUND_FAILED, f"refund_failed:{refund.id}",
        refund=refund, payment=payment, order=payment.order, invoice=note or payment.invoice,
    )  # fmt: skip


def _about_invoice(invoice: Invoice, kind: LetterKind, key: str = "", **values: Any) -> None:
    """Store an e-mail about an invoice, one of each kind unless ``key`` is given."""
    store_letter(invoice.account, kind, key or f"{kind}:{invoice.id}", invoice=invoice, **values)
