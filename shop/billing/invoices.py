"""Invoices: issued once for each delivered order and each renewal, numbered without gaps.

An invoice never changes: what is wrong with one is taken back by a credit note. The first month of
an order is invoiced when it is delivered, for its period begins that day (design: Billing).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from models import (
    Account,
    Addition,
    Invoice,
    InvoiceKind,
    InvoiceSeries,
    InvoiceStatus,
    LicenceGroup,
    Offer,
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    PaymentStatus,
    database,
    lock,
)
from models import InvoiceLine as Row
from shop import clock, jobs, mail, pricing, settings, transitions, vat
from shop.billing import ledger, periods
from shop.billing.periods import Period
from shop.errors import N_, Refusal
from shop.pricing import Line, Share, Totals
from shop.vat import VatTreatment

INVOICES, CREDIT_NOTES = "FA", "AV"
"""What the numbers of a year begin with (facture, avoir)."""

NOT_LEFT = N_("Only what is left of an invoice can be credited.")


@dataclass(frozen=True)
class Position:
    """A line to be invoiced, the days it is for, and the technical name of its group."""

    line: Line
    period: Period
    service: str


@dataclass(frozen=True)
class Draft:
    """What is about to be invoiced, and why: an ``order``, or a ``group``'s month from a day on.

    ``customer`` is the buyer as orders keep it.
    """

    account: Account
    language: str
    customer: Mapping[str, str]
    treatment: VatTreatment
    positions: tuple[Position, ...]
    due_on: date
    order: Order | None = None
    group: LicenceGroup | None = None
    period_start: date | None = None


# --- Issuing ---------------------------------------------------------------------------------


def issue(draft: Draft, *, payment: Payment | None = None) -> Invoice:
    """The invoice of a draft: numbered, charged and sent, in the caller's transaction.

    ``payment`` is what paid it already, if anything did. Raises `peewee.IntegrityError` when its
    order or period was invoiced before, and `pricing.TooLarge`.
    """
    sums = pricing.totals([position.line for position in draft.positions], draft.treatment)
    paid = _paid_by(payment) if payment else {}
    invoice = _write(
        INVOICES,
        draft.positions,
        account=draft.account,
        order=draft.order,
        group=draft.group,
        period_start=draft.period_start,
        language=draft.language,
        customer=dict(draft.customer),
        net_cents=sums.net_cents,
        vat_cents=sums.vat_cents,
        total_cents=sums.total_cents,
        vat_rate=draft.treatment.rate,
        vat_code=draft.treatment.code,
        due_on=draft.due_on,
        **paid,
    )
    ledger.charge(invoice)
    mail.invoice_issued(invoice)
    return invoice


def _write(series: str, positions: tuple[Position, ...], *, due_on: date, **values: Any) -> Invoice:
    # Waiting for the number may take the shop into another day: it is dated from the one before.
    today = clock.today()
    number = _next_number(f"{series}{today.year}")
    invoice = Invoice.create(
        number=number,
        seller=asdict(settings.current().seller),
        issued_at=clock.now(),
        issued_on=today,
        due_on=max(due_on, today),
        **values,
    )
    for place, position in enumerate(positions, start=1):
        _write_line(invoice, place, position)
    transitions.record(invoice, "invoice_issued", by="shop", to_status=invoice.status)
    return invoice


def _write_line(invoice: Invoice, place: int, position: Position) -> None:
    line = position.line
    Row.create(
        invoice=invoice,
        position=place,
        offer_code=line.offer,
        offer_name=line.name,
        service=position.service,
        quantity=line.quantity,
        unit_price_cents=line.unit_price_cents,
        net_cents=line.net_cents,
        days=line.days,
        period_days=line.period_days,
        period_start=position.period.start,
        period_end=position.period.end,
    )


def _next_number(series: str) -> str:
    """The next number of a series. Its row stays locked until the caller's transaction ends, so
    that numbers follow each other in order of issue, and none is lost where one is rolled back."""
    InvoiceSeries.insert(name=series, last=0).on_conflict_ignore().execute()
    InvoiceSeries.update(last=InvoiceSeries.last + 1).where(InvoiceSeries.name == series).execute()
    return f"{series}-{InvoiceSeries.get_by_id(series).last:06d}"


def _paid_by(payment: Payment) -> dict[str, Any]:
    return {
        "status": InvoiceStatus.PAID,
        "paid_at": payment.settled_at or clock.now(),
        "method": payment.method,
    }


# --- The invoice of an order -----------------------------------------------------------------


@jobs.handles("invoice_order", attempts=50)
def invoice_order(order: int) -> None:
    """Issue the invoice of a delivered order, once."""
    with database.atomic():
        row = lock(Order.get_by_id(order))
        if row.status == OrderStatus.DELIVERED and row.total_cents and of_order(row) is None:
            issue(draft_of(row), payment=_payment_of(row))


def of_order(order: Order) -> Invoice | None:
    """The invoice of an order, if it was issued."""
    found: Invoice | None = Invoice.get_or_none(
        Invoice.order == order, Invoice.kind == InvoiceKind.INVOICE
    )
    return found


def draft_of(order: Order) -> Draft:
    """What the invoice of a delivered order says: as ordered, from the day it was delivered."""
    return Draft(
        account=order.account,
        language=order.language,
        customer=order.customer,
        treatment=vat.restore(order.vat_code, order.vat_rate),
        positions=tuple(_positions_of(order)),
        due_on=clock.today(),
        order=order,
    )


def _positions_of(order: Order) -> list[Position]:
    groups = {row.line_id: row for row in _of_lines(LicenceGroup, order)}
    added = {row.line_id: row for row in _of_lines(Addition, order)}
    rows = OrderLine.select(OrderLine, Offer).join(Offer).where(OrderLine.order == order)
    return [
        _position(row, groups.get(row.id), added.get(row.id))
        for row in rows.order_by(OrderLine.position)
    ]


def _of_lines(table: Any, order: Order) -> list[Any]:
    return list(table.select().join(OrderLine).where(OrderLine.order == order))


def _position(row: OrderLine, group: LicenceGroup | None, added: Addition | None) -> Position:
    share = Share(row.days, row.period_days) if row.days and row.period_days else None
    line = Line(row.offer.code, row.offer_name, row.quantity, row.unit_price_cents, share)
    if added is not None:
        # What is charged ends with the renewal, and began so many days before it.
        period = Period(added.renewal_on - _days(line), added.renewal_on)
        return Position(line, period, added.group.name)
    assert group is not None, "a delivered order has a group or an addition for each line"
    return Position(line, periods.first_period(_installed_at(group)), group.name)


def _days(line: Line) -> Any:
    assert line.days is not None
    return timedelta(days=line.days)


def _installed_at(group: LicenceGroup) -> datetime:
    assert group.installed_at is not None
    return group.installed_at


def _payment_of(order: Order) -> Payment | None:
    found: Payment | None = Payment.get_or_none(
        Payment.order == order, Payment.status == PaymentStatus.SUCCEEDED
    )
    return found


# --- Paid ------------------------------------------------------------------------------------


def mark_paid(invoice: Invoice, payment: Payment, by: str) -> None:
    """The one way an issued invoice becomes paid, however it was.

    Runs in the caller's transaction, which holds ``invoice`` locked and payable.
    """
    changes = _paid_by(payment)
    transitions.move(invoice, changes.pop("status"), by=by, **changes)
    mail.invoice_paid(invoice, payment)
    _tell_settled(invoice)


_on_settled: list[Callable[[Invoice], None]] = []


def when_settled(act: Callable[[Invoice], None]) -> None:
    """Have ``act`` done with every invoice that is paid, or taken back in full, from now on: in
    the transaction that settles it."""
    _on_settled.append(act)


def _tell_settled(invoice: Invoice) -> None:
    for act in _on_settled:
        act(invoice)


# --- Taking back -----------------------------------------------------------------------------


def credit(invoice: Invoice, positions: tuple[Position, ...], reason: str, *, by: str) -> Invoice:
    """A credit note that takes back some of an invoice; its money goes back if it was paid.

    ``positions`` are what is taken back (`left_of` for all of it); ``reason`` is said on the
    note, in the invoice's language. Runs in the caller's transaction.

    Raises `Refusal` when that is not on the invoice, or no longer.
    """
    invoice = lock(invoice)
    _check_left(invoice, positions)
    sums = _taken_back(invoice, positions)
    left = invoice.total_cents - invoice.credited_cents
    if not 0 < sums.total_cents <= left:
        raise Refusal(NOT_LEFT)
    was_paid = invoice.status == InvoiceStatus.PAID
    note = _write(
        CREDIT_NOTES,
        positions,
        kind=InvoiceKind.CREDIT_NOTE,
        corrects=invoice,
        reason=reason,
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
    ledger.credit(note)
    _take_off(invoice, note, by)
    if was_paid:
        jobs.enqueue("refund_credit_note", f"refund_credit_note:{note.id}", credit_note=note.id)
    mail.credit_note_issued(note)
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
        for row in positions_of(note):
            taken[_what(row)] += row.line.quantity
    left = []
    for row in () if invoice.is_credit_note else positions_of(invoice):
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
    owed = pricing.vat_on(net, treatment.rate) - sum(note.vat_cents for note in notes)
    return Totals(more, owed, more + owed, treatment)


def _take_off(invoice: Invoice, note: Invoice, by: str) -> None:
    credited = invoice.credited_cents + note.total_cents
    if credited == invoice.total_cents:
        transitions.move(
            invoice, InvoiceStatus.REFUNDED, by=by, note=note.number, credited_cents=credited
        )
        _tell_settled(invoice)
    else:
        Invoice.update(credited_cents=credited).where(Invoice.id == invoice.id).execute()


def positions_of(invoice: Invoice) -> tuple[Position, ...]:
    """All that an invoice or a credit note says."""
    rows = Row.select().where(Row.invoice == invoice).order_by(Row.position)
    return tuple(
        Position(
            Line(
                row.offer_code, row.offer_name, row.quantity, row.unit_price_cents,
                Share(row.days, row.period_days) if row.days and row.period_days else None,
            ),
            Period(row.period_start, row.period_end),
            row.service,
        )
        for row in rows
    )  # fmt: skip


def find(account: Account, number: str) -> Invoice | None:
    """The customer's own invoice or credit note of that number."""
    found: Invoice | None = Invoice.get_or_none(
        Invoice.account == account, Invoice.number == number
    )
    return found
