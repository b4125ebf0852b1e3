"""Cards kept for renewals: the one in use, and a new one registered at the bank, charging nothing.

Registering needs the customer at the bank's page, like paying: a checkout of no amount that stores
the card. What the customer had filled in before is kept meanwhile, and found again afterwards.
"""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from itsdangerous import BadSignature, URLSafeSerializer
from peewee import ModelSelect

from records.accounts import Account
from records.base import database, lock
from records.cards import Card, CardSetup, CardSetupStatus
from shop import clock, jobs, settings, transitions
from shop.errors import N_, PartyRejected, PartyUnavailable, Refusal
from shop.payments import gateways
from shop.payments.gateway import Checkout, CheckoutRequest, CheckoutStatus, Mandate

log = structlog.get_logger()

REFERENCE = "card"
"""What the bank's page says the checkout is for: there is no order."""


# --- The card in use -------------------------------------------------------------------------


def usable(account: Account) -> ModelSelect[Card]:
    """The customer's cards that were not removed and have not expired, newest first."""
    today = clock.today()
    unexpired = (Card.expiry_year > today.year) | (
        (Card.expiry_year == today.year) & (Card.expiry_month >= today.month)
    )
    return (
        Card.select()
        .where(Card.account == account, Card.removed_at.is_null(), unexpired)
        .order_by(Card.id.desc())
    )


def stored(account: Account) -> Card | None:
    """The card renewals are charged to where none was chosen: the newest that may be charged."""
    found: Card | None = usable(account).first()
    return found


def keep(account: Account, mandate: Mandate) -> None:
    """Remember a card the customer let us store for renewals."""
    Card.insert(
        account=account,
        mandate=mandate.reference,
        brand=mandate.brand,
        last4=mandate.last4,
        expiry_month=mandate.expiry_month,
        expiry_year=mandate.expiry_year,
        consented_at=clock.now(),
    ).on_conflict_ignore().execute()


# --- Registering one -------------------------------------------------------------------------


def register(
    account: Account, *, back_to: str, typed: dict[str, Any], base_url: str, by: str
) -> CardSetup:
    """Begin to register a card at the bank (`CardSetup.checkout_url`), which charges nothing.

    ``back_to`` is the page of ours to come back to, where ``typed`` is found again. Raises
    `Refusal` when the bank is silent or opens no page.
    """
    with database.atomic():
        setup: CardSetup = CardSetup.create(
            account=account,
            key=secrets.token_urlsafe(24),
            back_to=back_to,
            typed=typed,
            created_at=clock.now(),
        )
        transitions.record(setup, "card_setup_started", by=by, to_status=setup.status)
        first = clock.now() + gateways.WATCH_FIRST
        watch_card_setup.using(run_at=first).later(setup=setup.id)
    return _opened(setup, base_url)


def _opened(setup: CardSetup, base_url: str) -> CardSetup:
    account = setup.account
    try:
        checkout = gateways.gateway().start_checkout(
            CheckoutRequest(
                key=setup.key,
                amount_cents=0,
                currency="EUR",
                reference=f"{REFERENCE}-{setup.id}",
                description=settings.current().shop_name,
                language=account.language,
                customer_email=account.email,
                return_url=f"{base_url}/payment/card/{sign(setup)}",
                notification_url=f"{base_url}/notifications/bank",
                store_card=True,
            )
        )
    except PartyUnavailable as error:
        log.warning("bank unavailable", card_setup=setup.id, reason=str(error))
        raise Refusal(gateways.SILENT) from error
    except PartyRejected as error:
        log.error("bank refused to store a card", card_setup=setup.id, reason=str(error))
        raise Refusal(gateways.REFUSED) from error
    setup.checkout, setup.checkout_url = checkout.reference, checkout.url
    setup.save()
    return settle(setup, checkout)


# --- The way back ----------------------------------------------------------------------------


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings.current().secret_key, salt="card-return")


def sign(setup: CardSetup) -> str:
    """A reference to ``setup`` that needs no cookie and cannot be guessed."""
    return str(_signer().dumps(setup.id))


