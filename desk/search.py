"""The search box of the desk: one text, and the customers it leads to."""

from __future__ import annotations

from flask import Response, request, url_for

from desk import desk
from shop.overviews import customer_search
from web.htmx import go_to, page


@desk.get("/search")
def search() -> Response:
    """Show what a text leads to; a text that names one customer leads to their page at once."""
    wanted = " ".join(request.args.get("q", "").split())[:100]
    found = customer_search.search_customers(wanted)
    if found.only_customer is not None and "list" not in request.args:
        return go_to(url_for("desk.customer", nic=found.only_customer.nic_handle, q=wanted))
    return page("desk/search.html", part="customers", wanted=wanted, found=found)
