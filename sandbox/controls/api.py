"""The JSON API of the controls, for tests that drive the sandbox from outside.

=============================================  ===============================================
GET    /controls/clock                         ``{"moved_on_seconds", "now"}``
POST   /controls/clock                         ``{"advance_seconds": n}``: once the shop has
                                               acknowledged; 502 (and no move) otherwise
GET    /controls/switches                      the values of all switches
POST   /controls/switches                      ``{name: value, …}``; null means off
DELETE /controls/switches                      all switches off, pauses ended
POST   /controls/pauses                        ``{"point", "seconds"}``, relayed to the shop
POST   /controls/accounts                      ``{"language": "fr", "licences": 2,
                                               "exchange": true}`` (0 to 300, paid and about to
                                               be installed; with an Exchange service or not),
                                               relayed to the shop:
                                               ``{"nic_handle", "password", "email"}``
POST   /controls/refunds                       ``{"checkout", "amount_cents"}``: refund in the
                                               bank's dashboard, which the shop did not ask for
POST   /controls/refunds/<ref>/failure         the cardholder's bank sends a refund back
POST   /controls/disputes                      ``{"checkout", "amount_cents"}`` (all of it by
                                               default): the cardholder contests a payment
POST   /controls/disputes/<ref>/outcome        ``{"won": true}``: for the shop, or against it
POST   /controls/cards/<mandate>/renewal       the bank replaces a stored card by its successor
POST   /controls/cards/<mandate>/removal       a stored card is removed, or its mandate revoked
POST   /controls/payouts/<ref>/failure         the merchant's own bank sends a payout back
GET    /controls/notifications                 ``{"waiting": n, "letters": […]}``, newest first;
                                               ``?checkout=`` for one checkout's
POST   /controls/notifications/<event>/copies  ``{"times": n}``: send copies of an old one
=============================================  ===============================================

No key is required: the sandbox holds only test data, listens on the loopback interface unless
configured otherwise, and must be easy to drive with curl. But a web page in a developer's browser
must not be able to set the switches (CSRF). Therefore only JSON bodies are accepted, which another
origin cannot send without CORS permission, and only known host names (`sandbox.application`).
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox import clock, switches
from sandbox.api_errors import ApiRefusal, Fields, InvalidField, error_response
from sandbox.bank import dashboard, notifications, payouts, refunds, views
from sandbox.bank.api import MAX_CENTS
from sandbox.controls import shop
from sandbox.reading import read_seconds

controls = Blueprint("controls", __name__, url_prefix="/controls")


@controls.before_request
def require_json() -> None:
    """Refuse requests that a form on another site could send (CSRF)."""
    if request.method == "POST" and not request.is_json:
        raise ApiRefusal(415, "not_json", "Send JSON, with its content type.")
    if request.method == "DELETE" and request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise ApiRefusal(403, "cross_site", "Not from another site.")


@controls.errorhandler(ApiRefusal)
def refuse(error: ApiRefusal) -> Response:
    """Answer an invalid call."""
    return error_response(error.status, error.code, error.message)


@controls.errorhandler(shop.ShopUnavailable)
def shop_unavailable(error: shop.ShopUnavailable) -> Response:
    """Answer that the shop did not do what it was asked."""
    return error_response(502, "shop_silent", str(error))


@controls.get("/clock")
def read_clock() -> Response:
    """Return the clock's offset from real time, and its time."""
    return jsonify(moved_on_seconds=clock.moved_on(), now=clock.now())


@controls.post("/clock")
def move_clock() -> Response:
    """Advance the clock, here and at the shop."""
    seconds = _seconds(Fields.from_request(), "advance_seconds", shop.MAX_CLOCK_OFFSET)
    try:
        shop.move_clock(seconds)
    except ValueError as error:
        raise InvalidField("advance_seconds", str(error)) from error
    return read_clock()


