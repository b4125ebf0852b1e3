"""The search of the desk: one text, whatever it is, and the customers it leads to.

Each kind of text is looked for in an index of its own, so that a search costs the same whatever
the number of customers, orders and licences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import Any

from peewee import JOIN, SQL, ModelSelect, fn

from records.account_credits import AccountCredit
from records.accounts import Account
from records.cards import Card
from records.customer_search import AccountKey
from records.disputes import Dispute
from records.groups import LicenceGroup
from records.invoices import Invoice
from records.letters import Letter
from records.orders import Order
from records.payments import HAS_REFERENCE, Payment
from records.refunds import Refund
from records.seats import Seat
from shop.text import prefix_keys
from shop.text.email_addresses import normalized
from shop.text.folding import fold

MOST_CUSTOMERS = 20
"""The most customers that one search lists; a search that finds more has to be narrowed."""

KEYS_READ = 4 * MOST_CUSTOMERS
"""The most keys that one search reads: several of a customer may match."""

LETTERS_READ = 50


class HitKind(StrEnum):
    """What a search found a customer by, beside their own details."""

    ORDER = "order"
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    LICENCE = "licence"
    SERVICE = "service"
    BANK = "bank"
    LETTER = "letter"


@dataclass(frozen=True)
class Hit:
    """Something found, and the customer it belongs to; ``reference`` names it."""

    kind: HitKind
    reference: str
    account: Account


@dataclass(frozen=True)
class Found:
    """What a search found: hits, and customers; ``is_cut`` if there are more customers."""

    hits: list[Hit]
    customers: list[Account]
    is_cut: bool = False

    @property
    def only_customer(self) -> Account | None:
        """The customer, if everything found is theirs."""
        accounts = {each.id: each for each in [*self.customers, *(h.account for h in self.hits)]}
        return next(iter(accounts.values())) if len(accounts) == 1 else None


def search_customers(typed: str) -> Found:
    """Return what a text leads to: the beginning of a name or number, or a whole reference.

    Case, accents, spaces and punctuation do not count. At most 8 statements.
    """
    wanted = " ".join(typed.split())[:100]
    if not fold(wanted):
        return Found([], [])
    hits = list(_hits(wanted))
    customers, is_cut = _customers(wanted)
    return Found(hits, customers, is_cut)


# --- Customers by their details --------------------------------------------------------------


def _customers(wanted: str) -> tuple[list[Account], bool]:
    """Return the customers whose keys begin with a text, and whether there are more."""
    found = list(dict.fromkeys(_account_ids(wanted)))
    listed = found[:MOST_CUSTOMERS]
    rows = {row.id: row for row in Account.select().where(Account.id.in_(listed or [0]))}
    is_cut = len(found) > MOST_CUSTOMERS
    return [rows[number] for number in listed if number in rows], is_cut


def _account_ids(wanted: str) -> list[int]:
    """Return the ids of accounts by the order of the keys that match.

    Numbers are stored without spaces, and people write them with some.
    """
    folded = fold(wanted)
    ranges = [prefix_keys.range_of(folded)]
    if (closed := folded.replace(" ", "")) != folded and any(map(str.isdigit, closed)):
        ranges.append(prefix_keys.range_of(closed))
    ids: list[int] = []
    for low, high in ranges:
        query = (
            AccountKey.select(AccountKey.account)
            .where(AccountKey.key >= low, AccountKey.key < high)
            .order_by(AccountKey.key, AccountKey.account)
            .limit(KEYS_READ)
        )
        rows: Any = query.tuples()
        ids += [row[0] for row in rows]
    return ids


# --- Everything else, by its whole reference -------------------------------------------------


def _hits(wanted: str) -> Iterator[Hit]:
    yield from _documents("".join(wanted.split()).upper())
    yield from _bank_references({wanted, "".join(wanted.split())})
    if "@" in wanted:
        yield from _licences(normalized(wanted))
        yield from _letters(normalized(wanted))
    else:
        yield from _services(wanted.lower())


def _documents(number: str) -> Iterator[Hit]:
    """Yield the order, the invoice or the credit note of a number."""
    order = Order.select(Order, Account).join(Account).where(Order.number == number).first()
    if order is not None:
        yield Hit(HitKind.ORDER, order.number, order.account)
    invoices = Invoice.select(Invoice, Account).join(Account)
    invoice = invoices.where(Invoice.number == number).first()
    if invoice is not None:
        kind = HitKind.CREDIT_NOTE if invoice.is_credit_note else HitKind.INVOICE
        yield Hit(kind, invoice.number, invoice.account)


def _bank_references(spellings: set[str]) -> Iterator[Hit]:
    """Yield what has a reference at the bank: of a payment, a refund, a dispute or a card."""
    queries: tuple[Any, ...] = (
        _payers(Payment.select(), Payment.checkout, spellings),
        _payers(Payment.select().where(SQL(HAS_REFERENCE)), Payment.reference, spellings),
        AccountCredit.select(AccountCredit.reference, AccountCredit.account).where(
            SQL(HAS_REFERENCE), AccountCredit.reference.in_(spellings)
        ),
        _payers(Refund.select().join(Payment), Refund.reference, spellings),
        _payers(Dispute.select().join(Payment), Dispute.reference, spellings),
        Card.select(Card.mandate, Card.account).where(Card.mandate.in_(spellings)),
    )
    together: Any = reduce(lambda query, other: query.union_all(other), queries)
    known = {account: reference for reference, account in together.tuples()}
    for account in Account.select().where(Account.id.in_(list(known))) if known else ():
        yield Hit(HitKind.BANK, known[account.id], account)


def _payers(query: ModelSelect[Any], column: Any, spellings: set[str]) -> ModelSelect[Any]:
    """Return the query for the references in ``column``, and the accounts that paid."""
    return (
        query.join_from(Payment, Order, JOIN.LEFT_OUTER)
        .join_from(Payment, Invoice, JOIN.LEFT_OUTER)
        .select(column, fn.COALESCE(Order.account, Invoice.account))
        .where(column.in_(spellings))
    )


def _licences(address: str) -> Iterator[Hit]:
    """Yield the licence with an e-mail address; the service alone where its domain has no other."""
    login, _, domain = address.rpartition("@")
    for group in _groups(domain):
        seat = Seat.get_or_none(Seat.group == group, Seat.login_key == login)
        if seat is None:
            yield Hit(HitKind.SERVICE, group.name, group.account)
        else:
            yield Hit(HitKind.LICENCE, f"{seat.login}@{group.domain}", group.account)


def _services(name: str) -> Iterator[Hit]:
    """Yield the service with a technical name or a domain."""
    for group in _groups(name):
        yield Hit(HitKind.SERVICE, group.name, group.account)


def _groups(name: str) -> Iterable[LicenceGroup]:
    groups = LicenceGroup.select(LicenceGroup, Account).join(Account)
    return groups.where((LicenceGroup.name == name) | (LicenceGroup.domain == name))


def _letters(address: str) -> Iterator[Hit]:
    """Yield the customers whose latest e-mails went to an address, which may be a former one."""
    latest = (
        Letter.select(Letter.account)
        .where(Letter.recipient == address)
        .order_by(Letter.sent_at.desc())
        .limit(LETTERS_READ)
    )
    rows: Any = latest.tuples()
    ids = list(dict.fromkeys(row[0] for row in rows))
    for account in Account.select().where(Account.id.in_(ids)) if ids else ():
        yield Hit(HitKind.LETTER, address, account)
