"""Accounts of members of staff: invited, given a role, disabled, invited again."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from itertools import count

import structlog
from peewee import IntegrityError, ModelSelect

from records.base import database, lock
from records.languages import Language
from records.staff import (
    LONGEST_LOGIN,
    Role,
    StaffAccount,
    StaffInvitation,
    StaffPasskey,
    StaffSession,
    StaffSignIn,
)
from shop import clock, mail
from shop.customers import activity_log, passwords, viewings
from shop.errors import N_, Conflict, Refusal
from shop.mail.staff_letters import ChangedBy
from shop.security import encryption, one_time_codes
from shop.security.passkeys import Ceremony
from shop.staff import passkeys, sessions
from shop.text.email_addresses import normalized
from shop.text.folding import fold

log = structlog.get_logger()

INVITATION_LENGTH = timedelta(days=3)

OPERATOR = ChangedBy()
"""Who makes changes by commands."""


def add(
    email: str, role: Role, language: str = Language.FRENCH, changed_by: ChangedBy = OPERATOR
) -> tuple[StaffAccount, str]:
    """Create an account; return it and the token of its invitation, which is e-mailed, too.

    Raise `Conflict` if the address has an account, `Refusal` if it is no e-mail address.
    """
    email = _read_email(email)
    with database.atomic():
        staff = _create(email, role, language)
        _log("added", staff, role=role)
        return staff, _invite(staff, changed_by, is_new=True)


def _create(email: str, role: Role, language: str) -> StaffAccount:
    """Create an account under the local part of its address, with a number if others have it."""
    plain = re.sub(r"[^a-z0-9]+", ".", fold(email.partition("@")[0])).strip(".") or "staff"
    for login in (_numbered(plain, number) for number in count(1)):
        if StaffAccount.get_or_none(StaffAccount.email == email) is not None:
            raise _taken()
        created = StaffAccount.insert(
            login=login, email=email, role=role, language=language, created_at=clock.now()
        )
        if created.on_conflict_ignore().as_rowcount().execute():
            break
    return StaffAccount.get(StaffAccount.email == email)


def _read_email(typed: str) -> str:
    email = normalized(typed)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email) or len(email) > 254:
        raise Refusal(N_("This is not an email address."), "email")
    return email


def _taken() -> Conflict:
    return Conflict(N_("A member of staff has this email address."), "email")


def _numbered(plain: str, number: int) -> str:
    ending = "" if number == 1 else str(number)
    return plain[: LONGEST_LOGIN - len(ending)] + ending


def everyone() -> ModelSelect[StaffAccount]:
    """Return all members of staff, by login."""
    return StaffAccount.select().order_by(StaffAccount.login)


def find_member(name: str) -> StaffAccount | None:
    """Return the member of staff with a login or an e-mail address, or None."""
    name = normalized(name)
    return StaffAccount.get_or_none((StaffAccount.login == name) | (StaffAccount.email == name))


def _log(kind: str, staff: StaffAccount, **more: object) -> None:
    log.info("staff_changed", kind=kind, staff=staff.id, **more)


# --- Invitations -----------------------------------------------------------------------------


def _invite(staff: StaffAccount, changed_by: ChangedBy, *, is_new: bool) -> str:
    """Void what let this member sign in; return the token of a new invitation, and e-mail it."""
    now, token = clock.now(), secrets.token_urlsafe(32)
    expires_at = now + INVITATION_LENGTH
    _end_sessions(staff)
    StaffInvitation.update(used_at=now).where(
        StaffInvitation.staff == staff, StaffInvitation.used_at.is_null()
    ).execute()
    StaffPasskey.delete().where(StaffPasskey.staff == staff).execute()
    sealed = encryption.seal(one_time_codes.new_secret())
    StaffAccount.update(password_hash="", secret=sealed, last_step=0, authenticator_at=None).where(
        StaffAccount.id == staff.id
    ).execute()
    StaffInvitation.create(
        token_digest=encryption.digest(token), staff=staff, created_at=now, expires_at=expires_at,
    )  # fmt: skip
    mail.staff_invitation(staff, token, expires_at, changed_by, is_new=is_new)
    return token


def find_invitation(token: str) -> StaffInvitation | None:
    """Return the valid invitation of a token with its member of staff, or None."""
    return (
        StaffInvitation.select(StaffInvitation, StaffAccount)
        .join(StaffAccount)
        .where(
            StaffInvitation.token_digest == encryption.digest(token),
            StaffInvitation.used_at.is_null(),
            StaffInvitation.expires_at > clock.now(),
            StaffAccount.disabled_at.is_null(),
        )
        .first()
    )


def secret_of(staff: StaffAccount) -> str:
    """Return the secret for the authenticator application, in base 32."""
    return encryption.unseal(staff.secret)


def check_password(invitation: StaffInvitation, password: str, confirmation: str) -> None:
    """Raise `Refusal`, at its field, for a password that the member cannot have."""
    staff = invitation.staff
    passwords.check_password(password, confirmation, [staff.login, staff.email])


def accept(invitation: StaffInvitation, password: str, confirmation: str, code: str) -> bool:
    """Choose a password, and prove that the application is set up by its code.

    Return False if the invitation was used already. Raise `Refusal` at the field it concerns.
    """
    check_password(invitation, password, confirmation)
    step = one_time_codes.step_of(secret_of(invitation.staff), code)
    if step is None:
        raise one_time_codes.wrong()
    hashed = passwords.hash_password(password)
    with database.atomic():
        return _join(invitation, password_hash=hashed, last_step=step, authenticator_at=clock.now())


def _purpose(invitation: StaffInvitation) -> str:
    return f"invitation of staff {invitation.id}"


def begin_passkey(invitation: StaffInvitation, base_url: str) -> Ceremony:
    """Return the options to create the first passkey of the member invited."""
    return passkeys.begin_registration(invitation.staff, base_url, _purpose(invitation))


def accept_by_passkey(
    invitation: StaffInvitation, password: str, name: str, answer: tuple[str, str], base_url: str
) -> bool:
    """Choose a password (see `check_password`), with a passkey of that name as second factor.

    ``answer`` is the device's response and its challenge. Return False if the invitation was used
    already. Raise `PasskeyRefused`. The secret for an application, which the pages of the
    invitation show, is void.
    """
    made = passkeys.verify_registration(*answer, base_url, _purpose(invitation))
    hashed = passwords.hash_password(password)
    with database.atomic():
        if not _join(invitation, password_hash=hashed, secret=""):
            return False
        passkeys.store_passkey(invitation.staff, name, made)
    return True


def _join(invitation: StaffInvitation, **values: object) -> bool:
    """Use up the invitation, and set up the account; return False if it was used already."""
    staff, now = lock(invitation.staff), clock.now()
    unused = (StaffInvitation.id == invitation.id) & StaffInvitation.used_at.is_null()
    if not StaffInvitation.update(used_at=now).where(unused).execute():
        return False
    StaffAccount.update(**values).where(StaffAccount.id == staff.id).execute()
    mail.staff_account_changed(staff, N_("The account was set up by the link of the invitation"))
    _log("joined", staff)
    return True


# --- Changes ---------------------------------------------------------------------------------


def set_role(staff: StaffAccount, role: Role, changed_by: ChangedBy = OPERATOR) -> None:
    """Give a member another role, and end their viewings of customer areas.

    Raise `Conflict` for the last administrator.
    """
    with database.atomic():
        staff = _unless_last_administrator(staff, stays=role == Role.ADMINISTRATOR)
        viewings.end_all_by(staff.actor)
        StaffAccount.update(role=role).where(StaffAccount.id == staff.id).execute()
        if staff.role != role:
            staff.role = role
            mail.staff_account_changed(staff, N_("Your role was changed"), changed_by)
        _log("role", staff, role=role)


def set_email(staff: StaffAccount, typed: str, changed_by: ChangedBy = OPERATOR) -> None:
    """Give a member another e-mail address, and tell both; the login stays.

    Who has not set the account up is invited there: whoever has the former mailbox, which may be a
    stranger's, cannot do it any more. Raise as `add` does.
    """
    email = _read_email(typed)
    with database.atomic():
        row = lock(staff)
        before, row.email = row.email, email
        _take_email(row)
        for address in (before, email):
            mail.staff_account_changed(
                row, N_("Your email address was changed"), changed_by, address
            )
        if row.is_invited:
            _invite(row, changed_by, is_new=True)
        _log("email", row)


def _take_email(staff: StaffAccount) -> None:
    """Store the e-mail address; raise `Conflict` if another member has it, or takes it now."""
    try:
        with database.atomic():
            staff.save()
    except IntegrityError as error:
        raise _taken() from error


def set_language(staff: StaffAccount, language: str) -> None:
    """Change the language in which a member sees the desk."""
    StaffAccount.update(language=language).where(StaffAccount.id == staff.id).execute()


def lock_unchanged(staff: StaffAccount) -> StaffAccount:
    """Lock the member's row; raise `Conflict` if they were reset or disabled since it was read."""
    row: StaffAccount = lock(staff)
    if row.password_hash != staff.password_hash or row.disabled_at is not None:
        raise Conflict(N_("Your account was changed meanwhile. Log in again."))
    return row


