"""Commands for failed jobs: list, retry, forget."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from models import Job
from shop.jobs import failed

jobs = AppGroup("jobs", help="Manage failed jobs that customers do not see.")


@jobs.command("list")
@click.option("--limit", default=50, show_default=True)
def list_jobs(limit: int) -> None:
    """List the newest failed jobs: number, time of creation, key and error."""
    rows = list(failed.unhandled_failures().limit(limit))
    for job in rows:
        asked = job.created_at.strftime("%Y-%m-%d %H:%M")
        click.echo(f"{job.id:>8}  {asked}  {job.key}  {job.error}")
    if not rows:
        click.echo("No failed jobs.")


def _failed(number: int) -> Job:
    job = failed.find_failed(number)
    if job is None:
        raise click.ClickException(f"There is no failed job {number}.")
    return job


@jobs.command("retry")
@click.argument("numbers", nargs=-1, type=int)
def retry_jobs(numbers: tuple[int, ...]) -> None:
    """Retry failed jobs; all of them if no number is given."""
    wanted = [_failed(number) for number in numbers] or list(failed.unhandled_failures())
    again = sum(failed.retry(job) for job in wanted)
    click.echo(f"{again} job(s) queued again.")


@jobs.command("forget")
@click.argument("numbers", nargs=-1, type=int, required=True)
def forget_jobs(numbers: tuple[int, ...]) -> None:
    """Forget failed jobs; their work is not done."""
    gone = sum(failed.delete(_failed(number)) for number in numbers)
    click.echo(f"{gone} job(s) forgotten.")
