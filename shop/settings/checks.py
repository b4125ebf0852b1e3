"""What settings must hold before a shop starts with them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shop.settings.defaults import DEVELOPMENT_SECRET, SMTP_PORTS

if TYPE_CHECKING:
    from shop.settings import Settings


def problems_of(settings: Settings) -> list[str]:
    """Why a shop with these settings must not start, in one sentence each."""
    return _mail_problems(settings) + (
        _missing_in_production(settings) if settings.production else []
    )


def _mail_problems(settings: Settings) -> list[str]:
    """What would stop letters from being sealed and sent, said before the first is written."""
    problems = []
    if settings.smtp_url and not _is_mail_server(settings.smtp_url):
        problems.append("SMTP_URL must be smtp://, smtp+starttls:// or smtps://host[:port]")
    if not all(_is_fernet_key(key) for key in settings.mail_encryption_keys):
        problems.append("MAIL_ENCRYPTION_KEYS must be Fernet keys: 32 bytes in URL-safe base64")
    if "@" not in settings.mail_from:
        problems.append("MAIL_FROM must be an address, or a name and an address in <>")
    return problems


def _is_mail_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in SMTP_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_fernet_key(key: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(key)) == 32
    except ValueError:
        return False


def _missing_in_production(settings: Settings) -> list[str]:
    problems = []
    if settings.secret_key == DEVELOPMENT_SECRET or len(settings.secret_key) < 32:
        problems.append("SECRET_KEY must be set to a secret of at least 32 characters")
    if not settings.mail_encryption_keys:
        problems.append("MAIL_ENCRYPTION_KEYS must hold at least one key")
    if not settings.public_url.startswith("https://"):
        problems.append("PUBLIC_URL must be the shop's https:// address")
    if not settings.stripe_api_key or not settings.stripe_webhook_secret:
        problems.append("STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET must be set")
    if not all((settings.graph_tenant_id, settings.graph_client_id, settings.graph_client_secret)):
        problems.append("GRAPH_TENANT_ID, GRAPH_CLIENT_ID and GRAPH_CLIENT_SECRET must be set")
    if not _is_dear_enough(settings.argon2_memory_kib, settings.argon2_passes):
        problems.append(
            "ARGON2_MEMORY_KIB and ARGON2_PASSES must be at least 7168 and 5, or as dear"
        )
    if not settings.rate_limits:
        problems.append("RATE_LIMITS cannot be off")
    return problems


def _is_dear_enough(memory_kib: int, passes: int) -> bool:
    """Whether hashing costs what OWASP asks: 7 MiB five times, or more memory fewer times."""
    return memory_kib >= 7168 and memory_kib * passes >= 7168 * 5
