"""The mail server of ``SMTP_URL``: reached, trusted, signed in to."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from shop.settings import SMTP_PORTS

TIMEOUT = 10
"""Seconds until a mail server that says nothing counts as unreachable."""


class UnsupportedAddress(Exception):
    """The mail server knows no addresses beyond ASCII (RFC 6531), and this letter needs one."""


def deliver(url: str, message: EmailMessage) -> None:
    """Hand ``message`` to the server of ``url``, with user and password if it names them.

    ``smtps://`` speaks TLS from the first byte, ``smtp+starttls://`` (or ``?starttls``) from the
    second; certificates are checked. Raises `UnsupportedAddress`, and `OSError` for all else
    (`smtplib.SMTPException` is one), but never once the server has taken the letter: how it says
    goodbye changes nothing.
    """
    parts = urlsplit(url)
    server = _connected(parts)
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


def _send(server: smtplib.SMTP, message: EmailMessage) -> None:
    try:
        server.send_message(message)
    except smtplib.SMTPNotSupportedError as error:
        raise UnsupportedAddress(str(error)) from error


def _connected(parts: SplitResult) -> smtplib.SMTP:
    host, port = parts.hostname or "localhost", parts.port or SMTP_PORTS[parts.scheme]
    if parts.scheme == "smtps":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
    return smtplib.SMTP(host, port, timeout=TIMEOUT)


def _starts_tls(parts: SplitResult) -> bool:
    return parts.scheme == "smtp+starttls" or "starttls" in parse_qs(
        parts.query, keep_blank_values=True
    )
