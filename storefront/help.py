"""Answers to the questions of the customer's guide; each screen links to those about it.

What an answer says of the offers is that of the catalogue: ``{offers}`` are links to those on sale,
``{attached}`` is one to that of Office Attach, ``{not_attached}`` says that it cannot be started
(both `shop.orders.attach`), and a paragraph ``{comparison}`` is the table of the home page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.lists import format_list
from flask import Response, make_response, redirect, request, url_for
from flask_babel import gettext

from shop.orders import attach
from shop.pricing.displayed import vat_beside_prices
from shop.text import formats, markdown
from storefront import storefront
from web import auth, languages, offers
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

    def filled(self, said: dict[str, str]) -> str:
        """Return the answer with the names in braces replaced by what is said of the offers."""
        answer = self.answer
        for name, text in said.items():
            answer = answer.replace(name, text)
        return answer


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
    return page(
        "storefront/help.html", sections=sections(lang), said=_said_of_offers(lang),
        offers=offers.on_sale(), shown_vat=vat_beside_prices(auth.account()),
    )  # fmt: skip


def _said_of_offers(lang: str) -> dict[str, str]:
    """Return what stands in answers for the names in braces, as Markdown."""
    sold = [_link(lang, each.slug, each.name) for each in offers.on_sale().values()]
    either = format_list(sold, style="or", locale=formats.locale_of(lang))
    attached = offers.known()[attach.OFFER]
    over = gettext("%(offer)s is no longer on sale.", offer=offers.name_of(attach.OFFER))
    return {
        "{offers}": f" ({either})" if sold else "",
        "{attached}": _link(lang, attached.slug, offers.name_of(attach.OFFER)),
        "{not_attached}": "" if offers.is_on_sale(attach.OFFER) else markdown.escaped(over),
    }


def _link(lang: str, slug: str, name: str) -> str:
    address = url_for("storefront.offer", lang=lang, slug=slug)
    return f"[{markdown.escaped(name)}]({address})"


SHORT = {"/aide": "fr", "/help": "en"}
"""The short addresses that customers are told, and the language of each."""


@storefront.get("/aide")
@storefront.get("/help")
def short_help() -> Response:
    """Redirect from a short address to the help."""
    return make_response(redirect(url_for("storefront.help", lang=SHORT[request.path]), 302))
