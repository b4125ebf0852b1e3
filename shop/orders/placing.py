"""Placing orders of every kind: the price shown is checked, and placement is idempotent."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import IntegrityError, ModelSelect

from records.accounts import Account
from records.base import database, lock
from records.catalogue import Contract
from records.orders import Acceptance, Order, OrderLine, OrderStatus
from shop import clock, mail, transitions, vat
from shop.customers import holds
from shop.documents import parties
from shop.errors import N_, Conflict, Refusal
from shop.jobs import kinds
from shop.orders import closing, contracts
from shop.pricing import money
from shop.sandbox_link import test_points
from shop.sql.prepared import prepared
from shop.vat import evidence

ATTEMPTS = 20
"""The most attempts to place an order. It is retried when the random number is taken or another
request was first."""

EXPIRES_AFTER = timedelta(days=14)
"""How long an unpaid order can be paid (design)."""

TOO_LITTLE = N_("This costs less than banks accept. Choose more licences.")
TOO_MUCH = N_(
    "This comes to more than banks accept in one payment. Choose fewer licences, or contact us."
)

MOST_UNPAID = 10
"""The most orders of an account that await payment."""

ALREADY_CLOSED = N_("This order has just been paid, or closed, in another window.")


class EarlierOrderInUse(Conflict):
    """The order to replace cannot be closed, because a payment of it has begun."""

    def __init__(self) -> None:
        super().__init__(ALREADY_CLOSED)


@dataclass(frozen=True)
class Quote:
    """The price of an order: lines, totals and the VAT treatment applied.

    ``is_estimate``: the customer is not known yet, and French VAT is assumed.
    """

    lines: list[money.Line]
    totals: money.Totals
    treatment: vat.VatTreatment
    is_estimate: bool


@dataclass(frozen=True)
class Confirmation:
    """The total and contracts that the customer saw and accepted with "Confirm and Pay"."""

    total_cents: int
    contract_digests: tuple[str, ...]
    ip_address: str
    language: str


class OrderKind(ABC):
    """The subject of an order: a basket, licences for a group, or Office Attach.

    ``basket`` is the name of the form: an order replaces an unpaid one with the same name.
    ``key``, made of name and content, is the idempotency key of placement. ``language`` is the one
    in which the order names its offers.
    """

    def __init__(self, account: Account, basket: str, key: str) -> None:
        self.account = account
        self.language = account.language
        self.basket = basket
        self.key = key

    @property
    @abstractmethod
    def quote(self) -> Quote:
        """The price of the order; computed once."""

    @property
    def total_shown(self) -> int:
        """The amount that the customer confirms, in cents: the order's total."""
        return self.quote.totals.total_cents

    @property
    def expires_at(self) -> datetime:
        """The moment until which it can be paid."""
        return clock.now() + EXPIRES_AFTER

    @abstractmethod
    def check(self) -> None:
        """Raise `Refusal` if this cannot be ordered now."""

    def check_amount(self) -> None:
        """Raise `Refusal` if no bank accepts a payment of the total."""
        check_payable(self.quote.totals.total_cents)

    @abstractmethod
    def reserve(self, lines: list[OrderLine]) -> None:
        """Reserve what the order needs, in its transaction. Raises `Refusal`."""

    def follow_up(self, order: Order) -> None:
        """Queue the next steps in the order's transaction: here, e-mail it and let it expire."""
        mail.order_placed(order)
        kinds.expire_order.using(run_at=order.expires_at).later(order=order.id)


def check_payable(total_cents: int, field: str = "", *, too_little: str = TOO_LITTLE) -> None:
    """Raise `Refusal` at ``field`` if no bank accepts a payment of that total, VAT included."""
    if total_cents < money.LEAST_CENTS:
        raise Refusal(too_little, field)
    if total_cents > money.MOST_PAYABLE_CENTS:
        raise Refusal(TOO_MUCH, field)


def place(ordered: OrderKind, confirmed: Confirmation) -> Order:
    """Place the order of ``ordered``; idempotent: return the existing order if there is one.

    An earlier unpaid order of the same basket with other content is replaced. Raises `Conflict`
    if prices or contracts differ from what the customer saw, or the order to replace has just been
    paid; `payables.PaymentUnderWay` while that is being paid; and the refusals of ``ordered``.
    """
    placed = _find_placed(ordered)
    if placed is not None:
        return placed
    ordered.language = confirmed.language
    ordered.check()
    ordered.check_amount()
    accepted = contracts.current_contracts(confirmed.language)
    _check_confirmation(ordered, accepted, confirmed)
    earlier: set[Order] = set()
    for attempt in range(1, ATTEMPTS + 1):
        earlier.update(_to_replace(ordered))
        for order in earlier:
            closing.stop_payment(order)
        test_points.point("ordering.place")
        try:
            with database.atomic():
                _close_earlier(ordered, earlier)
                _check_unpaid(ordered.account)
                return _create_order(ordered, accepted, confirmed)
        except (EarlierOrderInUse, IntegrityError):
            # Another request was first, a payment has begun, or the random number is taken.
            placed = _find_placed(ordered)
            if placed is not None:
                return placed
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _find_placed(ordered: OrderKind) -> Order | None:
    return _with_key.first(ordered.account, ordered.key)


