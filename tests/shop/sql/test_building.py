"""The shop builds the same SQL as Peewee."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import peewee
import pytest
from flask import Flask

from models import Account, Job, JobStatus, LicenceGroup, Order, OrderLine, database
from records.base import Table
from shop import clock
from shop.invoicing import ledger_proof
from shop.jobs import queue
from shop.sql.building import StatementContext
from tests.support.client import CheckingClient
from tests.support.journeys import Shopper
from tests.support.parties import Bank, Provider

Built = tuple[str, list[Any]]


def build(context: type[peewee.Context], query: Any) -> Built:
    """Return the SQL of a query and its values, built by a class of contexts."""
    built = context(**database.obj.get_context_options()).sql(query).query()
    return built[0], [getattr(value, "obj", value) for value in built[1]]


@pytest.fixture
def compared(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Build each statement in both ways; a list of the SQL."""
    statements: list[str] = []
    execute = database.obj.execute

    def execute_compared(query: Any, **options: Any) -> Any:
        ours = build(StatementContext, query)
        assert ours == build(peewee.Context, query)
        statements.append(ours[0])
        return execute(query, **options)

    monkeypatch.setattr(database.obj, "execute", execute_compared)
    return statements


def test_the_statements_of_an_order_and_of_the_ledger(
    compared: list[str], client: CheckingClient, bank: Bank, provider: Provider,
    drain: Callable[[], int],
) -> None:  # fmt: skip
    shopper = Shopper(client, "fr")
    shopper.choose(4, 2)
    shopper.carry_on()
    shopper.register()
    shopper.confirm()
    shopper.go_to_bank()
    drain()
    client.get("/manager/services")
    assert queue.restart(Job.select().where(Job.status == JobStatus.DONE).get().key)
    drain()
    assert not list(ledger_proof.find_faults())
    kinds = {sql.split()[0] for sql in compared}
    assert kinds >= {"SELECT", "INSERT", "UPDATE"}
    assert len(set(compared)) >= 5, "beside those that are prepared"


@pytest.mark.parametrize("model", Table.__subclasses__(), ids=lambda model: model.__name__)
def test_the_columns_of_each_model(app: Flask, model: type[Table]) -> None:
    every = model.select().order_by(model._meta.primary_key)
    other = model.alias("other")
    for query in (every, other.select(), model.select(other).join(other, on=peewee.SQL("1"))):
        assert build(StatementContext, query) == build(peewee.Context, query)


def test_what_statements_are_made_of(app: Flask) -> None:
    nested = Order.select(Order.id).where(Order.account == Account.id)
    counts = Order.select(Order.account, peewee.fn.COUNT(Order.id).alias("count"))
    counted = counts.group_by(Order.account).having(peewee.fn.COUNT(Order.id) > 1).alias("counted")
    joined = Account.select(Account, counted.c.count).join(
        counted, on=(counted.c.account_id == Account.id)
    )
    queries = [
        Account.select().where(peewee.fn.EXISTS(nested) | (Account.id << [1, 2])),
        joined.order_by(counted.c.count.desc()).limit(3),
        Order.select(Order.id) | OrderLine.select(OrderLine.order),
        Order.update(number=Order.number.concat("1")).where(Order.account.in_(nested)),
        LicenceGroup.delete().where(LicenceGroup.id.not_in(nested)),
        peewee.Case(None, [(Order.id > 1, Order.number)], Account.email),
        Account.insert(email="a@b.example").on_conflict(
            conflict_target=[Account.email], update={Account.email: peewee.EXCLUDED.email}
        ),
    ]
    for query in queries:
        assert build(StatementContext, query) == build(peewee.Context, query)


