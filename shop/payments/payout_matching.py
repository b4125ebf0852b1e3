"""The lines of payouts, each matched with the payment, refund or dispute that it is of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from peewee import SQL, Case, fn

from records.base import database, lock
from records.disputes import Dispute
from records.payments import Payment, PaymentStatus
from records.payouts import (
    IS_OPEN,
    LineKind,
    LineProblem,
    Payout,
    PayoutLine,
)
from records.refunds import Refund
from shop.errors import N_, Conflict
from shop.payments import gateway, held_at_bank

MOST_TRIED = 500
"""How many lines without a match are tried again by a run, the newest first."""

RECEIVED = (
    PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_DUE, PaymentStatus.REFUNDED, PaymentStatus.LOST,
)  # fmt: skip
"""The statuses of payments whose money the shop recorded."""


def sum_up(row: Payout) -> None:
    """Store the sums of a payout's lines, which lists show."""
    is_open = Case(None, [(SQL(IS_OPEN), 1)], 0)
    sums: Any = (
        PayoutLine.select(
            fn.COUNT(PayoutLine.id), fn.COALESCE(fn.SUM(PayoutLine.fee_cents), 0),
            fn.COALESCE(fn.SUM(is_open), 0),
        )
        .where(PayoutLine.payout == row)
        .tuples()
        .get()
    )  # fmt: skip
    number, fees, still_open = sums
    Payout.update(line_count=number, fee_cents=int(fees), open_lines=int(still_open)).where(
        Payout.id == row.id
    ).execute()


@dataclass(frozen=True)
class Match:
    """What a line is for, and why it does not match, if it does not."""

    payment: int | None = None
    refund: int | None = None
    dispute: int | None = None
    returned: int | None = None
    problem: LineProblem = LineProblem.NONE

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of a line."""
        return {**vars(self), "problem": str(self.problem)}


UNKNOWN = Match(problem=LineProblem.UNKNOWN)


def match_lines(
    currency: str, lines: Iterable[gateway.PayoutLine]
) -> list[tuple[gateway.PayoutLine, Match]]:
    """Return lines with what they are for: five queries."""
    lines = list(lines)
    named: dict[str, list[str]] = {}
    for line in lines:
        named.setdefault(str(line.kind), []).append(line.source)
    known = {
        LineKind.CHARGE: _by(Payment, Payment.checkout, named),
        LineKind.REFUND: _by(Refund, Refund.reference, named, Refund.method == "card"),
        LineKind.DISPUTE: _by(Dispute, Dispute.reference, named),
        LineKind.PAYOUT: _by(Payout, Payout.reference, named),
    }
    paid = _paid_out(known[LineKind.CHARGE].values())
    matched = []
    for line in lines:
        found = _match(line, currency, known, paid)
        if found.payment is not None and str(line.kind) == LineKind.CHARGE and line.gross_cents > 0:
            paid.setdefault(found.payment, line.reference)
        matched.append((line, found))
    return matched


def brought_by(matched: Iterable[tuple[gateway.PayoutLine, Match]]) -> Iterator[int]:
    """Yield the ids of the payments whose money matched lines bring."""
    for line, found in matched:
        is_brought = str(line.kind) == LineKind.CHARGE and line.gross_cents > 0
        if is_brought and found.payment is not None:
            yield found.payment


_KINDS = {Payment: LineKind.CHARGE, Refund: LineKind.REFUND, Dispute: LineKind.DISPUTE,
          Payout: LineKind.PAYOUT}  # fmt: skip


def _by(table: Any, column: Any, named: dict[str, list[str]], *more: Any) -> dict[str, Any]:
    """Return the rows of a table that lines name, by their reference."""
    wanted = [name for name in named.get(_KINDS[table], []) if name]
    if not wanted:
        return {}
    rows = table.select().where(column.in_(wanted), *more)
    return {getattr(row, column.name): row for row in rows}


def _paid_out(payments: Iterable[Payment]) -> dict[int, str]:
    """Return the references of the lines in which payments arrived, by the payment's id."""
    ids = [payment.id for payment in payments]
    query = PayoutLine.select(PayoutLine.payment, PayoutLine.reference).where(
        PayoutLine.payment.in_(ids), PayoutLine.kind == LineKind.CHARGE, PayoutLine.gross_cents > 0
    )
    return dict(cast("Any", query.order_by(PayoutLine.id.desc()).tuples())) if ids else {}


