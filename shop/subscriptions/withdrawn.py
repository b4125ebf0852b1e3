"""What ends with a withdrawal: whole groups, or the licences that an order added to one.

Everything paid for them is credited, renewals included: nothing is kept for the days of use
(general terms, 11). `shop.orders.withdrawal_rights` decides who may withdraw, and from what. All
functions run in the caller's transaction, which has locked the orders.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, cast

import structlog
from peewee import Case

from records.base import lock
from records.groups import Addition, LicenceGroup
from records.invoices import PAYABLE, Invoice, InvoiceKind, InvoiceStatus
from records.orders import Order
from records.seat_states import SeatStatus
from records.seats import Seat
from records.subscriptions import Renewal, Subscription
from records.terminations import GiveBack, Termination, TerminationCause, TerminationStatus
from shop import clock, transitions
from shop.errors import N_, Refusal
from shop.invoicing import credit_notes
from shop.jobs import kinds
from shop.subscriptions import (
    ending,
    give_backs,
    period_billing,
    period_invoices,
    subscriptions,
    terminations,
)

log = structlog.get_logger()


LICENCES_CHANGED = N_("The licences of this group have changed. Choose again which ones end.")


# --- Locking ---------------------------------------------------------------------------------


def lock_money(orders: list[Order], groups: Iterable[LicenceGroup]) -> None:
    """Lock the invoices of orders and groups, and then the subscriptions of the groups.

    Settlement locks an invoice before its subscription, too.
    """
    ids = sorted({group.id for group in groups})
    charged = (Invoice.order.in_([order.id for order in orders] or [0])) | Invoice.group.in_(
        ids or [0]
    )
    for invoice in _open_or_paid().where(charged).order_by(Invoice.id):
        lock(invoice)
    for subscription in Subscription.select().where(Subscription.group.in_(ids or [0])).order_by(
        Subscription.id
    ):  # fmt: skip
        lock(subscription)


def _open_or_paid() -> Any:
    return Invoice.select().where(
        Invoice.kind == InvoiceKind.INVOICE, Invoice.status.in_([InvoiceStatus.PAID, *PAYABLE])
    )


# --- A whole group ---------------------------------------------------------------------------


def end_group(group: LicenceGroup, *, by: str) -> None:
    """End a group at once. Raise `Refusal` where it has ended."""
    subscription = terminations.running(group)
    period_billing.credit_unpaid_ahead(subscription, by=by)
    earlier = terminations.for_group(group)
    if earlier is not None:
        transitions.move(earlier, TerminationStatus.UNDONE, by=by, closed_at=clock.now())
    termination = Termination.create(
        group=group, cause=TerminationCause.WITHDRAWAL, ends_on=clock.today(), asked_at=clock.now()
    )
    transitions.record(termination, "termination_withdrawal", by=by)
    ending.end_now(subscription, termination, by=by)


def credit_group(group: LicenceGroup, *, by: str) -> int:
    """Credit the invoices of a group's periods; return the cents that go back."""
    of_group = _open_or_paid().where(Invoice.group == group).order_by(Invoice.id)
    return sum(period_invoices.credit_withdrawn(each, {group.name}, by=by) for each in of_group)


def credit_order(order: Order, services: set[str], *, by: str) -> int:
    """Credit what the invoices of an order charge for groups, by their technical names; return the
    cents that go back."""
    of_order = _open_or_paid().where(Invoice.order == order).order_by(Invoice.id)
    return sum(period_invoices.credit_withdrawn(each, services, by=by) for each in of_order)


# --- Licences added to a group ---------------------------------------------------------------


def seats_of(addition: Addition) -> list[Seat]:
    """Return the licences that an addition created and that are not being removed, by number."""
    leaving = GiveBack.select(GiveBack.seat).where(
        GiveBack.group == addition.group_id, GiveBack.status == TerminationStatus.ENDING
    )
    return list(
        Seat.select()
        .where(
            Seat.group == addition.group_id,
            Seat.line == addition.line_id,
            Seat.status != SeatStatus.ENDED,
            Seat.id.not_in(leaving),
        )
        .order_by(Seat.number)
    )


