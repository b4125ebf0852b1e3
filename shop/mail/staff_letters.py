"""The e-mails to members of staff about their accounts at the desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import ModelSelect, fn

from records.letters import LetterStatus, StaffLetter, StaffLetterKind
from records.staff import Role, StaffAccount
from shop import clock, settings
from shop.errors import N_
from shop.mail.archive import store_staff_letter
from shop.mail.links import Links
from shop.security import encryption
from shop.text.templates import translate

ROLE_NAMES = {
    Role.SUPPORT: N_("Support"),
    Role.BILLING: N_("Billing"),
    Role.ADMINISTRATOR: N_("Administrator"),
    Role.AUDITOR: N_("Auditor"),
}
"""What the roles are called (``msgid``)."""


@dataclass(frozen=True)
class ChangedBy:
    """Who changed the account of another member, and why; ``by`` is as events name it."""

    by: str = "operator"
    reason: str = ""

    def facts(self, language: str) -> list[tuple[str, str]]:
        """Return who changed it, and why if that is known, with their labels."""
        by = self.by.removeprefix("staff:")
        name = translate(N_("the operator"), language) if by == "operator" else by
        facts = [(translate(N_("Changed by"), language), name)]
        return [*facts, (translate(N_("Reason"), language), self.reason)] if self.reason else facts


def staff_invitation(
    staff: StaffAccount, token: str, expires_at: datetime, changed_by: ChangedBy, *, is_new: bool
) -> None:
    """Send the one-time link by which a member sets up password and second factor.

    ``is_new`` is False where the account had them, and they were reset.
    """
    link = Links(settings.current().public_url, staff.language).staff_invitation(token)
    store_staff_letter(
        staff, StaffLetterKind.STAFF_INVITATION, f"staff_invitation:{encryption.digest(token)}",
        is_secret=True, link=link, expires_at=expires_at, role=ROLE_NAMES[Role(staff.role)],
        is_new=is_new, changed_facts=changed_by.facts(staff.language),
    )  # fmt: skip


def staff_account_changed(
    staff: StaffAccount, what: str, changed_by: ChangedBy | None = None, recipient: str = ""
) -> None:
    """Report a change of the account; ``what`` is a ``msgid`` that describes it.

    ``changed_by`` is None where the member made it, or who claims to be them. It is sent to the
    account's address, or to ``recipient``.
    """
    changed_at = clock.now()
    cause = encryption.digest(f"{what} {recipient}")[:16]
    key = f"staff:{staff.id}:{changed_at.isoformat()}:{cause}"
    store_staff_letter(
        staff, StaffLetterKind.STAFF_ACCOUNT_CHANGED, key, recipient=recipient, what=what,
        changed_at=changed_at,
        role=ROLE_NAMES[Role(staff.role)],
        changed_facts=changed_by.facts(staff.language) if changed_by else [],
    )  # fmt: skip


def unsent_to_staff() -> ModelSelect[StaffLetter]:
    """Return the query for the e-mails that could not be sent to members who lack them.

    Others are those to a former address or a disabled account, and invitations that were followed
    all the same, or that a newer one voids.
    """
    is_invitation = StaffLetter.kind == StaffLetterKind.STAFF_INVITATION
    awaits_member = (StaffAccount.password_hash == "") & (StaffLetter.id == _last_invitation())
    return (
        StaffLetter.select()
        .join(StaffAccount)
        .where(
            StaffLetter.status == LetterStatus.FAILED,
            StaffLetter.recipient == StaffAccount.email,
            StaffAccount.disabled_at.is_null(),
            ~is_invitation | awaits_member,
        )
    )


def _last_invitation() -> Any:
    """Return the number of the last e-mail that invites a letter's member, as a column."""
    other: Any = StaffLetter.alias()
    of_member = (other.staff == StaffLetter.staff) & (
        other.kind == StaffLetterKind.STAFF_INVITATION
    )
    return other.select(fn.MAX(other.id)).where(of_member)


def find_letter_to_staff(number: int) -> StaffLetter | None:
    """Return the e-mail to a member of staff with this id, with the member, or None."""
    found = StaffLetter.select(StaffLetter, StaffAccount).join(StaffAccount)
    return found.where(StaffLetter.id == number).first()


def letters_to_staff(staff: StaffAccount, count: int) -> ModelSelect[StaffLetter]:
    """Return the latest e-mails to a member of staff, newest first."""
    own = StaffLetter.staff == staff
    return StaffLetter.select().where(own).order_by(StaffLetter.id.desc()).limit(count)
