"""The offers as pages name them: on every page without a statement of its own."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Any

from flask import Flask, g
from peewee import PeeweeException

from models import Offer
from shop import clock, database
from shop.pricing import catalogue
from web import catalogue_token, languages

Offers = catalogue.Offers


def priced() -> Offers:
    """Return the offers with their prices, by code, named in the language of the page.

    Those whose sale has ended are among them, those whose sale has not begun are not. One
    statement in a request.
    """
    if "priced_offers" not in g:
        today, every = clock.today(), catalogue.offers(language=languages.current_language())
        g.priced_offers = {
            code: offer for code, offer in every.items() if offer.was_on_sale_by(today)
        }
    found: Offers = g.priced_offers
    return found


def on_sale() -> Offers:
    """Return the offers of which new groups can be ordered, by code."""
    return catalogue.on_sale(priced())


def known() -> dict[str, Offer]:
    """Return every offer without its price, by code, on sale or not.

    No page has a statement for offers unless one was changed.
    """
    if "known_offers" not in g:
        g.known_offers = catalogue.described(catalogue_token.of_request())
    found: dict[str, Offer] = g.known_offers
    return found


MenuEntries = tuple[tuple[str, str], ...]
"""Offers in a menu: the name of each one's page in URLs, and its own name."""

_kept_entries: dict[str, tuple[dict[str, Offer], date, MenuEntries]] = {}
"""By language, of which offers and which day."""


def in_menu() -> MenuEntries:
    """Return the offers that menus lead to: those on sale."""
    if "offers_in_menu" not in g:
        g.offers_in_menu = _entries(known())
    found: MenuEntries = g.offers_in_menu
    return found


def in_menu_of_error() -> MenuEntries:
    """Return the same as this process last knew it: error pages need no database.

    A process that has shown no page yet asks the database, if it answers.
    """
    offers = catalogue.last_described()
    if not offers:
        with suppress(PeeweeException, *database.DATABASE_UNAVAILABLE):
            offers = known()
    return _entries(offers)


def _entries(offers: dict[str, Offer]) -> MenuEntries:
    today, language = clock.today(), languages.current_language()
    known = _kept_entries.get(language)
    if known is None or known[0] is not offers or known[1] != today:
        on_sale = (offer for offer in offers.values() if offer.is_on_sale_on(today))
        entries = tuple((offer.slug, offer.name_in(language)) for offer in on_sale)
        known = _kept_entries[language] = offers, today, entries
    return known[2]


def is_on_sale(code: str) -> bool:
    """Return whether new groups of an offer can be ordered."""
    return known()[code].is_on_sale_on(clock.today())


def name_of(code: str) -> str:
    """Return the name of an offer in the language of the page."""
    return known()[code].name_in(languages.current_language())


def init_app(app: Flask) -> None:
    """Let templates name the offers."""
    given: dict[str, Any] = {
        "offers_in_menu": in_menu, "offers_in_menu_of_error": in_menu_of_error,
        "offer_name": name_of, "offer_of": lambda code: known()[code],
    }  # fmt: skip
    app.jinja_env.globals.update(given)
