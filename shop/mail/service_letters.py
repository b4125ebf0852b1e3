"""E-mails about running services: unpaid renewals, terminations, prices. See `letters`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from records.cards import Card
from records.catalogue import Offer, Price
from records.groups import LicenceGroup
from records.invoices import Invoice
from records.letters import LetterKind
from records.orders import Order
from records.subscriptions import Subscription
from records.terminations import Termination
from shop import clock
from shop.errors import N_
from shop.mail.archive import store_letter
from shop.pricing import periods
from shop.security import encryption


def _about(subscription: Subscription, kind: LetterKind, key: object, **values: Any) -> None:
    """Store an e-mail about a group; idempotent per kind and ``key``."""
    group = LicenceGroup.get_by_id(subscription.group_id)
    store_letter(subscription.account, kind, f"{kind}:{group.id}:{key}", group=group, **values)


# --- Before a renewal ------------------------------------------------------------------------


def renewal_coming(
    subscription: Subscription, card: Card | None, *, renewal: date, total_cents: int,
    settled_cents: int, from_balance_cents: int, left_cents: int,
    licences: int, used: int, idle: int, idle_days: int, unit_price_cents: int,
    suspended_on: date, is_last: bool,
) -> None:  # fmt: skip
    """Announce a renewal 7 days before, and the day before (``is_last``).

    ``used`` of its ``licences`` are configured for a person; ``idle`` of these never signed in for
    more than ``idle_days``. One costs ``unit_price_cents`` a month, excluding VAT. Of
    ``total_cents``, ``settled_cents`` are paid already, ``from_balance_cents`` by the customer's
    balance. ``left_cents`` are charged to ``card``; without one the customer pays them, otherwise
    the service is suspended on ``suspended_on``.
    """
    _about(
        subscription, LetterKind.RENEWAL_COMING, f"{renewal.isoformat()}:{1 if is_last else 7}",
        card=card, renewal=renewal, total_cents=total_cents, settled_cents=settled_cents,
        from_balance_cents=from_balance_cents, left_cents=left_cents, licences=licences, used=used,
        unused=licences - used, idle=idle, idle_days=idle_days,
        wasted_cents=(licences - used + idle) * unit_price_cents, suspended_on=suspended_on,
        expires_before=card is not None and left_cents > 0 and card.valid_until < renewal,
    )  # fmt: skip


# --- Unpaid ----------------------------------------------------------------------------------

_ADVICE = {
    "authentication_failed": N_(
        "Your bank wants you to confirm this payment yourself: pay the invoice now, and confirm it "
        "with your bank. Your card is in order and need not be replaced."
    ),
    "insufficient_funds": N_(
        "Your bank refused the charge for lack of funds: you can pay now, with another card too. "
        "Once the invoice is paid, we do not try again."
    ),
}
"""What a customer can do about a charge that was declined, by the bank's reason."""

_ADVICE_OTHERWISE = N_(
    "You can pay it now. If your card has changed, register the new one in your customer area. "
    "Once the invoice is paid, we do not try again."
)


def payment_failed(
    subscription: Subscription, invoice: Invoice, stage: int, next_at: datetime,
    card: Card | None, *, reason: str, pay_before: date, is_last: bool,
    taken_back_at: datetime | None = None,
) -> None:  # fmt: skip
    """Report a failed charge for a renewal, when it is retried and where it can be paid.

    ``reason`` is why it failed, as the bank says it: the advice depends on that. Without a card
    nothing is retried: the service is suspended unless it is paid before a day. ``taken_back_at``
    is when the bank took back what had been paid for it, if it did.
    """
    again = f":{taken_back_at.isoformat()}" if taken_back_at is not None else ""
    _about(
        subscription, LetterKind.PAYMENT_FAILED, f"{invoice.id}:{stage}{again}",
        invoice=invoice, due_cents=invoice.balance_cents, stage=stage, next_at=next_at, card=card,
        advice=_ADVICE.get(reason, _ADVICE_OTHERWISE), pay_before=pay_before, is_last=is_last,
        is_over=subscription.is_over, taken_back_at=taken_back_at,
    )  # fmt: skip


def service_suspended(subscription: Subscription, invoice: Invoice) -> None:
    """Report that the group's users cannot sign in until the invoice is paid."""
    _about(
        subscription, LetterKind.SERVICE_SUSPENDED, subscription.suspensions,
        invoice=invoice, due_cents=invoice.balance_cents,
    )  # fmt: skip


def service_resumed(subscription: Subscription, suspended_at: datetime) -> None:
    """Report that the invoice is paid and the group's users can sign in again."""
    _about(
        subscription, LetterKind.SERVICE_RESUMED, subscription.suspensions,
        suspended_at=suspended_at, resumed_at=clock.now(),
    )  # fmt: skip


def service_suspended_by_us(subscription: Subscription, reason: str) -> None:
    """Report that the operator suspended the group, and why."""
    _about(
        subscription, LetterKind.SERVICE_SUSPENDED_BY_US, clock.now().isoformat(),
        reason=reason, suspended_at=clock.now(),
    )  # fmt: skip


