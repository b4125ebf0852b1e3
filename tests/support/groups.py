"""Factories for licence groups and seats."""

from __future__ import annotations

from models import Account, LicenceGroup, Order, Seat, SeatEvent, SeatKey, SeatStatus
from shop.jobs import queue
from shop.licences import seats
from shop.licences.seats import Person
from shop.orders import contracts, placing
from shop.orders.additions import AdditionOrder, AdditionRequest
from shop.orders.baskets import new_name
from shop.orders.placing import Confirmation
from tests.support import purchases
from tests.support.parties import Bank
from tests.support.remembered import remembered

CAMILLE = Person("Camille", "Dupont", "camille.dupont")
ZOE = Person("Zoé", "Lefèvre-Ñandú", "zoe")


@remembered
def installed(
    account: Account, bank: Bank, quantity: int = 3, offer: str = "business"
) -> LicenceGroup:
    """Return a group of that number of licences, ordered, paid and installed."""
    numbers = {"business": 0, "pro_plus": 0} | {offer: quantity}
    order = purchases.place(account, purchases.basket(**numbers))
    purchases.pay(order, bank)
    queue.drain()
    newest = LicenceGroup.select().where(LicenceGroup.account == account)
    return newest.order_by(LicenceGroup.id.desc()).get()


def fresh(row):
    """Return a row, read again from the database."""
    return type(row).get_by_id(row.id)


def seat_of(group: LicenceGroup, number: int = 1) -> Seat:
    """Return a seat of a group by its number, read from the database."""
    return Seat.get(Seat.group == group, Seat.number == number)


def configured(group: LicenceGroup, number: int = 1, person: Person = CAMILLE) -> Seat:
    """Configure a seat for a person and do all jobs. Return the active seat."""
    seat = seat_of(group, number)
    seats.configure(seat, seat.version, person, by="alice")
    queue.drain()
    return fresh(seat)


def addition_request(group: LicenceGroup, quantity: int) -> AdditionRequest:
    """Return a request for ``quantity`` more licences, in a new basket."""
    return AdditionRequest(group, quantity, new_name())


def seen_by(account: Account, requested: AdditionRequest) -> Confirmation:
    """Return what ``account`` sees and accepts when ordering licences for a group now."""
    return Confirmation(
        total_cents=AdditionOrder(account, requested).quote.totals.total_cents,
        contract_digests=tuple(contract.digest for contract in contracts.current_contracts("fr")),
        ip_address="203.0.113.7",
        language="fr",
    )


def add(group: LicenceGroup, quantity: int) -> Order:
    """Order licences for a group as the manager does."""
    requested = addition_request(fresh(group), quantity)
    return placing.place(AdditionOrder(group.account, requested), seen_by(group.account, requested))


def consumption(group: LicenceGroup) -> list[int]:
    """Return the changes of a group's consumption, oldest first."""
    rows = SeatEvent.select().where(SeatEvent.group == group).order_by(SeatEvent.id)
    return [row.change for row in rows]


def count_by_status(group: LicenceGroup) -> dict[str, int]:
    """Return the number of seats in each status, counted from the table."""
    return {
        status: Seat.select().where(Seat.group == group, Seat.status == status).count()
        for status in SeatStatus
    }


def check_counts(group: LicenceGroup) -> None:
    """Assert that counters and search keys agree with the seats."""
    group = fresh(group)
    assert group.seats_by_status == count_by_status(group)
    consumed = (Seat.reference != "") & (Seat.status != SeatStatus.ENDED)
    with_account = Seat.select().where(Seat.group == group, consumed).count()
    assert sum(consumption(group)) == with_account
    assert group.seats_idle == Seat.select().where(Seat.group == group, Seat.is_idle).count()
    for status in SeatStatus:
        found = {row.seat_id for row in group_keys(group) if row.status == status}
        rows = Seat.select().where(Seat.group == group, Seat.status == status)
        assert found == {row.id for row in rows}


def group_keys(group: LicenceGroup):
    """Return the search keys of a group's seats."""
    return list(SeatKey.select().where(SeatKey.group == group))