def _others(addition: Addition, statuses: tuple[str, ...]) -> Any:
    """Return the query for the licences of a group beside those of an addition, without those that
    are given back with one of these statuses."""
    leaving = GiveBack.select(GiveBack.seat).where(
        GiveBack.group == addition.group_id, GiveBack.status.in_(statuses)
    )
    return Seat.select().where(
        Seat.group == addition.group_id,
        Seat.status != SeatStatus.ENDED,
        Seat.line.is_null() | (Seat.line != addition.line_id),
        Seat.id.not_in(leaving),
    )


def ends_group(addition: Addition) -> bool:
    """Return whether the licences of an addition are all that its group has left."""
    return not _others(addition, (TerminationStatus.ENDING,)).exists()


def suggested(addition: Addition, ticked: list[int] | None = None) -> list[Seat]:
    """Return as many licences of a group as an addition created: those that end with it.

    First those of the addition that are given back already, then the ``ticked`` ones, then licences
    that nobody uses, its own before others, and at last its own that are assigned.
    """
    own, returned = seats_of(addition), given_back_of(addition)
    first = [seat for seat in own if seat.number in returned]
    left = len(own) - len(first)
    rank = Case(
        None,
        [
            (Seat.number.in_(ticked or [0]), 0),
            ((Seat.status == SeatStatus.UNCONFIGURED) & (Seat.line == addition.line_id), 1),
            (Seat.status == SeatStatus.UNCONFIGURED, 2),
            (Seat.line == addition.line_id, 3),
        ],
        4,
    )
    rest = _choosable(addition).order_by(rank, Seat.number.desc()).limit(left)
    return sorted([*first, *rest], key=lambda seat: seat.number)


def given_back_of(addition: Addition) -> set[int]:
    """Return the numbers of the addition's licences that were given back: they end in any case."""
    return set(give_backs.end_days(addition.group, [seat.number for seat in seats_of(addition)]))


def _choosable(addition: Addition) -> Any:
    """Return the query for the licences of a group that may end in place of others."""
    given_back = GiveBack.select(GiveBack.seat).where(
        GiveBack.group == addition.group_id, GiveBack.status.in_(give_backs.ALIVE)
    )
    return Seat.select().where(
        Seat.group == addition.group_id,
        Seat.status != SeatStatus.ENDED,
        Seat.id.not_in(given_back),
    )


def end_added(addition: Addition, *, by: str, numbers: list[int] | None = None) -> int:
    """End, at once, as many licences as an addition created; return the cents of renewals that go
    back.

    ``numbers`` are the ones that the customer chose. Where the group would have none left, it ends.
    Raise `Refusal` at ``licences`` unless they are as many, and in the group.
    """
    group = LicenceGroup.get_by_id(addition.group_id)
    if not group.is_installed:
        return credit_renewals(addition, by=by)
    subscription = subscriptions.locked_for_group(group)
    if ending.due_termination(subscription, clock.today()) is None:
        # The renewals that are due charge these licences, too: they are credited with the others.
        subscription = period_billing.catch_up(subscription)
    period_billing.credit_unpaid_ahead(subscription, by=by)
    chosen = suggested(addition, numbers)
    if numbers is not None and {seat.number for seat in chosen} != set(numbers):
        raise Refusal(LICENCES_CHANGED, "licences")
    back = credit_renewals(addition, by=by)
    if ends_group(addition):
        end_group(group, by=by)
        return back
    if not _others(addition, give_backs.ALIVE).exists():
        # What stays was given back for the next renewal: the service ends with it.
        terminations.schedule(subscription, by=by)
    if chosen:
        _exchange_lines(addition, chosen)
        _end_seats(group, addition.line.order, chosen, by)
    return back


