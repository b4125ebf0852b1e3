"""What causes the e-mails about an order (`shop.mail.order_letters`)."""

from __future__ import annotations

from models import Account, Order, OrderStatus
from shop import clock
from shop.jobs import queue
from shop.orders import attach, orders
from shop.payments import outcomes
from shop.payments.gateway import CheckoutStatus
from tests.support import exchange, purchases
from tests.support.letter_causes import licences
from tests.support.parties import Bank, Provider


def _placed(account: Account) -> Order:
    return purchases.place(account, purchases.basket(business=12, pro_plus=3), account.language)


def order_placed(account: Account, bank: Bank, provider: Provider) -> None:
    """An order is placed."""
    _placed(account)


def order_cancelled(account: Account, bank: Bank, provider: Provider) -> None:
    """An order is cancelled."""
    orders.cancel_order(_placed(account), by=account.nic_handle)


def expire(order: Order) -> None:
    """Let an order expire that is not paid."""
    Order.update(expires_at=clock.now()).where(Order.id == order.id).execute()
    orders.expire_order(order.id)


def order_expired(account: Account, bank: Bank, provider: Provider) -> None:
    """An order is not paid in time."""
    expire(_placed(account))


def payment_received(account: Account, bank: Bank, provider: Provider) -> None:
    """An order is paid."""
    purchases.pay(_placed(account), bank)


def payment_refunded(account: Account, bank: Bank, provider: Provider) -> None:
    """An order is paid after it was cancelled."""
    order = _placed(account)
    payment = purchases.start_paying(order)
    orders.cancel_order(order, by=account.nic_handle)
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED))
    queue.drain()


def delivery_failed(account: Account, bank: Bank, provider: Provider) -> None:
    """The provider refuses the installation."""
    provider.failing = "The domain is taken."
    licences.service_installed(account, bank, provider)
    order = Order.select().where(Order.account == account).get()
    assert order.status == OrderStatus.DELIVERY_FAILED


def rest_refunded(account: Account, bank: Bank, provider: Provider) -> None:
    """The provider refuses one of the two groups, and its customer wants the money back."""
    order = _placed(account)
    provider.refused_offers.add("pro_plus")
    purchases.pay(order, bank)
    queue.drain()
    orders.refund_order(Order.get_by_id(order.id), by=account.nic_handle)
    queue.drain()


def attach_ordered(account: Account, bank: Bank, provider: Provider) -> None:
    """Office Attach is ordered for three mailboxes."""
    exchange.with_card(account, bank)
    requested = exchange.attach_request(exchange.service(account, 3))
    attach.place_order(requested, exchange.seen(requested))
