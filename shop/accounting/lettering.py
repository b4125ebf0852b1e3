"""Lettering: which entries of a customer settle one another.

Entries belong together that an invoice, its credit notes, its payments and their refunds connect.
They get letters once they add up to nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from records.account_credits import CreditUse
from records.invoices import Invoice
from records.ledger import LedgerEntry
from records.payments import Payment
from shop import clock

Node = tuple[str, int]
"""What connects entries: an invoice, an order, a payment, or an amount of a balance."""


@dataclass(frozen=True)
class Letter:
    """The letters of a settled entry, and the day on which it was settled."""

    letters: str
    day: date


class _Groups:
    """Sets of nodes that are connected (union-find)."""

    def __init__(self) -> None:
        self._parents: dict[Node, Node] = {}

    def find(self, node: Node) -> Node:
        root = node
        while (above := self._parents.get(root, root)) != root:
            root = above
        while (above := self._parents.get(node, node)) != root:
            self._parents[node], node = root, above
        return root

    def join(self, one: Node, other: Node) -> None:
        self._parents[self.find(one)] = self.find(other)


def letters_until(last: date) -> dict[int, Letter]:
    """Return the letters of the ledger's entries, by their id, as they stand after a day."""
    groups = _Groups()
    for one, other in _links():
        groups.join(one, other)
    sums: dict[Node, int] = defaultdict(int)
    members: dict[Node, list[int]] = defaultdict(list)
    days: dict[Node, date] = {}
    for row in _entries_until(last):
        root = groups.find(_node_of(*row[1:5]))
        sums[root] += row[5]
        members[root].append(row[0])
        days[root] = clock.day_of(row[6])
    settled = [root for root, cents in sums.items() if cents == 0 and len(members[root]) > 1]
    return {
        entry: Letter(_code(number), days[root])
        for number, root in enumerate(settled)
        for entry in members[root]
    }


def _entries_until(last: date) -> Iterator[tuple[Any, ...]]:
    query = (
        LedgerEntry.select(
            LedgerEntry.id, LedgerEntry.invoice, LedgerEntry.payment, LedgerEntry.credit,
            LedgerEntry.account, LedgerEntry.cents, LedgerEntry.at,
        )
        .where(LedgerEntry.at < clock.next_midnight(last))
        .order_by(LedgerEntry.at, LedgerEntry.id)
    )  # fmt: skip
    return cast("Iterator[tuple[Any, ...]]", query.tuples().iterator())


def _node_of(invoice: int | None, payment: int | None, credit: int | None, account: int) -> Node:
    """Return the node of an entry: its payment's, where it has one."""
    if payment is not None:
        return "payment", payment
    if credit is not None:
        return "credit", credit
    return ("invoice", invoice) if invoice is not None else ("account", account)


def _links() -> Iterator[tuple[Node, Node]]:
    """Yield the pairs of nodes that belong together."""
    documents = Invoice.select(Invoice.id, Invoice.corrects, Invoice.replaces, Invoice.order)
    for number, corrected, replaced, order in documents.tuples().iterator():
        for other in (corrected, replaced):
            if other is not None:
                yield ("invoice", number), ("invoice", other)
        if order is not None:
            yield ("invoice", number), ("order", order)
    payments = Payment.select(Payment.id, Payment.invoice, Payment.order)
    for number, invoice, order in payments.tuples().iterator():
        paid = ("invoice", invoice) if invoice is not None else ("order", order)
        yield ("payment", number), paid
    uses = CreditUse.select(CreditUse.credit, CreditUse.invoice)
    for credit, invoice in uses.tuples().iterator():
        yield ("credit", credit), ("invoice", invoice)


def _code(number: int) -> str:
    """Return the letters with a number: AAA, AAB, … ZZZ, AAAA, …"""
    letters = ""
    while number or len(letters) < 3:
        number, rest = divmod(number, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
