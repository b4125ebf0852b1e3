"""A mail server for tests: it keeps what it is given, and refuses when told to."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Mailbox:
    """A running mail server, with TLS from the first byte (``tls``) or after STARTTLS, open to
    everybody or to ``users`` by their passwords; with ``ascii_only`` it knows no other addresses.

    ``letters`` are those it took, ``recipients`` whom each was for, ``was_encrypted`` how each
    came, ``signed_in`` who brought it. ``refusal`` is what it answers to a letter, ``unknown``
    what it answers to a recipient, ``goodbye`` what it answers to QUIT (none: it hangs up).
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        users: Mapping[str, str] | None = None,
        ascii_only: bool = False,
    ) -> None:
        self.letters: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.was_encrypted: list[bool] = []
        self.signed_in: list[str] = []
        self.refusal = ""
        self.unknown = ""
        self.goodbye = "221 Bye"
        self.port = _free_port()
        self._users = users or {}
        # The controller knocks at the server's door to see it open, by this machine's name.
        self._controller = Controller(
            self,
            hostname="localhost" if tls else "127.0.0.1",
            port=self.port,
            ssl_context=tls,
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=self._sign_in if users else None,
            auth_required=users is not None,
            enable_SMTPUTF8=not ascii_only,
        )

    @property
    def url(self) -> str:
        """What ``SMTP_URL`` is set to."""
        return f"smtp://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Take letters from now on."""
        self._controller.start()

    def close(self) -> None:
        """Be unreachable."""
        self._controller.stop()

    def _sign_in(
        self, server: SMTP, session: Session, envelope: Envelope, how: str, given: LoginPassword
    ) -> AuthResult:
        name, password = given.login.decode(), given.password.decode()
        right = self._users.get(name) == password
        if right:
            self.signed_in.append(name)
        return AuthResult(success=right, handled=False)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Know a recipient, or answer as told."""
        if self.unknown:
            return self.unknown
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep one letter, or answer as told."""
        if self.refusal:
            return self.refusal
        content: Any = envelope.original_content or b""
        self.letters.append(message_from_bytes(content, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        self.was_encrypted.append(
            session.ssl is not None or self._controller.ssl_context is not None
        )
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Say goodbye as told."""
        if not self.goodbye and server.transport:
            server.transport.abort()
        return self.goodbye


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
