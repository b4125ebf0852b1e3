"""A software authenticator for passkeys: it signs what a real one would sign."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

from models import Account, Passkey
from shop.customers.activity_log import Origin
from shop.customers.two_factor import passkeys

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Device:
    """An authenticator with one key for one site.

    ``checks_owner``: it verifies the user by fingerprint or PIN; ``counts``: it counts signatures.
    """

    origin: str = "http://localhost"
    checks_owner: bool = True
    counts: bool = True
    count: int = 0
    handle: str = ""
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def create(self, options: dict[str, Any]) -> str:
        """Return what a browser sends to register a new key."""
        self.handle = options["user"]["id"]
        attested = self._authenticator_data(options["rp"]["id"], ATTESTED) + self._credential()
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": attested})
        return self._answer(
            clientDataJSON=self._client_data("webauthn.create", options["challenge"]),
            attestationObject=attestation,
        )

    def get(self, options: dict[str, Any]) -> str:
        """Return what a browser sends to authenticate the user."""
        if self.counts:
            self.count += 1
        told = self._authenticator_data(options["rpId"])
        client_data = self._client_data("webauthn.get", options["challenge"])
        signed = told + hashlib.sha256(client_data).digest()
        return self._answer(
            clientDataJSON=client_data,
            authenticatorData=told,
            signature=self.key.sign(signed, ec.ECDSA(hashes.SHA256())),
            userHandle=base64url_to_bytes(self.handle),
        )

    def _authenticator_data(self, site: str, flags: int = 0) -> bytes:
        flags |= PRESENT | (VERIFIED if self.checks_owner else 0)
        site_digest = hashlib.sha256(site.encode()).digest()
        return site_digest + bytes([flags]) + self.count.to_bytes(4, "big")

    def _credential(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        public = encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        length = len(self.credential_id).to_bytes(2, "big")
        return bytes(16) + length + self.credential_id + public

    def _client_data(self, kind: str, challenge: str) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told).encode()

    def _answer(self, **response: bytes) -> str:
        name = bytes_to_base64url(self.credential_id)
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "response": {key: bytes_to_base64url(value) for key, value in response.items()},
                "clientExtensionResults": {},
            }
        )


BASE = "http://localhost"
SOMEWHERE = Origin("203.0.113.7", "A browser")


def passkey_of(account: Account, device: Device | None = None, name: str = "Laptop") -> Passkey:
    """Register a passkey of ``account`` on a device, a new one by default."""
    ceremony = passkeys.begin_registration(account, BASE)
    answer = (device or Device()).create(json.loads(ceremony.options))
    return passkeys.finish_registration(account, answer, ceremony.challenge, name, BASE, SOMEWHERE)
