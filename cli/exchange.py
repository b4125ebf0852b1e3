"""Commands for Exchange services: import and list."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from cli.operator import find_customer
from shop.errors import Refusal
from shop.exchange import attached_licences, importing, services
from shop.exchange.csv_file import CsvFile
from shop.exchange.source import InvalidFile

exchange = AppGroup("exchange", help="Import and list Exchange services.")


@exchange.command("import")
@click.argument("nic_handle")
@click.argument("service")
@click.argument("accounts", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_exchange(nic_handle: str, service: str, accounts: Path) -> None:
    """Import a customer's Exchange service from a CSV file: email,first_name,last_name.

    A fourth column may give the size in GB. Mailboxes without names are shared ones. Idempotent:
    new mailboxes are added, different ones updated, missing ones marked as gone.
    """
    try:
        done = importing.import_from(
            find_customer(nic_handle), service, CsvFile(accounts.read_bytes())
        )
    except InvalidFile as unreadable:
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
    """List the Exchange services: customer, domain, number of mailboxes, Office group."""
    rows = services.all_services()
    for service in rows:
        number = services.active_accounts(service).count()
        attach = attached_licences.attach_of(service)
        group = attached_licences.group_of(attach) if attach else None
        used = group.name if group else ("ordered" if attach else "-")
        click.echo(
            f"{service.name:<32} {service.account.nic_handle:<16} {service.domain:<32} "
            f"{number:>5}  {used}"
        )
    if not rows:
        click.echo("No Exchange services.")
