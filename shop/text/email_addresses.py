"""E-mail addresses in the one way in which they are kept and compared."""

from __future__ import annotations

import unicodedata

from email_validator import EmailNotValidError, validate_email


def normalized(typed: str) -> str:
    """``typed`` in small letters, composed (NFC), its domain as people read it (IDNA); what is no
    address is kept as typed otherwise."""
    address = unicodedata.normalize("NFC", typed.strip().lower())
    try:
        return validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError:
        return address
