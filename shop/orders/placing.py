"""How an order is placed, of whatever kind: what was seen is checked, and it is placed once."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import IntegrityError

from records.accounts import Account
from records.base import database, lock
from records.catalogue import Contract
from records.orders import Acceptance, Order, OrderLine, OrderStatus
from shop import clock, mail, transitions, vat
from shop.documents import parties
from shop.errors import N_, Conflict
from shop.jobs import kinds
from shop.orders import closing, contracts
from shop.pricing import money
from shop.sandbox_link import test_points

ATTEMPTS = 20
"""How often placing begins again, because the number drawn is taken or another request was quicker;
beyond that something else is wrong."""

EXPIRES_AFTER = timedelta(days=14)
"""How long an unpaid order can be paid (design)."""

CLOSED_ELSEWHERE = N_("This order has just been paid, or closed, in another window.")


class EarlierOrderInUse(Conflict):
    """An order to replace cannot be closed, because a payment of it has begun."""

    def __init__(self) -> None:
        super().__init__(CLOSED_ELSEWHERE)


@dataclass(frozen=True)
class Quote:
    """What a basket costs: lines, totals and the VAT treatment they come from.

    ``is_estimate`` says that the customer is not known yet and French VAT stands in.
    """

    lines: list[money.Line]
    totals: money.Totals
    treatment: vat.VatTreatment
    is_estimate: bool


@dataclass(frozen=True)
class Confirmation:
    """What the customer saw and accepted when pressing "Confirm and Pay"."""

    total_cents: int
    contract_digests: tuple[str, ...]
    address: str
    language: str


class OrderKind(ABC):
    """What is ordered with one press of a button: a basket, licences for a group, Office Attach.

    ``basket`` names what the customer filled in: an order replaces an unpaid one of the same name.
    ``key``, name and content, makes two presses of one button the same order.
    """

    def __init__(self, account: Account, basket: str, key: str) -> None:
        self.account = account
        self.basket = basket
        self.key = key

    @property
    @abstractmethod
    def quote(self) -> Quote:
        """What the order costs; computed once."""

    @property
    def total_shown(self) -> int:
        """The amount that the customer confirms, in cents: that of the order."""
        return self.quote.totals.total_cents

    @property
    def expires_at(self) -> datetime:
        """Until when it can be paid."""
        return clock.now() + EXPIRES_AFTER

    @abstractmethod
    def check(self) -> None:
        """Raise `Refusal` where this cannot be ordered now."""

    @abstractmethod
    def reserve(self, lines: list[OrderLine]) -> None:
        """Take what the order needs for itself, in its transaction. Raises `Refusal`."""

    def follow_up(self, order: Order) -> None:
        """Have done what comes next, in the order's transaction: here its payment is awaited."""
        mail.order_placed(order)
        kinds.expire_order.using(run_at=order.expires_at).later(order=order.id)


def place(ordered: OrderKind, confirmed: Confirmation) -> Order:
    """The order of ``ordered``: placed now, or already when the button was pressed before.

    An earlier unpaid order of the same basket with other content is replaced. Raises `Conflict`
    when prices or contracts are not what the customer saw, or the order to replace has just been
    paid; `payables.PaymentUnderWay` when it is being paid; and what ``ordered`` refuses.
    """
    placed = _placed_already(ordered)
    if placed is not None:
        return placed
    ordered.check()
    accepted = contracts.current(confirmed.language)
    _check_what_was_seen(ordered, accepted, confirmed)
    earlier: set[Order] = set()
    for attempt in range(1, ATTEMPTS + 1):
        earlier.update(_to_replace(ordered))
        for order in earlier:
            closing.stop_payment(order)
        test_points.point("ordering.place")
        try:
            with database.atomic():
                _close_earlier(ordered, earlier)
                return _place(ordered, accepted, confirmed)
        except (EarlierOrderInUse, IntegrityError):
            # Another press was quicker, a payment has begun, or the number drawn is taken.
            placed = _placed_already(ordered)
            if placed is not None:
                return placed
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _placed_already(ordered: OrderKind) -> Order | None:
    return Order.get_or_none(Order.account == ordered.account, Order.basket_key == ordered.key)


def _to_replace(ordered: OrderKind) -> list[Order]:
    """Unpaid orders of the same basket with other content: the new one takes their place."""
    return list(
        Order.select().where(
            Order.account == ordered.account,
            Order.basket == ordered.basket,
            Order.basket_key != ordered.key,
            Order.status == OrderStatus.AWAITING_PAYMENT,
        )
    )


def _close_earlier(ordered: OrderKind, earlier: set[Order]) -> None:
    """Cancel the orders to replace, in the transaction of the new one.

    A customer's orders are placed one at a time, so that of two edits in two tabs the second
    replaces what the first placed. Raises `Conflict` where one of ``earlier`` has been paid, and
    `EarlierOrderInUse` where a payment of one has begun.
    """
    lock(ordered.account, allow_references=True)
    if any(Order.get_by_id(order.id).paid_at for order in earlier):
        raise Conflict(CLOSED_ELSEWHERE)
    for order in _to_replace(ordered):
        if closing.close_order(order, OrderStatus.CANCELLED, by=ordered.account.nic_handle) is None:
            raise EarlierOrderInUse


def _check_what_was_seen(
    ordered: OrderKind, accepted: list[Contract], confirmed: Confirmation
) -> None:
    if tuple(contract.digest for contract in accepted) != confirmed.contract_digests:
        raise Conflict(N_("The contracts have changed meanwhile. Please read and accept them."))
    if ordered.total_shown != confirmed.total_cents:
        raise Conflict(N_("The price has changed meanwhile. Please check it and confirm again."))


def _place(ordered: OrderKind, accepted: list[Contract], confirmed: Confirmation) -> Order:
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
    for contract in accepted:
        Acceptance.create(
            order=order,
            contract=contract,
            digest=contract.digest,
            accepted_at=now,
            address=confirmed.address,
        )
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
