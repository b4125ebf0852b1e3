"""The in-process bank and Office provider, which tests control.

They implement the interfaces of the sandbox and of the real parties; `tests/contract` proves that
all behave alike. The provider is in `tests.support.provider`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from shop import clock
from shop.errors import PartyRejected, PartyUnavailable
from shop.payments.gateway import (
    Batch,
    CardChange,
    ChargeRequest,
    Checkout,
    CheckoutRequest,
    CheckoutStatus,
    Dispute,
    Mandate,
    Notification,
    Payout,
    PayoutLine,
    PayoutLineKind,
    PayoutState,
    Refund,
    RefundState,
)
from tests.support.provider import Provider as Provider

Listed = TypeVar("Listed", Payout, PayoutLine)

CARD = Mandate("mandate-1", "visa", "4242", 12, 2030)


DECLINED_LATER = {
    "0341": "card_declined", "3184": "authentication_failed", "9995": "insufficient_funds",
}  # fmt: skip
"""Why stored cards are declined when the customer is not present, by their last digits."""


class Bank:
    """A bank that keeps its checkouts and refunds in memory.

    While `silent` it does not answer; `failing` and `losing` count the next calls that are not
    done, or done without an answer. While `refusing` is set, it refuses every call with that.
    Refunds begin in the state `refunding`; `mandates` are the stored cards as it has them, and
    `card_country` is where its cards are issued. Lists have `at_once` rows.
    """

    def __init__(self) -> None:
        self.checkouts: dict[str, Checkout] = {}
        self.requests: dict[str, CheckoutRequest] = {}
        self.refunds: dict[str, Refund] = {}
        self.refunding = RefundState.SUCCEEDED
        self.forgotten: set[str] = set()
        self.disputes: dict[str, Dispute] = {}
        self.mandates: dict[str, Mandate] = {}
        self.card_country = ""
        self.payouts: list[Payout] = []
        self.lines: dict[str, list[PayoutLine]] = {}
        self.at_once = 2
        self.silent = False
        self.refusing: PartyRejected | None = None
        self.failing = 0
        self.losing = 0
        self._keys: dict[str, tuple[object, str]] = {}
        self._lock = threading.Lock()
        self._made = 0

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Run one call at a time; raise if the bank does not answer."""
        if self.silent or self.failing:
            self.failing = max(0, self.failing - 1)
            raise PartyUnavailable("the bank is silent")
        if self.refusing:
            raise self.refusing
        with self._lock:
            yield
            if self.losing:
                self.losing -= 1
                raise PartyUnavailable("the answer was lost")

    def _once(self, key: str, wanted: object, make: Callable[[], str]) -> str:
        """Return what ``make`` returned on the first call with this idempotency key."""
        if key not in self._keys:
            self._keys[key] = (wanted, make())
        first, reference = self._keys[key]
        if first != wanted:
            raise PartyRejected("this key came with other parameters before", "key_reused")
        return reference

    def _next(self) -> int:
        self._made += 1
        return self._made

    def _known(self, reference: str) -> Checkout:
        if reference not in self.checkouts:
            raise PartyRejected("there is no such checkout", "unknown_checkout")
        return self.checkouts[reference]

    def start_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a checkout; idempotent by key."""

        def make() -> str:
            reference = f"checkout-{self._next()}"
            self.requests[reference] = request
            self.checkouts[reference] = Checkout(
                reference,
                CheckoutStatus.OPEN,
                request.amount_cents,
                request.currency,
                url=f"https://bank.example/pay/{reference}",
            )
            return reference

        with self._answering():
            return self.checkouts[self._once(request.key, request, make)]

    def find_checkout(self, reference: str) -> Checkout:
        """Return a checkout in its current state."""
        with self._answering():
            return self._known(reference)

    def close_checkout(self, reference: str) -> Checkout:
        """Close an open checkout."""
        with self._answering():
            checkout = self._known(reference)
            if checkout.status == CheckoutStatus.OPEN:
                checkout = self.tell(reference, CheckoutStatus.CLOSED)
        return checkout

    def charge(self, request: ChargeRequest) -> Checkout:
        """Charge a stored card; those of `DECLINED_LATER` are declined."""

        def make() -> str:
            reference = f"charge-{self._next()}"
            reason = DECLINED_LATER.get(request.mandate[-4:], "")
            if request.mandate in self.forgotten:
                reason = "mandate_revoked"
            status = CheckoutStatus.DECLINED if reason else CheckoutStatus.SUCCEEDED
            self.checkouts[reference] = Checkout(
                reference,
                status,
                request.amount_cents,
                request.currency,
                reason=reason,
                mandate=self.mandates.get(request.mandate),
                card_country=self.card_country,
            )
            return reference

        with self._answering():
            return self.checkouts[self._once(request.key, request, make)]

    def refund(self, reference: str, amount_cents: int, key: str) -> Refund:
        """Refund a payment; idempotent by key."""

        def make() -> str:
            checkout = self._known(reference)
            given = self._refunded(reference) + amount_cents
            if checkout.status != CheckoutStatus.SUCCEEDED or given > checkout.amount_cents:
                raise PartyRejected("more would go back than came", "too_much")
            self.refunds[key] = Refund(
                f"refund-{len(self.refunds) + 1}", amount_cents, self.refunding, reference, key
            )
            return key

        with self._answering():
            return self.refunds[self._once(key, (reference, amount_cents), make)]

    def find_refund(self, reference: str) -> Refund:
        """Return a refund in its current state."""
        with self._answering():
            for made in self.refunds.values():
                if made.reference == reference:
                    return made
            raise PartyRejected("there is no such refund", "unknown_refund")

    def find_dispute(self, reference: str) -> Dispute:
        """Return a dispute in its current state."""
        with self._answering():
            if reference not in self.disputes:
                raise PartyRejected("there is no such dispute", "unknown_dispute")
            return self.disputes[reference]

    def dispute(self, checkout: str, cents: int, **state: Any) -> Dispute:
        """Open or change the dispute of a checkout."""
        made = Dispute(f"dispute-of-{checkout}", checkout, cents, **state)
        self.disputes[made.reference] = made
        return made

    def list_payouts(self, since: datetime, after: str = "") -> Batch[Payout]:
        """Return payouts created since a moment, the newest first."""
        with self._answering():
            found = [made for made in reversed(self.payouts) if made.created_at >= since]
            return self._part(found, after)

    def list_payout_lines(self, payout: str, after: str = "") -> Batch[PayoutLine]:
        """Return lines of a payout."""
        with self._answering():
            if payout not in self.lines:
                raise PartyRejected("there is no such payout", "unknown_payout")
            return self._part(self.lines[payout], after)

    def _part(self, rows: list[Listed], after: str) -> Batch[Listed]:
        begin = next((n + 1 for n, row in enumerate(rows) if row.reference == after), 0)
        shown = rows[begin : begin + self.at_once]
        more = begin + self.at_once < len(rows)
        return Batch(shown, shown[-1].reference if more else "")

    def pay_out(self, *extra: PayoutLine, state: PayoutState = PayoutState.PENDING) -> Payout:
        """Pay out what no payout has yet, less fees, with ``extra`` lines; arrives tomorrow."""
        known = {line.reference for lines in self.lines.values() for line in lines}
        lines = [line for line in self._moved() if line.reference not in known] + list(extra)
        reference = f"payout-{len(self.payouts) + 1}"
        self.lines[reference] = lines
        made = Payout(
            reference, sum(line.net_cents for line in lines), "EUR",
            clock.today() + timedelta(days=1), clock.now(), state,
        )  # fmt: skip
        self.payouts.append(made)
        return made

    def _moved(self) -> Iterator[PayoutLine]:
        """Yield every movement of the balance."""
        now = clock.now()
        for checkout in self.checkouts.values():
            if checkout.status == CheckoutStatus.SUCCEEDED and checkout.amount_cents:
                fee = checkout.amount_cents * 14 // 1000 + 25
                yield PayoutLine(f"line-of-{checkout.reference}", PayoutLineKind.CHARGE,
                                 checkout.amount_cents, fee, checkout.reference, now)  # fmt: skip
        for made in self.refunds.values():
            kind = PayoutLineKind.REFUND
            yield PayoutLine(f"line-of-{made.reference}", kind, -made.amount_cents, 0,
                             made.reference, now)  # fmt: skip
            if made.state == RefundState.FAILED:
                yield PayoutLine(f"line-of-failed-{made.reference}", kind, made.amount_cents, 0,
                                 made.reference, now)  # fmt: skip
        for dispute in self.disputes.values():
            if dispute.withdrawn_cents:
                yield PayoutLine(f"line-of-{dispute.reference}", PayoutLineKind.DISPUTE,
                                 -dispute.withdrawn_cents, 1_500, dispute.reference,
                                 now)  # fmt: skip
            taken = [line for lines in self.lines.values() for line in lines
                     if line.reference == f"line-of-{dispute.reference}"]  # fmt: skip
            if taken and not dispute.withdrawn_cents:
                yield PayoutLine(f"line-of-won-{dispute.reference}", PayoutLineKind.DISPUTE,
                                 -taken[0].gross_cents, 0, dispute.reference, now)  # fmt: skip
        for payout in self.payouts:
            if payout.state == PayoutState.FAILED:
                yield PayoutLine(f"line-of-{payout.reference}", PayoutLineKind.PAYOUT,
                                 payout.amount_cents, 0, payout.reference, now)  # fmt: skip

    def fail_payout(self, reference: str) -> None:
        """Have the shop's own bank send a payout back."""
        self.tell_payout(reference, PayoutState.FAILED, "account_closed")

    def tell_payout(self, reference: str, state: PayoutState, reason: str = "") -> None:
        """Set the state of a payout."""
        self.payouts = [
            replace(made, state=state, reason=reason) if made.reference == reference else made
            for made in self.payouts
        ]

    def refund_of_itself(
        self, checkout: str, cents: int, state: RefundState = RefundState.SUCCEEDED
    ) -> Refund:
        """Refund a payment in the bank's dashboard: nobody in the shop asked for it."""
        made = Refund(f"refund-{len(self.refunds) + 1}", cents, state, checkout)
        self.refunds[made.reference] = made
        return made

    def tell_refund(self, made: Refund, state: RefundState, reason: str = "") -> Refund:
        """Set the state of a refund."""
        key = next(key for key, one in self.refunds.items() if one.reference == made.reference)
        self.refunds[key] = replace(self.refunds[key], state=state, reason=reason)
        return self.refunds[key]

    def _refunded(self, reference: str) -> int:
        """Return the cents of a checkout that are refunded, or about to be."""
        return sum(made.amount_cents for made in self._kept() if made.checkout == reference)

    def _kept(self) -> list[Refund]:
        return [made for made in self.refunds.values() if made.state != RefundState.FAILED]

    def forget_mandate(self, mandate: str) -> None:
        """Delete a stored card's mandate."""
        with self._answering():
            self.forgotten.add(mandate)

    def read_notification(self, headers: Mapping[str, str], body: bytes) -> Notification | None:
        """Return a notification: its body is the subject's reference, its signature a header."""
        signed = {name.lower(): value for name, value in headers.items()}.get("x-signed")
        reference = body.decode(errors="replace")
        known: dict[str, Checkout | Refund | Dispute | CardChange] = {
            made.reference: made for made in self.refunds.values()
        }
        known |= self.checkouts | self.disputes
        known |= {
            name: CardChange(name, None if name in self.forgotten else card)
            for name, card in self.mandates.items()
        }
        if signed != "yes" or reference not in known:
            raise PartyRejected("not signed")
        return Notification("changed", known[reference])

    def tell(
        self, reference: str, status: CheckoutStatus, reason: str = "", number: str = ""
    ) -> Checkout:
        """Set a checkout's result, paid with the card of a ``number``."""
        stores = self.requests[reference].store_card and status == CheckoutStatus.SUCCEEDED
        card = replace(CARD, reference=f"mandate-{number}", last4=number[-4:]) if number else CARD
        if stores:
            self.mandates.setdefault(card.reference, card)
        self.checkouts[reference] = replace(
            self.checkouts[reference],
            status=status,
            reason=reason,
            mandate=card if stores else None,
            card_country=self.card_country,
        )
        return self.checkouts[reference]

    def balance(self) -> int:
        """The sum of payments less refunds, in cents."""
        paid = [c.amount_cents for c in self.checkouts.values() if c.status == "succeeded"]
        disputed = sum(made.withdrawn_cents for made in self.disputes.values())
        return sum(paid) - disputed - sum(refund.amount_cents for refund in self._kept())
