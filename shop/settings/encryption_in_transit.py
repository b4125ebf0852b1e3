"""Connections that leave the machine must be encrypted in production: mail, database, Redis."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from shop.settings import Settings

VERIFYING_SSL_MODES = {"verify-ca", "verify-full"}
"""The values of PostgreSQL's ``sslmode`` that verify the server's certificate."""


def unencrypted(settings: Settings) -> list[str]:
    """Return a sentence for each URL to another machine without TLS, or with an unverified one."""
    problems = []
    if settings.smtp_url and not (is_local(settings.smtp_url) or _has_mail_tls(settings.smtp_url)):
        problems.append("SMTP_URL must use TLS: smtps:// or smtp+starttls://")
    if not (is_local(settings.database_url) or _has_database_tls(settings.database_url)):
        problems.append(
            "DATABASE_URL must use TLS: add ?sslmode=verify-full, or use a socket of this machine"
        )
    if settings.redis_url and not (
        is_local(settings.redis_url) or _has_redis_tls(settings.redis_url)
    ):
        problems.append(
            "REDIS_URL must use TLS and verify certificates: rediss://, or redis+unix:// for a "
            "local socket"
        )
    return problems


def is_local(url: str) -> bool:
    """Return whether ``url`` leads to this machine: a file, a socket, or a loopback address."""
    try:
        parts = urlsplit(url)
        hosts = _hosts(parts)
    except ValueError:
        return False
    if parts.scheme == "sqlite" or "unix" in parts.scheme:
        return True
    return all(_is_loopback(host) for host in hosts)


def _hosts(parts: SplitResult) -> list[str]:
    """Return every host a URL names: PostgreSQL takes several, also as ``?host=``."""
    query = parse_qs(parts.query)
    listed = query.get("host", []) + query.get("hostaddr", [])
    if not listed:
        return [unquote(parts.hostname or "")]
    return [host for hosts in listed for host in hosts.split(",")]


def _is_loopback(host: str) -> bool:
    if host in {"", "localhost"} or host.startswith(("/", "@")):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _has_mail_tls(url: str) -> bool:
    parts = urlsplit(url)
    asked_for = "starttls" in parse_qs(parts.query, keep_blank_values=True)
    return parts.scheme in {"smtps", "smtp+starttls"} or asked_for


def _has_database_tls(url: str) -> bool:
    return parse_qs(urlsplit(url).query).get("sslmode", [""])[-1] in VERIFYING_SSL_MODES


def _has_redis_tls(url: str) -> bool:
    parts = urlsplit(url)
    verifies = parse_qs(parts.query).get("ssl_cert_reqs", ["required"])[-1] == "required"
    return parts.scheme == "rediss" and verifies
