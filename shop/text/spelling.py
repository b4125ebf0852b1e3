"""One spelling of secrets that keyboards write in several ways."""

from __future__ import annotations

import unicodedata


def one_spelling(password: str) -> str:
    """Return a password in NFC, every space as U+0020 (RFC 8265, OpaqueString).

    Keyboards write « é » as one character or as two, and a Mac's Option key makes other spaces:
    for the customer it is the same password.
    """
    if password.isascii():
        return password
    plain = "".join(
        " " if unicodedata.category(character) == "Zs" else character for character in password
    )
    return unicodedata.normalize("NFC", plain)
