"""What all tables have in common: the database, custom columns, and row locks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Self, cast

from peewee import (
    OP,
    Check,
    DatabaseProxy,
    DateTimeField,
    Expression,
    Field,
    Model,
    Node,
    PostgresqlDatabase,
    TextField,
)

from records.insertion import Insertion, has_expression, plain_type

database = DatabaseProxy()


class MomentField(DateTimeField):
    """A moment: aware UTC in Python, naive UTC in the database."""

    def db_value(self, value: datetime | None) -> Any:
        """Store ``value`` as naive UTC; refuse a naive one, whose time zone is unknown."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def python_value(self, value: Any) -> datetime | None:
        """Read a stored moment back as aware UTC."""
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return cast(datetime, moment.replace(tzinfo=UTC))


class JSONField(TextField):
    """A small JSON document in a text column, the same on both databases."""

    def db_value(self, value: Any) -> Any:
        """Write compact JSON with keys in order, so equal values are equal texts."""
        if value is None:
            return None
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    def python_value(self, value: Any) -> Any:
        """Read JSON back."""
        return None if value is None else json.loads(value)


def one_of(column: str, words: type[StrEnum]) -> Any:
    """Return a CHECK that ``column`` holds a value of an enumeration."""
    listed = ", ".join(f"'{word}'" for word in words)
    return Check(f"{column} IN ({listed})")


class Table(Model):
    """What all tables have in common."""

    class Meta:
        database = database
        legacy_table_names = False
        only_save_dirty = True

    @classmethod
    def columns_but(cls, *names: str) -> list[Field]:
        """Return the columns without some, which are long and which a list does not show.

        They are told by their names: two fields that are compared make a condition, never false.
        Raises `ValueError` for a name that the table does not have.
        """
        unknown = set(names) - cls._meta.fields.keys()
        if unknown:
            raise ValueError(f"{cls.__name__} has no {sorted(unknown)}")
        return [field for field in cls._meta.sorted_fields if field.name not in names]

    @classmethod
    def add(cls, **values: Any) -> None:
        """Insert a row. Raises `IntegrityError` if a constraint forbids it."""
        if has_expression(values):
            cls.insert(values).execute()
        else:
            Insertion.of(cls, tuple(values)).run(cls._meta.database, values)

    @classmethod
    def add_all(cls, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert a few rows, all with values of the same names, none computed by the database.

        Raises `IntegrityError` if a constraint forbids one of them: none is inserted then.
        """
        if rows:
            Insertion.of(cls, tuple(rows[0])).run_all(cls._meta.database, rows)

    @classmethod
    def add_once(cls, **values: Any) -> Any:
        """Insert a row; return its key, None if another has a value of it that is unique.

        No value is computed by the database. Raises `IntegrityError` if another constraint forbids
        the row.
        """
        return Insertion.of(cls, tuple(values), is_once=True).run(cls._meta.database, values)

    @classmethod
    def add_missing(cls, rows: Sequence[Mapping[str, Any]]) -> int:
        """Insert those of a few rows that have no unique value of another; return how many.

        All have values of the same names, none computed by the database. Raises `IntegrityError`
        if another constraint forbids one of them: none is inserted then.
        """
        if not rows:
            return 0
        missing = Insertion.of(cls, tuple(rows[0]), is_once=True)
        return missing.run_all(cls._meta.database, rows)

    def save(self, force_insert: bool = False, only: Any = None) -> Any:
        """Write the row; Peewee does it unless it is a new one whose key will be a new number."""
        row, meta = cast(Any, self), self._meta
        key: Any = meta.primary_key
        is_usual = force_insert and only is None and meta.auto_increment
        if not is_usual or key.name in row.__data__ or has_expression(row.__data__):
            return super().save(force_insert, only)
        written = Insertion.of(type(self), tuple(row.__data__))
        row._pk = written.run(meta.database, row.__data__)
        row._dirty.clear()
        return 1

    @classmethod
    def get(cls, *query: Any, **filters: Any) -> Self:
        """Return the first row that matches; raise `DoesNotExist` without one.

        The row of a primary key, which references ask for too, is read by SQL that is kept, unless
        the table is bound to another database for a while.
        """
        is_elsewhere = cls._meta.database is not database
        if is_elsewhere or len(query) != 1 or filters or not _is_key(cls, query[0]):
            return super().get(*query, **filters)
        return _ByKey.of(cls).read(query[0].rhs)


class StateMachine(Table):
    """A table whose rows have a status, changed only by its table of legal moves.

    `shop.transitions` makes a move and writes its event, under ``event_subject`` and the row's id.
    """

    event_subject: ClassVar[str]
    moves: ClassVar[Mapping[str, set[str]]]

    id: Any  # columns that each table defines
    status: Any

    def may_become(self, status: str) -> bool:
        """Return whether the move from the present status to ``status`` is legal."""
        return status in self.moves[self.status]


def lock(row: Any, *, allow_references: bool = False) -> Any:
    """Read ``row`` again, of which the id is enough, and lock it until the transaction ends.

    ``allow_references`` lets other transactions insert rows that refer to it: only those that lock
    it as well have to wait. On SQLite a writing transaction locks the whole database already.
    """
    locking = ""
    if isinstance(database.obj, PostgresqlDatabase):
        locking = "FOR NO KEY UPDATE" if allow_references else "FOR UPDATE"
    return _ByKey.of(type(row), locking).read(row.id)


def _is_key(model: type[Model], condition: Any) -> bool:
    """Return whether a condition is that the primary key has a plain value."""
    return (
        type(condition) is Expression
        and condition.op == OP.EQ
        and condition.lhs is model._meta.primary_key
        and not isinstance(condition.rhs, Node)
    )


class _ByKey:
    """The query for the row of a primary key: its SQL, and how its columns become an object.

    Peewee builds both at each query, which costs more than the query.
    """

    _made: ClassVar[dict[tuple[type[Model], str, str], _ByKey]] = {}

    def __init__(self, model: Any, locking: str) -> None:
        self._model: Any = model
        self._key: Any = model._meta.primary_key
        query: Any = model.select().where(self._key == 0).paginate(1, 1)
        self._sql, (_, *self._page) = (query.for_update(locking) if locking else query).sql()
        self._columns = [
            (field.name, None if plain_type(field) else field.python_value)
            for field in model._meta.sorted_fields
        ]

    @classmethod
    def of(cls, model: type[Model], locking: str = "") -> _ByKey:
        """Return the query for a table, as this database writes it."""
        shape = model, locking, database.param
        found = cls._made.get(shape)
        if found is None:
            found = cls._made[shape] = cls(model, locking)
        return found

    def read(self, key: Any) -> Any:
        """Return the row; raise its table's `DoesNotExist` if there is none."""
        cursor = database.execute_sql(self._sql, [self._key.db_value(key), *self._page])
        rows = cursor.fetchall()
        if not rows:
            raise self._model.DoesNotExist(f"no {self._model.__name__} has the key {key!r}")
        made = self._model.__new__(self._model)
        made.__data__ = {
            name: value if convert is None else convert(value)
            for (name, convert), value in zip(self._columns, rows[0], strict=True)
        }
        made.__rel__, made._dirty = {}, set()
        return made
