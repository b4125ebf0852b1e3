"""What awaits a member of staff today: the first cases of each section, and a section's list.

The first rows of all sections are read by one statement, and a section's list by another.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any

from peewee import SQL, Select

from records.accounts import Account
from records.base import MomentField, database
from records.licence_stock import LicenceStock
from shop.office import stock
from shop.operations import monitoring, unpaid
from shop.operations.today_sections import SECTIONS, Section
from shop.overviews import job_words
from shop.parsing.numbers_and_json import read_integer
from shop.text.pagination import PER_PAGE

FIRST_ROWS = 5
"""The rows of a section that the page of all sections shows."""

NOTHING, NO_CENTS = SQL("''"), SQL("0")


@dataclass(frozen=True)
class Case:
    """A row of a section, which leads to the ``page`` of ``target``."""

    section: str
    key: int
    at: datetime
    text: str
    cents: int
    detail: str
    page: str
    target: str
    nic_handle: str
    customer: str


@dataclass(frozen=True)
class Today:
    """The first cases of each section, how many there are of each, and more figures.

    ``unpaid`` counts unpaid invoices by stage (`unpaid.STAGES`).
    """

    cases: dict[str, list[Case]]
    numbers: dict[str, int]
    unpaid: unpaid.Debts
    stock: list[LicenceStock]


def today(sections: Collection[str] = ()) -> Today:
    """Return what awaits staff, of all sections or of those named.

    Four statements, and two more where jobs are among it.
    """
    chosen = {name: SECTIONS[name] for name in SECTIONS if not sections or name in sections}
    queries = [_first(section) for section in chosen.values()]
    together = reduce(lambda query, other: query.union_all(other), queries)
    cases: dict[str, list[Case]] = {name: [] for name in chosen}
    for row in database.execute(together).fetchall():
        case = _case(row)
        cases[case.section].append(case)
    cases = _whose_jobs(cases)
    counted = {name: section.counted() for name, section in chosen.items() if section.counted}
    return Today(cases, monitoring.counts(**counted), unpaid.by_stage(), stock.running_out())


@dataclass(frozen=True)
class Listed:
    """A stretch of a section's list; ``next_key`` continues it, "" at the end."""

    section: Section
    cases: list[Case]
    next_key: str = ""


def listed(name: str, after: str = "") -> Listed:
    """Return a stretch of a section's list, from the row after the one with the key ``after``."""
    section = SECTIONS[name]
    query = _rows(section)
    reached = read_integer(after, high=2**31 - 1)
    if reached is not None:
        key = _order_of(section)
        beyond = key < reached if section.is_newest_first else key > reached
        query = query.where(beyond)
    cases = [_case(row) for row in query.limit(PER_PAGE + 1).tuples()]
    shown = _whose_jobs({name: cases[:PER_PAGE]})[name]
    return Listed(section, shown, str(shown[-1].key) if len(cases) > PER_PAGE else "")


def _first(section: Section) -> Any:
    """Return the query for the first rows of a section, as a member of a compound query."""
    rows = _rows(section).limit(FIRST_ROWS).alias(f"rows_of_{section.name}")
    return Select([rows], [SQL(f'"rows_of_{section.name}".*')])


def _rows(section: Section) -> Any:
    columns = (
        SQL(f"'{section.name}'"), section.key.alias("row_key"), section.at.alias("row_at"),
        section.text, NO_CENTS if section.cents is None else section.cents,
        NOTHING if section.detail is None else section.detail, section.page, section.target,
        Account.nic_handle, Account.first_name, Account.last_name, Account.company,
    )  # fmt: skip
    named = [
        column.alias(f"column_{place}") if place not in {1, 2} else column
        for place, column in enumerate(columns)
    ]
    order = _order_of(section)
    order = order.desc() if section.is_newest_first else order
    return section.select().select(*named).order_by(order)


def _order_of(section: Section) -> Any:
    """Return what a section's list is ordered by.

    Cases are few, and found by an index of what makes them one: an expression keeps planners from
    reading the whole table in the order of its ids instead.
    """
    return section.key + 0 if section.counted else section.key


_moments = MomentField()


def _case(row: tuple[Any, ...]) -> Case:
    *values, nic_handle, first_name, last_name, company = row
    name, key, given, text, cents, detail, page, target = values
    at = _moments.python_value(given)
    assert at is not None, "every section has a moment"
    return Case(
        name, key, at, text or "", int(cents or 0), detail or "", page,
        target or "", nic_handle or "", company or f"{first_name or ''} {last_name or ''}".strip(),
    )  # fmt: skip


def _whose_jobs(cases: dict[str, list[Case]]) -> dict[str, list[Case]]:
    """Return the cases with the customers whose work the jobs among them do."""
    jobs = {int(case.target) for rows in cases.values() for case in rows if case.page == "job"}
    if not jobs:
        return cases
    owners = job_words.customers_of(jobs)
    return {name: [_owned(case, owners) for case in rows] for name, rows in cases.items()}


def _owned(case: Case, owners: dict[int, Account]) -> Case:
    account = owners.get(int(case.target)) if case.page == "job" else None
    if account is None:
        return case
    name = account.company or account.full_name
    return replace(case, nic_handle=account.nic_handle, customer=name)
