"""Stripe as a `PaymentGateway`: Checkout Sessions and off-session PaymentIntents.

A checkout is a Checkout Session (``cs_…``), a charge is a PaymentIntent (``pi_…``), and a mandate
is a Stripe customer with a card (``cus_…/pm_…``). Three things differ from other banks:

- A declined card does not end a checkout: Stripe's page lets the customer try another, so that the
  checkout stays open until it is paid, closed or a day old.
- Stripe may forget idempotency keys after a day. Charges and refunds therefore also store their key
  in their metadata, where the gateway looks for it before it creates another.
- The URL for notifications is configured in Stripe's dashboard: register
  ``<PUBLIC_URL>/notifications/bank`` there, for the events in `EVENTS`.

Stripe's minimum amount is 0.50 EUR; it refuses to open a checkout for less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from stripe import InvalidRequestError, PermissionError, StripeClient, StripeError

from shop.errors import PartyRejected, PartyUnavailable
from shop.payments.gateway import (
    Batch,
    CardChange,
    ChargeRequest,
    Checkout,
    CheckoutRequest,
    Dispute,
    Notification,
    Payout,
    PayoutLine,
    Refund,
)
from shop.payments.stripe import charges, disputes, payouts, refunds, sessions
from shop.payments.stripe.answers import checkout_of_intent, checkout_of_session, mandate_of
from shop.payments.stripe.calls import (
    as_dict,
    connect,
    errors_mapped,
    idempotency_key_of,
    objects_of,
    was_replayed,
)

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
REFUND_EVENTS = {"refund.created", "refund.updated", "refund.failed"}
DISPUTE_EVENTS = {
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
}
CARD_EVENTS = {
    "payment_method.updated",
    "payment_method.automatically_updated",
    "payment_method.detached",
}
MANDATE_EVENT = "mandate.updated"
EVENTS = (
    SESSION_EVENTS | INTENT_EVENTS | REFUND_EVENTS | DISPUTE_EVENTS | CARD_EVENTS | {MANDATE_EVENT}
)
"""The events for which the shop's webhook has to be registered."""


