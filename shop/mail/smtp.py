"""The mail server of ``SMTP_URL``: reached, trusted, signed in to."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

TIMEOUT = 10
"""Seconds until a mail server that says nothing counts as unreachable."""

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


def problem_of(url: str) -> str:
    """What is wrong with an ``SMTP_URL``, "" if nothing is."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in _PORTS and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    return "" if known else "SMTP_URL must be smtp://, smtp+starttls:// or smtps://host[:port]"


def deliver(url: str, message: EmailMessage) -> None:
    """Hand ``message`` to the server of ``url``, with user and password if it names them.

    ``smtps://`` speaks TLS from the first byte, ``smtp+starttls://`` (or ``?starttls``) from the
    second; certificates are checked. Raises `OSError` (`smtplib.SMTPException` is one).
    """
    parts = urlsplit(url)
    with _connected(parts) as server:
        if _starts_tls(parts):
            server.starttls(context=ssl.create_default_context())
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)


def _connected(parts: SplitResult) -> smtplib.SMTP:
    host, port = parts.hostname or "localhost", parts.port or _PORTS[parts.scheme]
    if parts.scheme == "smtps":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
    return smtplib.SMTP(host, port, timeout=TIMEOUT)


def _starts_tls(parts: SplitResult) -> bool:
    return parts.scheme == "smtp+starttls" or "starttls" in parse_qs(
        parts.query, keep_blank_values=True
    )
