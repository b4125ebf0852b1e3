"""Cards stored for renewals: those of a customer, and the registration of a new one at the bank.

Which service may be charged to which card is in `shop.payments.mandates`. Registration sends the
customer to the bank's page, like a payment: a checkout of amount zero that stores the card. What
the customer had typed in a form is kept until they return.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from peewee import ModelSelect

from records.accounts import Account
from records.base import database
from records.card_setups import CardSetup, CardSetupStatus
from records.cards import Card
from records.events import Event
from records.groups import LicenceGroup
from records.subscriptions import Subscription
from shop import clock, jobs, mail, settings
from shop.customers import holds
from shop.errors import N_, PartyRejected
from shop.payments import gateways, mandates
from shop.payments.checkouts import Checkouts, move_by_bank
from shop.payments.gateway import CardChange, Checkout, CheckoutRequest, Mandate
from shop.sql.prepared import prepared

log = structlog.get_logger()

REVOKED = "mandate_revoked"
"""The bank's reason for a card that was removed or whose mandate was revoked."""

UNKNOWN_MANDATE = "unknown_mandate"
"""The code of a bank that never had a mandate (its data were lost, or it is another bank's)."""

REMOVED = "removed_by_customer"
"""Why a card was removed that its customer removed here."""

LONGEST_MANDATE = 128

REFERENCE = "card"
"""The prefix of the checkout's reference at the bank, as there is no order."""


# --- The cards of a customer -----------------------------------------------------------------


def usable_cards(account: Account) -> ModelSelect[Card]:
    """Return the customer's cards that were not removed, newest first.

    Whether one has expired is the bank's to say: it may have been renewed there.
    """
    return (
        Card.select()
        .where(Card.account == account, Card.removed_at.is_null())
        .order_by(Card.id.desc())
    )


usable_cards_of = prepared(usable_cards)
"""The same query, for pages."""


def stored_card(account: Account) -> Card | None:
    """Return the newest card that the customer did not remove."""
    return usable_cards(account).first()


def keep_card(account: Account, mandate: Mandate | None) -> Card | None:
    """Store a card that the customer agreed to keep for renewals; idempotent.

    Return None, with nothing stored, where the bank gave no mandate that can be read, or that of
    another customer.
    """
    if mandate is None or not _is_readable(mandate):
        log.warning("mandate_unreadable", account=account.id)
        return None
    Card.insert(
        account=account, mandate=mandate.reference, consented_at=clock.now(), **_shown(mandate)
    ).on_conflict_ignore().execute()
    kept: Card = Card.get(Card.mandate == mandate.reference)
    if kept.account_id != account.id:
        log.error("mandate_of_another", account=account.id, card=kept.id)
        return None
    return kept


def _shown(mandate: Mandate) -> dict[str, Any]:
    """Return the columns that show a card."""
    return {
        "brand": mandate.brand[:32],
        "last4": mandate.last4,
        "expiry_month": mandate.expiry_month,
        "expiry_year": mandate.expiry_year,
    }


def _is_readable(mandate: Mandate) -> bool:
    is_known = bool(mandate.reference) and len(mandate.reference) <= LONGEST_MANDATE
    is_dated = 1 <= mandate.expiry_month <= 12 and 2000 <= mandate.expiry_year <= 9999
    return is_known and is_dated and len(mandate.last4) <= 4


def update_charged(card: Card, checkout: Checkout) -> None:
    """Apply what the bank says of a stored card when it is charged."""
    if checkout.reason == REVOKED:
        mark_removed(card, REVOKED)
    elif checkout.mandate is not None:
        refresh_card(card, checkout.mandate)


def refresh_card(card: Card, mandate: Mandate) -> None:
    """Show a card as the bank has it today: a renewed one has another expiry date and digits."""
    shown = _shown(mandate)
    if _is_readable(mandate) and any(getattr(card, name) != shown[name] for name in shown):
        Card.update(**shown).where(Card.id == card.id).execute()
        log.info("card_renewed", card=card.id)


def apply_notified(change: CardChange) -> None:
    """Apply what changed of a stored card at the bank: renewed, removed or revoked; idempotent."""
    card = Card.get_or_none(Card.mandate == change.reference, Card.removed_at.is_null())
    if card is None:
        return
    if change.card is not None:
        refresh_card(card, change.card)
        return
    with database.atomic():
        if mark_removed(card, REVOKED):
            mail.card_removed(card)


def mark_removed(card: Card, reason: str, by: str = "bank") -> bool:
    """Charge a card no more, in the caller's transaction; idempotent.

    Return False if it was removed before.
    """
    present = (Card.id == card.id) & Card.removed_at.is_null()
    now = clock.now()
    if not Card.update(removed_at=now).where(present).execute():
        return False
    Event.insert(
        subject="card", subject_id=card.id, name="card_removed", by=by, note=reason, at=now,
        account_id=card.account_id,
    ).execute()  # fmt: skip
    mandates.withdraw_all(card, by)
    log.warning("card_removed", card=card.id, reason=reason)
    return True


def find_card(account: Account, card_id: int) -> Card | None:
    """Return the customer's own card with that id, unless it is removed."""
    return usable_cards(account).where(Card.id == card_id).first()


