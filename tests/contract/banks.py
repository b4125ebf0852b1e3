"""The banks of the contract tests, each with simulated customers, faults and notifications."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import httpx

from sandbox import create_sandbox
from sandbox.server import running_sandbox
from shop.payments.gateway import (
    Checkout,
    CheckoutStatus,
    DisputeState,
    PaymentGateway,
    RefundState,
)
from shop.payments.sandbox import SandboxBank
from shop.payments.stripe import StripeGateway
from shop.payments.stripe.calls import connect
from tests.contract.serving import FaultPlan, Reply
from tests.contract.stripe_account import StripeAccount
from tests.contract.stripe_server import KEY, WEBHOOK_SECRET, sign, stripe_serving
from tests.sandbox.shop import ListeningShop
from tests.support.parties import Bank

Delivery = tuple[Mapping[str, str], bytes]


class BankUnderTest(Protocol):
    """A bank, and what a test can make its customers and its server do."""

    gateway: PaymentGateway
    notification_url: str

    def pay(self, checkout: Checkout, number: str, confirm: bool = True) -> None:
        """Enter a card as the customer; confirm or refuse if asked to authenticate."""

    def notifications(self, reference: str, times: int = 1) -> list[Delivery]:
        """Return the notifications that the bank sent about a checkout."""

    def refund_slowly(self) -> None:
        """Make refunds pending until `settle_refund`."""

    def settle_refund(self, reference: str, *, fails: bool) -> None:
        """Do a pending refund, or let a refund fail, pending or done."""

    def refund_of_itself(self, reference: str, cents: int) -> str:
        """Refund a payment in the bank's dashboard; return the refund's reference."""

    def dispute(self, reference: str, cents: int) -> str:
        """Have the cardholder contest a payment; return the dispute's reference."""

    def decide(self, dispute: str, *, won: bool) -> None:
        """Decide a dispute, for the shop or against it."""

    def pay_out(self) -> None:
        """Make a payout of all that was moved so far."""

    def fail_payout(self, reference: str) -> None:
        """Have the shop's own bank send a payout back."""

    def renew_card(self, mandate: str) -> None:
        """Replace a stored card by its successor at the bank."""

    def remove_card(self, mandate: str) -> None:
        """Remove a stored card at the bank."""

    def balance(self) -> int:
        """Return the shop's balance at the bank in cents, by the bank's own ledger."""

    def fail_next(self) -> None:
        """Make the next call fail before it takes effect."""

    def lose_next(self) -> None:
        """Make the next call take effect and lose its response."""

    def without_signature(self, delivery: Delivery) -> Delivery:
        """Return the notification without its signature."""


