"""What an application may do in a directory, and what the directory has: for ``flask doctor``."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from shop.office.graph.calls import GraphCalls, path_segment
from shop.office.graph.groups import PRODUCTS
from shop.parsing.numbers_and_json import read_json

PERMISSIONS = {
    "Domain.ReadWrite.All", "Group.ReadWrite.All", "User.ReadWrite.All",
    "User-PasswordProfile.ReadWrite.All", "LicenseAssignment.Read.All",
}  # fmt: skip


def permissions_missing(token: str) -> list[str]:
    """Return the permissions that an access token lacks, in order."""
    return sorted(PERMISSIONS - set(_claims(token).get("roles") or []))


def _claims(token: str) -> dict[str, Any]:
    """Return the claims of a token, whose signature is Graph's affair; none if it has none."""
    try:
        payload = token.split(".")[1]
        found = read_json(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def is_verified(calls: GraphCalls, domain: str) -> bool:
    """Return whether ``domain`` is a verified domain of the directory."""
    found = calls.find(f"/domains/{path_segment(domain)}")
    return bool(found and found["isVerified"])


def licences_left(calls: GraphCalls) -> Iterator[tuple[str, int]]:
    """Yield the product code of each offer with the number of licences that nobody has yet."""
    fields = "skuPartNumber,prepaidUnits,consumedUnits"
    owned = {sku["skuPartNumber"]: sku for sku in calls.pages(f"/subscribedSkus?$select={fields}")}
    for product in PRODUCTS.values():
        sku = owned.get(product)
        bought = int(sku["prepaidUnits"]["enabled"]) if sku else 0
        yield product, bought - int(sku["consumedUnits"] if sku else 0)
