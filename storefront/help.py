"""Answers to the questions of the customer's guide; each screen links to those about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Response, make_response, redirect, request, url_for

from storefront import storefront
from web import languages
from web.htmx import page
from web.shared_pages import shared

TEXTS = Path(__file__).parent / "texts"

HEADING = re.compile(r"^### \[([a-z-]+)\] (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Question:
    """A question, its place on the page, and its answer as Markdown."""

    topic: str
    title: str
    answer: str


@dataclass(frozen=True)
class Section:
    """Questions about one subject."""

    title: str
    questions: tuple[Question, ...]


@cache
def sections(language: str) -> tuple[Section, ...]:
    """Return the questions and answers in a language, from ``texts/help.<language>.md``.

    A section begins with ``## title``, a question with ``### [topic] question``.
    """
    text = (TEXTS / f"help.{language}.md").read_text(encoding="utf-8")
    return tuple(_section(part) for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:])


def _section(text: str) -> Section:
    title, _, rest = text.partition("\n")
    pieces = HEADING.split(rest)[1:]
    found = zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True)
    return Section(
        title, tuple(Question(topic, asked, told.strip()) for topic, asked, told in found)
    )


@storefront.get("/<language:lang>/help", endpoint="help")
@shared
def show_help(lang: str) -> Response:
    """Show all questions with their answers."""
    languages.remember_page()
    return page("storefront/help.html", sections=sections(lang))


SHORT = {"/aide": "fr", "/help": "en"}
"""The short addresses that customers are told, and the language of each."""


@storefront.get("/aide")
@storefront.get("/help")
def short_help() -> Response:
    """Redirect from a short address to the help."""
    return make_response(redirect(url_for("storefront.help", lang=SHORT[request.path]), 302))
