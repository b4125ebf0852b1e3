"""Named values in the sandbox's database: clock offset, switches, secret key."""

from __future__ import annotations

import json
import secrets
from typing import Any

from peewee import TextField

from sandbox.database import Table, database


class Value(Table):
    """A named value, stored as JSON."""

    name = TextField(primary_key=True)
    json = TextField()


STORED = "SELECT json FROM value WHERE name = ?"
"""A constant: several values are read for every request."""


def get_value(name: str, default: Any = None) -> Any:
    """Return the value ``name``, or ``default`` if it is not set."""
    found = database.execute_sql(STORED, (name,)).fetchone()
    return default if found is None else json.loads(found[0])


def set_value(name: str, value: Any) -> None:
    """Set the value ``name``; an earlier one is replaced."""
    text = json.dumps(value)
    Value.insert(name=name, json=text).on_conflict(
        conflict_target=[Value.name], update={Value.json: text}
    ).execute()


def delete_prefix(prefix: str) -> None:
    """Delete all values whose names begin with ``prefix``."""
    Value.delete().where(Value.name.startswith(prefix)).execute()


def decrement(name: str) -> bool:
    """Subtract one from the counter ``name``; return whether it was above zero.

    A negative counter is unlimited: it stays as it is, and the result is True.
    """
    if not get_value(name, 0):  # the usual case: no write lock needed
        return False
    with database.atomic():
        left = get_value(name, 0)
        if left > 0:
            set_value(name, left - 1)
        return bool(left)


def secret_key() -> str:
    """Return the secret that signs the sandbox's cookies; it is generated on first use."""
    Value.insert(
        name="secret_key", json=json.dumps(secrets.token_urlsafe(32))
    ).on_conflict_ignore().execute()
    return str(get_value("secret_key"))
