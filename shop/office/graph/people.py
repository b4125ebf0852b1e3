"""People: accounts made, changed and deleted in the domain of their group."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from records.languages import Language
from shop.errors import PartyUnavailable
from shop.office.graph.calls import GraphCalls, Refused, part
from shop.office.graph.groups import Groups
from shop.office.graph.memory import ATTRIBUTES, ENDED, MADE_BY, SUSPENDED, Failed, Group, User
from shop.office.protocol import Person

CULTURES: dict[str, str] = {Language.FRENCH: "fr-FR", Language.ENGLISH: "en-GB"}

LONGEST_NAME, LONGEST_DISPLAY_NAME = 64, 256


class People:
    """The accounts of a directory. Methods that act answer the references callers keep, and raise
    `Failed` when they cannot."""

    def __init__(self, calls: GraphCalls, groups: Groups, usage_location: str) -> None:
        self._calls, self._groups = calls, groups
        self._usage_location = usage_location

    def find(self, user: str) -> User | None:
        """The account of an address or a reference."""
        answer = self._calls.find(f"/users/{part(user)}?$select={User.FIELDS}")
        return None if answer is None else User.read(answer)

    # --- Made --------------------------------------------------------------------------------

    def create(self, mark: str, domain: str, person: Person, password: str) -> dict[str, str]:
        """Make a complete account, or finish the one that an earlier call with this mark began."""
        group = self._groups.get(domain)
        _check_address(person, domain)
        user = self.find(person.address) or self._make(mark, group, person, password)
        if user.made_by != mark:
            raise Failed("address_taken", "Somebody else has this address already.")
        return self.finish(user, group)

    def _make(self, mark: str, group: Group, person: Person, password: str) -> User:
        """An account that is not complete: nobody can sign in to it yet."""
        if self._groups.size(group) >= group.seats:
            raise Failed("no_free_seat", "All places of this group are taken.")
        body = {
            **_named(person),
            "accountEnabled": False,
            "usageLocation": self._usage_location,
            "passwordProfile": _profile(password),
            ATTRIBUTES: {MADE_BY: mark},
        }
        try:
            self._calls.call("POST", "/users", body)
        except Refused as refusal:
            # Taken a moment ago, and perhaps by ourselves: whoever looks sees by whom.
            if not refusal.is_taken:
                raise _meant(refusal) from refusal
        user = self.find(person.address)
        if user is None:
            raise PartyUnavailable("the new account cannot be seen everywhere yet")
        return user

    def finish(self, user: User, group: Group | None = None) -> dict[str, str]:
        """Do what is missing to make an account complete; nothing if it is.

        An account that cannot be completed is deleted again, and `Failed` says why.
        """
        if user.is_complete:
            return user.result
        group = group or self._groups.find(user.domain)
        try:
            if group is None or group.state == ENDED:
                raise Failed("unknown_tenant", "There is no group of this domain.")
            self._complete(user, group)
        except Failed:
            self._calls.delete(f"/users/{user.id}")
            raise
        return user.result

    def _complete(self, user: User, group: Group) -> None:
        with _meaning():
            self._groups.add_member(group, user.id)
        self._license(user, group)
        self._let_in(user, group)

    def _let_in(self, user: User, group: Group | None) -> None:
        """Let somebody in as their group stands, now and once they are in: whoever suspends or
        ends it meanwhile may have been past this account already."""
        state = None
        while group is not None and group.state != state:
            state = group.state
            if state == ENDED:
                break
            self._change(user, {"accountEnabled": state != SUSPENDED})
            group = self._groups.find(user.domain)
        if group is None or group.state == ENDED:
            raise Failed("unknown_tenant", "There is no group of this domain.")
        # Only now: whoever is cut off before this looks again when they come back.
        self._change(user, user.marked(user.made_by))

    def _license(self, user: User, group: Group) -> None:
        licence = {"skuId": self._groups.product(group.offer), "disabledPlans": []}
        body = {"addLicenses": [licence], "removeLicenses": []}
        with _meaning():
            self._calls.call("POST", f"/users/{user.id}/assignLicense", body)

    # --- Changed -----------------------------------------------------------------------------

    def update(self, mark: str, domain: str, user: str, person: Person) -> dict[str, str]:
        """Change an account's names and address."""
        found = self._get(domain, user)
        _check_address(person, domain)
        if not found.knows(mark):
            self._change(found, {**_named(person), **found.marked(mark)})
        return found.result

    def set_password(self, mark: str, domain: str, user: str, password: str) -> dict[str, str]:
        """Replace an account's password."""
        found = self._get(domain, user)
        if not found.knows(mark):
            self._change(found, {"passwordProfile": _profile(password), **found.marked(mark)})
        return found.result

    def _get(self, domain: str, user: str) -> User:
        self._groups.get(domain)
        found = self.find(user)
        if found is None or found.domain != domain.lower():
            raise Failed("unknown_user", "There is no such account in this group.")
        return found

    def _change(self, user: User, changes: dict[str, Any]) -> None:
        with _meaning():
            self._calls.call("PATCH", f"/users/{user.id}", changes)

    # --- Deleted -----------------------------------------------------------------------------

    def delete(self, mark: str, domain: str, user: str) -> dict[str, str]:
        """Delete an account; one that is gone already stays gone."""
        self._groups.get(domain)
        found = self.find(user)
        if found is not None and found.domain == domain.lower():
            self._change(found, {"accountEnabled": False, **found.marked(mark, leaving=True)})
            self.leave(found)
        return {"user": user}

    def leave(self, user: User) -> dict[str, str]:
        """Delete an account that remembers that it is to be deleted."""
        self._calls.delete(f"/users/{user.id}")
        return user.result


@contextmanager
def _meaning() -> Iterator[None]:
    """Say in the shop's words what Graph says no to."""
    try:
        yield
    except Refused as refusal:
        raise _meant(refusal) from refusal


def _meant(refusal: Refused) -> Exception:
    if refusal.is_taken:
        return Failed("address_taken", "Somebody else has this address already.")
    if refusal.says("available licenses"):
        return Failed("no_free_seat", "The reseller has no free licence left.")
    if refusal.says("password"):
        return Failed("weak_password", refusal.message)
    if refusal.is_missing or refusal.says("verified domain names"):
        # What was made a moment ago is not everywhere in Microsoft's directory yet.
        return PartyUnavailable(str(refusal))
    return Failed("refused", refusal.message) if refusal.status == 400 else refusal


def _check_address(person: Person, domain: str) -> None:
    login, _, place = person.address.rpartition("@")
    if not login or place.lower() != domain.lower():
        raise Failed("wrong_domain", "The address is not one of this group's domain.")


def _named(person: Person) -> dict[str, Any]:
    """Who an account is for; Microsoft keeps 64 characters of each name."""
    return {
        "displayName": f"{person.first_name} {person.last_name}"[:LONGEST_DISPLAY_NAME],
        "givenName": person.first_name[:LONGEST_NAME],
        "surname": person.last_name[:LONGEST_NAME],
        "userPrincipalName": person.address,
        "mailNickname": person.address.rpartition("@")[0].replace("'", ""),
        "preferredLanguage": CULTURES.get(person.language, person.language),
    }


def _profile(password: str) -> dict[str, Any]:
    # The letter with the password can be read again later, so the password must stay as it is.
    return {"password": password, "forceChangePasswordNextSignIn": False}
