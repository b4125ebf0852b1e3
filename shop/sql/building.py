"""The SQL of statements, built faster than by Peewee and equal to what Peewee builds.

Peewee makes several objects and scopes for each column, comparison and value: that was a fifth of
the processor time of web servers and workers. `StatementContext` writes the common parts at once:
columns, comparisons with plain values, whole rows read, written or changed. Whatever else a
statement contains is built by Peewee.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from peewee import (  # type: ignore[attr-defined]
    OP,
    SCOPE_NORMAL,
    SCOPE_VALUES,
    Context,
    Expression,
    Field,
    ForeignKeyField,
    Model,
    ModelInsert,
    ModelSelect,
    ModelUpdate,
    Node,
    NodeList,
    Ordering,
    qualify_names,
)

PLAIN = (str, int, float, bytes, date, Decimal)
"""Values that are one parameter (``date`` includes ``datetime``)."""

SERIES = (list, tuple, set, frozenset)

_TOP = {
    "converter": None, "in_expr": False, "in_function": False, "in_projection": False,
    "bare_subquery": False, "parentheses": False, "subquery": True,
}  # fmt: skip
"""The state in which Peewee builds what follows the tables of a SELECT."""

_inserts: dict[tuple[Any, ...], _Insertion] = {}
_selects: dict[type[Model], str] = {}


@dataclass(frozen=True)
class _Insertion:
    """An INSERT: what stands before and after its rows, and how each is written.

    ``columns``: the name under which a row has the value, its field, and the value without one.
    """

    before: str
    each: str
    after: str
    columns: list[tuple[str, Any, Any]]


class StatementContext(Context):
    """Builds the SQL of a statement."""

    __slots__ = ()

    _sql: list[str]
    _values: list[Any]
    state: Any
    stack: list[Any]
    alias_manager: Any

    def sql(self, obj: Any) -> Context:
        """Append the SQL of ``obj``, which equals Peewee's own."""
        build = _builders.get(type(obj))
        if build is not None and build(self, obj):
            return self
        if (column := self._column(obj)) is not None:
            self._sql.append(column)
            return self
        return super().sql(obj)

    def _is_top(self) -> bool:
        """Whether a whole statement begins."""
        return not self._sql and not self.stack and self.state.scope == SCOPE_NORMAL

    def _column(self, obj: Any) -> str | None:
        """Return the SQL of a column of a model, None for anything else."""
        if getattr(type(obj), "__sql__", None) is not Field.__sql__:
            return None
        if self.state.scope == SCOPE_VALUES:
            return f'"{obj.column_name}"'
        return f'"{self.alias_manager[obj.model._meta.table]}"."{obj.column_name}"'

    def _columns(self, obj: Any) -> bool:
        """Append a list of columns."""
        found = []
        for node in obj.nodes:
            column = self._column(node)
            if column is None:
                return False
            found.append(column)
        if not found:
            return False
        listed = obj.glue.join(found)
        self._sql.append(f"({listed})" if obj.parens else listed)
        return True

    def _ordering(self, obj: Any) -> bool:
        """Append a column by which rows are ordered."""
        if obj.nulls or obj.collation or (column := self._column(obj.node)) is None:
            return False
        self._sql.append(f"{column} {obj.direction}")
        return True

    def _expression(self, obj: Any) -> bool:
        """Append comparisons of columns with plain values or columns, joined by AND and OR."""
        if self.state.value_literals:
            return False
        texts, values = len(self._sql), len(self._values)
        if self._compared(obj):
            return True
        del self._sql[texts:], self._values[values:]
        return False

    def _compared(self, obj: Any) -> bool:
        if type(obj) is not Expression:
            return False
        if not obj.flat:
            self._sql.append("(")
        left = self._column(obj.lhs)
        if left is not None:
            self._sql.append(left)
        elif not self._compared(obj.lhs):
            return False
        operations = self.state.operations
        self._sql.append(f" {operations.get(obj.op, obj.op) if operations else obj.op} ")
        if left is None:
            if not self._compared(obj.rhs):
                return False
        elif not self._right(obj):
            return False
        if not obj.flat:
            self._sql.append(")")
        return True

    def _right(self, obj: Any) -> bool:
        """Append what a column is compared with."""
        field, right = obj.lhs, obj.rhs
        if isinstance(right, PLAIN):
            self._value(field.db_value(right))
        elif isinstance(right, Model):
            if not isinstance(field, ForeignKeyField):
                return False
            self._value(field.db_value(right))
        elif isinstance(right, SERIES):
            if not right or not all(isinstance(each, PLAIN) for each in right):
                return False
            self._sql.append(f"({', '.join([self.state.param or '?'] * len(right))})")
            self._values.extend([field.db_value(each) for each in right])
        elif right is None:
            if obj.op not in (OP.IS, OP.IS_NOT):
                return False
            self._sql.append("NULL")
        elif (column := self._column(right)) is not None:
            self._sql.append(column)
        else:
            return False
        return True

    def _value(self, value: Any) -> None:
        self._sql.append(self.state.param or "?")
        self._values.append(value)

    def _select(self, obj: Any) -> bool:
        """Append the SELECT of the whole rows of one table."""
        if not self._is_top() or not _reads_one_table(obj, for_update=self.state.for_update):
            return False
        model = obj.model
        head = _selects.get(model)
        if head is None:
            every = ModelSelect(model, model._meta.sorted_fields, is_default=True)
            head = _selects[model] = self._text_of(every)
        self._sql.append(head)
        self.alias_manager.add(model._meta.table)
        with self.scope_normal(**_TOP):
            if obj._where is not None:
                self.literal(" WHERE ").sql(obj._where)
            obj._apply_ordering(self)
            if obj._for_update is not None:
                self.literal(" ").sql(obj._for_update)
        return True

    def _insert(self, obj: Any) -> bool:
        """Append the INSERT of rows; Peewee builds the first with the same columns."""
        if not self._is_top() or obj._cte_list or obj._columns or self.state.value_literals:
            return False
        rows = _rows_by_name(obj._insert)
        if not rows or not rows[0] or any(row.keys() != rows[0].keys() for row in rows[1:]):
            return False
        shape = obj.model, self.state.param, _conflict(obj), _returned(obj), tuple(rows[0])
        if None in shape[2:4]:
            return False
        known = _inserts.get(shape) or self._insertion_of(obj, rows[0])
        if known is None:
            return False
        values = []
        for row in rows:
            for name, field, default in known.columns:
                value = row[name] if name in row else _default(default)
                if isinstance(value, Node) and _is_expression(field, value):
                    return False
                values.append(field.db_value(value))
        _inserts[shape] = known
        self._sql += [known.before, ", ".join([known.each] * len(rows)), known.after]
        self._values.extend(values)
        return True

    def _insertion_of(self, obj: Any, row: dict[str, Any]) -> _Insertion | None:
        """Return how Peewee writes rows with the names of ``row``."""
        fields, defaults = obj.model._meta.combined, obj.get_default_data()
        if not all(name in fields for name in row):
            return None
        names = {fields[name]: name for name in row}
        columns = [
            (names.get(field, field.name), field, defaults.get(field))
            for field in sorted({**defaults, **names}, key=_sort_key)
        ]
        first = obj.clone()
        first._insert = row
        each = f"({', '.join([self.state.param or '?'] * len(columns))})"
        before, _, after = self._text_of(first).partition(each)
        return _Insertion(before, each, after, columns)

    def _text_of(self, obj: Any) -> str:
        """Return the SQL that Peewee builds of a whole statement."""
        built = type(self)(**self.state.settings)
        Context.sql(built, obj)
        return "".join(built._sql)

    def _update(self, obj: Any) -> bool:
        """Append the UPDATE of rows of one table."""
        if not self._is_top() or self.state.value_literals:
            return False
        if obj._cte_list or obj._from or obj._order_by or obj._limit is not None:
            return False
        if not all(isinstance(field, Field) for field in obj._update):
            return False
        table = obj.model._meta.table
        obj._set_table_alias(self)
        self._sql += ["UPDATE ", f'"{table.__name__}"', " SET "]
        with self.scope_values(subquery=True):
            glue = ""
            for field in sorted(obj._update, key=_sort_key):
                value = obj._update[field]
                self._sql.append(f'{glue}"{field.column_name}" = ')
                glue = ", "
                if _is_expression(field, value):
                    self.sql(qualify_names(value))
                else:
                    self._value(field.db_value(value))
            if obj._where is not None:
                with self.scope_normal():
                    self.literal(" WHERE ").sql(obj._where)
            obj.apply_returning(self)
        return True


