"""Today: what awaits a member of staff, live by htmx; and the list of each kind of case."""

from __future__ import annotations

from flask import Response, abort, request, url_for
from flask_babel import gettext

from desk import acts, desk
from desk.access import may
from desk.acts import Act, ActForm
from desk.money.forms import KINDS
from models import Job
from shop.jobs import failed
from shop.operations import today as cases
from shop.operations import unpaid
from shop.operations.today_sections import SECTIONS, Section
from shop.overviews import job_words
from web.htmx import page

NAMES = job_words.NAMES | KINDS
"""What jobs and acts on money are called."""


@desk.get("/today")
def today() -> Response:
    """Show the first cases of each kind; the part with them refreshes itself."""
    sections = _sections()
    return page(
        "desk/today.html",
        "desk/_today.html",
        part="today",
        today=cases.today(sections),
        sections=sections,
        stages=unpaid.STAGES,
        names=NAMES,
    )


def _sections() -> dict[str, Section]:
    """Return the kinds of cases whose pages this member of staff may open."""
    hidden = set() if may("payout") else {"payouts", "held_payments"}
    hidden |= set() if may("staff_email") else {"failed_staff_letters"}
    return {name: section for name, section in SECTIONS.items() if name not in hidden}


@desk.get("/today/<name>")
def cases_of(name: str) -> Response:
    """Show the list of a kind of case."""
    if name not in _sections():
        abort(404)
    listed = cases.listed(name, request.args.get("after", ""))
    return page(
        "desk/cases.html", part="today", listed=listed, stages=unpaid.STAGES,
        names=NAMES,
    )  # fmt: skip


def _job(job_id: int) -> Job:
    found = failed.find_any(job_id)
    if found is None:
        abort(404)
    return found


@desk.get("/jobs/<int:job_id>")
def job(job_id: int) -> Response:
    """Show a job that is late or failed."""
    row = _job(job_id)
    return page(
        "desk/job.html", part="today", job=row, name=_name(row), work=job_words.work_of(row),
        can_retry=failed.find_failed(row.id) is not None,
    )  # fmt: skip


def _name(row: Job) -> str:
    """Return what a job does; a job of a kind that a newer release queued has its kind alone."""
    return gettext(job_words.NAMES.get(row.kind, row.kind))


def _retrying(row: Job) -> Act:
    return Act(
        title=gettext("Try job %(number)s again", number=row.id),
        explanation=gettext("The job is queued again, with all its attempts."),
        button=gettext("Try again"),
        back=url_for("desk.job", job_id=row.id),
        done=gettext("The job is queued again."),
        effects=((gettext("Job"), _name(row)), (gettext("Error"), row.error)),
        part="today",
    )


@desk.get("/jobs/<int:job_id>/attempts")
def retry_job(job_id: int) -> Response:
    """Show the form that has a failed job tried again."""
    return acts.show(ActForm(), _retrying(_job(job_id)))


@desk.post("/jobs/<int:job_id>/attempts")
def take_retry_job(job_id: int) -> Response:
    """Queue a failed job again."""
    row, form = _job(job_id), ActForm()
    done_once = acts.recorded_once(form, "retry_job", str(row.id), lambda: failed.retry(row))
    return acts.take(form, _retrying(row), done_once)
