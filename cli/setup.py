"""Commands for set-up and operation: database, demo data, worker."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from shop import database, settings
from shop.customers import search_keys
from shop.licences import group_keys
from shop.operations import database_state, demo
from shop.subscriptions import subscriptions

demo_data = AppGroup("demo", help="Demo data.")


@click.command("migrate")
def migrate() -> None:
    """Bring the database up to date; idempotent."""
    for name in _bring_up_to_date():
        click.echo(f"applied {name}")
    click.echo("The database is up to date.")


def _bring_up_to_date() -> list[str]:
    database_state.check_migratable()
    applied = database.migrate()
    demo.publish()
    subscriptions.start_missing()
    search_keys.write_missing()
    group_keys.write_missing()
    return applied


@click.command("check-database")
def check_database() -> None:
    """Fail, and say what to do, unless the database is up to date and can be used."""
    database_state.check_usable()


@click.command("worker")
@click.option("--threads", default=4, show_default=True, help="Jobs run at the same time.")
def worker(threads: int) -> None:
    """Run queued jobs until stopped; several workers may run at the same time."""
    from shop.operations import worker

    database_state.check_usable()
    worker.run_worker(threads)


@demo_data.command("load")
def load_demo() -> None:
    """Bring the database up to date, load the demo data and say how to sign in.

    Refused in production, and where the bank or the Office provider is a real one.
    """
    if not settings.current().uses_sandbox:
        raise click.ClickException(
            "The demo data has a password that everyone knows: not in production, nor with a real "
            "bank or provider."
        )
    _bring_up_to_date()
    account, password = demo.load_demo()
    click.echo(f"Customer ID (nic-handle): {account.nic_handle}")
    click.echo(f"Password:                 {password}")
    _say_demo_member()


def _say_demo_member() -> None:
    """Say how to sign in to the desk, if the first member of staff is still the demo's."""
    found = demo.member_of_staff()
    if found is not None:
        click.echo(f"Desk ({settings.current().public_url}/desk):")
        click.echo(f"  Login:                  {found[0].login}")
        click.echo(f"  Password:               {demo.DEMO_PASSWORD}")
        click.echo(f"  Secret for the codes:   {found[1]}")
