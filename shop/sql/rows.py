"""Rows of a statement as objects: what Peewee's cursor makes of them, in a third of the time.

Peewee sets each column of each row through its field's descriptor. The columns of a prepared
statement are known beforehand: an object's values are one dictionary, and only columns of other
types than text and whole numbers are converted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from peewee import Field, ForeignKeyField, Model, ModelCursorWrapper, ModelObjectCursorWrapper

from records.base import Table
from records.insertion import plain_type

Convert = Callable[[Any], Any]
Row = Sequence[Any]
Column = tuple[int, str, Convert | None]
"""The place of a column in a row, its name, and how its values are converted."""


class Reader(Protocol):
    """Makes an object of a row."""

    def process_row(self, row: Row, /) -> Any:
        """Return the object."""


@dataclass(frozen=True)
class _Part:
    """The columns of one table: places in the row, names, and how values are converted."""

    model: type[Model]
    fields: list[Column]
    others: list[Column]

    def object_of(self, row: Row) -> Any:
        made: Any = self.model.__new__(self.model)
        made.__data__ = {
            name: row[place] if convert is None else convert(row[place])
            for place, name, convert in self.fields
        }
        made.__rel__ = {}
        made._dirty = set()
        for place, name, convert in self.others:
            setattr(made, name, row[place] if convert is None else convert(row[place]))
        return made


@dataclass(frozen=True)
class _Link:
    """An object that another one refers to, by ``name``.

    ``places``: the columns of the other one, and of all that it leads to.
    """

    source: int
    name: str
    target: int
    is_outer: bool
    is_reference: bool
    source_places: list[int]
    target_places: list[int]
    beyond_places: list[int]

    def set_on(self, objects: Sequence[Any], row: Row) -> None:
        is_found = _any_in(row, self.target_places)
        leads_on = is_found or _any_in(row, self.beyond_places)
        if not is_found and not (_any_in(row, self.source_places) if self.is_outer else leads_on):
            return
        source = objects[self.source]
        if leads_on:
            setattr(source, self.name, objects[self.target])
        elif self.is_reference:
            source.__rel__[self.name] = None  # the reference stays, and nothing is read for it
        else:
            setattr(source, self.name, None)


def _any_in(row: Row, places: Sequence[int]) -> bool:
    return any(row[place] is not None for place in places)


class RowReader:
    """Makes objects of rows by what Peewee's cursor found out about a statement's columns."""

    def __init__(self, parts: list[_Part], links: list[_Link]) -> None:
        self._parts = parts
        self._links = links

    def process_row(self, row: Row) -> Any:
        """Return the object of a row, with those it was joined with."""
        objects = [part.object_of(row) for part in self._parts]
        for link in self._links:
            link.set_on(objects, row)
        for made in objects:
            made._dirty.clear()
        return objects[0]


def reader_of(cursor: Any) -> Reader:
    """Return what makes objects of the rows of Peewee's cursor, once that is initialised.

    It is the cursor itself where rows are not objects of our tables.
    """
    if isinstance(cursor, ModelObjectCursorWrapper) and _are_tables([cursor.constructor]):
        columns = [
            (place, name, _needed(convert))
            for place, (name, convert) in enumerate(
                zip(cursor.unique_columns, cursor.converters, strict=True)
            )
        ]
        return RowReader([_part(cursor.constructor, columns)], [])
    if isinstance(cursor, ModelCursorWrapper):
        return _joined(cursor)
    reader: Reader = cursor
    return reader


def _are_tables(made: Sequence[Any]) -> bool:
    return all(isinstance(each, type) and issubclass(each, Table) for each in made)


def _joined(cursor: Any) -> Reader:
    """Return the reader of rows of several tables."""
    keys = [key for key, _, _ in cursor._constructor_list]
    models = [model for _, model, _ in cursor._constructor_list]
    if not _are_tables(models):
        return cursor
    columns: dict[Any, list[Column]] = {key: [] for key in keys}
    for place, key, name, convert in cursor._row_spec:
        columns.get(key, columns[keys[0]]).append((place, name, _needed(convert)))
    places = {key: [place for place, _, _ in columns[key]] for key in keys}
    links = [
        _Link(
            keys.index(source), name, keys.index(target), is_outer, is_reference,
            places[source], places[target],
            [place for key in cursor._dest_reachable.get(target, ()) for place in places[key]],
        )
        for source, name, target, _, is_outer, is_reference in cursor.src_to_dest
    ]  # fmt: skip
    parts = [_part(model, columns[key]) for key, model in zip(keys, models, strict=True)]
    return RowReader(parts, links)


def _part(model: type[Model], columns: list[Column]) -> _Part:
    known = model._meta.fields
    fields = [column for column in columns if column[1] in known]
    return _Part(model, fields, [column for column in columns if column[1] not in known])


def _needed(convert: Convert | None) -> Convert | None:
    """Return how values are converted; None for those that stay as they are."""
    field = getattr(convert, "__self__", None)
    while type(field) is ForeignKeyField:
        field = field.rel_field
    if not isinstance(field, Field):
        return convert
    return None if plain_type(field) else field.python_value
