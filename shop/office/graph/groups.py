"""Licence groups: subdomains of the reseller's domain, and security groups of the same names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shop.errors import PartyRejected
from shop.office.graph.calls import (
    EVENTUAL_CONSISTENCY,
    GraphCalls,
    Refused,
    odata_string,
    path_segment,
)
from shop.office.graph.memory import ACTIVE, ENDED, SUSPENDED, Group, OperationFailed, mark_of

PRODUCTS = {"business": "O365_BUSINESS", "pro_plus": "OFFICESUBSCRIPTION"}
"""Microsoft's product codes of the offers: Microsoft 365 Apps for business, for enterprise."""

MAX_SEATS = {"business": 300}

FIELDS = "id,description"


class Groups:
    """The licence groups of a directory. Methods that change one return the references that callers
    store, and raise `OperationFailed` if the change is not possible."""

    def __init__(self, calls: GraphCalls) -> None:
        self._calls = calls
        self._products: dict[str, str] = {}

    # --- Reading -----------------------------------------------------------------------------

    def find(self, domain: str) -> Group | None:
        """Return the group of ``domain``, ended or not; None if there is none."""
        answer = self._calls.find(f"{_group_path(domain)}?$select={FIELDS}")
        return None if answer is None else Group.read(answer)

    def get(self, domain: str) -> Group:
        """Return the current group of ``domain``. Raise `OperationFailed` if there is none."""
        group = self.find(domain)
        if group is None or group.state == ENDED:
            raise OperationFailed("unknown_tenant", "There is no group of this domain.")
        return group

    def size(self, group: Group) -> int:
        """Return the number of accounts in the group; may be some seconds old."""
        return int(
            self._calls.call("GET", f"/groups/{group.id}/members/$count", **EVENTUAL_CONSISTENCY)
        )

    def product(self, offer: str) -> str:
        """Return Microsoft's SKU id of an offer. Raise `OperationFailed` if there is none."""
        if offer not in self._products:
            skus = self._calls.pages("/subscribedSkus?$select=skuId,skuPartNumber")
            owned = {str(sku["skuPartNumber"]): str(sku["skuId"]) for sku in skus}
            self._products = {
                name: owned[number] for name, number in PRODUCTS.items() if number in owned
            }
        if offer not in self._products:
            raise OperationFailed(
                "no_free_seat", f"The reseller has no licences {PRODUCTS[offer]}."
            )
        return self._products[offer]

    # --- Changing----------------------------------------------------------------------------

    def create(self, mark: str, domain: str, offer: str, seats: int) -> dict[str, str]:
        """Add the domain and its group."""
        if offer not in PRODUCTS:
            raise PartyRejected(f"there is no offer {offer!r}", "invalid")
        known = self.find(domain)
        if known is not None:
            return _created_group(known, mark)
        _check_size(offer, seats)
        self.product(offer)
        self._add_domain(domain)
        group = self._add_group(domain, Group("", offer, seats, ACTIVE, (mark,)))
        return _created_group(group, mark)

    def _add_domain(self, domain: str) -> None:
        known = self._calls.find(f"/domains/{path_segment(domain)}")
        if known is None:
            known = self._calls.call("POST", "/domains", {"id": domain})
        if not known.get("isVerified"):
            parent = domain.partition(".")[2]
            raise OperationFailed(
                "unverified_domain", f"{parent} is not verified in the directory."
            )

    def _add_group(self, domain: str, wanted: Group) -> Group:
        """Create the group, or return the one that another process has just created."""
        body = {
            "displayName": domain,
            "description": wanted.description(),
            "mailNickname": f"o365-{mark_of(domain)}",
            "mailEnabled": False,
            "securityEnabled": True,
        }
        self._calls.call("PATCH", _group_path(domain), body, Prefer="create-if-missing")
        return self.get(domain)

    def resize(self, mark: str, domain: str, seats: int) -> dict[str, str]:
        """Change the number of places, at least the number of accounts."""
        group = self.get(domain)
        if mark not in group.marks:
            _check_size(group.offer, seats)
            if seats < self.size(group):
                raise OperationFailed("seats_in_use", "More places are taken than would be left.")
            self._write(group.marked(mark, seats=seats))
        return group.result

    def suspend(self, mark: str, domain: str) -> dict[str, str]:
        """Disable all accounts; those created later stay disabled too."""
        return self._set_state(mark, domain, SUSPENDED)

    def resume(self, mark: str, domain: str) -> dict[str, str]:
        """Enable all accounts."""
        return self._set_state(mark, domain, ACTIVE)

    def _set_state(self, mark: str, domain: str, state: str) -> dict[str, str]:
        group = self.get(domain)
        if mark not in group.marks:
            # State first, so that an account created concurrently follows it; the mark last.
            self._write(replace(group, state=state))
            self._for_members(group, "PATCH", {"accountEnabled": state == ACTIVE})
            self._write(group.marked(mark, state=state))
        return group.result

    def end(self, mark: str, domain: str) -> dict[str, str]:
        """Delete all accounts; the group is kept so that its name is not reused."""
        group = self.find(domain)
        if group is None:
            raise OperationFailed("unknown_tenant", "There is no group of this domain.")
        if mark not in group.marks:
            self._write(replace(group, state=ENDED))
            self._for_members(group, "DELETE")
            self._write(group.marked(mark, state=ENDED))
        return group.result

    def _for_members(self, group: Group, method: str, body: Any = None) -> None:
        members = list(self._calls.pages(f"/groups/{group.id}/members?$select=id&$top=999"))
        asked = {"method": method} | ({"body": body, "headers": JSON_HEADERS} if body else {})
        for _ in self._calls.batch({"url": f"/users/{one['id']}", **asked} for one in members):
            pass

    def _write(self, group: Group) -> None:
        self._calls.call("PATCH", f"/groups/{group.id}", {"description": group.description()})

    def add_member(self, group: Group, user: str) -> None:
        """Add an account to the group; idempotent."""
        reference = {"@odata.id": self._calls.link(f"/directoryObjects/{user}")}
        try:
            self._calls.call("POST", f"/groups/{group.id}/members/$ref", reference)
        except Refused as refusal:
            if not refusal.is_taken:
                raise


JSON_HEADERS = {"Content-Type": "application/json"}


def _group_path(domain: str) -> str:
    return f"/groups(uniqueName={odata_string(domain.lower())})"


def _check_size(offer: str, seats: int) -> None:
    most = MAX_SEATS.get(offer)
    if most is not None and seats > most:
        raise OperationFailed("too_many_seats", f"A group of this offer has {most} places at most.")


def _created_group(group: Group, mark: str) -> dict[str, str]:
    if mark not in group.marks:
        raise OperationFailed("domain_taken", "This domain belongs to a group already.")
    return group.result