@dataclass
class SandboxBankUnderTest:
    """The sandbox bank over HTTP; its customers use the pages."""

    url: str
    shop: ListeningShop

    def __post_init__(self) -> None:
        self.gateway = SandboxBank(self.url, "sandbox-bank-key", "sandbox-notification-secret")
        self.notification_url = f"{self.shop.url}/notifications/bank"

    def pay(self, checkout: Checkout, number: str, confirm: bool = True) -> None:
        card = {"number": number, "expiry": "09/34", "code": "123"}
        with httpx.Client(trust_env=False, base_url=self.url) as browser:
            answer = self._submit(browser, checkout.url, card)
            while "/bank/" in answer.headers.get("Location", ""):
                choice = "authenticate" if confirm else "refuse"
                answer = self._submit(browser, answer.headers["Location"], {"decision": choice})

    @staticmethod
    def _submit(browser: httpx.Client, url: str, fields: dict[str, str]) -> httpx.Response:
        page = browser.get(url).text
        if 'name="csrf_token" value="' not in page:
            return httpx.Response(410)
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        return browser.post(url, data=fields | {"csrf_token": token})

    def notifications(self, reference: str, times: int = 1) -> list[Delivery]:
        deliveries: list[Delivery] = []
        count = 0
        while len(deliveries) < times:
            calls = self.shop.wait_for(count := count + 1)
            about = [call for call in calls if _subject_of(call.json).get("reference") == reference]
            deliveries = [(call.headers, call.body) for call in about]
        return deliveries

    def refund_slowly(self) -> None:
        self._switch(refund_delay=3600)

    def settle_refund(self, reference: str, *, fails: bool) -> None:
        if fails:
            self._control(f"refunds/{reference}/failure")
        else:
            self._control("clock", advance_seconds=3600)

    def refund_of_itself(self, reference: str, cents: int) -> str:
        made = self._control("refunds", checkout=reference, amount_cents=cents)
        return str(made["reference"])

    def dispute(self, reference: str, cents: int) -> str:
        made = self._control("disputes", checkout=reference, amount_cents=cents)
        return str(made["reference"])

    def decide(self, dispute: str, *, won: bool) -> None:
        self._control(f"disputes/{dispute}/outcome", won=won)

    def pay_out(self) -> None:
        self._control("clock", advance_seconds=2 * 86400)

    def fail_payout(self, reference: str) -> None:
        self._control(f"payouts/{reference}/failure")

    def renew_card(self, mandate: str) -> None:
        self._control(f"cards/{mandate}/renewal")

    def remove_card(self, mandate: str) -> None:
        self._control(f"cards/{mandate}/removal")

    def balance(self) -> int:
        headers = {"Authorization": "Bearer sandbox-bank-key"}
        with httpx.Client(trust_env=False) as browser:
            books = browser.get(f"{self.url}/bank/api/ledger", headers=headers).json()
        return int(books["balances"]["merchant"])

    def _switch(self, **values: Any) -> None:
        self._control("switches", **values)

    def _control(self, path: str, **values: Any) -> Any:
        answer = httpx.post(f"{self.url}/controls/{path}", json=values, trust_env=False)
        return answer.raise_for_status().json()

    def fail_next(self) -> None:
        self._switch(bank_failing_calls=1)

    def lose_next(self) -> None:
        self._switch(bank_lost_answers=1)

    def without_signature(self, delivery: Delivery) -> Delivery:
        headers, body = delivery
        return {k: v for k, v in headers.items() if k.lower() != "sandbox-signature"}, body


@dataclass
class StripeUnderTest:
    """The Stripe adapter, against a local Stripe API."""

    account: StripeAccount
    faults: FaultPlan
    notification_url: str = "https://shop.example/notifications/bank"

    def __post_init__(self) -> None:
        client = connect(KEY, base_addresses={"api": self.faults.url})
        self.gateway = StripeGateway(KEY, WEBHOOK_SECRET, client)

    def pay(self, checkout: Checkout, number: str, confirm: bool = True) -> None:
        self.account.pay(checkout.reference, number, confirm)

    def notifications(self, reference: str, times: int = 1) -> list[Delivery]:
        own = reference.rpartition("/")[2]  # of a mandate, the card
        about = [e for e in self.account.events if e["data"]["object"]["id"] == own]
        assert len(about) >= times
        return [sign(event) for event in about]

    def refund_slowly(self) -> None:
        self.account.refunds_slowly = True

    def settle_refund(self, reference: str, *, fails: bool) -> None:
        self.account.settle_refund(reference, "failed" if fails else "succeeded")

    def refund_of_itself(self, reference: str, cents: int) -> str:
        return str(self.account.refund_of_itself(reference, cents)["id"])

    def dispute(self, reference: str, cents: int) -> str:
        return str(self.account.open_dispute(reference, cents)["id"])

    def decide(self, dispute: str, *, won: bool) -> None:
        self.account.decide_dispute(dispute, won)

    def pay_out(self) -> None:
        self.account.pay_out()

    def fail_payout(self, reference: str) -> None:
        self.account.fail_payout(reference)

    def renew_card(self, mandate: str) -> None:
        self.account.renew_card(mandate)

    def remove_card(self, mandate: str) -> None:
        self.account.remove_card(mandate)

    def balance(self) -> int:
        return self.account.balance()

    def fail_next(self) -> None:
        self.faults.answers.append(Reply(500, {"error": {"type": "api_error", "message": "Oh"}}))

    def lose_next(self) -> None:
        self.faults.losing += 1

    def without_signature(self, delivery: Delivery) -> Delivery:
        return {}, delivery[1]


