"""The e-mails about groups of licences that are installed, and about their licences."""

from __future__ import annotations

from datetime import datetime

from peewee import ModelSelect

from records.accounts import Account
from records.groups import Addition, LicenceGroup
from records.imports import SeatImport
from records.letters import LetterKind
from records.seats import Seat
from shop.mail.archive import store_letter
from shop.pricing import periods
from shop.sql.prepared import prepared


def service_installed(group: LicenceGroup) -> None:
    """Announce that the group is installed (guide: an e-mail after the installation)."""
    store_letter(
        group.account, LetterKind.SERVICE_INSTALLED, f"service_installed:{group.id}",
        group=group, licences=_seats_of.count(group),
    )  # fmt: skip


@prepared
def _seats_of(group: LicenceGroup) -> ModelSelect[Seat]:
    return Seat.select().where(Seat.group == group)


def attach_installed(group: LicenceGroup) -> None:
    """Announce that the Office Attach group is installed; its licences are being activated."""
    assert group.installed_at is not None
    store_letter(
        group.account, LetterKind.ATTACH_INSTALLED, f"attach_installed:{group.id}",
        group=group,
        licences=Seat.select().where(Seat.group == group).count(),
        renewal_on=periods.first_period(group.installed_at).end,
    )  # fmt: skip


def licences_added(addition: Addition) -> None:
    """Announce licences added to a group, ready to be configured."""
    store_letter(
        addition.group.account, LetterKind.LICENCES_ADDED, f"licences_added:{addition.id}",
        group=addition.group, licences=addition.line.quantity,
    )  # fmt: skip


def licence_active(
    account: Account, *, group: str, address: str, password: str, portal: str, key: str
) -> None:
    """Send the credentials of a licence (guide: the e-mail contains those for the Office site).

    ``group`` is the group's display name, ``address`` is ``login@<group domain>``, ``portal``
    the URL of the Office portal; ``key`` identifies the activation: one e-mail for each.
    """
    store_letter(
        account, LetterKind.LICENCE_ACTIVE, f"licence_active:{key}", is_secret=True,
        group=group, address=address, password=password, portal=portal,
    )  # fmt: skip


def licence_for_owner(
    account: Account,
    *,
    recipient: str,
    owner: str,
    group: str,
    address: str,
    password: str,
    portal: str,
    key: str,
) -> None:
    """Send the credentials to ``owner``, whose mailbox is ``recipient``; one e-mail per ``key``."""
    store_letter(
        account, LetterKind.LICENCE_FOR_OWNER, f"licence_for_owner:{key}", is_secret=True,
        recipient=recipient, addressee=owner, owner=owner,
        customer=account.company or account.full_name,
        group=group, address=address, password=password, portal=portal,
    )  # fmt: skip


def licence_link(
    account: Account, *, recipient: str, address: str, token: str, until: datetime, key: str
) -> None:
    """Send the link that shows a licence's password once, to a person whose address nobody proved.

    It says nothing that the customer wrote but the login in ``address``. One e-mail per ``key``.
    """
    store_letter(
        account,
        LetterKind.LICENCE_LINK,
        f"licence_link:{key}",
        is_secret=True,
        recipient=recipient,
        nameless=True,
        is_to_stranger=True,
        address=address,
        token=token,
        until=until,
    )


def passwords_ready(made: SeatImport, *, kept: int, sent: int) -> None:
    """Say that the passwords of a file of people, or of a selection, can be downloaded.

    ``kept`` is their number, ``sent`` that of the links sent to the persons.
    """
    store_letter(
        made.group.account, LetterKind.PASSWORDS_READY, f"passwords_ready:{made.id}",
        made=made, group=made.group.display_name, kept=kept, sent=sent,
    )  # fmt: skip


def seat_password_changed(
    account: Account, *, group: str, address: str, password: str, portal: str, key: str
) -> None:
    """Send a licence's new password; ``key`` identifies the change. See `licence_active`."""
    store_letter(
        account, LetterKind.SEAT_PASSWORD_CHANGED, f"seat_password_changed:{key}", is_secret=True,
        group=group, address=address, password=password, portal=portal,
    )  # fmt: skip


def licence_released(account: Account, *, group: str, address: str, key: str) -> None:
    """Report a released licence, paid until the renewal; ``key`` identifies the release."""
    store_letter(
        account, LetterKind.LICENCE_RELEASED, f"licence_released:{key}",
        group=group, address=address,
    )  # fmt: skip
