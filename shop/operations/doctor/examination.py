"""All examinations in order: first those that need nothing, then those that ask others."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shop.operations import database_state
from shop.operations.doctor import inside, outside, site
from shop.operations.doctor.findings import Finding, Severity, fault

Examination = Callable[[], Iterator[Finding]]

INSIDE: tuple[Examination, ...] = (
    inside.examine_settings,
    inside.examine_papers,
    inside.examine_database,
)
ON_DATABASE: tuple[Examination, ...] = (
    inside.examine_keys,
    inside.examine_forwarding,
    inside.examine_demo_data,
    inside.examine_alarms,
)
OUTSIDE: tuple[Examination, ...] = (
    outside.examine_mail,
    site.examine_site,
    outside.examine_bank,
    outside.examine_provider,
    outside.examine_vat_registry,
    outside.examine_clock,
)


def examine() -> Iterator[Finding]:
    """Yield every finding; those about stored data only where the database can be used."""
    can_read = True
    for examination in INSIDE:
        for finding in examination():
            is_lost = finding.subject == "Database" and finding.severity == Severity.FAULT
            can_read = can_read and not is_lost
            yield finding
    for examination in (*(ON_DATABASE if can_read else ()), *OUTSIDE):
        yield from _findings(examination)


def _findings(examination: Examination) -> Iterator[Finding]:
    """Yield what an examination finds; a database that goes away meanwhile is one finding."""
    try:
        with database_state.explained():
            yield from examination()
    except database_state.DatabaseUnusable as unusable:
        yield fault("Database", str(unusable), "See above.")
