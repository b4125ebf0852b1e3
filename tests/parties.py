"""A bank and an Office provider in the test's own process: they do what the test tells them.

They stand behind the very interfaces of the sandbox and of the real parties, whose agreement with
them `tests/contract` proves.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from dataclasses import replace

from shop.errors import PartyRejected, PartyUnavailable
from shop.payment.gateway import (
    ChargeRequest,
    Checkout,
    CheckoutRequest,
    CheckoutStatus,
    Mandate,
    Notification,
    Refund,
)
from shop.provisioning.provider import Operation, OperationStatus, Person

CARD = Mandate("mandate-1", "visa", "4242", 12, 2030)


class Bank:
    """Keeps its checkouts and refunds; `silent` makes it answer nothing for a while."""

    def __init__(self) -> None:
        self.checkouts: dict[str, Checkout] = {}
        self.requests: dict[str, CheckoutRequest] = {}
        self.refunds: dict[str, Refund] = {}
        self.silent = False
        self._references: dict[str, str] = {}
        self._lock = threading.Lock()
        self._count = itertools.count(1)

    def _answer(self) -> None:
        if self.silent:
            raise PartyUnavailable("the bank is silent")

    def start_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a checkout, the same for the same key."""
        self._answer()
        with self._lock:
            if request.key not in self._references:
                reference = f"checkout-{next(self._count)}"
                self._references[request.key] = reference
                self.requests[reference] = request
                self.checkouts[reference] = Checkout(
                    reference,
                    CheckoutStatus.OPEN,
                    request.amount_cents,
                    request.currency,
                    url=f"https://bank.example/pay/{reference}",
                )
            return self.checkouts[self._references[request.key]]

    def find_checkout(self, reference: str) -> Checkout:
        """How a checkout stands."""
        self._answer()
        return self.checkouts[reference]

    def close_checkout(self, reference: str) -> Checkout:
        """Close an open checkout."""
        self._answer()
        if self.checkouts[reference].status == CheckoutStatus.OPEN:
            self.tell(reference, CheckoutStatus.CLOSED)
        return self.checkouts[reference]

    def charge(self, request: ChargeRequest) -> Checkout:
        """Charge a stored card."""
        self._answer()
        reference = self._references.setdefault(request.key, f"charge-{next(self._count)}")
        return self.checkouts.setdefault(
            reference,
            Checkout(reference, CheckoutStatus.SUCCEEDED, request.amount_cents, request.currency),
        )

    def refund(self, reference: str, amount_cents: int, key: str) -> Refund:
        """Give money back, once a key."""
        self._answer()
        refund = Refund(f"refund-{len(self.refunds) + 1}", amount_cents)
        return self.refunds.setdefault(key, refund)

    def forget_mandate(self, mandate: str) -> None:
        """Forget a card."""
        self._answer()

    def read_notification(self, headers: Mapping[str, str], body: bytes) -> Notification | None:
        """Notifications of this bank are the name of a checkout; signed by saying so."""
        if headers.get("X-Signed") != "yes":
            raise PartyRejected("not signed")
        return Notification("changed", self.checkouts[body.decode()])

    def tell(self, reference: str, status: CheckoutStatus, reason: str = "") -> Checkout:
        """Let a checkout come to an end, or be confirmed."""
        mandate = CARD if self.requests[reference].store_card else None
        self.checkouts[reference] = replace(
            self.checkouts[reference], status=status, reason=reason, mandate=mandate
        )
        return self.checkouts[reference]


class Provider:
    """Does at once what it is asked; `pending`, `failing` and `silent` change its ways."""

    def __init__(self) -> None:
        self.operations: dict[str, Operation] = {}
        self.tenants: dict[str, int] = {}
        self.users: dict[str, str] = {}
        self.calls: list[str] = []
        self.pending = False
        self.failing = ""
        self.silent = False
        self._lock = threading.Lock()

    def _do(self, key: str, **result: str) -> Operation:
        if self.silent:
            raise PartyUnavailable("the provider is silent")
        with self._lock:
            if key not in self.operations:
                self.calls.append(key)
                status = OperationStatus.SUCCEEDED
                if self.failing:
                    status = OperationStatus.FAILED
                elif self.pending:
                    status = OperationStatus.PENDING
                self.operations[key] = Operation(key, status, self.failing, result)
            return self.operations[key]

    def finish(self) -> None:
        """Let everything pending succeed, and nothing be pending any more."""
        self.pending = False
        for key, operation in self.operations.items():
            if operation.status == OperationStatus.PENDING:
                self.operations[key] = replace(operation, status=OperationStatus.SUCCEEDED)

    def create_tenant(self, key: str, domain: str, offer: str, seats: int) -> Operation:
        """Install a group."""
        operation = self._do(key, tenant=domain)
        if operation.status != OperationStatus.FAILED:
            self.tenants[domain] = seats
        return operation

    def resize_tenant(self, key: str, domain: str, seats: int) -> Operation:
        """Change a group's places."""
        self.tenants[domain] = seats
        return self._do(key)

    def suspend_tenant(self, key: str, domain: str, reason: str) -> Operation:
        """Suspend a group."""
        return self._do(key)

    def resume_tenant(self, key: str, domain: str) -> Operation:
        """Resume a group."""
        return self._do(key)

    def delete_tenant(self, key: str, domain: str) -> Operation:
        """End a group."""
        self.tenants.pop(domain, None)
        return self._do(key)

    def create_user(self, key: str, domain: str, person: Person, password: str) -> Operation:
        """Make an account."""
        self.users[person.address] = password
        return self._do(key, user=f"user-{person.address}")

    def update_user(self, key: str, domain: str, user: str, person: Person) -> Operation:
        """Change an account."""
        return self._do(key)

    def set_password(self, key: str, domain: str, user: str, password: str) -> Operation:
        """Set a password."""
        return self._do(key)

    def delete_user(self, key: str, domain: str, user: str) -> Operation:
        """End an account."""
        return self._do(key)

    def find_operation(self, key: str) -> Operation | None:
        """How an operation stands."""
        if self.silent:
            raise PartyUnavailable("the provider is silent")
        return self.operations.get(key)
