"""The in-process Office provider."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from shop import clock
from shop.errors import PartyRejected, PartyUnavailable
from shop.office.protocol import Holdings, Operation, OperationStatus, Person, SignInsUnknown

MOST_SEATS = {"business": 300, "pro_plus": 10_000_000}

Act = Callable[[], None]


class Refusal(Exception):
    """An operation fails; the argument is its code."""


class Provider:
    """A provider that does every operation at once, by the rules of every provider.

    Attributes change that: ``pending`` keeps operations until `finish`, ``failing`` refuses them
    with ``code``, ``refused_offers`` only groups of those, ``silent`` gives no answer;
    ``failing_calls`` counts the next calls that are not done, ``forgetful`` those done without an
    answer. ``tenants`` are the sizes by domain, ``users`` the passwords by e-mail address,
    ``references`` the users' references, and ``acts`` the acts done, in their order.
    ``sign_ins`` are when users signed in, by reference; None where the provider does not tell.
    """

    def __init__(self) -> None:
        self.operations: dict[str, Operation] = {}
        self.tenants: dict[str, int] = {}
        self.users: dict[str, str] = {}
        self.references: dict[str, str] = {}
        self.calls: list[str] = []
        self.acts: list[str] = []
        self.sign_ins: dict[str, datetime] | None = {}
        self.sign_ins_asked: list[list[str]] = []
        self.pending = False
        self.failing = ""
        self.refused_offers: set[str] = set()
        self.code = ""
        self.silent = False
        self.failing_calls = 0
        self.forgetful = 0
        self._offers: dict[str, str] = {}
        self._suspended: set[str] = set()
        self._later: dict[str, Act] = {}
        self._lock = threading.Lock()
        self._made = 0

    # --- How operations go -----------------------------------------------------------------

    def _do(self, key: str, act: Act, **result: str) -> Operation:
        self._answer()
        with self._lock:
            if key not in self.operations:
                self.calls.append(key)
                self.operations[key] = self._begun(key, act, result)
            if self.forgetful:
                self.forgetful -= 1
                raise PartyUnavailable("the answer was lost")
            return self.operations[key]

    def _answer(self) -> None:
        if self.silent or self.failing_calls:
            self.failing_calls = max(0, self.failing_calls - 1)
            raise PartyUnavailable("the provider is silent")

    def _begun(self, key: str, act: Act, result: dict[str, str]) -> Operation:
        if self.failing:
            return Operation(key, OperationStatus.FAILED, self.failing, {}, self.code)
        operation = Operation(key, OperationStatus.PENDING, "", result)
        if self.pending:
            self._later[key] = act
            return operation
        return self._carried_out(operation, act)

    def _carried_out(self, operation: Operation, act: Act) -> Operation:
        try:
            act()
        except Refusal as refusal:
            code = str(refusal)
            failed = OperationStatus.FAILED
            return Operation(operation.key, failed, f"The provider says {code}.", {}, code)
        return replace(operation, status=OperationStatus.SUCCEEDED)

    def finish(self) -> None:
        """Finish all pending operations, and do the next ones at once."""
        self.pending = False
        for key, act in self._later.items():
            self.operations[key] = self._carried_out(self.operations[key], act)
        self._later.clear()

    def find_operation(self, key: str) -> Operation | None:
        """Return an operation in its current state."""
        self._answer()
        return self.operations.get(key)

    # --- Groups ----------------------------------------------------------------------------

    def create_tenant(self, key: str, domain: str, offer: str, seats: int) -> Operation:
        """Install a group."""
        if offer not in MOST_SEATS:
            raise PartyRejected(f"there is no offer {offer!r}", "invalid")
        if offer in self.refused_offers:
            raise PartyRejected("The domain is taken.")

        def act() -> None:
            if domain in self._offers:
                raise Refusal("domain_taken")
            self._check_size(offer, seats)
            self.tenants[domain], self._offers[domain] = seats, offer

        return self._do(key, act, tenant=domain)

    def _check_size(self, offer: str, seats: int) -> None:
        if seats > MOST_SEATS[offer]:
            raise Refusal("too_many_seats")

    def _check_tenant(self, domain: str) -> None:
        if domain not in self.tenants:
            raise Refusal("unknown_tenant")

    def resize_tenant(self, key: str, domain: str, seats: int) -> Operation:
        """Change the number of a group's places."""

        def act() -> None:
            self._check_tenant(domain)
            self._check_size(self._offers[domain], seats)
            if seats < self._taken(domain):
                raise Refusal("seats_in_use")
            self.tenants[domain] = seats

        return self._do(key, act, tenant=domain)

    def _taken(self, domain: str) -> int:
        return len([address for address in self.users if address.endswith(f"@{domain}")])

    def count_licences(self, domain: str) -> Holdings | None:
        """Return the licences of a group and the people who have one."""
        self._answer()
        if domain not in self.tenants:
            return None
        return Holdings(self.tenants[domain], self._taken(domain))

    def suspend_tenant(self, key: str, domain: str, reason: str) -> Operation:
        """Suspend a group."""

        def act() -> None:
            self._check_tenant(domain)
            self._suspended.add(domain)

        return self._do(key, act, tenant=domain)

    def resume_tenant(self, key: str, domain: str) -> Operation:
        """Resume a group."""

        def act() -> None:
            self._check_tenant(domain)
            self._suspended.discard(domain)

        return self._do(key, act, tenant=domain)

    def delete_tenant(self, key: str, domain: str) -> Operation:
        """Delete a group."""

        def act() -> None:
            if domain not in self._offers:
                raise Refusal("unknown_tenant")
            self.tenants.pop(domain, None)
            for user, address in list(self.references.items()):
                if address.endswith(f"@{domain}"):
                    del self.references[user], self.users[address]

        return self._do(key, act, tenant=domain)

    # --- People ----------------------------------------------------------------------------

    def create_user(self, key: str, domain: str, person: Person, password: str) -> Operation:
        """Create a user."""
        self._made += 1
        user = f"user-{self._made}"

        def act() -> None:
            self._check_tenant(domain)
            self._check_address(domain, person.address)
            if self._taken(domain) >= self.tenants[domain]:
                raise Refusal("no_free_seat")
            self.acts.append(f"create {person.address}")
            self.users[person.address], self.references[user] = password, person.address

        return self._do(key, act, user=user)

    def _check_address(self, domain: str, address: str, own: str = "") -> None:
        login, _, place = address.rpartition("@")
        if not login or place != domain:
            raise Refusal("wrong_domain")
        held = {one.lower() for user, one in self.references.items() if user != own}
        if address.lower() in held:
            raise Refusal("address_taken")

    def _address_of(self, domain: str, user: str) -> str:
        self._check_tenant(domain)
        address = self.references.get(user, "")
        if not address.endswith(f"@{domain}"):
            raise Refusal("unknown_user")
        return address

    def update_user(self, key: str, domain: str, user: str, person: Person) -> Operation:
        """Change a user's names and login."""

        def act() -> None:
            before = self._address_of(domain, user)
            self._check_address(domain, person.address, own=user)
            self.acts.append(f"update {person.address}")
            self.users[person.address] = self.users.pop(before)
            self.references[user] = person.address

        return self._do(key, act, user=user)

    def set_password(self, key: str, domain: str, user: str, password: str) -> Operation:
        """Set a user's password."""

        def act() -> None:
            address = self._address_of(domain, user)
            self.acts.append(f"password {address}")
            self.users[address] = password

        return self._do(key, act, user=user)

    def delete_user(self, key: str, domain: str, user: str) -> Operation:
        """Delete a user."""

        def act() -> None:
            self._check_tenant(domain)
            address = self.references.get(user, "")
            self.acts.append(f"delete {address}")
            if address.endswith(f"@{domain}"):
                del self.references[user], self.users[address]

        return self._do(key, act, user=user)

    def can_sign_in(self, address: str, password: str) -> bool:
        """Return whether a person can sign in with this e-mail address and password."""
        open_ = address.rpartition("@")[2] not in self._suspended
        may = open_ and self.users.get(address) == password
        if may and self.sign_ins is not None:
            self.sign_ins[self.reference_of(address)] = clock.now()
        return may

    def reference_of(self, address: str) -> str:
        """Return the reference of the user with this e-mail address."""
        return next(user for user, one in self.references.items() if one == address)

    def last_sign_ins(self, domain: str, users: Sequence[str]) -> dict[str, datetime | None]:
        """Return when users of a group last signed in."""
        self._answer()
        self.sign_ins_asked.append(list(users))
        if self.sign_ins is None or domain not in self._offers:
            raise SignInsUnknown("The provider does not tell.")
        known = [user for user in users if self.references.get(user, "").endswith(f"@{domain}")]
        return {user: self.sign_ins.get(user) for user in known}
