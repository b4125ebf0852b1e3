"""Where Exchange services come from: one small interface, whoever knows the mailboxes.

The first source is a CSV file (`shop.exchange.csv_file`); whoever runs Exchange may be another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Mailbox:
    """A mailbox of a service. One without names is shared; ``size_gb`` is None if nobody says."""

    address: str
    first_name: str = ""
    last_name: str = ""
    size_gb: int | None = None

    @property
    def is_shared(self) -> bool:
        """Whether it is nobody's in particular."""
        return not (self.first_name or self.last_name)

    @property
    def key(self) -> str:
        """The address as it is compared: without case."""
        return self.address.lower()


class InvalidFile(Exception):
    """What a source says cannot be taken over; ``problems`` says why, line by line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ExchangeSource(Protocol):
    """Whoever knows the mailboxes of one Exchange service."""

    def mailboxes(self) -> list[Mailbox]:
        """Every mailbox there is now, each address once. Raises `InvalidFile`."""
