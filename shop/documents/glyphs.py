"""Characters that no font of the papers has: replaced by a sign for them, and reported.

Typst refuses to draw an empty box into a PDF/A. It is asked about each character of such a paper,
since it alone knows what it can draw. A paper without such a character costs nothing.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple

import structlog
import typst

from records.missing_glyphs import MissingGlyph
from shop import clock
from shop.documents import typesetting

log = structlog.get_logger()

REPLACEMENT = "\ufffd"
"""The sign for a character that cannot be shown."""

SAMPLE = (
    "Łódź Ελλάδα Україна Հայաստան საქართველო ישראל العربية پاکستان हिन्दी বাংলা ਪੰਜਾਬੀ ગુજરાતી ଓଡ଼ିଆ "
    "தமிழ் తెలుగు ಕನ್ನಡ മലയാളം සිංහල ไทย ລາວ မြန်မာ ខ្មែរ አማርኛ 中国 臺灣 日本 にほん ニホン 대한민국"
)
"""A word in each script that a complete installation prints."""

# Typst leaves a text out, and says nothing, if it does not even have the font asked for.
_PROBE = b'#set document(title: "x")\n#set text(font: "Source Sans Pro")\n#read("/text")'
_SAYS = ("could not be displayed with font", "contains the disallowed codepoint")


class Printable(NamedTuple):
    """Texts that can be printed, and what was replaced in them."""

    texts: str
    missing: list[str]


def is_missing(error: typst.TypstError) -> bool:
    """Return whether Typst stopped because a text has no glyph."""
    return any(words in error.message for words in _SAYS)


def printable(texts: str) -> Printable:
    """Return texts with a sign in place of each character that cannot be printed.

    Characters that are invisible anyhow (joiners, marks of byte order) are left out instead.
    """
    wanting = [each for each in sorted(set(texts)) if not (each.isascii() or has_glyph(each))]
    missing = [each for each in wanting if unicodedata.category(each) != "Cf"]
    instead = {ord(each): REPLACEMENT if each in missing else "" for each in wanting}
    return Printable(texts.translate(instead), missing)


def letters_of(texts: str) -> str:
    """Return texts without accents, vowel signs and joiners, which some letters cannot bear."""
    return "".join(each for each in texts if unicodedata.category(each) not in {"Mn", "Mc", "Cf"})


@lru_cache(maxsize=4096)
def has_glyph(character: str) -> bool:
    """Return whether a paper can show a character."""
    try:
        typesetting.typeset(_PROBE, {"text": character})
    except typst.TypstError as error:
        if not is_missing(error):
            raise
        return False
    return True


def report(missing: list[str], paper: str) -> None:
    """Log the characters that a paper lacks, and raise the alarm ``missing_glyphs``."""
    if not missing:
        return
    log.error("glyphs_missing", codes=[f"U+{ord(each):04X}" for each in missing])
    rows = [{"character": each, "paper": paper, "found_at": clock.now()} for each in missing]
    MissingGlyph.insert_many(rows).on_conflict_ignore().execute()


def reported() -> list[MissingGlyph]:
    """Return the characters of the alarm, the first found first."""
    return list(MissingGlyph.select().order_by(MissingGlyph.found_at, MissingGlyph.character))


def forget() -> int:
    """End the alarm; a character that a paper lacks from now on raises it again."""
    return int(MissingGlyph.delete().execute())