def service_resumed_by_us(subscription: Subscription, reason: str) -> None:
    """Report that the operator resumed the group, and why."""
    _about(
        subscription, LetterKind.SERVICE_RESUMED_BY_US, subscription.suspensions,
        reason=reason, resumed_at=clock.now(),
    )  # fmt: skip


def termination_notice(subscription: Subscription, invoice: Invoice, ends_on: date) -> None:
    """Announce the day on which a suspended group is terminated unless it is paid."""
    _about(
        subscription, LetterKind.TERMINATION_NOTICE, invoice.id,
        invoice=invoice, due_cents=invoice.balance_cents, ends_on=ends_on,
    )  # fmt: skip


# --- Ending ----------------------------------------------------------------------------------


def termination_link(
    subscription: Subscription, token: str, valid_until: datetime, ends_on: date
) -> None:
    """Send a one-time link that confirms the termination of a group; stored encrypted."""
    _about(
        subscription, LetterKind.TERMINATION_LINK, encryption.digest(token), is_secret=True,
        token=token, valid_until=valid_until, ends_on=ends_on,
    )  # fmt: skip


def termination_scheduled(subscription: Subscription, termination: Termination) -> None:
    """Confirm when the group ends, and until when this can be undone."""
    _about(
        subscription, LetterKind.TERMINATION_SCHEDULED, termination.id,
        ends_on=termination.day, undo_until=periods.undo_until(termination.day, clock.now()),
    )  # fmt: skip


def termination_undone(subscription: Subscription, termination: Termination) -> None:
    """Confirm that the group renews as before."""
    _about(
        subscription, LetterKind.TERMINATION_UNDONE, termination.id,
        renews_on=subscription.renews_on or termination.ends_on,
    )  # fmt: skip


def service_terminated(subscription: Subscription, termination: Termination) -> None:
    """Report that the group has ended, and why."""
    _about(
        subscription, LetterKind.SERVICE_TERMINATED, termination.id,
        cause=termination.cause, ended_on=termination.ends_on, reason=termination.reason,
    )  # fmt: skip


def withdrawal_received(
    order: Order, *, content: list[str], ended: list[int], refunded_cents: int,
    is_delivered: bool, waits: bool, is_disputed: bool, withdrawn_at: datetime,
) -> None:  # fmt: skip
    """Confirm a withdrawal and the refund: its content, date and time (directive 2023/2673).

    ``content`` is a line for each part of an order; ``ended`` are the numbers of the licences that
    end in a group that stays. It ``waits`` where a delivery is under way, and the refund does where
    the payment is contested at the bank.
    """
    store_letter(
        order.account, LetterKind.WITHDRAWAL_RECEIVED,
        f"withdrawal_received:{order.id}:{withdrawn_at.isoformat()}",
        order=order, content=content, ended=ended,
        refunded_cents=refunded_cents, is_delivered=is_delivered, waits=waits,
        is_disputed=is_disputed, withdrawn_at=withdrawn_at,
    )  # fmt: skip


# --- Licences given back ---------------------------------------------------------------------


def licences_given_back(
    subscription: Subscription, numbers: list[int], ends_on: date, at: datetime
) -> None:
    """Confirm which licences end, when, and until when this can be undone.

    ``at`` identifies the request.
    """
    _about(
        subscription, LetterKind.LICENCES_GIVEN_BACK, at.isoformat(),
        numbers=numbers, ends_on=ends_on,
        undo_until=periods.undo_until(ends_on, clock.now()),
    )  # fmt: skip


def give_back_undone(subscription: Subscription, numbers: list[int], at: datetime) -> None:
    """Confirm that licences are kept; ``at`` identifies the request."""
    _about(
        subscription, LetterKind.GIVE_BACK_UNDONE, at.isoformat(),
        numbers=numbers,
    )  # fmt: skip


# --- Prices ----------------------------------------------------------------------------------


def price_change(subscription: Subscription, after: Price, before: Price, renewal: date) -> None:
    """Announce the price of a licence from a renewal on, 30 days before (general terms, 5.4)."""
    offer = Offer.get_by_id(after.offer_id).name_in(subscription.account.language)
    _about(
        subscription, LetterKind.PRICE_CHANGE, after.id, offer=offer, renewal=renewal,
        before_cents=before.amount_cents, after_cents=after.amount_cents,
    )  # fmt: skip


def free_period_ending(
    subscription: Subscription,
    *,
    licences: int,
    price_cents: int,
    total_cents: int,
    settled_cents: int,
    from_balance_cents: int,
    left_cents: int,
    charged_on: date,
    card: Card | None,
) -> None:
    """Announce the charge at the end of the free period, unless the group is terminated.

    Of ``total_cents``, ``settled_cents`` are paid already, ``from_balance_cents`` by the customer's
    balance. ``left_cents`` are charged to ``card``; without one the customer has to pay them.
    """
    _about(
        subscription, LetterKind.FREE_PERIOD_ENDING, "",
        licences=licences, price_cents=price_cents,
        total_cents=total_cents, settled_cents=settled_cents,
        from_balance_cents=from_balance_cents, left_cents=left_cents,
        charged_on=charged_on, card=card,
    )  # fmt: skip
