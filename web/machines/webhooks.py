"""The bank's notifications: signed by the bank, applied once."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, abort, request

from shop.errors import PartyRejected, PartyUnavailable
from shop.payments import gateways, notifications

log = structlog.get_logger()
webhooks = Blueprint("webhooks", __name__)


@webhooks.post("/notifications/bank")
def bank_notification() -> Response:
    """Apply what the bank says of a checkout; idempotent. 403 without the bank's signature.

    503 asks the bank to notify us again: asked for the checkout's present state, it was silent.
    """
    try:
        notification = gateways.gateway().read_notification(
            dict(request.headers), request.get_data()
        )
    except PartyRejected as error:
        log.warning("bank notification refused", reason=str(error))
        abort(403)
    except PartyUnavailable as error:
        log.warning("bank notification put off", reason=str(error))
        return Response(status=503)
    if notification is not None:
        notifications.apply(notification.checkout)
    return Response(status=204)
