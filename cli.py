"""The operator's commands: ``flask --app app …``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from models import Account, Invoice, Letter, LetterStatus, Order
from models import database as models_database
from shop import database, demo, jobs, mail, ordering, second_factor, watch
from shop.billing import invoices, ledger, periods, prices, renewals, subscriptions
from shop.billing.invoices import Position
from shop.errors import Refusal
from shop.exchange import services
from shop.exchange.csv_file import CsvFile
from shop.exchange.source import Unreadable
from shop.payment import payments
from shop.provisioning import installation

OPERATOR = "operator"

orders = AppGroup("orders", help="Look after orders.")
letters = AppGroup("letters", help="Look after letters.")
customers = AppGroup("accounts", help="Look after customers' accounts.")
billing = AppGroup("billing", help="Renew what is due, and look after what is owed.")
price_list = AppGroup("prices", help="What is charged, from when on.")
exchange = AppGroup("exchange", help="Look after Exchange services.")
demo_data = AppGroup("demo", help="Demo data.")


def init_app(app: Flask) -> None:
    """Make the commands known to ``flask``."""
    for command in (
        orders,
        billing,
        price_list,
        letters,
        customers,
        exchange,
        demo_data,
        migrate,
        worker,
    ):
        app.cli.add_command(command)


@click.command("migrate")
def migrate() -> None:
    """Bring the database up to date; safe to repeat."""
    for name in _bring_up_to_date():
        click.echo(f"applied {name}")
    click.echo("The database is up to date.")


def _bring_up_to_date() -> list[str]:
    applied = database.migrate()
    jobs.create_queue_tables()
    demo.publish()
    subscriptions.start_missing()
    return applied


@click.command("worker")
@click.option("--threads", default=4, show_default=True, help="Jobs run at the same time.")
def worker(threads: int) -> None:
    """Run queued work until stopped; start as many as you like."""
    from shop import working

    working.run_worker(threads)


@demo_data.command("load")
def load_demo() -> None:
    """Bring the database up to date, load the demo data and say how to sign in."""
    _bring_up_to_date()
    account, password = demo.load()
    click.echo(f"Customer ID (nic-handle): {account.nic_handle}")
    click.echo(f"Password:                 {password}")


def _order(number: str) -> Order:
    order = Order.get_or_none(Order.number == number)
    if order is None:
        raise click.ClickException(f"There is no order {number}.")
    return order


@orders.command("list")
@click.option("--status", default="", help="Only orders in this status.")
@click.option("--late", is_flag=True, help="Only paid orders not delivered within 4 hours.")
@click.option("--limit", default=50, show_default=True)
def list_orders(status: str, late: bool, limit: int) -> None:
    """The newest orders, or those late in delivery."""
    query = Order.select().order_by(Order.id.desc()).limit(limit)
    if status:
        query = query.where(Order.status == status)
    rows = watch.late_orders()[:limit] if late else list(query)
    for order in rows:
        amount = f"{order.total_cents / 100:.2f} {order.currency}"
        placed = order.placed_at.strftime("%Y-%m-%d %H:%M")
        nic_handle = order.account.nic_handle
        click.echo(f"{order.number}  {placed}  {nic_handle:<16} {order.status:<18} {amount:>14}")
    if not rows:
        click.echo("No orders.")


def _carry_out(number: str, act: str, done: str) -> None:
    acts = {
        "retry": lambda order: installation.retry_delivery(order, OPERATOR),
        "mark-paid": lambda order: payments.pay_by_hand(order, OPERATOR),
        "refund": lambda order: ordering.refund_order(order, OPERATOR),
    }
    try:
        acts[act](_order(number))
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(done.format(number=number))


@orders.command("retry")
@click.argument("number")
def retry_order(number: str) -> None:
    """Try a failed delivery again."""
    _carry_out(number, "retry", "Order {number} is being delivered again.")


@orders.command("mark-paid")
@click.argument("number")
def mark_order_paid(number: str) -> None:
    """Say that the money came otherwise; the delivery follows."""
    _carry_out(number, "mark-paid", "Order {number} is paid and will be delivered.")


@orders.command("refund")
@click.argument("number")
def refund_order(number: str) -> None:
    """Give the money of a failed delivery back."""
    _carry_out(number, "refund", "Order {number} will be refunded.")


@billing.command("check")
def check_billing() -> None:
    """Prove that what was charged, paid, credited and refunded balances; name what does not."""
    wrong = list(ledger.check())
    for sentence in wrong:
        click.echo(sentence, err=True)
    if wrong:
        raise click.ClickException(f"{len(wrong)} thing(s) do not balance.")
    click.echo("Everything charged, paid, credited and refunded balances.")


@billing.command("mark-paid")
@click.argument("number")
def mark_invoice_paid(number: str) -> None:
    """Say that the money of an invoice came otherwise (a transfer, say)."""
    try:
        payments.pay_by_hand(_invoice(number), OPERATOR)
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"Invoice {number} is paid.")


@billing.command("credit")
@click.argument("number")
@click.argument("reason")
@click.option("--line", type=click.IntRange(1), help="Only this line of what is left, from 1.")
@click.option("--quantity", type=click.IntRange(1), help="So many licences of that line.")
def credit_invoice(number: str, reason: str, line: int | None, quantity: int | None) -> None:
    """Take back what is left of an invoice, or a part of it, by a credit note that says REASON.

    What was paid is refunded; of what was not, nothing is asked for any more.
    """
    invoice = _invoice(number)
    try:
        with models_database.atomic():
            positions = _wanted(invoices.left_of(invoice), line, quantity)
            note = invoices.credit(invoice, positions, reason, by=OPERATOR)
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    amount = f"{note.total_cents / 100:.2f} {note.currency}"
    click.echo(f"Credit note {note.number} takes {amount} of invoice {number} back.")


def _wanted(
    positions: tuple[Position, ...], line: int | None, quantity: int | None
) -> tuple[Position, ...]:
    if line is None:
        if quantity is not None:
            raise click.ClickException("Say which --line the --quantity is of.")
        return positions
    if line > len(positions):
        raise click.ClickException(f"There are {len(positions)} line(s) left.")
    chosen = positions[line - 1]
    return (invoices.part_of(chosen, quantity or chosen.line.quantity),)


def _invoice(number: str) -> Invoice:
    invoice = Invoice.get_or_none(Invoice.number == number)
    if invoice is None:
        raise click.ClickException(f"There is no invoice {number}.")
    return invoice


@letters.command("reseal")
def reseal_letters() -> None:
    """Encrypt secret letters with the newest of MAIL_ENCRYPTION_KEYS; older keys may then go."""
    click.echo(f"{mail.reseal()} letter(s) encrypted with the newest key.")


@letters.command("retry")
def retry_letters() -> None:
    """Send the letters again that could not be sent."""
    failed = Letter.select().where(Letter.status == LetterStatus.FAILED).order_by(Letter.id)
    again = sum(mail.send_again(letter, by=OPERATOR) for letter in failed)
    click.echo(f"{again} letter(s) queued again.")


@customers.command("reset-second-factor")
@click.argument("nic_handle")
def reset_second_factor(nic_handle: str) -> None:
    """Forget the second factors of a customer who lost them all; a letter tells them so."""
    account = _customer(nic_handle)
    if second_factor.switch_off(account):
        click.echo(f"{nic_handle} logs in with the password alone from now on.")
    else:
        click.echo(f"{nic_handle} has no second step.")


def _customer(nic_handle: str) -> Account:
    account = Account.get_or_none(Account.nic_handle == nic_handle)
    if account is None:
        raise click.ClickException(f"There is no customer {nic_handle}.")
    return account


@exchange.command("import")
@click.argument("nic_handle")
@click.argument("service")
@click.argument("accounts", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_exchange(nic_handle: str, service: str, accounts: Path) -> None:
    """Make a customer's Exchange service what a CSV file says: email,first_name,last_name.

    A fourth column may give the size in GB. Mailboxes without names are shared ones. Safe to
    repeat: what is new is added, what is different updated, what is missing marked as gone.
    """
    try:
        done = services.take_over(_customer(nic_handle), service, CsvFile(accounts.read_bytes()))
    except Unreadable as unreadable:
        for problem in unreadable.problems:
            click.echo(problem, err=True)
        raise click.ClickException("Nothing was imported.") from unreadable
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(
        f"{service}: {done.added} added, {done.updated} updated, {done.gone} gone, "
        f"{done.unchanged} unchanged."
    )


@exchange.command("list")
def list_exchange() -> None:
    """Every Exchange service: whose it is, its domain, its mailboxes, and its Office group."""
    rows = services.every()
    for service in rows:
        number = services.active_accounts(service).count()
        attach = services.attach_of(service)
        group = services.group_of(attach) if attach else None
        used = group.name if group else ("ordered" if attach else "-")
        click.echo(
            f"{service.name:<32} {service.account.nic_handle:<16} {service.domain:<32} "
            f"{number:>5}  {used}"
        )
    if not rows:
        click.echo("No Exchange services.")


@billing.command("run")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day; today by default.")
def run_billing(until: datetime | None) -> None:
    """Renew, and end, what is due up to a day; safe to repeat, and to start twice."""
    report = renewals.run(until.date() if until else None)
    click.echo(f"{report.renewed} renewed, {report.ended} ended, {report.failed} failed.")
    if report.failed:
        raise click.ClickException("What failed stays due: see the log, and run it again.")


@billing.command("preview")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
def preview_billing(day: datetime) -> None:
    """What a run on a day would invoice, group by group, as things stand now."""
    number = net = total = 0
    for due in renewals.due_by(day.date()):
        number, net = number + 1, net + due.totals.net_cents
        total += due.totals.total_cents
        click.echo(
            f"{due.period.start}  {due.subscription.group.name:<24} {due.quantity:>6} x "
            f"{due.line.unit_price_cents / 100:>8.2f} {due.totals.total_cents / 100:>12.2f} EUR"
        )
    click.echo(f"{number} renewals, {net / 100:.2f} EUR excl. VAT, {total / 100:.2f} EUR incl. VAT")


@price_list.command("list")
def list_prices() -> None:
    """Every price of every offer."""
    for price in prices.listed():
        day = periods.day_of(price.valid_from)
        click.echo(f"{price.offer_id:<16} {price.amount_cents / 100:>8.2f} EUR from {day}")


@price_list.command("set")
@click.argument("offer")
@click.argument("cents", type=int)
@click.option("--from", "day", type=click.DateTime(["%Y-%m-%d"]), required=True)
def set_price(offer: str, cents: int, day: datetime) -> None:
    """Let an offer cost so many cents a month, excluding VAT, from a day to come on.

    Running services follow at a renewal that was announced to them 30 days before.
    """
    try:
        prices.change(offer, cents, periods.midnight(day.date()))
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"{offer} costs {cents / 100:.2f} EUR a month from {day.date()} on.")
