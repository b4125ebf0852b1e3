"""The portal where licensed users install Office and manage their devices."""

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

PUBLIC_ENDPOINTS = {"portal.sign_in_page", "portal.submit_sign_in", "portal.sign_out"}

REASONS = {
    "unpaid": languages.N_("the renewal has not been paid"),
    "operator": languages.N_("the seller has suspended this service"),
}
"""Suspension reasons that resellers give as a code; any other is shown as it was given."""

MOBILES = {
    "iphone": ("phone", "ios"),
    "ipad": ("tablet", "ipados"),
    "android-phone": ("phone", "android"),
    "android-tablet": ("tablet", "android"),
}


@portal.before_request
def require_sign_in() -> Page | None:
    """Require a signed-in user whose tenant is active, except on `PUBLIC_ENDPOINTS`."""
    languages.use_requested_language()
    g.user = sign_in.find_session_user(session.get("portal", ""))
    if request.endpoint in PUBLIC_ENDPOINTS:
        return None
    if g.user is None:
        return _redirect_to_sign_in()
    if g.user.tenant.status != TenantStatus.ACTIVE:
        return _suspended_page(g.user)
    return None


def _redirect_to_sign_in() -> Response:
    if session.pop("portal", ""):
        session["ended"] = True
    return redirect(url_for("portal.sign_in_page"), 303)


def _suspended_page(user: User) -> tuple[str, int]:
    given = user.tenant.suspension_reason
    return render_template(
        "portal/suspended.html", user=user, reason=REASONS.get(given, given)
    ), 403


# --- Sign-in ---------------------------------------------------------------------------------


@portal.get("/sign-in")
def sign_in_page() -> Page:
    """Show the sign-in form."""
    if g.user is not None:
        return redirect(url_for("portal.home"), 303)
    return _sign_in_form(ended=session.pop("ended", False))


def _sign_in_form(problem: str = "", ended: bool = False) -> str:
    address = request.form.get("address", "")
    return render_template("portal/sign_in.html", problem=problem, ended=ended, address=address)


@portal.post("/sign-in")
def submit_sign_in() -> Page:
    """Sign a user in by e-mail address and password."""
    address, password = request.form.get("address", ""), request.form.get("password", "")
    if not address.strip() or not password:
        return _sign_in_form(languages.N_("Enter your address and your password.")), 422
    try:
        user = sign_in.authenticate(address, password, request.remote_addr or "")
    except sign_in.RateLimited:
        return _sign_in_form(
            languages.N_("Too many attempts. Please wait a quarter of an hour.")
        ), 429
    if user is None:
        return _sign_in_form(
            languages.N_("This address and this password do not go together.")
        ), 422
    if user.tenant.status != TenantStatus.ACTIVE:
        return _suspended_page(user)
    return _start_session(user)


def _start_session(user: User) -> Response:
    """Start a new session; the language is the user's, unless one was chosen before."""
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
    """Show the licence, its applications, and the button that installs them."""
    return _home_page(
        {"platform": _platform_of_browser(), "language": _install_language(), "name": ""}
    )


def _platform_of_browser() -> str:
    return "macos" if "Macintosh" in request.user_agent.string else "windows"


def _install_language() -> str:
    return "fr-fr" if languages.language() == "fr" else "en-us"


def _home_page(typed: dict[str, str], problem: str = "", full: str = "") -> str:
    typed.setdefault("form", secrets.token_urlsafe(12))
    return render_template(
        "portal/home.html",
        typed=typed,
        problem=problem,
        full=full,
        install_languages=INSTALL_LANGUAGES,
        suggestion=devices.suggested_name(g.user, typed["platform"]),
        **_licence_context(),
    )


def _licence_context() -> dict[str, Any]:
    return {
        "user": g.user,
        "product": PRODUCTS[g.user.tenant.offer],
        "devices": devices.devices_by_category(g.user),
        "categories": devices.CATEGORIES,
        "platforms": devices.PLATFORMS,
        "most": DEVICES_EACH,
    }


