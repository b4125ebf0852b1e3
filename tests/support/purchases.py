"""Factories for orders and payments."""

from __future__ import annotations

from models import Account, Order, Payment
from shop.documents import parties
from shop.orders import baskets, contracts
from shop.orders.baskets import Basket, new_name
from shop.orders.placing import Confirmation
from shop.payments import outcomes, payments
from shop.payments.gateway import CheckoutStatus
from shop.pricing import catalogue
from tests.support.parties import Bank

BASE = "http://localhost"


def basket(business: int = 3, pro_plus: int = 0, name: str = "") -> Basket:
    """Return a basket of these numbers of licences."""
    return Basket(name or new_name(), {"business": business, "pro_plus": pro_plus})


def seen_by(account: Account, chosen: Basket, language: str = "fr") -> Confirmation:
    """Return what ``account`` sees and accepts when confirming a basket now."""
    quote = baskets.quote(chosen, catalogue.offers(), account)
    return Confirmation(
        total_cents=quote.totals.total_cents,
        contract_digests=tuple(
            contract.digest for contract in contracts.current_contracts(language)
        ),
        ip_address="203.0.113.7",
        language=language,
    )


def place(account: Account, chosen: Basket | None = None, language: str = "fr") -> Order:
    """Place an order as the storefront does."""
    chosen = chosen or basket()
    return baskets.place_order(account, chosen, seen_by(account, chosen, language))


def start_paying(order: Order, *, store_card: bool = False) -> Payment:
    """Start a payment as the purchase order does."""
    return payments.start_payment(
        order, store_card=store_card, base_url=BASE, by=order.account.nic_handle
    )


def pay(order: Order, bank: Bank, *, store_card: bool = False, number: str = "") -> Payment:
    """Pay an order by card (of a ``number``) and apply the bank's result. Return the payment."""
    payment = start_paying(order, store_card=store_card)
    assert payment.checkout is not None
    return outcomes.CHECKOUTS.settle(
        payment, bank.tell(payment.checkout, CheckoutStatus.SUCCEEDED, number=number)
    )


def payments_of(order: Order) -> list[Payment]:
    """Return the payments of an order, oldest first."""
    return list(Payment.select().where(Payment.order == order).order_by(Payment.id))


def by_a_business(account: Account) -> None:
    """Let the account be a company's, and have been one when it placed its orders."""
    _ordered_as(account, company="Atelier")


def by_a_consumer(account: Account) -> None:
    """Let the account be a consumer's, and have been one when it placed its orders."""
    _ordered_as(account, company="")


def _ordered_as(account: Account, company: str) -> None:
    account.company = company
    account.save()
    Order.update(customer=parties.buyer_record(account)).where(Order.account == account).execute()
