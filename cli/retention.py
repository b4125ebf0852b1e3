"""What has been kept long enough: deleted, or listed."""

from __future__ import annotations

import click

from shop.personal_data import retention as keeping

MOST_SHOWN = 20


@click.command("retention")
@click.option("--dry-run", is_flag=True, help="Say what would go, and delete nothing.")
def retention(dry_run: bool) -> None:
    """Delete the personal data that were kept long enough; the worker does so once a day."""
    done = {} if dry_run else keeping.run_retention()
    for rule in keeping.RULES:
        if not dry_run:
            click.echo(f"{done[rule.name]:>6}  {rule.says}")
            continue
        names = keeping.due(rule)
        click.echo(f"{len(names):>6}  {rule.says}")
        for name in names[:MOST_SHOWN]:
            click.echo(f"{'':>8}{name}")
        if len(names) > MOST_SHOWN:
            click.echo(f"{'':>8}and {len(names) - MOST_SHOWN} more")
    click.echo("Nothing was deleted." if dry_run else "The rest is kept.")
