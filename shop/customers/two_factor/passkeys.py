"""Passkeys (WebAuthn): a key on the customer's device answers a challenge of ours.

A challenge is good once and for five minutes; we keep its digest, the browser's cookie the
challenge itself, so that an answer only counts in the browser that was asked.
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
from shop.errors import N_, Refusal
from shop.security import encryption

CHALLENGE_LENGTH = timedelta(minutes=5)
MOST = 10
"""Passkeys an account may have."""


class PasskeyRefused(Refusal):
    """The device's answer does not prove anything."""


@dataclass(frozen=True)
class Ceremony:
    """What the browser is told (JSON), and the challenge its cookie keeps."""

    options: str
    challenge: str


# --- Challenges ------------------------------------------------------------------------------


def _new_challenge() -> str:
    challenge = secrets.token_urlsafe(32)
    ends = clock.now() + CHALLENGE_LENGTH
    Challenge.create(token_digest=encryption.digest(challenge), expires_at=ends)
    return challenge


def _use_up(challenge: str) -> None:
    """Let a challenge count once; raises `PasskeyRefused` for one that is over."""
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


def forget_old() -> int:
    """Delete challenges nobody answered; how many."""
    return int(Challenge.delete().where(Challenge.expires_at < clock.now()).execute())


# --- Adding one ------------------------------------------------------------------------------


def find(account: Account, passkey_id: int) -> Passkey | None:
    """A passkey of the customer's."""
    return Passkey.get_or_none(Passkey.account == account, Passkey.id == passkey_id)


def _of(account: Account) -> list[Passkey]:
    return list(Passkey.select().where(Passkey.account == account))


def _user_handle(account: Account) -> str:
    """What devices know the customer by: the same for all keys of one, and nothing personal."""
    secret = settings.current().secret_key.encode()
    digest = hmac.new(secret, f"passkeys of {account.id}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def ask_to_add(account: Account, base_url: str) -> Ceremony:
    """What the browser needs to make a key for this site. Raises `Refusal` for one too many."""
    from shop.customers.two_factor import webauthn

    keys = _of(account)
    if len(keys) >= MOST:
        raise Refusal(N_("You have %(count)d passkeys: remove one first."), count=MOST)
    challenge, handle = _new_challenge(), _user_handle(account)
    return Ceremony(webauthn.ask_to_create(account, handle, keys, challenge, base_url), challenge)


def add(
    account: Account, answer: str, challenge: str, name: str, base_url: str, origin: Origin
) -> Passkey:
    """Keep the key a device has made. Raises `PasskeyRefused`."""
    from shop.customers.two_factor import webauthn

    _use_up(challenge)
    try:
        made = webauthn.check_created(webauthn.read(answer), challenge, base_url)
    except webauthn.InvalidAssertion as error:
        raise _refused() from error
    try:
        return _keep(account, made, name, origin)
    except IntegrityError as error:
        raise PasskeyRefused(N_("This device holds a passkey of yours already.")) from error


def _keep(account: Account, made: dict[str, Any], name: str, origin: Origin) -> Passkey:
    with database.atomic():
        key: Passkey = Passkey.create(
            account=account,
            user_handle=_user_handle(account),
            name=name.strip()[:64] or account.nic_handle,
            created_at=clock.now(),
            **made,
        )
        activity_log.record(account, "passkey_added", origin, note=key.name)
        mail.second_factor_changed(account, activity_log.WORDS["passkey_added"])
        return key


# --- Signing in with one ---------------------------------------------------------------------


def ask_to_prove(base_url: str, account: Account | None = None) -> Ceremony:
    """What the browser needs to prove who somebody is.

    With ``account``, one of its keys, as the second step; without, any key of this site.
    """
    from shop.customers.two_factor import webauthn

    challenge = _new_challenge()
    keys = _of(account) if account else []
    return Ceremony(webauthn.ask_to_prove(keys, challenge, base_url), challenge)


def prove(answer: str, challenge: str, base_url: str, account: Account | None = None) -> Account:
    """Whose key answered: ``account``'s, or without one anybody's. Raises `PasskeyRefused`.

    Without a password before it, the device must have checked its owner.
    """
    from shop.customers.two_factor import webauthn

    _use_up(challenge)
    try:
        given = webauthn.read(answer)
        key = _key_of(given, account)
        count = webauthn.check_proof(given, key, challenge, base_url, owner_checked=account is None)
    except webauthn.InvalidAssertion as error:
        raise _refused() from error
    _count(key, count)
    return key.account


def _key_of(credential: dict[str, Any], account: Account | None) -> Passkey:
    """The key that claims to answer, of the right customer."""
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


def _count(key: Passkey, new_count: int) -> None:
    """Keep a device's count, which only rises; of two answers with one count, one is a copy."""
    counted = (
        Passkey.update(sign_count=new_count, used_at=clock.now())
        .where(Passkey.id == key.id, Passkey.sign_count == key.sign_count)
        .execute()
    )
    if not counted:
        raise _refused()


def _refused() -> PasskeyRefused:
    return PasskeyRefused(N_("The passkey could not be checked. Please try again."))
