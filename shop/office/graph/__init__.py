"""Microsoft Graph as an `OfficeProvider`: every group lives in the reseller's own directory.

Graph makes no tenants and sells nothing: a reseller who wants a tenant for each customer orders
them from the Partner Center by contract. What Graph does allow, with licences the reseller has
bought, is this:

========================  ========================================================================
here                      in the reseller's directory
========================  ========================================================================
a group                   a verified subdomain, and a security group that bears its name
the number of places      written in the group's description; counted by its members
a person                  a user of that subdomain, member of that group, with the licence assigned
suspended                 the accounts of all members are disabled
ended                     the members are deleted; the group stays, so that its name is not reused
========================  ========================================================================

**Once for each key.** Graph knows no idempotency keys. Each object remembers the marks of the last
operations done on it (`memory`), written in the same call as what they did; so nothing else has to
be kept, and a process that starts again finds its way. What one call cannot do at once
(`people.create`) is finished by whoever asks next. An operation that failed left nothing behind
and is not remembered: asked again, it is tried again. A deletion is remembered for the 30 days for
which Microsoft keeps the deleted account.

**To set up.** The application needs the permissions Domain.ReadWrite.All, Group.ReadWrite.All,
User.ReadWrite.All, User-PasswordProfile.ReadWrite.All and LicenseAssignment.Read.All. The domain of
``OFFICE_DOMAIN`` must be verified in the directory: subdomains then are without asking. A directory
holds 5,000 domains, those of ended groups included; they may be removed after 30 days.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shop.errors import PartyUnavailable
from shop.office.graph.calls import URL, GraphCalls, connect
from shop.office.graph.groups import Groups
from shop.office.graph.memory import Act, Failed, mark_of
from shop.office.graph.people import People
from shop.office.graph.search import find_operation
from shop.office.graph.tokens import AUTHORITY, Tokens
from shop.office.protocol import Operation, OperationStatus, Person


class GraphProvider:
    """The directory ``tenant_id``, for the application ``client_id``.

    ``usage_location`` is the country (ISO 3166) in which Microsoft licenses users; ``authority``
    and ``url`` are those of Microsoft's cloud; ``ca`` is a file of certificates to trust
    instead of the machine's.
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
        http = connect(ca)
        tokens = Tokens(http, f"{authority}/{tenant_id}", client_id, client_secret, url)
        self._calls = GraphCalls(http, url, tokens)
        self._groups = Groups(self._calls)
        self._people = People(self._calls, self._groups, usage_location)

    def create_tenant(self, key: str, domain: str, offer: str, seats: int) -> Operation:
        """Add the domain, and a security group for its people."""
        return _done(key, lambda: self._groups.create(mark_of(key), domain, offer, seats))

    def resize_tenant(self, key: str, domain: str, seats: int) -> Operation:
        """Write another number of places on the group."""
        return _done(key, lambda: self._groups.resize(mark_of(key), domain, seats))

    def suspend_tenant(self, key: str, domain: str, reason: str) -> Operation:
        """Disable the accounts of the group; the ``reason`` stays with the shop."""
        return _done(key, lambda: self._groups.suspend(mark_of(key), domain))

    def resume_tenant(self, key: str, domain: str) -> Operation:
        """Enable the accounts of the group."""
        return _done(key, lambda: self._groups.resume(mark_of(key), domain))

    def delete_tenant(self, key: str, domain: str) -> Operation:
        """Delete the accounts of the group and close it for good."""
        return _done(key, lambda: self._groups.end(mark_of(key), domain))

    def create_user(self, key: str, domain: str, person: Person, password: str) -> Operation:
        """Make an account, put it in the group, license it, and only then enable it."""
        return _done(key, lambda: self._people.create(mark_of(key), domain, person, password))

    def update_user(self, key: str, domain: str, user: str, person: Person) -> Operation:
        """Change the name or address of the account ``user``."""
        return _done(key, lambda: self._people.update(mark_of(key), domain, user, person))

    def set_password(self, key: str, domain: str, user: str, password: str) -> Operation:
        """Replace an account's password; Microsoft ends the sessions that the old one opened."""
        return _done(key, lambda: self._people.set_password(mark_of(key), domain, user, password))

    def delete_user(self, key: str, domain: str, user: str) -> Operation:
        """Delete the account, which frees its licence."""
        return _done(key, lambda: self._people.delete(mark_of(key), domain, user))

    def find_operation(self, key: str) -> Operation | None:
        """The operation of this key, if an object remembers it; one cut short is finished first."""
        with _readable():
            found = find_operation(self._calls, self._people, mark_of(key))
        return None if found is None else _done(key, found)


def _done(key: str, act: Act) -> Operation:
    """Act at once; the operation that says how it went."""
    try:
        with _readable():
            return Operation(key, OperationStatus.SUCCEEDED, result=act())
    except Failed as failed:
        return Operation(key, OperationStatus.FAILED, reason=str(failed), code=failed.code)


@contextmanager
def _readable() -> Iterator[None]:
    """An answer that makes no sense counts as none."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PartyUnavailable("Graph's answer cannot be read") from error
