"""The sandbox's two languages: complete, nothing left over, set as French is set."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from jinja2 import Environment, FileSystemLoader

import sandbox
from sandbox.french import FRENCH
from tests.whole.test_templates import untranslatable

ROOM = Path(sandbox.__file__).parent
TEMPLATES = sorted(str(p.relative_to(ROOM / "templates")) for p in ROOM.rglob("*.html"))
METHODS = [("**.py", "python"), ("**.html", "jinja2")]
NAMES = {
    "Sandbox", "PC", "Mac", "iPhone", "iPad", "iOS", "iPadOS", "Android", "Office",
    "GET", "POST", "DELETE", "controls", "clock", "switches", "pauses", "accounts",
    "notifications", "event", "copies", "advance", "seconds", "doubled", "true", "null",
    "point", "payment", "settle", "language", "fr", "times", "setup", "exe", "configure",
    "configuration", "xml",
}  # fmt: skip
"""Names, and what programs write: the same in every language."""


def used():
    found = extract_from_dir(str(ROOM), METHODS, keywords={"_": None, "N_": None})
    return {message for _, _, message, *_ in found}


def test_every_text_has_its_french_and_every_french_its_text():
    assert sorted(used() - set(FRENCH)) == []
    assert sorted(set(FRENCH) - used()) == []


@pytest.mark.parametrize("english", sorted(FRENCH))
def test_the_places_to_fill_are_the_same(english):
    places = re.compile(r"%\(\w+\)s")
    assert sorted(places.findall(english)) == sorted(places.findall(FRENCH[english]))


@pytest.mark.parametrize("french", sorted(FRENCH.values()))
def test_french_is_set_as_french_is_set(french):
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
    environment = Environment(loader=FileSystemLoader(ROOM / "templates"), autoescape=True)
    environment.filters.update(money=str, moment=str, short_moment=str)
    environment.get_template(name)
    source = (ROOM / "templates" / name).read_text()
    assert untranslatable(environment, source) - NAMES == set()
