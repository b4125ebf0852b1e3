"""Validation of names of people and groups: any script, emoji included, if it is readable."""

from __future__ import annotations

import re
import unicodedata

from shop.errors import N_, Refusal

LONGEST = 255

DIRECTION_MARKS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""Invisible characters that change the direction of writing and so can disguise a name."""

BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")
"""Letters and symbols that are drawn as nothing."""

WEB_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]*://|\bwww\.|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,24}[/?#:]\S", re.IGNORECASE
)
"""What mail programs make a link of: a scheme, www., or a domain with a path."""

ENCODED_WORD = "=?"
"""The start of an encoded word (RFC 2047), which mail programs decode."""


MISSING = {
    "first_name": N_("Enter the first name."),
    "last_name": N_("Enter the last name."),
}
"""What is said of names that are missing, by field."""


def read_name(typed: str, field: str, missing: str = "") -> str:
    """Return a name in normal form, on one line.

    Raise `Refusal` at ``field`` if it is not valid, with the message ``missing`` if it is empty.
    """
    name = unicodedata.normalize("NFC", " ".join(typed.split()))
    if not name:
        raise Refusal(missing or MISSING.get(field, N_("Enter the name.")), field)
    if len(name) > LONGEST:
        raise Refusal(N_("A name has at most 255 characters."), field)
    if not DIRECTION_MARKS.isdisjoint(name):
        raise Refusal(
            N_("A name cannot hold invisible characters that turn the direction of writing round."),
            field,
        )
    if any(unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"} for character in name):
        raise Refusal(N_("A name cannot hold control characters."), field)
    if ENCODED_WORD in name:
        raise Refusal(N_("A name cannot hold an encoded e-mail header."), field)
    if WEB_ADDRESS.search(name):
        raise Refusal(N_("A name cannot hold a web address."), field)
    if not any(map(_is_visible, name)):
        raise Refusal(N_("A name holds at least one character that can be seen."), field)
    return name


def _is_visible(character: str) -> bool:
    """Return whether ``character`` is drawn by itself, unlike joiners, combining marks, spaces."""
    return unicodedata.category(character)[0] in "LNPS" and character not in BLANK
