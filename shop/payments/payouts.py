"""Payouts of the bank: fetched every hour, part by part, and each line matched with what it is for.

A part of the bank's list is one job, and so is each payout that is read: what a killed worker left
is done again, and finds the rows that are there. Lines of a payout are read from the one reached.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from peewee import JOIN, SQL, ModelSelect, fn

from records.base import database, lock
from records.payments import Payment
from records.payouts import (
    LineKind,
    Payout,
    PayoutLine,
    PayoutStatus,
)
from shop import clock, jobs, settings, transitions
from shop.errors import PartyRejected
from shop.payments import gateway, gateways, held_at_bank, payout_matching
from shop.sandbox_link import test_points

log = structlog.get_logger()

LOOK_BACK = timedelta(days=30)
"""How far back each run looks for payouts that changed: banks send money back within days."""

PARTS_AT_ONCE = 20
"""How many parts of a payout's lines one run of its job reads."""


# --- Fetching --------------------------------------------------------------------------------


@jobs.handles("fetch_payouts", attempts=20, first_delay=timedelta(seconds=10))
def fetch_payouts() -> None:
    """Record new and changed payouts, and match again what matched nothing; idempotent."""
    _fetch(_beginning())
    payout_matching.match_again()


@jobs.handles("fetch_earlier_payouts", attempts=20, first_delay=timedelta(seconds=10))
def fetch_earlier_payouts(since: str, after: str) -> None:
    """Record the payouts that the bank lists after one, back to a moment; idempotent."""
    _fetch(datetime.fromisoformat(since), after)


def _fetch(since: datetime, after: str = "") -> None:
    """Record one part of the bank's list, the newest payouts first; queue the next, if any."""
    try:
        part = gateways.gateway().list_payouts(since, after)
    except PartyRejected as error:
        # The next run asks again.
        gateways.record_refusal("payouts", error)
        return
    # The oldest first, so that their numbers rise with time.
    for told in reversed(part.rows):
        record_payout(told)
    if part.after:
        fetch_earlier_payouts.later(since=since.isoformat(), after=part.after)


def _beginning() -> datetime:
    """Return since when payouts may be new or changed: at first, since the first payment."""
    newest = Payout.select(fn.MAX(Payout.announced_at)).scalar()
    if newest is not None:
        return min(cast("datetime", newest), clock.now()) - LOOK_BACK
    first = Payment.select(fn.MIN(Payment.settled_at)).where(Payment.method == "card").scalar()
    return cast("datetime", first) if first is not None else clock.now() - LOOK_BACK


def record_payout(told: gateway.Payout) -> Payout:
    """Record a payout as the bank has it today, and queue the reading of its lines; idempotent."""
    with database.atomic():
        made = (
            Payout.insert(
                reference=told.reference, status=told.state, cents=told.amount_cents,
                currency=told.currency, arrives_on=told.arrives_on, announced_at=told.created_at,
                is_automatic=told.is_automatic, reason=told.reason[:64],
            )
            .on_conflict_ignore()
            .as_rowcount()
            .execute()
        )  # fmt: skip
        row = lock(Payout.get(Payout.reference == told.reference))
        if made:
            transitions.record(row, "payout_announced", by="bank", to_status=row.status)
        if _update(row, told) or (made and row.has_failed):
            log.error("payout_failed", payout=row.id, reason=row.reason)
        if told.lists_lines and not row.is_read:
            read_payout.later(payout=row.id)
        elif not told.is_automatic and not row.is_read:
            Payout.update(read_at=clock.now()).where(Payout.id == row.id).execute()
        book(row)
    return row


def _update(row: Payout, told: gateway.Payout) -> bool:
    """Take over what changed of a payout that is locked; return whether it has failed now."""
    if told.arrives_on != row.arrives_on:
        Payout.update(arrives_on=told.arrives_on).where(Payout.id == row.id).execute()
        row.arrives_on = told.arrives_on
    if not row.may_become(str(told.state)):
        return False
    transitions.move(row, str(told.state), by="bank", note=told.reason, reason=told.reason[:64])
    return row.has_failed


