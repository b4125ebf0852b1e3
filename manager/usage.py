"""« Consommation »: a group's active licences as a chart, tables and a file."""

from __future__ import annotations

import csv
from io import StringIO

from flask import Response, request
from flask_babel import gettext

from manager import manager
from models import LicenceGroup
from shop import clock
from shop.licences import usage as usages
from shop.licences.usage import Day
from shop.text import formats
from web import lookups
from web.htmx import page
from web.languages import current_language

BAR_CHART = 31
"""The most days that are shown as bars; more of them make a line."""


def _period() -> str:
    asked = request.args.get("period", "")
    return asked if asked in usages.PERIODS else next(iter(usages.PERIODS))


def _days(group: LicenceGroup) -> list[Day]:
    return usages.days(group, *usages.period(_period(), clock.today()))


@manager.get("/manager/groups/<name>/usage")
def usage(name: str) -> Response:
    """Show the daily peak of active licences, and months with peak, end and licence-days."""
    group = lookups.own_group(name)
    days = _days(group)
    return page(
        "manager/usage.html",
        "manager/_usage.html",
        group=group,
        period=_period(),
        periods=usages.PERIODS,
        days=days,
        months=usages.months(days),
        points=[(formats.short_day(day.day, current_language())[:5], day.peak) for day in days],
        kind="bar" if len(days) <= BAR_CHART else "line",
    )


@manager.get("/manager/groups/<name>/usage.csv")
def usage_file(name: str) -> Response:
    """Return the days as CSV for spreadsheets (semicolons, UTF-8 with a byte order mark)."""
    group = lookups.own_group(name)
    target = StringIO()
    table = csv.writer(target, delimiter=";", lineterminator="\r\n")
    table.writerow([gettext("Day"), gettext("Peak"), gettext("End of day")])
    table.writerows([day.day.isoformat(), day.peak, day.closing] for day in _days(group))
    response = Response("\ufeff" + target.getvalue(), content_type="text/csv; charset=utf-8")
    filename = f"usage-{group.name}-{_period()}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response
