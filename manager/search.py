"""The search in all that the customer has, on every page of the customer area."""

from __future__ import annotations

from flask import Response, request, url_for

from manager import manager
from models import Invoice, Order
from shop.errors import Refusal
from shop.overviews import own_search
from shop.overviews.own_search import Found
from web import auth
from web.htmx import go_to, page, wants_partial
from web.languages import sentence

PAGES = {Order.event_subject: "manager.order", Invoice.event_subject: "manager.bill"}
"""The page of a document whose number was typed, by what events call it."""


@manager.get("/manager/search")
def search() -> Response:
    """Show what a text finds, by kind; the whole number of a document leads there at once."""
    typed, error = request.args.get("q", ""), ""
    found = Found()
    try:
        wanted = own_search.read_wanted(typed)
    except Refusal as refusal:
        wanted, error = typed, sentence(refusal)
    else:
        named = None if wants_partial() else own_search.named_by(auth.customer(), wanted)
        if named is not None:
            return go_to(url_for(PAGES[named.event_subject], number=named.number))
        found = own_search.search_own_data(auth.customer(), wanted)
    return page(
        "manager/search.html",
        "manager/_search_results.html",
        status=422 if error else 200,
        wanted=wanted,
        found=found,
        error=error,
    )


@manager.get("/manager/search/suggestions")
def search_suggestions() -> Response:
    """Return the first of what a text finds, while it is being typed in a page's head."""
    if not wants_partial():
        return search()
    typed, error = request.args.get("q", ""), ""
    found = Found()
    try:
        wanted = own_search.read_wanted(typed)
        found = own_search.search_own_data(auth.customer(), wanted, own_search.MOST_SUGGESTED)
    except Refusal as refusal:
        wanted, error = "", sentence(refusal)
    template = "manager/_search_suggestions.html"
    return page(
        template, template, status=422 if error else 200, wanted=wanted, found=found, error=error
    )
