"""Commands for what is on record about the VAT of customers."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from cli.operator import find_customer
from shop.vat import confirmation, evidence

vat = AppGroup("vat", help="Show what is on record about the VAT of customers.")


@vat.command("checks")
@click.argument("nic_handle")
def checks(nic_handle: str) -> None:
    """List what the registry (VIES) said of a customer's VAT numbers, newest first."""
    for row in confirmation.checks_of(find_customer(nic_handle)):
        click.echo(
            f"{row.asked_at:%Y-%m-%d %H:%M} UTC  {row.vat_number}  {row.answer}  "
            f"consultation {row.consultation or 'without number'}  "
            f"{row.name or 'no name told'}  {row.address or 'no address told'}"
        )


@vat.command("names")
def names() -> None:
    """List confirmed numbers whose company has another name than the customer gave."""
    found = 0
    for row in confirmation.misfits():
        found += 1
        click.echo(
            f"{row.account.nic_handle}  {row.vat_number}  "
            f"given: {row.company or 'none'}  registered: {row.name}"
        )
    click.echo(f"{found} name(s) that do not fit.")


@vat.command("accept-name")
@click.argument("nic_handle")
def accept_name(nic_handle: str) -> None:
    """Record that a customer's name and the registered one are of the same company."""
    if not confirmation.accept_name(find_customer(nic_handle)):
        raise click.ClickException(f"The name of {nic_handle} is not in doubt.")
    click.echo(f"The name of {nic_handle} is accepted.")


@vat.command("proofs")
@click.argument("nic_handle")
def proofs(nic_handle: str) -> None:
    """List the proofs of a consumer's country, newest first."""
    for row in evidence.proofs_of(find_customer(nic_handle)):
        click.echo(
            f"{row.recorded_at:%Y-%m-%d %H:%M} UTC  {row.sale}  {row.kind}  "
            f"{row.country or 'no country told'}  {row.detail}".rstrip()
        )


@vat.command("contradictions")
def contradictions() -> None:
    """List sales to consumers whose card is of another country than their address."""
    found = 0
    for row in evidence.contradictions():
        found += 1
        click.echo(
            f"{row.nic_handle}  {row.on:%Y-%m-%d}  "
            f"address: {row.address_country}  card: {row.card_country}"
        )
    click.echo(f"{found} contradiction(s).")
