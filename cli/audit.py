"""The audit of the whole database."""

from __future__ import annotations

from datetime import timedelta

import click

from shop.operations import audit as auditing
from shop.payments.payables import DELIVERY_PROMISE

MINUTES = int(DELIVERY_PROMISE.total_seconds() // 60)


@click.command("audit")
@click.option(
    "--patience",
    type=click.IntRange(0),
    default=MINUTES,
    show_default=True,
    help="Minutes that work may be under way before it is a fault.",
)
@click.option("--provider/--no-provider", default=True, help="Ask the Office provider, too.")
def audit(patience: int, provider: bool) -> None:
    """Prove that all that was paid is delivered once or refunded, and nothing is lost.

    Checks orders, payments, ledger, licences, e-mails and jobs, and compares the licences with the
    provider where it can be asked. Prints a sentence for each fault, and fails if there is one.
    """
    faults = list(auditing.find_faults(timedelta(minutes=patience)))
    if provider:
        try:
            faults += auditing.find_faults_at_provider()
        except auditing.CannotBeAsked as reason:
            click.echo(f"Not compared with the provider. {reason}")
    for sentence in faults:
        click.echo(sentence, err=True)
    if faults:
        raise click.ClickException(f"{len(faults)} fault(s).")
    click.echo("Nothing is lost, nothing is doubled, and everything balances.")
