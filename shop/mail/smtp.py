"""Delivery to the mail server of ``SMTP_URL``: connection, TLS, authentication."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from shop.mail.composing import Composed
from shop.settings import SMTP_PORTS

TIMEOUT = 10
"""Seconds after which a mail server that does not answer counts as unreachable."""


DATA_TIMEOUT = 600
"""Seconds to wait for the answer once the whole message was sent (RFC 5321, 4.5.3.2.6).

A server may filter the message for minutes; whoever hangs up earlier sends it again.
"""


class AcceptanceUnknown(OSError):
    """The whole message was sent, and the mail server's answer was lost: it may have accepted."""


class UnsupportedAddress(Exception):
    """The message needs a non-ASCII e-mail address, which the mail server does not support."""


def deliver(url: str, message: Composed, before_end: Callable[[], None] = lambda: None) -> None:
    """Send ``message`` to the server of ``url``, with the user and password in it.

    ``before_end`` is called before the end of the data: until then the server cannot accept the
    message. Raise `AcceptanceUnknown` if its answer is lost after that.

    ``smtps://`` uses implicit TLS, ``smtp+starttls://`` (or ``?starttls``) uses STARTTLS;
    certificates are checked. Raise `UnsupportedAddress`, or `OSError` (the base class of
    `smtplib.SMTPException`) for other errors. Errors on QUIT are ignored, because the server has
    accepted the message by then.
    """
    parts = urlsplit(url)
    server = _connect(parts)
    server.before_end = before_end
    try:
        if _starts_tls(parts):
            server.starttls(context=ssl.create_default_context())
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        _send(server, message)
        with suppress(OSError):
            server.quit()
    finally:
        server.close()


def check_sign_in(url: str) -> None:
    """Sign in to the server of ``url`` and leave again, sending nothing. Raise `OSError`."""
    parts = urlsplit(url)
    server = _connect(parts)
    try:
        if _starts_tls(parts):
            server.starttls(context=ssl.create_default_context())
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        status, said = server.noop()
        if status != 250:
            raise smtplib.SMTPResponseException(status, said)
    finally:
        server.close()


def _send(server: smtplib.SMTP, message: Composed) -> None:
    """Send its bytes, as `smtplib.SMTP.send_message` does with those that it makes itself."""
    (sender,) = message["From"].addresses
    recipients = [address.addr_spec for address in message["To"].addresses]
    options: tuple[str, ...] = ()
    server.ehlo_or_helo_if_needed()
    if not all(each.isascii() for each in (sender.addr_spec, *recipients)):
        if not server.has_extn("smtputf8"):
            raise UnsupportedAddress("the server does not support SMTPUTF8")
        options = ("SMTPUTF8", "BODY=8BITMIME")
    server.sendmail(sender.addr_spec, recipients, message.serialized, options)


class _Data(smtplib.SMTP):
    """Sends the data of a message in two steps, and waits for its acceptance with patience."""

    before_end: Callable[[], None]

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send the data of a message; return the server's answer. Raise `AcceptanceUnknown`."""
        self.putcmd("data")
        code, answer = self.getreply()
        if code != 354:
            raise smtplib.SMTPDataError(code, answer)
        self.send(_dotted(msg))
        self.before_end()
        assert self.sock is not None
        self.sock.settimeout(DATA_TIMEOUT)
        try:
            self.send(b".\r\n")
            code, answer = self.getreply()
        except OSError as error:
            raise AcceptanceUnknown(f"{type(error).__name__}: {error}") from error
        self.sock.settimeout(TIMEOUT)
        return code, answer


class _DataSsl(_Data, smtplib.SMTP_SSL):
    pass


def _dotted(message: str | bytes) -> bytes:
    """Return a message with the dots that begin a line doubled (RFC 5321, 4.5.2)."""
    content = message.encode("ascii") if isinstance(message, str) else message
    if not content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r"):
        content = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    content = content if content.endswith(b"\r\n") else content + b"\r\n"
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]


def _connect(parts: SplitResult) -> _Data:
    host, port = parts.hostname or "localhost", parts.port or SMTP_PORTS[parts.scheme]
    if parts.scheme == "smtps":
        context = ssl.create_default_context()
        return _DataSsl(host, port, timeout=TIMEOUT, context=context)
    return _Data(host, port, timeout=TIMEOUT)


def _starts_tls(parts: SplitResult) -> bool:
    return parts.scheme == "smtp+starttls" or "starttls" in parse_qs(
        parts.query, keep_blank_values=True
    )
