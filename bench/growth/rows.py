"""A shop with a customer of many orders and seats: made by the shop's operations, then copied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from peewee import PostgresqlDatabase, fn

import models
from bench.growth.copies import STRIDE, Pattern, in_haste
from models import (
    Acceptance,
    Account,
    AccountEvent,
    BankLine,
    Dispute,
    Event,
    GroupStatus,
    Handover,
    ImportAct,
    Invoice,
    InvoiceLine,
    Job,
    LedgerEntry,
    Letter,
    LicenceCount,
    LicenceGroup,
    MoneyAct,
    Order,
    OrderLine,
    Payment,
    Payout,
    PlaceProof,
    Seat,
    SeatEvent,
    SeatImport,
    SeatImportLine,
    SeatKey,
    Session,
    Subscription,
    VatCheck,
)
from shop import clock
from shop.customers import activity_log, notes, registration, sessions
from shop.jobs import queue
from shop.licences import seats
from shop.licences.seats import Person, import_preview, search_keys, selections
from shop.office import configured
from shop.orders import orders
from shop.payments import gateways, payouts
from shop.staff import acts
from shop.subscriptions import renewals
from tests.support import billing, cast, exchange, groups, purchases
from tests.support.parties import Bank, Provider

ORDERS, SEATS = 10, 20
"""The orders and the seats of one copy."""

MAILBOXES = 100
"""The mailboxes of a customer's Exchange service, as many for each: they are not ordered."""

PASSWORD = "Bench-2026-Bench"

OF_SEATS = (Event, Seat, SeatKey, SeatEvent, SeatImport, SeatImportLine, Handover, Letter, Job)

FIRST = ("Anna", "Bruno", "Chloé", "David", "Émilie", "Farid", "Gaël", "Hélène", "Inès", "Jean")
LAST = ("Martin", "Bernard", "Petit", "Robert", "Durand", "Leroy", "Moreau", "Simon", "Laurent",
        "Lefèvre", "Roux", "Fournier", "Girard", "Bonnet", "Dupont", "Lambert")  # fmt: skip

IN_A_MONTH, MONTHS = 100, 60
"""The most copies whose books are in one month, and the months before it over which those of a
larger customer are spread."""

DAYS = ("issued_on", "period_start", "period_end", "arrives_on")
"""The columns of these that are days; the others are moments."""

THINNED = {Event: 30, Letter: 10, Job: 20, AccountEvent: 5, Acceptance: 10, PlaceProof: 10}
"""How many rows of the longest tables belong to one copy; the others would be more of the same."""


@dataclass(frozen=True)
class Customer:
    """A customer, and their group with the seats."""

    account: Account
    group: LicenceGroup


@contextmanager
def parties() -> Iterator[Bank]:
    """Let the bank and the provider be in this process."""
    bank = Bank()
    bank.at_once = 100
    with gateways.gateway.using(bank), configured.provider.using(Provider()):
        yield bank


