"""What causes the e-mails to members of staff."""

from __future__ import annotations

from models import Role, StaffAccount
from shop.mail.staff_letters import ChangedBy
from shop.staff import accounts

BY_DOMINIQUE = ChangedBy("staff:dominique", "A telephone was lost")


def staff_invitation(member: StaffAccount) -> None:
    """An administrator resets password and second factors."""
    accounts.reset(member, BY_DOMINIQUE)


def staff_account_changed(member: StaffAccount) -> None:
    """An administrator gives another role."""
    accounts.set_role(member, Role.AUDITOR, BY_DOMINIQUE)
