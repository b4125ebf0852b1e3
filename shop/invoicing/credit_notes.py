"""Credit notes: they correct an invoice, wholly or in part, and never exceed what is left of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from records.base import lock
from records.invoices import Invoice, InvoiceKind, InvoiceStatus
from shop import clock, mail, transitions, vat
from shop.errors import N_, Refusal
from shop.invoicing import account_credits, invoices, ledger, lost_parts, receivables
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
    offset_cents: int = 0, by_amount: bool = False,
) -> Invoice:  # fmt: skip
    """Issue a credit note for positions of an invoice, and queue its refund if that was paid.

    ``positions`` are what is credited (`remaining_of` for all of it); ``reason`` is printed on the
    note, in the invoice's language if it is a text of the catalogue. ``offset_cents`` is not given
    back, as it pays the invoice in place of this one. Of an invoice paid in part, what is still
    owed is credited first. What a bank took back of a payment in part is absorbed next, and what
    the customer's balance paid then goes back to it. ``by_amount``
    allows positions of `amounts_of` and `share_of`. Runs in the caller's transaction.

    Raise `Refusal` when the invoice does not charge that, or it was credited before.
    """
    invoice = invoices.lock_with_order(invoice)
    subscription = receivables.subscription_of(invoice)
    if subscription is not None:
        # Before the number: a transaction that holds the subscription may be waiting for a number.
        lock(subscription)
    sums = totals_of(invoice, positions, by_amount=by_amount)
    used = account_credits.used_on(invoice)
    if invoice.is_payable and invoice.offset_cents:
        offset_cents = min(sums.total_cents, invoice.balance_cents)
    is_paid = invoice.status == InvoiceStatus.PAID or invoice.offset_cents > 0
    absorbed = _absorb(invoice, sums.total_cents - offset_cents) if is_paid else 0
    offset_cents += absorbed
    if is_paid and used:
        offset_cents += account_credits.restore(invoice, sums.total_cents - offset_cents)
    is_refunded = is_paid and offset_cents < sums.total_cents
    note = invoices.write_invoice(
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
        absorbed_cents=absorbed,
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


def _absorb(invoice: Invoice, most_cents: int) -> int:
    return lost_parts.absorb(lost_parts.kept_for(invoice), most_cents)


def _check_remaining(
    invoice: Invoice, positions: tuple[Position, ...], by_amount: bool = False
) -> None:
    """Raise `Refusal` for positions that an invoice does not charge or that were credited.

    ``by_amount`` allows amounts of what is charged beside licences.
    """
    left = Counter[tuple[Any, ...]]()
    for row in remaining_of(invoice):
        left[_charge_of(row)] += row.line.quantity
    if by_amount and _less(remaining_of(invoice), positions)[1]:
        raise Refusal(EXCEEDS_INVOICE)
    for position in positions:
        charge = _charge_of(position)
        if by_amount and charge not in left:
            continue
        left[charge] -= position.line.quantity
        if left[charge] < 0:
            raise Refusal(EXCEEDS_INVOICE)
        if left[charge] and position.line.share:
            # Cents are rounded once for the line: the sum of its parts could differ from it.
            raise Refusal(N_("Licences charged by the day can only be credited together."))


def remaining_of(invoice: Invoice) -> tuple[Position, ...]:
    """Return what an invoice charges and no credit note credits; nothing for a credit note."""
    if invoice.is_credit_note:
        return ()
    notes = Invoice.select(Invoice.id).where(Invoice.corrects == invoice)
    credited = [row for note in notes for row in lines.positions_of(note)]
    return _less(lines.positions_of(invoice), credited)[0]


def _less(
    charged: Iterable[Position], credited: Iterable[Position]
) -> tuple[tuple[Position, ...], int]:
    """Return positions without what was credited of them, and the cents credited beyond them.

    Licences are taken off those charged alike. What is no number of them is an amount: it is taken
    off what is left for the same service, offer and days, of which an amount then remains.
    """
    taken = Counter[tuple[Any, ...]]()
    for row in credited:
        taken[_charge_of(row)] += row.line.quantity
    left = []
    for row in charged:
        gone = min(taken[_charge_of(row)], row.line.quantity)
        taken[_charge_of(row)] -= gone
        if gone < row.line.quantity:
            left.append(part_of(row, row.line.quantity - gone))
    amounts = Counter[tuple[Any, ...]]()
    for row in credited:
        quantity = taken.pop(_charge_of(row), 0)
        amounts[_subject_of(row)] += part_of(row, quantity).line.net_cents
    rest = []
    for row in left:
        gone = min(amounts[_subject_of(row)], row.line.net_cents)
        amounts[_subject_of(row)] -= gone
        if gone < row.line.net_cents or not gone:
            rest.append(amount_of(row, row.line.net_cents - gone) if gone else row)
    return tuple(rest), amounts.total()


def amount_of(position: Position, net_cents: int) -> Position:
    """Return an amount, excluding VAT, of what a position charges."""
    line = replace(position.line, quantity=1, unit_price_cents=net_cents, share=None)
    return replace(position, line=line)


def amounts_of(positions: Iterable[Position], net_cents: int) -> tuple[Position, ...]:
    """Return an amount, excluding VAT, of some positions: of the first ones as much as they charge.

    Raise `Refusal` where they charge less.
    """
    parts, left = [], net_cents
    for position in positions:
        part = min(left, position.line.net_cents)
        if part > 0:
            is_all = part == position.line.net_cents
            parts.append(position if is_all else amount_of(position, part))
            left -= part
    if left or not parts:
        raise Refusal(EXCEEDS_INVOICE)
    return tuple(parts)


def share_of(positions: Iterable[Position], percent: int) -> tuple[Position, ...]:
    """Return ``percent`` of each position; no position where that rounds to nothing.

    Raise `Refusal` where nothing is left of them.
    """
    if percent == 100:
        parts = tuple(positions)
    else:
        cents = [
            (each, money.round_half_up(each.line.net_cents * percent, 100)) for each in positions
        ]
        parts = tuple(amount_of(each, part) for each, part in cents if part)
    if not parts:
        raise Refusal(EXCEEDS_INVOICE)
    return parts


def part_of(position: Position, quantity: int) -> Position:
    """Return a position with ``quantity`` of its licences."""
    return replace(position, line=replace(position.line, quantity=quantity))


def licences_of(invoice: Invoice, position: Position, number: int) -> Position | None:
    """Return that number of licences of what is left of an invoice; None if it charges fewer.

    Licences charged by the day are credited together. Where an amount was credited before, it is
    what they cost, or the rest, if that is less.
    """
    charged = [
        row for row in lines.positions_of(invoice) if _subject_of(row) == _subject_of(position)
    ]
    if _charge_of(position) in map(_charge_of, charged):
        if position.line.quantity < number:
            return None
        return position if position.line.share else part_of(position, number)
    for row in charged:
        if row.line.quantity >= number:
            cost = row.line.net_cents if row.line.share else part_of(row, number).line.net_cents
            return amount_of(position, min(cost, position.line.net_cents))
    return None


def _subject_of(position: Position) -> tuple[Any, ...]:
    """Return what a position charges for, however it counts it."""
    return position.service, position.period, position.line.offer


def _charge_of(position: Position) -> tuple[Any, ...]:
    """Return the key that positions share when they differ in quantity only."""
    line = position.line
    return position.service, position.period, line.offer, line.unit_price_cents, line.share


def totals_of(
    invoice: Invoice, positions: tuple[Position, ...], *, by_amount: bool = False
) -> Totals:
    """Return the totals that a credit note for positions of an invoice would have.

    Raise `Refusal` where that is more than is left of the invoice, or nothing.
    """
    _check_remaining(invoice, positions, by_amount)
    sums = _note_totals(invoice, positions)
    if not 0 < sums.total_cents <= invoice.total_cents - invoice.credited_cents:
        raise Refusal(EXCEEDS_INVOICE)
    return sums


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
        invoice.credited_cents = credited
        if invoice.is_payable and invoice.offset_cents and invoice.balance_cents <= 0:
            invoices.mark_settled(invoice, by=by)
            kinds.invoice_settled.send(invoice)
