"""WebAuthn: options for browsers, and verification of their responses.

The library takes half a second to load. `passkeys` therefore imports this module where it is used,
so that processes that do not use passkeys start without it.
"""

from __future__ import annotations

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
from shop.parsing.numbers_and_json import read_json

MAX_ANSWER_LENGTH = 20_000


class InvalidAssertion(Exception):
    """The browser's response is malformed or cannot be verified."""


_VERIFICATION_ERRORS = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError)
"""Errors of the library for responses that are invalid or malformed."""


def relying_party_id(base_url: str) -> str:
    """Return the WebAuthn relying party id: the host without the port."""
    return urlsplit(base_url).hostname or ""


def _descriptors(keys: Iterable[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.credential_id)) for key in keys]


def parse_answer(answer: str) -> dict[str, Any]:
    """Parse the browser's response. Raise `InvalidAssertion` if it is malformed."""
    try:
        given = read_json(answer) if len(answer) <= MAX_ANSWER_LENGTH else None
    except ValueError as error:
        raise InvalidAssertion from error
    if not isinstance(given, dict) or not isinstance(given.get("response"), dict):
        raise InvalidAssertion
    return given


# --- Registration ----------------------------------------------------------------------------


def registration_options(
    account: Account, handle: str, keys: Iterable[Passkey], challenge: str, base_url: str
) -> str:
    """Return the options to create a key (JSON) on a device without any of ``keys``."""
    options = webauthn.generate_registration_options(
        rp_id=relying_party_id(base_url),
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


def verify_registration(answer: dict[str, Any], challenge: str, base_url: str) -> dict[str, Any]:
    """Return the columns of a verified new key. Raise `InvalidAssertion`."""
    try:
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=relying_party_id(base_url),
            expected_origin=base_url,
        )
    except _VERIFICATION_ERRORS as error:
        raise InvalidAssertion from error
    return {
        "credential_id": bytes_to_base64url(made.credential_id),
        "public_key": bytes_to_base64url(made.credential_public_key),
        "sign_count": made.sign_count,
    }


# --- Authentication --------------------------------------------------------------------------


def authentication_options(keys: Iterable[Passkey], challenge: str, base_url: str) -> str:
    """Return the options (JSON) to sign with one of ``keys``, or with any of this site if empty.

    In that case the device must verify its user: by fingerprint, face or PIN.
    """
    allowed = _descriptors(keys)
    verification = (
        UserVerificationRequirement.PREFERRED if allowed else UserVerificationRequirement.REQUIRED
    )
    options = webauthn.generate_authentication_options(
        rp_id=relying_party_id(base_url),
        challenge=base64url_to_bytes(challenge),
        allow_credentials=allowed,
        user_verification=verification,
    )
    return webauthn.options_to_json(options)


def verify_authentication(
    answer: dict[str, Any], key: Passkey, challenge: str, base_url: str, *, user_verified: bool
) -> int:
    """Return the device's new signature counter. Raise `InvalidAssertion` for a wrong signature.

    ``user_verified`` requires that the device has verified its user.
    """
    try:
        proof = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=relying_party_id(base_url),
            expected_origin=base_url,
            credential_public_key=base64url_to_bytes(key.public_key),
            credential_current_sign_count=key.sign_count,
            require_user_verification=user_verified,
        )
    except _VERIFICATION_ERRORS as error:
        raise InvalidAssertion from error
    return int(proof.new_sign_count)
