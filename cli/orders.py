"""Commands for orders: list, retry the delivery, record a payment, refund."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from cli.operator import OPERATOR, refusals_shown
from models import Order, OrderStatus
from shop.delivery import installation
from shop.operations import monitoring
from shop.orders import orders as shop_orders
from shop.payments import payments

orders = AppGroup("orders", help="Manage orders.")

STATUSES = click.Choice([status.value for status in OrderStatus])


def _order(number: str) -> Order:
    order = Order.get_or_none(Order.number == number)
    if order is None:
        raise click.ClickException(f"There is no order {number}.")
    return order


@orders.command("list")
@click.option(
    "--status",
    type=click.Choice([each.value for each in OrderStatus]),
    help="Only orders in this status.",
)
@click.option("--late", is_flag=True, help="Only paid orders not delivered within 4 hours.")
@click.option("--limit", default=50, show_default=True)
def list_orders(status: str | None, late: bool, limit: int) -> None:
    """List the newest orders, or those with a late delivery."""
    query = Order.select().order_by(Order.id.desc()).limit(limit)
    if status:
        query = query.where(Order.status == status)
    rows = monitoring.late_orders(limit) if late else list(query)
    for order in rows:
        amount = f"{order.total_cents / 100:.2f} {order.currency}"
        placed = order.placed_at.strftime("%Y-%m-%d %H:%M")
        nic_handle = order.account.nic_handle
        click.echo(f"{order.number}  {placed}  {nic_handle:<16} {order.status:<18} {amount:>14}")
    if not rows:
        click.echo("No orders.")


@orders.command("retry")
@click.argument("number")
def retry_order(number: str) -> None:
    """Retry a failed delivery."""
    with refusals_shown():
        installation.retry_delivery(_order(number), OPERATOR)
    click.echo(f"Order {number} is being delivered again.")


@orders.command("mark-paid")
@click.argument("number")
def mark_order_paid(number: str) -> None:
    """Record a payment by other means; the delivery begins."""
    with refusals_shown():
        payments.record_manual_payment(_order(number), OPERATOR)
    click.echo(f"Order {number} is paid and will be delivered.")


@orders.command("refund")
@click.argument("number")
def refund_order(number: str) -> None:
    """Refund what was not delivered of an order; what was stays as it is."""
    with refusals_shown():
        shop_orders.refund_order(_order(number), OPERATOR)
    click.echo(f"Order {number} will be refunded.")
