"""What the contracts promise about data: erasure, the evidence of an order, what goes when."""

from __future__ import annotations

from itertools import islice

from flask import Response, abort, flash, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from desk import access, acts, desk
from desk.acts import Act, ActForm
from models import Account, Order
from shop.errors import Conflict
from shop.personal_data import KEPT, closing, erasure, evidence, retention
from web.htmx import go_to, page

MOST_SHOWN = 10

RULES = {
    "people": _l("Names of licence holders, 30 days after the end of their group"),
    "histories": _l("Names of licence holders in the history of a group, after a year"),
    "secrets": _l("Content of emails with a password or a link, after 90 days"),
    "notices": _l("Customers told by email that their account ends in 30 days"),
    "accounts": _l("Accounts without a service for five years: closed, and erased"),
    "invoices": _l("The customer on invoices, and their PDF, after ten years"),
}


@desk.get("/data")
def data() -> Response:
    """Say what would go today, and lead to an erasure or to the evidence of an order."""
    if nic := request.args.get("nic", "").strip().lower():
        if closing.find_account(nic) is not None:
            return go_to(url_for("desk.erasure", nic=nic))
        flash(gettext("There is no customer %(nic)s.", nic=nic), "warning")
    if number := request.args.get("number", "").strip():
        if evidence.find_order(number) is not None:
            return go_to(url_for("desk.order_evidence", number=number))
        flash(gettext("There is no order %(number)s.", number=number), "warning")
    due = {
        rule.name: [rule.shown(row) for row in islice(rule.due(), MOST_SHOWN + 1)]
        for rule in retention.RULES
    }
    return page(
        "desk/data.html", due=due, rules=RULES, most=MOST_SHOWN, kept=KEPT,
        nic=nic, number=number,
    )  # fmt: skip


# --- Erasure ---------------------------------------------------------------------------------


def _customer(nic: str) -> Account:
    found = closing.find_account(nic)
    if found is None:
        abort(404)
    return found


def _erasing(account: Account) -> Act:
    kept = ((gettext(what), gettext("stays %(why)s", why=gettext(why))) for what, why in KEPT)
    return Act(
        title=gettext("Erase a customer"),
        explanation=gettext(
            "The account is closed for good, and what tells who its customer is goes: name, "
            "addresses, emails, mailboxes, holders of licences, notes. It cannot be undone."
        ),
        button=gettext("Erase for good"),
        back=url_for("desk.data"),
        done=gettext("The customer is erased."),
        effects=(
            (gettext("Customer ID (nic-handle)"), account.nic_handle),
            (gettext("Name"), account.company or account.full_name),
            *kept,
        ),
        hint=gettext("It stays on record, under your name. Name nobody in it."),
        is_dangerous=True,
        part="data",
    )


@desk.get("/customers/<nic>/erasure", endpoint="erasure")
def show_erasure(nic: str) -> Response:
    """Show the form that erases a customer, or why that is not possible now."""
    account = _customer(nic)
    form, found = ActForm(), closing.obstacles(account)
    if found:
        form.refuse(Conflict(found[0]))
    return acts.show(form, _erasing(account))


@desk.post("/customers/<nic>/erasure")
def erase_customer(nic: str) -> Response:
    """Erase a customer."""
    before = acts.done_before(gettext("The customer is erased."), url_for("desk.data"))
    if before is not None:
        return before
    account = _customer(nic)
    form = ActForm()

    def do() -> bool:
        given = form.given()
        return erasure.erase(account, given.reason, by=access.actor(), key=given.key)

    return acts.take(form, _erasing(account), do)


# --- Evidence --------------------------------------------------------------------------------


def _order(number: str) -> Order:
    found = evidence.find_order(number)
    if found is None:
        abort(404)
    return found


@desk.get("/orders/<number>/evidence")
def order_evidence(number: str) -> Response:
    """Say what the evidence of an order holds, and offer it."""
    return page("desk/evidence.html", order=_order(number), public_key=evidence.public_key())


@desk.get("/orders/<number>/evidence.zip")
def evidence_file(number: str) -> Response:
    """Return the evidence of an order; that it was made is on record."""
    order = _order(number)
    response = Response(evidence.pack(order, by=access.actor()), content_type="application/zip")
    name = evidence.filename(order)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
