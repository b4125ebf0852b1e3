"""Office Attach of an Exchange service: whether it is offered, its progress, and its licences."""

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
class AttachedLicence:
    """The Office licence of a mailbox: its group's technical name, login and number."""

    group: str
    login: str
    number: int


def attach_of(service: ExchangeService) -> Attach | None:
    """Return the use of Office Attach for a service, with its order; None if it was not used."""
    return Attach.select(Attach, Order).join(Order).where(Attach.service == service).first()


def is_offered(service: ExchangeService) -> bool:
    """Whether Office Attach can be used: not used before, and there are active mailboxes.

    ``service`` comes from `find_service`, which sets ``is_used``.
    """
    return not service.is_used and bool(active_accounts(service).exists())


def group_of(attach: Attach) -> LicenceGroup | None:
    """Return the group of Office Attach; None until its installation has started."""
    return LicenceGroup.select().join(OrderLine).where(OrderLine.order == attach.order_id).first()


def is_in_progress(attach: Attach | None, group: LicenceGroup | None) -> bool:
    """Whether the delivery of the licences is still in progress."""
    if attach is None:
        return False
    if group is None or not group.is_settled:
        return attach.order.is_being_delivered
    return group.is_open and any(group.seats_by_status[status] for status in MOVING)


def first_renewal(group: LicenceGroup | None) -> date | None:
    """Return the end of the free period of an Office Attach group; None if it is over."""
    if group is None or group.installed_at is None or not group.is_open:
        return None
    first = periods.first_period(group.installed_at).end
    return first if first > clock.today() else None


def licences_of(accounts: list[ExchangeAccount]) -> dict[int, AttachedLicence]:
    """Return the Office Attach licences of ``accounts``, by the mailbox's id (one query).

    Not included are seats that were released or given to another user (`is_still_theirs`), and
    those of groups that have ended.
    """
    rows = (
        AttachedAccount.select(AttachedAccount, Seat, LicenceGroup)
        .join(Seat)
        .join(LicenceGroup)
        .where(
            AttachedAccount.account.in_([row.id for row in accounts] or [0]),
            seating.is_still_theirs(),
            LicenceGroup.status.not_in(GROUPS_OVER),
        )
    )
    return {row.account_id: _licence(row) for row in rows}


def _licence(row: AttachedAccount) -> AttachedLicence:
    assert row.seat is not None
    return AttachedLicence(row.seat.group.name, row.seat.shown_login, row.seat.number)
