"""The portal where people with a licence install Office and look after their devices."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from sandbox import languages
from sandbox.office import devices, setup_program, sign_in
from sandbox.office.licences import INSTALL_LANGUAGES, PRODUCTS
from sandbox.office.models import DEVICES_EACH, Device, TenantStatus, User

portal = Blueprint("portal", __name__, url_prefix="/portal")

Page = str | tuple[str, int] | Response

OPEN_TO_ALL = {"portal.sign_in_page", "portal.sign_in_act", "portal.sign_out"}

REASONS = {
    "unpaid": languages.N_("the renewal has not been paid"),
}
"""Reasons for a suspension which resellers give as a word; any other is shown as they gave it."""

MOBILES = {
    "iphone": ("phone", "ios"),
    "ipad": ("tablet", "ipados"),
    "android-phone": ("phone", "android"),
    "android-tablet": ("tablet", "android"),
}


@portal.before_request
def let_in() -> Page | None:
    """Let nobody past the door but those who are signed in and whose tenant is not suspended."""
    languages.speak_as_asked()
    g.user = sign_in.who(session.get("portal", ""))
    if request.endpoint in OPEN_TO_ALL:
        return None
    if g.user is None:
        return _sent_to_the_door()
    if g.user.tenant.status != TenantStatus.ACTIVE:
        return _suspended(g.user)
    return None


def _sent_to_the_door() -> Response:
    if session.pop("portal", ""):
        session["ended"] = True
    return redirect(url_for("portal.sign_in_page"), 303)


def _suspended(user: User) -> tuple[str, int]:
    given = user.tenant.suspension_reason
    return render_template(
        "portal/suspended.html", user=user, reason=REASONS.get(given, given)
    ), 403


# --- The door --------------------------------------------------------------------------------


@portal.get("/sign-in")
def sign_in_page() -> Page:
    """Ask who it is."""
    if g.user is not None:
        return redirect(url_for("portal.home"), 303)
    return _door(ended=session.pop("ended", False))


def _door(problem: str = "", ended: bool = False) -> str:
    address = request.form.get("address", "")
    return render_template("portal/sign_in.html", problem=problem, ended=ended, address=address)


@portal.post("/sign-in")
def sign_in_act() -> Page:
    """Let in whoever gives the right address and password."""
    address, password = request.form.get("address", ""), request.form.get("password", "")
    if not address.strip() or not password:
        return _door(languages.N_("Enter your address and your password.")), 422
    try:
        user = sign_in.check(address, password, request.remote_addr or "")
    except sign_in.TooManyAttempts:
        return _door(languages.N_("Too many attempts. Please wait a quarter of an hour.")), 429
    if user is None:
        return _door(languages.N_("This address and this password do not go together.")), 422
    if user.tenant.status != TenantStatus.ACTIVE:
        return _suspended(user)
    return _welcome(user)


def _welcome(user: User) -> Response:
    """A new session under a new identity; the language is the person's unless chosen before."""
    language = session.get("language") or user.language
    session.clear()
    if language in languages.LANGUAGES:
        session["language"] = language
    session["portal"] = sign_in.open_session(user)
    return redirect(url_for("portal.home"), 303)


@portal.post("/sign-out")
def sign_out() -> Page:
    """End the session."""
    sign_in.end_session(session.pop("portal", ""))
    return redirect(url_for("portal.sign_in_page"), 303)


# --- Computers -------------------------------------------------------------------------------


@portal.get("")
def home() -> Page:
    """The licence, its applications, and the button that installs them."""
    return _home({"platform": _platform_of_browser(), "language": _install_language(), "name": ""})


def _platform_of_browser() -> str:
    return "macos" if "Macintosh" in request.user_agent.string else "windows"


def _install_language() -> str:
    return "fr-fr" if languages.language() == "fr" else "en-us"


def _home(typed: dict[str, str], problem: str = "", full: str = "") -> str:
    typed.setdefault("form", secrets.token_urlsafe(12))
    return render_template(
        "portal/home.html",
        typed=typed,
        problem=problem,
        full=full,
        install_languages=INSTALL_LANGUAGES,
        suggestion=devices.suggested_name(g.user, typed["platform"]),
        **_licence(),
    )


def _licence() -> dict[str, Any]:
    return {
        "user": g.user,
        "product": PRODUCTS[g.user.tenant.offer],
        "devices": devices.by_category(g.user),
        "categories": devices.CATEGORIES,
        "platforms": devices.PLATFORMS,
        "most": DEVICES_EACH,
    }


