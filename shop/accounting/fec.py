"""The file of accounting entries (FEC) that the tax office reads: LPF, article A. 47 A-1.

Text of 18 fields separated by tabs, in ISO 8859-15, with the names of the fields in the first line.
It holds the journals that the shop keeps; balances carried forward are the accountant's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import islice

from records.batches import BATCH
from shop import clock, settings
from shop.accounting import booking, lettering
from shop.accounting.booking import Entry, Posting
from shop.accounting.lettering import Letter
from shop.errors import N_, Refusal
from shop.text import folding

FIELDS = (
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib",
    "CompAuxNum", "CompAuxLib", "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit",
    "EcritureLet", "DateLet", "ValidDate", "Montantdevise", "Idevise",
)  # fmt: skip

ENCODING = "iso8859_15"


def filename(last: date) -> str:
    """Return the name of the file of a fiscal year that ends on a day."""
    return f"{settings.current().seller.siren}FEC{last:%Y%m%d}.txt"


def check_days(first: date, last: date) -> None:
    """Raise `Refusal` unless the days are a fiscal year of at most two years that has begun."""
    if last < first:
        raise Refusal(N_("The last day lies before the first one."), "last")
    if (last - first).days > 731:
        raise Refusal(N_("A fiscal year has at most two years."), "last")
    if first > clock.today():
        raise Refusal(N_("This day lies ahead."), "first")


def lines(first: date, last: date) -> Iterator[bytes]:
    """Yield the lines of the file for the days from ``first`` to ``last``, both included."""
    yield _line(FIELDS)
    numbers: Counter[str] = Counter()
    entries = booking.entries(first, last)
    while some := list(islice(entries, BATCH)):
        letters = lettering.letters_of([entry.id for entry in some], last)
        for entry in some:
            numbers[entry.journal.code] += 1
            number = f"{entry.journal.code}{numbers[entry.journal.code]:07d}"
            for posting in entry.postings:
                yield _line(_fields(entry, number, posting, letters.get(entry.id)))


def _fields(entry: Entry, number: str, posting: Posting, letter: Letter | None) -> tuple[str, ...]:
    customer = posting.customer or ("", "")
    lettered = letter if posting.customer else None
    return (
        entry.journal.code,
        entry.journal.name,
        number,
        _day(entry.day),
        posting.account.number,
        posting.account.name,
        *customer,
        entry.piece,
        _day(entry.piece_day),
        entry.label,
        _amount(max(posting.cents, 0)),
        _amount(max(-posting.cents, 0)),
        lettered.letters if lettered else "",
        _day(lettered.day) if lettered else "",
        _day(entry.day),
        "",
        "",
    )


def _line(fields: tuple[str, ...]) -> bytes:
    return ("\t".join(map(_text, fields)) + "\r\n").encode(ENCODING, errors="replace")


def _text(text: str) -> str:
    """Return a field on one line; characters that the file cannot hold are written without
    accents."""
    text = " ".join(text.split())
    return "".join(
        each if _is_held(each) else folding.without_accents(each) or "?" for each in text
    )


def _is_held(character: str) -> bool:
    try:
        character.encode(ENCODING)
    except UnicodeEncodeError:
        return False
    return True


def _day(day: date) -> str:
    return f"{day:%Y%m%d}"


def _amount(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"