def _match(
    line: gateway.PayoutLine, currency: str, known: dict[LineKind, dict[str, Any]],
    paid: dict[int, str],
) -> Match:  # fmt: skip
    kind = LineKind(str(line.kind))
    if kind is LineKind.FEE:
        return Match()
    if kind is LineKind.OTHER:
        return Match(problem=LineProblem.OTHER)
    found = known[kind].get(line.source)
    if found is None:
        return UNKNOWN
    if kind is LineKind.CHARGE:
        return Match(payment=found.id, problem=_of_charge(line, currency, found, paid))
    if kind is LineKind.PAYOUT:
        return Match(returned=found.id, problem=_of_amount(abs(found.cents), line))
    if kind is LineKind.REFUND:
        problem = _of_amount(found.cents, line)
        return Match(payment=found.payment_id, refund=found.id, problem=problem)
    return Match(payment=found.payment_id, dispute=found.id)


def _of_amount(cents: int, line: gateway.PayoutLine) -> LineProblem:
    return LineProblem.NONE if abs(line.gross_cents) == cents else LineProblem.AMOUNT


def _of_charge(
    line: gateway.PayoutLine, currency: str, payment: Payment, paid: dict[int, str]
) -> LineProblem:
    if paid.get(payment.id, line.reference) != line.reference and line.gross_cents > 0:
        return LineProblem.TWICE
    if currency != payment.currency:
        return LineProblem.AMOUNT
    if payment.status not in RECEIVED:
        return LineProblem.UNSETTLED
    return _of_amount(payment.refund_cents, line)


def match_again() -> None:
    """Match the newest open lines again: what they are for may have been recorded since."""
    newest = PayoutLine.select().where(SQL(IS_OPEN)).order_by(PayoutLine.id.desc())
    by_payout: dict[int, dict[str, PayoutLine]] = {}
    for line in newest.limit(MOST_TRIED):
        by_payout.setdefault(line.payout_id, {})[line.reference] = line
    for payout, lines in by_payout.items():
        _match_those(Payout.get_by_id(payout), lines)


def _match_those(row: Payout, lines: dict[str, PayoutLine]) -> None:
    """Match lines of a payout again, by their reference."""
    with database.atomic():
        row = lock(row)
        matched = match_lines(row.currency, [_as_told(line) for line in lines.values()])
        held_at_bank.mark_paid_out(brought_by(matched))
        for told, found in matched:
            if str(found.problem) != lines[told.reference].problem:
                PayoutLine.update(**found.columns).where(
                    PayoutLine.reference == told.reference, SQL(IS_OPEN)
                ).execute()
        sum_up(row)


def _as_told(line: PayoutLine) -> gateway.PayoutLine:
    return gateway.PayoutLine(
        line.reference, gateway.PayoutLineKind(line.kind), line.gross_cents, line.fee_cents,
        line.source, line.at,
    )  # fmt: skip


def explain(line: PayoutLine, explanation: str) -> None:
    """Say what a line is that matches nothing, in the caller's transaction.

    Raise `Conflict` if it is matched or explained already.
    """
    payout = lock(line.payout)
    done = (
        PayoutLine.update(explanation=explanation[:255])
        .where(PayoutLine.id == line.id, SQL(IS_OPEN))
        .execute()
    )
    if not done:
        raise Conflict(N_("This line is matched or explained already."))
    sum_up(payout)
