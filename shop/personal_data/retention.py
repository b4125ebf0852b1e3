"""What has been kept long enough, and its deletion: once a day, and by ``flask retention``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

import structlog
from peewee import SQL, fn

from records.accounts import Account
from records.batches import in_batches
from records.events import Event
from records.groups import GROUPS_OVER, WITH_PEOPLE, LicenceGroup
from records.handovers import Handover
from records.invoices import Invoice
from records.letters import Letter, LetterKind, LetterStatus, StaffLetter, StoredLetter
from records.orders import Order
from records.subscriptions import Subscription
from shop import clock, mail
from shop.jobs import kinds
from shop.personal_data import blanking, closing, erasure

log = structlog.get_logger()

PEOPLE = timedelta(days=30)
"""How long the names of licence holders are kept after the end of their group (terms, 16.2)."""

HISTORY = timedelta(days=365)
"""How long the history of a group that has not ended names licence holders."""

SECRETS = timedelta(days=90)
"""How long the content of an e-mail with a password or a link is kept."""

LINKS = timedelta(days=30)
"""How long a link to a licence's password is kept after it has expired, with the address."""

ACCOUNT_YEARS = 5
"""How long an account is kept after its last service (terms, 16.1: limitation of actions)."""

NOTICE = timedelta(days=30)
"""How long before its end an idle account is told of it, so that its owner can keep it."""

BECAUSE = "five years without a service"


@dataclass(frozen=True)
class Rule:
    """One kind of data: what is due, what it is called in lists, and how it goes."""

    name: str
    says: str
    due: Callable[[], Iterator[Any]]
    shown: Callable[[Any], str]
    apply: Callable[[Any], object]


# --- What is due -----------------------------------------------------------------------------


def _groups_with_people() -> Iterator[LicenceGroup]:
    """Yield the groups that ended 30 days ago and more, and still name licence holders."""
    until = clock.now() - PEOPLE
    ended = Event.select().where(
        Event.subject == LicenceGroup.event_subject,
        Event.subject_id == LicenceGroup.id,
        Event.to_status.in_(GROUPS_OVER),
        Event.at <= until,
    )
    over = Subscription.select().where(
        Subscription.group == LicenceGroup.id, Subscription.ended_at <= until
    )
    query = LicenceGroup.select().where(
        SQL(WITH_PEOPLE),
        fn.EXISTS(ended) | fn.EXISTS(over),
    )
    return in_batches(query, LicenceGroup.id)


def _old_histories() -> Iterator[int]:
    """Yield the numbers of the groups whose history names licence holders for too long."""
    old = (SQL("person <> ''"), Event.at <= clock.now() - HISTORY)
    rows = Event.select(Event.group_id).where(*old).distinct().tuples()
    return iter([row[0] for row in cast("Any", rows)])


def _secret_letters() -> Iterator[StoredLetter]:
    """Yield the e-mails with a secret that are 90 days old and not waiting to be sent."""
    for table in (Letter, StaffLetter):
        query = table.select(table.id, table.subject, table.created_at).where(
            table.is_secret,
            table.created_at <= clock.now() - SECRETS,
            table.status != LetterStatus.QUEUED,
        )
        yield from in_batches(query, table.created_at, table.id)


def _old_handovers() -> Iterator[Handover]:
    """Yield the links to passwords that expired, or were replaced, 30 days ago."""
    now, until = clock.now(), clock.now() - LINKS
    expired = (Handover.expires_at <= until) | (Handover.sends == 0)
    query = Handover.select(Handover.id, Handover.expires_at, Handover.ended_at)
    # One query for each index.
    yield from in_batches(
        query.where(Handover.expires_at <= now, expired), Handover.expires_at, Handover.id
    )
    is_left = Handover.expires_at.is_null() | (Handover.expires_at > now) | ~expired
    yield from in_batches(
        query.where(Handover.ended_at <= until, is_left), Handover.ended_at, Handover.id
    )


