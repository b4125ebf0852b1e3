"""The page at the sandbox's root: what it is, where its parts are, and its controls as forms."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from sandbox import clock, languages, switches
from sandbox.bank import ledger, notifications
from sandbox.bank.cards import TEST_CARDS
from sandbox.controls import shop
from sandbox.office.models import Operation, Tenant, User

desk = Blueprint("desk", __name__)

UNITS = {"minutes": 60, "hours": 3600, "days": 86400}

Page = str | tuple[str, int] | Response


@desk.before_request
def speak() -> None:
    """In the visitor's language."""
    languages.speak_as_asked()


@desk.get("/")
def page() -> Page:
    """The desk from which the sandbox is driven."""
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
        **_figures(),
    )


def _figures() -> dict[str, Any]:
    return {
        "waiting": notifications.waiting(),
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


def _shop_silent(error: shop.ShopSilent, at: str) -> tuple[str, int]:
    return _failed(languages.N_("The shop did not answer as it should."), at, str(error), 502)


@desk.get("/desk/<form>")
def back_to_page(form: str) -> Page:
    """The address of a form opened as a page: after a reload, or to change the language."""
    return redirect(url_for("desk.page", lang=request.args.get("lang")), 303)


@desk.post("/desk/clock")
def move_clock() -> Page:
    """Move the clock on."""
    number = request.form.get("number", "").strip()
    unit = UNITS.get(request.form.get("unit", ""), 86400)
    if not (number.isascii() and number.isdigit() and len(number) <= 6):
        return _failed(languages.N_("Write a whole number."), "clock")
    try:
        shop.move_clock(int(number) * unit)
    except ValueError:
        return _failed(languages.N_("The clock cannot be moved on that far."), "clock")
    except shop.ShopSilent as error:
        return _shop_silent(error, "clock")
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
    """Put all switches back."""
    switches.reset()
    try:
        shop.end_pauses()
    except shop.ShopSilent as error:
        return _shop_silent(error, "switches")
    return _done(languages.N_("All switches are back."))


@desk.post("/desk/accounts")
def make_account() -> Page:
    """Have the shop make a demo account with an Exchange service, and show its credentials once."""
    try:
        session["account"] = shop.fresh_account(languages.language(), exchange=True)
    except shop.ShopSilent as error:
        return _shop_silent(error, "accounts")
    return _done(languages.N_("The account is ready."))
