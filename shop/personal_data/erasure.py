"""Erase an account: the customer's right (GDPR, article 17), and the end of retention."""

from __future__ import annotations

from records.accounts import Account
from records.base import database, lock
from shop.errors import N_, Refusal
from shop.personal_data import blanking, closing
from shop.staff import acts


def erase(account: Account, reason: str, *, by: str, key: str = "") -> bool:
    """Close an account, and delete what tells who its customer is; return False if that was done.

    What the law has us keep stays (`shop.personal_data.KEPT`). ``key`` is that of the form by which
    a member of staff asked for it: their act is recorded with it. Raise `Refusal` without a reason,
    and `closing.CannotClose` while services run or money is owed.
    """
    if not reason.strip():
        raise Refusal(N_("Give the reason."), "reason")
    if not Account.select().where(Account.id == account.id, Account.erased_at.is_null()).exists():
        return False
    closing.close_account(account, by=by, reason=reason, tell=False)
    with database.atomic():
        found: Account = lock(account)
        if found.erased_at is not None:
            return False
        # Of an account that was closed before, a dispute may have been opened since.
        closing.check_obstacles(found)
        if key:
            acts.record_act(
                key, by=by, kind=blanking.ERASED, reason=reason, account=found,
                subject=found.nic_handle,
            )  # fmt: skip
        blanking.blank_account(found)
        closing.record_event(found, "account_erased", by=by, note=reason)
    return True
