"""User accounts: created, changed and deleted in the domain of their group."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from records.languages import Language
from shop.errors import PartyUnavailable
from shop.office.graph.calls import GraphCalls, Refused, path_segment
from shop.office.graph.groups import Groups
from shop.office.graph.memory import (
    ATTRIBUTES,
    ENDED,
    MADE_BY,
    SUSPENDED,
    Group,
    OperationFailed,
    User,
)
from shop.office.protocol import Person

CULTURES: dict[str, str] = {Language.FRENCH: "fr-FR", Language.ENGLISH: "en-GB"}

LONGEST_NAME, LONGEST_DISPLAY_NAME = 64, 256


class People:
    """The accounts of a directory. Methods that change one return the references that callers
    store, and raise `OperationFailed` if the change is not possible."""

    def __init__(self, calls: GraphCalls, groups: Groups, usage_location: str) -> None:
        self._calls, self._groups = calls, groups
        self._usage_location = usage_location

    def find(self, user: str) -> User | None:
        """Return the account of an e-mail address or a reference, None if there is none."""
        answer = self._calls.find(f"/users/{path_segment(user)}?$select={User.FIELDS}")
        return None if answer is None else User.read(answer)

    # --- Creating----------------------------------------------------------------------------

    def create(self, mark: str, domain: str, person: Person, password: str) -> dict[str, str]:
        """Create an account, or complete one that an earlier call with this mark began."""
        group = self._groups.get(domain)
        _check_address(person, domain)
        user = self.find(person.address) or self._make(mark, group, person, password)
        if user.made_by != mark:
            raise OperationFailed("address_taken", "Somebody else has this address already.")
        return self.finish(user, group)

    def _make(self, mark: str, group: Group, person: Person, password: str) -> User:
        """Create a disabled account, not complete yet, or return the one created meanwhile."""
        if self._groups.size(group) >= group.seats:
            # The last place may be this operation's own: another process may have run it.
            user = self.find(person.address)
            if user is None:
                raise OperationFailed("no_free_seat", "All places of this group are taken.")
            return user
        body = {
            **_name_fields(person),
            "accountEnabled": False,
            "usageLocation": self._usage_location,
            "passwordProfile": _password_profile(password),
            ATTRIBUTES: {MADE_BY: mark},
        }
        try:
            self._calls.call("POST", "/users", body)
        except Refused as refusal:
            # Created since the look-up, perhaps by this operation: `made_by` tells.
            if not refusal.is_taken:
                raise _translate_refusal(refusal) from refusal
        user = self.find(person.address)
        if user is None:
            raise PartyUnavailable("the new account cannot be seen everywhere yet")
        return user

    def finish(self, user: User, group: Group | None = None) -> dict[str, str]:
        """Complete an account; idempotent.

        Delete it and raise `OperationFailed` if it cannot be completed.
        """
        if user.is_complete:
            return user.result
        group = group or self._groups.find(user.domain)
        try:
            if group is None or group.state == ENDED:
                raise OperationFailed("unknown_tenant", "There is no group of this domain.")
            self._complete(user, group)
        except OperationFailed:
            self._calls.delete(f"/users/{user.id}")
            raise
        return user.result

    def _complete(self, user: User, group: Group) -> None:
        with _refusals_translated():
            self._groups.add_member(group, user.id)
        self._license(user, group)
        self._enable(user, group)

    def _enable(self, user: User, group: Group | None) -> None:
        """Enable the account unless its group is suspended, and check the group again afterwards: a
        concurrent suspension or end of the group may have missed this account."""
        state = None
        while group is not None and group.state != state:
            state = group.state
            if state == ENDED:
                break
            self._change(user, {"accountEnabled": state != SUSPENDED})
            group = self._groups.find(user.domain)
        if group is None or group.state == ENDED:
            raise OperationFailed("unknown_tenant", "There is no group of this domain.")
        # The mark last: a call interrupted before this repeats the check when retried.
        self._change(user, user.marked(user.made_by))

    def _license(self, user: User, group: Group) -> None:
        licence = {"skuId": self._groups.product(group.offer), "disabledPlans": []}
        body = {"addLicenses": [licence], "removeLicenses": []}
        with _refusals_translated():
            self._calls.call("POST", f"/users/{user.id}/assignLicense", body)

    # --- Changing ----------------------------------------------------------------------------

    def update(self, mark: str, domain: str, user: str, person: Person) -> dict[str, str]:
        """Change an account's names and e-mail address."""
        found = self._get(domain, user)
        _check_address(person, domain)
        if not found.knows(mark):
            self._change(found, {**_name_fields(person), **found.marked(mark)})
        return found.result

    def set_password(self, mark: str, domain: str, user: str, password: str) -> dict[str, str]:
        """Replace an account's password."""
        found = self._get(domain, user)
        if not found.knows(mark):
            self._change(
                found, {"passwordProfile": _password_profile(password), **found.marked(mark)}
            )
        return found.result

    def _get(self, domain: str, user: str) -> User:
        self._groups.get(domain)
        found = self.find(user)
        if found is None or found.domain != domain.lower():
            raise OperationFailed("unknown_user", "There is no such account in this group.")
        return found

    def _change(self, user: User, changes: dict[str, Any]) -> None:
        with _refusals_translated():
            self._calls.call("PATCH", f"/users/{user.id}", changes)

    # --- Deleting ----------------------------------------------------------------------------

    def delete(self, mark: str, domain: str, user: str) -> dict[str, str]:
        """Delete an account; idempotent."""
        self._groups.get(domain)
        found = self.find(user)
        if found is not None and found.domain == domain.lower():
            self._change(found, {"accountEnabled": False, **found.marked(mark, deleting=True)})
            self.finish_deletion(found)
        return {"user": user}

    def finish_deletion(self, user: User) -> dict[str, str]:
        """Delete an account that is marked for deletion."""
        self._calls.delete(f"/users/{user.id}")
        return user.result


