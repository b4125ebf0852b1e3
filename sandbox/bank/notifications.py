"""Notifications: written with their cause, carried to the shop until it says that it has them.

A letter is a row written in the transaction that changed the checkout, so none is lost when the
bank's process dies. Now and then one is sent twice on purpose; some come at once and some a moment
later, so that the customer may be back at the shop first. Delivery goes by real time.
"""

from __future__ import annotations

import json
import random
import secrets

import httpx
from flask import current_app

from sandbox import clock, switches
from sandbox.bank import views
from sandbox.bank.models import Checkout, Letter
from sandbox.database import database
from sandbox.settings import SandboxSettings
from sandbox.signatures import HEADER, sign

LEASE = 30
"""Seconds after which a letter whose carrier died is carried again."""

LONGEST_WAIT = 60
"""Seconds between two attempts at most: 1, 2, 4, … up to this."""

GIVE_UP_AFTER = 3 * 86400
"""Seconds after which a shop that never answered is written to no more."""

DOUBLED = 0.2
"""The share of letters sent twice although nothing asked for it."""

LATER = {"any": (0.0, 0.0, 1.0), "before": (2.0,), "after": (2.0,)}
"""Seconds until carriers come, by the switch ``notification_timing`` (see `deliver_first`)."""

_post_office = httpx.Client(timeout=10, trust_env=False)


def announce(reference: str) -> None:
    """Write to the shop how a checkout stands now, in the caller's transaction."""
    checkout = Checkout.get_by_id(reference)
    event = f"evt_{secrets.token_urlsafe(18)}"
    kind = f"checkout.{checkout.public_status}"
    body = {
        "event": event,
        "type": kind,
        "created_at": clock.now(),
        "checkout": views.checkout_json(checkout),
    }
    due_at = clock.real_now() + random.choice(LATER[switches.value("notification_timing")])
    for number in range(1, 3 if _is_doubled() else 2):
        Letter.create(
            event=event,
            checkout=checkout,
            kind=kind,
            copy=number,
            url=checkout.notification_url,
            body=json.dumps(body),
            created_at=clock.real_now(),
            due_at=due_at,
        )


def _is_doubled() -> bool:
    return bool(switches.value("notifications_doubled")) or random.random() < DOUBLED


def due(limit: int = 100) -> list[Letter]:
    """The letters to carry now, oldest first; none while they are withheld."""
    if switches.value("notifications_withheld"):
        return []
    waiting = _under_way().where(Letter.due_at <= clock.real_now())
    return list(waiting.order_by(Letter.due_at, Letter.id).limit(limit))


def _under_way():  # type: ignore[no-untyped-def]  # peewee's queries have no useful type
    return Letter.select().where(Letter.delivered_at.is_null(), Letter.given_up_at.is_null())


def waiting() -> int:
    """How many letters the shop has not taken yet."""
    return int(_under_way().count())


def latest(checkout: str = "", limit: int = 100) -> list[Letter]:
    """The newest letters, in all or about one checkout."""
    query = Letter.select().order_by(Letter.id.desc()).limit(limit)
    return list(query.where(Letter.checkout == checkout) if checkout else query)


def copy(event: str, times: int) -> bool:
    """Write ``times`` more copies of a letter, to be sent at once; False if it never was."""
    with database.atomic():
        last = Letter.select().where(Letter.event == event).order_by(Letter.copy.desc()).first()
        if last is None:
            return False
        now = clock.real_now()
        for number in range(last.copy + 1, last.copy + times + 1):
            Letter.create(
                event=event,
                checkout=last.checkout_id,
                kind=last.kind,
                copy=number,
                url=last.url,
                body=last.body,
                created_at=now,
                due_at=now,
            )
    return True


def deliver(letter: Letter) -> bool:
    """Carry one letter, unless another carrier has it; whether the shop took it."""
    if not _claim(letter):
        return False
    problem = _post(letter)
    if problem:
        _put_off(letter, problem)
    else:
        Letter.update(
            delivered_at=clock.real_now(), attempts=Letter.attempts + 1, last_error=""
        ).where(Letter.id == letter.id).execute()
    return not problem


def deliver_due() -> int:
    """Carry everything that is due, one after another; how many the shop took."""
    return sum(deliver(letter) for letter in due())


def deliver_first(reference: str) -> None:
    """Carry the letters about a checkout before its customer is sent back to the shop."""
    if switches.value("notifications_withheld"):
        return
    for letter in _under_way().where(Letter.checkout == reference):
        deliver(letter)


def _claim(letter: Letter) -> bool:
    leased = Letter.update(due_at=clock.real_now() + LEASE).where(
        Letter.id == letter.id,
        Letter.due_at == letter.due_at,
        Letter.delivered_at.is_null(),
        Letter.given_up_at.is_null(),
    )
    return bool(leased.execute())


def _post(letter: Letter) -> str:
    """Send a letter; what went wrong, or nothing."""
    settings: SandboxSettings = current_app.config["SANDBOX"]
    body = letter.body.encode()
    headers = {
        "Content-Type": "application/json",
        HEADER: sign(settings.notification_secret, body, clock.real_now()),
    }
    try:
        answer = _post_office.post(letter.url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{type(error).__name__}: {error}"[:200]
    return "" if answer.is_success else f"answered {answer.status_code}"


def _put_off(letter: Letter, problem: str) -> None:
    now = clock.real_now()
    wait = min(2**letter.attempts, LONGEST_WAIT)
    over = now - letter.created_at > GIVE_UP_AFTER
    Letter.update(
        due_at=now + wait,
        attempts=letter.attempts + 1,
        last_error=problem,
        given_up_at=now if over else None,
    ).where(Letter.id == letter.id).execute()