def remove_card(card: Card, by: str) -> None:
    """Remove a card at its customer's wish (general terms): here at once, and at the bank.

    Idempotent. The services charged to it are paid by the customer from then on.
    """
    with database.atomic():
        services = [row.group.display_name for row in mandates.charged_to(card)]
        if mark_removed(card, REMOVED, by):
            forget_card.later(card=card.id)
            mail.card_withdrawn(card, services)


@jobs.handles("forget_card", attempts=50, first_delay=timedelta(seconds=5))
def forget_card(card: int) -> None:
    """Have the bank delete the mandate of a removed card; idempotent."""
    row = Card.get_by_id(card)
    try:
        gateways.gateway().forget_mandate(row.mandate)
    except PartyRejected as error:
        gateways.record_refusal(f"card {row.id}", error)
        raise jobs.Later(gateways.WATCH_EVERY) from error


# --- Registration ----------------------------------------------------------------------------


def register_card(
    account: Account, *, back_to: str, typed: dict[str, Any], base_url: str, by: str,
    group: LicenceGroup | None = None,
) -> CardSetup:  # fmt: skip
    """Open a checkout at the bank that stores a card (`CardSetup.checkout_url`) without a charge.

    ``back_to`` is the page of the shop to return to, where ``typed`` is filled in again. The
    renewals of ``group``, if any, are charged to the card once it is stored. Raise `Refusal` when
    the bank is unavailable or opens no page.
    """
    holds.check_not_held(account)
    with database.atomic():
        setup = CHECKOUTS.begin(by, account=account, back_to=back_to, typed=typed, group=group)
    return CHECKOUTS.open(setup, base_url)


# --- Return from the bank --------------------------------------------------------------------


def find_setup(account: Account, setup_id: int, back_to: str) -> CardSetup | None:
    """Return the customer's own registration with that id, begun at the page ``back_to``."""
    found: CardSetup | None = CardSetup.get_or_none(
        CardSetup.id == setup_id, CardSetup.account == account, CardSetup.back_to == back_to
    )
    return found


def forget_typed(account: Account, back_to: str) -> None:
    """Delete what was typed in a page's form, once the form has been submitted."""
    CardSetup.update(typed={}).where(
        CardSetup.account == account, CardSetup.back_to == back_to
    ).execute()


# --- The outcome -----------------------------------------------------------------------------

UNREADABLE = "unreadable"
"""The reason of a registration whose card cannot be kept: a wallet, or one without a date."""

DECLINED_MESSAGES: dict[str, str] = {
    "authentication_failed": N_(
        "The strong authentication was not completed. No card was registered; you can try again."
    ),
    "expired_card": N_("The card has expired. You can register another one."),
    UNREADABLE: N_("The bank does not let this card be kept. You can register another one."),
}
"""Why a card was not registered, by the bank's reason code."""

DECLINED = N_("Your bank declined the card. You can try again or register another one.")
NOT_ENTERED = N_("No card was registered. You can try again.")


def failure_message(setup: CardSetup) -> str:
    """Return why a registration stored no card; "" while it is open and when it succeeded."""
    if setup.status == CardSetupStatus.DECLINED:
        return DECLINED_MESSAGES.get(setup.reason, DECLINED)
    return NOT_ENTERED if setup.status == CardSetupStatus.CLOSED else ""


class CardCheckouts(Checkouts[CardSetup]):
    """Checkouts that register cards: a success stores the card. Each request begins a new one."""

    table = CardSetup
    statuses = CardSetupStatus
    started = "card_setup_started"
    salt = "card-return"
    return_path = "/payment/card"
    opens_later = False

    def watch_later(self, setup: CardSetup) -> None:
        """Queue the job that polls the bank."""
        first = clock.now() + gateways.WATCH_FIRST
        watch_card_setup.using(run_at=first).later(setup=setup.id)

    def request(self, setup: CardSetup, return_url: str, notification_url: str) -> CheckoutRequest:
        """Return the request for a checkout that stores a card and takes no money."""
        account = setup.account
        return CheckoutRequest(
            key=setup.key,
            amount_cents=0,
            currency="EUR",
            reference=f"{REFERENCE}-{setup.id}",
            description=settings.current().shop_name,
            language=account.language,
            customer_email=account.email,
            return_url=return_url,
            notification_url=notification_url,
            store_card=True,
        )

    def apply(self, setup: CardSetup, outcome: str, checkout: Checkout) -> None:
        """Store the card, or record that there is none."""
        if not setup.may_become(outcome):
            return
        if outcome == CardSetupStatus.SUCCEEDED:
            card = keep_card(setup.account, checkout.mandate)
            if card is None:
                outcome, checkout = CardSetupStatus.DECLINED, replace(checkout, reason=UNREADABLE)
                if not setup.may_become(outcome):
                    return
            elif setup.group_id is not None:
                _allow_for_group(setup, card)
        move_by_bank(setup, outcome, checkout)


def _allow_for_group(setup: CardSetup, card: Card) -> None:
    """Charge the renewals of the service on whose page a card was registered to it."""
    subscription = Subscription.get_or_none(Subscription.group == setup.group_id)
    if subscription is not None and card.removed_at is None:
        mandates.allow(subscription, card, by=setup.account.nic_handle)


CHECKOUTS = CardCheckouts()


@jobs.handles("watch_card_setup", attempts=50)
def watch_card_setup(setup: int) -> None:
    """Poll the bank about a registration whose outcome has not been notified."""
    CHECKOUTS.watch(CardSetup.get_by_id(setup))
