"""Orders: quoted, placed once, cancelled, expired."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from peewee import IntegrityError

from models import (
    Acceptance,
    Account,
    Contract,
    Order,
    OrderLine,
    OrderStatus,
    database,
    lock,
)
from shop import catalogue, clock, contracts, jobs, mail, pauses, pricing, transitions, vat
from shop.baskets import Basket
from shop.errors import N_, Conflict, Refusal
from shop.payment import payments
from shop.provisioning import installation

EXPIRES_AFTER = timedelta(days=14)
DRAWS = 20
"""How often a free order number is looked for; beyond that something else is wrong."""

LATER_IF_PENDING = timedelta(minutes=10)


# --- Quoting ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quote:
    """What a basket costs: lines, totals and the VAT treatment they come from.

    ``is_estimate`` says that the customer is not known yet and French VAT stands in.
    """

    lines: list[pricing.Line]
    totals: pricing.Totals
    treatment: vat.VatTreatment
    is_estimate: bool


def quote(
    basket: Basket, offers: dict[str, catalogue.PricedOffer], account: Account | None
) -> Quote:
    """The price of ``basket`` a month, for a customer or, before sign-in, as an estimate."""
    lines = [
        pricing.Line(code, offers[code].name, number, offers[code].price_cents)
        for code, number in basket.quantities.items()
        if number
    ]
    treatment = vat.treatment_of(vat.place_of(account)) if account else vat.FRENCH_ESTIMATE
    return Quote(lines, pricing.totals(lines, treatment), treatment, account is None)


# --- Placing ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Confirmation:
    """What the customer saw and accepted when pressing "Confirm and Pay"."""

    total_cents: int
    contract_digests: tuple[str, ...]
    address: str
    language: str


def place_order(account: Account, basket: Basket, confirmed: Confirmation) -> Order:
    """The order of a basket: placed now, or already when the button was pressed before.

    An earlier unpaid order of the same basket with other quantities is replaced. Raises
    `Conflict` when prices or contracts are not what the customer saw, and
    `payments.PaymentUnderWay` when the order to replace is being paid.
    """
    placed = _placed_already(account, basket)
    if placed is not None:
        return placed
    offers = catalogue.offers()
    quoted = quote(basket, offers, account)
    accepted = contracts.current(confirmed.language)
    _check_what_was_seen(confirmed, quoted, accepted)
    earlier = _earlier_of(account, basket)
    for order in earlier:
        _stop_payment(order)
    pauses.point("ordering.place")
    for attempt in range(DRAWS):
        try:
            with database.atomic():
                placed = _place(account, basket, quoted, accepted, confirmed)
                for order in earlier:
                    _close(order, OrderStatus.CANCELLED, by=account.nic_handle)
                return placed
        except IntegrityError:
            # Another press was quicker, or the number drawn is taken.
            placed = _placed_already(account, basket)
            if placed is not None:
                return placed
            if attempt == DRAWS - 1:
                raise
    raise AssertionError("unreachable")


def _placed_already(account: Account, basket: Basket) -> Order | None:
    found: Order | None = Order.get_or_none(
        Order.account == account, Order.basket_key == basket.key
    )
    return found


def _earlier_of(account: Account, basket: Basket) -> list[Order]:
    """Unpaid orders of the same basket with other quantities: the new one takes their place."""
    return list(
        Order.select().where(
            Order.account == account,
            Order.basket == basket.name,
            Order.status == OrderStatus.AWAITING_PAYMENT,
        )
    )


def _check_what_was_seen(confirmed: Confirmation, quoted: Quote, accepted: list[Contract]) -> None:
    if tuple(contract.digest for contract in accepted) != confirmed.contract_digests:
        raise Conflict(N_("The contracts have changed meanwhile. Please read and accept them."))
    if quoted.totals.total_cents != confirmed.total_cents:
        raise Conflict(N_("The price has changed meanwhile. Please check it and confirm again."))


def _place(
    account: Account,
    basket: Basket,
    quoted: Quote,
    accepted: list[Contract],
    confirmed: Confirmation,
) -> Order:
    now = clock.now()
    order = Order.create(
        number=_new_number(),
        account=account,
        basket=basket.name,
        basket_key=basket.key,
        language=confirmed.language,
        customer=_as_printed(account),
        net_cents=quoted.totals.net_cents,
        vat_cents=quoted.totals.vat_cents,
        total_cents=quoted.totals.total_cents,
        vat_rate=quoted.treatment.rate,
        vat_code=quoted.treatment.code,
        placed_at=now,
        expires_at=now + EXPIRES_AFTER,
    )
    _write_lines(order, quoted)
    for contract in accepted:
        Acceptance.create(
            order=order,
            contract=contract,
            digest=contract.digest,
            accepted_at=now,
            address=confirmed.address,
        )
    transitions.record(order, "order_placed", by=account.nic_handle, to_status=order.status)
    mail.order_placed(order)
    jobs.enqueue(
        "expire_order", f"expire_order:{order.id}", run_at=order.expires_at, order=order.id
    )
    return order


def _new_number() -> str:
    return str(100_000_000 + secrets.randbelow(900_000_000))


def _as_printed(account: Account) -> dict[str, str]:
    """The buyer as the purchase order shows it for ever, whatever the account says later."""
    shown = (
        "nic_handle", "first_name", "last_name", "company", "siren", "vat_number",
        "street", "postcode", "city", "country", "email",
    )  # fmt: skip
    return {name: getattr(account, name) for name in shown}


def _write_lines(order: Order, quoted: Quote) -> None:
    for position, line in enumerate(quoted.lines, start=1):
        OrderLine.create(
            order=order,
            position=position,
            offer=line.offer,
            offer_name=line.name,
            quantity=line.quantity,
            unit_price_cents=line.unit_price_cents,
            net_cents=line.net_cents,
        )


# --- Ending ----------------------------------------------------------------------------------


def cancel_order(order: Order, by: str) -> None:
    """Cancel an unpaid order; what it reserved is free again.

    Raises `Refusal` when it is not unpaid, `payments.PaymentUnderWay` while it is being paid.
    """
    if not order.is_payable:
        raise Refusal(N_("Only an unpaid order can be cancelled."))
    _stop_payment(order)
    with database.atomic():
        cancelled = _close(order, OrderStatus.CANCELLED, by=by)
        if cancelled is None:
            raise Conflict(N_("This order has just been paid, or closed, in another window."))
        mail.order_cancelled(cancelled)


def _stop_payment(order: Order) -> None:
    """Close the bank page of an order, so that nobody pays what is about to be closed."""
    pending = payments.unsettled(order)
    if pending is not None:
        payments.close(pending)


def _close(order: Order, status: str, by: str) -> Order | None:
    """The order, cancelled or expired in the caller's transaction; None if it is being paid or
    has been."""
    locked: Order = lock(order)
    if not locked.is_payable or payments.unsettled(locked) is not None:
        return None
    moved = transitions.move(locked, status, by=by, basket_key=None, closed_at=clock.now())
    return locked if moved else None


@jobs.handles("expire_order", attempts=50, first_delay=timedelta(minutes=1))
def expire_order(order: int) -> None:
    """Close an order that was not paid in time (design: 14 days)."""
    row = Order.get_by_id(order)
    if not row.is_payable:
        return
    try:
        _stop_payment(row)
    except payments.PaymentUnderWay:
        raise jobs.Later(LATER_IF_PENDING) from None
    with database.atomic():
        expired = _close(row, OrderStatus.EXPIRED, by="shop")
        if expired is not None:
            mail.order_expired(expired)


def refund_order(order: Order, by: str) -> None:
    """Give an order up whose delivery failed: the money goes back, its groups end.

    Raises `Refusal` for any other order, or while one of its groups is still being installed.
    """
    with database.atomic():
        if installation.is_under_way(order):
            raise Refusal(N_("A group of this order is still being installed."))
        payments.ask_for_refund(order, by)
        installation.abandon(order, by)


# --- Finding ---------------------------------------------------------------------------------


def find_order(account: Account, number: str) -> Order | None:
    """The customer's own order of that number; somebody else's does not exist for them."""
    found: Order | None = Order.get_or_none(Order.account == account, Order.number == number)
    return found


def lines_of(order: Order) -> list[OrderLine]:
    """The lines of an order, in its order."""
    return list(OrderLine.select().where(OrderLine.order == order).order_by(OrderLine.position))
