"""A fake Stripe account: its objects and their rules, as a shop that accepts cards sees them.

Written from Stripe's API reference, independently of our adapter.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MIN_CENTS = 50


class StripeError(Exception):
    """An error response of Stripe."""

    def __init__(self, status: int, message: str, **error: Any) -> None:
        super().__init__(message)
        kind = "card_error" if status == 402 else "invalid_request_error"
        self.status, self.error = status, {"type": kind, "message": message, **error}


@dataclass(frozen=True)
class TestCard:
    """The behaviour of a Stripe test card, at checkout and off session."""

    brand: str
    present: str = ""
    absent: str = ""
    authenticates: bool = False


CARDS = {
    "4242424242424242": TestCard("visa"),
    "5555555555554444": TestCard("mastercard"),
    "4000000000000002": TestCard("visa", "generic_decline", "generic_decline"),
    "4000000000009995": TestCard("visa", "insufficient_funds", "insufficient_funds"),
    "4000002500003155": TestCard("visa", authenticates=True),
    "4000000000000341": TestCard("visa", absent="generic_decline"),
    "4000002760003184": TestCard("visa", absent="authentication_required", authenticates=True),
}

Object = dict[str, Any]


class StripeAccount:
    """The objects of a Stripe account; `pay` does what a customer does on its page."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.numbers: dict[str, str] = {}
        self.events: list[Object] = []
        self.webhooks: list[Object] = []
        self.forbidden: set[str] = set()
        """The lists that the shop's restricted key may not read, by their paths."""
        self.refunds_slowly = False
        self.on_next_day: Callable[[], None] = lambda: None
        self._count = itertools.count(1)

    def new(self, prefix: str, kind: str, **fields: Any) -> Object:
        reference = f"{prefix}_test_{next(self._count):06}"
        made = {"id": reference, "object": kind, "created": int(time.time()), **fields}
        self.objects[reference] = made
        return made

    def get(self, reference: Any, prefix: str, param: str = "id") -> Object:
        found = self.objects.get(str(reference))
        if found is None or not str(reference).startswith(f"{prefix}_"):
            raise StripeError(404, f"No such object: '{reference}'", code="resource_missing",
                                param=param)  # fmt: skip
        return found

    def all_of(self, kind: str) -> list[Object]:
        """Return the objects of one kind, newest first."""
        return [made for made in reversed(self.objects.values()) if made["object"] == kind]

    def add_event(self, kind: str, subject: Object) -> None:
        self.events.append(
            {
                "id": f"evt_test_{next(self._count):06}",
                "object": "event",
                "api_version": "2020-08-27",
                "created": int(time.time()),
                "livemode": False,
                "pending_webhooks": 1,
                "type": kind,
                "data": {"object": dict(subject)},
            }
        )

    # --- Checkout Sessions -----------------------------------------------------------------

    def start_session(self, wanted: Object) -> Object:
        mode = wanted.get("mode")
        if mode == "payment":
            price = wanted["line_items"]["0"]["price_data"]
            amount = int(price["unit_amount"]) * int(wanted["line_items"]["0"]["quantity"])
            self._check_amount(amount)
            money = {"amount_total": amount, "currency": price["currency"]}
        else:
            money = {"amount_total": None, "currency": wanted.get("currency")}
        session = self.new(
            "cs", "checkout.session", **money, mode=mode, status="open", customer=None,
            payment_status="unpaid" if mode == "payment" else "no_payment_required",
            payment_intent=None, setup_intent=None, metadata=wanted.get("metadata", {}),
            client_reference_id=wanted.get("client_reference_id"),
            customer_creation=wanted.get("customer_creation", "if_required"),
            customer_email=wanted.get("customer_email"), locale=wanted.get("locale"),
            success_url=wanted["success_url"], cancel_url=wanted.get("cancel_url"),
        )  # fmt: skip
        session["url"] = f"https://checkout.stripe.com/c/pay/{session['id']}"
        session["_wanted"] = wanted
        return session

    def _check_amount(self, amount: int) -> None:
        if amount < MIN_CENTS:
            raise StripeError(400, "Amount must be at least €0.50 eur", code="amount_too_small")

    def expire(self, reference: str) -> Object:
        session = self.get(reference, "cs")
        if session["status"] != "open":
            raise StripeError(400, "Only Checkout Sessions with a status in [\"open\"] can be "
                                "expired.")  # fmt: skip
        session.update(status="expired", url=None)
        self.add_event("checkout.session.expired", session)
        return session

    # --- What customers do -----------------------------------------------------------------

    def pay(self, reference: str, number: str, confirm: bool = True, slowly: bool = False) -> bool:
        """Enter a card as the customer; return whether it was accepted."""
        session = self.get(reference, "cs")
        if session["status"] != "open":
            return False
        card = CARDS[number]
        intent = self._intent_of(session)
        problem = card.present or ("" if confirm or not card.authenticates else "authentication")
        if problem:
            intent.update(status="requires_payment_method", last_payment_error=_error(problem))
            self.add_event("payment_intent.payment_failed", intent)
            return False
        self._keep_card(session, intent, number)
        intent.update(status="processing" if slowly else "succeeded", last_payment_error=None)
        session.update(status="complete", url=None)
        if not slowly and session["mode"] == "payment":
            session["payment_status"] = "paid"
        self.add_event("checkout.session.completed", session)
        return True

    def _intent_of(self, session: Object) -> Object:
        field, prefix = (
            ("payment_intent", "pi") if session["mode"] == "payment" else ("setup_intent", "seti")
        )
        if session[field] is None:
            data = session["_wanted"].get(f"{field}_data", {})
            money = {"amount": session["amount_total"], "currency": session["currency"]}
            usage = {"setup_future_usage": data.get("setup_future_usage")}
            session[field] = self.new(
                prefix, field, **(money | usage if prefix == "pi" else {"usage": "off_session"}),
                status="requires_payment_method", payment_method=None, customer=None,
                metadata=data.get("metadata", {}), description=data.get("description"),
                last_payment_error=None, cancellation_reason=None,
            )["id"]  # fmt: skip
        return self.objects[session[field]]

    def _keep_card(self, session: Object, intent: Object, number: str) -> None:
        customer = None
        if session["customer_creation"] == "always":
            customer = self.new("cus", "customer", email=session["customer_email"])["id"]
        keeps = customer and "off_session" in (intent.get("setup_future_usage"),
                                               intent.get("usage"))  # fmt: skip
        shown = {"brand": CARDS[number].brand, "last4": number[-4:], "exp_month": 9,
                 "exp_year": 2034, "country": "IE"}  # fmt: skip
        method = self.new("pm", "payment_method", type="card", card=shown,
                          customer=customer if keeps else None)  # fmt: skip
        self.numbers[method["id"]] = number
        session["customer"] = intent["customer"] = customer
        intent["payment_method"] = method["id"]

    def settle_slowly(self, reference: str, paid: bool) -> None:
        """Decide a payment that was processing."""
        session = self.get(reference, "cs")
        intent = self.objects[session["payment_intent"]]
        if paid:
            intent["status"], session["payment_status"] = "succeeded", "paid"
            self.add_event("checkout.session.async_payment_succeeded", session)
        else:
            intent.update(status="requires_payment_method",
                          last_payment_error=_error("insufficient_funds"))  # fmt: skip
            self.add_event("checkout.session.async_payment_failed", session)

    # --- PaymentIntents --------------------------------------------------------------------

    def start_intent(self, wanted: Object) -> Object:
        amount = int(wanted["amount"])
        self._check_amount(amount)
        customer, method = wanted.get("customer"), wanted.get("payment_method")
        if customer:
            self.get(customer, "cus", param="customer")
        if method:
            self._check_method(method, customer)
        intent = self.new(
            "pi", "payment_intent", amount=amount, currency=wanted["currency"],
            status="requires_confirmation" if method else "requires_payment_method",
            customer=customer, payment_method=method, metadata=wanted.get("metadata", {}),
            description=wanted.get("description"), setup_future_usage=None,
            last_payment_error=None, cancellation_reason=None,
        )  # fmt: skip
        if wanted.get("confirm") == "true":
            self._confirm(intent, off_session=wanted.get("off_session") == "true")
        return intent

    def _check_method(self, method: str, customer: Any) -> None:
        if self.get(method, "pm", param="payment_method")["customer"] != customer or not customer:
            raise StripeError(400, "The provided PaymentMethod was previously used with a "
                                "PaymentIntent without Customer attachment, or was detached from a "
                                "Customer. It may not be used again.")  # fmt: skip

    def _confirm(self, intent: Object, off_session: bool) -> None:
        if not intent["payment_method"]:
            raise StripeError(400, "You cannot confirm this PaymentIntent without a "
                                "payment_method.", param="payment_method")  # fmt: skip
        card = CARDS[self.numbers[intent["payment_method"]]]
        problem = card.absent if off_session else card.present
        if problem:
            error = _error(problem)
            intent.update(status="requires_payment_method", last_payment_error=error)
            self.add_event("payment_intent.payment_failed", intent)
            raise StripeError(402, error["message"], **{k: v for k, v in error.items()
                                if k not in {"message", "type"}},
                                payment_intent=dict(intent))  # fmt: skip
        intent.update(status="succeeded", last_payment_error=None)
        self.add_event("payment_intent.succeeded", intent)

    def cancel_intent(self, reference: str, reason: str | None) -> Object:
        intent = self.get(reference, "pi")
        if intent["status"] in {"succeeded", "canceled"}:
            raise StripeError(400, "You cannot cancel this PaymentIntent because it has a status "
                                f"of {intent['status']}.",
                                code="payment_intent_unexpected_state")  # fmt: skip
        intent.update(status="canceled", cancellation_reason=reason)
        self.add_event("payment_intent.canceled", intent)
        return intent

    # --- Refunds, payment methods, balance -------------------------------------------------

    def refund(self, wanted: Object) -> Object:
        intent = self.get(wanted["payment_intent"], "pi", param="payment_intent")
        amount = int(wanted["amount"])
        if intent["status"] != "succeeded":
            raise StripeError(400, "This PaymentIntent does not have a successful charge to "
                                "refund.")  # fmt: skip
        if amount > intent["amount"] - self._refunded(intent):
            raise StripeError(400, "Refund amount is greater than unrefunded amount on charge",
                                param="amount")  # fmt: skip
        status = "pending" if self.refunds_slowly else "succeeded"
        made = self.new("re", "refund", amount=amount, currency=intent["currency"],
                        payment_intent=intent["id"], status=status,
                        metadata=wanted.get("metadata", {}))  # fmt: skip
        self.add_event("refund.created", made)
        return made

    def refund_of_itself(self, checkout: str, amount: int) -> Object:
        """Refund a payment in the dashboard."""
        return self.refund({"payment_intent": self._paid_intent(checkout), "amount": amount})

    def _paid_intent(self, checkout: str) -> str:
        session = self.objects[checkout]
        return str(session["id"] if checkout.startswith("pi_") else session["payment_intent"])

    # --- Disputes and changed cards --------------------------------------------------------

    def open_dispute(self, checkout: str, amount: int) -> Object:
        """Have the cardholder contest a payment; its money is withdrawn."""
        made = self.new(
            "du", "dispute", amount=amount, payment_intent=self._paid_intent(checkout),
            status="needs_response", reason="fraudulent", balance_transactions=[],
        )  # fmt: skip
        self.add_event("charge.dispute.created", made)
        made["balance_transactions"].append({"amount": -amount, "fee": 2000})
        self.add_event("charge.dispute.funds_withdrawn", made)
        return made

    def decide_dispute(self, reference: str, won: bool) -> None:
        """Decide a dispute; a merchant who wins gets the money back."""
        made = self.get(reference, "du")
        made["status"] = "won" if won else "lost"
        if won:
            made["balance_transactions"].append({"amount": made["amount"], "fee": 0})
            self.add_event("charge.dispute.funds_reinstated", made)
        self.add_event("charge.dispute.closed", made)

    # --- Payouts ---------------------------------------------------------------------------

    def pay_out(self, automatic: bool = True) -> Object:
        """Pay out all that is in no payout yet; what it is made of is known at once."""
        moved = self._unpaid()
        amount = sum(each["net"] for each in moved)
        payout = self.new(
            "po", "payout", amount=amount, currency="eur", automatic=automatic, status="pending",
            arrival_date=int(time.time()) // 86400 * 86400 + 86400, failure_code=None,
            reconciliation_status="completed" if automatic else "not_applicable",
        )  # fmt: skip
        own = self._moved("payout", "payout", -amount, 0, payout["id"])
        for each in [*moved, own]:
            each["_payout"] = payout["id"] if automatic else "by hand"
        return payout

    def fail_payout(self, reference: str) -> None:
        """Have the merchant's bank send a payout back: its money is in the next one."""
        payout = self.get(reference, "po")
        payout.update(status="failed", failure_code="account_closed")
        self._moved("payout_failure", "payout_reversal", payout["amount"], 0, payout["id"])

    def charge_fee(self, cents: int) -> Object:
        """Charge a fee of Stripe's own."""
        return self._moved("stripe_fee", "fee", -cents, 0, None)

    def _moved(self, kind: str, category: str, amount: int, fee: int, source: Any) -> Object:
        return self.new(
            "txn", "balance_transaction", type=kind, reporting_category=category, amount=amount,
            fee=fee, net=amount - fee, currency="eur", source=source, description=None,
            _payout=None,
        )  # fmt: skip

    def _unpaid(self) -> list[Object]:
        """Return the transactions of no payout; make those of what happened since the last one."""
        known = {row["_of"] for row in self.all_of("balance_transaction") if "_of" in row}
        for intent in self.all_of("payment_intent"):
            if intent["status"] == "succeeded" and intent["id"] not in known:
                charge = self.new("ch", "charge", amount=intent["amount"],
                                  payment_intent=intent["id"],
                                  metadata=dict(intent["metadata"]))  # fmt: skip
                fee = round(intent["amount"] * 0.015) + 25
                made = self._moved("charge", "charge", intent["amount"], fee, charge["id"])
                made["_of"] = intent["id"]
        for refund in self.all_of("refund"):
            if refund["id"] not in known:
                made = self._moved("refund", "refund", -refund["amount"], 0, refund["id"])
                made["_of"] = refund["id"]
            if refund["status"] == "failed" and f"{refund['id']} failed" not in known:
                made = self._moved(
                    "refund_failure", "refund_failure", refund["amount"], 0, refund["id"]
                )
                made["_of"] = f"{refund['id']} failed"
        for dispute in self.all_of("dispute"):
            for number, part in enumerate(dispute["balance_transactions"]):
                if f"{dispute['id']} {number}" not in known:
                    category = "dispute" if part["amount"] < 0 else "dispute_reversal"
                    made = self._moved(
                        "adjustment", category, part["amount"], part["fee"], dispute["id"]
                    )
                    made["_of"] = f"{dispute['id']} {number}"
        return [row for row in self.all_of("balance_transaction") if row["_payout"] is None]

    def renew_card(self, mandate: str) -> None:
        """Have the network replace a card by its successor."""
        method = self.objects[mandate.partition("/")[2]]
        method["card"] = method["card"] | {"last4": "4343", "exp_year": 2037}
        self.add_event("payment_method.automatically_updated", method)

    def remove_card(self, mandate: str) -> None:
        """Detach a card in the dashboard."""
        customer, _, card = mandate.partition("/")
        method = self.detach(card)
        self.add_event("payment_method.detached", method)
        self.events[-1]["data"]["previous_attributes"] = {"customer": customer}

    def settle_refund(self, reference: str, status: str) -> None:
        """Decide a refund, or have it come back."""
        made = self.get(reference, "re")
        made["status"] = status
        if status == "failed":
            made["failure_reason"] = "lost_or_stolen_card"
            self.add_event("refund.failed", made)
        else:
            self.add_event("refund.updated", made)

    def _refunded(self, intent: Object) -> int:
        return sum(refund["amount"] for refund in self.all_of("refund")
                   if refund["payment_intent"] == intent["id"]
                   and refund["status"] != "failed")  # fmt: skip

    def detach(self, reference: str) -> Object:
        method = self.get(reference, "pm", param="payment_method")
        if method["customer"] is None:
            raise StripeError(400, "The payment method you provided is not attached to a "
                                "customer so detachment is impossible.")  # fmt: skip
        method["customer"] = None
        return method

    def balance(self) -> int:
        """Return the merchant's balance in cents: payments less refunds."""
        paid = [intent["amount"] for intent in self.all_of("payment_intent")
                if intent["status"] == "succeeded"]  # fmt: skip
        moved = [each["amount"] for dispute in self.all_of("dispute")
                 for each in dispute["balance_transactions"]]  # fmt: skip
        return sum(paid) + sum(moved) - sum(refund["amount"] for refund in self.all_of("refund")
                               if refund["status"] != "failed")  # fmt: skip


def _error(problem: str) -> Object:
    """Make the error of a declined card, as a PaymentIntent stores it."""
    if problem == "authentication":
        return {
            "type": "invalid_request_error",
            "code": "payment_intent_authentication_failure",
            "message": "The provided PaymentMethod has failed authentication.",
        }
    code = problem if problem == "authentication_required" else "card_declined"
    return {
        "type": "card_error",
        "code": code,
        "decline_code": problem,
        "message": "Your card was declined.",
    }
