"""Members of staff, their sessions and invitations, and what they did at the desk."""

from __future__ import annotations

from enum import StrEnum

from peewee import (
    AutoField,
    BigAutoField,
    BigIntegerField,
    CharField,
    Check,
    ForeignKeyField,
    TextField,
)

from records.accounts import Account
from records.base import MomentField, Table, one_of
from records.languages import Language

LONGEST_LOGIN = 26
"""With ``staff:`` before it, a login fits the column that names who did something."""


class Role(StrEnum):
    """What a member of staff may do at the desk (`desk.roles`)."""

    SUPPORT = "support"
    BILLING = "billing"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


class StaffAccount(Table):
    """A member of staff; apart from customers' accounts.

    ``password_hash`` is empty until the member followed the invitation; ``secret`` is that of the
    authenticator application, encrypted, and ``last_step`` the time step of the last code accepted.
    The application is in use since ``authenticator_at``; until then it is being set up.
    """

    id = AutoField()
    login = CharField(max_length=LONGEST_LOGIN, unique=True)
    email = CharField(max_length=254, unique=True)
    role = CharField(max_length=16)
    language = CharField(max_length=2, default=Language.FRENCH)
    password_hash = CharField(max_length=255, default="")
    secret = TextField(default="")
    last_step = BigIntegerField(default=0)
    created_at = MomentField()
    disabled_at = MomentField(null=True)
    authenticator_at = MomentField(null=True)

    class Meta:
        constraints = [
            one_of("role", Role),
            one_of("language", Language),
            Check("login <> ''"),
            Check("last_step >= 0"),
            Check("authenticator_at IS NULL OR secret <> ''"),
        ]

    @property
    def actor(self) -> str:
        """The name under which events record what this member of staff did."""
        return f"staff:{self.login}"

    @property
    def is_invited(self) -> bool:
        """Whether the member has not chosen a password yet."""
        return not self.password_hash


class StaffSession(Table):
    """A session of a browser at the desk."""

    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    staff = ForeignKeyField(StaffAccount, backref="sessions", on_delete="CASCADE")
    created_at = MomentField()
    seen_at = MomentField()
    expires_at = MomentField(index=True)
    ended_at = MomentField(null=True)
    ip_address = CharField(column_name="address", max_length=45)
    browser = CharField(max_length=255, default="")


class StaffSignIn(Table):
    """A sign-in whose password was right, and whose second factor is due; deleted by its use."""

    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    staff = ForeignKeyField(StaffAccount, backref="sign_ins", on_delete="CASCADE")
    expires_at = MomentField(index=True)


class StaffPasskey(Table):
    """A passkey on the device of a member of staff: its public key and its signature counter."""

    id = AutoField()
    staff = ForeignKeyField(StaffAccount, backref="passkeys", on_delete="CASCADE")
    credential_id = CharField(max_length=1400, unique=True)
    user_handle = CharField(max_length=64)
    public_key = TextField()
    sign_count = BigIntegerField(default=0)
    name = CharField(max_length=64)
    created_at = MomentField()
    used_at = MomentField(null=True)

    class Meta:
        constraints = [Check("sign_count >= 0"), Check("name <> ''")]


class StaffInvitation(Table):
    """A link, valid once, by which a member of staff chooses a password and sets up a factor."""

    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    staff = ForeignKeyField(StaffAccount, backref="invitations", on_delete="CASCADE")
    created_at = MomentField()
    expires_at = MomentField()
    used_at = MomentField(null=True)


class StaffAct(Table):
    """An act of a member of staff, with its reason; ``key`` is that of the form that was sent.

    ``account`` is the customer it concerned, if any, and ``subject`` names what it was about.
    """

    id = BigAutoField()
    key = CharField(max_length=64, unique=True)
    by = CharField(max_length=32, index=True)
    kind = CharField(max_length=48)
    account = ForeignKeyField(Account, null=True, backref="staff_acts", on_delete="CASCADE")
    subject = CharField(max_length=64, default="")
    reason = CharField(max_length=255)
    at = MomentField()

    class Meta:
        constraints = [Check("reason <> ''"), Check("kind <> ''")]
