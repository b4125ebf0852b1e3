"""Credit notes: they correct an invoice, wholly or in part, and never exceed what is left of it."""

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
"""The prefix of the numbers of credit notes (avoir)."""

EXCEEDS_INVOICE = N_("Only what is left of an invoice can be credited.")


def credit(
    invoice: Invoice, positions: tuple[Position, ...], reason: str, *, by: str,
    offset_cents: int = 0,
) -> Invoice:  # fmt: skip
    """Issue a credit note for positions of an invoice, and queue its refund if that was paid.

    ``positions`` are what is credited (`remaining_of` for all of it); ``reason`` is printed on the
    note, in the invoice's language if it is a text of the catalogue. ``offset_cents`` is not given
    back, as it pays the invoice in place of this one. Runs in the caller's transaction.

    Raise `Refusal` when the invoice does not charge that, or it was credited before.
    """
    invoice = lock(invoice)
    subscription = receivables.subscription_of(invoice)
    if subscription is not None:
        # Before the number: a transaction that holds the subscription may be waiting for a number.
        lock(subscription)
    _check_remaining(invoice, positions)
    sums = _note_totals(invoice, positions)
    left = invoice.total_cents - invoice.credited_cents
    if not 0 < sums.total_cents <= left:
        raise Refusal(EXCEEDS_INVOICE)
    if invoice.is_payable and invoice.offset_cents:
        if sums.total_cents < left:
            raise Refusal(N_("Only the whole of an invoice that is paid in part can be credited."))
        offset_cents = left - invoice.offset_cents
    is_paid = invoice.status == InvoiceStatus.PAID or invoice.offset_cents > 0
    is_refunded = is_paid and offset_cents < sums.total_cents
    note = invoices.write(
        SERIES,
        positions,
        kind=InvoiceKind.CREDIT_NOTE,
        corrects=invoice,
        reason=templates.translate(reason, invoice.language),
        account=invoice.account_id,
        order=invoice.order_id,
        group=invoice.group_id,
        status=InvoiceStatus.DUE if is_refunded else InvoiceStatus.REFUNDED,
        offset_cents=offset_cents,
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
    _add_credited(invoice, note, by)
    if is_refunded:
        kinds.refund_credit_note.later(credit_note=note.id)
    mail.credit_note_issued(note, reason)
    return note


def _check_remaining(invoice: Invoice, positions: tuple[Position, ...]) -> None:
    """Raise `Refusal` for positions that an invoice does not charge or that were credited."""
    left = Counter[tuple[Any, ...]]()
    for row in remaining_of(invoice):
        left[_charge_of(row)] += row.line.quantity
    for position in positions:
        left[_charge_of(position)] -= position.line.quantity
        if left[_charge_of(position)] < 0:
            raise Refusal(EXCEEDS_INVOICE)
        if left[_charge_of(position)] and position.line.share:
            # Cents are rounded once for the line: the sum of its parts could differ from it.
            raise Refusal(N_("Licences charged by the day can only be credited together."))


def remaining_of(invoice: Invoice) -> tuple[Position, ...]:
    """Return what an invoice charges and no credit note credits; nothing for a credit note."""
    taken = Counter[tuple[Any, ...]]()
    for note in Invoice.select(Invoice.id).where(Invoice.corrects == invoice):
        for row in lines.positions_of(note):
            taken[_charge_of(row)] += row.line.quantity
    left = []
    for row in () if invoice.is_credit_note else lines.positions_of(invoice):
        gone = min(taken[_charge_of(row)], row.line.quantity)
        taken[_charge_of(row)] -= gone
        if gone < row.line.quantity:
            left.append(part_of(row, row.line.quantity - gone))
    return tuple(left)


def part_of(position: Position, quantity: int) -> Position:
    """Return a position with ``quantity`` of its licences."""
    return replace(position, line=replace(position.line, quantity=quantity))


def _charge_of(position: Position) -> tuple[Any, ...]:
    """Return the key that positions share when they differ in quantity only."""
    line = position.line
    return position.service, position.period, line.offer, line.unit_price_cents, line.share


def _note_totals(invoice: Invoice, positions: tuple[Position, ...]) -> Totals:
    """Return the totals of a further credit note.

    VAT is rounded on the sum of all credit notes of the invoice, so that notes for every part of
    it add up to the invoice, to the cent.
    """
    treatment = vat.restore(invoice.vat_code, invoice.vat_rate)
    notes = list(Invoice.select().where(Invoice.corrects == invoice))
    more = sum(position.line.net_cents for position in positions)
    net = more + sum(note.net_cents for note in notes)
    due_vat = money.vat_on(net, treatment.rate) - sum(note.vat_cents for note in notes)
    return Totals(more, due_vat, more + due_vat, treatment)


def _add_credited(invoice: Invoice, note: Invoice, by: str) -> None:
    """Add a credit note to its invoice's credited amount; close the invoice if nothing is left."""
    credited = invoice.credited_cents + note.total_cents
    if credited == invoice.total_cents:
        transitions.move(
            invoice, InvoiceStatus.REFUNDED, by=by, note=note.number, credited_cents=credited
        )
        kinds.invoice_settled.send(invoice)
    else:
        Invoice.update(credited_cents=credited).where(Invoice.id == invoice.id).execute()
