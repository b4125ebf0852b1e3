"""Demo data: offers, customers and licences for trying the shop."""

from __future__ import annotations

from models import Account, LicenceGroup, Order, OrderStatus
from shop.customers import sign_in
from shop.jobs import queue
from shop.operations import demo


def test_loading_the_demo_twice_makes_one_customer(app):
    first, password = demo.load_demo()
    again, _ = demo.load_demo()
    assert first == again
    assert sign_in.sign_in(first.nic_handle, password, "203.0.113.7") == first


def test_each_new_account_is_different(app):
    one, other = demo.new_account("en"), demo.new_account("xx")
    assert one["nic_handle"] != other["nic_handle"]
    languages = [
        Account.get(Account.nic_handle == each["nic_handle"]).language for each in (one, other)
    ]
    assert languages == ["en", "fr"]
    assert not Order.select().exists()


def test_a_new_account_may_own_licences(app, provider):
    fresh = demo.new_account("fr", licences=3)
    queue.drain()
    account = Account.get(Account.nic_handle == fresh["nic_handle"])
    group = LicenceGroup.get(LicenceGroup.account == account)
    assert (group.is_open, group.seats_unconfigured) == (True, 3)
    assert Order.get(Order.account == account).status == OrderStatus.DELIVERED
