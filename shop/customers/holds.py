"""Orders and cards held for 72 hours after customer service changed how a customer signs in.

Whoever talked customer service into it gains nothing by it until the customer, who was told, has
had the time to object.
"""

from __future__ import annotations

from datetime import timedelta

from records.accounts import Account
from shop import clock
from shop.customers import activity_log, sessions
from shop.customers.activity_log import UNKNOWN
from shop.errors import N_, Refusal

LENGTH = timedelta(hours=72)


class MoneyHeld(Refusal):
    """Nothing is ordered, and no card is registered or chosen, for the time being."""

    status = 403


def hold_money(account: Account) -> None:
    """Hold orders and cards from now on, in the caller's transaction."""
    until = clock.now() + LENGTH
    Account.update(money_held_until=until).where(Account.id == account.id).execute()
    activity_log.record(account, "money_held", UNKNOWN)


def check_not_held(account: Account) -> None:
    """Raise `MoneyHeld` while orders and cards are held."""
    _check(Account.get_by_id(account.id))


def check_orders(account: Account) -> None:
    """Raise `MoneyHeld`, or `sessions.AccountBlocked`, if nothing may be ordered.

    ``account`` was read in this transaction: an order takes no statement more.
    """
    if account.blocked_at is not None or account.closed_at is not None:
        sessions.check_not_blocked(account)
    _check(account)


def _check(account: Account) -> None:
    until = account.money_held_until
    if until is not None and until > clock.now():
        raise MoneyHeld(
            N_(
                "Customer service changed how one logs in to this account. For its security, "
                "orders, cards and refunds are held for 72 hours."
            )
        )