@contextmanager
def _refusals_translated() -> Iterator[None]:
    """Raise Graph's refusals as the shop's errors."""
    try:
        yield
    except Refused as refusal:
        raise _translate_refusal(refusal) from refusal


def _translate_refusal(refusal: Refused) -> Exception:
    if refusal.is_taken:
        return OperationFailed("address_taken", "Somebody else has this address already.")
    if refusal.says("available licenses"):
        return OperationFailed("no_free_seat", "The reseller has no free licence left.")
    if refusal.says("password"):
        return OperationFailed("weak_password", refusal.message)
    if refusal.is_missing or refusal.says("verified domain names"):
        # A new object is not yet replicated everywhere in Microsoft's directory.
        return PartyUnavailable(str(refusal))
    return OperationFailed("refused", refusal.message) if refusal.status == 400 else refusal


def _check_address(person: Person, domain: str) -> None:
    login, _, host = person.address.rpartition("@")
    if not login or host.lower() != domain.lower():
        raise OperationFailed("wrong_domain", "The address is not one of this group's domain.")


def _name_fields(person: Person) -> dict[str, Any]:
    """Return the name attributes of an account; Microsoft keeps 64 characters of each name."""
    return {
        "displayName": f"{person.first_name} {person.last_name}"[:LONGEST_DISPLAY_NAME],
        "givenName": person.first_name[:LONGEST_NAME],
        "surname": person.last_name[:LONGEST_NAME],
        "userPrincipalName": person.address,
        "mailNickname": person.address.rpartition("@")[0].replace("'", ""),
        "preferredLanguage": CULTURES.get(person.language, person.language),
    }


def _password_profile(password: str) -> dict[str, Any]:
    # The e-mail with the password can be read again later, so the password must not change.
    return {"password": password, "forceChangePasswordNextSignIn": False}
