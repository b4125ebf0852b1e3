"""Terminations of whole groups: requested, confirmed, undone, carried out (general terms, 9).

A termination takes effect at the next renewal, which is then not made. Businesses confirm it by a
one-time link in an e-mail; consumers need not, and may withdraw instead (`withdrawals`).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from records.accounts import Account, LinkPurpose, OneTimeLink
from records.base import database
from records.groups import LicenceGroup
from records.orders import Order, OrderLine
from records.subscriptions import Subscription
from records.terminations import (
    TERMINATION_ALIVE,
    Termination,
    TerminationCause,
    TerminationStatus,
)
from shop import clock, mail, transitions
from shop.customers import one_time_links
from shop.errors import N_, Conflict, Refusal
from shop.invoicing import receivables
from shop.pricing import periods
from shop.security import encryption
from shop.subscriptions import ending, period_billing, subscriptions

LINK_LENGTH = timedelta(days=3)


# --- Request and confirmation ----------------------------------------------------------------


def for_group(group: LicenceGroup) -> Termination | None:
    """Return the termination of a group that is requested or scheduled, if any."""
    return Termination.get_or_none(
        Termination.group == group, Termination.status.in_(TERMINATION_ALIVE)
    )


def request_termination(group: LicenceGroup, *, by: str) -> Termination:
    """Terminate a group at the end of the period charged; a business is sent a link to confirm it.

    A second request before the confirmation sends another link and invalidates the first. Raise
    `Refusal` where the group has ended or its end is scheduled already, and while its next renewal
    is being paid.
    """
    with database.atomic():
        subscription = running(group)
        account = Account.get_by_id(subscription.account_id)
        termination = for_group(group)
        if termination is not None and termination.status == TerminationStatus.SCHEDULED:
            raise Conflict(N_("The end of this service is scheduled already."))
        if termination is None:
            termination = Termination.create(
                group=group,
                status=TerminationStatus.ASKED,
                cause=TerminationCause.CUSTOMER,
                asked_at=clock.now(),
            )
            transitions.record(termination, "termination_asked", by=by)
        if needs_link(group):
            _send_link(termination, subscription, account)
        else:
            _schedule(termination, subscription, by=by)
    return termination


def order_of(group: LicenceGroup) -> Order:
    """Return the order that created the group."""
    return Order.select().join(OrderLine).where(OrderLine.id == group.line_id).get()


def needs_link(group: LicenceGroup) -> bool:
    """Return whether a termination must be confirmed by a link: where a business ordered."""
    return order_of(group).is_of_business


def running(group: LicenceGroup) -> Subscription:
    """Return the group's subscription, locked. Raise `Refusal` where it has ended."""
    subscription = subscriptions.locked_for_group(group)
    if subscription.is_over:
        raise Refusal(subscriptions.NOT_RUNNING)
    return subscription


def _send_link(termination: Termination, subscription: Subscription, account: Account) -> None:
    if termination.link is not None:
        one_time_links.use_link(termination.link)
    token = one_time_links.new_link(account, LinkPurpose.TERMINATION, LINK_LENGTH)
    link = OneTimeLink.get(OneTimeLink.token_digest == encryption.digest(token))
    Termination.update(link=link).where(Termination.id == termination.id).execute()
    termination.link = link
    mail.termination_link(
        subscription, token, link.expires_at, subscriptions.next_end(subscription)
    )


def find_by_token(token: str) -> Termination | None:
    """Return the termination that a one-time link confirms, while the link is valid."""
    found: Termination | None = (
        Termination.select(Termination, OneTimeLink, LicenceGroup)
        .join(OneTimeLink)
        .switch(Termination)
        .join(LicenceGroup)
        .where(
            OneTimeLink.token_digest == encryption.digest(token),
            OneTimeLink.purpose == LinkPurpose.TERMINATION,
            OneTimeLink.used_at.is_null(),
            Termination.status == TerminationStatus.ASKED,
        )
        .first()
    )
    return found if found and found.link and found.link.expires_at > clock.now() else None


