"""CSV files for spreadsheets, generated line by line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

from records.languages import Language
from shop.text import formats
from shop.text.decoding import BOM

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What a formula begins with, in full width too, as spreadsheets of East Asia read it."""

_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")


def escape_formula(cell: object) -> str:
    """Return a cell that no spreadsheet evaluates as a formula; negative numbers stay unchanged."""
    text = str(cell)
    if _NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text.startswith(_FORMULA) else text


def unescape_formula(cell: str) -> str:
    """Return an exported cell without the apostrophe that `escape_formula` put before it."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def amount(cents: int, language: str) -> str:
    """Format cents as spreadsheets of ``language`` read them: "1234,56" in French, "1234.56"."""
    sign, cents = ("-", -cents) if cents < 0 else ("", cents)
    mark = formats.locale_of(language).number_symbols["latn"]["decimal"]
    return f"{sign}{cents // 100}{mark}{cents % 100:02d}"


def csv_lines(rows: Iterable[Iterable[object]], language: str) -> Iterator[str]:
    """Yield ``rows`` as lines of a CSV file, in the dialect of spreadsheets in ``language``."""
    delimiter = ";" if language == Language.FRENCH else ","
    yield BOM
    for row in rows:
        line = io.StringIO(newline="")
        csv.writer(line, delimiter=delimiter).writerow([escape_formula(cell) for cell in row])
        yield line.getvalue()
