"""The sandbox Office provider as an `OfficeProvider`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from shop.errors import PartyUnavailable
from shop.office.protocol import (
    Holdings,
    Operation,
    OperationStatus,
    Person,
    SignInsUnknown,
)
from shop.parties.calls import PROVIDER
from shop.sandbox_link.client import TIMEOUT, Refused, SandboxCalls

API = "/office/api"


class SandboxProvider:
    """The sandbox provider at ``url``; ``key`` is its API key."""

    def __init__(self, url: str, key: str, timeout: urllib3.Timeout | float = TIMEOUT) -> None:
        self._calls = SandboxCalls(PROVIDER, url, key, timeout)

    def create_tenant(self, key: str, domain: str, offer: str, seats: int) -> Operation:
        """Install a licence group of ``seats`` places under ``domain``."""
        body = {"domain": domain, "offer": offer, "seats": seats}
        return self._ask(key, "POST", f"{API}/tenants", body)

    def resize_tenant(self, key: str, domain: str, seats: int) -> Operation:
        """Change the number of places of a group."""
        return self._ask(key, "PATCH", _tenant(domain), {"seats": seats})

    def suspend_tenant(self, key: str, domain: str, reason: str) -> Operation:
        """Block the group's users at the portal, showing ``reason``, until it is resumed."""
        return self._ask(key, "PUT", f"{_tenant(domain)}/suspension", {"reason": reason})

    def resume_tenant(self, key: str, domain: str) -> Operation:
        """Unblock the users of a suspended group."""
        return self._ask(key, "DELETE", f"{_tenant(domain)}/suspension")

    def delete_tenant(self, key: str, domain: str) -> Operation:
        """Delete a group and the access of all its users."""
        return self._ask(key, "DELETE", _tenant(domain))

    def create_user(self, key: str, domain: str, person: Person, password: str) -> Operation:
        """Create an account with a licence of the group."""
        body = {**vars(person), "password": password}
        return self._ask(key, "POST", f"{_tenant(domain)}/users", body)

    def update_user(self, key: str, domain: str, user: str, person: Person) -> Operation:
        """Change the name or e-mail address of the account ``user``."""
        return self._ask(key, "PATCH", _user(domain, user), dict(vars(person)))

    def set_password(self, key: str, domain: str, user: str, password: str) -> Operation:
        """Replace an account's password; the old one stops working at once."""
        return self._ask(key, "PUT", f"{_user(domain, user)}/password", {"password": password})

    def delete_user(self, key: str, domain: str, user: str) -> Operation:
        """Delete the account and free its licence."""
        return self._ask(key, "DELETE", _user(domain, user))

    def find_operation(self, key: str) -> Operation | None:
        """Return the current state of the operation with this key; None if the key is unknown."""
        try:
            return self._ask("", "GET", f"{API}/operations?key={quote(key, safe='')}")
        except Refused as refusal:
            if refusal.code == "unknown_operation":
                return None
            raise

    def count_licences(self, domain: str) -> Holdings | None:
        """Return the licences of a group; None if it has none there, or was deleted."""
        try:
            tenant = self._calls.call("GET", _tenant(domain))
        except Refused as refusal:
            if refusal.code == "unknown_tenant":
                return None
            raise
        if tenant.get("status") == "deleted":
            return None
        try:
            return Holdings(licences=int(tenant["seats"]), people=int(tenant["users"]))
        except (KeyError, TypeError, ValueError) as error:
            raise PartyUnavailable("the provider's answer cannot be read") from error

    def last_sign_ins(self, domain: str, users: Sequence[str]) -> dict[str, datetime | None]:
        """Return when accounts of a group last signed in, by reference; None for "never"."""
        asked = urlencode([("user", user) for user in users])
        try:
            answer = self._calls.call("GET", f"{_tenant(domain)}/sign-ins?{asked}")
        except Refused as refusal:
            raise SignInsUnknown(str(refusal)) from refusal
        try:
            return {str(user): _moment(at) for user, at in dict(answer["sign_ins"]).items()}
        except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            raise PartyUnavailable("the provider's answer cannot be read") from error

    def _ask(
        self, key: str, method: str, path: str, body: dict[str, Any] | None = None
    ) -> Operation:
        return _operation(self._calls.call(method, path, body, key))


def _tenant(domain: str) -> str:
    return f"{API}/tenants/{quote(domain, safe='')}"


def _user(domain: str, user: str) -> str:
    return f"{_tenant(domain)}/users/{quote(user, safe='')}"


def _moment(timestamp: Any) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(float(timestamp), UTC)


def _operation(answer: dict[str, Any]) -> Operation:
    try:
        return Operation(
            key=str(answer["key"]),
            status=OperationStatus(answer["status"]),
            reason=str(answer["reason"]),
            result={str(name): str(value) for name, value in dict(answer["result"]).items()},
            code=str(answer["code"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PartyUnavailable("the provider's answer cannot be read") from error