def by_signature(reference: str) -> CardSetup | None:
    """The registration of a signed reference, with its account; None for a forged one."""
    try:
        setup_id = _signer().loads(reference)
    except BadSignature:
        return None
    found: CardSetup | None = (
        CardSetup.select(CardSetup, Account).join(Account).where(CardSetup.id == setup_id).first()
    )
    return found


def by_checkout(reference: str) -> CardSetup | None:
    """The registration of a checkout at the bank, if it is one of ours."""
    found: CardSetup | None = CardSetup.get_or_none(CardSetup.checkout == reference)
    return found


def find(account: Account, setup_id: int, back_to: str) -> CardSetup | None:
    """The customer's own registration of that number, begun at the page ``back_to``."""
    found: CardSetup | None = CardSetup.get_or_none(
        CardSetup.id == setup_id, CardSetup.account == account, CardSetup.back_to == back_to
    )
    return found


def forget_typed(account: Account, back_to: str) -> None:
    """Keep no longer what was filled in at a page, once that has been sent."""
    CardSetup.update(typed={}).where(
        CardSetup.account == account, CardSetup.back_to == back_to
    ).execute()


# --- The outcome -----------------------------------------------------------------------------

WORDS: dict[str, str] = {
    "authentication_failed": N_(
        "The strong authentication was not completed. No card was registered; you can try again."
    ),
    "expired_card": N_("The card has expired. You can register another one."),
}
"""Why a card was not registered, by the bank's machine word."""

DECLINED = N_("Your bank declined the card. You can try again or register another one.")
NOT_ENTERED = N_("No card was registered. You can try again.")


def why_not(setup: CardSetup) -> str:
    """What to say of a registration that brought no card; "" while it may, and when it did."""
    if setup.status == CardSetupStatus.DECLINED:
        return WORDS.get(setup.reason, DECLINED)
    return NOT_ENTERED if setup.status == CardSetupStatus.CLOSED else ""


def refresh(setup: CardSetup) -> CardSetup:
    """Ask the bank how ``setup`` stands and take its word. Raises `Refusal` when it is silent."""
    if not setup.checkout or not setup.is_unsettled:
        return setup
    try:
        return settle(setup, gateways.gateway().find_checkout(setup.checkout))
    except PartyUnavailable as error:
        raise Refusal(gateways.SILENT) from error


_OUTCOMES = {
    CheckoutStatus.PROCESSING: CardSetupStatus.PROCESSING,
    CheckoutStatus.SUCCEEDED: CardSetupStatus.SUCCEEDED,
    CheckoutStatus.DECLINED: CardSetupStatus.DECLINED,
    CheckoutStatus.CLOSED: CardSetupStatus.CLOSED,
}


def settle(setup: CardSetup, checkout: Checkout) -> CardSetup:
    """Take the bank's word, once: told twice, late or out of order changes nothing."""
    outcome = _OUTCOMES.get(checkout.status)
    if outcome is not None and outcome != setup.status:
        with database.atomic():
            setup = lock(setup)
            if setup.may_become(outcome):
                _move(setup, outcome, checkout)
    return CardSetup.get_by_id(setup.id)


def _move(setup: CardSetup, outcome: str, checkout: Checkout) -> None:
    settled = {} if outcome == CardSetupStatus.PROCESSING else {"settled_at": clock.now()}
    reason = checkout.reason[:64]
    transitions.move(setup, outcome, by="bank", note=reason, reason=reason, **settled)
    if outcome == CardSetupStatus.SUCCEEDED and checkout.mandate:
        keep(setup.account, checkout.mandate)


@jobs.handles("watch_card_setup", attempts=50)
def watch_card_setup(setup: int) -> None:
    """Ask the bank about a registration nobody told us the end of."""
    row = CardSetup.get_by_id(setup)
    if row.checkout and row.is_unsettled:
        row = settle(row, gateways.gateway().find_checkout(row.checkout))
    if row.checkout and row.is_unsettled:
        raise jobs.Later(gateways.WATCH_EVERY)
