"""Markdown, as the contracts are written in, turned into safe HTML."""

from __future__ import annotations

from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_markdown = MarkdownIt("commonmark", {"html": False})
"""Raw HTML is shown as it is written, and links lead only where markdown-it lets them."""

TOP = 2
"""The level of the headings ``##``, under the document's own title."""


@lru_cache(maxsize=64)
def markdown(text: str, level: int = TOP) -> Markup:
    """``text`` as HTML whose headings ``##`` are of ``level``.

    The last ones stay in memory: everybody who orders reads the same contracts, and turning them
    into HTML took longer than the rest of their page.
    """
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type.startswith("heading_"):
            _move(token, level - TOP)
    return Markup(_markdown.renderer.render(tokens, _markdown.options, {}))  # noqa: S704 - escaped


def _move(token: Token, by: int) -> None:
    token.tag = f"h{min(max(int(token.tag[1]) + by, 1), 6)}"
