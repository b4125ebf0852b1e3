"""Registrations of cards at the bank.

They send the customer to the bank's page, like a payment: a checkout of amount zero that stores the
card. What the customer had typed in a form is kept until they return.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from records.accounts import Account
from records.base import database
from records.card_setups import CardSetup, CardSetupStatus
from records.cards import Card
from records.groups import LicenceGroup
from records.subscriptions import Subscription
from shop import clock, jobs, settings
from shop.customers import holds
from shop.errors import N_
from shop.payments import cards, gateways, mandates
from shop.payments.checkouts import Checkouts, move_by_bank
from shop.payments.gateway import Checkout, CheckoutRequest

REFERENCE = "card"
"""The prefix of the checkout's reference at the bank, as there is no order."""


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
            card = cards.keep_card(setup.account, checkout.mandate)
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
