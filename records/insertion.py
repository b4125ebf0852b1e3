"""Rows are inserted by SQL that is kept.

Peewee builds an INSERT anew for each row, which took six times as long as to insert it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from peewee import (
    AutoField,
    BigIntegerField,
    CharField,
    ForeignKeyField,
    IntegerField,
    Model,
    Node,
    TextField,
)

PLAIN = {AutoField: int, BigIntegerField: int, CharField: str, IntegerField: int, TextField: str}
"""The type of the values that a field stores as they are, and that are read as they are."""


class Insertion:
    """The INSERT of rows with certain columns: its SQL, and how values become parameters."""

    _made: ClassVar[dict[tuple[Any, ...], Insertion]] = {}

    def __init__(
        self, model: type[Model], names: tuple[str, ...], number: int, *, is_once: bool
    ) -> None:
        meta = model._meta
        query: Any = model.insert_many([dict.fromkeys(names)] * number)
        if is_once:
            query = query.on_conflict_ignore().returning(meta.primary_key)
        self._sql, _ = query.sql()
        self._returns = bool(query._returning)
        given = {meta.combined[name]: name for name in names}
        fields = sorted({**meta.defaults, **given}, key=lambda field: field._sort_key)
        self._columns = [
            (given.get(field, ""), meta.defaults.get(field), plain_type(field), field.db_value)
            for field in fields
        ]

    @classmethod
    def of(
        cls, model: type[Model], names: tuple[str, ...], number: int = 1, *, is_once: bool = False
    ) -> Insertion:
        """Return the INSERT of a ``number`` of rows with values of these names.

        It is the one of the model's database. ``is_once``: it inserts none where a unique value is
        there already.
        """
        shape = model, names, number, is_once, model._meta.database.param
        found = cls._made.get(shape)
        if found is None:
            found = cls._made[shape] = cls(model, names, number, is_once=is_once)
        return found

    def run(self, database: Any, *rows: Mapping[str, Any]) -> Any:
        """Insert rows; return the key of a single one, None if it is there already."""
        parameters = []
        for values in rows:
            for name, default, plain, store in self._columns:
                value = values[name] if name else default() if callable(default) else default
                parameters.append(value if type(value) is plain else store(value))
        cursor = database.execute_sql(self._sql, parameters)
        if not self._returns:
            return cursor.lastrowid
        keys = cursor.fetchall()
        return keys[0][0] if keys else None


def plain_type(field: Any) -> type | None:
    """Return the type of a column's values in `PLAIN`; None if they are converted."""
    while isinstance(field, ForeignKeyField):
        field = field.rel_field
    return PLAIN.get(type(field))


def has_expression(values: Mapping[str, Any]) -> bool:
    """Return whether a value is to be computed by the database."""
    return any(
        isinstance(value, Node) and not isinstance(value, Model) for value in values.values()
    )
