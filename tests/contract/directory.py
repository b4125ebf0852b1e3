"""A fake Microsoft directory as a reseller sees it: domains, groups, users, licences.

Written from Graph's API reference: required properties, errors and their messages.
"""

from __future__ import annotations

import itertools
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]

ROOT = "o365.example"
SKUS = {"O365_BUSINESS": str(uuid.uuid4()), "OFFICESUBSCRIPTION": str(uuid.uuid4())}

MAX_LENGTHS = {
    "description": 1024,
    "displayName": 256,
    "employeeId": 16,
    "givenName": 64,
    "mailNickname": 64,
    "surname": 64,
}
USER_FIELDS = {
    "accountEnabled", "displayName", "employeeId", "givenName", "mailNickname",
    "onPremisesExtensionAttributes", "passwordProfile", "preferredLanguage", "surname",
    "usageLocation", "userPrincipalName",
}  # fmt: skip
GROUP_FIELDS = {"description", "displayName", "mailEnabled", "mailNickname", "securityEnabled"}
REQUIRED = {"accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"}


class GraphError(Exception):
    """An error response of Graph."""

    def __init__(
        self, status: int, message: str, code: str = "Request_BadRequest", **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"code": code, "message": message, "innerError": {"date": "now"}, **more}


def not_found(what: str) -> GraphError:
    """Make Graph's error for an object that does not exist."""
    return GraphError(
        404,
        f"Resource '{what}' does not exist or one of its queried reference-property objects are "
        "not present.",
        "Request_ResourceNotFound",
    )


def conflict(property_: str) -> GraphError:
    """Make Graph's error for a value that another object has."""
    return GraphError(
        400,
        f"Another object with the same value for property {property_} already exists.",
        details=[{"code": "ObjectConflict", "target": property_}],
    )


