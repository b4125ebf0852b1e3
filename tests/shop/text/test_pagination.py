"""Pages of lists: each row once, counted only where the first page does not say it all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from peewee import ModelSelect

from models import Account, KnownOrigin
from shop import clock
from shop.sql.prepared import prepared
from shop.text.pagination import Page, bounded_page_of, page_of_prepared
from tests.support import queries


@prepared
def prepared_rows(account: Account) -> ModelSelect[KnownOrigin]:
    return rows_of(account)


def rows_of(account: Account) -> ModelSelect[KnownOrigin]:
    return KnownOrigin.select().where(KnownOrigin.account == account).order_by(KnownOrigin.id)


WAYS: dict[str, Callable[[Account, int], Page]] = {
    "built each time": lambda who, number: bounded_page_of(rows_of(who), number, per_page=3),
    "built once": lambda who, number: page_of_prepared(prepared_rows, number, who, per_page=3),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("rows", "wanted", "shown", "number", "pages", "statements"),
    [
        (0, 1, 0, 1, 1, 1),
        (2, 1, 2, 1, 1, 1),
        (2, 0, 2, 1, 1, 1),
        (2, 9, 2, 1, 1, 2),
        (3, 1, 3, 1, 1, 2),
        (4, 1, 3, 1, 2, 2),
        (4, 2, 1, 2, 2, 2),
        (7, 9, 1, 3, 3, 2),
    ],
)
def test_a_page_that_ends_within_the_first_is_not_counted(
    alice: Account, way: str, rows: int, wanted: int, shown: int, number: int, pages: int,
    statements: int,
) -> None:  # fmt: skip
    now = clock.now()
    for place in range(rows):
        KnownOrigin.create(
            account=alice, kind="network", digest=str(place), first_at=now, seen_at=now
        )
    with queries.recorded() as asked:
        page = WAYS[way](alice, wanted)
    first = (number - 1) * 3
    assert [row.digest for row in page.rows] == [str(first + place) for place in range(shown)]
    assert (page.number, page.pages, page.total) == (number, pages, rows)
    assert len(asked) == statements
