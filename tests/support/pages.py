"""Rules for every page and e-mail, checked in every test that receives one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from xml.etree.ElementTree import Element

from babel.messages.pofile import read_po

from tests import ROOT
from tests.support import strict_html

LANGUAGES = {"fr", "en"}
FIELDS = {"input", "select", "textarea"}
NEED_NO_LABEL = {"hidden", "submit", "button", "reset", "image"}
BANNED_VALUES = re.compile(r"^\s*(js|javascript):")

READER = strict_html.Reader()

RANDOM = re.compile(
    r"""(?<=["=;/>])(?:[\w.-]{20,}|[a-z]{2}[0-9]{5}-ovh|[0-9]{6,})(?![\w.-])""", re.ASCII
)
"""Tokens, nic-handles and long numbers, which tell two sights of a page apart; long words too."""
A_DIGIT = re.compile(r"[0-9]")

_faultless: set[int] = set()
"""Pages without faults that were read before, by a digest of all but what is random in them."""


def problems(
    html: str,
    *,
    is_partial: bool = False,
    is_letter: bool = False,
    english: frozenset[str] | None = None,
) -> list[str]:
    """Return the faults of a page, or of a partial for htmx.

    An e-mail has its styles inline, the only ones mail programs read. ``english`` are the texts
    not allowed on a French page: the shop's messages by default.
    """
    seen = hash((_without_chance(html), is_partial, is_letter, english))
    if seen in _faultless:
        return []
    found = _problems(html, is_partial=is_partial, is_letter=is_letter, english=english)
    if not found:
        _faultless.add(seen)
    return found


def _without_chance(html: str) -> str:
    """Return the page with its random values numbered by their first place on it."""
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        value = found[0]
        return numbers.setdefault(value, f"#{len(numbers)}") if A_DIGIT.search(value) else value

    return RANDOM.sub(number, html)


def _problems(
    html: str, *, is_partial: bool, is_letter: bool, english: frozenset[str] | None
) -> list[str]:
    root, errors = read_page(html, is_partial=is_partial)
    found = [f"HTML at {where}: {what}" for where, what in errors]
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    found += [*_ids(elements), *_fields(elements), *_names(elements), *_forms(elements)]
    found += [] if is_letter else _inline(elements)
    if not is_partial:
        found += [*_outline(root), *_untranslated(root, english or english_sentences())]
    return found


@lru_cache(maxsize=32)
def read_page(html: str, *, is_partial: bool = False) -> tuple[Element, list[tuple[object, str]]]:
    """Return a parsed page or partial, and its violations of HTML with their positions.

    The result is cached for all callers: do not modify it.
    """
    return READER.read(html, is_partial=is_partial)


def _ids(elements: list[Element]) -> Iterator[str]:
    ids = Counter(element.get("id") for element in elements if element.get("id") is not None)
    yield from (f"id {name!r} stands {count} times" for name, count in ids.items() if count > 1)
    for element in elements:
        for attribute in ("aria-describedby", "aria-labelledby", "aria-controls", "for"):
            for name in (element.get(attribute) or "").split():
                if name not in ids:
                    yield f"{attribute} of {_describe(element)} names no id here: {name!r}"


def _fields(elements: list[Element]) -> Iterator[str]:
    labelled = {element.get("for") for element in elements if element.tag == "label"}
    wrapped = {id(field) for label in elements if label.tag == "label" for field in label.iter()}
    for element in elements:
        if element.tag not in FIELDS or element.get("type") in NEED_NO_LABEL:
            continue
        named = element.get("aria-label") or element.get("aria-labelledby")
        if not named and element.get("id") not in labelled and id(element) not in wrapped:
            yield f"no label: {_describe(element)}"


def _names(elements: list[Element]) -> Iterator[str]:
    """Yield the links, buttons and images without an accessible name."""
    for element in elements:
        if element.tag == "img" and element.get("alt") is None:
            yield f"no alternative text: {_describe(element)}"
        if element.tag in {"a", "button", "summary"} and not _accessible_name(element):
            yield f"no name: {_describe(element)}"


def _accessible_name(element: Element) -> str:
    own = element.get("aria-label") or element.get("aria-labelledby") or element.get("title")
    inner = " ".join(part.get("alt") or part.get("aria-label") or "" for part in element.iter())
    return (own or "".join(element.itertext()) + inner).strip()


def _forms(elements: list[Element]) -> Iterator[str]:
    for form in (element for element in elements if element.tag == "form"):
        if not form.get("action") or not form.get("method"):
            yield f"does nothing without JavaScript: {_describe(form)}"
        fields = {field.get("name") for field in form.iter("input")}
        if (form.get("method") or "").lower() == "post" and "csrf_token" not in fields:
            yield f"no csrf_token: {_describe(form)}"


def _inline(elements: list[Element]) -> Iterator[str]:
    """Yield what the Content-Security-Policy would refuse."""
    for element in elements:
        if element.tag == "style":
            yield "a style element"
        if element.tag == "script" and not element.get("src") and not element.get("nonce"):
            yield "an inline script without a nonce"
        for name, value in element.attrib.items():
            if name == "style" or name.startswith(("on", "hx-on")) or BANNED_VALUES.match(value):
                yield f"inline code: {name}={value!r} of {_describe(element)}"


def _outline(root: Element) -> Iterator[str]:
    if root.get("lang") not in LANGUAGES:
        yield f"the page's language is {root.get('lang')!r}"
    if not (root.findtext("head/title") or "").strip():
        yield "no title"
    if (count := len(list(root.iter("h1")))) != 1:
        yield f"{count} elements h1 instead of one"


def _untranslated(root: Element, english: frozenset[str]) -> Iterator[str]:
    """Yield English messages on a French page: whole texts that the catalogue translates."""
    if root.get("lang") != "fr":
        return
    for text in _texts(root):
        if text in english:
            yield f"not translated: {text!r}"


def _texts(element: Element) -> Iterator[str]:
    if element.get("lang") == "en" or element.tag in {"script", "style"}:
        return
    texts = [element.text, *(element.get(name) for name in ("aria-label", "title", "placeholder"))]
    for child in element:
        if isinstance(child.tag, str):
            yield from _texts(child)
        texts.append(child.tail)
    yield from (" ".join(text.split()) for text in texts if text and text.strip())


@cache
def english_sentences() -> frozenset[str]:
    """Return the messages whose French differs from their English."""
    path = ROOT / "translations" / "fr" / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        catalogue = read_po(file)
    texts = {
        " ".join(message.id.split()): message.string
        for message in catalogue
        if isinstance(message.id, str) and message.id
    }
    return frozenset(english for english, french in texts.items() if french != english)


def _describe(element: Element) -> str:
    attributes = " ".join(f'{name}="{value}"' for name, value in list(element.attrib.items())[:4])
    return f"<{element.tag} {attributes}>"
