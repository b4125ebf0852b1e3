"""The operator's documents keep up with the code, and lead nowhere that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from shop import VERSION
from shop.operations import monitoring
from tests import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("deploy/*.md")])
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"(flask\s+(?:--app\s+app\s+)?|`… )([a-z][a-z-]*(?:\s+[a-z-]+)?)")
"""A command as documents write it: ``flask billing check``, and short for that after another
command, ``… billing check``, or ``… check`` after one of the same group."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(document: Path) -> None:
    missing = [
        link for link in LINK.findall(document.read_text()) if not (document.parent / link).exists()
    ]
    assert missing == []


def test_the_changes_begin_with_this_version() -> None:
    versions = re.findall(r"^## (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == VERSION


def test_every_alarm_has_a_cure(app: Flask) -> None:
    cures = (ROOT / "docs" / "operate.md").read_text()
    table = re.findall(r"^\| `([a-z_]+)` \|", cures, re.MULTILINE)
    assert set(monitoring.alarms()) <= set(table)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_name_commands_that_exist(app: Flask, document: Path) -> None:
    commands, before = app.cli.commands, ""
    for mark, words in COMMAND.findall(document.read_text()):
        group, command = [*words.split(), ""][:2]
        if "…" in mark and group in getattr(commands.get(before), "commands", {}):
            continue
        before = group
        assert group in commands, words
        members = getattr(commands[group], "commands", {})
        assert not members or command in members, words
