"""Refusals: what the shop says when it will not do what was asked."""

from __future__ import annotations


def N_(message: str) -> str:
    """Mark ``message`` for translation where it is written; it is translated where it is shown."""
    return message


class Refusal(Exception):
    """The shop refuses an act and says why, in a sentence meant for the customer.

    ``sentence`` is an English message of the catalogue with ``%(name)s`` places,
    ``values`` fills them, and ``field`` names the form field it concerns, if any.
    """

    status = 422

    def __init__(self, sentence: str, field: str = "", **values: object) -> None:
        super().__init__(sentence % values if values else sentence)
        self.sentence = sentence
        self.field = field
        self.values = values


class Conflict(Refusal):
    """Somebody else was first: what the customer saw is no longer so."""

    status = 409


class PartyUnavailable(Exception):
    """An outside party (bank, Office provider, mail server) did not answer properly.

    Nothing is known of what it did: ask again later, with the same key. ``retry_after`` is the
    number of seconds for which the party asked to be left alone, if it did.
    """

    def __init__(self, reason: str = "", retry_after: float = 0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class PartyRejected(Exception):
    """An outside party understood the call and said no; asking again changes nothing.

    ``code`` is the party's machine word for it, where there is one.
    """

    def __init__(self, reason: str = "", code: str = "") -> None:
        super().__init__(reason)
        self.code = code
