"""The ASVS table and the security pages agree with the standard's numbers and with the code."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

import pytest
from limits import RateLimitItem

from shop.customers import (
    allowances,
    email_proofs,
    password_changes,
    passwords,
    sessions,
    weak_passwords,
)
from shop.security import rate_limits
from tests import ROOT
from tests.whole.test_secure_code import modules
from web import error_pages

PAGES = ROOT / "docs" / "security"

LEVELS = {
    "1": """
        1.2.1-5 1.3.1-2 1.5.1 2.1.1 2.2.1-2 2.3.1 3.2.1-2 3.3.1 3.4.1-2 3.5.1-3 4.1.1 4.4.1 5.2.1-2
        5.3.1-2 6.1.1 6.2.1-8 6.3.1-2 6.4.1-2 7.2.1-4 7.4.1-2 8.1.1 8.2.1-2 8.3.1 9.1.1-3 9.2.1
        10.4.1-5 11.3.1-2 11.4.1 12.1.1 12.2.1-2 13.4.1 14.2.1 14.3.1 15.1.1 15.2.1 15.3.1
    """,
    "2": """
        1.1.1-2 1.2.6-9 1.3.3-11 1.4.1-3 1.5.2 2.1.2-3 2.2.3 2.3.2-4 2.4.1 3.3.2-4 3.4.3-6 3.5.4-5
        3.7.1-2 4.1.2-3 4.2.1 4.3.1-2 4.4.2-4 5.1.1 5.2.3 5.4.1-3 6.1.2-3 6.2.9-12 6.3.3-4 6.4.3-4
        6.5.1-5 6.6.1-3 6.8.1-4 7.1.1-3 7.3.1-2 7.4.3-5 7.5.1-2 7.6.1-2 8.1.2 8.2.3 8.4.1 9.2.2-4
        10.1.1-2 10.2.1-2 10.3.1-4 10.4.6-11 10.5.1-5 10.6.1-2 10.7.1-3 11.1.1-2 11.2.1-3 11.3.3
        11.4.2-4 11.5.1 11.6.1 12.1.2-3 12.3.1-4 13.1.1 13.2.1-5 13.3.1-2 13.4.2-5 14.1.1-2
        14.2.2-4 14.3.2-3 15.1.2-3 15.2.2-3 15.3.2-7 16.1.1 16.2.1-5 16.3.1-4 16.4.1-3 16.5.1-3
        17.1.1 17.2.1-4 17.3.1-2
    """,
}
"""The requirements of ASVS 5.0.0 by level; a range is of the last number."""

ALLOWED = {"1": {"met", "n/a"}, "2": {"met", "partly", "n/a"}}

ROW = re.compile(
    r"^\| (\d+\.\d+\.\d+) \| ([12]) \| (.+?) \| (.+?) \| (.*?) \| (.*?) \|$", re.MULTILINE
)
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|txt|md)|\.dockerignore)`")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
LINK = re.compile(r"\]\(([^):]+)\)")


@dataclass(frozen=True)
class Row:
    """A requirement: its number and level, its state, how it is met, what shows it."""

    number: str
    level: str
    topic: str
    state: str
    how: str
    shown_by: str


def table() -> list[Row]:
    return [Row(*found) for found in ROW.findall((PAGES / "asvs.md").read_text())]


def numbers(listed: str) -> list[str]:
    found = []
    for each in listed.split():
        first, _, last = each.partition("-")
        section, _, start = first.rpartition(".")
        found += [f"{section}.{n}" for n in range(int(start), int(last or start) + 1)]
    return found


def test_the_standard_has_253_requirements_of_both_levels() -> None:
    assert [len(numbers(LEVELS[level])) for level in "12"] == [70, 183]


def test_every_requirement_stands_in_the_table_once() -> None:
    found = [(row.number, row.level) for row in table()]
    wanted = [(number, level) for level in "12" for number in numbers(LEVELS[level])]
    assert sorted(found) == sorted(wanted)
    in_order = sorted(found, key=lambda each: tuple(map(int, each[0].split("."))))
    assert found == in_order


def test_level_1_is_met_whole_and_nothing_of_level_2_is_not_met() -> None:
    wrong = [(row.number, row.state) for row in table() if row.state not in ALLOWED[row.level]]
    assert wrong == []


def test_every_row_says_how_and_what_shows_it() -> None:
    for row in table():
        assert 1 <= len(row.topic.split()) <= 10, row.number
        assert row.how, row.number
        shown = TEST.findall(row.shown_by) or LINK.findall(row.shown_by)
        assert shown or row.state == "n/a", row.number


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_named_exists() -> None:
    named = [found for row in table() for found in TEST.findall(row.shown_by)]
    assert len(named) > 200
    assert [each for each in named if each[1] not in names_in(each[0])] == []


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_every_file_named_exists(page) -> None:
    text = page.read_text()
    missing = [path for path in PATH.findall(text) if not (ROOT / path).exists()]
    assert [path for path in missing if path not in OF_MACHINES] == []


OF_MACHINES = {"journald.conf"}
"""Files of the operator's machine."""


