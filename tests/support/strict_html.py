"""A fast reader for pages that close every element with its own end tag.

html5lib judges HTML well, but took a fifth of the time of all short tests. Where each element is
closed by its own end tag, what HTML allows at a place depends on the elements around it alone: the
reader parses such a page itself, and accepts it if each of its elements stood at the same place of
a page that html5lib accepted. Everything else is left to html5lib.
"""

from __future__ import annotations

import re
from html import unescape
from xml.etree.ElementTree import Element, TreeBuilder

import html5lib

Errors = list[tuple[object, str]]
Place = int
Places = dict[tuple[Place, str], Place]

DOCTYPE = "<!DOCTYPE html>"
FRAGMENT = "DOCUMENT_FRAGMENT"
"""The name of the root of a partial, as html5lib has it."""

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
RAW = frozenset("iframe noembed noframes script style xmp".split())
"""Elements whose text has no character references."""
PLAIN = RAW | {"textarea", "title"}
"""Elements that hold text alone."""

LOSE_A_LINE_END = frozenset({"listing", "pre", "textarea"})
"""Elements whose text begins after a line end that follows the tag."""
UNUSUAL = frozenset("annotation-xml font frameset plaintext template".split())
"""Elements with rules of their own for attributes or for what follows them."""
SVG = "{http://www.w3.org/2000/svg}"
NOT_SVG = PLAIN | {"desc", "foreignobject"}
"""Elements with other rules in an image."""
OUTLINE = ["html", "head", "body"]

NAME = r"(?!xml|xlink)(?:viewBox|[a-z][a-z0-9:_-]*)"
TAG = re.compile(
    rf"""([^<]*) < (?: /([a-z][a-z0-9-]*)> |
        ([a-z][a-z0-9-]*) ((?: [ \n]+ {NAME} (?: ="[^"<]*" | ='[^'<]*' )? )*) [ \n]* >)""",
    re.VERBOSE,
)
ATTRIBUTE = re.compile(rf"""({NAME})(?:="([^"]*)"|='([^']*)')?""")
UNCLEAR = re.compile(
    "&(?!(?:amp|lt|gt|quot|nbsp|#34|#39);)"
    "|[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U0001fffe-\U0010ffff]"
)
"""What html5lib may call an error in a text: other references, and characters that are none."""


class _Unclear(Exception):
    """The page is left to html5lib."""


class Reader:
    """Reads pages and partials; ``places`` are those where html5lib accepted an element.

    A place is the number of an element with all those around it, by the number of the element
    around it and its own name.
    """

    def __init__(self) -> None:
        self.places: Places = {}

    def read(self, html: str, *, is_partial: bool) -> tuple[Element, Errors]:
        """Return the parsed page or partial, and its violations of HTML with their positions."""
        try:
            return _Parsing(html, self.places, is_partial=is_partial).root, []
        except _Unclear:
            root, errors = judge(html, is_partial=is_partial)
        if not errors:
            self._learn(html, root, is_partial=is_partial)
        return root, errors

    def _learn(self, html: str, root: Element, *, is_partial: bool) -> None:
        """Remember the places of a page that is valid, if it reads as html5lib read it."""
        learned = dict(self.places)
        try:
            ours = _Parsing(html, learned, is_partial=is_partial, learns=True).root
        except _Unclear:
            return
        if [*map(_seen, ours.iter())] == [*map(_seen, root.iter())]:
            self.places = learned


def judge(html: str, *, is_partial: bool) -> tuple[Element, Errors]:
    """Return what html5lib reads, and its violations of HTML with their positions."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    root = parser.parseFragment(html) if is_partial else parser.parse(html)
    return root, [(where, what) for where, what, _ in parser.errors]


def _text_of(source: str) -> str:
    return unescape(source) if "&" in source else source


def _seen(element: Element) -> tuple[object, ...]:
    """Return what tells elements apart, without white space, which moves around head and body."""
    return element.tag, element.attrib, (element.text or "").strip(), (element.tail or "").strip()


class _Parsing:
    """One reading of a page. Raises `_Unclear` where html5lib has to judge."""

    def __init__(
        self, html: str, places: Places, *, is_partial: bool, learns: bool = False
    ) -> None:
        if UNCLEAR.search(html):
            raise _Unclear
        self.html, self.places = html, places
        self.is_partial, self.learns = is_partial, learns
        self.outline: list[str] = []
        self.in_svg = 0
        self.builder = TreeBuilder()
        self.open: list[tuple[str, Place]] = []
        if is_partial:
            self.place = self._place_of(0, FRAGMENT)
            self.builder.start(FRAGMENT, {})
            self._text(html[self._elements(0) :])
            self.builder.end(FRAGMENT)
        else:
            self.place = 0
            self._page()
        if self.open:
            raise _Unclear
        self.root: Element = self.builder.close()

    def _page(self) -> None:
        if not self.html.startswith(DOCTYPE):
            raise _Unclear
        if self.html[self._elements(len(DOCTYPE)) :].strip():
            raise _Unclear

    def _elements(self, start: int) -> int:
        """Read all tags from ``start`` on, and return the position behind the last."""
        while found := TAG.match(self.html, start):
            text, ended, name, attributes = found.groups()
            self._text(text)
            start = found.end()
            if ended:
                self._end(ended)
            else:
                start = self._start(name, attributes, start)
        if "<" in self.html[start:]:
            raise _Unclear
        return start

    def _start(self, name: str, attributes: str, start: int) -> int:
        """Open an element. Return the position of what follows it."""
        self._check_outline(name)
        values = {}
        if attributes:
            written = ATTRIBUTE.findall(attributes)
            values = {key: _text_of(quoted or single) for key, quoted, single in written}
            if len(values) != len(written):
                raise _Unclear
        place = self._place_of(self.place, name)
        self.in_svg += name == "svg" or self.in_svg > 0
        self.builder.start(SVG + name if self.in_svg else name, values)
        if name in VOID and not self.in_svg:
            self.builder.end(name)
            return start
        self.open.append((name, self.place))
        self.place = place
        return start + self.html.startswith("\n", start) if name in LOSE_A_LINE_END else start

    def _check_outline(self, name: str) -> None:
        """Refuse what HTML allows by what came before, not by what is around."""
        around = self.open[-1][0] if self.open else ""
        if name in UNUSUAL or around in PLAIN or (self.in_svg and name in NOT_SVG):
            raise _Unclear
        if around in {"", "html"} and not self.is_partial:
            self.outline.append(name)
            if self.outline != OUTLINE[: len(self.outline)]:
                raise _Unclear

    def _end(self, name: str) -> None:
        if not self.open or self.open[-1][0] != name:
            raise _Unclear
        self.place = self.open.pop()[1]
        self.builder.end(SVG + name if self.in_svg else name)
        self.in_svg -= self.in_svg > 0

    def _text(self, text: str) -> None:
        if not text.strip(" \t\n"):
            if self.place:
                self.builder.data(text)
            return
        self._place_of(self.place, "#text")
        around = self.open[-1][0] if self.open else ""
        self.builder.data(text if around in RAW else _text_of(text))

    def _place_of(self, around: Place, name: str) -> Place:
        place = self.places.get((around, name))
        if place is None:
            if not self.learns:
                raise _Unclear
            place = self.places[around, name] = len(self.places) + 1
        return place
