"""Exceptions: refused requests of customers, and failed calls to outside parties."""

from __future__ import annotations


def N_(message: str) -> str:
    """Mark ``message`` for extraction into the catalogue; it is translated where it is shown."""
    return message


class Refusal(Exception):
    """The shop refuses a request and says why, in a sentence meant for the customer.

    ``sentence`` is an English message of the catalogue with ``%(name)s`` placeholders, ``values``
    fills them, and ``field`` names the form field it concerns, if any.
    """

    status = 422

    def __init__(self, sentence: str, field: str = "", **values: object) -> None:
        super().__init__(sentence % values if values else sentence)
        self.sentence = sentence
        self.field = field
        self.values = values


class Conflict(Refusal):
    """The state changed since the customer loaded the page."""

    status = 409


class PartyUnavailable(Exception):
    """An outside party (bank, Office provider, mail server) gave no valid answer.

    The effect of the call is unknown: retry later with the same idempotency key. ``retry_after``
    is the number of seconds for which the party asked us to wait, 0 if it did not.
    """

    def __init__(self, reason: str = "", retry_after: float = 0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class PartyRejected(Exception):
    """An outside party understood the call and rejected it; a retry changes nothing.

    ``code`` is the party's machine-readable error code, "" if there is none.
    """

    def __init__(self, reason: str = "", code: str = "") -> None:
        super().__init__(reason)
        self.code = code


class ShopRefused(PartyRejected):
    """An outside party refuses the shop itself: its key is revoked, or its account blocked.

    That says nothing about what the call asked for.
    """