def test_the_summary_counts_the_table() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    counted = re.findall(
        r"^\| (\d+)\. .*? \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE
    )
    by_chapter: dict[str, Counter[str]] = {}
    for row in table():
        by_chapter.setdefault(row.number.split(".")[0], Counter())[row.state] += 1
    expected = [
        (chapter, *map(str, (states.total(), states["met"], states["partly"], states["n/a"])))
        for chapter, states in by_chapter.items()
    ]
    assert counted == expected


# --- The log ---------------------------------------------------------------------------------

BY_STATUS = {*error_pages.REFUSALS.values(), "request_failed", "database_unavailable"}
"""Events whose name is a value (`web.error_pages`)."""


def events_of_the_code() -> set[str]:
    found = {
        call.args[call.func.attr == "log"]
        for each in modules()
        for call in each.calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in {"log", "info", "warning", "error", "exception"}
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "log"
    }
    return BY_STATUS | {name.value for name in found if isinstance(name, ast.Constant)}


def test_the_page_on_logging_has_every_event() -> None:
    rows = re.findall(r"^\| (`[a-z_`, ]+) \|", (PAGES / "logging.md").read_text(), re.MULTILINE)
    stated = {event for row in rows for event in re.findall(r"`([a-z_]+)`", row)}
    assert stated == events_of_the_code()


# --- The figures of the pages ----------------------------------------------------------------


def limits_of_the_code() -> dict[str, RateLimitItem]:
    return {
        name: item for name, item in vars(rate_limits).items() if isinstance(item, RateLimitItem)
    }


def test_the_page_on_limits_has_every_limit_with_its_figure() -> None:
    text = (PAGES / "limits.md").read_text()
    stated = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", text, re.MULTILINE))
    assert stated == {name: str(item) for name, item in limits_of_the_code().items()}


@pytest.mark.parametrize(
    ("allowance", "label"),
    [
        (allowances.PASSWORD, "password, at signing in"),
        (allowances.SECOND_STEP, "code of the second step"),
        (allowances.RESET, "reset link"),
    ],
)
def test_the_page_on_limits_has_every_allowance(
    allowance: allowances.Allowance, label: str
) -> None:
    (row,) = [
        line
        for line in (PAGES / "limits.md").read_text().splitlines()
        if line.startswith(f"| {label}")
    ]
    _, _, own, strangers, _ = row.split("|")
    assert own.strip() == ", ".join(map(str, allowance.per_origin))
    assert strangers.strip().startswith(", ".join(map(str, allowance.of_strangers)))


def test_the_page_on_factors_has_the_lengths_of_the_code() -> None:
    text = (PAGES / "factors.md").read_text()
    hours = int(sessions.IDLE_LENGTH.total_seconds()) // 3600
    minutes = int(sessions.CONFIRMATION_VALIDITY.total_seconds()) // 60
    for said in (
        f"ends after {hours} hours, or {sessions.STAYING_LENGTH.days} days",
        f"{sessions.LONGEST.days} days, then the password again",
        f"asked for again {minutes} minutes after",
        f"{passwords.MIN_PASSWORD_LENGTH} to {passwords.MAX_PASSWORD_LENGTH} characters",
        f"reset link | {int(password_changes.RESET_LENGTH.total_seconds()) // 3600} hour",
        f"address | {email_proofs.VALIDITY.days} days",
        *(f"`{word}`" for word in weak_passwords.OWN_WORDS),
    ):
        assert said in text, said
