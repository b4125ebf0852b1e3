"""Stripe as a `PaymentGateway`: Checkout Sessions, and PaymentIntents off session.

A checkout is a Checkout Session (``cs_…``), a charge is a PaymentIntent (``pi_…``), and a mandate
is a customer of Stripe's with a card (``cus_…/pm_…``). Three things differ from other banks:

- A declined card does not end a checkout: Stripe's page lets the customer try another, so that the
  checkout stays open until it is paid, closed or a day old.
- Stripe remembers idempotency keys for a day at least and not for ever. Whatever takes or returns
  money therefore also keeps its key in its metadata, and is looked for there first.
- Stripe learns the address for notifications from its dashboard: register
  ``<PUBLIC_URL>/notifications/bank`` there, for the events in `SESSION_EVENTS` and `INTENT_EVENTS`.

Stripe takes 0.50 EUR at least; it refuses to open a checkout for less.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stripe import InvalidRequestError, StripeClient, StripeError

from shop.errors import PartyRejected
from shop.payments.gateway import ChargeRequest, Checkout, CheckoutRequest, Notification, Refund
from shop.payments.stripe import charges, refunds, sessions
from shop.payments.stripe.answers import checkout_of_intent, checkout_of_session
from shop.payments.stripe.calls import answered, connect, key_of, plain, was_repeated

SESSION_EVENTS = {
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
}
INTENT_EVENTS = {
    "payment_intent.succeeded",
    "payment_intent.processing",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
}


class StripeGateway:
    """The account that ``api_key`` opens; ``webhook_secret`` signs its notifications.

    ``client`` replaces the one made for ``api_key``.
    """

    def __init__(
        self, api_key: str, webhook_secret: str, client: StripeClient | None = None
    ) -> None:
        self._client = client or connect(api_key)
        self._secret = webhook_secret

    def start_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a payment page; the same key answers the same one for a day."""
        with answered():
            session = self._client.v1.checkout.sessions.create(
                sessions.parameters(request), {"idempotency_key": request.key}
            )
        checkout = checkout_of_session(plain(session))
        return self.find_checkout(checkout.reference) if was_repeated(session) else checkout

    def find_checkout(self, reference: str) -> Checkout:
        """How a session or an off-session payment stands now."""
        with answered():
            if _is_charge(reference):
                intent = self._client.v1.payment_intents.retrieve(reference)
                return checkout_of_intent(plain(intent))
            session = self._client.v1.checkout.sessions.retrieve(
                reference, {"expand": sessions.EXPANDED}
            )
        return checkout_of_session(plain(session))

    def close_checkout(self, reference: str) -> Checkout:
        """Let nobody pay any more; what is paid, or being paid, says so instead."""
        try:
            with answered():
                if _is_charge(reference):
                    self._client.v1.payment_intents.cancel(reference)
                else:
                    self._client.v1.checkout.sessions.expire(reference)
        except PartyRejected:
            # Only what is open can be ended. How it stands is said below, as is that it is unknown.
            pass
        return self.find_checkout(reference)

    def charge(self, request: ChargeRequest) -> Checkout:
        """Charge a stored card; one that is gone answers ``declined`` with ``mandate_revoked``."""
        with answered():
            return checkout_of_intent(charges.charge(self._client, request))

    def refund(self, reference: str, amount_cents: int, key: str) -> Refund:
        """Give money of a succeeded checkout or charge back, once for each key."""
        with answered():
            intent = reference if _is_charge(reference) else self._intent_of(reference)
            return refunds.refund(self._client, intent, amount_cents, key)

    def _intent_of(self, reference: str) -> str:
        session = self._client.v1.checkout.sessions.retrieve(reference)
        intent = plain(session).get("payment_intent")
        if not intent:
            raise PartyRejected("nothing was paid in this checkout", "not_paid")
        return str(intent)

    def forget_mandate(self, mandate: str) -> None:
        """Take a card from its customer; one that is gone already stays gone."""
        _, card = charges.parts(mandate)
        with answered():
            try:
                self._client.v1.payment_methods.detach(card)
            except InvalidRequestError:
                if charges.holder_of(self._client, card):
                    raise

    def read_notification(self, headers: Mapping[str, str], body: bytes) -> Notification | None:
        """Check a notification's signature and ask how its subject stands now.

        What it says itself may be old by the time it comes; what Stripe answers is not. Raises
        `PartyRejected` when the signature is missing, wrong or too old, and `PartyUnavailable` when
        Stripe does not answer: it sends its notification again.
        """
        event = self._event(headers, body)
        try:
            kind, subject = str(event["type"]), event["data"]["object"]
            if not _is_ours(kind, subject):
                return None
            return Notification(str(event["id"]), self.find_checkout(str(subject["id"])))
        except (KeyError, TypeError, AttributeError) as error:
            raise PartyRejected("the notification cannot be read") from error

    def _event(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        given = {name.lower(): value for name, value in headers.items()}
        try:
            event = self._client.construct_event(body, given.get("stripe-signature"), self._secret)
            return plain(event)
        except StripeError as error:
            raise PartyRejected(f"the signature is wrong: {error.user_message}") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise PartyRejected("the notification cannot be read") from error


def _is_charge(reference: str) -> bool:
    return reference.startswith("pi_")


def _is_ours(kind: str, subject: dict[str, Any]) -> bool:
    """Whether an event tells of a checkout or charge that this shop began.

    A checkout's own PaymentIntent bears no key: the events of its session tell of it.
    """
    known = kind in SESSION_EVENTS or kind in INTENT_EVENTS
    return known and bool(key_of(subject))
