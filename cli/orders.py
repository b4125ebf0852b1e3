"""Commands for orders: list, retry the delivery, record a payment, refund."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import click
from flask.cli import AppGroup

from cli.operator import OPERATOR, private_file, refusals_shown
from models import Order, OrderStatus
from shop.delivery import installation
from shop.operations import monitoring
from shop.orders import orders as shop_orders
from shop.payments import payments
from shop.personal_data import evidence

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


@orders.command("evidence")
@click.argument("number")
@click.argument("file", type=click.Path(exists=False, dir_okay=False, path_type=Path))
def evidence_of_order(number: str, file: Path) -> None:
    """Write the evidence of an order to FILE: a signed ZIP file, for a dispute or a court."""
    if file.exists():
        raise click.ClickException(f"{file} is there already.")
    content = evidence.pack(_order(number), by=OPERATOR)
    with private_file(file, "xb") as opened:
        opened.write(content)
    click.echo(f"{file}: {len(content) / 1e6:.1f} MB, public key {evidence.public_key()}")


@orders.command("check-evidence")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check_evidence(file: Path) -> None:
    """Check that FILE is evidence made by this shop, and unchanged since."""
    try:
        verdict = evidence.check_pack(file.read_bytes())
    except (BadZipFile, KeyError, ValueError) as error:
        raise click.ClickException(f"{file} is no evidence of an order.") from error
    for fault in verdict.faults:
        click.echo(fault, err=True)
    if verdict.faults:
        raise click.ClickException(f"{len(verdict.faults)} fault(s).")
    click.echo(f"Order {verdict.order}, as of {verdict.made_at}: signed by this shop, unchanged.")


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
