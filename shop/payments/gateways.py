"""Which bank takes the cards: the one the settings name, behind one interface."""

from __future__ import annotations

from datetime import timedelta

from shop import settings
from shop.errors import N_
from shop.payments.gateway import PaymentGateway

WATCH_FIRST = timedelta(minutes=2)
WATCH_EVERY = timedelta(minutes=10)
"""When the bank is asked about what nobody told us the end of."""

SILENT = N_(
    "The bank is not answering at the moment. Nothing was charged; please try again in a minute."
)
REFUSED = N_("The bank could not open a payment page. Nothing was charged; please try again.")

_gateway: PaymentGateway | None = None


def gateway() -> PaymentGateway:
    """The bank of this process."""
    global _gateway
    if _gateway is None:
        _gateway = _configured(settings.current())
    return _gateway


def use(replacement: PaymentGateway | None) -> None:
    """Take cards by another bank from now on; None goes back to the configured one."""
    global _gateway
    _gateway = replacement


def _configured(configured: settings.Settings) -> PaymentGateway:
    if configured.uses_sandbox_bank:
        from shop.payments.sandbox import SandboxBank

        return SandboxBank(
            configured.sandbox_url, configured.bank_key, configured.notification_secret
        )
    from shop.payments.stripe import StripeGateway

    return StripeGateway(configured.stripe_api_key, configured.stripe_webhook_secret)
