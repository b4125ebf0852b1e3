"""Licence groups and seats, as tests need them."""

from __future__ import annotations

from models import Account, LicenceGroup, Order, Seat, SeatEvent, SeatKey, SeatStatus
from shop.jobs import queue
from shop.licences import seats
from shop.licences.seats import Person, seat_states
from shop.orders import contracts, placing
from shop.orders.additions import AdditionOrder, AdditionRequest
from shop.orders.baskets import new_name
from shop.orders.placing import Confirmation
from tests.support import purchases
from tests.support.parties import Bank

CAMILLE = Person("Camille", "Dupont", "camille.dupont")
ZOE = Person("Zoé", "Lefèvre-Ñandú", "zoe")


def installed(
    account: Account, bank: Bank, quantity: int = 3, offer: str = "business"
) -> LicenceGroup:
    """A group of so many licences, ordered, paid and installed."""
    numbers = {"business": 0, "pro_plus": 0} | {offer: quantity}
    order = purchases.place(account, purchases.basket(**numbers))
    purchases.pay(order, bank)
    queue.drain()
    newest = LicenceGroup.select().where(LicenceGroup.account == account)
    return newest.order_by(LicenceGroup.id.desc()).get()


def fresh(row):
    """A row as it stands now."""
    return type(row).get_by_id(row.id)


def seat_of(group: LicenceGroup, number: int = 1) -> Seat:
    """A seat of a group by its number, as it stands now."""
    return Seat.get(Seat.group == group, Seat.number == number)


def configured(group: LicenceGroup, number: int = 1, person: Person = CAMILLE) -> Seat:
    """A seat given to somebody, as the provider has made it."""
    seat = seat_of(group, number)
    seats.configure(seat, seat.version, person, by="alice")
    queue.drain()
    return fresh(seat)


def wish(group: LicenceGroup, quantity: int) -> AdditionRequest:
    """So many licences more, under a basket nobody else has."""
    return AdditionRequest(group, quantity, new_name())


def seen_by(account: Account, wished: AdditionRequest) -> Confirmation:
    """What ``account`` sees and accepts when ordering licences for a group now."""
    return Confirmation(
        total_cents=AdditionOrder(account, wished).quote.totals.total_cents,
        contract_digests=tuple(contract.digest for contract in contracts.current_contracts("fr")),
        address="203.0.113.7",
        language="fr",
    )


def add(group: LicenceGroup, quantity: int) -> Order:
    """An order of licences for a group, placed as the manager places it."""
    wished = wish(fresh(group), quantity)
    return placing.place(AdditionOrder(group.account, wished), seen_by(group.account, wished))


def consumption(group: LicenceGroup) -> list[int]:
    """The changes of a group's consumption, oldest first."""
    rows = SeatEvent.select().where(SeatEvent.group == group).order_by(SeatEvent.id)
    return [row.change for row in rows]


def check(group: LicenceGroup) -> None:
    """What is kept beside the seats agrees with them."""
    group = fresh(group)
    assert group.seats_by_status == seat_states.count_by_status(group)
    with_account = Seat.select().where(Seat.group == group, Seat.reference != "").count()
    assert sum(consumption(group)) == with_account
    for status in SeatStatus:
        found = {row.seat_id for row in group_keys(group) if row.status == status}
        rows = Seat.select().where(Seat.group == group, Seat.status == status)
        assert found == {row.id for row in rows}


def group_keys(group: LicenceGroup):
    """The keys a group's seats are found by."""
    return list(SeatKey.select().where(SeatKey.group == group))
