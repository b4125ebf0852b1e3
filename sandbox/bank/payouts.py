"""Payouts: each day, what was charged two days before, less fees, refunds and disputes."""

from __future__ import annotations

import secrets
from collections import defaultdict
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, TypeVar

from peewee import fn

from sandbox import clock, switches
from sandbox.api_errors import ApiRefusal
from sandbox.bank.models import Checkout, Dispute, Movement, Payout, PayoutState, Refund
from sandbox.database import database

Row = TypeVar("Row", Payout, Movement)

HELD_DAYS = 2
"""How many days the bank holds what it took."""

FEE_PER_MILLE, FEE_CENTS = 14, 25
"""The fee of a charge: 1.4 % and 25 cents."""

DISPUTE_FEE_CENTS = 1_500
"""The fee of a dispute, kept whoever wins."""

FAILURE = "account_closed"
"""The reason given for a payout that failed."""


# --- Movements -------------------------------------------------------------------------------


def move_charge(checkout: Checkout) -> None:
    """Record a payment, in the caller's transaction."""
    fee = (checkout.amount_cents * FEE_PER_MILLE + 500) // 1000 + FEE_CENTS
    _move("charge", checkout.amount_cents, checkout.reference, checkout.currency, fee)


def move_refund(refund: Refund, cents: int) -> None:
    """Record a refund (negative), or that its money came back."""
    _move("refund", cents, refund.reference, refund.checkout.currency)


def move_dispute(dispute: Dispute, cents: int) -> None:
    """Record what is withdrawn for a dispute (negative), or given back."""
    fee = DISPUTE_FEE_CENTS if cents < 0 else 0
    _move("dispute", cents, dispute.reference, dispute.checkout.currency, fee)


def _move(kind: str, cents: int, source: str, currency: str, fee: int = 0) -> None:
    Movement.create(
        reference=f"mv_{secrets.token_urlsafe(18)}",
        kind=kind,
        gross_cents=cents,
        fee_cents=fee,
        currency=currency,
        source=source,
        at=clock.now(),
    )


# --- Payouts ---------------------------------------------------------------------------------


def process_due_payouts() -> None:
    """Make the payouts of the days until today, and finish those that have arrived."""
    arriving = Payout.select().where(
        Payout.state == PayoutState.PENDING, Payout.arrives_at <= clock.now()
    )
    if not _due().exists() and not arriving.exists():
        return
    with database.atomic():
        for day, movements in sorted(_unpaid_by_day().items()):
            _pay_out(day, movements)
        for payout in list(arriving):
            if switches.consume("payouts_failing"):
                fail_payout(payout.reference)
            else:
                Payout.update(state=PayoutState.PAID).where(Payout.id == payout.id).execute()


def _due() -> Any:
    """Return the query for the movements that are in no payout and were held long enough."""
    today = clock.as_datetime(clock.now()).date()
    until = _midnight(today - timedelta(days=HELD_DAYS - 1))
    return Movement.select().where(Movement.payout.is_null(), Movement.at < until)


def _unpaid_by_day() -> dict[date, list[Movement]]:
    """Return the movements that are due, by the day of their payout.

    What adds up to less than nothing is left to the day after.
    """
    found: dict[date, list[Movement]] = defaultdict(list)
    for each in _due().order_by(Movement.id):
        found[clock.as_datetime(each.at).date() + timedelta(days=HELD_DAYS)].append(each)
    days = sorted(found)
    for day, following in pairwise(days):
        if _net(found[day]) <= 0:
            found[following] = found.pop(day) + found[following]
    return found


def _net(movements: list[Movement]) -> int:
    return sum(each.gross_cents - each.fee_cents for each in movements)


def _pay_out(day: date, movements: list[Movement]) -> None:
    amount = _net(movements)
    if amount <= 0:
        return
    payout = Payout.create(
        reference=f"po_{secrets.token_urlsafe(18)}",
        amount_cents=amount,
        currency=movements[0].currency,
        created_at=_midnight(day),
        arrives_at=_midnight(day + timedelta(days=1)),
    )
    Movement.update(payout=payout).where(Movement.id.in_([each.id for each in movements])).execute()


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), clock.PARIS).timestamp()


def fail_payout(reference: str) -> Payout:
    """Have the merchant's own bank send a payout back, on its way or done; idempotent."""
    with database.atomic():
        payout = _payout(reference)
        failed = (
            Payout.update(state=PayoutState.FAILED, reason=FAILURE)
            .where(Payout.id == payout.id, Payout.state != PayoutState.FAILED)
            .execute()
        )
        if failed:
            _move("payout", payout.amount_cents, reference, payout.currency)
    return _payout(reference)


def _payout(reference: str) -> Payout:
    found = Payout.get_or_none(Payout.reference == reference)
    if found is None:
        raise ApiRefusal(404, "unknown_payout", "There is no such payout.")
    return found


# --- Lists -----------------------------------------------------------------------------------

AT_ONCE = 50
"""How many rows a list has."""


def list_payouts(since: float = 0, after: str = "") -> tuple[list[Payout], str]:
    """Return payouts created since a moment, the newest first, and what the next come after."""
    process_due_payouts()
    query = Payout.select().where(Payout.created_at >= since)
    if after:
        last = _payout(after)
        query = query.where(
            (Payout.created_at < last.created_at)
            | (Payout.created_at == last.created_at) & (Payout.id < last.id)
        )
    return _cut(list(query.order_by(Payout.created_at.desc(), Payout.id.desc()).limit(AT_ONCE + 1)))


def list_movements(reference: str, after: str = "") -> tuple[list[Movement], str]:
    """Return movements that a payout is made of, and what the next come after."""
    query = Movement.select().where(Movement.payout == _payout(reference))
    if after:
        reached = Movement.get_or_none(Movement.reference == after)
        if reached is None:
            raise ApiRefusal(404, "unknown_movement", "There is no such movement.")
        query = query.where(Movement.id > reached.id)
    return _cut(list(query.order_by(Movement.id).limit(AT_ONCE + 1)))


def _cut(rows: list[Row]) -> tuple[list[Row], str]:
    """Return a page of rows, and the reference after which the next one begins; "" at the end."""
    shown = rows[:AT_ONCE]
    return shown, shown[-1].reference if len(rows) > AT_ONCE else ""


def totals(payouts: list[Payout]) -> dict[int, tuple[int, int]]:
    """Return how many movements some payouts are made of, and their fees, by the payout's id."""
    query: Any = (
        Movement.select(Movement.payout, fn.COUNT(Movement.id), fn.SUM(Movement.fee_cents))
        .where(Movement.payout.in_([each.id for each in payouts]))
        .group_by(Movement.payout)
    )
    return {payout: (int(number), int(fees)) for payout, number, fees in query.tuples()}


def held_cents() -> int:
    """Return the part of the balance that is in no payout yet, less fees."""
    kept = Movement.select(fn.SUM(Movement.gross_cents - Movement.fee_cents)).where(
        Movement.payout.is_null()
    )
    return int(kept.scalar() or 0)
