"""Commands for the accountant: the file of entries (FEC), and figures for VAT returns."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click
from flask.cli import AppGroup

from cli.operator import private_file, refusals_shown
from shop import clock
from shop.accounting import fec, reporting_periods, revenue, vat_returns

accounting = AppGroup("accounting", help="Write the FEC, and list the figures of VAT returns.")

_DAY = click.DateTime(["%Y-%m-%d"])


@accounting.command("fec")
@click.option("--from", "first", type=_DAY, required=True, help="First day of the fiscal year.")
@click.option("--to", "last", type=_DAY, required=True, help="Its last day.")
@click.option(
    "--into", type=click.Path(path_type=Path, file_okay=False, exists=True), default=".",
    help="The directory; this one by default.",
)  # fmt: skip
def write_fec(first: datetime, last: datetime, into: Path) -> None:
    """Write the file of accounting entries of a fiscal year, <SIREN>FEC<date>.txt."""
    with refusals_shown():
        fec.check_days(first.date(), last.date())
    path, number = into / fec.filename(last.date()), -1
    with private_file(path, "wb") as file:
        for line in fec.lines(first.date(), last.date()):
            file.write(line)
            number += 1
    click.echo(f"{path}: {number} lines.")


@accounting.command("vat")
@click.argument("month")
def list_vat(month: str) -> None:
    """List the bases of the CA3 of a MONTH (2026-11), by treatment and rate."""
    first, last = _month(month)
    basis = "invoices" if vat_returns.on_debits() else "payments for French rates"
    click.echo(f"CA3 {first} to {last}, by {basis}")
    for figure in vat_returns.ca3(first, last):
        click.echo(
            f"{figure.code:<24} {figure.rate / 100:>6.2f} % {figure.base_cents / 100:>14.2f} "
            f"{figure.vat_cents / 100:>14.2f} EUR"
        )


@accounting.command("des")
@click.argument("month")
def list_des(month: str) -> None:
    """List the services of a MONTH to businesses of other member states (DES)."""
    first, last = _month(month)
    for service in vat_returns.des(first, last):
        click.echo(f"{service.vat_number:<16} {service.base_cents / 100:>14.2f} EUR")


@accounting.command("oss")
@click.argument("year", type=int)
@click.argument("quarter", type=click.IntRange(1, 4))
def list_oss(year: int, quarter: int) -> None:
    """List the lines of the OSS return of a QUARTER, by country and rate."""
    for line in vat_returns.oss(year, quarter):
        corrects = f"  corrects {line.quarter}" if line.quarter else ""
        click.echo(
            f"{line.country} {line.rate / 100:>6.2f} % {line.base_cents / 100:>14.2f} "
            f"{line.vat_cents / 100:>14.2f} EUR{corrects}"
        )


@accounting.command("months")
@click.option("--number", type=click.IntRange(1, 60), default=12, show_default=True)
def list_months(number: int) -> None:
    """List turnover, recurring revenue, deferred revenue and churn, month by month (EUR, net)."""
    click.echo(f"{'month':<8} {'turnover':>14} {'recurring':>14} {'deferred':>14} {'churn':>8}")
    for month in revenue.months_until(clock.today(), number):
        click.echo(
            f"{month.first:%Y-%m}  {month.turnover_cents / 100:>14.2f} "
            f"{month.recurring_cents / 100:>14.2f} {month.deferred_cents / 100:>14.2f} "
            f"{month.churn / 10:>6.1f} %"
        )


def _month(text: str) -> tuple[date, date]:
    try:
        first = datetime.strptime(text, "%Y-%m").replace(tzinfo=clock.PARIS).date()
    except ValueError:
        raise click.ClickException(f"{text} is no month: write it like 2026-11.") from None
    return reporting_periods.days_of_month(first)
