"""A local server for Stripe's API: keys, known parameters, idempotency, signed webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

from stripe import params
from stripe.params import checkout

from tests.contract.serving import Call, FaultPlan, Reply, serving
from tests.contract.stripe_account import Object, StripeAccount, StripeError

KEY = "sk_test_of_the_shop"
WEBHOOK_SECRET = "whsec_of_the_shop"

KNOWN = {
    "": checkout.SessionCreateParams,
    "payment_intent_data": checkout.SessionCreateParamsPaymentIntentData,
    "setup_intent_data": checkout.SessionCreateParamsSetupIntentData,
}
"""The known parameters of a session, by their path, from Stripe's own library."""

ONLY_IN = {"payment_intent_data": "payment", "line_items": "payment", "setup_intent_data": "setup"}


class StripeServer:
    """Serves a `StripeAccount`."""

    def __init__(self, account: StripeAccount) -> None:
        self.account = account
        self._answers: dict[str, tuple[str, Reply]] = {}
        account.on_next_day = self._answers.clear

    def answer(self, call: Call) -> Reply:
        if call.headers.get("authorization") != f"Bearer {KEY}":
            error = {"type": "invalid_request_error", "message": "Invalid API Key provided"}
            return Reply(401, {"error": error})
        key = call.headers.get("idempotency-key", "")
        return self._once(key, call) if key and call.method == "POST" else self._do(call)

    def _once(self, key: str, call: Call) -> Reply:
        fingerprint = f"{call.path} {call.body!r}"
        if key in self._answers:
            first, reply = self._answers[key]
            if first == fingerprint:
                return Reply(reply.status, reply.body, {"Idempotent-Replayed": "true"})
            return Reply(400, {"error": {
                "type": "idempotency_error",
                "message": "Keys for idempotent requests can only be used with the same "
                           "parameters they were first used with.",
            }})  # fmt: skip
        reply = self._do(call)
        if reply.status in {200, 402}:
            self._answers[key] = (fingerprint, reply)
        return reply

    def _do(self, call: Call) -> Reply:
        try:
            body = self._route(call, nested(call.body.decode()))
        except StripeError as refusal:
            return Reply(refusal.status, {"error": refusal.error})
        # A copy: a stored response must not change with the object.
        return Reply(200, json.loads(json.dumps(_public(body))), {"Request-Id": "req_test"})

    def _route(self, call: Call, wanted: Object) -> Object:
        parts = call.path.removeprefix("/v1/").split("/")
        if parts[0] in self.account.forbidden:
            raise StripeError(403, "The provided key does not have the required permissions.")
        match call.method, parts:
            case "POST", ["checkout", "sessions"]:
                check_parameters(wanted)
                return self.account.start_session(wanted)
            case "GET", ["checkout", "sessions", reference]:
                expanded = [value for name, value in call.query.items() if "expand" in name]
                return self._expanded(self.account.get(reference, "cs"), expanded)
            case "POST", ["checkout", "sessions", reference, "expire"]:
                return self.account.expire(reference)
            case "GET", ["webhook_endpoints"]:
                hooks = self.account.webhooks
                return {
                    "object": "list", "data": hooks, "has_more": False,
                    "url": "/v1/webhook_endpoints",
                }  # fmt: skip
            case "POST", ["payment_intents"]:
                _check_known("", wanted, params.PaymentIntentCreateParams)
                return self._with_card(self.account.start_intent(wanted), "expand" in wanted)
            case "GET", ["payment_intents"]:
                self.account.get(call.query["customer"], "cus", param="customer")
                page = self._page("payment_intent", call, "customer")
                wanted_in_full = "data.payment_method" in call.query.values()
                page["data"] = [self._with_card(row, wanted_in_full) for row in page["data"]]
                return page
            case "GET", ["payment_intents", reference]:
                is_expanded = "payment_method" in call.query.values()
                return self._with_card(self.account.get(reference, "pi"), is_expanded)
            case "POST", ["payment_intents", reference, "cancel"]:
                return self.account.cancel_intent(reference, wanted.get("cancellation_reason"))
            case "POST", ["refunds"]:
                _check_known("", wanted, params.RefundCreateParams)
                return self.account.refund(wanted)
            case "GET", ["disputes", reference]:
                return self.account.get(reference, "du")
            case "GET", ["refunds", reference]:
                return self.account.get(reference, "re")
            case "GET", ["checkout", "sessions"]:
                return self._page("checkout.session", call, "payment_intent")
            case "GET", ["refunds"]:
                return self._page("refund", call, "payment_intent")
            case "GET", ["payouts"]:
                _check_known("", _plain(call.query), params.PayoutListParams)
                since = int(call.query.get("created[gte]", 0))
                made = self.account.all_of("payout")
                return self._listed([row for row in made if row["created"] >= since], call)
            case "GET", ["balance_transactions"]:
                _check_known("", _plain(call.query), params.BalanceTransactionListParams)
                made = self.account.all_of("balance_transaction")
                if "payout" not in call.query:
                    return self._listed(made, call)
                payout = self.account.get(call.query["payout"], "po", param="payout")
                if not payout["automatic"]:
                    raise StripeError(400, "Balance transaction history can only be filtered on "
                                        "automatic transfers, not manual.")  # fmt: skip
                page = self._listed([row for row in made if row["_payout"] == payout["id"]], call)
                if "data.source" in call.query.values():
                    objects = self.account.objects
                    page["data"] = [
                        row | {"source": objects.get(row["source"])} for row in page["data"]
                    ]
                return page
            case "GET", ["payment_methods", reference]:
                return self.account.get(reference, "pm")
            case "POST", ["payment_methods", reference, "detach"]:
                return self.account.detach(reference)
        raise StripeError(404, f"Unrecognized request URL ({call.method}: {call.path}).")

    def _with_card(self, intent: Object, is_expanded: bool) -> Object:
        if not is_expanded or not intent["payment_method"]:
            return intent
        return intent | {"payment_method": self.account.objects[intent["payment_method"]]}

    def _expanded(self, session: Object, wanted: list[str]) -> Object:
        shown = dict(session)
        for path in wanted:
            field, _, inner = path.partition(".")
            if shown.get(field):
                intent = dict(self.account.objects[session[field]])
                if inner and intent.get(inner):
                    intent[inner] = self.account.objects[intent[inner]]
                shown[field] = intent
        return shown

    def _page(self, kind: str, call: Call, field: str) -> Object:
        rows = [row for row in self.account.all_of(kind) if row[field] == call.query[field]]
        return self._listed(rows, call)

    def _listed(self, rows: list[Object], call: Call) -> Object:
        after = call.query.get("starting_after")
        start = next((i + 1 for i, row in enumerate(rows) if row["id"] == after), 0)
        end = start + int(call.query.get("limit", "10"))
        return {
            "object": "list",
            "url": call.path,
            "has_more": end < len(rows),
            "data": [_public(row) for row in rows[start:end]],
        }


