"""The floors: a constant page, one by Jinja, one by Jinja with five reads, and a bare journey.

The journey has as many requests as a customer's at the shop, checks a password, writes an order
with its line, payment and invoice, and marks it as installed. It has no forms to check, no
constraints, no jobs, no e-mails and no outside parties.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

from flask import Flask, Response, redirect, render_template, request, session
from peewee import (
    CharField,
    ForeignKeyField,
    IntegerField,
    Model,
    SqliteDatabase,
    TextField,
)
from playhouse.db_url import connect
from werkzeug.wrappers import Response as AnyResponse

ROWS = 40
"""Rows of the table on each page."""

database = connect(os.environ.get("FLOOR_DATABASE", "sqlite:///floor.db"))


class Table(Model):
    """A table of the floors' database."""

    class Meta:
        database = database


class Offer(Table):
    """What can be ordered."""

    name = CharField()
    price_cents = IntegerField()
    description = TextField()


class Account(Table):
    """A customer."""

    name = CharField(unique=True)


class Order(Table):
    """An order; ``status`` is ``placed``, ``paid`` or ``installed``."""

    account = ForeignKeyField(Account)
    number = CharField(unique=True)
    status = CharField()


class Line(Table):
    """A line of an order."""

    order = ForeignKeyField(Order)
    offer = ForeignKeyField(Offer)
    quantity = IntegerField()


TABLES = (Offer, Account, Order, Line)
OFFERS = [
    {"name": f"Office 365, offer {number}", "price_cents": 880 + number, "description": "x" * 200}
    for number in range(5)
]

application = Flask(__name__)
application.secret_key = "bench"
application.config["TEMPLATES_AUTO_RELOAD"] = False


def _create() -> None:
    """Create tables and offers; the first process to come does it."""
    if isinstance(database, SqliteDatabase):
        database.execute_sql("PRAGMA journal_mode = wal")
        database.execute_sql("PRAGMA busy_timeout = 5000")
    with database.atomic():
        if not isinstance(database, SqliteDatabase):
            # Two processes that create a table at once collide, even if they ask whether it exists.
            database.execute_sql("SELECT pg_advisory_xact_lock(1)")
        database.create_tables(TABLES)
        if not Offer.select().exists():
            Offer.insert_many(OFFERS).execute()
    database.close()


_create()


@application.before_request
def _open() -> None:
    if request.path.startswith(("/reads", "/journey")):
        database.connect(reuse_if_open=True)


@application.teardown_request
def _close(_: BaseException | None) -> None:
    if not database.is_closed():
        database.close()


# --- Pages -----------------------------------------------------------------------------------


@application.get("/constant")
def constant() -> Response:
    """Return as many bytes as asked for."""
    return Response("x" * int(request.args["bytes"]), mimetype="text/html")


@application.get("/jinja")
def jinja() -> str:
    """Return a page by a template, as large as asked for."""
    return _page(OFFERS)


@application.get("/reads")
def reads() -> str:
    """Return the same page with five rows, each read by a statement of its own."""
    return _page([_offer(number) for number in range(1, len(OFFERS) + 1)])


def _offer(number: int) -> dict[str, object]:
    offer = Offer.get_by_id(number)
    names = ("name", "price_cents", "description")
    return {name: getattr(offer, name) for name in names}


def _page(offers: list[dict[str, object]]) -> str:
    size = int(request.args.get("bytes", "0"))
    return render_template("page.html", offers=offers, rows=range(ROWS), filling="x" * size)


# --- The journey -----------------------------------------------------------------------------


@application.get("/journey/<int:step>")
def look(step: int) -> str:
    """Show a step."""
    return render_template("page.html", offers=list(_offers()), rows=range(step), filling="")


def _offers() -> Iterator[dict[str, object]]:
    yield from Offer.select(Offer.name, Offer.price_cents, Offer.description).dicts()


@application.post("/journey/choose")
def choose() -> AnyResponse:
    """Keep what was chosen."""
    session["chosen"] = int(request.form["quantity"])
    return redirect("/journey/1", 303)


@application.post("/journey/identify")
def identify() -> AnyResponse:
    """Create an account and sign it in."""
    session["account"] = Account.create(name=secrets.token_hex(8)).id
    return redirect("/journey/2", 303)


@application.post("/journey/confirm")
def confirm() -> AnyResponse:
    """Place the order."""
    with database.atomic():
        order = Order.create(
            account=session["account"], number=secrets.token_hex(8), status="placed"
        )
        Line.create(order=order, offer=1, quantity=session["chosen"])
    session["order"] = order.id
    return redirect("/journey/3", 303)


@application.post("/journey/pay")
def pay() -> AnyResponse:
    """Mark the order as paid and installed."""
    with database.atomic():
        Order.update(status="paid").where(Order.id == session["order"]).execute()
    with database.atomic():
        Order.update(status="installed").where(Order.id == session["order"]).execute()
    return redirect("/journey/4", 303)
