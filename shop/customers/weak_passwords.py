"""Passwords that are guessed first: the commonest ones, and words of the customer or the shop."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from shop import settings
from shop.errors import N_, Refusal
from shop.text.folding import without_accents

LIST = Path(__file__).with_name("common_passwords.txt")
"""The commonest passwords of 8 characters and more (`tooling.common_passwords`)."""

SHORTEST_WORD = 3
SHORTEST_REST = 8
"""The letters and digits that a password needs beside the words it contains."""

OWN_WORDS = ("office365", "office", "microsoft", "exchange", "motdepasse", "password")
"""What the shop sells, and what the field is called, in both languages."""


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    """Return the listed passwords, in lower case; read once a process."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("# "))


def check_password(password: str, words: Iterable[str], field: str = "password") -> None:
    """Raise `Refusal` at ``field`` for a common password, or one that is mainly known words.

    ``words`` are the customer's names, address, e-mail address and customer ID, in any form.
    """
    if password.casefold() in common_passwords():
        raise Refusal(
            N_("This is one of the commonest passwords, which are guessed first. Choose another."),
            field,
        )
    if _is_mainly(password, [*words, *_words_of_shop()]):
        raise Refusal(
            N_("This password is mainly your name, your address or our name. Choose another."),
            field,
        )


def _words_of_shop() -> list[str]:
    current = settings.current()
    host = urlsplit(current.public_url).hostname or ""
    return [current.shop_name, current.seller.name, host, *OWN_WORDS]


def _is_mainly(password: str, texts: Iterable[str]) -> bool:
    """Return whether too little is left of a password without the words of ``texts``."""
    whole = _plain(password)
    rest = whole
    for word in sorted(set(_words(texts)), key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != whole and len(rest) < SHORTEST_REST


def _words(texts: Iterable[str]) -> Iterable[str]:
    """Yield each text without spaces and signs, and each of its words."""
    for text in texts:
        words = re.split(r"[\W_]+", without_accents(text))
        for word in ("".join(words), *words):
            if len(word) >= SHORTEST_WORD:
                yield word


def _plain(text: str) -> str:
    """Return the letters and digits of ``text`` without case and accents."""
    return "".join(filter(str.isalnum, without_accents(text)))
