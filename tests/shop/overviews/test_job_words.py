"""Jobs in plain words: what they do, and what they work on."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_babel import force_locale, gettext

from models import Account, Job, Order
from shop import clock
from shop.jobs import queue
from shop.overviews import job_words
from tests.shop.operations.test_today import have_a_bad_day
from tests.support import purchases, queries
from tests.support.belongings import Belongings


def test_every_kind_of_job_has_a_name_in_both_languages(app: Flask) -> None:
    kinds = {kind for kind in queue._handlers if not kind.startswith("test")}
    assert kinds == set(job_words.NAMES)
    names = list(job_words.NAMES.values())
    assert len(set(names)) == len(names)
    for language in ("fr", "en"):
        with app.test_request_context(), force_locale(language):
            shown = [gettext(name) for name in names]
        assert (shown == names) is (language == "en")
        assert not [name for name in shown if "_" in name]


def job(kind: str, **payload: object) -> Job:
    return Job(kind=kind, key=f"{kind}:1", payload=payload, run_at=clock.now())


@pytest.fixture
def order(alice: Account) -> Order:
    """Provide an order of alice."""
    return purchases.place(alice)


def test_what_a_job_works_on_leads_to_its_page_and_its_customer(order: Order) -> None:
    work = job_words.work_of(job("deliver_order", order=order.id))
    assert work is not None
    assert work.thing is not None
    assert (work.thing.text, work.thing.kind) == (order.number, "order")
    assert work.customer == order.account


def test_work_on_nothing_and_on_what_is_gone_names_nothing(order: Order) -> None:
    assert job_words.work_of(job("billing_run")) is None
    assert job_words.work_of(job("deliver_order", order=order.id + 1)) is None
    letter = order.account.letters.get().id
    assert job_words.work_of(job("send_staff_letter", letter=letter)) is None


def test_whose_work_jobs_do_is_read_for_many_at_once(alices: Belongings) -> None:
    have_a_bad_day(alices)
    expected: dict[int, Account] = {}
    for name, (_, table) in job_words.TABLES.items():
        for row in list(table.select()):
            queued = job("activate_seat", **{name: row.id})
            queued.key, queued.created_at = f"{name} {row.id}", clock.now()
            queued.save(force_insert=True)
            expected[queued.id] = alices.account
    nobodys = {
        row.id for row in Job.select().where(Job.kind.in_(["billing_run", "send_staff_letter"]))
    }
    assert nobodys
    with queries.recorded() as statements:
        found = job_words.customers_of({*expected, *nobodys})
    assert len(statements) == 2
    assert {number: account.nic_handle for number, account in found.items()} == {
        number: account.nic_handle for number, account in expected.items()
    }
    assert {account.full_name for account in found.values()} == {alices.account.full_name}
    assert job_words.customers_of(nobodys) == {}


def test_a_job_about_an_account_names_its_customer(alice: Account) -> None:
    work = job_words.work_of(job("confirm_vat_number", account=alice.id, vat_number="FR1"))
    assert work is not None
    assert (work.thing, work.customer) == (None, alice)
