"""Microsoft Graph as an `OfficeProvider`: all groups are in the reseller's own directory.

Graph cannot create tenants or sell licences: separate tenants for customers are ordered in the
Partner Center, which requires a reseller contract. With licences that the reseller has bought,
Graph allows this mapping:

========================  ========================================================================
shop                      reseller's directory
========================  ========================================================================
a group                   a verified subdomain and a security group of the same name
the number of places      stored in the group's description; used: the count of members
a user                    a user of that subdomain, member of the group, with the licence assigned
suspended                 the accounts of all members are disabled
ended                     the members are deleted; the group is kept, so its name is not reused
========================  ========================================================================

**Idempotency.** Graph has no idempotency keys. Each directory object stores marks of the last
operations on it (`memory`), written in the same call as the change, so no other state is needed
and a restarted process can continue. An operation of several calls (`people.create`) that was
interrupted is completed by the next call with its key. A failed operation leaves no change and no
mark: called again, it is tried again. The mark of a deletion is available for the 30 days for
which Microsoft keeps the deleted account.

**Set-up.** The application needs the permissions Domain.ReadWrite.All, Group.ReadWrite.All,
User.ReadWrite.All, User-PasswordProfile.ReadWrite.All and LicenseAssignment.Read.All. With
AuditLog.Read.All, and a premium licence of the directory (Entra ID P1), the shop learns which
people never sign in; without them that stays unknown. The domain
``OFFICE_DOMAIN`` must be verified in the directory; its subdomains are then verified
automatically. A directory holds 5,000 domains, including those of ended groups, which may be
removed after 30 days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from shop.errors import PartyUnavailable
from shop.office.graph import examination, sign_ins
from shop.office.graph.calls import URL, GraphCalls, make_http_client
from shop.office.graph.groups import Groups
from shop.office.graph.memory import Action, OperationFailed, mark_of
from shop.office.graph.people import People
from shop.office.graph.search import find_operation
from shop.office.graph.tokens import AUTHORITY, Tokens
from shop.office.protocol import Operation, OperationStatus, Person


class GraphProvider:
    """The directory ``tenant_id``, accessed as the application ``client_id``.

    ``usage_location`` is the country (ISO 3166) in which Microsoft licenses users; ``authority``
    and ``url`` default to Microsoft's public cloud; ``ca`` is a file of CA certificates to trust
    instead of the system's.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        client_secret: str,
        *,
        usage_location: str = "FR",
        authority: str = AUTHORITY,
        url: str = URL,
        ca: str = "",
    ) -> None:
        http = make_http_client(ca)
        tokens = Tokens(http, f"{authority}/{tenant_id}", client_id, client_secret, url)
        self._tokens = tokens
        self._calls = GraphCalls(http, url, tokens)
        self._groups = Groups(self._calls)
        self._people = People(self._calls, self._groups, usage_location)

    def permissions_missing(self) -> list[str]:
        """Return the permissions that the application lacks."""
        return examination.permissions_missing(self._tokens.get())

    def why_sign_ins_are_unknown(self) -> str:
        """Return why Microsoft does not tell when people signed in; "" if it does."""
        return sign_ins.refusal(self._calls)

    def is_verified(self, domain: str) -> bool:
        """Return whether ``domain`` is a verified domain of the directory."""
        return examination.is_verified(self._calls, domain)

    def licences_left(self) -> dict[str, int]:
        """Return the number of unassigned licences by product code."""
        return dict(examination.licences_left(self._calls))

    def create_tenant(self, key: str, domain: str, offer: str, seats: int) -> Operation:
        """Add the domain and a security group for its users."""
        return _run(key, lambda: self._groups.create(mark_of(key), domain, offer, seats))

    def resize_tenant(self, key: str, domain: str, seats: int) -> Operation:
        """Change the number of places stored in the group."""
        return _run(key, lambda: self._groups.resize(mark_of(key), domain, seats))

    def suspend_tenant(self, key: str, domain: str, reason: str) -> Operation:
        """Disable the accounts of the group; ``reason`` is not sent to Graph."""
        return _run(key, lambda: self._groups.suspend(mark_of(key), domain))

    def resume_tenant(self, key: str, domain: str) -> Operation:
        """Enable the accounts of the group."""
        return _run(key, lambda: self._groups.resume(mark_of(key), domain))

    def delete_tenant(self, key: str, domain: str) -> Operation:
        """Delete the accounts of the group and mark it as ended."""
        return _run(key, lambda: self._groups.end(mark_of(key), domain))

    def create_user(self, key: str, domain: str, person: Person, password: str) -> Operation:
        """Create an account, add it to the group, assign a licence, and only then enable it."""
        return _run(key, lambda: self._people.create(mark_of(key), domain, person, password))

    def update_user(self, key: str, domain: str, user: str, person: Person) -> Operation:
        """Change the name or e-mail address of the account ``user``."""
        return _run(key, lambda: self._people.update(mark_of(key), domain, user, person))

    def set_password(self, key: str, domain: str, user: str, password: str) -> Operation:
        """Replace an account's password; Microsoft ends the sessions opened with the old one."""
        return _run(key, lambda: self._people.set_password(mark_of(key), domain, user, password))

    def delete_user(self, key: str, domain: str, user: str) -> Operation:
        """Delete the account, which frees its licence."""
        return _run(key, lambda: self._people.delete(mark_of(key), domain, user))

    def last_sign_ins(self, domain: str, users: Sequence[str]) -> dict[str, datetime | None]:
        """Return when accounts of a group last signed in, by reference; None for "never"."""
        with _unreadable_as_unavailable():
            return sign_ins.last_sign_ins(self._calls, domain, users)

    def find_operation(self, key: str) -> Operation | None:
        """Return the operation of this key, completed if it was interrupted; None if unknown."""
        with _unreadable_as_unavailable():
            found = find_operation(self._calls, self._people, mark_of(key))
        return None if found is None else _run(key, found)


def _run(key: str, action: Action) -> Operation:
    """Run an action at once; return a succeeded or failed operation."""
    try:
        with _unreadable_as_unavailable():
            return Operation(key, OperationStatus.SUCCEEDED, result=action())
    except OperationFailed as failed:
        return Operation(key, OperationStatus.FAILED, reason=str(failed), code=failed.code)


@contextmanager
def _unreadable_as_unavailable() -> Iterator[None]:
    """Raise `PartyUnavailable` for an answer that cannot be read."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PartyUnavailable("Graph's answer cannot be read") from error
