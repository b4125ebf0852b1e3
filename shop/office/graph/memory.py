"""Marks of our operations, stored in the directory objects that they changed.

A *mark* is the digest of an operation's idempotency key, short enough for a searchable attribute.
Each object has its newest mark in that attribute and as many earlier ones as fit in another; a
repeated operation that is no longer the newest is recognised by those.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

MAX_EARLIER_MARKS = 40
"""Marks kept beside the newest: 40 of 16 characters fit in an attribute of 1,024."""

ACTIVE, SUSPENDED, ENDED = "active", "suspended", "ended"

Action = Callable[[], dict[str, str]]
"""Runs an operation, returns the references its caller stores. Raises `OperationFailed`."""


class OperationFailed(Exception):
    """The operation is not possible; ``code`` is the error code (`Operation.code`)."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def mark_of(key: str) -> str:
    """Return the mark of the operation with ``key``: 16 letters and digits."""
    return base64.b32encode(hashlib.sha256(key.encode()).digest())[:16].decode().lower()


# --- Groups ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """A licence group, stored in its security group: all but ``id`` is in the description."""

    id: str
    offer: str
    seats: int
    state: str
    marks: tuple[str, ...] = ()

    @classmethod
    def read(cls, answer: dict[str, Any]) -> Group:
        """Parse Graph's ``answer``. Raise `OperationFailed` for a foreign description."""
        try:
            newest, offer, seats, state, *earlier = str(answer["description"] or "").split()
            return cls(str(answer["id"]), offer, int(seats), state, (newest, *earlier))
        except ValueError as error:
            raise OperationFailed(
                "domain_taken", "A group that is not ours has this name."
            ) from error

    def description(self) -> str:
        """Return the description to store: the newest mark is first, for ``startswith`` filters."""
        newest, *earlier = self.marks
        return " ".join([newest, self.offer, str(self.seats), self.state, *earlier])

    def marked(self, mark: str, **changes: Any) -> Group:
        """Return the group after another operation: with its mark and ``changes``."""
        return replace(self, marks=(mark, *self.marks)[: MAX_EARLIER_MARKS + 1], **changes)

    @property
    def result(self) -> dict[str, str]:
        """The reference that callers store."""
        return {"tenant": self.id}


# --- Users -----------------------------------------------------------------------------------

NEWEST = "employeeId"
MADE_BY = "extensionAttribute1"
MARKS = "extensionAttribute2"
DELETING = "extensionAttribute3"
ATTRIBUTES = "onPremisesExtensionAttributes"


@dataclass(frozen=True)
class User:
    """An account with the marks of the operation that created it and of later ones.

    ``newest`` is empty until the account is complete; ``deleting`` is set before deletion.
    """

    id: str
    address: str
    newest: str
    made_by: str
    earlier: tuple[str, ...]
    deleting: bool

    FIELDS = f"id,userPrincipalName,{NEWEST},{ATTRIBUTES}"

    @classmethod
    def read(cls, answer: dict[str, Any]) -> User:
        """Parse Graph's ``answer`` to a request for `FIELDS`."""
        attributes = answer.get(ATTRIBUTES) or {}
        return cls(
            id=str(answer["id"]),
            address=str(answer.get("userPrincipalName") or ""),
            newest=str(answer.get(NEWEST) or ""),
            made_by=str(attributes.get(MADE_BY) or ""),
            earlier=tuple(str(attributes.get(MARKS) or "").split()),
            deleting=bool(attributes.get(DELETING)),
        )

    @property
    def domain(self) -> str:
        """The domain of the account's e-mail address."""
        return self.address.rpartition("@")[2].lower()

    @property
    def is_complete(self) -> bool:
        """Whether all steps of its creation are done."""
        return bool(self.newest)

    def knows(self, mark: str) -> bool:
        """Whether the operation of a mark was done on this account."""
        return mark in (self.newest, *self.earlier)

    def marked(self, mark: str, deleting: bool = False) -> dict[str, Any]:
        """Return the attributes that store a mark, for the call that makes the change."""
        earlier = [one for one in (self.newest, *self.earlier) if one and one != mark][
            :MAX_EARLIER_MARKS
        ]
        attributes = {MARKS: " ".join(earlier), DELETING: "leaving" if deleting else None}
        return {NEWEST: mark, ATTRIBUTES: attributes}

    @property
    def result(self) -> dict[str, str]:
        """The reference that callers store."""
        return {"user": self.id}
