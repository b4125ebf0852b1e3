"""What is said to devices that hold passkeys, and what they answer, in the words of WebAuthn.

The library behind it takes half a second to load: `passkeys` imports this module where it needs
it, so that a process that never meets a passkey starts without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from records.accounts import Account
from records.security import Passkey
from shop import settings

LONGEST_ANSWER = 20_000


class InvalidAssertion(Exception):
    """The answer is wrong, or no answer at all."""


_FAULTS = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError)
"""What the library raises for answers that prove nothing, or cannot be read."""


def host_of(base_url: str) -> str:
    """Whom a passkey is for: the host alone, whatever the port."""
    return urlsplit(base_url).hostname or ""


def _descriptors(keys: Iterable[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.credential_id)) for key in keys]


def read(answer: str) -> dict[str, Any]:
    """The browser's answer. Raises `InvalidAssertion` if it is none."""
    try:
        given = json.loads(answer) if len(answer) <= LONGEST_ANSWER else None
    except ValueError as error:
        raise InvalidAssertion from error
    if not isinstance(given, dict) or not isinstance(given.get("response"), dict):
        raise InvalidAssertion
    return given


# --- A new key -------------------------------------------------------------------------------


def ask_to_create(
    account: Account, handle: str, keys: Iterable[Passkey], challenge: str, base_url: str
) -> str:
    """What the browser needs to have a key made (JSON), unless it holds one of ``keys``."""
    options = webauthn.generate_registration_options(
        rp_id=host_of(base_url),
        rp_name=settings.current().shop_name,
        user_id=base64url_to_bytes(handle),
        user_name=account.nic_handle,
        user_display_name=account.full_name,
        challenge=base64url_to_bytes(challenge),
        exclude_credentials=_descriptors(keys),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
    )
    return webauthn.options_to_json(options)


def check_created(answer: dict[str, Any], challenge: str, base_url: str) -> dict[str, Any]:
    """What to keep of a new key: its columns. Raises `InvalidAssertion`."""
    try:
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=host_of(base_url),
            expected_origin=base_url,
        )
    except _FAULTS as error:
        raise InvalidAssertion from error
    return {
        "credential_id": bytes_to_base64url(made.credential_id),
        "public_key": bytes_to_base64url(made.credential_public_key),
        "sign_count": made.sign_count,
    }


# --- A proof ---------------------------------------------------------------------------------


def ask_to_prove(keys: Iterable[Passkey], challenge: str, base_url: str) -> str:
    """What the browser needs to prove that it holds one of ``keys``, or any of this site (JSON).

    Where any will do, the device must check its owner itself: by finger, face or PIN.
    """
    allowed = _descriptors(keys)
    verification = (
        UserVerificationRequirement.PREFERRED if allowed else UserVerificationRequirement.REQUIRED
    )
    options = webauthn.generate_authentication_options(
        rp_id=host_of(base_url),
        challenge=base64url_to_bytes(challenge),
        allow_credentials=allowed,
        user_verification=verification,
    )
    return webauthn.options_to_json(options)


def check_proof(
    answer: dict[str, Any], key: Passkey, challenge: str, base_url: str, *, owner_checked: bool
) -> int:
    """The device's new count, if ``key`` signed the challenge. Raises `InvalidAssertion`.

    ``owner_checked`` demands that the device has checked its owner.
    """
    try:
        proof = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=host_of(base_url),
            expected_origin=base_url,
            credential_public_key=base64url_to_bytes(key.public_key),
            credential_current_sign_count=key.sign_count,
            require_user_verification=owner_checked,
        )
    except _FAULTS as error:
        raise InvalidAssertion from error
    return int(proof.new_sign_count)
