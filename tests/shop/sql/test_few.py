"""Few rows of many: found by their index, whatever the database believes about the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from peewee import PostgresqlDatabase

from models import Account, Event, Invoice, LicenceGroup, Order, Subscription, database
from shop import clock
from shop.licences import groups
from shop.mail.archive import letters_for_page
from shop.overviews import bill_page, group_history, services
from shop.overviews.group_history import View
from shop.sql.few import one_of_few, planned_for_values
from tests.support import queries
from tests.support.belongings import Belongings


def is_postgresql() -> bool:
    return isinstance(database.obj, PostgresqlDatabase)


def test_one_of_few_finds_what_in_finds(alices: Belongings, charlie: Account) -> None:
    of_alice = Order.select(Order.id).where(Order.account == alices.account)
    of_charlie = Order.select(Order.id).where(Order.account == charlie)
    both = of_alice.union(of_charlie)
    for found in (of_alice, of_charlie, both):
        expected = list(Order.select().where(Order.id.in_(found)).order_by(Order.id))
        assert list(Order.select().where(one_of_few(Order.id, found)).order_by(Order.id)) == (
            expected
        )


READS: dict[str, tuple[type[Any], Callable[[Belongings], object]]] = {
    "a search in groups": (
        LicenceGroup, lambda alices: list(groups.search_groups(alices.account, "o365"))
    ),
    "the services of an invoice": (
        LicenceGroup,
        lambda alices: bill_page.services_of(
            Invoice.select().where(Invoice.order.is_null(False))[0]
        ),
    ),
    "a page of services": (
        Subscription,
        lambda alices: services.of_account.slice(20, 0, alices.account, clock.today()),
    ),
    "the history of a licence": (
        Event, lambda alices: group_history.of_group(alices.group, View(licence=1))
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READS)
def test_they_are_looked_up_by_their_ids(alices: Belongings, name: str) -> None:
    table, read = READS[name]
    plan = queries.plan_of(lambda: read(alices))
    if is_postgresql():
        assert any("= ANY" in line and "Index Cond: (id" in line for line in plan), plan
    else:
        assert any(line.startswith("SEARCH t1") and "rowid=?" in line for line in plan), plan
    assert list(table.select().limit(1)), "there is one"


# --- Plans that are kept ---------------------------------------------------------------------


def kept(comment: str) -> int:
    """Return how many plans of ``find(comment)`` PostgreSQL keeps for this connection."""
    count = "SELECT COUNT(*) FROM pg_prepared_statements WHERE statement LIKE %s"
    return int(database.execute_sql(count, [f"SELECT /* {comment} */%"]).fetchone()[0])


def find(comment: str) -> None:
    """Run a statement often; each test has its own, as the connection outlives them."""
    for number in range(20):
        mark = database.param
        database.execute_sql(f"SELECT /* {comment} */ id FROM seat WHERE number = {mark}", [number])


def test_no_plan_is_kept_of_what_is_planned_for_its_values(alices: Belongings) -> None:
    with planned_for_values():
        find("here")
    if is_postgresql():
        assert kept("here") == 0
        find("here")
        assert kept("here") == 1, "others are"


def test_it_ends_with_a_failure(alices: Belongings) -> None:
    with pytest.raises(ZeroDivisionError), planned_for_values():
        raise ZeroDivisionError
    find("after a failure")
    assert not is_postgresql() or kept("after a failure") == 1


def test_what_concerns_an_invoice_is_found_by_indexes(alices: Belongings) -> None:
    """SQLite would read all invoices for one condition among others that is of no index."""
    assert queries.scanned_by(lambda: bill_page.payment_state(alices.invoice)) == []


def test_a_list_names_how_many_rows_it_wants(alices: Belongings) -> None:
    """PostgreSQL keeps no plan of a statement while it does not know how many rows are wanted."""
    with queries.recorded() as asked:
        assert letters_for_page.slice(20, 0, alices.account)
        letters_for_page.slice(20, 40, alices.account)
    first, later = asked
    assert first.endswith(" LIMIT 20")
    assert later.endswith(f" LIMIT 20 OFFSET {database.param}")
