"""Shops of a size, each in a process of its own: what one page costs in each."""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import peewee
import structlog
from flask import Flask
from flask.testing import FlaskClient

import app as application
import models
from bench.growth import pages, rows
from shop import database
from shop.operations import demo
from shop.settings import Settings
from tests.support import queries, staff

CHEAP_PASSWORDS = {"ARGON2_MEMORY_KIB": "8", "ARGON2_PASSES": "1"}

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}

Cost = tuple[float, int, int]
"""The milliseconds of a request, its SQL statements, and the status of its answer."""


class Shop:
    """A shop in another process; `ask` it for a page of one of its customers."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def wait(self) -> str:
        """Wait until its rows are there; return how long that took. Raise what it raised."""
        return str(self._receive())

    def ask(self, whom: str, name: str, who: str) -> Cost:
        """Return the cost of the page ``name`` as ``whom`` sees it, about the customer ``who``."""
        self._pipe.send((whom, name, who))
        cost: Cost = self._receive()
        return cost

    def _receive(self) -> Any:
        answer = self._pipe.recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer


@contextmanager
def opened(url: str, customers: Sequence[tuple[str, int]]) -> Iterator[Shop]:
    """Provide a shop on an empty database with these customers, by name, and their sizes."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs, url, list(customers)), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Shop(ours)
    finally:
        ours.close()
        process.join(60)


def _serve(pipe: Connection, url: str, customers: list[tuple[str, int]]) -> None:
    try:
        began = time.perf_counter()
        answer = _made(url, customers)
        pipe.send(f"{time.perf_counter() - began:.0f} s")
        while True:
            pipe.send(answer(*pipe.recv()))
    except EOFError:
        return
    except BaseException as error:
        pipe.send(RuntimeError(repr(error)))
        raise
    finally:
        models.database.close()


def _made(url: str, customers: list[tuple[str, int]]) -> Callable[[str, str, str], Cost]:
    settings = {"DATABASE_URL": url, "SECRET_KEY": "bench", "RATE_LIMITS": "off"}
    shop = application.create_app(Settings.from_environment(settings | CHEAP_PASSWORDS))
    shop.testing = True
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    database.migrate()
    demo.publish()
    names, clients = {}, {}
    with rows.parties() as bank:
        made = {name: rows.furnish(name, size, bank) for name, size in customers}
    for name, size in customers:
        customer = made[name]
        names[name] = pages.names_of(customer, size)
        clients["customer", name] = _signed_in(shop, customer)
        clients["staff", name] = clients["nobody", name] = shop.test_client()
        staff.sign_in(clients["staff", name], language="en")
    if isinstance(models.database.obj, peewee.PostgresqlDatabase):
        # It does that by itself, in time; SQLite does not, unless it is told to.
        models.database.execute_sql("ANALYZE")

    def answer(whom: str, name: str, who: str) -> Cost:
        address = pages.ALL[whom][name].format_map(names[who])
        return _ask(clients[whom, who], address, PARTIAL if name.startswith(pages.PART) else {})

    return answer


def _signed_in(shop: Flask, customer: rows.Customer) -> FlaskClient:
    client = shop.test_client()
    page = client.get("/login").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    form = {
        "nic_handle": customer.account.nic_handle, "password": rows.PASSWORD, "csrf_token": token,
    }  # fmt: skip
    assert client.post("/login", data=form).status_code == 303
    return client


def _ask(client: FlaskClient, address: str, headers: dict[str, str]) -> Cost:
    with queries.recorded() as statements:
        began = time.perf_counter()
        response = client.get(address, headers=headers)
        response.get_data()  # files are made while they are sent
        taken = (time.perf_counter() - began) * 1000
    return taken, len(statements), response.status_code
