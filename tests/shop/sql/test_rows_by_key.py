"""The row of a primary key is read as Peewee reads it, by SQL that is kept."""

from __future__ import annotations

import pytest
from peewee import Model

from models import Account, InvoiceFile, Order
from records.base import database, lock
from tests.support import queries
from tests.support.belongings import Belongings

pytestmark = pytest.mark.every_case


def by_peewee(model: type[Model], key: object) -> Model:
    return model.select().where(model._meta.primary_key == key).get()


def test_the_row_and_the_sql_are_those_of_peewee(alices: Belongings) -> None:
    order = alices.delivered
    with queries.recorded() as asked:
        read = Order.get_by_id(order.id)
        expected = by_peewee(Order, order.id)
    assert asked[0] == asked[1]
    assert read.__data__ == expected.__data__
    assert read.dirty_fields == []
    read.language = "en"
    assert [field.name for field in read.dirty_fields] == ["language"]


def test_every_way_to_ask_for_a_key_finds_the_row(alices: Belongings) -> None:
    order = alices.delivered
    assert Order.get(Order.id == order.id) == order
    assert Order.get_or_none(Order.id == order.id) == order
    assert Order.get_or_none(Order.id == 0) is None
    assert Order.get_by_id(order.id).account == order.account
    assert Order.get(Order.id == order.id, Order.account == order.account) == order
    assert Order.get(number=order.number) == order
    with pytest.raises(Order.DoesNotExist):
        Order.get_by_id(0)


def test_a_key_that_is_a_reference_finds_the_row(alices: Belongings) -> None:
    file = InvoiceFile.select().first()
    if file is None:
        file = InvoiceFile.create(invoice=alices.invoice, content=b"%PDF", digest="0")
    assert InvoiceFile.get_by_id(file.invoice_id).digest == file.digest
    assert InvoiceFile.get(InvoiceFile.invoice == file.invoice_id).digest == file.digest


def test_a_row_is_read_again_after_it_has_changed(alice: Account) -> None:
    before = Account.get_by_id(alice.id)
    Account.update(city="Roubaix").where(Account.id == alice.id).execute()
    assert Account.get_by_id(alice.id).city == "Roubaix" != before.city


def test_a_lock_reads_the_row_again(alice: Account) -> None:
    Account.update(city="Roubaix").where(Account.id == alice.id).execute()
    with database.atomic(), queries.recorded() as asked:
        assert lock(Account(id=alice.id)).city == "Roubaix"
        assert lock(alice, allow_references=True).city == "Roubaix"
    modes = [each.partition(" LIMIT ")[2].partition(" FOR ")[2] for each in asked]
    expected = [""] * 2 if database.obj.param == "?" else ["UPDATE", "NO KEY UPDATE"]
    assert modes == expected
