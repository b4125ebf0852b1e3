"""Seats of an installed Office Attach group: assigned to mailboxes, sent to owners, unlinked."""

from __future__ import annotations

from typing import Any

from peewee import ModelSelect

from records.exchange import Attach, AttachedAccount, ExchangeAccount, ExchangeService
from records.groups import LicenceGroup
from records.orders import Order, OrderLine
from records.seats import Seat
from shop import mail
from shop.licences.seats import actions
from shop.licences.seats.rules import Person
from shop.sql.prepared import prepared


def attach_of_line(line: OrderLine) -> Attach | None:
    """Return the use of Office Attach that ordered a line, with its service, or None."""
    return _attach_of.first(line.order_id)


@prepared
def _attach_of(order_id: int) -> ModelSelect[Attach]:
    return (
        Attach.select(Attach, ExchangeService).join(ExchangeService).where(Attach.order == order_id)
    )


def assign_seats(group: LicenceGroup, attach: Attach, by: str) -> None:
    """Assign the seats of a newly installed group to their holders, in the caller's transaction."""
    seats = {seat.number: seat for seat in Seat.select().where(Seat.group == group)}
    for row in AttachedAccount.select().where(AttachedAccount.attach == attach):
        seat = seats[row.number]
        seat.group = group
        actions.begin_configuration(seat, Person(row.first_name, row.last_name, row.login), by)
        AttachedAccount.update(seat=seat).where(AttachedAccount.id == row.id).execute()


def is_still_theirs() -> Any:
    """Return the condition that a seat still belongs to its mailbox's owner: at least one of login,
    first name and last name is unchanged."""
    return (
        (AttachedAccount.login_key == Seat.login_key)
        | (AttachedAccount.first_name == Seat.first_name)
        | (AttachedAccount.last_name == Seat.last_name)
    )


def _is_certainly_theirs(seat: Seat) -> Any:
    """Return the stricter condition for sending a password: same login, or same full name."""
    return (AttachedAccount.login_key == seat.login_key) | (
        (AttachedAccount.first_name == seat.first_name)
        & (AttachedAccount.last_name == seat.last_name)
    )


def unlink(seat: Seat) -> None:
    """Remove the link of a released seat to its mailbox, in the caller's transaction."""
    AttachedAccount.update(seat=None).where(AttachedAccount.seat == seat).execute()


def send_to_owner(seat: Seat, credentials: dict[str, str]) -> None:
    """Send a licence's credentials to its mailbox too, if the customer chose so; once, and only if
    the seat certainly still belongs to the mailbox's owner."""
    row = (
        AttachedAccount.select(AttachedAccount, ExchangeAccount)
        .join(ExchangeAccount)
        .where(
            AttachedAccount.seat == seat,
            AttachedAccount.tells_owner,
            _is_certainly_theirs(seat),
        )
        .first()
    )
    if row is not None:
        mail.licence_for_owner(
            seat.group.account,
            recipient=row.account.address,
            owner=seat.full_name,
            **credentials | {"key": str(row.id)},
        )


def restore_offer(order: Order) -> None:
    """Delete the use of Office Attach by an order that was given up after a failed delivery, so
    that it can be used again, in the caller's transaction."""
    used = Attach.select(Attach.id).where(Attach.order == order)
    AttachedAccount.delete().where(AttachedAccount.attach.in_(used)).execute()
    Attach.delete().where(Attach.order == order).execute()
