"""Conversion of Markdown, the format of the contracts, to safe HTML."""

from __future__ import annotations

from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_markdown = MarkdownIt("commonmark", {"html": False})
"""Raw HTML is escaped, and markdown-it drops links with unsafe schemes."""

TOP = 2
"""The default level of ``##`` headings, below the document's own title."""


@lru_cache(maxsize=64)
def markdown(text: str, level: int = TOP) -> Markup:
    """Return ``text`` as HTML whose ``##`` headings have level ``level``.

    Recent results are cached: every customer reads the same contracts, and the conversion took
    longer than the rest of their page.
    """
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type.startswith("heading_"):
            _move(token, level - TOP)
    return Markup(_markdown.renderer.render(tokens, _markdown.options, {}))  # noqa: S704 - escaped


def _move(token: Token, by: int) -> None:
    token.tag = f"h{min(max(int(token.tag[1]) + by, 1), 6)}"
