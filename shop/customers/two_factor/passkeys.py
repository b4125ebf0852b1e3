"""Passkeys (WebAuthn): a key on the customer's device signs the shop's challenge.

A challenge is valid once and for five minutes. The shop stores its digest and the browser's cookie
the challenge itself, so that a response is only accepted from the browser that was challenged.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from peewee import IntegrityError

from records.accounts import Account
from records.base import database
from records.security import Challenge, Passkey
from shop import clock, mail, settings
from shop.customers import activity_log
from shop.customers.activity_log import Origin
from shop.customers.two_factor import doubtful
from shop.errors import N_, Refusal
from shop.security import encryption

CHALLENGE_LENGTH = timedelta(minutes=5)
MAX_PASSKEYS = 10
"""The maximum number of passkeys of an account."""


class PasskeyRefused(Refusal):
    """The device's response is not valid."""


@dataclass(frozen=True)
class Ceremony:
    """The WebAuthn options for the browser (JSON), and the challenge for its cookie."""

    options: str
    challenge: str


# --- Challenges ------------------------------------------------------------------------------


def _new_challenge() -> str:
    challenge = secrets.token_urlsafe(32)
    ends = clock.now() + CHALLENGE_LENGTH
    Challenge.create(token_digest=encryption.digest(challenge), expires_at=ends)
    return challenge


def _use_up(challenge: str) -> None:
    """Delete a challenge; raise `PasskeyRefused` if it has expired or was used."""
    used = (
        Challenge.delete()
        .where(
            Challenge.token_digest == encryption.digest(challenge),
            Challenge.expires_at > clock.now(),
        )
        .execute()
    )
    if not used:
        raise PasskeyRefused(N_("This took too long, or was done already. Please try again."))


def delete_expired_challenges() -> int:
    """Delete expired challenges; return their number."""
    return int(Challenge.delete().where(Challenge.expires_at < clock.now()).execute())


# --- Registration ----------------------------------------------------------------------------


def find_passkey(account: Account, passkey_id: int) -> Passkey | None:
    """Return one of the customer's passkeys, or None."""
    return Passkey.get_or_none(Passkey.account == account, Passkey.id == passkey_id)


def _passkeys_of(account: Account) -> list[Passkey]:
    return list(Passkey.select().where(Passkey.account == account))


def _user_handle(account: Account) -> str:
    """Return the WebAuthn user handle: one per customer, without personal data."""
    secret = settings.current().secret_key.encode()
    digest = hmac.new(secret, f"passkeys of {account.id}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def begin_registration(account: Account, base_url: str) -> Ceremony:
    """Return the options to create a key. Raise `Refusal` if there are `MAX_PASSKEYS` already."""
    from shop.customers.two_factor import webauthn

    keys = _passkeys_of(account)
    if len(keys) >= MAX_PASSKEYS:
        raise Refusal(N_("You have %(count)d passkeys: remove one first."), count=MAX_PASSKEYS)
    challenge, handle = _new_challenge(), _user_handle(account)
    return Ceremony(
        webauthn.registration_options(account, handle, keys, challenge, base_url), challenge
    )


def finish_registration(
    account: Account, answer: str, challenge: str, name: str, base_url: str, origin: Origin
) -> Passkey:
    """Verify and store the key that a device has created. Raise `PasskeyRefused`."""
    from shop.customers.two_factor import webauthn

    _use_up(challenge)
    try:
        made = webauthn.verify_registration(webauthn.parse_answer(answer), challenge, base_url)
    except webauthn.InvalidAssertion as error:
        raise _refused() from error
    try:
        return _store(account, made, name, origin)
    except IntegrityError as error:
        raise PasskeyRefused(N_("This device holds a passkey of yours already.")) from error


def _store(account: Account, made: dict[str, Any], name: str, origin: Origin) -> Passkey:
    now = clock.now()
    with database.atomic():
        key: Passkey = Passkey.create(
            account=account,
            user_handle=_user_handle(account),
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
    site.
    """
    from shop.customers.two_factor import webauthn

    challenge = _new_challenge()
    keys = _passkeys_of(account) if account else []
    return Ceremony(webauthn.authentication_options(keys, challenge, base_url), challenge)


def finish_authentication(
    answer: str, challenge: str, base_url: str, account: Account | None = None
) -> Account:
    """Return the account whose key signed the challenge. Raise `PasskeyRefused`.

    With ``account``, only its keys are accepted. Without it, no password was given before, and the
    device must have verified its user.
    """
    from shop.customers.two_factor import webauthn

    _use_up(challenge)
    try:
        given = webauthn.parse_answer(answer)
        key = _key_of(given, account)
        count = webauthn.verify_authentication(
            given, key, challenge, base_url, user_verified=account is None
        )
    except webauthn.InvalidAssertion as error:
        raise _refused() from error
    _update_sign_count(key, count)
    return key.account


def _key_of(credential: dict[str, Any], account: Account | None) -> Passkey:
    """Return the passkey named in the response, if it is the customer's."""
    wanted = Passkey.credential_id == str(credential.get("id", ""))[:1400]
    if account is not None:
        wanted &= Passkey.account == account
    key = Passkey.select(Passkey, Account).join(Account).where(wanted).first()
    if key is None:
        raise PasskeyRefused(N_("This passkey is not known here. It may have been removed."))
    handle = credential["response"].get("userHandle")
    if handle and str(handle).rstrip("=") != key.user_handle:
        raise _refused()
    return key


def _update_sign_count(key: Passkey, new_count: int) -> None:
    """Store the device's signature counter; refuse if another response changed it concurrently."""
    counted = (
        Passkey.update(sign_count=new_count, used_at=clock.now())
        .where(Passkey.id == key.id, Passkey.sign_count == key.sign_count)
        .execute()
    )
    if not counted:
        raise _refused()


def _refused() -> PasskeyRefused:
    return PasskeyRefused(N_("The passkey could not be checked. Please try again."))
