"""Passkeys of customers, as the second factor or alone; see `shop.security.passkeys`."""

from __future__ import annotations

from typing import Any

from peewee import IntegrityError

from records.accounts import Account
from records.base import database
from records.security import Passkey
from shop import clock, mail
from shop.customers import activity_log
from shop.customers.activity_log import Origin
from shop.customers.two_factor import doubtful
from shop.security import passkeys
from shop.security.passkeys import Answer, Ceremony, Owner

# --- Registration ----------------------------------------------------------------------------


def find_passkey(account: Account, passkey_id: int) -> Passkey | None:
    """Return one of the customer's passkeys, or None."""
    return Passkey.get_or_none(Passkey.account == account, Passkey.id == passkey_id)


def _passkeys_of(account: Account) -> list[Passkey]:
    return list(Passkey.select().where(Passkey.account == account))


def _owner(account: Account) -> Owner:
    handle = passkeys.user_handle(str(account.id))
    return Owner(handle, account.nic_handle, account.full_name)


def begin_registration(account: Account, base_url: str) -> Ceremony:
    """Return the options to create a key. Raise `Refusal` if there are too many already."""
    return passkeys.begin_registration(
        _owner(account), _passkeys_of(account), base_url, user_verified=False
    )


def finish_registration(
    account: Account, answer: str, challenge: str, name: str, base_url: str, origin: Origin
) -> Passkey:
    """Verify and store the key that a device has created. Raise `PasskeyRefused`."""
    made = passkeys.finish_registration(Answer(answer, challenge, base_url))
    try:
        return _store(account, made, name, origin)
    except IntegrityError as error:
        raise passkeys.held_already() from error


def _store(account: Account, made: dict[str, Any], name: str, origin: Origin) -> Passkey:
    now = clock.now()
    with database.atomic():
        key: Passkey = Passkey.create(
            account=account,
            user_handle=_owner(account).handle,
            name=name.strip()[:64] or account.nic_handle,
            created_at=now,
            from_known_network=doubtful.is_from_known_network(account, origin, now),
            **made,
        )
        activity_log.record(account, "passkey_added", origin, note=key.name)
        mail.second_factor_changed(account, activity_log.DESCRIPTIONS["passkey_added"])
        return key


# --- Authentication --------------------------------------------------------------------------


def begin_authentication(base_url: str, account: Account | None = None) -> Ceremony:
    """Return the options to authenticate a customer.

    With ``account``, one of its keys is required, as the second step; without, any key of this
    site, whose device must then verify its user.
    """
    keys = _passkeys_of(account) if account else []
    return passkeys.begin_authentication(keys, base_url, user_verified=not keys)


def finish_authentication(
    answer: str, challenge: str, base_url: str, account: Account | None = None
) -> Account:
    """Return the account whose key signed the challenge. Raise `PasskeyRefused`.

    With ``account``, only its keys are accepted. Without it, no password was given before, and the
    device must have verified its user.
    """

    def find(credential_id: str) -> Passkey | None:
        wanted = Passkey.credential_id == credential_id
        if account is not None:
            wanted &= Passkey.account == account
        return Passkey.select(Passkey, Account).join(Account).where(wanted).first()

    given = Answer(answer, challenge, base_url, user_verified=account is None)
    key, count = passkeys.finish_authentication(given, find)
    passkeys.record_use(key, count, account=key.account_id)
    return key.account
