"""The sandbox's controls over this shop, registered only where every outside party is a sandbox."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, abort, jsonify, request

from shop import clock, settings
from shop.errors import PartyRejected
from shop.operations import demo
from shop.sandbox_link import signatures, switches

sandbox_controls = Blueprint("sandbox_controls", __name__)


def _told_by_sandbox() -> dict[str, object]:
    """The JSON body of the sandbox's call; 403 without the sandbox's signature."""
    body = request.get_data()
    secret = settings.current().notification_secret
    try:
        signatures.verify(secret, dict(request.headers), body)
    except PartyRejected:
        abort(403)
    return dict(request.get_json(force=True))


@sandbox_controls.post("/sandbox/clock")
def move_clock() -> Response:
    """Set this shop's clock to the sandbox's, which was moved forward."""
    told = _told_by_sandbox()
    seconds = float(str(told["moved_on_seconds"]))
    switches.switch(switches.CLOCK, f"{seconds:.3f}" if seconds else "")
    clock.move_on(timedelta(seconds=seconds))
    return jsonify(now=clock.now().isoformat())


@sandbox_controls.post("/sandbox/pauses")
def pause() -> Response:
    """Pause at a test point from now on; 0 seconds removes the pause."""
    told = _told_by_sandbox()
    seconds = float(str(told.get("seconds", 0)))
    switches.switch(f"pause.{told['point']}", f"{seconds:g}" if seconds > 0 else "")
    return jsonify(point=told["point"], seconds=seconds)


@sandbox_controls.post("/sandbox/accounts")
def make_account() -> Response:
    """Create a new demo account, for external test programs."""
    told = _told_by_sandbox()
    licences, with_exchange = int(str(told.get("licences", 0))), bool(told.get("exchange"))
    language = str(told.get("language", "fr"))
    return jsonify(demo.new_account(language, licences, with_exchange=with_exchange))
