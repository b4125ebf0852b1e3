"""Links and forms of a page, as a browser without JavaScript uses them.

Only the form that is needed is parsed: the client must use less CPU than the shop it measures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

LINK = re.compile(r"<a\b([^>]*)>(.*?)</a>", re.DOTALL)
HREF = re.compile(r'href="([^"]*)"')
TAG = re.compile(r"<[^>]*>")
FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)


@dataclass
class Form:
    """A form: its action and method, the values the page filled in, and its buttons.

    ``buttons`` holds, by the text of each, what is sent when it is the one that is pressed.
    """

    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    unticked: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, dict[str, str]] = field(default_factory=dict)

    def filled(self, values: dict[str, str]) -> dict[str, str]:
        """Return the data to submit when a customer enters ``values``.

        Raises `KeyError` for a field that the form does not have.
        """
        known = self.fields.keys() | self.unticked.keys()
        unknown = values.keys() - known
        if unknown:
            raise KeyError(f"no fields {sorted(unknown)}; there are {sorted(known)}")
        return self.fields | values


def find_link(page: str, link: str) -> str:
    """Return the URL of the link with this text. Raises `LookupError` if there is none."""
    for attributes, content in LINK.findall(page):
        if " ".join(TAG.sub("", content).split()) == link:
            return unescape(HREF.findall(attributes)[0])
    raise LookupError(f"no link {link!r}")


def find_form(page: str, button: str) -> Form:
    """Return the form that has a button with this text. Raises `LookupError` if none has."""
    first_word = button.split()[0]
    for chunk in FORM.findall(page):
        form = _read(chunk) if first_word in chunk else Form()
        if button in form.buttons:
            form.fields |= form.buttons[button]
            return form
    raise LookupError(f"no button {button!r}")


def _read(chunk: str) -> Form:
    reader = _Reader()
    reader.feed(chunk)
    return reader.form


class _Reader(HTMLParser):
    """The parser of one form."""

    def __init__(self) -> None:
        super().__init__()
        self.form = Form()
        self._button: list[str] | None = None
        self._sent: dict[str, str] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.form.action = given.get("action", "")
            self.form.method = given.get("method", "get").lower()
        elif tag == "input":
            self._input(given)
        elif tag == "select":
            self._select = given.get("name", "")
            self.form.fields[self._select] = ""
        elif tag == "option" and "selected" in given:
            self.form.fields[self._select] = given.get("value", "")
        elif tag == "button":
            self._button = []
            self._sent = {given["name"]: given.get("value", "")} if "name" in given else {}

    def _input(self, given: dict[str, str]) -> None:
        name, ticks = given.get("name", ""), given.get("type") in {"checkbox", "radio"}
        value = given.get("value", "on" if ticks else "")
        if ticks and "checked" not in given:
            self.form.unticked[name] = value
        elif name:
            self.form.fields[name] = value

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._button.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button is not None:
            self.form.buttons[" ".join("".join(self._button).split())] = self._sent
            self._button = None
