"""The DGFiP's published rules for a FEC (LPF, article A. 47 A-1), checked on its bytes alone.

It shares no code with the shop.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from decimal import Decimal

NAMES = (
    "JournalCode JournalLib EcritureNum EcritureDate CompteNum CompteLib CompAuxNum CompAuxLib "
    "PieceRef PieceDate EcritureLib Debit Credit EcritureLet DateLet ValidDate Montantdevise "
    "Idevise"
).split()

REQUIRED = [name for name in NAMES if name not in {
    "CompAuxNum", "CompAuxLib", "EcritureLet", "DateLet", "Montantdevise", "Idevise",
}]  # fmt: skip

FILE_NAME = re.compile(r"(\d{9})FEC(\d{8})\.txt")
AMOUNT = re.compile(r"\d+,\d{2}")


def read_file(name: str, content: bytes, first: date, last: date) -> list[dict[str, str]]:
    """Return the lines of a file, each as its fields by name; assert every rule."""
    named = FILE_NAME.fullmatch(name)
    assert named is not None, name
    assert named[2] == last.strftime("%Y%m%d")
    text = content.decode("iso8859_15")
    assert text.endswith("\r\n")
    header, *lines = text[:-2].split("\r\n")
    assert header.split("\t") == NAMES
    rows = []
    for line in lines:
        fields = line.split("\t")
        assert len(fields) == 18, line
        rows.append(dict(zip(NAMES, fields, strict=True)))
    _check_fields(rows, first, last)
    _check_entries(rows)
    _check_letters(rows)
    return rows


def cents(row: dict[str, str]) -> int:
    """Return debit less credit of a line, in cents."""
    debit, credit = (Decimal(row[side].replace(",", ".")) for side in ("Debit", "Credit"))
    return int(100 * (debit - credit))


def _day(text: str) -> date:
    assert re.fullmatch(r"\d{8}", text), text
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def _check_fields(rows: list[dict[str, str]], first: date, last: date) -> None:
    for row in rows:
        assert all(row[name] for name in REQUIRED), row
        assert re.match(r"[1-8]\d\d", row["CompteNum"]), row
        assert first <= _day(row["EcritureDate"]) <= last, row
        assert _day(row["PieceDate"]) <= _day(row["EcritureDate"]), row
        assert _day(row["ValidDate"]) >= _day(row["EcritureDate"]), row
        for side in ("Debit", "Credit"):
            assert AMOUNT.fullmatch(row[side]), row
        assert (row["Debit"] == "0,00") != (row["Credit"] == "0,00"), row
        assert bool(row["CompAuxNum"]) == bool(row["CompAuxLib"]), row
        assert bool(row["EcritureLet"]) == bool(row["DateLet"]), row
        assert not row["Montantdevise"], row
        assert not row["Idevise"], row


def _check_entries(rows: list[dict[str, str]]) -> None:
    """Entries balance, have one day, are numbered without gaps in a journal, and in its order."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    days: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        key = row["JournalCode"], row["EcritureNum"]
        sums[key] += cents(row)
        days[key].add(row["EcritureDate"])
    assert set(sums.values()) <= {0}
    assert {len(found) for found in days.values()} <= {1}
    for journal in {code for code, _ in sums}:
        numbers = [number for code, number in sums if code == journal]
        counted = [int(re.sub(r"\D", "", number)) for number in numbers]
        assert counted == list(range(1, len(counted) + 1)), journal
        dated = [min(days[journal, number]) for number in numbers]
        assert dated == sorted(dated), journal
    validated = [row["ValidDate"] for row in rows]
    assert validated == sorted(validated)


def _check_letters(rows: list[dict[str, str]]) -> None:
    """Lines with the same letters are of one account, and were settled on one day."""
    groups: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        if row["EcritureLet"]:
            groups[row["EcritureLet"]].append(row)
    for found in groups.values():
        assert len({(row["CompteNum"], row["CompAuxNum"], row["DateLet"]) for row in found}) == 1
        assert all(row["DateLet"] >= row["EcritureDate"] for row in found)