def _rows_by_name(inserted: Any) -> list[dict[str, Any]] | None:
    """Return the rows of an INSERT, their values by the names of columns; None for other ones."""
    if isinstance(inserted, list):
        return inserted if all(isinstance(row, dict) for row in inserted) else None
    if not isinstance(inserted, dict) or not all(isinstance(field, Field) for field in inserted):
        return None
    return [{field.name: value for field, value in inserted.items()}]


def _sort_key(field: Any) -> Any:
    return field._sort_key


def _default(value: Any) -> Any:
    return value() if callable(value) else value


def _is_expression(field: Field, value: Any) -> bool:
    """Whether a column is set to more than a plain value or the row that it refers to."""
    if not isinstance(value, Node):
        return False
    return not (isinstance(value, Model) and isinstance(field, ForeignKeyField))


def _reads_one_table(query: Any, *, for_update: bool) -> bool:
    return bool(
        query._is_default
        and isinstance(query.model, type)
        and len(query._from_list) == 1
        and query._from_list[0] is query.model
        and not query._cte_list
        and not query._lateral
        and query._distinct is None
        and not query._simple_distinct
        and not query._group_by
        and query._having is None
        and query._windows is None
        and (query._for_update is None or for_update)
    )


def _conflict(query: Any) -> tuple[Any, ...] | None:
    """Return what an INSERT does at a conflict: nothing, or write named columns of the new row.

    None if it is anything else.
    """
    conflict = query._on_conflict
    if conflict is None:
        return ("fail",)
    special = (
        conflict._update, conflict._where, conflict._conflict_where,
        conflict._conflict_constraint,
    )  # fmt: skip
    target, written = tuple(conflict._conflict_target or ()), tuple(conflict._preserve or ())
    if any(special) or not all(isinstance(each, Field) for each in target + written):
        return None
    return conflict._action, target, written


def _returned(query: Any) -> tuple[str, ...] | None:
    """Return the names of the columns that an INSERT returns; None if it returns expressions."""
    returned = query._returning or ()
    if not all(isinstance(each, Field) for each in returned):
        return None
    return tuple([each.name for each in returned])


_builders: dict[type, Callable[[StatementContext, Any], bool]] = {
    NodeList: StatementContext._columns,
    Ordering: StatementContext._ordering,
    Expression: StatementContext._expression,
    ModelSelect: StatementContext._select,
    ModelInsert: StatementContext._insert,
    ModelUpdate: StatementContext._update,
}
