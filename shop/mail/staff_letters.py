"""The e-mails to members of staff about their accounts at the desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from peewee import ModelSelect

from records.letters import StaffLetter, StaffLetterKind
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
class Asked:
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
    staff: StaffAccount, token: str, expires_at: datetime, asked: Asked, *, is_new: bool
) -> None:
    """Send the one-time link by which a member sets up password and second factor.

    ``is_new`` is False where the account had them, and they were reset.
    """
    link = Links(settings.current().public_url, staff.language).staff_invitation(token)
    store_staff_letter(
        staff, StaffLetterKind.STAFF_INVITATION, f"staff_invitation:{encryption.digest(token)}",
        is_secret=True, link=link, expires_at=expires_at, role=ROLE_NAMES[Role(staff.role)],
        is_new=is_new, asked_facts=asked.facts(staff.language),
    )  # fmt: skip


def staff_account_changed(
    staff: StaffAccount, what: str, asked: Asked | None = None, recipient: str = ""
) -> None:
    """Report a change of the account; ``what`` is a ``msgid`` that describes it.

    ``asked`` is None where the member made it, or who claims to be them. It is sent to the
    account's address, or to ``recipient``.
    """
    changed_at = clock.now()
    cause = encryption.digest(f"{what} {recipient}")[:16]
    key = f"staff:{staff.id}:{changed_at.isoformat()}:{cause}"
    store_staff_letter(
        staff, StaffLetterKind.STAFF_ACCOUNT_CHANGED, key, recipient=recipient, what=what,
        changed_at=changed_at,
        role=ROLE_NAMES[Role(staff.role)],
        asked_facts=asked.facts(staff.language) if asked else [],
    )  # fmt: skip


def letters_to_staff(staff: StaffAccount, count: int) -> ModelSelect[StaffLetter]:
    """Return the latest e-mails to a member of staff, newest first."""
    own = StaffLetter.staff == staff
    return StaffLetter.select().where(own).order_by(StaffLetter.id.desc()).limit(count)
