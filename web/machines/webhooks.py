"""The bank's webhook: signed by the bank, idempotent."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, abort, jsonify, request

from shop.errors import PartyRejected, PartyUnavailable
from shop.operations.doctor import probe
from shop.payments import gateways, notifications
from web import auth

log = structlog.get_logger()
webhooks = Blueprint("webhooks", __name__)


@webhooks.post("/notifications/bank")
def bank_notification() -> Response:
    """Apply the bank's notification; idempotent. 403 without a valid signature.

    503 asks the bank to notify again: the present state of its subject could not be read.
    """
    try:
        notification = gateways.gateway().read_notification(
            dict(request.headers), request.get_data()
        )
        if notification is not None:
            notifications.apply_notification(notification)
    except PartyRejected as error:
        log.warning("webhook_refused", reason=str(error))
        abort(403)
    except PartyUnavailable as error:
        log.warning("webhook_deferred", reason=str(error))
        return Response(status=503)
    return Response(status=204)


@webhooks.post(probe.PATH)
def doctor() -> Response:
    """Tell ``flask doctor`` how its request arrived; 403 without its signature.

    A request sent to ``PUBLIC_URL`` arrives as customers' and the bank's do.
    """
    if not probe.is_ours(request.get_data(as_text=True)[:500]):
        abort(403)
    chain = request.headers.get("X-Forwarded-For", "")
    return jsonify(
        address=auth.ip_address(),
        url=request.url_root,
        forwarded=[each.strip() for each in chain.split(",") if each.strip()],
    )
