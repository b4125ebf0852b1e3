"""Licence groups: subdomains of the reseller's, and security groups that bear their names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shop.errors import PartyRejected
from shop.office.graph.calls import EVENTUAL, GraphCalls, Refused, part, text
from shop.office.graph.memory import ACTIVE, ENDED, SUSPENDED, Failed, Group, mark_of

PRODUCTS = {"business": "O365_BUSINESS", "pro_plus": "OFFICESUBSCRIPTION"}
"""Microsoft's names of what the offers sell: Microsoft 365 Apps for business, for enterprise."""

MOST_SEATS = {"business": 300}

FIELDS = "id,description"


class Groups:
    """The licence groups of a directory. Methods that act answer the references callers keep, and
    raise `Failed` when they cannot."""

    def __init__(self, calls: GraphCalls) -> None:
        self._calls = calls
        self._products: dict[str, str] = {}

    # --- Asked -------------------------------------------------------------------------------

    def find(self, domain: str) -> Group | None:
        """The group of ``domain``, ended or not."""
        answer = self._calls.find(f"{_named(domain)}?$select={FIELDS}")
        return None if answer is None else Group.read(answer)

    def get(self, domain: str) -> Group:
        """The group of ``domain`` that has not ended. Raises `Failed` if there is none."""
        group = self.find(domain)
        if group is None or group.state == ENDED:
            raise Failed("unknown_tenant", "There is no group of this domain.")
        return group

    def size(self, group: Group) -> int:
        """How many accounts the group has; may lag some seconds behind."""
        return int(self._calls.call("GET", f"/groups/{group.id}/members/$count", **EVENTUAL))

    def product(self, offer: str) -> str:
        """Microsoft's reference of the licence an offer sells. Raises `Failed` without any."""
        if offer not in self._products:
            skus = self._calls.pages("/subscribedSkus?$select=skuId,skuPartNumber")
            owned = {str(sku["skuPartNumber"]): str(sku["skuId"]) for sku in skus}
            self._products = {
                name: owned[number] for name, number in PRODUCTS.items() if number in owned
            }
        if offer not in self._products:
            raise Failed("no_free_seat", f"The reseller has no licences {PRODUCTS[offer]}.")
        return self._products[offer]

    # --- Done --------------------------------------------------------------------------------

    def create(self, mark: str, domain: str, offer: str, seats: int) -> dict[str, str]:
        """Add the domain and its group."""
        if offer not in PRODUCTS:
            raise PartyRejected(f"there is no offer {offer!r}", "invalid")
        known = self.find(domain)
        if known is not None:
            return _same(known, mark)
        _check_size(offer, seats)
        self.product(offer)
        self._add_domain(domain)
        group = self._add_group(domain, Group("", offer, seats, ACTIVE, (mark,)))
        return _same(group, mark)

    def _add_domain(self, domain: str) -> None:
        known = self._calls.find(f"/domains/{part(domain)}")
        if known is None:
            known = self._calls.call("POST", "/domains", {"id": domain})
        if not known.get("isVerified"):
            parent = domain.partition(".")[2]
            raise Failed("unverified_domain", f"{parent} is not verified in the directory.")

    def _add_group(self, domain: str, wanted: Group) -> Group:
        """The group that has the name after this, whoever was first to give it."""
        body = {
            "displayName": domain,
            "description": wanted.description(),
            "mailNickname": f"o365-{mark_of(domain)}",
            "mailEnabled": False,
            "securityEnabled": True,
        }
        self._calls.call("PATCH", _named(domain), body, Prefer="create-if-missing")
        return self.get(domain)

    def resize(self, mark: str, domain: str, seats: int) -> dict[str, str]:
        """Change the number of places, which never falls below that of the accounts."""
        group = self.get(domain)
        if mark not in group.marks:
            _check_size(group.offer, seats)
            if seats < self.size(group):
                raise Failed("seats_in_use", "More places are taken than would be left.")
            self._write(group.marked(mark, seats=seats))
        return group.result

    def suspend(self, mark: str, domain: str) -> dict[str, str]:
        """Disable every account; those made from now on stay disabled too."""
        return self._let_in(mark, domain, SUSPENDED)

    def resume(self, mark: str, domain: str) -> dict[str, str]:
        """Enable every account."""
        return self._let_in(mark, domain, ACTIVE)

    def _let_in(self, mark: str, domain: str, state: str) -> dict[str, str]:
        group = self.get(domain)
        if mark not in group.marks:
            # The state first, so that an account made meanwhile follows it; the mark last.
            self._write(replace(group, state=state))
            self._for_members(group, "PATCH", {"accountEnabled": state == ACTIVE})
            self._write(group.marked(mark, state=state))
        return group.result

    def end(self, mark: str, domain: str) -> dict[str, str]:
        """Delete every account; the group stays as a sign that its name was used."""
        group = self.find(domain)
        if group is None:
            raise Failed("unknown_tenant", "There is no group of this domain.")
        if mark not in group.marks:
            self._write(replace(group, state=ENDED))
            self._for_members(group, "DELETE")
            self._write(group.marked(mark, state=ENDED))
        return group.result

    def _for_members(self, group: Group, method: str, body: Any = None) -> None:
        members = list(self._calls.pages(f"/groups/{group.id}/members?$select=id&$top=999"))
        asked = {"method": method} | ({"body": body, "headers": JSON} if body else {})
        for _ in self._calls.batch({"url": f"/users/{one['id']}", **asked} for one in members):
            pass

    def _write(self, group: Group) -> None:
        self._calls.call("PATCH", f"/groups/{group.id}", {"description": group.description()})

    def add_member(self, group: Group, user: str) -> None:
        """Put an account in the group, unless it is there."""
        reference = {"@odata.id": self._calls.link(f"/directoryObjects/{user}")}
        try:
            self._calls.call("POST", f"/groups/{group.id}/members/$ref", reference)
        except Refused as refusal:
            if not refusal.is_taken:
                raise


JSON = {"Content-Type": "application/json"}


def _named(domain: str) -> str:
    return f"/groups(uniqueName={text(domain.lower())})"


def _check_size(offer: str, seats: int) -> None:
    most = MOST_SEATS.get(offer)
    if most is not None and seats > most:
        raise Failed("too_many_seats", f"A group of this offer has {most} places at most.")


def _same(group: Group, mark: str) -> dict[str, str]:
    if mark not in group.marks:
        raise Failed("domain_taken", "This domain belongs to a group already.")
    return group.result