@dataclass
class Directory:
    """The objects of one tenant.

    ``stock`` counts the licences that the reseller has bought. Only a premium directory tells when
    users signed in. While ``index_lags``, searches find
    nothing; the users whose addresses are in ``unreplicated`` exist but cannot be read yet.
    """

    domains: dict[str, Object] = field(default_factory=lambda: {ROOT: _domain(ROOT, True)})
    groups: dict[str, Object] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    users: dict[str, Object] = field(default_factory=dict)
    deleted: dict[str, Object] = field(default_factory=dict)
    stock: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SKUS, 1000))
    index_lags: bool = False
    is_premium: bool = True
    unreplicated: set[str] = field(default_factory=set)
    page: int = 2
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    def _new_id(self) -> str:
        return str(uuid.UUID(int=next(self._ids)))

    # --- Domains ---------------------------------------------------------------------------

    def add_domain(self, name: str) -> Object:
        if name in self.domains:
            raise conflict("id")
        parents = [".".join(name.split(".")[n:]) for n in range(1, name.count(".") + 1)]
        verified = any(self.domains.get(parent, {}).get("isVerified") for parent in parents)
        self.domains[name] = _domain(name, verified)
        return self.domains[name]

    def domain(self, name: str) -> Object:
        if name not in self.domains:
            raise not_found(name)
        return self.domains[name]

    # --- Groups ----------------------------------------------------------------------------

    def group(self, key: str) -> Object:
        """Return a group by its id or its unique name (``uniqueName='…'``)."""
        named = re.fullmatch(r"uniqueName='(.+)'", key)
        for group in self.groups.values():
            if group["id"] == key or (named and group["uniqueName"] == named[1]):
                return group
        raise not_found(key)

    def upsert_group(self, name: str, body: Object, create: bool) -> Object | None:
        """Change the group with this unique name, or create and return it."""
        _check(body, GROUP_FIELDS)
        try:
            self.group(f"uniqueName='{name}'").update(body)
        except GraphError:
            if not create:
                raise
            return self._add_group(name, body)
        return None

    def _add_group(self, name: str, body: Object) -> Object:
        required = {"displayName", "mailEnabled", "mailNickname", "securityEnabled"}
        if not required <= body.keys() or body["mailEnabled"] or not body["securityEnabled"]:
            raise GraphError(400, "A value is required for a property.")
        group = {"id": self._new_id(), "uniqueName": name, "description": None, **body}
        self.groups[group["id"]], self.members[group["id"]] = group, []
        return group

    def add_member(self, key: str, user: str) -> None:
        group = self.group(key)
        self.user(user)
        if user in self.members[group["id"]]:
            raise GraphError(
                400,
                "One or more added object references already exist for the following modified "
                "properties: 'members'.",
            )
        self.members[group["id"]].append(user)

    # --- Users -----------------------------------------------------------------------------

    def user(self, key: str) -> Object:
        """Return a user by id or address, once replicated."""
        if key in self.unreplicated:
            raise not_found(key)
        for user in self.users.values():
            if user["id"] == key or user["userPrincipalName"].lower() == key.lower():
                return user
        raise not_found(key)

    def add_user(self, body: Object) -> Object:
        _check(body, USER_FIELDS)
        if not body.keys() >= REQUIRED:
            raise GraphError(400, "A value is required for a property.")
        self._check_user(body)
        user = {
            "id": self._new_id(),
            "employeeId": None,
            "usageLocation": None,
            "assignedLicenses": [],
            **body,
            "onPremisesExtensionAttributes": _attributes(body, {}),
        }
        self.users[user["id"]] = user
        return user

    def change_user(self, key: str, body: Object) -> None:
        _check(body, USER_FIELDS)
        user = self.user(key)
        self._check_user(body, user["id"])
        attributes = _attributes(body, user["onPremisesExtensionAttributes"])
        user.update(body)
        user["onPremisesExtensionAttributes"] = attributes

    def _check_user(self, body: Object, own: str = "") -> None:
        address = body.get("userPrincipalName", f"x@{ROOT}")
        login, _, domain = address.rpartition("@")
        if not re.fullmatch(r"[A-Za-z0-9'._!#^~-]{1,64}", login):
            raise GraphError(400, "Property userPrincipalName is invalid.")
        if not self.domains.get(domain.lower(), {}).get("isVerified"):
            raise GraphError(
                400,
                "The domain portion of the userPrincipalName property is invalid. You must use one "
                "of the verified domain names in your organization.",
            )
        for user in self.users.values():
            if user["userPrincipalName"].lower() == address.lower() and user["id"] != own:
                raise conflict("userPrincipalName")
        if "passwordProfile" in body:
            _check_password(body["passwordProfile"]["password"])

    def assign(self, key: str, body: Object) -> Object:
        """Assign licences to a user."""
        user = self.user(key)
        if not user["usageLocation"]:
            raise GraphError(
                400, "License assignment cannot be done for user with invalid usage location."
            )
        for licence in body["addLicenses"]:
            held = [one["skuId"] for one in user["assignedLicenses"]]
            name = next(name for name, sku in SKUS.items() if sku == licence["skuId"])
            if licence["skuId"] not in held:
                if self.used(name) >= self.stock.get(name, 0):
                    raise GraphError(
                        400,
                        f"Subscription with SKU {licence['skuId']} does not have any available "
                        "licenses.",
                    )
                user["assignedLicenses"].append(licence)
        return user

    def used(self, name: str) -> int:
        """Count the users who have a product's licence."""
        held = [one["skuId"] for user in self.users.values() for one in user["assignedLicenses"]]
        return held.count(SKUS[name])

    def delete_user(self, key: str) -> None:
        user = self.user(key)
        del self.users[user["id"]]
        self.deleted[user["id"]] = user
        for members in self.members.values():
            if user["id"] in members:
                members.remove(user["id"])

    # --- What users see --------------------------------------------------------------------

    def can_sign_in(self, address: str, password: str) -> bool:
        """Say whether a user can sign in to Office with this address and password."""
        try:
            user = self.user(address)
        except GraphError:
            return False
        matches = user["passwordProfile"]["password"] == password
        may = bool(matches and user["accountEnabled"] and user["assignedLicenses"])
        if may:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            user["signInActivity"] = {
                "lastSignInDateTime": now,
                "lastSignInRequestId": str(uuid.uuid4()),
                "lastNonInteractiveSignInDateTime": None,
            }
        return may

    def skus(self) -> list[Object]:
        """Return the products that the reseller has bought."""
        return [
            {
                "skuId": SKUS[name],
                "skuPartNumber": name,
                "prepaidUnits": {"enabled": bought},
                "consumedUnits": self.used(name),
            }
            for name, bought in self.stock.items()
        ]


def _domain(name: str, verified: bool) -> Object:
    return {"id": name, "isVerified": verified, "isRoot": name == ROOT}


def _check(body: Object, known: set[str]) -> None:
    for name, value in body.items():
        if name not in known:
            raise GraphError(400, f"Property '{name}' does not exist as a declared property.")
        if isinstance(value, str) and len(value) > MAX_LENGTHS.get(name, 10_000):
            raise GraphError(400, f"Invalid value specified for property '{name}'.")
    nickname = body.get("mailNickname", "x")
    if not re.fullmatch(r"[^@()\\\[\]\";:<>, ']+", nickname) or not nickname.isascii():
        raise GraphError(400, "Property mailNickname is invalid.")


def _attributes(body: Object, before: Object) -> Object:
    given = body.get("onPremisesExtensionAttributes", {})
    for name, value in given.items():
        if not re.fullmatch(r"extensionAttribute([1-9]|1[0-5])", name) or len(value or "") > 1024:
            raise GraphError(400, f"Invalid value specified for property '{name}'.")
    return before | given


def _check_password(password: str) -> None:
    kinds = [str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum()]
    present = sum(any(kind(letter) for letter in password) for kind in kinds)
    if not 8 <= len(password) <= 256 or present < 3:
        raise GraphError(
            400,
            "The specified password does not comply with password complexity requirements. Please "
            "provide a different password.",
        )