def furnish(name: str, size: int, bank: Bank) -> Customer:
    """Make a customer with ``size`` orders, and as many seats in one group."""
    with _moved(timedelta(days=-36)):
        account = _customer(name)
        first = purchases.place(account, purchases.basket(business=1))
        purchases.pay(first, bank, store_card=True, number=f"42424242{account.id:08}")
        queue.drain()
        line = OrderLine.select().join(Order).where(Order.account == account).first()
        group = LicenceGroup.get(LicenceGroup.line == line)
        # Each copy of a payout has lines of what it paid out: payments of this customer alone.
        _pay_out(bank)
        of_orders = Pattern(lambda: _order(account, bank, name))
        group = _group_for_seats(account, bank)
        of_seats = Pattern(lambda: _fill(group), OF_SEATS)
        exchange.service(account, MAILBOXES, f"exchange-{account.id}")
    queue.drain()
    Subscription.update(card=models.Card.get(models.Card.account == account)).where(
        Subscription.account == account
    ).execute()
    with in_haste():
        _multiply(of_orders, size // ORDERS - 1)
        _multiply_seats(of_seats, size // SEATS - 1)
    _count_seats(group)
    _count_licences(account)
    return Customer(account, LicenceGroup.get_by_id(group.id))


@contextmanager
def _moved(by: timedelta) -> Iterator[None]:
    """Run the block at another time."""
    clock.move_on(by)
    try:
        yield
    finally:
        clock.move_on(timedelta(0))


def _customer(name: str) -> Account:
    person = cast.ALICE | {
        "email": f"{name}@bench.example", "last_name": f"Martin-{name}", "password": PASSWORD,
    }  # fmt: skip
    account = registration.register(registration.Registration(**person), is_proved=True)
    return Account.get_by_id(account.id)


# --- Orders ----------------------------------------------------------------------------------


def _order(account: Account, bank: Bank, name: str) -> None:
    """Place ten orders: two for groups, seven for more licences, and one that is cancelled."""
    for _ in range(2):
        purchases.pay(purchases.place(account, purchases.basket(business=2)), bank)
    queue.drain()
    group = LicenceGroup.select().where(LicenceGroup.account == account).order_by(
        LicenceGroup.id.desc()
    ).get()  # fmt: skip
    for _ in range(ORDERS - 3):
        purchases.pay(groups.add(group, 1), bank)
        queue.drain()
    groups.configured(group)
    orders.cancel_order(purchases.place(account), by=account.nic_handle)
    _money_back(account)
    _pay_out(bank)
    clock.move_on(timedelta(days=-2))
    renewals.run_renewals()
    queue.drain()
    _around(account, name)


def _pay_out(bank: Bank) -> None:
    """Have the bank pay out what it owes."""
    bank.pay_out()
    payouts.fetch_payouts()
    queue.drain()


def _money_back(account: Account) -> None:
    """Credit an invoice, and lose a dispute about the payment of another."""
    paid = Invoice.select().where(Invoice.account == account).order_by(Invoice.id.desc())
    billing.credit(paid[0])
    Dispute.create(
        payment=Payment.get(Payment.order == paid[1].order_id), status="lost", cents=100,
        withdrawn_cents=100, reference=f"dispute-{paid[1].id}", created_at=clock.now(),
        settled_at=clock.now(),
    )  # fmt: skip
    queue.drain()


def _around(account: Account, name: str) -> None:
    """Write what staff and the customer's own acts leave."""
    now = clock.now()
    notes.write_note(account, "Asked for an invoice on paper.", by="staff:lea")
    acts.record_act(f"{name}-1", by="staff:lea", kind="search", reason="A call", account=account)
    MoneyAct.create(
        key=f"{name}-money", kind="goodwill", status="refused", account=account, cents=100,
        details={}, reason="A call", asked_by="staff:lea", asked_at=now, decided_by="staff:leo",
        decided_at=now,
    )  # fmt: skip
    BankLine.create(
        digest=f"{name}-line", status="ignored", day=clock.today(), cents=100, by="staff:lea",
        at=now,
    )  # fmt: skip
    VatCheck.create(
        account=account, vat_number="FR40303265045", answer="confirmed", is_fitting=True,
        asked_at=now,
    )  # fmt: skip
    origin = activity_log.Origin("203.0.113.9", "Mozilla/5.0")
    sessions.start_session(account, origin)
    Session.update(ended_at=now).where(Session.account == account).execute()
    with models.database.atomic():
        activity_log.record(account, "password_changed", origin)


# --- Seats -----------------------------------------------------------------------------------


def _group_for_seats(account: Account, bank: Bank) -> LicenceGroup:
    """Order a group, whose seats are made afterwards."""
    order = purchases.place(account, purchases.basket(business=0, pro_plus=SEATS))
    purchases.pay(order, bank)
    queue.drain()
    group = LicenceGroup.select().join(OrderLine).where(OrderLine.order == order).get()
    Seat.delete().where(Seat.group == group).execute()
    return group


def _fill(group: LicenceGroup) -> None:
    """Add seats to a group: most have holders, some of them by a file, one link, one selection."""
    rows = [{"group": group, "number": number, "line": group.line_id} for number in _numbers()]
    Seat.insert_many(rows).execute()
    search_keys.create_keys(group, 1, SEATS)
    group = LicenceGroup.get_by_id(group.id)
    lines = "".join(f"{FIRST[n]},{LAST[n]},file{n}\n" for n in range(5)).encode()
    made = import_preview.prepare_import(group, "people.csv", lines)
    import_preview.start_import(made, by=group.account.nic_handle)
    queue.drain()
    for number in range(6, SEATS):
        first, last = FIRST[number % len(FIRST)], LAST[number % len(LAST)]
        seat = groups.seat_of(group, number)
        recipient = "person@bench.example" if number == 6 else None
        seats.configure(
            seat, seat.version, Person(first, last, f"person{number}"), by="alice",
            recipient=recipient,
        )  # fmt: skip
    queue.drain()
    chosen = selections.prepare_selection(group, ImportAct.PASSWORD, [1, 2])
    import_preview.start_import(chosen, by=group.account.nic_handle)
    queue.drain()
    seat = groups.seat_of(group, 7)
    seats.release(seat, seat.version, by="alice")
    queue.drain()
    Seat.update(is_idle=True).where(Seat.group == group, Seat.number == 8).execute()


def _numbers() -> range:
    return range(1, SEATS + 1)


def _multiply(pattern: Pattern, times: int) -> None:
    first, _ = pattern.ids[Invoice]
    earlier = _earlier if times > IN_A_MONTH else lambda *columns: dict[str, str]()
    pattern.multiply(
        times,
        {
            Order: {"number": f"t.id + copy * {STRIDE} + 1000000000"},
            Invoice: {
                "number": "substr(t.number, 1, 7) || "
                f"(t.account_id * 20000000 + copy * 100 + t.id - {first})",
                **earlier("issued_at", "issued_on"),
            },
            InvoiceLine: earlier("period_start", "period_end"),
            LedgerEntry: earlier("at"),
            Payment: earlier("settled_at"),
            Payout: earlier("arrives_on", "announced_at", "booked_at"),
            LicenceGroup: {
                "domain": "'x' || copy || t.domain",
                "display_name": "t.display_name || ' ' || copy",
            },
        },
        THINNED,
    )


def _earlier(*columns: str) -> dict[str, str]:
    """Return the values of columns in copies of past months, so that none has more than another."""
    # Without the sign of the remainder, which psycopg takes for a placeholder.
    days = f"(31 * (1 + copy - copy / {MONTHS} * {MONTHS}))"
    if isinstance(models.database.obj, PostgresqlDatabase):
        return {name: f"t.{name} - {days} * interval '1 day'" for name in columns}
    return {
        name: f"{'date' if name in DAYS else 'datetime'}(t.{name}, '-' || {days} || ' days')"
        for name in columns
    }


def _multiply_seats(pattern: Pattern, times: int) -> None:
    login = "CASE WHEN t.{0} IS NULL THEN NULL ELSE t.{0} || '-' || copy END"
    pattern.multiply(
        times,
        {
            Seat: {
                "number": f"t.number + copy * {SEATS}",
                "login": login.format("login"), "login_key": login.format("login_key"),
            },
            Event: {"number": f"CASE WHEN t.subject = 'seat' THEN t.number + copy * {SEATS} "
                              "ELSE t.number END"},
        },
        {Event: 40, Letter: 10, Job: 20},
    )  # fmt: skip


def _count_seats(group: LicenceGroup) -> None:
    total = Seat.select().where(Seat.group == group).count()
    of = lambda status: Seat.select().where(Seat.group == group, Seat.status == status).count()  # noqa: E731
    LicenceGroup.update(
        places_taken=total, last_number=total, seats_unconfigured=of("unconfigured"),
        seats_active=of("active"), seats_error=of("error"),
        seats_idle=Seat.select().where(Seat.group == group, Seat.is_idle).count(),
        sign_ins_seen_at=clock.now(),
    ).where(LicenceGroup.id == group.id).execute()  # fmt: skip


def _count_licences(account: Account) -> None:
    """Count those of the copied groups, too: a trigger counts what changes."""
    running = GroupStatus.INSTALLED, GroupStatus.SUSPENDED
    groups_of = LicenceGroup.account == account, LicenceGroup.status.in_(running)
    used = LicenceGroup.seats_activating + LicenceGroup.seats_active + LicenceGroup.seats_updating
    free, in_error = LicenceGroup.seats_unconfigured, LicenceGroup.seats_error
    figures = used + free + in_error + LicenceGroup.seats_releasing, used, free, in_error
    sums: Any = LicenceGroup.select(*map(fn.SUM, figures)).where(*groups_of).tuples().get()
    LicenceCount.delete().where(LicenceCount.account_id == account.id).execute()
    names = ("total", "used", "free", "in_error")
    LicenceCount.create(account_id=account.id, part=0, **dict(zip(names, sums, strict=True)))