@jobs.handles("read_payout", attempts=50, first_delay=timedelta(seconds=10))
def read_payout(payout: int) -> None:
    """Read the lines of a payout from the one reached on; idempotent."""
    for _ in range(PARTS_AT_ONCE):
        row: Payout = Payout.get_by_id(payout)
        if row.is_read:
            return
        try:
            part = gateways.gateway().list_payout_lines(row.reference, row.reached)
        except PartyRejected as error:
            gateways.record_refusal(row.reference, error)
            raise jobs.Later(gateways.WATCH_EVERY) from error
        keep(row, part)
        test_points.point("payouts.kept")
    raise jobs.Later(timedelta(0))


def keep(row: Payout, part: gateway.Batch[gateway.PayoutLine]) -> None:
    """Keep lines of a payout, each once and matched; the last part completes it."""
    with database.atomic():
        row = lock(row)
        matched = payout_matching.match_lines(row.currency, part.rows)
        held_at_bank.mark_paid_out(payout_matching.brought_by(matched))
        values = [_values(row, line, found) for line, found in matched]
        if values:
            PayoutLine.insert_many(values).on_conflict_ignore().execute()
        payout_matching.sum_up(row)
        # Another run may have read on meanwhile.
        reached = {"reached": part.after} if part.after else {"read_at": clock.now()}
        Payout.update(**reached).where(Payout.id == row.id, Payout.read_at.is_null()).execute()
        book(lock(row))


def _values(row: Payout, line: gateway.PayoutLine, found: payout_matching.Match) -> dict[str, Any]:
    return {
        "payout": row.id,
        "reference": line.reference,
        "kind": str(line.kind),
        "gross_cents": line.gross_cents,
        "fee_cents": line.fee_cents,
        "source": line.source[:128],
        "description": " ".join(line.description.split())[:255],
        "at": line.at,
        **found.columns,
    }


# --- Books -----------------------------------------------------------------------------------


def book(row: Payout) -> None:
    """Let a payout, locked by the caller's transaction, become an entry of the books.

    That is once it is decided and its lines are known, on that day, so that no closed period
    changes. One that arrived before ``ACCOUNTING_PAYOUTS_FROM`` never does.
    """
    if row.booked_at is None:
        _book_first(row)
    elif row.has_failed and row.returned_at is None and row.received_cents:
        Payout.update(returned_at=clock.now()).where(Payout.id == row.id).execute()


def _book_first(row: Payout) -> None:
    begins = settings.current().accounting_payouts_from
    is_decided = row.status != PayoutStatus.PENDING and row.is_read
    if not is_decided or row.currency != "EUR" or row.arrives_on.isoformat() < begins:
        return
    received = 0 if row.has_failed else row.cents
    Payout.update(booked_at=clock.now(), received_cents=received).where(
        Payout.id == row.id
    ).execute()


# --- Where a payment arrived -----------------------------------------------------------------


def with_arrivals(query: ModelSelect[Payment]) -> ModelSelect[Payment]:
    """Return a query of payments joined with the payouts in which they arrived (`arrival_of`)."""
    other = PayoutLine.alias()
    first = other.select(fn.MIN(other.id)).where(
        other.payment == Payment.id, other.kind == LineKind.CHARGE, other.problem == ""
    )
    return (
        query.select_extend(PayoutLine.id, Payout.id, Payout.arrives_on)
        .join_from(
            Payment, PayoutLine, JOIN.LEFT_OUTER, on=(PayoutLine.id == first), attr="arrival"
        )
        .join(Payout, JOIN.LEFT_OUTER)
    )


def arrival_of(payment: Payment) -> Payout | None:
    """Return the payout in which a payment read by `with_arrivals` arrived."""
    line = getattr(payment, "arrival", None)
    return line.payout if line is not None else None


# --- What needs somebody ---------------------------------------------------------------------


def to_examine() -> ModelSelect[Payout]:
    """Return the query for payouts with open lines, and for failed ones whose money has not come
    with a later one."""
    found = Payout.alias()
    again = PayoutLine.select().where(PayoutLine.returned == found.id)
    lost = found.select(found.id).where(found.status == PayoutStatus.FAILED, ~fn.EXISTS(again))
    still_open = Payout.select(Payout.id).where(SQL("open_lines > 0"))
    return Payout.select().where(Payout.id.in_(still_open.union_all(lost))).order_by(Payout.id)