@prepared
def _with_key(account: Account, key: str) -> ModelSelect[Order]:
    return Order.select().where(Order.account == account, Order.basket_key == key)


def _to_replace(ordered: OrderKind) -> list[Order]:
    """Return the unpaid orders of the same basket with other content."""
    return _unpaid_of_basket.rows(ordered.account, ordered.basket, ordered.key)


@prepared
def _unpaid_of_basket(account: Account, basket: str, other_than: str) -> ModelSelect[Order]:
    return Order.select().where(
        Order.account == account,
        Order.basket == basket,
        Order.basket_key != other_than,
        Order.status == OrderStatus.AWAITING_PAYMENT,
    )


def _close_earlier(ordered: OrderKind, earlier: set[Order]) -> None:
    """Cancel the orders to replace, in the transaction of the new one.

    The account's row is locked, so that a customer's orders are placed one at a time: of two edits
    in two tabs, the second replaces the first. Raises `Conflict` if one of ``earlier`` has been
    paid, and `EarlierOrderInUse` if a payment of one has begun.
    """
    holds.check_orders(lock(ordered.account, allow_references=True))
    if any(Order.get_by_id(order.id).paid_at for order in earlier):
        raise Conflict(ALREADY_CLOSED)
    for order in _to_replace(ordered):
        if closing.close_order(order, OrderStatus.CANCELLED, by=ordered.account.nic_handle) is None:
            raise EarlierOrderInUse


def _check_unpaid(account: Account) -> None:
    """Raise `Refusal` if as many orders await payment as may; the account's row is locked."""
    if _unpaid.count(account, most=MOST_UNPAID) >= MOST_UNPAID:
        raise Refusal(
            N_("You have %(count)d orders to pay. Pay or cancel one of them first."),
            count=MOST_UNPAID,
        )


@prepared
def _unpaid(account: Account) -> ModelSelect[Order]:
    return Order.select().where(
        Order.account == account, Order.status == OrderStatus.AWAITING_PAYMENT
    )


def _check_confirmation(
    ordered: OrderKind, accepted: list[Contract], confirmed: Confirmation
) -> None:
    if tuple(contract.digest for contract in accepted) != confirmed.contract_digests:
        raise Conflict(N_("The contracts have changed meanwhile. Please read and accept them."))
    if ordered.total_shown != confirmed.total_cents:
        raise Conflict(N_("The price has changed meanwhile. Please check it and confirm again."))


def _create_order(ordered: OrderKind, accepted: list[Contract], confirmed: Confirmation) -> Order:
    account, quoted, now = ordered.account, ordered.quote, clock.now()
    order = Order.create(
        number=_new_number(),
        account=account,
        basket=ordered.basket,
        basket_key=ordered.key,
        language=confirmed.language,
        customer=parties.buyer_record(account),
        net_cents=quoted.totals.net_cents,
        vat_cents=quoted.totals.vat_cents,
        total_cents=quoted.totals.total_cents,
        vat_rate=quoted.treatment.rate,
        vat_code=quoted.treatment.code,
        placed_at=now,
        expires_at=ordered.expires_at,
    )
    ordered.reserve(_write_lines(order, quoted))
    Acceptance.add_all([
        {
            "order": order, "contract": contract, "digest": contract.digest,
            "accepted_at": now, "ip_address": confirmed.ip_address,
        }
        for contract in accepted
    ])  # fmt: skip
    evidence.record_order(order, confirmed.ip_address)
    transitions.record(order, "order_placed", by=account.nic_handle, to_status=order.status)
    ordered.follow_up(order)
    return order


def _new_number() -> str:
    return str(100_000_000 + secrets.randbelow(900_000_000))


def _write_lines(order: Order, quoted: Quote) -> list[OrderLine]:
    return [
        OrderLine.create(
            order=order,
            position=position,
            offer=line.offer,
            offer_name=line.name,
            quantity=line.quantity,
            unit_price_cents=line.unit_price_cents,
            net_cents=line.net_cents,
            days=line.days,
            period_days=line.period_days,
        )
        for position, line in enumerate(quoted.lines, start=1)
    ]
