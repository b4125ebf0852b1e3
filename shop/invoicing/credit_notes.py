"""Credit notes: what takes an invoice back, wholly or in part, never more than is left of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from records.base import lock
from records.invoices import Invoice, InvoiceKind, InvoiceStatus
from shop import clock, mail, transitions, vat
from shop.errors import N_, Refusal
from shop.invoicing import invoices, ledger, receivables
from shop.jobs import kinds
from shop.pricing import lines, money
from shop.pricing.lines import Position
from shop.pricing.money import Totals
from shop.text import templates

SERIES = "AV"
"""What the numbers of a year's credit notes begin with (avoir)."""

NOT_LEFT = N_("Only what is left of an invoice can be credited.")


def credit(invoice: Invoice, positions: tuple[Position, ...], reason: str, *, by: str) -> Invoice:
    """A credit note that takes back some of an invoice; its money goes back if it was paid.

    ``positions`` are what is taken back (`left_of` for all of it); ``reason`` is said on the
    note, in the invoice's language if it is a text of the catalogue. Runs in the caller's
    transaction.

    Raises `Refusal` when that is not on the invoice, or no longer.
    """
    invoice = lock(invoice)
    subscription = receivables.subscription_of(invoice)
    if subscription is not None:
        # Before the number: whoever holds a subscription may be waiting for one.
        lock(subscription)
    _check_left(invoice, positions)
    sums = _taken_back(invoice, positions)
    left = invoice.total_cents - invoice.credited_cents
    if not 0 < sums.total_cents <= left:
        raise Refusal(NOT_LEFT)
    was_paid = invoice.status == InvoiceStatus.PAID
    note = invoices.write(
        SERIES,
        positions,
        kind=InvoiceKind.CREDIT_NOTE,
        corrects=invoice,
        reason=templates.translate(reason, invoice.language),
        account=invoice.account_id,
        order=invoice.order_id,
        group=invoice.group_id,
        status=InvoiceStatus.DUE if was_paid else InvoiceStatus.REFUNDED,
        language=invoice.language,
        customer=invoice.customer,
        net_cents=sums.net_cents,
        vat_cents=sums.vat_cents,
        total_cents=sums.total_cents,
        vat_rate=invoice.vat_rate,
        vat_code=invoice.vat_code,
        due_on=clock.today(),
    )
    ledger.post_credit_note(note)
    _take_off(invoice, note, by)
    if was_paid:
        kinds.refund_credit_note.later(credit_note=note.id)
    mail.credit_note_issued(note, reason)
    return note


def _check_left(invoice: Invoice, positions: tuple[Position, ...]) -> None:
    """Refuse to take back what an invoice does not say, or what was taken back before."""
    left = Counter[tuple[Any, ...]]()
    for row in left_of(invoice):
        left[_what(row)] += row.line.quantity
    for position in positions:
        left[_what(position)] -= position.line.quantity
        if left[_what(position)] < 0:
            raise Refusal(NOT_LEFT)
        if left[_what(position)] and position.line.share:
            # Cents are rounded once for the line: its parts would not add up to it.
            raise Refusal(N_("Licences charged by the day can only be credited together."))


def left_of(invoice: Invoice) -> tuple[Position, ...]:
    """What an invoice charges and no credit note took back; nothing of a credit note."""
    taken = Counter[tuple[Any, ...]]()
    for note in Invoice.select(Invoice.id).where(Invoice.corrects == invoice):
        for row in lines.positions_of(note):
            taken[_what(row)] += row.line.quantity
    left = []
    for row in () if invoice.is_credit_note else lines.positions_of(invoice):
        gone = min(taken[_what(row)], row.line.quantity)
        taken[_what(row)] -= gone
        if gone < row.line.quantity:
            left.append(part_of(row, row.line.quantity - gone))
    return tuple(left)


def part_of(position: Position, quantity: int) -> Position:
    """So many of the licences of a position."""
    return replace(position, line=replace(position.line, quantity=quantity))


def _what(position: Position) -> tuple[Any, ...]:
    """What a position charges one of, whatever the quantity."""
    line = position.line
    return position.service, position.period, line.offer, line.unit_price_cents, line.share


def _taken_back(invoice: Invoice, positions: tuple[Position, ...]) -> Totals:
    """What a further credit note adds up to. VAT is rounded on all that was taken back so far, so
    that notes for every part of an invoice add up to the invoice, to the cent."""
    treatment = vat.restore(invoice.vat_code, invoice.vat_rate)
    notes = list(Invoice.select().where(Invoice.corrects == invoice))
    more = sum(position.line.net_cents for position in positions)
    net = more + sum(note.net_cents for note in notes)
    owed = money.vat_on(net, treatment.rate) - sum(note.vat_cents for note in notes)
    return Totals(more, owed, more + owed, treatment)


def _take_off(invoice: Invoice, note: Invoice, by: str) -> None:
    credited = invoice.credited_cents + note.total_cents
    if credited == invoice.total_cents:
        transitions.move(
            invoice, InvoiceStatus.REFUNDED, by=by, note=note.number, credited_cents=credited
        )
        kinds.invoice_settled.send(invoice)
    else:
        Invoice.update(credited_cents=credited).where(Invoice.id == invoice.id).execute()
