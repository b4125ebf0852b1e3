"""Normalization of e-mail addresses."""

from __future__ import annotations

import unicodedata

from email_validator import EmailNotValidError, validate_email


def normalized(typed: str) -> str:
    """Return ``typed`` in lower case and NFC, its domain as Unicode (IDNA).

    Text that is not a valid e-mail address is returned in lower case and NFC only.
    """
    address = unicodedata.normalize("NFC", typed.strip().lower())
    try:
        return validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError:
        return address
