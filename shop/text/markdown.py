"""Conversion of Markdown, the format of the contracts, to safe HTML, and to a tree for papers."""

from __future__ import annotations

import re
from functools import lru_cache
from string import punctuation

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from markupsafe import Markup

_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
"""Raw HTML is escaped, and markdown-it drops links with unsafe schemes."""

Nodes = list[dict[str, object]]

_PUNCTUATION = re.compile(f"[{re.escape(punctuation)}]")

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


def escaped(text: str) -> str:
    """Return Markdown that shows ``text`` as it is: a name that staff chose is no markup."""
    return _PUNCTUATION.sub(r"\\\g<0>", text)


def _move(token: Token, by: int) -> None:
    token.tag = f"h{min(max(int(token.tag[1]) + by, 1), 6)}"


def tree(text: str) -> Nodes:
    """Return ``text`` as a tree of blocks and spans, each with its ``kind``, for papers."""
    return _blocks(SyntaxTreeNode(_markdown.parse(text)))


def _blocks(parent: SyntaxTreeNode) -> Nodes:
    return [_block(node) for node in parent.children]


def _block(node: SyntaxTreeNode) -> dict[str, object]:
    match node.type:
        case "heading":
            return {"kind": "heading", "level": int(node.tag[1]), "children": _inline(node)}
        case "paragraph":
            return {"kind": "paragraph", "children": _inline(node)}
        case "bullet_list":
            return _bullets([_blocks(item) for item in node.children])
        case "ordered_list":
            items = [_blocks(item) for item in node.children]
            return {"kind": "numbers", "start": int(node.attrs.get("start", 1)), "items": items}
        case "blockquote":
            return {"kind": "quote", "children": _blocks(node)}
        case "code_block" | "fence":
            return {"kind": "paragraph", "children": [_text(node.content.rstrip())]}
        case "hr":
            return {"kind": "rule"}
        case "table":
            return _table(node)
        case unknown:
            raise ValueError(f"no paper can hold Markdown of this kind: {unknown}")


def _bullets(items: list[Nodes]) -> dict[str, object]:
    """Return a list: a form to fill in, if each item is a short question that ends in a colon."""
    return {"kind": "form" if all(map(_is_question, items)) else "bullets", "items": items}


def _is_question(item: Nodes) -> bool:
    match item:
        case [{"kind": "paragraph", "children": [*_, {"kind": "text", "text": str(text)}]}]:
            return text.rstrip().endswith(":")
    return False


def _table(node: SyntaxTreeNode) -> dict[str, object]:
    """Return a table: its head, and all other cells, row by row."""
    rows = [row for part in node.children for row in part.children]
    head, *others = [[_inline(cell) for cell in row.children] for row in rows]
    cells = [cell for row in others for cell in row]
    return {"kind": "table", "columns": len(head), "head": head, "cells": cells}


def _inline(parent: SyntaxTreeNode) -> Nodes:
    """Return the spans of a block."""
    return [span for inline in parent.children for span in _spans(inline)]


def _spans(parent: SyntaxTreeNode) -> Nodes:
    return [_span(node) for node in parent.children]


def _span(node: SyntaxTreeNode) -> dict[str, object]:
    match node.type:
        case "text" | "code_inline":
            return _text(node.content)
        case "softbreak":
            return _text(" ")
        case "hardbreak":
            return {"kind": "newline"}
        case "strong" | "em":
            return {"kind": node.type, "children": _spans(node)}
        case "link":
            address = str(node.attrs["href"])
            return {"kind": "link", "address": address, "children": _spans(node)}
        case "image":
            return _text(node.content)
        case unknown:
            raise ValueError(f"no paper can hold Markdown of this kind: {unknown}")


def _text(text: str) -> dict[str, object]:
    return {"kind": "text", "text": text}
