"""The controls as an interface (JSON), for tests that drive the sandbox from outside.

=============================================  ===============================================
GET    /controls/clock                         ``{"moved_on_seconds", "now"}``
POST   /controls/clock                         ``{"advance_seconds": n}``: once the shop has
                                               acknowledged; 502 (and no move) otherwise
GET    /controls/switches                      how all switches stand
POST   /controls/switches                      ``{name: value, …}``; null puts one back
DELETE /controls/switches                      all switches back, pauses ended
POST   /controls/pauses                        ``{"point", "seconds"}``, relayed to the shop
POST   /controls/accounts                      ``{"language": "fr", "licences": 2,
                                               "exchange": true}`` (0 to 300, paid and about to
                                               be installed; with an Exchange service or not),
                                               relayed to the shop:
                                               ``{"nic_handle", "password", "email"}``
GET    /controls/notifications                 ``{"waiting": n, "letters": […]}``, newest first;
                                               ``?checkout=`` for one checkout's
POST   /controls/notifications/<event>/copies  ``{"times": n}``: send an old one again
=============================================  ===============================================

Nobody is asked for a key. The sandbox holds nothing but test data, listens on this machine's
own address unless told otherwise, and must be easy to drive with curl. What must not happen is
that some web page open in a developer's browser turns the switches: therefore only JSON bodies are
taken (a page elsewhere may not send those without permission, which is never given), and only
under the names of this machine (`sandbox.application`).
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox import clock, switches
from sandbox.api_errors import ApiRefusal, Fields, Invalid, failure
from sandbox.bank import notifications
from sandbox.controls import shop

controls = Blueprint("controls", __name__, url_prefix="/controls")


@controls.before_request
def take_json_only() -> None:
    """Refuse changes that an ordinary form of another site could send."""
    if request.method == "POST" and not request.is_json:
        raise ApiRefusal(415, "not_json", "Send JSON, with its content type.")
    if request.method == "DELETE" and request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise ApiRefusal(403, "cross_site", "Not from another site.")


@controls.errorhandler(ApiRefusal)
def refuse(error: ApiRefusal) -> Response:
    """A call that makes no sense."""
    return failure(error.status, error.code, error.message)


@controls.errorhandler(shop.ShopSilent)
def shop_is_silent(error: shop.ShopSilent) -> Response:
    """The shop did not do its part."""
    return failure(502, "shop_silent", str(error))


@controls.get("/clock")
def read_clock() -> Response:
    """How far the clock is ahead of real time, and what it shows."""
    return jsonify(moved_on_seconds=clock.moved_on(), now=clock.now())


@controls.post("/clock")
def move_clock() -> Response:
    """Move the clock on, here and at the shop."""
    seconds = _seconds(Fields.of_request(), "advance_seconds", shop.FARTHEST)
    try:
        shop.move_clock(seconds)
    except ValueError as error:
        raise Invalid("advance_seconds", str(error)) from error
    return read_clock()


def _seconds(fields: Fields, name: str, most: float) -> float:
    value = fields.body.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise Invalid(name, f"must be a number of seconds from 0 to {most:g}")
    return float(value)


@controls.get("/switches")
def read_switches() -> Response:
    """How all switches stand."""
    return jsonify(switches.all_values())


@controls.post("/switches")
def set_switches() -> Response:
    """Set some switches, all of those named or none."""
    wanted: dict[str, Any] = dict(Fields.of_request().body)
    try:
        switches.set_values(wanted)
    except switches.SwitchError as error:
        raise ApiRefusal(422, "invalid", str(error)) from error
    return read_switches()


@controls.delete("/switches")
def reset_switches() -> Response:
    """Put everything back; the switches first, so that a silent shop does not keep them on."""
    switches.reset()
    shop.end_pauses()
    return read_switches()


@controls.post("/pauses")
def pause() -> Response:
    """Have the shop pause at a critical moment."""
    fields = Fields.of_request()
    point, seconds = fields.text("point", most=100), _seconds(fields, "seconds", 60)
    shop.pause(point, seconds)
    return jsonify(point=point, seconds=seconds)


@controls.post("/accounts")
def make_account() -> tuple[Response, int]:
    """Have the shop make a demo account."""
    fields = Fields.of_request()
    language = fields.choice("language", ("fr", "en"))
    licences = fields.number("licences", 0, 300) if "licences" in fields.body else 0
    exchange = fields.body.get("exchange") is True
    return jsonify(shop.fresh_account(language, licences, exchange=exchange)), 201


@controls.get("/notifications")
def read_notifications() -> Response:
    """The latest notifications and how their delivery went."""
    letters = notifications.latest(request.args.get("checkout", ""))
    return jsonify(waiting=notifications.waiting(), letters=[_letter_json(row) for row in letters])


def _letter_json(letter: Any) -> dict[str, Any]:
    return {
        "event": letter.event,
        "type": letter.kind,
        "copy": letter.copy,
        "checkout": letter.checkout_id,
        "attempts": letter.attempts,
        "last_error": letter.last_error,
        "delivered": letter.delivered_at is not None,
    }


@controls.post("/notifications/<event>/copies")
def send_again(event: str) -> tuple[Response, int]:
    """Send a notification again, as often as asked."""
    times = Fields.of_request().number("times", 1, 1000)
    if not notifications.copy(event, times):
        raise ApiRefusal(404, "unknown_event", "There is no such notification.")
    return jsonify(event=event, times=times), 202
