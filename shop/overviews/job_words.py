"""What jobs do, in plain words, and what they work on: for pages of staff."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import reduce
from typing import Any

from peewee import Cast, Value

from records.accounts import Account
from records.card_setups import CardSetup
from records.cards import Card
from records.disputes import Dispute
from records.exports import DataExport
from records.groups import Addition, LicenceGroup
from records.imports import SeatImport
from records.invoices import Invoice
from records.jobs import Job
from records.letters import Letter
from records.orders import Order
from records.owners import owner_column, owner_of
from records.payments import Payment
from records.refunds import Refund
from records.seats import Seat
from records.subscriptions import Subscription
from records.terminations import Termination
from shop.errors import N_
from shop.overviews import time_line
from shop.overviews.event_words import SUBJECTS
from shop.overviews.time_line import Thing

NAMES: dict[str, str] = {
    "act_on_seats": N_("Act on chosen licences"),
    "activate_seat": N_("Create a licence holder’s account"),
    "announce_contracts": N_("Announce new versions of contracts"),
    "announce_prices": N_("Announce new prices"),
    "announce_renewals": N_("Announce renewals and expiring cards"),
    "begin_reading_sign_ins": N_("Begin to ask when licence holders signed in"),
    "billing_run": N_("Make the renewals that are due"),
    "carry_out_withdrawal": N_("Carry out a withdrawal from an order"),
    "charge_card": N_("Charge a card"),
    "check_delivery": N_("Check that an order is delivered in time"),
    "check_vat_numbers": N_("Choose the VAT numbers to check"),
    "close_addition": N_("Cancel an order for a service that is over"),
    "collect_invoice": N_("Charge an invoice to the stored card"),
    "confirm_vat_number": N_("Ask VIES about a VAT number"),
    "confirm_vat_number_again": N_("Ask VIES about a VAT number once more"),
    "count_stock": N_("Count the licences left at Microsoft"),
    "delete_personal_data": N_("Delete personal data kept long enough"),
    "delete_tenant": N_("Delete a service that has ended at Microsoft"),
    "deliver_order": N_("Start the delivery of an order"),
    "end_group": N_("End a service on its day"),
    "end_seats": N_("Remove licences that were given back"),
    "end_withdrawn_seats": N_("Remove the licences of an order after a withdrawal"),
    "enlarge_group": N_("Add licences to a service"),
    "expire_export": N_("Delete a copy of all data that has expired"),
    "expire_order": N_("Close an order that was not paid in time"),
    "fetch_earlier_payouts": N_("Fetch earlier payouts of the bank"),
    "fetch_payouts": N_("Fetch the payouts of the bank"),
    "forget_card": N_("Have the bank forget a removed card"),
    "give_notice": N_("Announce the end of a suspended service"),
    "give_seats_back": N_("Give chosen licences back"),
    "import_seats": N_("Set up licences from a file"),
    "install_group": N_("Install a service at Microsoft"),
    "invoice_order": N_("Issue the invoice of an order"),
    "make_export": N_("Make a copy of all data"),
    "read_payout": N_("Read the lines of a payout"),
    "read_sign_ins": N_("Ask when licence holders signed in"),
    "refund_credit_note": N_("Ask the bank for the refund of a credit note"),
    "refund_payment": N_("Ask the bank for the refund of a payment"),
    "refund_undelivered": N_("Refund what was not delivered"),
    "release_letters": N_("Send emails that waited for a confirmed address"),
    "release_seat": N_("Delete a licence holder’s account"),
    "resume_group": N_("Resume a service at Microsoft"),
    "send_letter": N_("Send an email to a customer"),
    "send_notice": N_("Send an announcement to customers"),
    "send_refund": N_("Have the bank make a refund"),
    "send_reset_links": N_("Send links for a new password"),
    "send_staff_letter": N_("Send an email to a member of staff"),
    "set_seat_password": N_("Change a licence holder’s password"),
    "suspend_group": N_("Suspend a service at Microsoft"),
    "tell_of_free_end": N_("Announce the end of a free period"),
    "tell_of_passwords": N_("Announce that the passwords of a file are ready"),
    "update_seat": N_("Change a licence holder’s name or address"),
    "watch_card_setup": N_("Ask the bank about a card being registered"),
    "watch_dispute": N_("Ask the bank about a dispute"),
    "watch_payment": N_("Ask the bank about a payment"),
    "watch_refund": N_("Ask the bank about a refund"),
}
"""What a job of each kind does (``msgid``)."""

TABLES: dict[str, tuple[str, type[Any]]] = {
    "account": ("account", Account),
    "addition": ("addition", Addition),
    "card": ("card", Card),
    "credit_note": ("invoice", Invoice),
    "dispute": ("dispute", Dispute),
    "export": ("export", DataExport),
    "group": ("group", LicenceGroup),
    "invoice": ("invoice", Invoice),
    "letter": ("letter", Letter),
    "order": ("order", Order),
    "payment": ("payment", Payment),
    "refund": ("refund", Refund),
    "seat": ("seat", Seat),
    "seat_import": ("import", SeatImport),
    "setup": ("card_setup", CardSetup),
    "subscription": ("subscription", Subscription),
    "termination": ("termination", Termination),
}
"""The subject and the table of what a parameter of a job numbers."""


NAMED = ("nic_handle", "first_name", "last_name", "company")
"""The columns by which lists name a customer."""


@dataclass(frozen=True)
class Work:
    """What a job works on: its kind (``msgid``), the thing if it has a page, and whose it is."""

    label: str
    thing: Thing | None
    customer: Account | None


def work_of(job: Job) -> Work | None:
    """Return what a job works on; None for work on no one thing, or on one that is deleted."""
    found = _parameter(job)
    if found is None:
        return None
    subject, table = TABLES[found[0]]
    row = table.get_or_none(table.id == found[1])
    return _work(subject, row) if row is not None else None


def _parameter(job: Job) -> tuple[str, int] | None:
    """Return the name and the number of the thing that a job works on, if it is one thing."""
    if job.kind == "send_staff_letter":
        return None  # its letters are numbered apart from those to customers
    return next(((name, job.payload[name]) for name in job.payload if name in TABLES), None)


def _work(subject: str, row: Any) -> Work:
    things = time_line.things_of({subject: {row.id}})
    customer = Account.get_or_none(Account.id == owner_of(row))
    return Work(SUBJECTS[subject], things.get((subject, row.id)), customer)


def customers_of(numbers: Collection[int]) -> dict[int, Account]:
    """Return whose the things are that jobs work on, by the jobs' ids: two statements."""
    jobs = Job.select(Job.id, Job.kind, Job.payload).where(Job.id.in_(sorted(numbers)))
    worked_on = {job.id: _parameter(job) for job in jobs}
    wanted: dict[str, set[int]] = {}
    for name, number in filter(None, worked_on.values()):
        wanted.setdefault(name, set()).add(number)
    if not wanted:
        return {}
    queries = [_owners(name, ids) for name, ids in wanted.items()]
    rows = reduce(lambda query, other: query.union_all(other), queries).tuples()
    owners = {
        (name, number): Account(**dict(zip(NAMED, values, strict=True)))
        for name, number, *values in rows
    }
    return {job: owners[thing] for job, thing in worked_on.items() if thing in owners}


def _owners(name: str, ids: set[int]) -> Any:
    """Return the query for the owners of things, by the name and the number of each thing."""
    table = TABLES[name][1]
    owner: Any = Account.alias()
    columns = [getattr(owner, column) for column in NAMED]
    return (
        table.select(Cast(Value(name), "VARCHAR(16)"), table.id, *columns)
        .join(owner, on=(owner.id == owner_column(table)))
        .where(table.id.in_(sorted(ids)))
    )
