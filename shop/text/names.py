"""What people and groups may be called: any script, emoji too, as long as it can be read."""

from __future__ import annotations

import unicodedata

from shop.errors import N_, Refusal

LONGEST = 255

TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Invisible characters that turn the direction of writing round: they make names that lie."""

BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")
"""Letters and signs that are drawn as nothing."""

ENCODED_WORD = "=?"
"""How an encoded word begins (RFC 2047), which mail programs take for other characters."""


def read_name(typed: str, field: str, missing: str = N_("Fill in this field.")) -> str:
    """A name as it is kept, on one line. Raises `Refusal` at ``field``, with ``missing`` where
    nothing was typed."""
    name = unicodedata.normalize("NFC", " ".join(typed.split()))
    if not name:
        raise Refusal(missing, field)
    if len(name) > LONGEST:
        raise Refusal(N_("A name has at most 255 characters."), field)
    if not TURNING.isdisjoint(name):
        raise Refusal(
            N_("A name cannot hold invisible characters that turn the direction of writing round."),
            field,
        )
    if any(unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"} for character in name):
        raise Refusal(N_("A name cannot hold control characters."), field)
    if ENCODED_WORD in name:
        raise Refusal(N_("A name cannot hold an encoded e-mail header."), field)
    if not any(map(_is_visible, name)):
        raise Refusal(N_("A name holds at least one character that can be seen."), field)
    return name


def _is_visible(character: str) -> bool:
    """Whether something is drawn for it alone: joiners, marks and spaces need something else."""
    return unicodedata.category(character)[0] in "LNPS" and character not in BLANK
