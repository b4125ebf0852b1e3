"""Delivery to the mail server of ``SMTP_URL``: connection, TLS, authentication."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from shop.settings import SMTP_PORTS

TIMEOUT = 10
"""Seconds after which a mail server that does not answer counts as unreachable."""


class UnsupportedAddress(Exception):
    """The message needs a non-ASCII e-mail address, which the mail server does not support."""


def deliver(url: str, message: EmailMessage) -> None:
    """Send ``message`` to the server of ``url``, with the user and password in it.

    ``smtps://`` uses implicit TLS, ``smtp+starttls://`` (or ``?starttls``) uses STARTTLS;
    certificates are checked. Raise `UnsupportedAddress`, or `OSError` (the base class of
    `smtplib.SMTPException`) for other errors. Errors on QUIT are ignored, because the server has
    accepted the message by then.
    """
    parts = urlsplit(url)
    server = _connect(parts)
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


def _send(server: smtplib.SMTP, message: EmailMessage) -> None:
    try:
        server.send_message(message)
    except smtplib.SMTPNotSupportedError as error:
        raise UnsupportedAddress(str(error)) from error


def _connect(parts: SplitResult) -> smtplib.SMTP:
    host, port = parts.hostname or "localhost", parts.port or SMTP_PORTS[parts.scheme]
    if parts.scheme == "smtps":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
    return smtplib.SMTP(host, port, timeout=TIMEOUT)


def _starts_tls(parts: SplitResult) -> bool:
    return parts.scheme == "smtp+starttls" or "starttls" in parse_qs(
        parts.query, keep_blank_values=True
    )
