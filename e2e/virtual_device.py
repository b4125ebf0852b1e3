"""A virtual authenticator for passkeys, of Chromium's developer tools, that verifies its user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from playwright.sync_api import CDPSession, Page


@dataclass(frozen=True)
class VirtualDevice:
    """An authenticator of the browser of one page, under the name that the browser gave it."""

    session: CDPSession
    name: str

    @classmethod
    def of(cls, page: Page) -> Self:
        """Add an authenticator to the browser of ``page``."""
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return cls(session, added["authenticatorId"])

    def credentials(self) -> list[dict[str, Any]]:
        """Return the passkeys that it holds."""
        found = self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.name})
        return list(found["credentials"])
