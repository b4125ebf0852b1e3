"""The record of what members of staff did: with a reason, and once for each form sent."""

from __future__ import annotations

from peewee import ModelSelect

from records.accounts import Account
from records.staff import StaffAct
from shop import clock
from shop.errors import N_, Refusal

LONGEST_REASON = 255


def record_act(
    key: str, *, by: str, kind: str, reason: str, account: Account | None = None, subject: str = ""
) -> bool:
    """Record an act in the caller's transaction; return False if this form was sent before.

    Raise `Refusal` without a reason.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise Refusal(N_("Give the reason."), "reason")
    values = {
        "key": key[:64], "by": by, "kind": kind, "reason": reason[:LONGEST_REASON],
        "account": account, "subject": subject[:64], "at": clock.now(),
    }  # fmt: skip
    return bool(StaffAct.insert(**values).on_conflict_ignore().as_rowcount().execute())


def is_recorded(key: str) -> bool:
    """Return whether the act of a form is on record."""
    return StaffAct.select().where(StaffAct.key == key[:64]).exists()


def latest_acts(by: str, count: int) -> ModelSelect[StaffAct]:
    """Return the latest acts of one member of staff, newest first."""
    return StaffAct.select().where(StaffAct.by == by).order_by(StaffAct.id.desc()).limit(count)