def _exchange_lines(addition: Addition, chosen: list[Seat]) -> None:
    """Let each licence chosen in place of one of the addition's be of the other's order line."""
    mine = {seat.id for seat in chosen}
    kept = [seat for seat in seats_of(addition) if seat.id not in mine]
    others = [seat for seat in chosen if seat.line_id != addition.line_id]
    for staying, leaving in zip(kept, others, strict=True):
        Seat.update(line=leaving.line_id).where(Seat.id == staying.id).execute()
        Seat.update(line=addition.line_id).where(Seat.id == leaving.id).execute()


def _end_seats(group: LicenceGroup, order: Order, chosen: list[Seat], by: str) -> None:
    now, today = clock.now(), clock.today()
    already = {
        row.seat_id: row
        for row in GiveBack.select().where(
            GiveBack.seat.in_(chosen), GiveBack.status == TerminationStatus.SCHEDULED
        )
    }
    for seat in chosen:
        row = already.get(seat.id)
        if row is not None:
            GiveBack.update(ends_on=today, order=order).where(GiveBack.id == row.id).execute()
            continue
        row = GiveBack.create(
            group=group, seat=seat, number=seat.number, ends_on=today, order=order, asked_at=now
        )
        transitions.record(row, "give_back_withdrawn", by=by, to_status=row.status)
    kinds.end_withdrawn_seats.later(order=order.id, tries=1)


def credit_renewals(addition: Addition, *, by: str) -> int:
    """Credit what renewals charged for the licences of an addition; return the cents that go back.

    A renewal charges those that are not given back by its day. One that was invoiced before they
    were paid for does by its supplement, once it has begun.
    """
    group = LicenceGroup.get_by_id(addition.group_id)
    renewed = Renewal.select().where(
        Renewal.group == group, Renewal.period_start >= addition.renewal_on
    )
    back = 0
    for renewal in renewed.order_by(Renewal.period_start):
        number = _number_charged(addition, renewal.period_start)
        charged = [renewal.supplement, renewal.invoice]
        if renewal.made_at < (addition.line.order.paid_at or addition.created_at):
            charged = [renewal.supplement]
        found = [each for each in charged if each is not None]
        if not number or not found:
            continue
        note = _credit_part(found, group, number, by)
        if note is None:
            log.error("withdrawn_licences_not_credited", group=group.name, licences=number)
            continue
        back += note.refund_cents
        if renewal.opened_at is None and renewal.quantity > number:
            # Licences added before its day are charged by a supplement, beyond this number.
            Renewal.update(quantity=renewal.quantity - number).where(
                Renewal.id == renewal.id
            ).execute()
    return back


def _number_charged(addition: Addition, day: date) -> int:
    """Return how many licences of an addition a renewal on a day charges."""
    own = Seat.select(Seat.id).where(Seat.group == addition.group_id, Seat.line == addition.line_id)
    leaving = GiveBack.select().where(
        GiveBack.seat.in_(own), GiveBack.status.in_(give_backs.ALIVE), GiveBack.ends_on <= day
    )
    return int(own.count() - leaving.count())


def _credit_part(
    invoices: list[Invoice], group: LicenceGroup, number: int, by: str
) -> Invoice | None:
    """Credit that number of licences of a group on one of the invoices; None where each charges
    fewer.

    Cents of licences charged by the day are rounded once for all of them, and cannot be divided:
    the customer gets back what all of them cost.
    """
    for invoice in invoices:
        for position in credit_notes.remaining_of(invoice):
            if position.service != group.name:
                continue
            part = credit_notes.licences_of(invoice, position, number)
            if part is None:
                continue
            return credit_notes.credit(
                invoice, (part,), period_invoices.WITHDRAWN, by=by, by_amount=True
            )
    return None


def numbers_of(order: Order) -> list[int]:
    """Return the numbers of the licences that ended with an order that was withdrawn from."""
    rows = GiveBack.select(GiveBack.number).where(GiveBack.order == order).order_by(GiveBack.number)
    return [row[0] for row in cast("Any", rows.tuples())]