def years_before(day: date, years: int) -> date:
    """Return the same day some years before; the 28th of February for the 29th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _forgotten_accounts() -> Iterator[Account]:
    """Yield the accounts to be erased: closed, or told of it 30 days ago, and idle for long."""
    until = _idle_since(clock.today())
    told = _of(Letter, (Letter.kind == LetterKind.ACCOUNT_ENDING) & (Letter.created_at > until))
    told_long_ago = told.where(Letter.created_at <= clock.now() - NOTICE)
    return _idle_accounts(
        until,
        (Account.closed_at <= until) | (Account.closed_at.is_null() & fn.EXISTS(told_long_ago)),
    )


def _accounts_to_tell() -> Iterator[Account]:
    """Yield the open accounts that end in 30 days, and were not told of it."""
    until = _idle_since(clock.today() + NOTICE)
    told = _of(Letter, (Letter.kind == LetterKind.ACCOUNT_ENDING) & (Letter.created_at > until))
    return _idle_accounts(until, Account.closed_at.is_null() & ~fn.EXISTS(told))


def _idle_since(day: date) -> datetime:
    """Return the moment since which an account has had nothing that ends on ``day``."""
    return clock.midnight(years_before(day, ACCOUNT_YEARS))


def _idle_accounts(until: datetime, which: Any) -> Iterator[Account]:
    """Yield the accounts without a service, an order and an invoice since ``until``."""
    later = (
        _of(LicenceGroup, LicenceGroup.status.not_in(GROUPS_OVER)),
        _of(Subscription, Subscription.ended_at > until),
        _of(Order, Order.placed_at > until),
        _of(Invoice, Invoice.issued_at > until),
    )
    query = Account.select().where(
        Account.erased_at.is_null(),
        Account.created_at <= until,
        which,
        *(~fn.EXISTS(each) for each in later),
    )
    for account in in_batches(query, Account.created_at, Account.id):
        if not closing.obstacles(account):
            yield account


def _tell(account: Account) -> None:
    """Tell a customer by e-mail when their account ends: 30 days from now, or later."""
    mail.account_ending(account, clock.today() + NOTICE)


def _of(table: Any, which: Any) -> Any:
    return table.select().where(table.account == Account.id, which)


def _old_invoices() -> Iterator[Invoice]:
    """Yield the invoices whose ten years are over."""
    last_year = clock.today().year - 11
    query = Invoice.select().where(
        Invoice.blanked_at.is_null(), Invoice.issued_on <= date(last_year, 12, 31)
    )
    return in_batches(query, Invoice.issued_on, Invoice.id)


RULES = (
    Rule(
        "people", "groups ended for 30 days: the names of licence holders",
        _groups_with_people, lambda group: group.name, blanking.blank_people,
    ),
    Rule(
        "histories", "histories of groups, after a year: the names of licence holders",
        _old_histories, str,
        lambda group: blanking.forget_in_history(group, clock.now() - HISTORY),
    ),
    Rule(
        "secrets", "e-mails with a password or a link, 90 days old: their content",
        _secret_letters, lambda letter: f"{letter.id} ({letter.subject})",
        lambda letter: blanking.empty_letter(type(letter).get_by_id(letter.id)),
    ),
    Rule(
        "notices", "accounts that end in 30 days: their owners are told",
        _accounts_to_tell, lambda account: account.nic_handle, _tell,
    ),
    Rule(
        "accounts", "accounts without a service for five years: closed, and erased",
        _forgotten_accounts, lambda account: account.nic_handle,
        lambda account: erasure.erase(account, BECAUSE, by=blanking.BY),
    ),
    Rule(
        "invoices", "invoices whose ten years are over: the customer, and the PDF",
        _old_invoices, lambda invoice: invoice.number, blanking.blank_invoice,
    ),
    Rule(
        "links", "links to passwords of licences, out of date for 30 days: they, and the passwords",
        _old_handovers, lambda row: f"{row.id}", lambda row: row.delete_instance(),
    ),
)  # fmt: skip


def due(rule: Rule) -> list[str]:
    """Return what would go by a rule now, by name."""
    return [rule.shown(row) for row in rule.due()]


def run_retention() -> dict[str, int]:
    """Delete what has been kept long enough; return how much by each rule."""
    done = {}
    for rule in RULES:
        number = 0
        for row in rule.due():
            rule.apply(row)
            number += 1
        done[rule.name] = number
    return done


@kinds.delete_personal_data.handler(attempts=20, first_delay=timedelta(minutes=1))
def delete_personal_data() -> None:
    """Delete what has been kept long enough, once a day."""
    done = run_retention()
    if any(done.values()):
        log.info("personal_data_deleted", **done)
