"""What all tables have in common."""

from __future__ import annotations

import pytest

from models import Order
from shop import mail
from shop.overviews import bills, states
from tests.support.belongings import Belongings

pytestmark = pytest.mark.one_database


def test_columns_are_left_out_by_their_names() -> None:
    every = set(Order._meta.fields)
    named = {column.name for column in Order.columns_but("customer", "basket")}
    assert named == every - {"customer", "basket"}


def test_a_column_that_is_not_there_cannot_be_left_out() -> None:
    with pytest.raises(ValueError, match=r"Order has no \['buyer'\]"):
        Order.columns_but("customer", "buyer")


def test_lists_read_no_long_columns(alices: Belongings) -> None:
    who = alices.account
    for rows, long in (
        (states.orders_of.rows(who), {"customer", "basket"}),
        (bills.bills_between.rows(who, None, None), {"customer", "seller"}),
        (mail.letters_for_page.rows(who), {"text", "html"}),
        (mail.search_letters(who, "commande").letters, {"text", "html"}),
    ):
        assert rows, "there are some"
        assert all(long.isdisjoint(row.__data__) for row in rows)
