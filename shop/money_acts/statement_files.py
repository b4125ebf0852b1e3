"""Bank statements as files: CAMT.053 (ISO 20022), or CSV with a heading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from lxml import etree

from shop.errors import N_, Refusal
from shop.text import csv_input

MOST_LINES = 5_000

HEADINGS = {
    "day": (
        "date operation", "date d operation", "date comptable", "date de comptabilisation",
        "booking date", "date valeur", "value date", "date",
    ),
    "amount": ("montant", "credit", "montant en euros", "montant eur", "amount", "credit euros"),
    "text": (
        "libelle", "communication", "motif", "details", "description", "remittance information",
        "label", "message",
    ),
    "reference": ("reference", "reference bancaire", "numero d operation", "bank reference", "id"),
    "payer": ("emetteur", "donneur d ordre", "payer", "debtor", "nom", "name"),
}  # fmt: skip
"""The names of the columns of a CSV file, folded."""

_AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]+)?")

NOT_READ = N_("This is neither a CAMT.053 statement nor a CSV file with date and amount.")


@dataclass(frozen=True)
class Transfer:
    """Money that a statement lists as received."""

    day: date
    cents: int
    reference: str = ""
    payer: str = ""
    text: str = ""


def read_statement(content: bytes) -> list[Transfer]:
    """Return the euros received that a statement lists; payments made are left out.

    Raise `Refusal` at ``file`` if it is no statement, or longer than `MOST_LINES`.
    """
    is_xml = content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")
    listed = _of_camt(content) if is_xml else _of_csv(content)
    found = list(islice(listed, MOST_LINES + 1))
    if len(found) > MOST_LINES:
        raise Refusal(
            N_("A statement holds at most %(most)d transfers: split it."), "file", most=MOST_LINES
        )
    return found


# --- CAMT.053 --------------------------------------------------------------------------------


def _of_camt(content: bytes) -> Iterator[Transfer]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise Refusal(NOT_READ, "file") from error
    # A statement declares no types of its own: entities could make a small file a huge one.
    if root.getroottree().docinfo.doctype or not _all(root, "Stmt"):
        raise Refusal(NOT_READ, "file")
    for entry in _path(root, ".//Stmt/Ntry"):
        status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
        if _text(entry, "CdtDbtInd") == "CRDT" and status == "BOOK":
            yield from _transfers_of(entry)


def _transfers_of(entry: Any) -> Iterator[Transfer]:
    """Yield the transfers of a booked entry: each of a batch by itself, if their amounts are
    told."""
    day = _text(entry, "BookgDt/Dt") or _text(entry, "BookgDt/DtTm")[:10]
    parts, reference = _path(entry, "NtryDtls/TxDtls"), _text(entry, "AcctSvcrRef")
    amounts = [_amount_element(part) for part in parts]
    if len(parts) < 2 or None in amounts:
        parts, amounts = [entry], [_first(entry, "Amt")]
    for part, amount in zip(parts, amounts, strict=True):
        if amount is None or amount.get("Ccy") != "EUR":
            continue
        yield Transfer(
            _day(day),
            _cents(amount.text or ""),
            _text(part, ".//AcctSvcrRef") or reference,
            _text(part, ".//Dbtr/Nm") or _text(part, ".//Dbtr/Pty/Nm"),
            _told(part),
        )


def _amount_element(part: Any) -> Any:
    direct = _first(part, "Amt")
    return direct if direct is not None else _first(part, "AmtDtls/TxAmt/Amt")


def _told(part: Any) -> str:
    """Return what the payer wrote: the free text, a structured reference, their own one."""
    names = (".//RmtInf/Ustrd", ".//RmtInf/Strd/CdtrRefInf/Ref", ".//Refs/EndToEndId")
    texts = [element.text or "" for name in names for element in _path(part, name)]
    return " ".join(text for text in texts if text.strip() and text != "NOTPROVIDED")


def _path(element: Any, path: str) -> list[Any]:
    """Return the elements at a path of names, in whatever version's name space they are."""
    steps = [step if step in {".", ""} else f"{{*}}{step}" for step in path.split("/")]
    found: list[Any] = element.findall("/".join(steps))
    return found


def _all(element: Any, name: str) -> list[Any]:
    return _path(element, f".//{name}")


def _first(element: Any, path: str) -> Any:
    return next(iter(_path(element, path)), None)


def _text(element: Any, path: str) -> str:
    found = _first(element, path)
    return "" if found is None else (found.text or "").strip()


# --- CSV -------------------------------------------------------------------------------------


def _of_csv(content: bytes) -> Iterator[Transfer]:
    rows = csv_input.below_titles(csv_input.read_rows(content), HEADINGS)
    try:
        places = csv_input.find_columns(rows[0].cells, HEADINGS) if rows else {}
    except csv_input.Repeated as repeated:
        raise Refusal(NOT_READ, "file") from repeated
    if not {"day", "amount"} <= set(places):
        raise Refusal(NOT_READ, "file")
    for row in rows[1:]:
        told = {
            column: row.cells[place] for column, place in places.items() if place < len(row.cells)
        }
        amount = told.get("amount", "")
        if not amount or amount.startswith(("-", "−")):
            continue
        cents = _cents(amount)
        if cents:
            yield Transfer(
                _day(told.get("day", "")), cents, told.get("reference", ""),
                told.get("payer", ""), told.get("text", ""),
            )  # fmt: skip


def _day(text: str) -> date:
    for pattern in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d/%m/%y"):
        try:
            return datetime.strptime(text.strip(), pattern).date()
        except ValueError:
            continue
    raise Refusal(N_("This is no day: %(text)s."), "file", text=text[:40])


def _cents(text: str) -> int:
    """Return an amount as banks write it, "1 234,56" or "1,234.56" or "1234.56", in cents."""
    plain = re.sub(r"[\s\u00a0\u202f€+']|EUR", "", text)
    if re.fullmatch(r"[\d.,]*[.,]\d{1,2}", plain):
        whole, _, part = re.sub(r"[.,](?=\d{1,2}$)", "|", plain).partition("|")
        plain = f"{re.sub(r'[.,]', '', whole)}.{part}"
    cents = Decimal(plain) * 100 if _AMOUNT.fullmatch(plain) else Decimal(-1)
    if not 0 <= cents < 10**13 or cents != int(cents):
        raise Refusal(N_("This is no amount: %(text)s."), "file", text=text[:40])
    return int(cents)
