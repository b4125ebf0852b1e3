"""Single values the sandbox keeps in its database: its clock, its switches, its secret."""

from __future__ import annotations

import json
import secrets
from typing import Any

from peewee import TextField

from sandbox.database import Table, database


class Value(Table):
    """One named value, as JSON."""

    name = TextField(primary_key=True)
    json = TextField()


def recall(name: str, default: Any = None) -> Any:
    """The value called ``name``, or ``default`` if there is none."""
    found = Value.select(Value.json).where(Value.name == name).scalar()
    return default if found is None else json.loads(found)


def keep(name: str, value: Any) -> None:
    """Keep ``value`` under ``name``, whatever was there."""
    text = json.dumps(value)
    Value.insert(name=name, json=text).on_conflict(
        conflict_target=[Value.name], update={Value.json: text}
    ).execute()


def forget(prefix: str) -> None:
    """Forget every value whose name begins with ``prefix``."""
    Value.delete().where(Value.name.startswith(prefix)).execute()


def count_down(name: str) -> bool:
    """Take one of a number kept under ``name``; whether there was one to take.

    A negative number never runs out.
    """
    if not recall(name, 0):  # the usual case, without waiting for a writer
        return False
    with database.atomic():
        left = recall(name, 0)
        if left > 0:
            keep(name, left - 1)
        return bool(left)


def secret_key() -> str:
    """The secret that signs the sandbox's cookies, made on first use."""
    Value.insert(
        name="secret_key", json=json.dumps(secrets.token_urlsafe(32))
    ).on_conflict_ignore().execute()
    return str(recall("secret_key"))
