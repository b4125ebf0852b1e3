"""The time line of a customer: everything that happened, once, in order, with who did it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator

import pytest

from models import Account, AccountEvent, Event, all_tables, database
from records.base import StateMachine
from records.money_acts import MoneyActKind
from shop.customers import notes
from shop.errors import Refusal
from shop.overviews import event_words, time_line
from shop.overviews.time_line import Entry
from tests import ROOT
from tests.support import queries
from tests.support.belongings import Belongings


def pages_of(account: Account, size: int) -> Iterator[list[Entry]]:
    """Yield the pages of a time line, from the newest to the oldest."""
    older = ""
    while True:
        page = time_line.of_account(account, older, size)
        yield page.entries
        if not page.older:
            return
        older = page.older


def test_a_time_line_holds_everything_of_one_customer_in_order(
    alices: Belongings, charlie: Account
) -> None:
    alice = alices.account
    notes.write_note(alice, "  Called about her invoice. ", by="staff:sam")
    with pytest.raises(Refusal):
        notes.write_note(alice, " ", by="staff:sam")
    whole = time_line.of_account(alice, size=1000)
    assert whole.older == ""
    events = Event.select().where(Event.account_id == alice.id).count()
    own = AccountEvent.select().where(AccountEvent.account == alice).count()
    assert len(whole.entries) == events + own + 1 > 30
    assert [each for page in pages_of(alice, 7) for each in page] == whole.entries
    moments = [each.at for each in whole.entries]
    assert moments == sorted(moments, reverse=True)
    newest = whole.entries[0]
    assert (newest.subject, newest.note, newest.by) == (
        "note", "Called about her invoice.", "staff:sam",
    )  # fmt: skip
    shown = {(each.subject, each.what, each.by): each for each in whole.entries}
    placed = shown["order", "Placed", alice.nic_handle]
    assert placed.thing is not None
    assert (placed.thing.kind, placed.thing.key) == ("order", alices.delivered.number)
    named = {each.subject for each in whole.entries if each.thing is not None}
    assert named >= {"order", "invoice", "letter", "group", "seat", "payment", "subscription"}
    assert all(each.what in event_words.EVENTS.values() for each in whole.entries
               if each.subject not in {"account", "note"})  # fmt: skip
    others = time_line.of_account(charlie, size=1000).entries
    assert {each.subject for each in others} <= {"account", "letter"}


def test_a_page_of_a_time_line_costs_five_statements_and_reads_no_whole_table(
    alices: Belongings,
) -> None:
    read = lambda: time_line.of_account(alices.account, size=20)  # noqa: E731
    with queries.recorded() as statements:
        read()
    assert len(statements) == 5
    assert queries.scanned_by(read) == []
    invalid = time_line.of_account(alices.account, older="1-2-3", size=20)
    assert invalid == read()


def test_every_event_has_words() -> None:
    machines = [table for table in all_tables() if issubclass(table, StateMachine)]
    reached = {
        f"{table.event_subject}_{status}"
        for table in machines
        for statuses in table.moves.values()
        for status in statuses
    }
    assert {table.event_subject for table in machines} <= set(event_words.SUBJECTS)
    named = re.compile(r'transitions\.record\(\s*\w+,\s*"(\w+)"')
    for path in (ROOT / "shop").rglob("*.py"):
        reached |= set(named.findall(path.read_text()))
    reached |= {f"money_{kind}" for kind in MoneyActKind}
    assert reached - set(event_words.EVENTS) == set()


def test_the_migration_finds_whose_events_they_are(alices: Belongings) -> None:
    kept = {row.id: row.account_id for row in Event.select()}
    assert set(kept.values()) == {alices.account.id}
    Event.update(account_id=None).execute()
    importlib.import_module("migrations.0097_time_lines").fill(database)
    assert {row.id: row.account_id for row in Event.select()} == kept
