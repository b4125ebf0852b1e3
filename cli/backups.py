"""The database saved to a file, and put back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click

from models import Order
from shop import database as shop_database
from shop.operations import audit as auditing
from shop.operations import backups, database_state, key_rotation

ANY_AGE = timedelta(days=36500)
"""What was under way when a backup was made is no fault, however old the backup is."""

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("backup")
@click.argument("file", type=FILE)
def backup(file: Path) -> None:
    """Save the whole database to FILE, while the shop serves; FILE must not exist yet.

    The keys of the environment are not in it: keep them in another place.
    """
    started = time.monotonic()
    with _failures_shown():
        backups.save_backup(file)
    seconds = time.monotonic() - started
    click.echo(f"{file}: {file.stat().st_size / 1e6:.1f} MB in {seconds:.1f} s.")
    click.echo("Not in it, and needed to use it; keep them in another place:")
    for name, loss in backups.KEYS.items():
        click.echo(f"  {name}: without it, {loss}.")


@click.command("restore")
@click.argument("file", type=FILE)
@click.option("--yes", is_flag=True, help="Replace what is there without asking.")
def restore(file: Path, yes: bool) -> None:
    """Replace the whole database by what FILE holds, all at once, and check the result."""
    if not yes and not backups.is_empty():
        question = (
            f"{database_state.where()} will be replaced; what came after {file} is lost. Go on?"
        )
        click.confirm(question, abort=True)
    started = time.monotonic()
    with _failures_shown():
        backups.restore(file)
    click.echo(f"Restored {file} in {time.monotonic() - started:.1f} s.")
    _check()


def _check() -> None:
    """Say what was restored, and fail with what does not balance or cannot be read."""
    database_state.check_usable()
    with shop_database.connection():
        newest = Order.select().order_by(Order.placed_at.desc()).first()
        told = f", the newest of {newest.placed_at:%Y-%m-%d %H:%M} UTC" if newest else ""
        click.echo(f"It holds {Order.select().count()} orders{told}.")
        wrong = list(auditing.find_faults(ANY_AGE))
        if lost := key_rotation.unreadable():
            wrong.append(key_rotation.key_missing(lost))
    for sentence in wrong:
        click.echo(sentence, err=True)
    if wrong:
        raise click.ClickException(f"{len(wrong)} thing(s) are wrong with what was restored.")
    click.echo("Nothing is lost, nothing is doubled, everything balances, and every key is there.")


@contextmanager
def _failures_shown() -> Iterator[None]:
    try:
        yield
    except backups.BackupFailed as failed:
        raise click.ClickException(str(failed)) from failed
