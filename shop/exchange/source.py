"""The interface of sources of Exchange services.

The first implementation is a CSV file (`shop.exchange.csv_file`); an Exchange API could be another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Mailbox:
    """A mailbox of a service; shared if it has no names. ``size_gb`` is None if unknown."""

    address: str
    first_name: str = ""
    last_name: str = ""
    size_gb: int | None = None

    @property
    def is_shared(self) -> bool:
        """Whether it is a shared mailbox, without an owner."""
        return not (self.first_name or self.last_name)

    @property
    def key(self) -> str:
        """The e-mail address in lower case, for comparison."""
        return self.address.lower()


class InvalidFile(Exception):
    """A source cannot be imported; ``problems`` are its errors, line by line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ExchangeSource(Protocol):
    """A source of the mailboxes of one Exchange service."""

    def mailboxes(self) -> list[Mailbox]:
        """Return all current mailboxes, each address once. Raise `InvalidFile`."""