def test_rows_written_again_and_again(app: Flask) -> None:
    """The second INSERT of a shape uses the text of the first; whatever differs is another."""
    plain = {"kind": "a", "key": "b", "payload": {"c": [1]}, "run_at": clock.now()}
    made = {"created_at": clock.now()}
    queries = [
        Job.insert(**plain, **made),
        Job.insert(**plain, **made, priority=3, status=JobStatus.RUNNING),
        Job.insert(**plain, **made, error=Job.select(Job.error).limit(1)),
        Job.insert(**plain, **made, error=peewee.fn.LOWER("X")),
        Job.insert(**plain, **made).on_conflict_ignore(),
        Job.insert(**plain, **made).on_conflict_ignore().as_rowcount(),
        Job.insert(**plain, **made).returning(Job.id, Job.key),
        Job.insert(**plain, **made).returning(peewee.fn.LOWER(Job.key)),
        Job.insert(**plain, **made).on_conflict(
            conflict_target=[Job.key], update={Job.error: peewee.EXCLUDED.error}
        ),
        Job.insert(**plain, **made).on_conflict(conflict_target=[Job.key], preserve=[Job.error]),
        Job.insert(**plain, **made).on_conflict(conflict_target=[Job.key], preserve=[Job.run_at]),
        OrderLine.insert(order=Order(id=7), position=1, offer="business", quantity=2),
        OrderLine.insert(order=7, position=1, offer="business", quantity=2),
    ]
    rows = [plain | made, plain | made | {"key": "c", "payload": None}]
    lower = plain | made | {"key": peewee.fn.LOWER("X")}
    queries += [
        Job.insert_many(rows),
        Job.insert_many([*rows, *rows, *rows]),
        Job.insert_many(rows[:1]),
        Job.insert_many(rows).on_conflict_ignore().as_rowcount(),
        Job.insert_many(rows).on_conflict_ignore().returning(Job.id),
        Job.insert_many([lower, lower]),
        Job.insert_many([*rows, rows[0] | {"error": "e"}]),
        Job.insert_many([{getattr(Job, name): value for name, value in rows[0].items()}] * 2),
        Job.insert_many([tuple(rows[0].values())], fields=list(rows[0])),
        OrderLine.insert_many(
            [{"order": order, "position": 1, "offer": "a", "quantity": 2} for order in (7, 8)]
        ),
        OrderLine.insert_many(
            [{"order_id": 7, "position": 1, "offer": "a", "quantity": 2} for _ in range(2)]
        ),
        OrderLine.insert_many(
            [{"order": Order(id=7), "position": 1, "offer": "a", "quantity": n} for n in range(3)]
        ),
    ]
    for query in [*queries, *reversed(queries)]:
        assert build(StatementContext, query) == build(peewee.Context, query)


def test_conditions_of_every_kind(app: Flask) -> None:
    now, order = clock.now(), Order(id=7)
    conditions = [
        OrderLine.order == order,
        OrderLine.order.in_([order, 8]),
        Order.id.in_([3]),
        Order.id.in_({3}),
        Order.id.in_([]),
        Order.id.not_in(()),
        Order.status.in_(set(JobStatus)),
        Order.status.in_(OrderLine.select(OrderLine.offer)),
        Order.expires_at < now,
        (Order.expires_at < now) & (Order.status == JobStatus.DONE) | Order.basket_key.is_null(),
        Order.basket_key.is_null(False) & (Order.id != 3),
        ~(Order.id == 3) & (Order.number.contains("1_%")),
        Order.number.startswith("1") | (Order.id + 1 > Order.account),
        Order.id.between(1, 3) & (peewee.fn.LOWER(Order.number) == "x"),
        (Order.id == Order.account) & peewee.SQL("1"),
        Order.number == peewee.Value("7"),
        Order.id == None,  # noqa: E711
    ]
    for condition in conditions:
        for query in (
            Order.select().where(condition).order_by(Order.id.desc(), Order.number).limit(3),
            Order.select(Order.id).where(condition).order_by(Order.id.desc(nulls="last")),
            Order.update(number="1", account=Account(id=3), status="x").where(condition),
            Order.update({Order.number: None, Order.id: Order.id + 1}).where(condition),
            Order.delete().where(condition),
        ):
            assert build(StatementContext, query) == build(peewee.Context, query)
