"""Who is signed in to the desk, and what they may open.

For everybody else the desk does not exist: 404, except its sign-in.
"""

from __future__ import annotations

from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any

from flask import Flask, Response, abort, after_this_request, g, request, url_for
from flask.typing import ResponseReturnValue

from desk import roles
from desk.menu import menu_of
from models import StaffAccount, StaffSession
from shop import settings
from shop.staff import sessions
from web import auth, cookies
from web.htmx import go_to

COOKIE = "shop_staff"


def staff() -> StaffAccount:
    """Return the signed-in member of staff; only for views that need one."""
    return session().staff


def session() -> StaffSession:
    """Return the session of the signed-in member of staff."""
    found = g.get("staff_session")
    assert found is not None, "this view needs a signed-in member of staff"
    return found


def actor() -> str:
    """Return the name under which events record what the signed-in member of staff does."""
    return staff().actor


def is_signed_in() -> bool:
    """Return whether a member of staff is signed in."""
    return g.get("staff_session") is not None


def may(endpoint: str) -> bool:
    """Return whether the signed-in member of staff may open an endpoint of the desk."""
    return is_signed_in() and roles.may(staff().role, endpoint)


def keep(token: str) -> None:
    """Have the browser keep the token of a session until it is closed."""

    @after_this_request
    def _set(response: Response) -> Response:
        secure = request.is_secure or settings.current().public_url.startswith("https://")
        response.set_cookie(
            cookies.name_of(COOKIE), token, httponly=True, samesite="Strict", secure=secure
        )
        return response


def forget() -> None:
    """Have the browser delete the token."""

    @after_this_request
    def _delete(response: Response) -> Response:
        secure = request.is_secure or settings.current().public_url.startswith("https://")
        response.delete_cookie(
            cookies.name_of(COOKIE), httponly=True, samesite="Strict", secure=secure
        )
        response.headers["Clear-Site-Data"] = '"cache"'
        return response


def init_app(app: Flask) -> None:
    """Guard every URL of the desk; to be called before anything else refuses its requests."""

    @app.before_request
    def _guard() -> ResponseReturnValue | None:
        if request.path != "/desk" and not request.path.startswith("/desk/"):
            return None
        return _admit()

    @app.context_processor
    def _desk() -> dict[str, Any]:
        if not is_signed_in():
            return {}
        who = staff()
        return {"staff": who, "may": partial(roles.may, who.role), "desk_menu": menu_of(who.role)}


def _admit() -> ResponseReturnValue | None:
    if not _is_allowed_network():
        abort(404)
    found = sessions.find_staff_session(request.cookies.get(cookies.name_of(COOKIE), ""))
    if found is not None and sessions.is_active(found):
        sessions.mark_seen(found)
        g.staff_session = found
        g.language = found.staff.language
        if request.endpoint and not _is_open() and not may(request.endpoint):
            abort(403)
        return None
    if _is_open():
        if auth.account() is not None:
            abort(404)
        return None
    if found is None or not request.endpoint:
        abort(404)
    forget()
    back = auth.this_page() if request.method == "GET" else None
    return go_to(url_for("desk.entrance", next=back))


def _is_open() -> bool:
    return (request.endpoint or "").removeprefix("desk.") in roles.OPEN


def _is_allowed_network() -> bool:
    networks = settings.current().desk_networks
    if not networks:
        return True
    address = auth.ip_address()
    return bool(address) and any(ip_address(address) in ip_network(each) for each in networks)
