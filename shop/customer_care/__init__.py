"""Acts of members of staff for a customer: their e-mails, how they sign in, VAT, services, orders.

Each is recorded once for each form (`Asked.key`) under the member's name and with the reason, and
stands in the customer's own activity log. Acts on money are those of `shop.money_acts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from records.accounts import Account
from records.base import database, lock
from records.groups import LicenceGroup
from records.letters import Letter
from records.orders import Order
from shop import mail
from shop.customers import activity_log, blocking, holds, profile, rescue, two_factor
from shop.customers.activity_log import UNKNOWN
from shop.delivery import installation
from shop.errors import N_, Conflict, Refusal
from shop.orders import closing, orders
from shop.staff import acts
from shop.subscriptions import interventions
from shop.vat import numbers


@dataclass(frozen=True)
class Asked:
    """Who asks for an act and why; ``key`` is that of the form, the same under two clicks."""

    key: str
    reason: str
    by: str


@contextmanager
def _once(
    asked: Asked, kind: str, account: Account, subject: str = "", *, logs: bool = True
) -> Iterator[bool]:
    """Record an act, in the transaction of what it does; yield False if the form came before.

    ``kind`` is that of the line in the customer's activity log, which holds subject and reason;
    without ``logs``, the operation writes that line itself.
    """
    with database.atomic():
        first = acts.record_act(
            asked.key, by=asked.by, kind=kind, reason=asked.reason, account=account,
            subject=subject,
        )  # fmt: skip
        if first and logs:
            said = f"{subject}: {asked.reason}" if subject else asked.reason
            activity_log.record(account, kind, UNKNOWN, note=said)
        yield first


# --- E-mails -----------------------------------------------------------------------------------


def send_email_again(letter: Letter, asked: Asked) -> None:
    """Send an e-mail again, to the customer's present address. Raise `Conflict` if it is queued."""
    with _once(asked, "staff_sent_email", letter.account, letter.subject[:64]) as first:
        if first and not mail.send_again(letter, by=asked.by):
            raise Conflict(N_("This email is being sent already, or its content was deleted."))


# --- Signing in --------------------------------------------------------------------------------


def give_email_address(account: Account, email: str, asked: Asked) -> None:
    """Send a link to a new address, which becomes the customer's when it is followed."""
    with _once(asked, "staff_gave_email", account) as first:
        if first:
            rescue.request(account, email)


def take_email_address_back(account: Account, asked: Asked) -> None:
    """Void the link to a new address that was not followed yet."""
    with _once(asked, "staff_took_email_back", account) as first:
        if first:
            rescue.take_back(account)


def reset_second_factor(account: Account, asked: Asked) -> None:
    """Remove all second factors, end the sessions, hold orders and cards; the customer is told."""
    with _once(asked, "second_factor_reset", account, logs=False) as first:
        if not first:
            return
        if not two_factor.switch_off(account, reason=asked.reason):
            raise Refusal(N_("This customer has no second step."))
        holds.hold_money(account)


def block(account: Account, asked: Asked) -> None:
    """Keep everybody from signing in to an account, with the reason; nothing is ordered."""
    with _once(asked, "account_blocked", account, logs=False) as first:
        if first and not blocking.block(account, asked.reason):
            raise Conflict(N_("This account is blocked already."))


def unblock(account: Account, asked: Asked) -> None:
    """Let the customer sign in again."""
    with _once(asked, "account_unblocked", account, logs=False) as first:
        if first and not blocking.unblock(account, asked.reason):
            raise Conflict(N_("This account is not blocked."))


# --- VAT ---------------------------------------------------------------------------------------


def set_vat_number(account: Account, typed: str, asked: Asked) -> None:
    """Set a VAT number, or none, and ask the registry about it, also if it is the same.

    Raise `Refusal` at ``vat_number`` where it is not one of the customer's country.
    """
    number = numbers.read_vat_number(account.country, typed)
    if number and not account.is_business:
        raise Refusal(
            N_("Only a company has a VAT number: the customer gives its name first."), "vat_number"
        )
    with _once(asked, "staff_set_vat_number", account, number) as first:
        if first:
            profile.set_vat_number(lock(account), number)


# --- Services ----------------------------------------------------------------------------------


def suspend(group: LicenceGroup, asked: Asked) -> None:
    """Suspend a service until a member of staff resumes it; the customer is told why."""
    with _once(asked, "staff_suspended_service", group.account, group.name) as first:
        if first:
            interventions.suspend(group, asked.reason, by=asked.by)


def resume(group: LicenceGroup, asked: Asked) -> None:
    """Resume a suspended service; the customer is told."""
    with _once(asked, "staff_resumed_service", group.account, group.name) as first:
        if first:
            interventions.resume(group, asked.reason, by=asked.by)


def end_service(group: LicenceGroup, asked: Asked) -> None:
    """End a service at once; the customer is told why."""
    with _once(asked, "staff_ended_service", group.account, group.name) as first:
        if first:
            interventions.end_service(group, asked.reason, by=asked.by)


# --- Orders ------------------------------------------------------------------------------------


def retry_delivery(order: Order, asked: Asked) -> None:
    """Try a delivery that failed again."""
    with _once(asked, "staff_retried_delivery", order.account, order.number) as first:
        if first:
            installation.retry_delivery(order, by=asked.by)


def extend(order: Order, asked: Asked) -> None:
    """Give the customer two more weeks to pay an order."""
    with _once(asked, "staff_extended_order", order.account, order.number) as first:
        if first:
            orders.extend_order(order, by=asked.by)


def cancel(order: Order, asked: Asked) -> None:
    """Cancel an unpaid order; the customer is told."""
    if order.is_payable:
        closing.stop_payment(order)  # Asks the bank: not within a transaction.
    with _once(asked, "staff_cancelled_order", order.account, order.number) as first:
        if first:
            orders.cancel_order(order, by=asked.by)
