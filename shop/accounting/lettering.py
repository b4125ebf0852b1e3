"""Lettering: which entries of a customer settle one another.

Entries belong together that an invoice, its credit notes, its payments and their refunds connect.
They get letters once they add up to nothing: those of the number of their first entry, so that
each file has the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from typing import Any, cast

from peewee import SQL, Field

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


def letters_of(entries: Collection[int], last: date) -> dict[int, Letter]:
    """Return the letters of those entries of the ledger, by their ids, that are settled after a
    day; what they are connected with alone is read."""
    groups = _Groups()
    nodes = _connect(groups, {_node_of(row) for row in _rows(LedgerEntry.id.in_(entries))})
    members: dict[Node, list[LedgerEntry]] = defaultdict(list)
    over = clock.next_midnight(last)
    for row in _rows(_moves(nodes)):
        if row.at < over:
            members[groups.find(_node_of(row))].append(row)
    found: dict[int, Letter] = {}
    for together in members.values():
        if len(together) > 1 and not sum(row.cents for row in together):
            letter = Letter(_code(min(row.id for row in together)), _day_of(together))
            found |= {row.id: letter for row in together}
    return found


def _day_of(entries: Iterable[LedgerEntry]) -> date:
    return clock.day_of(max(row.at for row in entries))


def _rows(condition: Any) -> Iterator[LedgerEntry]:
    query = LedgerEntry.select(
        LedgerEntry.id, LedgerEntry.invoice, LedgerEntry.payment, LedgerEntry.credit,
        LedgerEntry.cents, LedgerEntry.at,
    ).where(condition)  # fmt: skip
    return cast("Iterator[LedgerEntry]", query.iterator())


def _moves(nodes: Iterable[Node]) -> Any:
    """Return the condition for the entries of nodes."""
    of = _by_kind(nodes)
    return _either(
        (LedgerEntry.payment, of["payment"]),
        (LedgerEntry.credit, of["credit"]),
        (LedgerEntry.invoice, of["invoice"]),
    )


def _either(*wanted: tuple[Field, list[int]]) -> Any:
    """Return the condition that one of some columns has one of its values.

    A column without values is left out: SQLite would read the whole table for it.
    """
    found = [column.in_(values) for column, values in wanted if values]
    return reduce(or_, found) if found else SQL("1 = 0")


def _node_of(row: LedgerEntry) -> Node:
    """Return the node of an entry: its payment's, where it has one."""
    if row.payment_id is not None:
        return "payment", row.payment_id
    if row.credit_id is not None:
        return "credit", row.credit_id
    assert row.invoice_id is not None, "CHECK constraints and `ledger` leave no other"
    return "invoice", row.invoice_id


def _connect(groups: _Groups, start: set[Node]) -> set[Node]:
    """Join what is connected with some nodes; return all of it."""
    known, new = set(start), start
    while new:
        reached = set[Node]()
        for one, other in _links(new):
            groups.join(one, other)
            reached |= {one, other}
        new = reached - known
        known |= new
    return known


def _by_kind(nodes: Iterable[Node]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for kind, number in nodes:
        found[kind].append(number)
    return found


def _links(nodes: Iterable[Node]) -> Iterator[tuple[Node, Node]]:
    """Yield the pairs that belong together, and of which one is among the nodes."""
    of = _by_kind(nodes)
    documents = Invoice.select(Invoice.id, Invoice.corrects, Invoice.replaces, Invoice.order).where(
        _either(
            (Invoice.id, of["invoice"]), (Invoice.corrects, of["invoice"]),
            (Invoice.replaces, of["invoice"]), (Invoice.order, of["order"]),
        )
    )  # fmt: skip
    for number, corrected, replaced, order in documents.tuples().iterator():
        for other in (corrected, replaced):
            if other is not None:
                yield ("invoice", number), ("invoice", other)
        if order is not None:
            yield ("invoice", number), ("order", order)
    payments = Payment.select(Payment.id, Payment.invoice, Payment.order).where(
        _either(
            (Payment.id, of["payment"]), (Payment.invoice, of["invoice"]),
            (Payment.order, of["order"]),
        )
    )  # fmt: skip
    for number, invoice, order in payments.tuples().iterator():
        paid = ("invoice", invoice) if invoice is not None else ("order", order)
        yield ("payment", number), paid
    uses = CreditUse.select(CreditUse.credit, CreditUse.invoice).where(
        _either((CreditUse.credit, of["credit"]), (CreditUse.invoice, of["invoice"]))
    )
    for credit, invoice in uses.tuples().iterator():
        yield ("credit", credit), ("invoice", invoice)


def _code(number: int) -> str:
    """Return the letters with a number: AAA, AAB, … ZZZ, AAAA, …"""
    letters = ""
    while number or len(letters) < 3:
        number, rest = divmod(number, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
