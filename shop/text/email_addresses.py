"""Normalization of e-mail addresses."""

from __future__ import annotations

import unicodedata

from email_validator import EmailNotValidError, validate_email


def valid(typed: str) -> str:
    """Return ``typed`` normalized; "" if it is no valid e-mail address of at most 254 letters."""
    try:
        address = validate_email(normalized(typed), check_deliverability=False).normalized
    except EmailNotValidError:
        return ""
    return address if len(address) <= 254 else ""


def normalized(typed: str) -> str:
    """Return ``typed`` in lower case and NFC, its domain as Unicode (IDNA).

    Text that is not a valid e-mail address is returned in lower case and NFC only.
    """
    address = unicodedata.normalize("NFC", typed.strip().lower())
    try:
        return validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError:
        return address
