"""The configured bank, behind the interface `PaymentGateway`."""

from __future__ import annotations

from datetime import timedelta

from shop.errors import N_
from shop.payments.gateway import PaymentGateway
from shop.settings import PerProcess, Settings

WATCH_FIRST = timedelta(minutes=2)
WATCH_EVERY = timedelta(minutes=10)
"""When the bank is polled about checkouts whose outcome has not been notified."""

BANK_UNAVAILABLE = N_(
    "The bank is not answering at the moment. Nothing was charged; please try again in a minute."
)
CHECKOUT_REFUSED = N_(
    "The bank could not open a payment page. Nothing was charged; please try again."
)

gateway = PerProcess[PaymentGateway]()
"""The bank of this process."""


def gateway_for(settings: Settings) -> PaymentGateway:
    """Return the bank that ``settings`` name."""
    if settings.uses_sandbox_bank:
        from shop.payments.sandbox import SandboxBank

        return SandboxBank(settings.sandbox_url, settings.bank_key, settings.notification_secret)
    from shop.payments.stripe import StripeGateway

    return StripeGateway(settings.stripe_api_key, settings.stripe_webhook_secret)
