"""The sandbox's controls over this shop, registered only where every outside party is a sandbox."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, abort, jsonify, request

from models import Language
from shop import clock, settings
from shop.errors import PartyRejected
from shop.operations import demo
from shop.parsing.numbers_and_json import read_integer, read_seconds
from shop.sandbox_link import signatures, switches

MAX_CLOCK_OFFSET = 100 * 366 * 86400
"""The largest offset of the clock in seconds, as the sandbox bounds it."""

MOST_LICENCES = 300

sandbox_controls = Blueprint("sandbox_controls", __name__)


def _told_by_sandbox() -> dict[str, object]:
    """The JSON body of the sandbox's call; 403 without the sandbox's signature."""
    body = request.get_data()
    secret = settings.current().notification_secret
    try:
        signatures.verify(secret, dict(request.headers), body)
    except PartyRejected:
        abort(403)
    told = request.get_json(force=True)
    if not isinstance(told, dict):
        abort(400)
    return told


def _seconds(told: dict[str, object], name: str, most: float) -> float:
    try:
        return read_seconds(told.get(name, 0), most)
    except ValueError:
        abort(422)


@sandbox_controls.post("/sandbox/clock")
def move_clock() -> Response:
    """Set this shop's clock to the sandbox's, which was moved forward."""
    told = _told_by_sandbox()
    seconds = _seconds(told, "moved_on_seconds", MAX_CLOCK_OFFSET)
    switches.switch(switches.CLOCK, f"{seconds:.3f}" if seconds else "")
    clock.move_on(timedelta(seconds=seconds))
    return jsonify(now=clock.now().isoformat())


@sandbox_controls.post("/sandbox/pauses")
def pause() -> Response:
    """Pause at a test point from now on; 0 seconds removes the pause."""
    told = _told_by_sandbox()
    seconds, point = _seconds(told, "seconds", 86400), str(told.get("point", ""))[:100]
    switches.switch(f"pause.{point}", f"{seconds:g}" if seconds > 0 else "")
    return jsonify(point=point, seconds=seconds)


@sandbox_controls.post("/sandbox/accounts")
def make_account() -> Response:
    """Create a new demo account, for external test programs."""
    told = _told_by_sandbox()
    licences = read_integer(str(told.get("licences", 0)), high=MOST_LICENCES)
    language, with_exchange = str(told.get("language", "fr")), bool(told.get("exchange"))
    if licences is None or language not in list(Language):
        abort(422)
    return jsonify(demo.new_account(language, licences, with_exchange=with_exchange))