def _seconds(fields: Fields, name: str, most: float) -> float:
    value = fields.body.get(name)
    try:
        return read_seconds(None if isinstance(value, str) else value, most)
    except ValueError:
        message = f"must be a number of seconds from 0 to {most:g}"
        raise InvalidField(name, message) from None


@controls.get("/switches")
def read_switches() -> Response:
    """Return the values of all switches."""
    return jsonify(switches.all_values())


@controls.post("/switches")
def set_switches() -> Response:
    """Set the named switches, all or none."""
    wanted: dict[str, Any] = dict(Fields.from_request().body)
    try:
        switches.set_values(wanted)
    except switches.SwitchError as error:
        raise ApiRefusal(422, "invalid", str(error)) from error
    return read_switches()


@controls.delete("/switches")
def reset_switches() -> Response:
    """Switch everything off; the switches first, in case the shop is unavailable."""
    switches.reset()
    shop.end_pauses()
    return read_switches()


@controls.post("/pauses")
def pause() -> Response:
    """Make the shop pause at a test point."""
    fields = Fields.from_request()
    point, seconds = fields.text("point", most=100), _seconds(fields, "seconds", 60)
    shop.set_pause(point, seconds)
    return jsonify(point=point, seconds=seconds)


@controls.post("/accounts")
def create_account() -> tuple[Response, int]:
    """Make the shop create a demo account."""
    fields = Fields.from_request()
    language = fields.choice("language", ("fr", "en"))
    licences = fields.number("licences", 0, 300) if "licences" in fields.body else 0
    exchange = fields.body.get("exchange") is True
    return jsonify(shop.create_demo_account(language, licences, exchange=exchange)), 201


@controls.post("/refunds")
def refund_payment() -> tuple[Response, int]:
    """Refund a payment in the bank's dashboard."""
    fields = Fields.from_request()
    cents = fields.number("amount_cents", 1, MAX_CENTS)
    made = dashboard.refund_payment(fields.text("checkout", most=100), cents)
    return jsonify(views.refund_json(made)), 201


@controls.post("/disputes")
def open_dispute() -> tuple[Response, int]:
    """Have the cardholder contest a payment."""
    fields = Fields.from_request()
    whole = "amount_cents" not in fields.body
    cents = None if whole else fields.number("amount_cents", 1, MAX_CENTS)
    made = dashboard.open_dispute(fields.text("checkout", most=100), cents)
    return jsonify(views.dispute_json(made)), 201


@controls.post("/disputes/<reference>/outcome")
def decide_dispute(reference: str) -> Response:
    """Decide a dispute."""
    won = Fields.from_request().flag("won")
    return jsonify(views.dispute_json(dashboard.decide_dispute(reference, won=won)))


@controls.post("/cards/<mandate>/renewal")
def renew_card(mandate: str) -> Response:
    """Replace a stored card by its successor."""
    return jsonify(views.card_json(dashboard.renew_card(mandate)))


@controls.post("/cards/<mandate>/removal")
def remove_card(mandate: str) -> Response:
    """Remove a stored card."""
    return jsonify(views.card_json(dashboard.remove_card(mandate)))


@controls.post("/refunds/<reference>/failure")
def fail_refund(reference: str) -> Response:
    """Have a refund fail, pending or done."""
    return jsonify(views.refund_json(refunds.fail_refund(reference)))


@controls.post("/payouts/<reference>/failure")
def fail_payout(reference: str) -> Response:
    """Have a payout fail, on its way or done."""
    return jsonify(views.payout_json(payouts.fail_payout(reference)))


@controls.get("/notifications")
def read_notifications() -> Response:
    """Return the latest notifications and the state of their delivery."""
    letters = notifications.latest_letters(request.args.get("checkout", ""))
    return jsonify(
        waiting=notifications.count_undelivered(), letters=[_letter_json(row) for row in letters]
    )


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
    """Enqueue more copies of a notification."""
    times = Fields.from_request().number("times", 1, 1000)
    if not notifications.enqueue_copies(event, times):
        raise ApiRefusal(404, "unknown_event", "There is no such notification.")
    return jsonify(event=event, times=times), 202