@portal.post("/installations")
def install() -> Page:
    """Record an installation on a PC or Mac; redirect to its program and instructions."""
    typed = {name: request.form.get(name, "") for name in ("platform", "language", "name", "form")}
    if typed["platform"] not in {"windows", "macos"}:
        typed["platform"] = _platform_of_browser()
    if typed["language"] not in INSTALL_LANGUAGES:
        typed["language"] = _install_language()
    device = _record_installation("computer", typed)
    if isinstance(device, Device):
        return redirect(url_for(".installation", number=device.id, start="1"), 303)
    return _home_page(typed, **device), 422


def _record_installation(category: str, typed: dict[str, str]) -> Device | dict[str, str]:
    """Record an installation; return the device, or what to show as its error."""
    platform = typed["platform"]
    name = typed["name"].strip() or devices.suggested_name(g.user, platform)
    if len(name) > 60:
        return {"problem": languages.N_("Give the device a name of at most 60 characters.")}
    form, language = typed["form"][:64] or secrets.token_urlsafe(12), typed["language"]
    try:
        wanted = devices.Installation(category, platform, name, form, language)
        return devices.install(g.user, wanted)
    except devices.DeviceLimitReached as full:
        return {"full": full.category}


@portal.get("/installations")
def redirect_home() -> Page:
    """Redirect the form's URL that was opened as a page (reload, language link)."""
    return redirect(url_for("portal.home", lang=request.args.get("lang")), 303)


@portal.get("/installations/<int:number>")
def installation(number: int) -> Page:
    """Show the next steps on this PC or Mac; on a PC the download starts the first time."""
    device = _computer(number)
    language = INSTALL_LANGUAGES.get(device.language, device.language)
    page = render_template(
        "portal/installation.html", device=device, install_language=language, **_licence_context()
    )
    response = Response(page, mimetype="text/html")
    if request.args.get("start") and device.platform == "windows":
        response.headers["Refresh"] = f"0; url={url_for('.setup', number=number)}"
    return response


@portal.get(f"/installations/<int:number>/{setup_program.NAME}")
def setup(number: int) -> Response:
    """Download the program that installs Office on a PC."""
    device = _computer(number)
    if device.platform != "windows":
        abort(404)
    product = PRODUCTS[g.user.tenant.offer]
    program = setup_program.setup_program(product, device.language, g.user.address)
    response = Response(program, mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{setup_program.NAME}"'
    return response


def _computer(number: int) -> Device:
    device = devices.find_device(g.user, number)
    if device is None or device.category != "computer":
        abort(404)
    return device


# --- Tablets and phones ----------------------------------------------------------------------


@portal.get("/mobile")
def mobile() -> Page:
    """Choose a kind of tablet or phone."""
    return render_template("portal/mobile.html", **_licence_context())


@portal.get("/mobile/<kind>")
def mobile_steps(kind: str) -> Page:
    """Show how to install Office on this kind of tablet or phone."""
    return _mobile_steps_page(kind, {"name": ""}, noted=session.pop("noted", ""))


def _mobile_steps_page(
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
        **_licence_context(),
    )


@portal.post("/mobile/<kind>")
def record_mobile(kind: str) -> Page:
    """Record an installation on a tablet or phone."""
    category, platform = MOBILES[kind] if kind in MOBILES else abort(404)
    typed = {name: request.form.get(name, "") for name in ("name", "form")}
    device = _record_installation(category, {**typed, "platform": platform, "language": ""})
    if isinstance(device, Device):
        session["noted"] = device.name
        return redirect(url_for(".mobile_steps", kind=kind), 303)
    return _mobile_steps_page(kind, typed, **device), 422


@portal.post("/devices/<int:number>/removal")
def sign_device_out(number: int) -> Page:
    """Sign Office out on a device; idempotent."""
    devices.sign_out_device(g.user, number)
    back = request.form.get("back", "")
    if back in MOBILES:
        return redirect(url_for(".mobile_steps", kind=back), 303)
    return redirect(url_for(".home", _anchor="devices"), 303)
