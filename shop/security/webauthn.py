"""WebAuthn: options for browsers, and verification of their responses.

The library takes half a second to load. `shop.security.passkeys` therefore imports this module
where it is used, so that processes that do not use passkeys start without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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

from shop import settings
from shop.parsing.numbers_and_json import read_json

MAX_ANSWER_LENGTH = 20_000


class InvalidAssertion(Exception):
    """The browser's response is malformed or cannot be verified."""


@dataclass(frozen=True)
class Site:
    """The site a passkey belongs to, by its ``base_url``, and what is required of its device.

    ``user_verified``: the device verifies its user, by fingerprint, face or PIN.
    """

    base_url: str
    user_verified: bool

    @property
    def relying_party_id(self) -> str:
        """The WebAuthn relying party id: the host without the port."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def verification(self) -> UserVerificationRequirement:
        """The requirement as browsers read it."""
        if self.user_verified:
            return UserVerificationRequirement.REQUIRED
        return UserVerificationRequirement.PREFERRED


_VERIFICATION_ERRORS = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError)
"""Errors of the library for responses that are invalid or malformed."""


def _descriptors(credential_ids: Iterable[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(each)) for each in credential_ids]


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
    handle: str, names: tuple[str, str], credential_ids: Iterable[str], challenge: str, site: Site
) -> str:
    """Return the options (JSON) to create a key on a device without any of ``credential_ids``.

    ``names`` are what the device calls its user: the name at sign-in, and the full name.
    """
    options = webauthn.generate_registration_options(
        rp_id=site.relying_party_id,
        rp_name=settings.current().shop_name,
        user_id=base64url_to_bytes(handle),
        user_name=names[0],
        user_display_name=names[1],
        challenge=base64url_to_bytes(challenge),
        exclude_credentials=_descriptors(credential_ids),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=site.verification,
        ),
    )
    return webauthn.options_to_json(options)


def verify_registration(answer: dict[str, Any], challenge: str, site: Site) -> dict[str, Any]:
    """Return the columns of a verified new key. Raise `InvalidAssertion`."""
    try:
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.relying_party_id,
            expected_origin=site.base_url,
            require_user_verification=site.user_verified,
        )
    except _VERIFICATION_ERRORS as error:
        raise InvalidAssertion from error
    return {
        "credential_id": bytes_to_base64url(made.credential_id),
        "public_key": bytes_to_base64url(made.credential_public_key),
        "sign_count": made.sign_count,
    }


# --- Authentication --------------------------------------------------------------------------


def authentication_options(credential_ids: Iterable[str], challenge: str, site: Site) -> str:
    """Return the options (JSON) to sign with one of the keys, or with any of this site if empty."""
    options = webauthn.generate_authentication_options(
        rp_id=site.relying_party_id,
        challenge=base64url_to_bytes(challenge),
        allow_credentials=_descriptors(credential_ids),
        user_verification=site.verification,
    )
    return webauthn.options_to_json(options)


def verify_authentication(
    answer: dict[str, Any], public_key: str, challenge: str, site: Site
) -> int:
    """Return the device's new signature counter. Raise `InvalidAssertion` for a wrong signature.

    The counter is compared where it is stored (`shop.security.passkeys.record_use`): the library
    would compare it before it has verified the signature.
    """
    try:
        proof = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.relying_party_id,
            expected_origin=site.base_url,
            credential_public_key=base64url_to_bytes(public_key),
            credential_current_sign_count=0,
            require_user_verification=site.user_verified,
        )
    except _VERIFICATION_ERRORS as error:
        raise InvalidAssertion from error
    return int(proof.new_sign_count)
