"""A mail server for tests: it keeps what it is given, and refuses when told to."""

from __future__ import annotations

import socket
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """A running mail server. ``letters`` are those it took; ``refusal`` is what it answers."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.refusal = ""
        self._controller = Controller(self, hostname="127.0.0.1", port=_free_port())

    @property
    def url(self) -> str:
        """What ``SMTP_URL`` is set to."""
        return f"smtp://127.0.0.1:{self._controller.port}"

    def open(self) -> None:
        """Take letters from now on."""
        self._controller.start()

    def close(self) -> None:
        """Be unreachable."""
        self._controller.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep one letter, or answer as told."""
        if self.refusal:
            return self.refusal
        content = envelope.original_content or b""
        self.letters.append(message_from_bytes(content, policy=policy.default))
        return "250 OK"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
