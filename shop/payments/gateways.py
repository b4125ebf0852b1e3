"""The configured bank, behind the interface `PaymentGateway`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog

from records.events import Event
from shop import clock
from shop.errors import N_, PartyRejected, PartyUnavailable, Refusal
from shop.payments.gateway import PaymentGateway
from shop.settings import PerProcess, Settings

log = structlog.get_logger()

SUBJECT = "bank"

WATCH_FIRST = timedelta(minutes=2)
WATCH_EVERY = timedelta(minutes=10)
"""When the bank is polled about checkouts whose outcome has not been notified."""

BANK_UNAVAILABLE = N_(
    "The bank is not answering at the moment. Nothing was charged; please try again in a minute."
)
CHECKOUT_REFUSED = N_(
    "The bank could not open a payment page. Nothing was charged; please try again."
)

gateway = PerProcess[PaymentGateway]()
"""The bank of this process."""

REFUSED = "bank_refused"
"""The event recorded when the bank refuses a call, about which no card is to blame."""

ONE_EACH = timedelta(minutes=1)
"""At most one event is recorded in this time."""


class BankUnavailable(Refusal):
    """The bank does not answer, or refuses the shop: what it would say is unknown."""

    def __init__(self) -> None:
        super().__init__(BANK_UNAVAILABLE)


@contextmanager
def answers_awaited(of: str) -> Iterator[PaymentGateway]:
    """Ask the bank about ``of``, where only an answer about a card counts.

    A refusal (revoked key, blocked account, unknown checkout) answers nothing: raise the alarm and
    `PartyUnavailable`.
    """
    try:
        yield gateway()
    except PartyRejected as error:
        record_refusal(of, error)
        raise PartyUnavailable(f"the bank refuses: {error}") from error


def record_refusal(of: str, error: PartyRejected) -> None:
    """Record that the bank refused a call, for the log and the alarm."""
    log.error("bank_refuses", of=of, reason=str(error))
    now = clock.now()
    if not refusals_since(now - ONE_EACH):
        Event.insert(
            subject=SUBJECT, subject_id=0, name=REFUSED, by=SUBJECT, note=str(error)[:255], at=now
        ).execute()


def refusals_since(moment: datetime) -> int:
    """Return the number of refusals recorded since a moment."""
    of_bank = (Event.subject == SUBJECT) & (Event.subject_id == 0)
    return int(Event.select().where(of_bank, Event.name == REFUSED, Event.at > moment).count())


def gateway_for(settings: Settings) -> PaymentGateway:
    """Return the bank that ``settings`` name."""
    if settings.uses_sandbox_bank:
        from shop.payments.sandbox import SandboxBank

        return SandboxBank(settings.sandbox_url, settings.bank_key, settings.notification_secret)
    from shop.payments.stripe import StripeGateway

    return StripeGateway(settings.stripe_api_key, settings.stripe_webhook_secret)