def change_password(session: StaffSession, password: str, confirmation: str) -> None:
    """Give the member of a session another password, and end their other sessions.

    Raise `Refusal` at the field it concerns, `Conflict` like `lock_unchanged`.
    """
    staff = session.staff
    passwords.check_password(password, confirmation, [staff.login, staff.email])
    hashed = passwords.hash_password(password)
    with database.atomic():
        row = lock_unchanged(staff)
        # That of an application whose set-up was not finished was shown to someone.
        secret = row.secret if row.authenticator_at is not None else ""
        StaffAccount.update(password_hash=hashed, secret=secret).where(
            StaffAccount.id == row.id
        ).execute()
        StaffSignIn.delete().where(StaffSignIn.staff == row).execute()
        sessions.end_others(session)
        mail.staff_account_changed(row, activity_log.DESCRIPTIONS["password_changed"])
        _log("password", row)


def disable(staff: StaffAccount, changed_by: ChangedBy = OPERATOR) -> None:
    """Keep a member from signing in; end their sessions and viewings.

    Raise `Conflict` like `set_role`.
    """
    with database.atomic():
        staff = _unless_last_administrator(staff, stays=False)
        _end_sessions(staff)
        if _set_disabled(staff, clock.now(), N_("Your account was disabled"), changed_by):
            _log("disabled", staff)


