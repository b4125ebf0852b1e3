"""The bank's webhook: signed by the bank, idempotent."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, abort, request

from shop.errors import PartyRejected, PartyUnavailable
from shop.payments import gateways, notifications

log = structlog.get_logger()
webhooks = Blueprint("webhooks", __name__)


@webhooks.post("/notifications/bank")
def bank_notification() -> Response:
    """Apply the bank's notification about a checkout; idempotent. 403 without a valid signature.

    503 asks the bank to notify again: the checkout's present state could not be read from the bank.
    """
    try:
        notification = gateways.gateway().read_notification(
            dict(request.headers), request.get_data()
        )
    except PartyRejected as error:
        log.warning("webhook_refused", reason=str(error))
        abort(403)
    except PartyUnavailable as error:
        log.warning("webhook_deferred", reason=str(error))
        return Response(status=503)
    if notification is not None:
        notifications.apply(notification.checkout)
    return Response(status=204)
