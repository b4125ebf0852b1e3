"""The search of the customer area: what it finds, that it finds nobody else's, what it costs."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from models import (
    Account,
    GroupKey,
    Invoice,
    Letter,
    LicenceGroup,
    Order,
    Seat,
    SeatKey,
    database,
)
from shop import mail
from shop.errors import Refusal
from shop.invoicing import credit_notes
from shop.licences import group_keys, seats
from shop.licences import groups as licence_groups
from shop.licences.seats import seat_states
from shop.overviews import own_search
from shop.personal_data import blanking
from tests.support import groups, queries
from tests.support.belongings import Belongings
from tests.support.groups import ZOE
from tests.support.parties import Bank, Provider


def found(account: Account, typed: str) -> dict[str, list[Any]]:
    """Return what a search finds, by kind, without the kinds of which it finds nothing."""
    result = own_search.search_own_data(account, own_search.read_wanted(typed))
    rows = {
        "people": [seat.full_name for seat in result.people],
        "groups": [group.name for group in result.groups],
        "orders": [order.number for order in result.orders],
        "invoices": [invoice.number for invoice in result.invoices],
        "letters": [letter.recipient for letter in result.letters],
    }
    return {kind: names for kind, names in rows.items() if names}


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    """A group of alice's with two users."""
    made = groups.installed(alice, bank)
    groups.configured(made)
    groups.configured(made, 2, ZOE)
    return made


def test_a_user_is_found_by_the_beginning_of_names_login_and_address(
    alice: Account, group: LicenceGroup
) -> None:
    domain = group.domain
    for typed in (
        "lefevre", "LEFÈVRE", "Lefèvre-Ñ", "nandu", "zoé lef", "Lefevre Nandu Zoe", "zo",
        "zoe@", f"ZOE@{domain}", f"zoe@{domain[:7]}", " zoe ",
    ):  # fmt: skip
        assert found(alice, typed).get("people") == [ZOE.first_name + " " + ZOE.last_name], typed
    assert found(alice, "dupont").get("people") == ["Camille Dupont"]
    for typed in ("efevre", "zoe@elsewhere.example", f"zoe@x{domain}", "configureme"):
        assert "people" not in found(alice, typed), typed


def test_whoever_lost_the_licence_is_not_found_any_more(
    alice: Account, group: LicenceGroup
) -> None:
    assert found(alice, "dupont") != {}
    seat = groups.seat_of(group)
    seats.release(seat, seat.version, by="alice")
    groups.queue.drain()
    assert "people" not in found(alice, "dupont")
    assert found(alice, "lefevre") != {}


def test_a_group_is_found_by_the_words_of_its_name_and_by_its_domain(
    alice: Account, group: LicenceGroup
) -> None:
    licence_groups.rename(group, "Siège d’Évreux", by="alice")
    for typed in ("siege", "evreux", "Siège d'é", group.name, group.domain, f"@{group.domain}"):
        assert found(alice, typed).get("groups") == [group.name], typed
    assert "groups" not in found(alice, "business"), "the former name"
    with database.atomic():
        seat_states.end_seats(group, by="alice")
        blanking._blank_group(groups.fresh(group))
    assert "groups" not in found(alice, "evreux")
    assert "people" not in found(alice, "dupont")


def test_documents_are_found_by_the_beginning_of_their_number(alices: Belongings) -> None:
    alice, order, invoice = alices.account, alices.delivered, alices.invoice
    with database.atomic():
        remaining = credit_notes.remaining_of(invoice)
        note = credit_notes.credit(invoice, remaining, "Geste", by="operator")
    for typed in (order.number, order.number[:4], f"{order.number[:3]} {order.number[3:]}"):
        assert order.number in found(alice, typed)["orders"], typed
    year = invoice.number[2:6]
    number = invoice.number
    for typed in ("fa", number, number.lower()[:9], number.replace("-", "")):
        assert invoice.number in found(alice, typed)["invoices"], typed
        assert note.number not in found(alice, typed)["invoices"], typed
    assert found(alice, "AV").get("invoices") == [note.number]
    both = found(alice, year)["invoices"]
    assert {invoice.number, note.number} <= set(both)
    for typed in ("FA1999", "FA20-1", "FA-1", "FAX", f"{order.number}1", "٣", "²"):
        assert not {"orders", "invoices"} & set(found(alice, typed)), typed


def test_the_whole_number_names_a_document_of_the_customer_alone(
    alices: Belongings, charlie: Account
) -> None:
    alice, order, invoice = alices.account, alices.delivered, alices.invoice
    series, _, count = invoice.number.partition("-")
    for typed in (invoice.number, invoice.number.lower(), f"n° {series} {int(count)}"):
        assert own_search.named_by(alice, typed) == invoice, typed
    for typed in (order.number, f"#{order.number}", f"No {order.number[:3]} {order.number[3:]}"):
        assert own_search.named_by(alice, typed) == order, typed
    for typed in ("", "dupont", order.number[:-1], "FA2026", "²", "9" * 99):
        assert own_search.named_by(alice, typed) is None, typed
    for typed in (order.number, invoice.number):
        assert own_search.named_by(charlie, typed) is None, typed


