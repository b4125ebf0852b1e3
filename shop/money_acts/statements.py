"""Transfers of bank statements: kept once, proposed for what they pay, recorded by the staff."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from peewee import ModelSelect

from records.bank_lines import BankLine, BankLineStatus
from records.base import database, lock
from records.invoices import Invoice
from records.orders import Order
from shop import clock, money_acts, transitions
from shop.errors import N_, Conflict, Refusal
from shop.money_acts import Wanted
from shop.money_acts.statement_files import Transfer, read_statement
from shop.payments import payables

_INVOICE = re.compile(r"FA[\s./-]?(20\d{2})[\s./-]?(\d{6})(?!\d)", re.IGNORECASE)
_ORDER = re.compile(r"(?<!\d)(\d{9})(?!\d)")


@dataclass(frozen=True)
class Proposal:
    """A line of a statement, and the order or invoice that its text names, if that is owed."""

    line: BankLine
    debt: payables.Debt | None

    @property
    def owed_cents(self) -> int:
        """What is owed for it."""
        return payables.for_debt(self.debt).cents if self.debt is not None else 0

    @property
    def fits(self) -> bool:
        """Whether the line pays all that is owed."""
        return self.debt is not None and self.owed_cents == self.line.cents


# --- Keeping ---------------------------------------------------------------------------------


def keep(content: bytes, *, by: str) -> tuple[int, int]:
    """Keep the transfers of a statement; return how many are new, and how many were known.

    Raise `Refusal` at ``file`` if it cannot be read.
    """
    transfers, alike = read_statement(content), Counter[Transfer]()
    new = 0
    with database.atomic():
        for each in transfers:
            alike[each] += 1
            new += _keep_one(each, alike[each], by)
    return new, len(transfers) - new


def _keep_one(transfer: Transfer, number: int, by: str) -> int:
    """Keep a transfer, the ``number``-th of those that its statement lists alike."""
    told = (transfer.day, transfer.cents, transfer.reference, transfer.payer, transfer.text, number)
    digest = hashlib.sha256("\n".join(map(str, told)).encode()).hexdigest()
    made = BankLine.insert(
        digest=digest, day=transfer.day, cents=transfer.cents, by=by, at=clock.now(),
        reference=_cut(transfer.reference, 128), payer=_cut(transfer.payer, 255),
        text=_cut(transfer.text, 500),
    ).on_conflict_ignore().as_rowcount().execute()  # fmt: skip
    return int(made)


def _cut(text: str, most: int) -> str:
    return " ".join(text.split())[:most]


# --- Proposing -------------------------------------------------------------------------------


def open_lines(after: int = 0) -> ModelSelect[BankLine]:
    """Return the query for the lines that nobody has decided, from the one after a number on."""
    return (
        BankLine.select()
        .where(BankLine.status == BankLineStatus.OPEN, BankLine.id > after)
        .order_by(BankLine.id)
    )


def find_line(number: int) -> BankLine | None:
    """Return a line of a statement."""
    return BankLine.get_or_none(BankLine.id == number)


def proposals(lines: Iterable[BankLine]) -> list[Proposal]:
    """Return lines with what they may pay: what their text names and is owed (two queries)."""
    lines = list(lines)
    named = {line.id: numbers_in(f"{line.text} {line.reference}") for line in lines}
    wanted = [number for numbers in named.values() for number in numbers] or [""]
    owed: dict[str, payables.Debt] = {
        row.number: row for row in Invoice.select().where(Invoice.number.in_(wanted))
    }
    owed |= {row.number: row for row in Order.select().where(Order.number.in_(wanted))}
    return [
        Proposal(line, next((owed[each] for each in named[line.id] if _is_owed(owed, each)), None))
        for line in lines
    ]


def _is_owed(found: dict[str, payables.Debt], number: str) -> bool:
    return number in found and found[number].is_payable


def numbers_in(text: str) -> list[str]:
    """Return the numbers of invoices and orders that a text names, however it is written."""
    invoices = [f"FA{year}-{number}" for year, number in _INVOICE.findall(text)]
    return invoices + _ORDER.findall(text)


# --- Deciding --------------------------------------------------------------------------------


def recording(line: BankLine, number: str) -> Wanted:
    """Ask to record a line as money received for an order or an invoice.

    Raise `Refusal` where that is not owed, or less than the line.
    """
    if not line.is_open:
        raise Conflict(N_("This line was recorded or ignored before."))
    debt = money_acts.find_debt(number)
    owed = payables.for_debt(debt)
    if owed.can_be_paid and line.cents > owed.cents:
        raise Refusal(N_("This is another amount than what is owed."), "number")
    reference = line.reference or f"line {line.id}"
    wanted = money_acts.mark_paid(debt, day=line.day, reference=reference, cents=line.cents)
    return replace(wanted, details={**(wanted.details or {}), "bank_line": line.id})


def ignore(line: BankLine, reason: str, *, by: str) -> None:
    """Say of a line that it is no payment of a customer. Raise `Conflict` if it was decided."""
    with database.atomic():
        line = lock(line)
        if not line.is_open or not transitions.move(
            line, BankLineStatus.IGNORED, by=by, note=reason, payer="", text=""
        ):
            raise Conflict(N_("This line was recorded or ignored before."))
