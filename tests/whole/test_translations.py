"""The French catalogue: complete, and with French typography."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from io import BytesIO

import pytest
from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from tests import ROOT

CATALOGUE = ROOT / "translations" / "fr" / "LC_MESSAGES" / "messages.po"
SOURCES = [
    "app.py",
    "desk/**.py",
    "manager/**.py",
    "records/**.py",
    "shop/**.py",
    "storefront/**.py",
    "web/**.py",
]
METHODS = [
    *((pattern, "python") for pattern in SOURCES),
    ("templates/**.html", "jinja2"),
    ("templates/**.txt", "jinja2"),
]
OPTIONS = {"jinja2": {"trimmed": "true", "silent": "false"}}
KEYWORDS = DEFAULT_KEYWORDS | {"N_": None, "_l": None, "lazy_gettext": None, "_n": (1, 2)}

NO_BREAK = "\u00a0"
NARROW_NO_BREAK = "\u202f"


PARTED_NUMBER = re.compile(
    r"\d (?!(?:du|de|et|si|ou|à|en|pour|par|côte)\b)[a-zéèàâêîôûç]{2,}", re.IGNORECASE
)
"""A number in figures, and the noun that could stand at the beginning of the next line."""


COUNTS = "num|count|most|days|size|new"
"""Places in texts that are filled with a count, besides those that end in d."""

PARTED_COUNT = re.compile(
    rf"%\((?:(?:{COUNTS})\)s|(?!line\b)\w+\)d) "
    r"(?!(?:du|de|et|si|sur|ou|à|au|en|pour|par|sont)\b)\w{2,}"
)
"""A count, and the noun that could stand at the beginning of the next line."""


def parts_of(message: Message) -> Iterator[str]:
    """Yield a message's translations: one, or one for each plural form."""
    strings = message.string if isinstance(message.string, (list, tuple)) else [message.string]
    yield from strings


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    return read_po(BytesIO(CATALOGUE.read_bytes()), locale="fr")


@cache
def used() -> set[str]:
    """Return every message that the code and the templates use."""
    options = {pattern: OPTIONS.get(method, {}) for pattern, method in METHODS}
    found = extract_from_dir(str(ROOT), METHODS, options, keywords=KEYWORDS)
    return {message[0] if isinstance(message, tuple) else message for _, _, message, *_ in found}


def test_every_text_has_its_french(catalogue: Catalog) -> None:
    known = {
        message.id[0] if isinstance(message.id, tuple) else message.id
        for message in catalogue
        if message.id and all(parts_of(message))
    }
    assert sorted(used() - known) == []


def test_the_catalogue_holds_no_unused_message(catalogue: Catalog) -> None:
    known = {
        message.id[0] if isinstance(message.id, tuple) else message.id
        for message in catalogue
        if message.id
    }
    assert sorted(known - used()) == []


def test_no_translation_is_a_guess(catalogue: Catalog) -> None:
    assert not [message.id for message in catalogue if message.id and message.fuzzy]


def test_a_number_stays_on_the_line_of_its_noun(catalogue: Catalog) -> None:
    texts = (text for message in catalogue for text in parts_of(message) if message.id)
    parted = (PARTED_NUMBER.search(text.replace("Office 365", "Office")) for text in texts)
    assert [found.string for found in parted if found] == []


def test_a_count_that_is_filled_in_stays_on_the_line_of_its_noun(catalogue: Catalog) -> None:
    texts = [text for message in catalogue for text in parts_of(message) if message.id]
    assert [text for text in texts if PARTED_COUNT.search(text)] == []
    assert PARTED_COUNT.search("%(num)s licences")
    assert PARTED_COUNT.search("au plus %(places)d comptes")
    assert not PARTED_COUNT.search(f"%(num)s{NO_BREAK}licences")


def test_places_to_fill_are_the_same_in_french(catalogue: Catalog) -> None:
    wrong = [
        text
        for message in catalogue
        for text in parts_of(message)
        if message.id and places(text) - places("".join(message.id))
    ]
    assert not wrong


def places(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[a-z]", text))


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("apostrophes are ’", r"'"),
        ("U+00A0 stands before :", rf"(?<![{NO_BREAK}]):(?=\s|$)"),
        ("U+202F stands before ; ! ?", rf"[^{NARROW_NO_BREAK}?!][;!?](?=\s|$)"),
        ("U+00A0 stands after «", rf"«(?!{NO_BREAK})"),
        ("U+00A0 stands before »", rf"(?<!{NO_BREAK})»"),
        ("quotation marks are « »", r"[\"“”](?![^<]*>)"),
        ("an ellipsis is …", r"\.\.\."),
    ],
)
def test_french_is_set_as_french_is_set(catalogue: Catalog, rule: str, wrong: str) -> None:
    found = [
        text
        for message in catalogue
        for text in parts_of(message)
        if message.id and re.search(wrong, plain(text))
    ]
    assert not found, rule


def plain(text: str) -> str:
    """Return a text without markup, entities and URLs, whose characters are not punctuation."""
    return re.sub(r"<[^>]*>|&\w+;|https?://\S+", "", text)