@portal.post("/installations")
def install() -> Page:
    """Note an installation on a PC or Mac and lead to its program and instructions."""
    typed = {name: request.form.get(name, "") for name in ("platform", "language", "name", "form")}
    if typed["platform"] not in {"windows", "macos"}:
        typed["platform"] = _platform_of_browser()
    if typed["language"] not in INSTALL_LANGUAGES:
        typed["language"] = _install_language()
    device = _noted("computer", typed)
    if isinstance(device, Device):
        return redirect(url_for(".installation", number=device.id, start="1"), 303)
    return _home(typed, **device), 422


def _noted(category: str, typed: dict[str, str]) -> Device | dict[str, str]:
    """The installation noted, or what stands against it."""
    platform = typed["platform"]
    name = typed["name"].strip() or devices.suggested_name(g.user, platform)
    if len(name) > 60:
        return {"problem": languages.N_("Give the device a name of at most 60 characters.")}
    form, language = typed["form"][:64] or secrets.token_urlsafe(12), typed["language"]
    try:
        wanted = devices.Installation(category, platform, name, form, language)
        return devices.install(g.user, wanted)
    except devices.DevicesFull as full:
        return {"full": full.category}


@portal.get("/installations")
def back_home() -> Page:
    """The address of the form opened as a page: after a reload, or to change the language."""
    return redirect(url_for("portal.home", lang=request.args.get("lang")), 303)


@portal.get("/installations/<int:number>")
def installation(number: int) -> Page:
    """What to do next on this PC or Mac; on a PC the program comes by itself the first time."""
    device = _computer(number)
    language = INSTALL_LANGUAGES.get(device.language, device.language)
    page = render_template(
        "portal/installation.html", device=device, install_language=language, **_licence()
    )
    response = Response(page, mimetype="text/html")
    if request.args.get("start") and device.platform == "windows":
        response.headers["Refresh"] = f"0; url={url_for('.setup', number=number)}"
    return response


@portal.get(f"/installations/<int:number>/{setup_program.NAME}")
def setup(number: int) -> Response:
    """The program that installs Office on a PC."""
    device = _computer(number)
    if device.platform != "windows":
        abort(404)
    product = PRODUCTS[g.user.tenant.offer]
    program = setup_program.setup_program(product, device.language, g.user.address)
    response = Response(program, mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{setup_program.NAME}"'
    return response


def _computer(number: int) -> Device:
    device = devices.find(g.user, number)
    if device is None or device.category != "computer":
        abort(404)
    return device


# --- Tablets and phones ----------------------------------------------------------------------


@portal.get("/mobile")
def mobile() -> Page:
    """Choose a kind of tablet or phone."""
    return render_template("portal/mobile.html", **_licence())


@portal.get("/mobile/<kind>")
def mobile_steps(kind: str) -> Page:
    """How to install Office on this kind of tablet or phone."""
    return _steps(kind, {"name": ""}, noted=session.pop("noted", ""))


def _steps(
    kind: str, typed: dict[str, str], problem: str = "", full: str = "", noted: str = ""
) -> str:
    category, platform = MOBILES[kind] if kind in MOBILES else abort(404)
    typed.setdefault("form", secrets.token_urlsafe(12))
    return render_template(
        "portal/mobile_steps.html",
        kind=kind,
        category=category,
        platform=platform,
        typed=typed,
        problem=problem,
        full=full,
        noted=noted,
        suggestion=devices.suggested_name(g.user, platform),
        **_licence(),
    )


@portal.post("/mobile/<kind>")
def note_mobile(kind: str) -> Page:
    """Note an installation on a tablet or phone."""
    category, platform = MOBILES[kind] if kind in MOBILES else abort(404)
    typed = {name: request.form.get(name, "") for name in ("name", "form")}
    device = _noted(category, {**typed, "platform": platform, "language": ""})
    if isinstance(device, Device):
        session["noted"] = device.name
        return redirect(url_for(".mobile_steps", kind=kind), 303)
    return _steps(kind, typed, **device), 422


@portal.post("/devices/<int:number>/removal")
def sign_device_out(number: int) -> Page:
    """End Office on a device; signed out twice, it stays signed out."""
    devices.sign_out(g.user, number)
    back = request.form.get("back", "")
    if back in MOBILES:
        return redirect(url_for(".mobile_steps", kind=back), 303)
    return redirect(url_for(".home", _anchor="devices"), 303)
