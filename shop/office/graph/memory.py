"""What the directory remembers of our operations, in the objects they changed.

A *mark* is the digest of an operation's key, short enough for the attribute that can be searched.
Each object has its newest mark in that attribute and earlier ones after it, as many as there is
room for; an operation that comes again when it is no longer the newest is known by those.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

EARLIER = 40
"""Marks kept beside the newest: 40 of 16 letters leave room in 1,024."""

ACTIVE, SUSPENDED, ENDED = "active", "suspended", "ended"

Act = Callable[[], dict[str, str]]
"""Does something and answers the references its caller keeps. Raises `Failed`."""


class Failed(Exception):
    """The operation cannot be done; ``code`` is the machine word for why."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def mark_of(key: str) -> str:
    """The mark of the operation with ``key``: 16 letters and digits."""
    return base64.b32encode(hashlib.sha256(key.encode()).digest())[:16].decode().lower()


# --- Groups ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """A licence group, by its security group; all but ``id`` stands in its description."""

    id: str
    offer: str
    seats: int
    state: str
    marks: tuple[str, ...] = ()

    @classmethod
    def read(cls, answer: dict[str, Any]) -> Group:
        """The group of Graph's ``answer``. Raises `Failed` if we did not write its description."""
        try:
            newest, offer, seats, state, *earlier = str(answer["description"] or "").split()
            return cls(str(answer["id"]), offer, int(seats), state, (newest, *earlier))
        except ValueError as error:
            raise Failed("domain_taken", "A group that is not ours has this name.") from error

    def description(self) -> str:
        """The group as it is written down, its newest mark first: ``startswith`` finds that."""
        newest, *earlier = self.marks
        return " ".join([newest, self.offer, str(self.seats), self.state, *earlier])

    def marked(self, mark: str, **changes: Any) -> Group:
        """The group after another operation."""
        return replace(self, marks=(mark, *self.marks)[: EARLIER + 1], **changes)

    @property
    def result(self) -> dict[str, str]:
        """What callers keep of the group."""
        return {"tenant": self.id}


# --- Users -----------------------------------------------------------------------------------

NEWEST = "employeeId"
MADE_BY = "extensionAttribute1"
MARKS = "extensionAttribute2"
LEAVING = "extensionAttribute3"
ATTRIBUTES = "onPremisesExtensionAttributes"


@dataclass(frozen=True)
class User:
    """An account: who made it and what was done to it since.

    ``newest`` is empty until the account is complete; ``leaving`` is set just before it is deleted.
    """

    id: str
    address: str
    newest: str
    made_by: str
    earlier: tuple[str, ...]
    leaving: bool

    FIELDS = f"id,userPrincipalName,{NEWEST},{ATTRIBUTES}"

    @classmethod
    def read(cls, answer: dict[str, Any]) -> User:
        """The user of Graph's ``answer``, in which `FIELDS` were asked for."""
        attributes = answer.get(ATTRIBUTES) or {}
        return cls(
            id=str(answer["id"]),
            address=str(answer.get("userPrincipalName") or ""),
            newest=str(answer.get(NEWEST) or ""),
            made_by=str(attributes.get(MADE_BY) or ""),
            earlier=tuple(str(attributes.get(MARKS) or "").split()),
            leaving=bool(attributes.get(LEAVING)),
        )

    @property
    def domain(self) -> str:
        """The domain of the account's address."""
        return self.address.rpartition("@")[2].lower()

    @property
    def is_complete(self) -> bool:
        """Whether everything that makes an account was done."""
        return bool(self.newest)

    def knows(self, mark: str) -> bool:
        """Whether an operation was done to this account before."""
        return mark in (self.newest, *self.earlier)

    def marked(self, mark: str, leaving: bool = False) -> dict[str, Any]:
        """What remembers another operation, for the call that does it."""
        earlier = [one for one in (self.newest, *self.earlier) if one and one != mark][:EARLIER]
        attributes = {MARKS: " ".join(earlier), LEAVING: "leaving" if leaving else None}
        return {NEWEST: mark, ATTRIBUTES: attributes}

    @property
    def result(self) -> dict[str, str]:
        """What callers keep of the account."""
        return {"user": self.id}