def _plain(query: Mapping[str, str]) -> Object:
    """Return the parameters of a query by their outermost names."""
    return {name.partition("[")[0]: value for name, value in query.items()}


def _public(made: Object) -> Object:
    return {name: value for name, value in made.items() if not name.startswith("_")}


def nested(form: str) -> Object:
    """Parse a form as Stripe nests it: ``a[b][0]=c`` is ``{"a": {"b": {"0": "c"}}}``."""
    result: Object = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        *path, last = name.replace("]", "").split("[")
        place = result
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return result


def check_parameters(wanted: Object) -> None:
    """Refuse parameters that a session does not have, or not in its mode."""
    for place, known in KNOWN.items():
        _check_known(place, wanted.get(place, {}) if place else wanted, known)
    for name, mode in ONLY_IN.items():
        if name in wanted and wanted.get("mode") != mode:
            raise StripeError(400, f"You can not pass `{name}` in {wanted.get('mode')} mode.")


def _check_known(place: str, given: Object, known: Any) -> None:
    for name in given:
        if name not in known.__annotations__:
            raise StripeError(400, f"Received unknown parameter: {place}[{name}]",
                                code="parameter_unknown")  # fmt: skip


def sign(event: Mapping[str, Any], secret: str = WEBHOOK_SECRET, at: float | None = None) -> Any:
    """Return a webhook as Stripe posts it: headers and body."""
    body = json.dumps(event).encode()
    moment = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={moment},v1={digest}"}, body


@contextmanager
def stripe_serving() -> Iterator[tuple[StripeAccount, FaultPlan]]:
    """An account of Stripe's, and the server that answers for it."""
    account = StripeAccount()
    answer: Callable[[Call], Reply] = StripeServer(account).answer
    with serving(answer) as faults:
        yield account, faults
