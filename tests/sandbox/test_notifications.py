"""Notifications: signed, retried until accepted, duplicated, withheld, early and late."""

from __future__ import annotations

import threading

import pytest

from sandbox import background
from sandbox.bank import notifications
from sandbox.bank.models import Letter
from sandbox.database import database
from shop.errors import PartyRejected
from shop.payments.gateway import CheckoutStatus
from shop.payments.sandbox import SandboxBank
from shop.sandbox_link import signatures
from tests.sandbox.test_bank import pay

SECRET = "sandbox-notification-secret"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Send the first attempt at once, unless a test wants a delay."""
    monkeypatch.setattr(
        notifications, "FIRST_DELAYS", {"any": (0.0,), "before": (2.0,), "after": (2.0,)}
    )


@pytest.fixture
def reader():
    return SandboxBank("http://127.0.0.1:1", "key", SECRET)


@pytest.fixture
def checkout(open_checkout, shop):
    return open_checkout(notification_url=f"{shop.url}/notifications/bank")


def test_a_notification_says_how_the_checkout_stands(visitor, shop, checkout, deliver, reader):
    pay(visitor, checkout)
    assert deliver() == 1
    call = shop.received[0]
    assert call.path == "/notifications/bank"
    read = reader.read_notification(call.headers, call.body)
    assert read.subject.reference == checkout["reference"]
    assert read.subject.status == CheckoutStatus.SUCCEEDED
    assert deliver() == 0


def test_a_notification_is_retried_until_the_shop_accepts_it(
    visitor, shop, checkout, deliver, clock
):
    shop.answers = [500, 404]
    pay(visitor, checkout)
    assert deliver() == 0
    assert deliver() == 0, "it waits before the retry"
    assert Letter.get().last_error == "answered 500"
    clock.shift(1.5)
    assert deliver() == 0
    clock.shift(1.5)
    assert deliver() == 0, "the back-off grows"
    clock.shift(1)
    assert deliver() == 1
    assert len(shop.received) == 3
    assert len({call.json["event"] for call in shop.received}) == 1


def test_an_unreachable_shop_is_retried_at_least_once_a_minute(sandbox_app, clock):
    assert [min(2**n, notifications.MAX_BACKOFF) for n in (0, 3, 6, 20)] == [1, 8, 60, 60]


def test_a_notification_is_abandoned_after_three_days(visitor, open_checkout, deliver, clock):
    pay(visitor, open_checkout(notification_url="http://127.0.0.1:1/n"))
    deliver()
    assert "ConnectError" in Letter.get().last_error
    clock.shift(3 * 86400 + 60)
    deliver()
    assert Letter.get().given_up_at
    assert notifications.count_undelivered() == 0


def test_a_letter_is_sent_again_when_its_lease_has_expired(visitor, shop, checkout, deliver, clock):
    pay(visitor, checkout)
    letter = Letter.get()
    assert notifications._claim(letter)
    assert not notifications._claim(letter), "one thread delivers a letter"
    assert deliver() == 0
    clock.shift(notifications.LEASE + 1)
    assert deliver() == 1


def test_letters_survive_a_restart_of_the_bank(make_sandbox, visitor, shop, checkout):
    pay(visitor, checkout)
    again = make_sandbox()
    with again.app_context():
        assert notifications.deliver_due() == 1
    assert shop.received[0].json["type"] == "checkout.succeeded"


def test_duplicates_have_the_same_event(visitor, shop, checkout, deliver, switch):
    switch(notifications_doubled=True)
    pay(visitor, checkout)
    assert deliver() == 2
    assert shop.received[0].json == shop.received[1].json


def test_some_notifications_are_duplicated_at_random(visitor, monkeypatch, checkout):
    monkeypatch.setattr(notifications, "DUPLICATE_SHARE", 1)
    pay(visitor, checkout)
    assert Letter.select().count() == 2
    monkeypatch.undo()
    assert 0 < notifications.DUPLICATE_SHARE < 1


def test_withheld_notifications_are_sent_when_released(visitor, checkout, deliver, switch):
    switch(notifications_withheld=True)
    pay(visitor, checkout)
    assert deliver() == 0
    assert notifications.count_undelivered() == 1
    switch(notifications_withheld=False)
    assert deliver() == 1


def test_a_notification_can_arrive_before_the_customer(visitor, shop, checkout, switch):
    switch(notification_timing="before")
    answer = pay(visitor, checkout)
    assert answer.status_code == 303
    assert len(shop.received) == 1, "the shop was notified before the browser returned"


def test_notifications_before_the_customer_are_sent_while_others_write(
    visitor, monkeypatch, checkout, switch
):
    def write() -> None:
        with database.connection_context():
            Letter.update(last_error="lost").execute()

    def post(letter: Letter) -> str:
        other = threading.Thread(target=write)
        other.start()
        other.join()
        return ""

    monkeypatch.setattr(notifications, "_post", post)
    switch(notification_timing="before", notifications_doubled=True)
    assert pay(visitor, checkout).status_code == 303
    assert notifications.count_undelivered() == 0


def test_a_notification_can_arrive_after_the_customer(
    visitor, shop, checkout, deliver, switch, clock
):
    switch(notification_timing="after")
    pay(visitor, checkout)
    assert deliver() == 0
    clock.shift(2.5)
    assert deliver() == 1


def test_an_old_notification_can_be_sent_again_many_times(client, visitor, shop, checkout, deliver):
    pay(visitor, checkout)
    deliver()
    event = shop.received[0].json["event"]
    answer = client.post(f"/controls/notifications/{event}/copies", json={"times": 100})
    assert answer.status_code == 202
    assert deliver() == 100
    assert {call.body for call in shop.received} == {shop.received[0].body}
    assert client.post("/controls/notifications/evt_x/copies", json={"times": 1}).status_code == 404


def test_the_controls_show_undelivered_notifications(client, visitor, shop, checkout, deliver):
    shop.answers = [503]
    pay(visitor, checkout)
    deliver()
    shown = client.get(f"/controls/notifications?checkout={checkout['reference']}").json
    assert shown["waiting"] == 1
    letter = shown["letters"][0]
    assert (letter["attempts"], letter["last_error"], letter["delivered"]) == (
        1,
        "answered 503",
        False,
    )
    assert client.get("/controls/notifications?checkout=cs_other").json["letters"] == []


def test_the_background_worker_settles_and_delivers(sandbox_app, visitor, shop, checkout, switch):
    switch(bank_outcome_delay=0.2, notifications_doubled=True)
    pay(visitor, checkout)
    worker = background.BankWorker(sandbox_app).start()
    try:
        call = shop.wait_for(2)
    finally:
        worker.stop()
    assert {letter.json["checkout"]["status"] for letter in call} == {"succeeded"}
    assert notifications.count_undelivered() == 0


def test_the_background_worker_survives_a_failed_poll(
    sandbox_app, visitor, shop, checkout, monkeypatch
):
    monkeypatch.setattr(background, "RETRY_SECONDS", 0.05)
    run_due, failures = background.checkouts.process_due_checkouts, list[int]()

    def fail_once():
        if not failures:
            failures.append(1)
            raise RuntimeError("on purpose")
        run_due()

    monkeypatch.setattr(background.checkouts, "process_due_checkouts", fail_once)
    pay(visitor, checkout)
    worker = background.BankWorker(sandbox_app).start()
    try:
        shop.wait_for(1)
    finally:
        worker.stop()
    assert failures


# --- Signatures -----------------------------------------------------------------------


BODY = b'{"event": "evt_1"}'


def test_the_sandboxs_signature_is_the_one_the_shop_checks():
    from sandbox.signatures import HEADER, sign
    from shop import clock

    now = clock.real_now().timestamp()
    assert HEADER == signatures.HEADER
    assert sign(SECRET, BODY, now) == signatures.sign(SECRET, BODY, now)
    signatures.verify(SECRET, {HEADER.lower(): sign(SECRET, BODY, now)}, BODY)


@pytest.mark.parametrize(
    "corrupt",
    [
        lambda header: "",
        lambda header: header.replace("v1=", "v1=0"),
        lambda header: header[:-1] + ("0" if header[-1] != "0" else "1"),
        lambda header: "t=1," + header.split(",")[1],
        lambda header: header.replace("t=", "t=x"),
        lambda header: header.split(",")[1],
        lambda header: "t=é,v1=é",
    ],
)
def test_an_invalid_signature_is_refused(corrupt):
    good = signatures.sign(SECRET, BODY)
    with pytest.raises(PartyRejected):
        signatures.verify(SECRET, {signatures.HEADER: corrupt(good)}, BODY)


def test_another_body_another_secret_and_no_signature_are_refused():
    good = {signatures.HEADER: signatures.sign(SECRET, BODY)}
    for secret, headers, body in [
        (SECRET, good, BODY + b" "),
        ("another", good, BODY),
        (SECRET, {}, BODY),
    ]:
        with pytest.raises(PartyRejected):
            signatures.verify(secret, headers, body)


def test_an_old_message_is_refused_even_when_the_sandboxs_clock_is_advanced(clock):
    header = {signatures.HEADER: signatures.sign(SECRET, BODY)}
    clock.shift(signatures.TOLERANCE - 5)
    signatures.verify(SECRET, header, BODY)
    clock.shift(10)
    with pytest.raises(PartyRejected, match="old"):
        signatures.verify(SECRET, header, BODY)


def test_a_notification_of_another_kind_is_ignored(reader):
    body = b'{"event": "evt_1", "type": "payout.sent"}'
    header = {signatures.HEADER: signatures.sign(SECRET, body)}
    assert reader.read_notification(header, body) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"event": "e", "type": "checkout.open"}'])
def test_an_invalid_notification_is_refused(reader, body):
    header = {signatures.HEADER: signatures.sign(SECRET, body)}
    with pytest.raises(PartyRejected):
        reader.read_notification(header, body)
