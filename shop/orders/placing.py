"""How an order is placed, whatever it is of: what was seen is checked, and it is placed once."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

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

PRICE_CHANGED = N_("The price has changed meanwhile. Please check it and confirm again.")
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


def _nothing(_: list[OrderLine]) -> None:
    """New groups hold no places in existing ones."""


def _await_payment(order: Order) -> None:
    """Send the purchase order, and close it if nobody pays it in time."""
    mail.order_placed(order)
    kinds.expire_order.using(run_at=order.expires_at).later(order=order.id)


@dataclass(frozen=True)
class Draft:
    """What is about to be ordered: under which basket, at which price, payable until when.

    ``hold`` reserves what its lines need, and ``follow`` says what comes of the order, both in
    its transaction.
    """

    basket: str
    key: str
    quote: Quote
    expires_at: datetime
    hold: Callable[[list[OrderLine]], None] = _nothing
    follow: Callable[[Order], None] = _await_payment


def place(
    account: Account, key: str, make_draft: Callable[[], Draft], confirmed: Confirmation
) -> Order:
    """The order of a draft: placed now, or already when the button was pressed before.

    ``key`` is the draft's, which tells whether it was. An earlier unpaid order of the same
    basket with other content is replaced. Raises `Conflict` when prices or contracts are not
    what the customer saw, or the order to replace has just been paid;
    `payables.PaymentUnderWay` when it is being paid; and what the draft's ``hold`` raises.
    """
    placed = _placed_already(account, key)
    if placed is not None:
        return placed
    draft = make_draft()
    accepted = contracts.current(confirmed.language)
    _check_what_was_seen(confirmed, draft.quote, accepted)
    earlier: set[Order] = set()
    for attempt in range(1, ATTEMPTS + 1):
        earlier.update(_to_replace(account, draft))
        for order in earlier:
            closing.stop_payment(order)
        test_points.point("ordering.place")
        try:
            with database.atomic():
                _close_earlier(account, draft, earlier)
                return _place(account, draft, accepted, confirmed)
        except (EarlierOrderInUse, IntegrityError):
            # Another press was quicker, a payment has begun, or the number drawn is taken.
            placed = _placed_already(account, key)
            if placed is not None:
                return placed
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _placed_already(account: Account, key: str) -> Order | None:
    return Order.get_or_none(Order.account == account, Order.basket_key == key)


def _to_replace(account: Account, draft: Draft) -> list[Order]:
    """Unpaid orders of the same basket with other content: the new one takes their place."""
    return list(
        Order.select().where(
            Order.account == account,
            Order.basket == draft.basket,
            Order.basket_key != draft.key,
            Order.status == OrderStatus.AWAITING_PAYMENT,
        )
    )


def _close_earlier(account: Account, draft: Draft, earlier: set[Order]) -> None:
    """Cancel the orders to replace, in the transaction of the new one.

    A customer's orders are placed one at a time, so that of two edits in two tabs the second
    replaces what the first placed. Raises `Conflict` where one of ``earlier`` has been paid, and
    `EarlierOrderInUse` where a payment of one has begun.
    """
    lock(account, allow_references=True)
    if any(Order.get_by_id(order.id).paid_at for order in earlier):
        raise Conflict(CLOSED_ELSEWHERE)
    for order in _to_replace(account, draft):
        if closing.close(order, OrderStatus.CANCELLED, by=account.nic_handle) is None:
            raise EarlierOrderInUse


def _check_what_was_seen(confirmed: Confirmation, quoted: Quote, accepted: list[Contract]) -> None:
    if tuple(contract.digest for contract in accepted) != confirmed.contract_digests:
        raise Conflict(N_("The contracts have changed meanwhile. Please read and accept them."))
    if quoted.totals.total_cents != confirmed.total_cents:
        raise Conflict(PRICE_CHANGED)


def _place(
    account: Account, draft: Draft, accepted: list[Contract], confirmed: Confirmation
) -> Order:
    now, quoted = clock.now(), draft.quote
    order = Order.create(
        number=_new_number(),
        account=account,
        basket=draft.basket,
        basket_key=draft.key,
        language=confirmed.language,
        customer=parties.as_printed(account),
        net_cents=quoted.totals.net_cents,
        vat_cents=quoted.totals.vat_cents,
        total_cents=quoted.totals.total_cents,
        vat_rate=quoted.treatment.rate,
        vat_code=quoted.treatment.code,
        placed_at=now,
        expires_at=draft.expires_at,
    )
    draft.hold(_write_lines(order, quoted))
    for contract in accepted:
        Acceptance.create(
            order=order,
            contract=contract,
            digest=contract.digest,
            accepted_at=now,
            address=confirmed.address,
        )
    transitions.record(order, "order_placed", by=account.nic_handle, to_status=order.status)
    draft.follow(order)
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
