"""The shop and all it needs, examined; and which version this is."""

from __future__ import annotations

import platform
from textwrap import shorten

import click

from shop import VERSION, database
from shop.operations import database_state
from shop.operations.database_state import DatabaseUnusable
from shop.operations.doctor.findings import Severity

COLOURS = {Severity.OK: "green", Severity.WARNING: "yellow", Severity.FAULT: "red"}


@click.command("doctor")
def doctor() -> None:
    """Examine settings, database, keys, e-mail, site, bank, provider, registry and clocks.

    Each finding comes with what to do. Fails if there is a fault. Sends nothing to customers.
    """
    # It loads the clients of all outside parties, which no other command needs.
    from shop.operations.doctor.examination import examine

    faults = 0
    for finding in examine():
        mark = click.style(f"{finding.severity:<8}", fg=COLOURS[finding.severity])
        # Errors of other programs may be pages long.
        click.echo(f"{mark} {finding.subject:<12} {shorten(finding.said, 400)}")
        if finding.cure:
            click.echo(f"{'':<21} → {finding.cure}")
        faults += finding.severity == Severity.FAULT
    if faults:
        raise click.ClickException(f"{faults} fault(s).")


@click.command("version")
def version() -> None:
    """Show the version of the shop, and which migrations it knows and the database has."""
    click.echo(f"Office storefront {VERSION}, Python {platform.python_version()}")
    click.echo(f"Newest migration known: {database.newest_migration()}")
    try:
        database_state.check_usable()
    except DatabaseUnusable as unusable:
        click.echo(str(unusable))
    else:
        ahead = database.unknown_migrations()
        click.echo(f"{database_state.where()} is {'ahead of it' if ahead else 'up to date'}.")
