"""A row is inserted as Peewee inserts it, by SQL that is kept."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from peewee import BlobField, DateField, ForeignKeyField, IntegerField, IntegrityError, fn

from models import Account, Event, InvoiceSeries, Job, Letter, Order, OrderLine
from records.base import JSONField, MomentField, Table, database
from records.insertion import Insertion
from shop import clock
from tests.support import queries
from tests.support.belongings import Belongings

pytestmark = [pytest.mark.every_case, pytest.mark.usefixtures("app")]


def columns_of(row: Table) -> dict[str, Any]:
    """Return what the database holds of a row, without its key."""
    model = type(row)
    key = model._meta.primary_key
    read: Any = model.select().where(key == row._pk).dicts().get()
    return {name: value for name, value in read.items() if name != key.name}


def event(**changes: Any) -> dict[str, Any]:
    values = {
        "subject": "order", "subject_id": 7, "name": "order_paid", "by": "bank",
        "at": clock.now(),
    }  # fmt: skip
    return values | changes


def job(key: str) -> dict[str, Any]:
    now = clock.now()
    return {"kind": "tested", "key": key, "payload": {"n": 1}, "created_at": now, "run_at": now}


def line_of(order: Order, position: int) -> dict[str, Any]:
    return {
        "order": order, "position": position, "offer": order.lines.get().offer,
        "offer_name": "Office", "quantity": 2, "unit_price_cents": 500, "net_cents": 1000,
    }  # fmt: skip


def value_of(field: Any, number: int) -> Any:
    """Return a value for a column, another for each number."""
    while isinstance(field, ForeignKeyField):
        field = field.rel_field
    if isinstance(field, JSONField):
        return {"number": number}
    if isinstance(field, MomentField):
        return clock.now() + timedelta(days=number)
    if isinstance(field, DateField):
        return clock.today() + timedelta(days=number)
    return number if isinstance(field, IntegerField) else str(number)


@pytest.mark.parametrize("model", Table.__subclasses__(), ids=lambda model: model.__name__)
def test_the_insertion_into_each_table_is_that_of_peewee(app: Flask, model: type[Table]) -> None:
    # What PostgreSQL gets of bytes is equal to nothing else.
    fields = [field for field in model._meta.sorted_fields if not isinstance(field, BlobField)]
    values = {field.name: value_of(field, number) for number, field in enumerate(reversed(fields))}
    asked: list[Any] = []

    class Recorder:
        def execute_sql(self, sql: str, parameters: Any) -> Any:
            asked.append((sql, parameters))
            return SimpleNamespace(lastrowid=1, fetchall=list, rowcount=3)

    Insertion.of(model, tuple(values)).run(Recorder(), values)
    Insertion.of(model, tuple(values), is_once=True).run(Recorder(), values)
    Insertion.of(model, tuple(values)).run_all(Recorder(), [values] * 3)
    Insertion.of(model, tuple(values), is_once=True).run_all(Recorder(), [values] * 3)

    query: Any = model.insert(values)
    once = query.on_conflict_ignore().returning(model._meta.primary_key)
    all_of_them: Any = model.insert_many([values] * 3).returning()
    missing = all_of_them.on_conflict_ignore()
    assert asked == [query.sql(), once.sql(), all_of_them.sql(), missing.sql()]


def test_a_row_has_the_values_that_peewee_stores(alices: Belongings) -> None:
    values = event(subject_id="8", note=alices.delivered.status, account_id=alices.account.id)
    Event.add(**values)
    Event.insert(values).execute()

    added, expected = Event.select().order_by(Event.id.desc()).limit(2)
    assert columns_of(added) == columns_of(expected)
    assert (added.subject_id, added.from_status) == (8, "")


def test_a_value_that_the_database_computes_is_left_to_it(alice: Account) -> None:
    owner = Account.select(Account.id).where(Account.nic_handle == alice.nic_handle)
    Event.add(**event(account_id=owner, name=fn.LOWER("ORDER_PAID")))

    added = Event.select().order_by(Event.id.desc()).get()
    assert (added.account_id, added.name) == (alice.id, "order_paid")


def test_a_created_row_is_the_one_that_peewee_creates(alices: Belongings) -> None:
    order = alices.delivered
    created = OrderLine.create(**line_of(order, 70))
    expected = OrderLine(**line_of(order, 71))
    expected.save(force_insert=True)

    assert columns_of(created) | {"position": 71} == columns_of(expected)
    assert created.__data__ | {"position": 71, "id": expected.id} == expected.__data__
    assert created.order is order
    assert created.dirty_fields == []
    created.quantity = 3
    assert [field.name for field in created.dirty_fields] == ["quantity"]


def test_a_value_that_is_left_out_has_its_default() -> None:
    first, second = Job.create(**job("first")), Job.create(**job("second"))

    assert (first.status, first.attempts, first.error) == ("queued", 0, "")
    assert second.id == first.id + 1
    assert Job.get_by_id(second.id).payload == {"n": 1}


def test_a_key_that_is_given_is_kept() -> None:
    Job.create(id=4711, **job("numbered"))
    InvoiceSeries.create(name="XY2026")

    assert Job.get_by_id(4711).key == "numbered"
    assert InvoiceSeries.get_by_id("XY2026").last == 0


def test_several_rows_are_added_together() -> None:
    Job.add_all([job("first"), job("second")])

    first, second = Job.select().order_by(Job.id.desc()).limit(2)
    assert {first.key, second.key} == {"first", "second"}
    assert first.status == second.status == "queued"


def test_a_row_is_added_once() -> None:
    first = Job.add_once(**job("once"))
    again = Job.add_once(**job("once"))

    assert Job.get_by_id(first).key == "once"
    assert again is None
    assert Job.select().where(Job.key == "once").count() == 1


def test_those_rows_are_added_that_are_missing() -> None:
    Job.create(**job("there"))
    added = Job.add_missing([job("there"), job("new"), job("newer")])

    assert added == 2
    assert {each.key for each in Job.select().order_by(Job.id.desc()).limit(2)} == {"new", "newer"}
    assert Job.add_missing([]) == 0


def test_rows_added_together_have_values_of_the_same_names() -> None:
    more, other = job("more") | {"status": "done"}, job("other") | {"error": "none"}
    del other["kind"]
    for add in (Job.add_all, Job.add_missing):
        for odd, error in ((more, ValueError), (other, KeyError)):
            with pytest.raises(error):
                add([job("first"), odd])
    assert not Job.select().where(Job.key == "first").exists()


@pytest.mark.parametrize("wrong", [{"status": "odd"}, {"status": None}])
def test_a_row_that_breaks_a_rule_is_not_one_that_is_there(wrong: dict[str, Any]) -> None:
    values = job("wrong") | wrong
    for add in (
        lambda: Job.add_once(**values),
        lambda: Job.add_missing([job("right") | {"status": "queued"}, job("wrong") | wrong]),
        lambda: Job.insert(values).on_conflict_ignore().execute(),
    ):
        with pytest.raises(IntegrityError), database.atomic():
            add()
    assert not Job.select().where(Job.key.in_(["right", "wrong"])).exists()


def test_a_second_row_of_a_unique_value_is_refused() -> None:
    Job.create(**job("unique"))

    with pytest.raises(IntegrityError), database.atomic():
        Job.create(**job("unique"))


def test_the_sql_of_a_created_row_is_that_of_peewee(alices: Belongings) -> None:
    letter = Letter.select().where(Letter.account == alices.account).get()
    values = columns_of(letter)
    with queries.recorded() as asked:
        Letter.create(**values | {"key": "copied"})
        Letter.insert(values | {"key": "copied again"}).execute()

    assert asked[0] == asked[1]