@dataclass
class InProcessBankUnderTest:
    """The in-process bank that other tests use."""

    gateway: Bank = field(default_factory=Bank)
    notification_url: str = "https://shop.example/notifications/bank"

    def pay(self, checkout: Checkout, number: str, confirm: bool = True) -> None:
        if self.gateway.checkouts[checkout.reference].status != CheckoutStatus.OPEN:
            return
        if number.endswith("0002"):
            self.gateway.tell(checkout.reference, CheckoutStatus.DECLINED, "card_declined")
        elif number.endswith("3155") and not confirm:
            self.gateway.tell(checkout.reference, CheckoutStatus.DECLINED, "authentication_failed")
        else:
            self.gateway.tell(checkout.reference, CheckoutStatus.SUCCEEDED, number=number)

    def notifications(self, reference: str, times: int = 1) -> list[Delivery]:
        return [({"X-Signed": "yes"}, reference.encode())] * times

    def refund_slowly(self) -> None:
        self.gateway.refunding = RefundState.PENDING

    def settle_refund(self, reference: str, *, fails: bool) -> None:
        state = RefundState.FAILED if fails else RefundState.SUCCEEDED
        self.gateway.tell_refund(self.gateway.find_refund(reference), state)

    def refund_of_itself(self, reference: str, cents: int) -> str:
        return self.gateway.refund_of_itself(reference, cents).reference

    def dispute(self, reference: str, cents: int) -> str:
        return self.gateway.dispute(
            reference, cents, withdrawn_cents=cents, reason="fraudulent"
        ).reference

    def decide(self, dispute: str, *, won: bool) -> None:
        made = self.gateway.disputes[dispute]
        state = DisputeState.WON if won else DisputeState.LOST
        self.gateway.disputes[dispute] = replace(
            made, state=state, withdrawn_cents=0 if won else made.withdrawn_cents
        )

    def pay_out(self) -> None:
        self.gateway.pay_out()

    def fail_payout(self, reference: str) -> None:
        self.gateway.fail_payout(reference)

    def renew_card(self, mandate: str) -> None:
        card = self.gateway.mandates[mandate]
        self.gateway.mandates[mandate] = replace(card, last4="4343", expiry_year=2037)

    def remove_card(self, mandate: str) -> None:
        self.gateway.forgotten.add(mandate)

    def balance(self) -> int:
        return self.gateway.balance()

    def fail_next(self) -> None:
        self.gateway.failing += 1

    def lose_next(self) -> None:
        self.gateway.losing += 1

    def without_signature(self, delivery: Delivery) -> Delivery:
        return {}, delivery[1]


def _subject_of(message: Any) -> Any:
    """Return what a notification is about; nothing for other messages to the shop."""
    return message.get(str(message.get("type", "")).partition(".")[0], {})


@contextmanager
def serve_sandbox(folder: Path, fresh: Path, shop: ListeningShop) -> Iterator[SandboxBankUnderTest]:
    """Serve the sandbox on a free port, with a database of its own."""
    path = folder / "sandbox.db"
    shutil.copy(fresh, path)
    environment = {"SANDBOX_DATABASE": str(path), "PUBLIC_URL": shop.url, "SANDBOX_LATENCY": "0"}
    with running_sandbox(environment) as url:
        yield SandboxBankUnderTest(url, shop)


@contextmanager
def serve_stripe() -> Iterator[StripeUnderTest]:
    """Serve an empty Stripe account on a free port."""
    with stripe_serving() as (account, faults):
        yield StripeUnderTest(account, faults)


def fresh_sandbox(path: Path) -> Path:
    """Create the database of a new sandbox."""
    from sandbox.database import database

    create_sandbox({"SANDBOX_DATABASE": str(path)})
    database.close_all()
    return path
