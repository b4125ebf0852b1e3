"""Fixtures for every test: an empty shop, its customers, and a visitor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from types import SimpleNamespace

import pytest
import time_machine
from flask import Flask

import app as application
import models
from models import Account, ExchangeService
from shop import clock as shop_clock
from shop import database as shop_database
from shop.documents import from_orders
from shop.jobs import queue
from shop.jobs.priorities import Priority
from shop.metrics import durations
from shop.office import configured
from shop.operations import composition, demo
from shop.payments import gateways
from shop.sandbox_link import test_points
from shop.settings import Settings
from shop.subscriptions import renewals
from tests.support import belongings, cast, exchange, open_reads, papers, remembered
from tests.support.belongings import Belongings
from tests.support.client import CheckingClient, browser
from tests.support.databases import Snapshot
from tests.support.mailbox import Mailbox
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor
from tests.support.work import KIND, Work
from web import logs

open_reads.watch()

ENVIRONMENT = {
    "SECRET_KEY": "a-secret-of-tests-that-nobody-else-uses",
    "PUBLIC_URL": "http://localhost",
    "SANDBOX_LATENCY": "0",
    "RATE_LIMITS": "off",
    # Argon2id at its lowest cost: tests sign in often.
    "ARGON2_MEMORY_KIB": "8",
    "ARGON2_PASSES": "1",
}

PRODUCTION = {
    "SHOP_ENV": "production",
    "PUBLIC_URL": "https://shop.example",
    "MAIL_ENCRYPTION_KEYS": "gcm:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "STRIPE_API_KEY": "sk_test_of_nobody",
    "STRIPE_WEBHOOK_SECRET": "whsec_of_nobody",
    "GRAPH_TENANT_ID": "tenant",
    "GRAPH_CLIENT_ID": "client",
    "GRAPH_CLIENT_SECRET": "secret",
    # Nothing listens there: e-mails of tests in production wait.
    "SMTP_URL": "smtp://127.0.0.1:9",
    "TRUSTED_PROXIES": "0",
    "SELLER_NAME": "Licences du Nord",
    "SELLER_LEGAL_FORM": "SARL au capital de 10 000 €",
    "SELLER_SIREN": "552100554",
    "SELLER_VAT_NUMBER": "FR96552100554",
    "SELLER_STREET": "1 place du Théâtre",
    "SELLER_POSTCODE": "59000",
    "SELLER_CITY": "Lille",
    "SELLER_EMAIL": "factures@licences-du-nord.fr",
    "SELLER_PHONE": "+33 3 99 01 02 03",
    "SELLER_REGISTER": "RCS Lille Métropole",
    "SELLER_DIRECTOR": "Dominique Durand",
    "SELLER_HOST": "Hébergement du Nord, 3 rue des Serveurs, 59800 Lille, +33 3 99 04 05 06",
    "SELLER_MEDIATOR": "Médiateur du commerce, 5 rue de la Paix, 75002 Paris",
    "SELLER_MEDIATOR_URL": "https://mediateur-du-commerce.example/",
    "RATE_LIMITS": "on",
    "ARGON2_MEMORY_KIB": "19456",
    "ARGON2_PASSES": "2",
}
"""Variables that production needs beside `ENVIRONMENT`."""

A_TUESDAY = datetime(2026, 3, 10, 10, 0, tzinfo=shop_clock.PARIS)
"""The time at which tests with the fixture ``clock`` begin."""


@pytest.fixture(scope="session")
def settings(database_url: str) -> Settings:
    """The settings of the tests' shop."""
    return Settings.from_environment(ENVIRONMENT | {"DATABASE_URL": database_url})


@pytest.fixture(scope="session")
def _app(settings: Settings) -> Flask:
    app = _make(settings)
    shop_database.migrate()
    demo.publish()
    return app


def _make(settings: Settings) -> Flask:
    app = application.create_app(settings)
    app.testing = True
    app.test_client_class = CheckingClient
    return app


@pytest.fixture(scope="session")
def _snapshot(_app: Flask) -> Snapshot:
    remembered.watch_changes()
    return Snapshot()


@pytest.fixture(scope="session")
def _configuration(_app: Flask) -> dict[str, object]:
    return dict(_app.config)


@pytest.fixture
def app(_app: Flask, _snapshot: Snapshot, _configuration: dict[str, object]) -> Flask:
    """The shop, with no rows but its offers, configured as at first."""
    assert dict(_app.config) == _configuration, "the test before left another configuration"
    open_reads.forget()
    _snapshot.restore()
    remembered.database_is_new()
    test_points.forget_hooks()
    renewals.queued.set_factory(set)
    return _app


