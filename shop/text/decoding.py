"""The text of uploaded files, in the encodings that spreadsheets, scripts, DOS and Macs write."""

from __future__ import annotations

import codecs
import functools
import re
import unicodedata

from shop.errors import N_, Refusal
from shop.text.folding import fold

BOM = "\ufeff"
"""The byte order mark: at the start of a file, or of each file of those joined to one."""

UNICODE_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""What a file in Unicode begins with; UTF-32 comes first, since UTF-16's mark begins its own."""

OLD_ENCODINGS = ("cp1252", "iso8859_15", "cp850", "mac_roman")
"""Windows, Unix, DOS and Mac in western Europe, the likeliest first."""

CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
"""Characters that no text file holds, and every archive, workbook, picture or program does."""

LONGEST_HINTED = 2_000
"""The most characters of a line that is searched for hints, since the search is quadratic."""

HIGH_BYTES = bytes(range(0x80, 0x100))
MOST_HIGH_BYTES = 100_000
"""The most letters beside ASCII that are weighed: ten in each line of the longest file."""

DOS_END = "\x1a"
"""What DOS programs write after the last line."""

FOREIGN = re.compile(r"[^\x00-\x7f]+")
WORD = re.compile(r"[^\W\d_]*[^\W\d_\x00-\x7f][^\W\d_]*")

USUAL = frozenset("éèêëàâäãåçîïíôöóõøœùûüúáñ")
USUAL_CAPITALS = frozenset("ÉÀÂÄÇÎÖÜØÅŒ")
"""The letters beside A to Z that names in western Europe have most often."""

OPENING, CLOSING = "«“‘", "»”’…"
LEAD = 5
"""By how much another encoding must be more plausible than Windows-1252, the most frequent."""

HINTED = 6
"""The weight of a word that stands without its accents too in the line, as in a login."""


def decoded(content: bytes) -> str:
    """Return the text of a file, with ``\\n`` at the end of each line and no byte order mark.

    Raises `Refusal` at ``file`` if it is not text, or if its letters cannot be told for sure.
    """
    text = _unicode(content)
    if text is None:
        text = _old_encoding(content)
    text = text.replace(BOM, "").rstrip(DOS_END).replace("\r\n", "\n").replace("\r", "\n")
    if CONTROL.search(text):
        raise not_csv()
    _check_letters(text)
    return text


def not_csv() -> Refusal:
    """Return the refusal of a file of another kind."""
    return Refusal(
        N_("This is not a CSV file: save it as “CSV UTF-8” in your spreadsheet program."), "file"
    )


def _unicode(content: bytes) -> str | None:
    """Return the text of a file in UTF-8, UTF-16 or UTF-32; None if it is in none of them."""
    mark, encoding = next((it for it in UNICODE_MARKS if content.startswith(it[0])), (b"", ""))
    if not encoding:
        encoding = _unmarked_utf16(content) or "utf-8"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if mark:
            raise _unclear(content[: error.start].decode(encoding)) from error
        return None


def _unmarked_utf16(content: bytes) -> str:
    """Return the UTF-16 of a file without a mark, by the zeros beside its ASCII letters."""
    even, odd = content[0:2000:2].count(0), content[1:2000:2].count(0)
    several = min(len(content), 2000) // 8
    if len(content) % 2 == 0 and odd > several and not even:
        return "utf-16-le"
    if len(content) % 2 == 0 and even > several and not odd:
        return "utf-16-be"
    return ""


def _unclear(before: str) -> Refusal:
    """Return the refusal of a file whose letters are lost or ambiguous after ``before``."""
    line = len(re.findall(r"\r\n|\r|\n", before)) + 1
    return Refusal(
        N_(
            "The accents of line %(line)d cannot be read for sure:"
            " save the file as “CSV UTF-8” and send it again."
        ),
        "file",
        line=line,
    )


def _check_letters(text: str) -> None:
    """Raise `Refusal` where a program before the shop lost or garbled the letters of a file."""
    for found in FOREIGN.finditer(text):
        if "\ufffd" in found[0] or _is_garbled(found[0]):
            raise _unclear(text[: found.start()])


@functools.lru_cache(maxsize=1_000)
def _is_garbled(letters: str) -> bool:
    """Whether letters are the UTF-8 of others, read as Windows-1252 ("Ã©" for "é")."""
    if letters[0] < "\xc2" or letters[0] > "\xf4":
        return False
    try:
        letters.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return False
    return True


# --- Encodings of one byte a letter ------------------------------------------------------------


def _old_encoding(content: bytes) -> str:
    """Return the text in the one encoding that makes the most plausible names of it."""
    if re.search(rb"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f]", content):
        raise not_csv()
    if len(content) - len(content.translate(None, HIGH_BYTES)) > MOST_HIGH_BYTES:
        raise _unclear("")
    best: dict[str, int] = {}
    windows = content.decode("cp1252", errors="replace")
    for encoding in OLD_ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if (score := _plausibility(text)) is not None:
            best.setdefault(text, score)
    ranked = sorted(best, key=best.__getitem__, reverse=True)
    lead = best[ranked[0]] - best[ranked[1]] if len(ranked) > 1 else HINTED
    if not ranked or lead < (1 if ranked[0] == windows else LEAD):
        first = next(place for place, byte in enumerate(content) if byte > 0x7F)
        raise _unclear(content[:first].decode("ascii"))
    return ranked[0]


def _plausibility(text: str) -> int | None:
    """Return how well the letters of a text suit names; None if any of them cannot be meant."""
    total = 0
    for line in re.split(r"[\r\n]+", text):
        if line.isascii():
            continue
        for found in FOREIGN.finditer(line):
            if len(found[0]) > 2:
                return None
            for place in range(found.start(), found.end()):
                if (weight := _weight(line, place)) is None:
                    return None
                total += weight
        total += HINTED * _hints(line)
    return total


def _weight(line: str, place: int) -> int | None:
    """Return how likely the character at ``place`` is beside its neighbours; None if it is not."""
    character, before, after = line[place], line[place - 1 : place], line[place + 1 : place + 2]
    if unicodedata.category(character) not in {"Ll", "Lu"}:
        return _weight_of_sign(character, before, after)
    if not unicodedata.name(character).startswith("LATIN"):
        return None
    if character.isupper():
        if before.islower() or (before.isupper() and after.islower()):
            return None
        return 2 if character in USUAL_CAPITALS else 1
    earlier = line[max(place - 2, 0) : place]
    if after.isupper() or (len(earlier) == 2 and earlier.isalpha() and earlier.isupper()):
        return None
    if character not in USUAL:
        return 1
    return 4 if before.isalpha() else 2


def _weight_of_sign(character: str, before: str, after: str) -> int | None:
    """Return 0 for a sign that stands where texts have it, 4 for an apostrophe within a name."""
    if character == "’" and before.isalpha() and after.isalpha():
        return 4
    if character == "\xa0" or (character == "°" and before in {"N", "n"}):
        return 0
    opens = character in OPENING and not before.isalpha()
    closes = character in CLOSING and not after.isalpha()
    alone = not before.isalpha() and not after.isalpha()
    return 0 if opens or closes or alone else None


def _hints(line: str) -> int:
    """Count the words with accents that stand in the line without them too; a heading is known."""
    plain = "".join(character for character in line.casefold() if character.isascii())
    if len(line) > LONGEST_HINTED:
        return 0
    line = line.replace("œ", "oe").replace("Œ", "OE")
    words = (fold(found[0]) for found in WORD.finditer(line))
    return sum(word == "prenom" or (len(word) > 1 and word in plain) for word in words)
