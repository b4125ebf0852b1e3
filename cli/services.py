"""Commands for running services: suspend, resume, end; each with a reason for the customer."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from cli.operator import OPERATOR, refusals_shown
from models import LicenceGroup, Subscription, SubscriptionStatus
from shop import clock
from shop.invoicing import receivables
from shop.subscriptions import interventions

services = AppGroup("services", help="Suspend, resume and end services.")

reason_option = click.option(
    "--reason", required=True, help="Why, in the customer's language: it is kept and e-mailed."
)


def _group(name: str) -> LicenceGroup:
    group = LicenceGroup.get_or_none(LicenceGroup.name == name)
    if group is None:
        raise click.ClickException(f"There is no service {name}.")
    return group


@services.command("suspended")
def list_suspended() -> None:
    """List the services that are suspended: since when, what is owed, and the operator's reason."""
    rows = Subscription.select(Subscription, LicenceGroup).join(LicenceGroup)
    suspended = rows.where(Subscription.status == SubscriptionStatus.SUSPENDED)
    number = 0
    for row in suspended.order_by(Subscription.suspended_at):
        owed = sum(each.balance_cents for each in receivables.unpaid_invoices(row.group_id))
        click.echo(
            f"{row.group.name:<24} {row.account.nic_handle:<16} {clock.day_of(row.suspended_at)} "
            f"{owed / 100:>12.2f} EUR  {row.hold_reason}".rstrip()
        )
        number += 1
    if not number:
        click.echo("No service is suspended.")


@services.command("suspend")
@click.argument("name")
@reason_option
def suspend(name: str, reason: str) -> None:
    """Suspend the service NAME until you resume it; payment does not."""
    with refusals_shown():
        interventions.suspend(_group(name), reason, by=OPERATOR)
    click.echo(f"{name} is suspended; its customer is told why.")


@services.command("resume")
@click.argument("name")
@reason_option
def resume(name: str, reason: str) -> None:
    """Resume the service NAME, whoever suspended it; what is owed for it stays owed."""
    group = _group(name)
    owed = {invoice.id for invoice in receivables.unpaid_invoices(group.id)}
    with refusals_shown():
        interventions.resume(group, reason, by=OPERATOR)
    click.echo(f"{name} runs again; its customer is told why.")
    for invoice in receivables.unpaid_invoices(group.id):
        amount = f"{invoice.balance_cents / 100:.2f} {invoice.currency}"
        said = "Still owed" if invoice.id in owed else "Charged for the rest of the month"
        click.echo(f"{said}: {amount}, invoice {invoice.number}.")


@services.command("end")
@click.argument("name")
@reason_option
def end(name: str, reason: str) -> None:
    """End the service NAME at once: its licences stop, and nothing more is charged.

    Credit what was paid for later days with `flask billing credit`.
    """
    with refusals_shown():
        interventions.end_service(_group(name), reason, by=OPERATOR)
    click.echo(f"{name} has ended; its customer is told why.")
