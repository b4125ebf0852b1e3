"""Notifications: signed, kept until taken, repeated, withheld, early and late."""

from __future__ import annotations

import pytest

from sandbox import background
from sandbox.bank import notifications
from sandbox.bank.models import Letter
from shop.errors import PartyRejected
from shop.payments.gateway import CheckoutStatus
from shop.payments.sandbox import SandboxBank
from shop.sandbox_link import signatures
from tests.sandbox.test_bank import pay

SECRET = "sandbox-notification-secret"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """No waiting before the first attempt, unless a test asks for it."""
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
    told = shop.received[0]
    assert told.path == "/notifications/bank"
    read = reader.read_notification(told.headers, told.body)
    assert read.checkout.reference == checkout["reference"]
    assert read.checkout.status == CheckoutStatus.SUCCEEDED
    assert deliver() == 0


def test_one_is_sent_again_until_the_shop_takes_it(visitor, shop, checkout, deliver, clock):
    shop.answers = [500, 404]
    pay(visitor, checkout)
    assert deliver() == 0
    assert deliver() == 0, "it waits before it tries again"
    assert Letter.get().last_error == "answered 500"
    clock.shift(1.5)
    assert deliver() == 0
    clock.shift(1.5)
    assert deliver() == 0, "and longer each time"
    clock.shift(1)
    assert deliver() == 1
    assert len(shop.received) == 3
    assert len({told.json["event"] for told in shop.received}) == 1


def test_a_shop_that_is_gone_is_tried_again_at_least_once_a_minute(sandbox_app, clock):
    assert [min(2**n, notifications.MAX_BACKOFF) for n in (0, 3, 6, 20)] == [1, 8, 60, 60]


def test_a_shop_that_stays_away_is_given_up_after_three_days(
    visitor, open_checkout, deliver, clock
):
    pay(visitor, open_checkout(notification_url="http://127.0.0.1:1/n"))
    deliver()
    assert "ConnectError" in Letter.get().last_error
    clock.shift(3 * 86400 + 60)
    deliver()
    assert Letter.get().given_up_at
    assert notifications.count_undelivered() == 0


def test_a_letter_whose_carrier_died_is_carried_again(visitor, shop, checkout, deliver, clock):
    pay(visitor, checkout)
    letter = Letter.get()
    assert notifications._claim(letter)
    assert not notifications._claim(letter), "one carrier a letter"
    assert deliver() == 0
    clock.shift(notifications.LEASE + 1)
    assert deliver() == 1


def test_letters_survive_the_banks_process(make_sandbox, visitor, shop, checkout):
    pay(visitor, checkout)
    again = make_sandbox()
    with again.app_context():
        assert notifications.deliver_due() == 1
    assert shop.received[0].json["type"] == "checkout.succeeded"


def test_doubled_ones_come_twice_with_the_same_event(visitor, shop, checkout, deliver, switch):
    switch(notifications_doubled=True)
    pay(visitor, checkout)
    assert deliver() == 2
    assert shop.received[0].json == shop.received[1].json


def test_now_and_then_one_is_doubled_on_purpose(visitor, monkeypatch, checkout):
    monkeypatch.setattr(notifications, "DUPLICATE_SHARE", 1)
    pay(visitor, checkout)
    assert Letter.select().count() == 2
    monkeypatch.undo()
    assert 0 < notifications.DUPLICATE_SHARE < 1


def test_withheld_ones_come_when_released(visitor, checkout, deliver, switch):
    switch(notifications_withheld=True)
    pay(visitor, checkout)
    assert deliver() == 0
    assert notifications.count_undelivered() == 1
    switch(notifications_withheld=False)
    assert deliver() == 1


def test_one_can_come_before_the_customer(visitor, shop, checkout, switch):
    switch(notification_timing="before")
    answer = pay(visitor, checkout)
    assert answer.status_code == 303
    assert len(shop.received) == 1, "the shop was told before the browser was sent back"


def test_one_can_come_after_the_customer(visitor, shop, checkout, deliver, switch, clock):
    switch(notification_timing="after")
    pay(visitor, checkout)
    assert deliver() == 0
    clock.shift(2.5)
    assert deliver() == 1


def test_an_old_one_can_be_sent_again_many_times(client, visitor, shop, checkout, deliver):
    pay(visitor, checkout)
    deliver()
    event = shop.received[0].json["event"]
    answer = client.post(f"/controls/notifications/{event}/copies", json={"times": 100})
    assert answer.status_code == 202
    assert deliver() == 100
    assert {told.body for told in shop.received} == {shop.received[0].body}
    assert client.post("/controls/notifications/evt_x/copies", json={"times": 1}).status_code == 404


def test_the_controls_show_what_is_under_way(client, visitor, shop, checkout, deliver):
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


def test_the_carriers_do_all_this_by_themselves(sandbox_app, visitor, shop, checkout, switch):
    switch(bank_outcome_delay=0.2, notifications_doubled=True)
    pay(visitor, checkout)
    working = background.BankWorker(sandbox_app).start()
    try:
        told = shop.wait_for(2)
    finally:
        working.stop()
    assert {letter.json["checkout"]["status"] for letter in told} == {"succeeded"}
    assert notifications.count_undelivered() == 0


def test_the_carriers_outlive_a_round_that_fails(sandbox_app, visitor, shop, checkout, monkeypatch):
    monkeypatch.setattr(background, "RETRY_SECONDS", 0.05)
    run_due, failures = background.checkouts.run_due, list[int]()

    def fail_once():
        if not failures:
            failures.append(1)
            raise RuntimeError("on purpose")
        run_due()

    monkeypatch.setattr(background.checkouts, "run_due", fail_once)
    pay(visitor, checkout)
    working = background.BankWorker(sandbox_app).start()
    try:
        shop.wait_for(1)
    finally:
        working.stop()
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
    "spoil",
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
def test_a_spoilt_signature_is_refused(spoil):
    good = signatures.sign(SECRET, BODY)
    with pytest.raises(PartyRejected):
        signatures.verify(SECRET, {signatures.HEADER: spoil(good)}, BODY)


def test_another_body_another_secret_and_no_signature_are_refused():
    good = {signatures.HEADER: signatures.sign(SECRET, BODY)}
    for secret, headers, body in [
        (SECRET, good, BODY + b" "),
        ("another", good, BODY),
        (SECRET, {}, BODY),
    ]:
        with pytest.raises(PartyRejected):
            signatures.verify(secret, headers, body)


def test_an_old_message_is_refused_even_while_the_sandboxs_clock_is_moved_on(clock):
    header = {signatures.HEADER: signatures.sign(SECRET, BODY)}
    clock.shift(signatures.TOLERANCE - 5)
    signatures.verify(SECRET, header, BODY)
    clock.shift(10)
    with pytest.raises(PartyRejected, match="old"):
        signatures.verify(SECRET, header, BODY)


def test_a_notification_of_another_kind_concerns_nobody(reader):
    body = b'{"event": "evt_1", "type": "payout.sent"}'
    header = {signatures.HEADER: signatures.sign(SECRET, body)}
    assert reader.read_notification(header, body) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"event": "e", "type": "checkout.open"}'])
def test_an_unreadable_notification_is_refused(reader, body):
    header = {signatures.HEADER: signatures.sign(SECRET, body)}
    with pytest.raises(PartyRejected):
        reader.read_notification(header, body)
