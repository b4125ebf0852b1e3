"""What becomes of Office Attach once its group is there: named, its seats given out, told of."""

from __future__ import annotations

from typing import Any

from records.exchange import Attach, AttachedAccount, ExchangeAccount, ExchangeService
from records.groups import LicenceGroup
from records.orders import Order, OrderLine
from records.seats import Seat
from shop import mail
from shop.licences.seats import actions
from shop.licences.seats.rules import Person


def for_line(line: OrderLine) -> Attach | None:
    """How Office Attach made an order's line, with its service, if it did."""
    return (
        Attach.select(Attach, ExchangeService)
        .join(ExchangeService)
        .where(Attach.order == line.order)
        .first()
    )


def fill(group: LicenceGroup, attach: Attach, by: str) -> None:
    """Give each seat of a group just installed to its holder, in the caller's transaction."""
    seats = {seat.number: seat for seat in Seat.select().where(Seat.group == group)}
    for row in AttachedAccount.select().where(AttachedAccount.attach == attach):
        seat = seats[row.number]
        seat.group = group
        actions.begin_configuration(seat, Person(row.first_name, row.last_name, row.login), by)
        AttachedAccount.update(seat=seat).where(AttachedAccount.id == row.id).execute()


def is_theirs() -> Any:
    """Whether a seat of a query is still of the person its mailbox stands for: of login, first
    and last name, one at least is what it was."""
    return (
        (AttachedAccount.login_key == Seat.login_key)
        | (AttachedAccount.first_name == Seat.first_name)
        | (AttachedAccount.last_name == Seat.last_name)
    )


def _is_surely_theirs(seat: Seat) -> Any:
    """The same for somebody's password, which goes to nobody on the strength of half a name."""
    return (AttachedAccount.login_key == seat.login_key) | (
        (AttachedAccount.first_name == seat.first_name)
        & (AttachedAccount.last_name == seat.last_name)
    )


def unlink(seat: Seat) -> None:
    """A seat that was released is its mailbox's no more, in the caller's transaction."""
    AttachedAccount.update(seat=None).where(AttachedAccount.seat == seat).execute()


def tell_owner(seat: Seat, credentials: dict[str, str]) -> None:
    """Send a licence's credentials to its mailbox, too, where the customer wished it; once, and
    to nobody whose licence it is no longer."""
    row = (
        AttachedAccount.select(AttachedAccount, ExchangeAccount)
        .join(ExchangeAccount)
        .where(
            AttachedAccount.seat == seat,
            AttachedAccount.tells_owner,
            _is_surely_theirs(seat),
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


def give_offer_back(order: Order) -> None:
    """Let Office Attach be used again after an order that was given up, in the caller's
    transaction."""
    used = Attach.select(Attach.id).where(Attach.order == order)
    AttachedAccount.delete().where(AttachedAccount.attach.in_(used)).execute()
    Attach.delete().where(Attach.order == order).execute()
