"""Tasks: how they are declared, queued and handled, and the keys of their jobs."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask

from models import Job
from shop import clock as shop_clock
from shop import jobs
from shop.customers import data_export
from shop.delivery import additions, installation
from shop.invoicing import order_invoices
from shop.jobs import kinds, queue, tasks
from shop.payments import card_setups, outcomes, payments, refunds
from shop.subscriptions import ending, suspension
from tests import ROOT
from tests.support.work import KIND, Work

pytestmark = pytest.mark.every_case

STORED_KEYS = [
    (kinds.send_letter, {"letter": 7}, "send_letter:7"),
    (kinds.collect_invoice, {"invoice": 7, "stage": 2}, "collect_invoice:7:2"),
    (kinds.refund_credit_note, {"credit_note": 7}, "refund_credit_note:7"),
    (kinds.deliver_order, {"order": 7}, "deliver_order:7"),
    (kinds.check_delivery, {"order": 7}, "check_delivery:7"),
    (kinds.tell_of_free_end, {"subscription": 7}, "tell_of_free_end:7"),
    (
        kinds.end_seats,
        {"group": 7, "day": "2026-03-10", "tries": 2},
        "end_seats:7:2026-03-10:2",
    ),
    (kinds.delete_tenant, {"group": 7}, "delete_tenant:7"),
    (kinds.close_addition, {"order": 7}, "close_addition:7"),
    (kinds.expire_order, {"order": 7}, "expire_order:7"),
    (order_invoices.invoice_order, {"order": 7}, "invoice_order:7"),
    (data_export.make_export, {"export": 7}, "make_export:7"),
    (data_export.expire_export, {"export": 7}, "expire_export:7"),
    (card_setups.watch_card_setup, {"setup": 7}, "watch_card_setup:7"),
    (outcomes.watch_payment, {"payment": 7}, "watch_payment:7"),
    (payments.charge_card, {"payment": 7}, "charge_card:7"),
    (refunds.refund_payment, {"payment": 7}, "refund_payment:7"),
    (refunds.send_refund, {"refund": 7}, "send_refund:7"),
    (refunds.watch_refund, {"refund": 7}, "watch_refund:7"),
    (
        suspension.resume_group,
        {"group": 7, "number": 2, "which": "first"},
        "resume_group:7:2:first",
    ),
    (ending.end_group, {"termination": 7}, "end_group:7"),
]
"""The keys as stored in databases: a waiting job must be found under the same key."""


@pytest.fixture
def task(work: Work) -> jobs.Task[...]:
    """A task of the kind used by tests, handled by ``work``."""

    def declaration(order: int, by: str = "shop") -> None:
        """Do something about an order."""

    return tasks.Task(KIND, declaration)


@pytest.mark.parametrize(("asked", "payload", "key"), STORED_KEYS)
def test_a_job_is_kept_under_the_same_key_as_ever(
    asked: jobs.Task[...], payload: dict[str, object], key: str
) -> None:
    assert asked.key(**payload) == key


def test_a_task_asked_for_twice_is_done_once(task: jobs.Task[...], work: Work) -> None:
    task.later(order=7)
    task.later(7)
    assert Job.get(Job.kind == KIND).key == f"{KIND}:7"
    queue.drain()
    assert work.done == [{"order": 7}]


def test_a_job_with_another_payload_is_another_job(task: jobs.Task[...], work: Work) -> None:
    task.later(order=7, by="alice")
    task.later(order=7, by="bob")
    queue.drain()
    assert work.done == [{"order": 7, "by": "alice"}, {"order": 7, "by": "bob"}]


def test_options_are_for_one_request(task: jobs.Task[...], work: Work) -> None:
    tomorrow = shop_clock.now() + timedelta(days=1)
    task.using(run_at=tomorrow, key="mine", priority=jobs.Priority.PAID).later(order=7)
    task.later(order=7)
    first, second = Job.select().where(Job.kind == KIND).order_by(Job.id)
    assert (first.key, first.priority, first.run_at) == ("mine", jobs.Priority.PAID, tomorrow)
    assert (second.key, second.priority) == (f"{KIND}:7", jobs.Priority.USUAL)


def test_a_payload_that_the_handler_does_not_take_is_refused(app: Flask) -> None:
    with pytest.raises(TypeError):
        kinds.deliver_order.later(group=7)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        kinds.deliver_order.later()  # type: ignore[call-arg]
    assert not Job.select().exists()


def test_a_task_is_called_like_its_function(app: Flask) -> None:
    calls = []

    @jobs.handles("a_job_called_directly")
    def note(order: int) -> None:
        calls.append(order)

    note(order=7)
    note(8)
    assert calls == [7, 8]
    del queue._handlers["a_job_called_directly"]


def test_a_kind_has_one_handler(app: Flask) -> None:
    with pytest.raises(ValueError, match="a handler already"):
        kinds.deliver_order.handler()(lambda order: None)
    with pytest.raises(ValueError, match="a handler already"):
        jobs.handles("deliver_order")(lambda order: None)
    with pytest.raises(ValueError, match="a receiver already"):
        kinds.invoice_settled.receiver(lambda invoice: None)


def test_every_declared_kind_has_a_handler_once_the_shop_is_put_together(app: Flask) -> None:
    assert list(jobs.without_handler()) == []
    declared = {name for name, made in vars(kinds).items() if isinstance(made, jobs.Task)}
    assert declared
    assert declared <= set(queue._handlers)


def test_a_task_or_signal_without_a_handler_raises(app: Flask) -> None:
    def forgotten(order: int) -> None:
        """Nothing does this."""

    unhandled, unheard = tasks.Task("forgotten", forgotten), tasks.Signal(forgotten)
    for ask in (unhandled, unhandled.later, unheard.send):
        with pytest.raises(KeyError, match="forgotten"):
            ask(order=7)
    assert not Job.select().exists()


def test_a_handler_is_the_task_that_was_declared() -> None:
    assert installation.deliver_order is kinds.deliver_order
    assert additions.enlarge_group.kind == "enlarge_group"
    assert kinds.invoice_settled.has_handler


def test_a_declared_task_or_signal_names_the_modules_at_its_ends() -> None:
    named: list[str] = []
    for name, made in vars(kinds).items():
        if not isinstance(made, tasks.Task | tasks.Signal):
            continue
        # "as are the next three" stands for the modules named before
        named = re.findall(r"`(shop\.[\w.]+)`", made.__doc__ or "") or named
        assert len(named) == 2, name
        for module in named:
            path = ROOT / module.replace(".", "/")
            source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            assert re.search(rf"\b{name}\b", source.read_text()), f"{module} has no {name}"


def test_nothing_is_queued_by_a_bare_string() -> None:
    call = re.compile(r"\benqueue\(")
    rooms = ("shop", "web", "storefront", "manager", "cli")
    modules = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    wrong = [
        str(path.relative_to(ROOT))
        for path in modules
        if path.parent.name != "jobs" and call.search(path.read_text())
    ]
    assert not wrong
