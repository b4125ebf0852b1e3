"""Cards kept for renewals: the one in use, and a new one registered at the bank, charging nothing.

Registering needs the customer at the bank's page, like paying: a checkout of no amount that stores
the card. What the customer had filled in before is kept meanwhile, and found again afterwards.
"""

from __future__ import annotations

from typing import Any

from peewee import ModelSelect

from records.accounts import Account
from records.base import database
from records.cards import Card, CardSetup, CardSetupStatus
from shop import clock, jobs, settings
from shop.errors import N_
from shop.payments import gateways
from shop.payments.checkouts import Checkouts, moved_by_bank
from shop.payments.gateway import Checkout, CheckoutRequest, Mandate

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
    return usable(account).first()


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
        setup = CHECKOUTS.begin(by, account=account, back_to=back_to, typed=typed)
    return CHECKOUTS.open(setup, base_url)


# --- The way back ----------------------------------------------------------------------------


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


class CardCheckouts(Checkouts[CardSetup]):
    """Registrations: a success keeps the card. Each press of a button begins another one."""

    table = CardSetup
    statuses = CardSetupStatus
    started = "card_setup_started"
    salt = "card-return"
    return_path = "/payment/card"
    opens_later = False

    def watch_later(self, setup: CardSetup) -> None:
        """Have the bank asked in a while."""
        first = clock.now() + gateways.WATCH_FIRST
        watch_card_setup.using(run_at=first).later(setup=setup.id)

    def request(self, setup: CardSetup, return_url: str, notification_url: str) -> CheckoutRequest:
        """A page to store a card on, which takes no money."""
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
        """Keep the card, or note that there is none."""
        if not setup.may_become(outcome):
            return
        moved_by_bank(setup, outcome, checkout)
        if outcome == CardSetupStatus.SUCCEEDED and checkout.mandate:
            keep(setup.account, checkout.mandate)


CHECKOUTS = CardCheckouts()


@jobs.handles("watch_card_setup", attempts=50)
def watch_card_setup(setup: int) -> None:
    """Ask the bank about a registration whose outcome nobody has told us."""
    CHECKOUTS.watch(CardSetup.get_by_id(setup))
