"""Office Attach as its Exchange service shows it: offered, used, and who has which licence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from records.exchange import Attach, AttachedAccount, ExchangeAccount, ExchangeService
from records.groups import GROUPS_OVER, LicenceGroup
from records.orders import Order, OrderLine
from records.seat_states import MOVING
from records.seats import Seat
from shop import clock
from shop.exchange import seating
from shop.exchange.services import active_accounts
from shop.pricing import periods


@dataclass(frozen=True)
class Licence:
    """The Office licence of a mailbox's holder: the technical name of its group, and the login."""

    group: str
    login: str
    number: int


def attach_of(service: ExchangeService) -> Attach | None:
    """How Office Attach was used for a service, if it was."""
    return Attach.select(Attach, Order).join(Order).where(Attach.service == service).first()


def is_offered(service: ExchangeService) -> bool:
    """Whether Office Attach can still be used for a service that was just found: it was not, and
    there is somebody to use it for."""
    return not service.is_used and bool(active_accounts(service).exists())


def group_of(attach: Attach) -> LicenceGroup | None:
    """The group Office Attach made; None until its installation has begun."""
    return LicenceGroup.select().join(OrderLine).where(OrderLine.order == attach.order_id).first()


def is_moving(attach: Attach | None, group: LicenceGroup | None) -> bool:
    """Whether the licences Office Attach asked for are still being made."""
    if attach is None:
        return False
    if group is None or not group.is_settled:
        return attach.order.is_being_delivered
    return group.is_open and any(group.seats_by_status[status] for status in MOVING)


def first_renewal(group: LicenceGroup | None) -> date | None:
    """The day up to which a group of Office Attach is free, while it is."""
    if group is None or group.installed_at is None or not group.is_open:
        return None
    first = periods.first_period(group.installed_at).end
    return first if first > clock.today() else None


def licences_of(accounts: list[ExchangeAccount]) -> dict[int, Licence]:
    """Who of ``accounts`` has a licence of Office Attach, by the mailbox's number (one query).

    A seat that was released, is somebody else's by now (`seating.is_theirs`), or whose group is
    over, is not theirs any more.
    """
    rows = (
        AttachedAccount.select(AttachedAccount, Seat, LicenceGroup)
        .join(Seat)
        .join(LicenceGroup)
        .where(
            AttachedAccount.account.in_([row.id for row in accounts] or [0]),
            seating.is_theirs(),
            LicenceGroup.status.not_in(GROUPS_OVER),
        )
    )
    return {row.account_id: _licence(row) for row in rows}


def _licence(row: AttachedAccount) -> Licence:
    assert row.seat is not None
    return Licence(row.seat.group.name, row.seat.shown_login, row.seat.number)
