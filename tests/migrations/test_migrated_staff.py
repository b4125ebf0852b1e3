"""Members of staff from before passkeys keep their application, and those invited have none."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta

from playhouse.migrations import Runner

from models import StaffAccount, StaffInvitation, StaffPasskey, StaffSignIn
from shop import database

THEN = datetime(2026, 1, 15, 9, 30)


def test_whoever_set_up_an_account_has_an_application(new_database: Callable[[str], str]) -> None:
    with closing(database.open_database(new_database("staff"))) as opened:
        runner = Runner(opened, str(database.MIGRATIONS))
        runner.up("0121_payouts")
        old = next(one for one in runner.migrations() if one.name == "0093_staff").load()
        tables = [old.StaffAccount, old.StaffSession, old.StaffInvitation]
        with opened.bind_ctx([old.Account, *tables]):
            for number, password_hash in enumerate(("joined", "again", "demo", ""), 1):
                old.StaffAccount.create(
                    login=f"member{number}", email=f"{number}@nuage.example", role="support",
                    language="fr", password_hash=password_hash, secret="sealed", last_step=number,
                    created_at=THEN,
                )  # fmt: skip
            for number, days in ((1, 1), (2, 1), (2, 5), (4, None)):
                old.StaffInvitation.create(
                    token_digest=f"{number} {days}", staff=number, created_at=THEN,
                    expires_at=THEN, used_at=days and THEN + timedelta(days=days),
                )  # fmt: skip
        runner.up()
        with opened.bind_ctx([StaffAccount, StaffInvitation, StaffPasskey, StaffSignIn]):
            since = {row.login: row.authenticator_at for row in StaffAccount.select()}
            found = {name: at and (at.replace(tzinfo=None) - THEN).days for name, at in since.items()}
            assert found == {"member1": 1, "member2": 5, "member3": 0, "member4": None}
            StaffAccount.update(authenticator_at=None).where(StaffAccount.id == 1).execute()
            runner.down("0122_staff_passkeys")
            old_rows = opened.execute_sql(
                "SELECT login, password_hash, last_step FROM staff_account ORDER BY id"
            ).fetchall()
    assert [tuple(row) for row in old_rows] == [
        ("member1", "", 0), ("member2", "again", 2), ("member3", "demo", 3), ("member4", "", 0)
    ]  # fmt: skip