def confirm(token: str) -> Termination:
    """Schedule the termination of a one-time link. Raise `Refusal` for an invalid or used link."""
    with database.atomic():
        termination = find_by_token(token)
        if termination is None:
            raise Refusal(N_("This link has been used, or is no longer valid."))
        subscription = running(termination.group)
        assert termination.link is not None, "it was found by its link"
        if not one_time_links.use_link(termination.link):
            raise Refusal(N_("This link has been used, or is no longer valid."))
        account = Account.get_by_id(subscription.account_id)
        _schedule(termination, subscription, by=account.nic_handle)
    return termination


def schedule(subscription: Subscription, *, by: str) -> None:
    """Schedule the end of a group, unless it is scheduled, without a confirmation by link.

    Runs in the caller's transaction, which has locked the subscription.
    """
    termination = for_group(subscription.group)
    if termination is None:
        termination = Termination.create(
            group=subscription.group_id, status=TerminationStatus.ASKED,
            cause=TerminationCause.CUSTOMER, asked_at=clock.now(),
        )  # fmt: skip
    if termination.status == TerminationStatus.ASKED:
        _schedule(termination, subscription, by=by)


def _schedule(termination: Termination, subscription: Subscription, *, by: str) -> None:
    """Schedule the end of a group on the first day that is not charged yet."""
    subscription = period_billing.catch_up(subscription)
    period_billing.credit_unpaid_ahead(subscription, by=by)
    ends_on = subscriptions.next_end(subscription)
    transitions.move(termination, TerminationStatus.SCHEDULED, by=by, ends_on=ends_on)
    _end_later(termination)
    mail.termination_scheduled(subscription, termination)


def _end_later(termination: Termination) -> None:
    at = clock.midnight(termination.day)
    ending.end_group.using(run_at=at).later(termination=termination.id)


def schedule_for_unpaid(subscription: Subscription, ends_on: date) -> Termination:
    """Schedule the end of a suspended service, unless its customer has scheduled one already.

    Runs in the caller's transaction, which has locked the subscription.
    """
    termination = for_group(subscription.group)
    if termination is not None and termination.status == TerminationStatus.SCHEDULED:
        return termination
    if termination is not None:
        transitions.move(termination, TerminationStatus.UNDONE, by="shop", closed_at=clock.now())
    termination = Termination.create(
        group=subscription.group_id,
        cause=TerminationCause.UNPAID,
        ends_on=ends_on,
        asked_at=clock.now(),
    )
    transitions.record(
        termination, "termination_scheduled", by="shop", note=TerminationCause.UNPAID
    )
    _end_later(termination)
    return termination


# --- Undoing ---------------------------------------------------------------------------------


def can_be_undone(termination: Termination, now: datetime | None = None) -> bool:
    """Return whether the customer may still undo a termination (until 24 hours before its day)."""
    if termination.status == TerminationStatus.ASKED:
        return True
    scheduled = termination.status == TerminationStatus.SCHEDULED
    by_customer = termination.cause == TerminationCause.CUSTOMER and scheduled
    if by_customer and receivables.notice_was_given(termination.group_id):
        return False  # the group would end for lack of payment instead
    return by_customer and periods.can_be_undone(termination.day, now or clock.now())


def undo(group: LicenceGroup, *, by: str) -> None:
    """Undo a termination, so that the group renews as before.

    Raise `Refusal` where there is none, or it is too late.
    """
    with database.atomic():
        subscription = running(group)
        termination = for_group(group)
        if termination is None:
            raise Refusal(N_("The end of this service is not scheduled."))
        if not can_be_undone(termination):
            raise Refusal(N_("It is too late to take this back."))
        was_scheduled = termination.status == TerminationStatus.SCHEDULED
        transitions.move(termination, TerminationStatus.UNDONE, by=by, closed_at=clock.now())
        if was_scheduled:
            mail.termination_undone(subscription, termination)


def cancel_unpaid(group: LicenceGroup) -> None:
    """Undo the termination that was scheduled for lack of payment, if any, as all is paid."""
    termination = for_group(group)
    if termination is not None and termination.cause == TerminationCause.UNPAID:
        transitions.move(termination, TerminationStatus.UNDONE, by="bank", closed_at=clock.now())
