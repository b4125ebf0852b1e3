"""A mail server for tests: it stores e-mails, and refuses them when configured to."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from flask import Flask

from models import Account
from tests.support import cast

NOWHERE = "smtp://127.0.0.1:1"
"""A URL at which no mail server answers."""


class Mailbox:
    """A running mail server, with TLS from the first byte (``tls``) or after STARTTLS, open to
    everyone or to ``users`` with their passwords; with ``ascii_only`` it lacks SMTPUTF8.

    ``letters`` are the accepted e-mails, ``recipients`` the recipient of each, ``was_encrypted``
    whether it came over TLS, ``signed_in`` the user who sent it. ``refusal`` is the answer to an
    e-mail, ``unknown`` to a recipient, ``quit_answer`` to QUIT (none: it closes the connection).
    It waits ``delay`` seconds before it accepts, and loses the next ``lost_answers`` answers.
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
        self.quit_answer = "221 Bye"
        self.delay = 0.0
        self.lost_answers = 0
        self.port = _free_port()
        self._users = users or {}
        # The controller connects to the server to see that it runs, by this machine's name.
        self._new_controller = partial(
            Controller,
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
        """The value for ``SMTP_URL``."""
        return f"smtp://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Start the server, on the same port each time."""
        self._controller = self._new_controller()
        self._controller.start()

    def close(self) -> None:
        """Stop the server."""
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
        """Accept a recipient, or answer ``unknown``."""
        if self.unknown:
            return self.unknown
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Store one e-mail, or answer ``refusal``."""
        if self.refusal:
            return self.refusal
        await asyncio.sleep(self.delay)
        content: Any = envelope.original_content or b""
        self.letters.append(message_from_bytes(content, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        self.was_encrypted.append(
            session.ssl is not None or self._controller.ssl_context is not None
        )
        if self.lost_answers and server.transport:
            self.lost_answers -= 1
            server.transport.abort()
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Answer ``quit_answer``, or close the connection."""
        if not self.quit_answer and server.transport:
            server.transport.abort()
        return self.quit_answer


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def waiting(make_app: Callable[..., Flask]) -> Account:
    """Register Alice in a shop whose mail server is awaited."""
    make_app(SMTP_URL=NOWHERE)
    return cast.register(cast.ALICE)


def sent_by(mailbox: Mailbox, make_app: Callable[..., Flask], **environment: str) -> Account:
    """Register Alice in a shop that sends its e-mails to ``mailbox``."""
    make_app(SMTP_URL=mailbox.url, **environment)
    return cast.register(cast.ALICE)


def body_of(message: EmailMessage, kind: str) -> str:
    """Return a text of an e-mail: ``plain`` or ``html``."""
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
