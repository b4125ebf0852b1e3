"""The lines of orders and invoices, as priced from the database."""

from __future__ import annotations

from dataclasses import dataclass

from peewee import ModelSelect

from records.catalogue import Offer
from records.invoices import Invoice, InvoiceLine
from records.orders import Order, OrderLine
from shop.pricing.money import Line, Share
from shop.pricing.periods import Period
from shop.sql.prepared import prepared


@dataclass(frozen=True)
class Position:
    """A line to be invoiced, its period, and the technical name of its group."""

    line: Line
    period: Period
    service: str


def lines_of(order: Order) -> list[OrderLine]:
    """Return the lines of an order with their offers, by position (one query)."""
    return _lines_by_position.rows(order)


@prepared
def _lines_by_position(order: Order) -> ModelSelect[OrderLine]:
    return (
        OrderLine.select(OrderLine, Offer)
        .join(Offer)
        .where(OrderLine.order == order)
        .order_by(OrderLine.position)
    )


def priced(row: OrderLine) -> Line:
    """Return the priced line of an order, at the price it was ordered at."""
    return Line(row.offer.code, row.offer_name, row.quantity, row.unit_price_cents, _share_of(row))


def positions_of(invoice: Invoice) -> tuple[Position, ...]:
    """Return the lines of an invoice or a credit note with periods, by position (one query)."""
    return tuple(
        Position(
            Line(
                row.offer_code,
                row.offer_name,
                row.quantity,
                row.unit_price_cents,
                _share_of(row),
            ),
            Period(row.period_start, row.period_end),
            row.service,
        )
        for row in _invoiced_by_position.rows(invoice)
    )


@prepared
def _invoiced_by_position(invoice: Invoice) -> ModelSelect[InvoiceLine]:
    return InvoiceLine.select().where(InvoiceLine.invoice == invoice).order_by(InvoiceLine.position)


def _share_of(row: OrderLine | InvoiceLine) -> Share | None:
    """Return the part of a period a line charges for; None if it charges for whole months."""
    if row.days is None or row.period_days is None:
        return None
    return Share(row.days, row.period_days)