class StripeGateway:
    """The Stripe account of ``api_key``; ``webhook_secret`` signs its notifications.

    ``client`` replaces the one made for ``api_key``.
    """

    def __init__(
        self, api_key: str, webhook_secret: str, client: StripeClient | None = None
    ) -> None:
        self._client = client or connect(api_key)
        self._secret = webhook_secret

    def start_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a payment page; idempotent for a key, for a day."""
        with errors_mapped():
            session = self._client.v1.checkout.sessions.create(
                sessions.parameters(request), {"idempotency_key": request.key}
            )
        checkout = checkout_of_session(as_dict(session))
        return self.find_checkout(checkout.reference) if was_replayed(session) else checkout

    def find_checkout(self, reference: str) -> Checkout:
        """Return a session or an off-session payment with its present status."""
        with errors_mapped():
            if _is_charge(reference):
                intent = self._client.v1.payment_intents.retrieve(
                    reference, {"expand": charges.EXPANDED}
                )
                return checkout_of_intent(as_dict(intent))
            session = self._client.v1.checkout.sessions.retrieve(
                reference, {"expand": sessions.EXPANDED}
            )
        return checkout_of_session(as_dict(session))

    def close_checkout(self, reference: str) -> Checkout:
        """Close a checkout or charge unless it is paid or being paid; return its present status."""
        try:
            with errors_mapped():
                if _is_charge(reference):
                    self._client.v1.payment_intents.cancel(reference)
                else:
                    self._client.v1.checkout.sessions.expire(reference)
        except PartyRejected:
            # Stripe closes open ones only. The status, or that it is unknown, is read below.
            pass
        return self.find_checkout(reference)

    def charge(self, request: ChargeRequest) -> Checkout:
        """Charge a stored card; a deleted one is ``declined`` with ``mandate_revoked``."""
        with errors_mapped():
            return checkout_of_intent(charges.charge(self._client, request))

    def refund(self, reference: str, amount_cents: int, key: str) -> Refund:
        """Refund money of a succeeded checkout or charge; idempotent for a key."""
        with errors_mapped():
            intent = reference if _is_charge(reference) else self._intent_of(reference)
            made = refunds.refund(self._client, intent, amount_cents, key)
        return refunds.refund_of(made, reference)

    def find_refund(self, reference: str) -> Refund:
        """Return a refund with its present state."""
        with errors_mapped():
            made = refunds.find_refund(self._client, reference)
            return refunds.refund_of(made, self._checkout_of(made.get("payment_intent")))

    def find_dispute(self, reference: str) -> Dispute:
        """Return a dispute with its present state."""
        with errors_mapped():
            made = disputes.find_dispute(self._client, reference)
            return disputes.dispute_of(made, self._checkout_of(made.get("payment_intent")))

    def list_payouts(self, since: datetime, after: str = "") -> Batch[Payout]:
        """Return payouts created since a moment, the newest first."""
        with errors_mapped():
            rows, following = payouts.list_payouts(self._client, since, after)
        return Batch([payouts.payout_of(row) for row in rows], following)

    def list_payout_lines(self, payout: str, after: str = "") -> Batch[PayoutLine]:
        """Return lines of an automatic payout, without the payout's own transaction."""
        with errors_mapped():
            rows, following = payouts.list_lines(self._client, payout, after)
            lines = [payouts.line_of(row, self._checkout_of) for row in rows]
        return Batch(lines, following)

    def _checkout_of(self, intent: Any) -> str:
        """Return the shop's reference of a PaymentIntent: its session's, or for charges its own."""
        sessions_of_it = self._client.v1.checkout.sessions.list({"payment_intent": str(intent)})
        return next((str(row["id"]) for row in objects_of(sessions_of_it)), str(intent))

    def _intent_of(self, reference: str) -> str:
        session = self._client.v1.checkout.sessions.retrieve(reference)
        intent = as_dict(session).get("payment_intent")
        if not intent:
            raise PartyRejected("nothing was paid in this checkout", "not_paid")
        return str(intent)

    def forget_mandate(self, mandate: str) -> None:
        """Detach a card from its customer; idempotent."""
        _, card = charges.parse_mandate(mandate)
        with errors_mapped():
            try:
                self._client.v1.payment_methods.detach(card)
            except InvalidRequestError:
                if charges.holder_of(self._client, card):
                    raise

    def events_not_notified(self, url: str) -> list[str] | None:
        """Return the events that no enabled webhook at ``url`` is told; None without a webhook."""
        with errors_mapped():
            hooks = list(objects_of(self._client.v1.webhook_endpoints.list({"limit": 100})))
        ours = [each for each in hooks if each["url"] == url and each["status"] == "enabled"]
        if not ours:
            return None
        told = {event for each in ours for event in each["enabled_events"]}
        return [] if "*" in told else sorted(EVENTS - told)

    def rights_missing(self) -> list[str]:
        """Return what a restricted key may not read and payouts are made of, as Stripe calls it."""
        reads: dict[str, Callable[[Any], object]] = {
            "payouts": self._client.v1.payouts.list,
            "balance transactions": self._client.v1.balance_transactions.list,
        }
        return [name for name, read in reads.items() if not _is_allowed(read)]

    def read_notification(self, headers: Mapping[str, str], body: bytes) -> Notification | None:
        """Verify a notification's signature and fetch the present status of its subject.

        The status in the notification itself may be outdated. Raise `PartyRejected` when the
        signature is missing, wrong or too old, and `PartyUnavailable` when Stripe does not answer:
        it then sends the notification again.
        """
        event = self._event(headers, body)
        try:
            kind, subject = str(event["type"]), event["data"]["object"]
            if not _is_ours(kind, subject):
                return None
            present = self._present(kind, subject, event["data"].get("previous_attributes") or {})
            return None if present is None else Notification(str(event["id"]), present)
        except (KeyError, TypeError, AttributeError) as error:
            raise PartyRejected("the notification cannot be read") from error

    def _present(
        self, kind: str, subject: dict[str, Any], before: dict[str, Any]
    ) -> Checkout | Refund | Dispute | CardChange | None:
        """Return the present state of an event's subject; raise `PartyUnavailable` without it."""
        reference = str(subject["id"])
        try:
            if kind in REFUND_EVENTS:
                return self.find_refund(reference)
            if kind in DISPUTE_EVENTS:
                return self.find_dispute(reference)
            if kind in CARD_EVENTS:
                return self._card_change(reference, subject, before)
            if kind == MANDATE_EVENT:
                return self._revoked_card(subject)
            return self.find_checkout(reference)
        except PartyRejected as error:
            raise PartyUnavailable(f"Stripe does not tell: {error}") from error

    def _card_change(
        self, card: str, subject: dict[str, Any], before: dict[str, Any]
    ) -> CardChange | None:
        with errors_mapped():
            holder = charges.holder_of(self._client, card)
            if not holder:
                former = subject.get("customer") or before.get("customer")
                return CardChange(f"{former}/{card}", None) if former else None
            method = as_dict(self._client.v1.payment_methods.retrieve(card))
        # One that cannot be read stays as it was known.
        mandate = mandate_of(method, holder)
        return CardChange(mandate.reference, mandate) if mandate else None

    def _revoked_card(self, mandate: dict[str, Any]) -> CardChange | None:
        """Return the card of a mandate that its holder revoked; None for one that is in force."""
        if mandate["status"] != "inactive":
            return None
        card = str(mandate["payment_method"])
        with errors_mapped():
            holder = charges.holder_of(self._client, card)
        return CardChange(f"{holder}/{card}", None) if holder else None

    def _event(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        given = {name.lower(): value for name, value in headers.items()}
        try:
            event = self._client.construct_event(body, given.get("stripe-signature"), self._secret)
            return as_dict(event)
        except StripeError as error:
            raise PartyRejected(f"the signature is wrong: {error.user_message}") from error
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise PartyRejected("the notification cannot be read") from error


def _is_charge(reference: str) -> bool:
    return reference.startswith("pi_")


def _is_ours(kind: str, subject: dict[str, Any]) -> bool:
    """Return whether an event concerns a checkout or charge that this shop began.

    A checkout's own PaymentIntent has no key; the events of its session are used instead. Refunds
    made in the dashboard, disputes and cards have no key either: the shop tells by their payment.
    """
    if kind in EVENTS - SESSION_EVENTS - INTENT_EVENTS:
        return True
    known = kind in SESSION_EVENTS or kind in INTENT_EVENTS
    return known and bool(idempotency_key_of(subject))


def _is_allowed(read: Callable[[Any], object]) -> bool:
    """Return whether Stripe lets the shop's key read a list, by reading one object of it."""
    with errors_mapped():
        try:
            read({"limit": 1})
        except PermissionError:
            return False
    return True