def enable(staff: StaffAccount, changed_by: ChangedBy = OPERATOR) -> bool:
    """Let a disabled member sign in again; return False if they were not disabled."""
    with database.atomic():
        changed = _set_disabled(staff, None, N_("Your account was enabled again"), changed_by)
        if changed:
            _log("enabled", staff)
        return changed


def _set_disabled(
    staff: StaffAccount, at: datetime | None, what: str, changed_by: ChangedBy
) -> bool:
    """Disable or enable an account, and tell its member; return False if it is so already."""
    is_other = StaffAccount.disabled_at.is_null(at is not None)
    update = StaffAccount.update(disabled_at=at).where(StaffAccount.id == staff.id, is_other)
    changed = bool(update.execute())
    if changed:
        mail.staff_account_changed(staff, what, changed_by)
    return changed


def reset(staff: StaffAccount, changed_by: ChangedBy = OPERATOR) -> str:
    """Void password and factors, end sessions and viewings.

    Return the token of an invitation, which is e-mailed, too.
    """
    with database.atomic():
        _log("reset", staff)
        row = lock(staff)
        return _invite(row, changed_by, is_new=row.is_invited)


def _unless_last_administrator(staff: StaffAccount, *, stays: bool) -> StaffAccount:
    """Lock the administrators' rows; raise `Conflict` if ``staff`` is the last and would go.

    Who is invited may never join: they replace nobody who has.
    """
    for row in StaffAccount.select(StaffAccount.id).order_by(StaffAccount.id):
        lock(row)
    staff = StaffAccount.get_by_id(staff.id)
    others = StaffAccount.select().where(
        StaffAccount.role == Role.ADMINISTRATOR,
        StaffAccount.disabled_at.is_null(),
        StaffAccount.id != staff.id,
    )
    if not staff.is_invited:
        others = others.where(StaffAccount.password_hash != "")
    if not stays and staff.role == Role.ADMINISTRATOR and not others.exists():
        raise Conflict(N_("This is the last administrator: make somebody else one first."), "role")
    return staff


def end_all_sessions() -> int:
    """End every session at the desk; return their number.

    Sign-ins begun and invitations are void.
    """
    now = clock.now()
    StaffSignIn.delete().execute()
    StaffInvitation.update(used_at=now).where(StaffInvitation.used_at.is_null()).execute()
    running = StaffSession.ended_at.is_null()
    return int(StaffSession.update(ended_at=now).where(running).execute())


def _end_sessions(staff: StaffAccount) -> None:
    """End the sessions at the desk, those about to begin, and what is seen as a customer does."""
    viewings.end_all_by(staff.actor)
    StaffSignIn.delete().where(StaffSignIn.staff == staff).execute()
    StaffSession.update(ended_at=clock.now()).where(
        StaffSession.staff == staff, StaffSession.ended_at.is_null()
    ).execute()