def test_emails_are_found_by_subject_and_by_recipient(
    alices: Belongings, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = alices.account
    newest = Letter.select().where(Letter.account == alice).order_by(Letter.id.desc()).first()
    Letter.update(recipient="old_er@mail.example", folded="la premiere de toutes").where(
        Letter.id == newest.id
    ).execute()
    assert found(alice, "OLD_er@mail") == {"letters": ["old_er@mail.example"]}
    assert found(alice, "Première de") == {"letters": ["old_er@mail.example"]}
    for typed in ("old_er", "old%@", "oldXer@mail", "old_er@mail.example\x00z"):
        assert "letters" not in found(alice, typed), typed
    oldest = Letter.select().where(Letter.account == alice).order_by(Letter.id).first()
    assert oldest.id < newest.id
    Letter.update(folded="la derniere").where(Letter.id == oldest.id).execute()
    assert "letters" in found(alice, "la derniere")
    monkeypatch.setattr(mail.archive, "SEARCH_LIMIT", 2)
    assert "letters" in found(alice, "premiere de")
    assert "letters" not in found(alice, "la derniere"), "only the newest are examined"


def test_nobody_finds_what_another_customer_has(alices: Belongings, charlie: Account) -> None:
    alice, group = alices.account, alices.group
    for typed in (
        "camille", f"camille.dupont@{group.domain}", group.name, group.domain, "office",
        alices.delivered.number, alices.invoice.number, "FA", alice.email,
    ):  # fmt: skip
        assert found(charlie, typed) == {}, typed
    assert found(alice, "camille") != {}


def test_hostile_text_finds_nothing_and_breaks_nothing(alices: Belongings) -> None:
    for typed in (
        "", " ", "%", "_", "'", '"', "\\", "--", "%%%", "' OR 1=1 --", "\x00", "@", "@@", "\ud800",
        "é" * 100, "a@" * 50, "😀", "zzz@%", "zzz@_", "‮",
    ):  # fmt: skip
        assert found(alices.account, typed) == {}, repr(typed)
    with pytest.raises(Refusal):
        own_search.read_wanted("a" * 101)
    assert own_search.read_wanted(f"{' ' * 10_000}a") == "a"


def test_each_kind_lists_some_and_says_that_there_are_more(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = groups.installed(alice, bank, quantity=3)
    for number, person in enumerate(("Anna", "Annabelle", "Anne"), start=1):
        seat = groups.seat_of(group, number)
        login = f"ann.ann-{number}"
        seats.configure(seat, seat.version, seats.Person(person, "Anning", login), by="alice")
    all_of_them = own_search.search_own_data(alice, "ann", 3)
    assert [seat.first_name for seat in all_of_them.people] == ["Anna", "Annabelle", "Anne"]
    assert "people" not in all_of_them.cut
    some = own_search.search_own_data(alice, "ann", 2)
    assert [seat.first_name for seat in some.people] == ["Anna", "Annabelle"]
    assert "people" in some.cut
    assert some.only_group == group


def test_no_search_reads_a_whole_table_or_runs_more_than_five_statements(
    alices: Belongings,
) -> None:
    alice, group = alices.account, alices.group
    for typed in (
        "lefevre", f"camille.dupont@{group.domain}", alices.delivered.number, "FA2026", "2026",
    ):  # fmt: skip
        assert (
            queries.scanned_by(lambda typed=typed: own_search.search_own_data(alice, typed)) == []
        ), typed
        with queries.recorded() as statements:
            own_search.search_own_data(alice, typed)
        assert len(statements) <= 5
    assert queries.scanned_by(lambda: list(Seat.select().where(Seat.login == "x"))) != []


def test_the_migration_writes_the_keys_that_the_shop_writes(
    alices: Belongings, group: LicenceGroup
) -> None:
    migration = importlib.import_module("migrations.0115_search_everywhere")

    def keys() -> set[tuple[int, bytes, int]]:
        rows: Any = GroupKey.select(GroupKey.account, GroupKey.key, GroupKey.group).tuples()
        return {(account, bytes(key), group) for account, key, group in rows}

    kept = keys()
    assert kept
    GroupKey.delete().execute()
    with database.bind_ctx([migration.Account, migration.LicenceGroup, migration.GroupKey]):
        migration.fill()
    assert keys() == kept
    GroupKey.delete().where(GroupKey.group == group).execute()
    assert (group_keys.write_missing(), group_keys.write_missing()) == (1, 0)
    assert keys() == kept


def test_keys_of_users_name_the_customer_and_those_of_nobody_name_none(
    alice: Account, group: LicenceGroup
) -> None:
    named = {
        (row.account_id, row.status == "unconfigured")
        for row in SeatKey.select().where(SeatKey.group == group)
    }
    assert named == {(alice.id, False), (None, True)}


def test_orders_and_invoices_of_one_beginning_come_in_the_order_of_their_numbers(
    alices: Belongings,
) -> None:
    for model in (Order, Invoice):
        numbers = [row.number for row in model.select().where(model.account == alices.account)]
        assert numbers
    for beginning in "123456789":
        shown = found(alices.account, beginning).get("orders", [])
        assert shown == sorted(shown)
        assert all(number.startswith(beginning) for number in shown)
