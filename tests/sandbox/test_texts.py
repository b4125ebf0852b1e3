"""The sandbox's translations: complete, none unused, with French typography."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from jinja2 import Environment, FileSystemLoader

import sandbox
from sandbox.french import FRENCH
from tests.whole.test_templates import untranslatable

PACKAGE = Path(sandbox.__file__).parent
TEMPLATES = sorted(str(p.relative_to(PACKAGE / "templates")) for p in PACKAGE.rglob("*.html"))
METHODS = [("**.py", "python"), ("**.html", "jinja2")]
NAMES = {
    "Sandbox", "PC", "Mac", "iPhone", "iPad", "iOS", "iPadOS", "Android", "Office",
    "GET", "POST", "DELETE", "controls", "clock", "switches", "pauses", "accounts",
    "notifications", "event", "copies", "advance", "seconds", "doubled", "true", "null",
    "point", "payment", "settle", "language", "fr", "times", "setup", "exe", "configure",
    "configuration", "xml", "failure", "reference", "refunds", "payouts",
    "disputes", "outcome", "cards", "mandate", "renewal", "removal", "won", "checkout", "cs",
    "amount", "cents",
}  # fmt: skip
"""Names and code, which are the same in every language."""


def used():
    found = extract_from_dir(str(PACKAGE), METHODS, keywords={"_": None, "N_": None})
    return {message for _, _, message, *_ in found}


def test_every_text_is_translated_and_no_translation_is_unused():
    assert sorted(used() - set(FRENCH)) == []
    assert sorted(set(FRENCH) - used()) == []


@pytest.mark.parametrize("english", sorted(FRENCH))
def test_the_placeholders_are_the_same(english):
    placeholders = re.compile(r"%\(\w+\)s")
    assert sorted(placeholders.findall(english)) == sorted(placeholders.findall(FRENCH[english]))


@pytest.mark.parametrize("french", sorted(FRENCH.values()))
def test_french_has_french_typography(french):
    assert "'" not in french
    assert '"' not in french
    for sign in ";!?":
        assert all(before == "\u202f" for before in re.findall(rf"(.){re.escape(sign)}", french))
    for before in re.findall(r"(.):", french):
        assert before == "\u00a0"
    for after in re.findall(r"«(.)", french):
        assert after == "\u00a0"
    for before in re.findall(r"(.)»", french):
        assert before == "\u00a0"


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_load_and_hold_no_text_outside_the_catalogue(name):
    environment = Environment(loader=FileSystemLoader(PACKAGE / "templates"), autoescape=True)
    environment.filters.update(money=str, moment=str, short_moment=str)
    environment.get_template(name)
    source = (PACKAGE / "templates" / name).read_text()
    assert untranslatable(environment, source) - NAMES == set()
