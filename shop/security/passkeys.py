"""Passkeys (WebAuthn): a key on somebody's device signs the shop's challenge.

What customers' passkeys and those of the staff have in common. A challenge is valid once and for
five minutes. The shop stores its digest and the browser's cookie the challenge itself, so that a
response is only accepted from the browser that was challenged. Its ``purpose`` names what it was
made for, and is part of the digest: for anything else there is no such challenge.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from records.security import Challenge
from shop import clock, settings
from shop.errors import N_, Refusal
from shop.security import encryption

if TYPE_CHECKING:
    from shop.security.webauthn import Site

log = structlog.get_logger()

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


@dataclass(frozen=True)
class Answer:
    """What a browser sent back: the device's response, to which challenge, made for what.

    ``user_verified`` requires that the device has verified its user.
    """

    response: str
    challenge: str
    base_url: str
    purpose: str = ""
    user_verified: bool = False


@dataclass(frozen=True)
class Owner:
    """Whose passkeys they are: the user handle, the name at sign-in, and the full name."""

    handle: str
    name: str
    full_name: str


def user_handle(subject: str) -> str:
    """Return the WebAuthn user handle of ``subject``: unique to it, without personal data."""
    secret = settings.current().secret_key.encode()
    digest = hmac.new(secret, f"passkeys of {subject}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def refused() -> PasskeyRefused:
    """Return the refusal of a response that cannot be verified."""
    return PasskeyRefused(N_("The passkey could not be checked. Please try again."))


def held_already() -> PasskeyRefused:
    """Return the refusal of a key that is stored already."""
    return PasskeyRefused(N_("This device holds a passkey of yours already."))


def check_count(keys: Sequence[Any]) -> None:
    """Raise `Refusal` if there are `MAX_PASSKEYS` already."""
    if len(keys) >= MAX_PASSKEYS:
        raise Refusal(N_("You have %(count)d passkeys: remove one first."), count=MAX_PASSKEYS)


# --- Challenges ------------------------------------------------------------------------------


def _new_challenge(purpose: str) -> str:
    challenge = secrets.token_urlsafe(32)
    ends = clock.now() + CHALLENGE_LENGTH
    Challenge.create(token_digest=_digest(challenge, purpose), expires_at=ends)
    return challenge


def _digest(challenge: str, purpose: str) -> str:
    return encryption.digest(f"{purpose} {challenge}" if purpose else challenge)


def _use_up(challenge: str, purpose: str) -> None:
    """Delete a challenge; raise `PasskeyRefused` if it has expired, was used, or is another's."""
    used = (
        Challenge.delete()
        .where(
            Challenge.token_digest == _digest(challenge, purpose),
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


def begin_registration(
    owner: Owner, keys: Sequence[Any], base_url: str, purpose: str = "", *, user_verified: bool
) -> Ceremony:
    """Return the options to create a key. Raise `Refusal` if there are `MAX_PASSKEYS` already."""
    from shop.security import webauthn

    check_count(keys)
    challenge = _new_challenge(purpose)
    options = webauthn.registration_options(
        owner.handle,
        (owner.name, owner.full_name),
        [key.credential_id for key in keys],
        challenge,
        webauthn.Site(base_url, user_verified),
    )
    return Ceremony(options, challenge)


def finish_registration(answer: Answer) -> dict[str, Any]:
    """Return the columns of a new key that a device has created. Raise `PasskeyRefused`."""
    from shop.security import webauthn

    _use_up(answer.challenge, answer.purpose)
    try:
        given = webauthn.parse_answer(answer.response)
        return webauthn.verify_registration(given, answer.challenge, _site(answer))
    except webauthn.InvalidAssertion as error:
        raise refused() from error


def _site(answer: Answer) -> Site:
    from shop.security import webauthn

    return webauthn.Site(answer.base_url, answer.user_verified)


# --- Authentication --------------------------------------------------------------------------


def begin_authentication(
    keys: Sequence[Any], base_url: str, purpose: str = "", *, user_verified: bool
) -> Ceremony:
    """Return the options to sign with one of ``keys``; if empty, with any of this site."""
    from shop.security import webauthn

    challenge = _new_challenge(purpose)
    site = webauthn.Site(base_url, user_verified)
    named = [key.credential_id for key in keys]
    return Ceremony(webauthn.authentication_options(named, challenge, site), challenge)


def finish_authentication(answer: Answer, find: Callable[[str], Any]) -> tuple[Any, int]:
    """Return the passkey that signed the challenge, and its device's counter; see `record_use`.

    ``find`` returns the row of a credential id, or None for a foreign or unknown one. Raise
    `PasskeyRefused`.
    """
    from shop.security import webauthn

    _use_up(answer.challenge, answer.purpose)
    try:
        given = webauthn.parse_answer(answer.response)
        key = find(str(given.get("id", ""))[:1400])
        if key is None:
            raise PasskeyRefused(N_("This passkey is not known here. It may have been removed."))
        handle = given["response"].get("userHandle")
        if handle and str(handle).rstrip("=") != key.user_handle:
            raise refused()
        count = webauthn.verify_authentication(
            given, key.public_key, answer.challenge, _site(answer)
        )
    except webauthn.InvalidAssertion as error:
        raise refused() from error
    return key, count


def record_use(key: Any, count: int, **whose: int) -> None:
    """Store the device's counter, by a compare-and-set.

    Raise `PasskeyRefused` if the key was removed meanwhile, or the counter went back: such a device
    may have been copied, which is logged with ``whose``. Devices that do not count always say 0.
    """
    table = type(key)
    moved_on = (table.sign_count < count) | ((table.sign_count == 0) & (count == 0))
    used = table.update(sign_count=count, used_at=clock.now()).where(table.id == key.id, moved_on)
    if not used.execute():
        if table.select().where(table.id == key.id).exists():
            log.warning("passkey_counter_refused", passkey=key.id, count=count, **whose)
        raise refused()
