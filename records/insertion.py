"""Rows are inserted by SQL that is kept.

Peewee builds an INSERT anew for each row, which took six times as long as to insert it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    def __init__(self, model: type[Model], names: tuple[str, ...], *, is_once: bool) -> None:
        meta = model._meta
        query: Any = model.insert(dict.fromkeys(names))
        if is_once:
            query = query.on_conflict_ignore().returning(meta.primary_key)
        self._sql, parameters = query.sql()
        self._returns = bool(query._returning)
        self._row = f"({', '.join([meta.database.param] * len(parameters))})"
        self._before, _, self._after = query.returning().sql()[0].partition(self._row)
        self._given = len(names)
        given = {meta.combined[name]: name for name in names}
        fields = sorted({**meta.defaults, **given}, key=lambda field: field._sort_key)
        self._columns = [
            (given.get(field, ""), meta.defaults.get(field), plain_type(field), field.db_value)
            for field in fields
        ]

    @classmethod
    def of(cls, model: type[Model], names: tuple[str, ...], *, is_once: bool = False) -> Insertion:
        """Return the INSERT of rows with values of these names, as the model's database writes it.

        ``is_once``: it inserts none where a unique value is there already.
        """
        shape = model, names, is_once, model._meta.database.param
        found = cls._made.get(shape)
        if found is None:
            found = cls._made[shape] = cls(model, names, is_once=is_once)
        return found

    def run(self, database: Any, values: Mapping[str, Any]) -> Any:
        """Insert a row; return its key, None if it is there already."""
        cursor = database.execute_sql(self._sql, self._parameters(values))
        if not self._returns:
            return cursor.lastrowid
        keys = cursor.fetchall()
        return keys[0][0] if keys else None

    def run_all(self, database: Any, rows: Sequence[Mapping[str, Any]]) -> int:
        """Insert rows by one statement; return how many were not there already.

        Raises `ValueError` or `KeyError` if one has values of other names.
        """
        if any(len(values) != self._given for values in rows):
            raise ValueError("all rows need values of the same names")
        parameters = [each for values in rows for each in self._parameters(values)]
        sql = self._before + ", ".join([self._row] * len(rows)) + self._after
        return int(database.execute_sql(sql, parameters).rowcount)

    def _parameters(self, values: Mapping[str, Any]) -> list[Any]:
        parameters = []
        for name, default, plain, store in self._columns:
            value = values[name] if name else default() if callable(default) else default
            parameters.append(value if type(value) is plain else store(value))
        return parameters


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