@pytest.fixture
def make_app(app: Flask, settings: Settings) -> Iterator[Callable[..., Flask]]:
    """Create shops with other settings on the same database: ``make_app(RATE_LIMITS="on")``."""

    def make(**environment: str) -> Flask:
        models.database.close()
        variables = ENVIRONMENT | {"DATABASE_URL": settings.database_url} | environment
        return _make(Settings.from_environment(variables))

    yield make
    models.database.close()
    composition.set_up(settings)


@pytest.fixture
def production(make_app: Callable[..., Flask]) -> Flask:
    """The shop as in production: no sandbox, https, rate limits on."""
    return make_app(**PRODUCTION)


@pytest.fixture
def bank(app: Flask) -> Iterator[Bank]:
    """The in-process bank, which the test controls."""
    in_process = Bank()
    with gateways.gateway.using(in_process):
        yield in_process


@pytest.fixture
def provider(app: Flask) -> Iterator[Provider]:
    """The in-process Office provider, which the test controls."""
    in_process = Provider()
    with configured.provider.using(in_process):
        yield in_process


def _nothing(_act: object) -> None:
    """Stand for a function of `atexit`."""


@pytest.fixture(scope="session", autouse=True)
def _quiet_end() -> Iterator[None]:
    """Do not log at the end how often each fault was repeated: the tests provoked them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(logs, "atexit", SimpleNamespace(register=_nothing, unregister=_nothing))
        yield


@pytest.fixture(scope="session", autouse=True)
def _durations_wait() -> Iterator[None]:
    """Let no thread that an application begins write durations while a test resets the database."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(durations, "flush_regularly", lambda: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _contracts_made_once() -> Iterator[None]:
    """Typeset each contract once per process, not for each test's empty database."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(from_orders, "contract_pdf", cache(from_orders.contract_pdf))
        yield


@pytest.fixture(scope="session", autouse=True)
def _papers_lent() -> Iterator[None]:
    """Typeset a paper once per process for all tests that do not read it."""
    with papers.lending():
        yield


@pytest.fixture(autouse=True)
def _begin_test(request: pytest.FixtureRequest) -> None:
    """Say that a test begins to those who remember what tests before it built; at its own time."""
    remembered.begin_test()
    papers.begin_test(reads=request.node.get_closest_marker("reads_papers") is not None)
    shop_clock.move_on(timedelta(0))


@pytest.fixture
def client(app: Flask) -> CheckingClient:
    """A browser that checks every page (see `tests.support.client`)."""
    return browser(app)


@pytest.fixture
def visitor(client: CheckingClient) -> Visitor:
    """A visitor who reads pages, follows links and presses buttons."""
    return Visitor(client)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that starts on a Tuesday morning and can be moved (``clock.shift``)."""
    with (
        time_machine.travel(A_TUESDAY, tick=True) as traveller,
        remembered.travelling(traveller),
    ):
        yield traveller


@pytest.fixture
def drain(app: Flask) -> Callable[[], int]:
    """The function that does all the jobs due now, as a worker would."""
    return queue.drain


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A running mail server: pass ``mailbox.url`` to ``make_app(SMTP_URL=…)``."""
    box = Mailbox()
    box.open()
    yield box
    box.close()


@pytest.fixture
def alice(app: Flask) -> Account:
    """A consumer in Lille."""
    return cast.register(cast.ALICE)


@pytest.fixture
def bob(app: Flask) -> Account:
    """Alice's colleague, with an account of his own."""
    return cast.register(cast.BOB)


@pytest.fixture
def charlie(app: Flask) -> Account:
    """A stranger in Dublin, who must not see the others' data."""
    return cast.register(cast.CHARLIE)


@pytest.fixture
def alices(alice: Account, bank: Bank, provider: Provider, drain: Callable[[], int]) -> Belongings:
    """One of everything a customer can own: alice's."""
    return belongings.furnish(alice, bank, drain)


@pytest.fixture
def service(alice: Account, bank: Bank, provider: Provider) -> ExchangeService:
    """Alice's Exchange service of 40 mailboxes; she has a stored card."""
    exchange.with_card(alice, bank)
    return exchange.service(alice)


@pytest.fixture
def work(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Work:
    """A kind of job with three attempts, which records its calls."""
    noted = Work()
    handler = queue.Handler(noted.run, 3, timedelta(seconds=10), noted.give_up, Priority.USUAL)
    monkeypatch.setitem(queue._handlers, KIND, handler)
    return noted
