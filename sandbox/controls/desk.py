"""The page at the sandbox's root: its parts, and its controls as forms."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from sandbox import clock, languages, switches
from sandbox.bank import ledger, notifications
from sandbox.bank.cards import TEST_CARDS
from sandbox.controls import shop
from sandbox.office.models import Operation, Tenant, User
from sandbox.reading import read_integer

desk = Blueprint("desk", __name__)

UNITS = {"minutes": 60, "hours": 3600, "days": 86400}

Page = str | tuple[str, int] | Response


@desk.before_request
def choose_language() -> None:
    """Set the visitor's language."""
    languages.use_requested_language()


@desk.get("/")
def page() -> Page:
    """Show the controls of the sandbox."""
    return _page()


def _page(problem: str = "", at: str = "", detail: str = "") -> str:
    return render_template(
        "desk.html",
        problem=problem,
        problem_at=at,
        detail=detail,
        done=session.pop("done", ""),
        account=session.pop("account", None),
        typed=request.form,
        bank_switches=switches.BANK,
        provider_switches=switches.PROVIDER + switches.REGISTER,
        values=switches.all_values(),
        test_cards=TEST_CARDS,
        units=UNITS,
        now=clock.now(),
        moved_on=clock.moved_on(),
        **_statistics(),
    )


def _statistics() -> dict[str, Any]:
    return {
        "waiting": notifications.count_undelivered(),
        "balance": ledger.balances()[ledger.MERCHANT],
        "tenants": Tenant.select().where(Tenant.status != "deleted").count(),
        "users": User.select().count(),
        "pending": Operation.select().where(Operation.status == "pending").count(),
    }


def _done(sentence: str) -> Response:
    session["done"] = sentence
    return redirect(url_for("desk.page"), 303)


def _failed(sentence: str, at: str, detail: str = "", status: int = 422) -> tuple[str, int]:
    return _page(sentence, at, detail), status


def _shop_unavailable(error: shop.ShopUnavailable, at: str) -> tuple[str, int]:
    return _failed(languages.N_("The shop did not answer as it should."), at, str(error), 502)


@desk.get("/desk/<form>")
def back_to_page(form: str) -> Page:
    """Redirect a form's URL that was opened as a page (reload, language link)."""
    return redirect(url_for("desk.page", lang=request.args.get("lang")), 303)


@desk.post("/desk/clock")
def move_clock() -> Page:
    """Advance the clock."""
    number = read_integer(request.form.get("number", "").strip(), high=999_999)
    unit = UNITS.get(request.form.get("unit", ""), 86400)
    if number is None:
        return _failed(languages.N_("Write a whole number."), "clock")
    try:
        shop.move_clock(number * unit)
    except ValueError:
        return _failed(languages.N_("The clock cannot be moved on that far."), "clock")
    except shop.ShopUnavailable as error:
        return _shop_unavailable(error, "clock")
    return _done(languages.N_("The clock was moved on, here and at the shop."))


@desk.post("/desk/switches")
def set_switches() -> Page:
    """Set the switches of the form."""
    wanted = {
        name: request.form.get(name, "off" if switch.kind == switches.FLAG else "")
        for name, switch in switches.SWITCHES.items()
    }
    try:
        switches.set_values(wanted)
    except switches.SwitchError as error:
        return _failed(languages.N_("One of these values cannot be set."), "switches", str(error))
    return _done(languages.N_("The switches are set."))


@desk.post("/desk/reset")
def reset() -> Page:
    """Switch everything off."""
    switches.reset()
    try:
        shop.end_pauses()
    except shop.ShopUnavailable as error:
        return _shop_unavailable(error, "switches")
    return _done(languages.N_("All switches are back."))


@desk.post("/desk/accounts")
def create_account() -> Page:
    """Make the shop create a demo account with Exchange; show its credentials once."""
    try:
        session["account"] = shop.create_demo_account(languages.language(), exchange=True)
    except shop.ShopUnavailable as error:
        return _shop_unavailable(error, "accounts")
    return _done(languages.N_("The account is ready."))
