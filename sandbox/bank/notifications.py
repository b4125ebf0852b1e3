"""Notifications (webhooks) to the shop: a transactional outbox with retries.

A letter is an outbox row, written in the transaction that changed the checkout, so that none is
lost when the process dies. Some are deliberately sent twice, and some are delayed so that the
customer returns to the shop first. Delivery goes by real time.
"""

from __future__ import annotations

import json
import random
import secrets
import ssl
from typing import Any

import httpx
from flask import current_app

from sandbox import clock, switches
from sandbox.bank import views
from sandbox.bank.models import Checkout, Dispute, Letter, Refund, StoredCard
from sandbox.database import database
from sandbox.settings import SandboxSettings
from sandbox.signatures import HEADER, sign

LEASE = 30
"""Seconds a delivery may take; after that another thread may deliver the letter."""

MAX_BACKOFF = 60
"""The largest back-off in seconds: 1, 2, 4, … up to this."""

GIVE_UP_AFTER = 3 * 86400
"""Seconds after which a letter that was never accepted is abandoned."""

DUPLICATE_SHARE = 0.2
"""The share of notifications that are sent twice at random."""

FIRST_DELAYS = {"any": (0.0, 0.0, 1.0), "before": (2.0,), "after": (2.0,)}
"""Seconds until the first attempt, one chosen at random, by the switch
``notification_timing``. See also `deliver_before_return`."""

# The machine's certificates, and those of SSL_CERT_FILE: the shop may have its own authority.
_http = httpx.Client(timeout=10, trust_env=False, verify=ssl.create_default_context())


def enqueue_notification(reference: str) -> None:
    """Enqueue a notification of a checkout's state, in the caller's transaction."""
    checkout = Checkout.get_by_id(reference)
    kind = f"checkout.{checkout.public_status}"
    _enqueue(checkout, kind, {"checkout": views.checkout_json(checkout)})


def enqueue_refund(reference: str) -> None:
    """Enqueue a notification of a refund's state, in the caller's transaction."""
    refund = Refund.get_by_id(reference)
    _enqueue(refund.checkout, f"refund.{refund.state}", {"refund": views.refund_json(refund)})


def enqueue_dispute(reference: str) -> None:
    """Enqueue a notification of a dispute's state, in the caller's transaction."""
    dispute = Dispute.get_by_id(reference)
    _enqueue(dispute.checkout, f"dispute.{dispute.state}", {"dispute": views.dispute_json(dispute)})


def enqueue_card(reference: str) -> None:
    """Enqueue a notification of a stored card, in the caller's transaction."""
    card = StoredCard.get_by_id(reference)
    last = Checkout.select().where(Checkout.mandate == card).order_by(Checkout.created_at.desc())
    if checkout := last.first():
        kind = "card.removed" if card.revoked_at else "card.renewed"
        _enqueue(checkout, kind, {"card": views.card_json(card)})


def _enqueue(checkout: Checkout, kind: str, subject: dict[str, Any]) -> None:
    event = f"evt_{secrets.token_urlsafe(18)}"
    body = {"event": event, "type": kind, "created_at": clock.now(), **subject}
    due_at = clock.real_now() + random.choice(FIRST_DELAYS[switches.value("notification_timing")])
    for number in range(1, 3 if _is_duplicated() else 2):
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


def _is_duplicated() -> bool:
    return bool(switches.value("notifications_doubled")) or random.random() < DUPLICATE_SHARE


def due_letters(limit: int = 100) -> list[Letter]:
    """Return the letters that are due, oldest first; none while they are withheld."""
    if switches.value("notifications_withheld"):
        return []
    waiting = _undelivered().where(Letter.due_at <= clock.real_now())
    return list(waiting.order_by(Letter.due_at, Letter.id).limit(limit))


def _undelivered():  # type: ignore[no-untyped-def]  # peewee's queries have no useful type
    return Letter.select().where(Letter.delivered_at.is_null(), Letter.given_up_at.is_null())


def count_undelivered() -> int:
    """Count the letters that the shop has not accepted yet."""
    return int(_undelivered().count())


def latest_letters(checkout: str = "", limit: int = 100) -> list[Letter]:
    """Return the newest letters, in all or of one checkout."""
    query = Letter.select().order_by(Letter.id.desc()).limit(limit)
    return list(query.where(Letter.checkout == checkout) if checkout else query)


def enqueue_copies(event: str, times: int) -> bool:
    """Enqueue ``times`` more copies of a letter, due now; False if the event is unknown."""
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
    """Send a letter, unless another thread holds its lease; return whether it was accepted."""
    if not _claim(letter):
        return False
    problem = _post(letter)
    if problem:
        _schedule_retry(letter, problem)
    else:
        Letter.update(
            delivered_at=clock.real_now(), attempts=Letter.attempts + 1, last_error=""
        ).where(Letter.id == letter.id).execute()
    return not problem


def deliver_due() -> int:
    """Send all due letters, one after another; return how many were accepted."""
    return sum(deliver(letter) for letter in due_letters())


def deliver_before_return(reference: str) -> None:
    """Send the letters of a checkout before its customer returns to the shop."""
    if switches.value("notifications_withheld"):
        return
    # All are read first: what is read while others write cannot be followed by a write of ours.
    for letter in list(_undelivered().where(Letter.checkout == reference)):
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
    """Send a letter; return the error, or an empty text."""
    settings: SandboxSettings = current_app.config["SANDBOX"]
    body = letter.body.encode()
    headers = {
        "Content-Type": "application/json",
        HEADER: sign(settings.notification_secret, body, clock.real_now()),
    }
    try:
        answer = _http.post(letter.url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{type(error).__name__}: {error}"[:200]
    return "" if answer.is_success else f"answered {answer.status_code}"


def _schedule_retry(letter: Letter, problem: str) -> None:
    now = clock.real_now()
    wait = min(2**letter.attempts, MAX_BACKOFF)
    give_up = now - letter.created_at > GIVE_UP_AFTER
    Letter.update(
        due_at=now + wait,
        attempts=letter.attempts + 1,
        last_error=problem,
        given_up_at=now if give_up else None,
    ).where(Letter.id == letter.id).execute()
