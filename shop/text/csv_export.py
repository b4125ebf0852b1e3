"""Tables as files for spreadsheets (CSV), a line at a time."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

from records.languages import Language
from shop.text import formats

BOM = "\ufeff"
"""What tells a spreadsheet that a file is UTF-8."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")


def harmless(cell: object) -> str:
    """A cell no spreadsheet takes for a formula; a number below nothing is none."""
    text = str(cell)
    if _NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_meant(cell: str) -> str:
    """A cell of ours that comes back: what `harmless` put before it is taken off."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def amount(cents: int, language: str) -> str:
    """Cents as spreadsheets of ``language`` read numbers: "1234,56" in French, "1234.56"."""
    sign, cents = ("-", -cents) if cents < 0 else ("", cents)
    mark = formats.locale_of(language).number_symbols["latn"]["decimal"]
    return f"{sign}{cents // 100}{mark}{cents % 100:02d}"


def written(rows: Iterable[Iterable[object]], language: str) -> Iterator[str]:
    """Rows as lines of a CSV file, as spreadsheets of ``language`` expect it."""
    delimiter = ";" if language == Language.FRENCH else ","
    yield BOM
    for row in rows:
        line = io.StringIO(newline="")
        csv.writer(line, delimiter=delimiter).writerow([harmless(cell) for cell in row])
        yield line.getvalue()
