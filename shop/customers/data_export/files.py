"""The files of a data export: JSON files, e-mails, purchase orders and invoices."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from records.accounts import Account
from records.batches import in_batches
from records.invoices import Invoice
from records.letters import Letter
from records.orders import Order
from shop import clock, documents, mail, settings
from shop.customers.data_export.content import SECTIONS, Section
from shop.errors import N_
from shop.text import formats, templates

BATCH = 200

KEYS = {"ip_address": "address"}
"""The keys of columns that are not named as in this code, so that the format stays."""

README = N_(
    "This file holds the data of the customer account %(nic_handle)s at %(shop)s, as of "
    "%(moment)s.\n\n"
    "The files ending in .json can be read by programs. The folder “letters” holds the emails we "
    "sent you, the folder “orders” your purchase orders, the folder “invoices” your invoices.\n\n"
    "Passwords and keys are not included. Emails that hold a password or a link are listed without "
    "their text: those with a password you can read in your customer area."
)


def export_files(account: Account) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield the names and contents of all files lazily."""
    yield "README.txt", [_readme(account).encode()]
    for section in SECTIONS:
        yield f"{section.file}.json", _rows(section, account)
    yield from _letters(account)
    yield from _orders(account)
    yield from _invoices(account)


def _readme(account: Account) -> str:
    return templates.translate(
        README,
        account.language,
        nic_handle=account.nic_handle,
        shop=settings.current().shop_name,
        moment=formats.moment(clock.now(), account.language),
    )


def _rows(section: Section, account: Account) -> Iterator[bytes]:
    key: Any = section.table._meta.primary_key
    separator = b"[\n"
    for row in in_batches(section.select(account), key, size=BATCH):
        yield separator + _json(_values(row, section.columns))
        separator = b",\n"
    yield b"[]\n" if separator == b"[\n" else b"\n]\n"


def _values(row: Any, columns: Iterable[str]) -> dict[str, Any]:
    return {KEYS.get(column, column.replace(".", "_")): _value(row, column) for column in columns}


def _value(row: Any, column: str) -> Any:
    for name in column.split("."):
        row = getattr(row, name)
    return row.isoformat() if isinstance(row, date) else row


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode()


def _letters(account: Account) -> Iterator[tuple[str, list[bytes]]]:
    plain = Letter.select().where(Letter.account == account, ~Letter.is_secret)
    for letter in in_batches(plain, Letter.id, size=BATCH):
        yield f"letters/{letter.id}.txt", [mail.text_of(letter).encode()]
        yield f"letters/{letter.id}.html", [mail.html_of(letter).encode()]


def _orders(account: Account) -> Iterator[tuple[str, list[bytes]]]:
    wanted = Order.select().where(Order.account == account)
    for order in in_batches(wanted, Order.id, size=BATCH):
        name = documents.purchase_order_filename(order)
        yield f"orders/{name}", [documents.purchase_order_of(order)]


def _invoices(account: Account) -> Iterator[tuple[str, list[bytes]]]:
    wanted = Invoice.select().where(Invoice.account == account)
    for invoice in in_batches(wanted, Invoice.id, size=BATCH):
        name = documents.invoice_filename(invoice)
        yield f"invoices/{name}", [documents.invoice_of(invoice)]
