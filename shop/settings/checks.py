"""Checks of the settings before the shop starts."""

from __future__ import annotations

import base64
from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shop.settings.defaults import (
    DEVELOPMENT_BANK_KEY,
    DEVELOPMENT_NOTIFICATION_SECRET,
    DEVELOPMENT_PROVIDER_KEY,
    DEVELOPMENT_SECRET,
    MADE_UP_SELLER,
    SMTP_PORTS,
)
from shop.settings.encryption_in_transit import is_local, unencrypted

if TYPE_CHECKING:
    from shop.settings import Settings


UNIQUE_MENTIONS = {
    "name", "siren", "vat_number", "email", "phone", "host", "mediator", "mediator_url"
}  # fmt: skip
"""The mentions that a real company cannot share with the made-up one, unlike the town."""


def problems_of(settings: Settings, given: Collection[str]) -> list[str]:
    """Return the reasons why the shop must not start with these settings, a sentence each.

    ``given`` are the names of the variables that the environment sets.
    """
    problems = _database_problems(settings) + _mail_problems(settings) + _port_problems(settings)
    if settings.production:
        return problems + _missing_in_production(settings, given)
    return problems + _development_secrets(settings)


def _database_problems(settings: Settings) -> list[str]:
    if _is_database(settings.database_url):
        return []
    return ["DATABASE_URL must be sqlite:///path or postgresql://user:password@host/name"]


def _is_database(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_name = len(parts.path) > 1 and parts.port != 0
    except ValueError:
        return False
    if parts.scheme == "sqlite":
        return has_name and not parts.netloc
    return has_name and parts.scheme in {"postgresql", "postgres"}


def _port_problems(settings: Settings) -> list[str]:
    if settings.port == settings.sandbox_port and settings.uses_any_sandbox:
        return ["SANDBOX_PORT must differ from PORT"]
    return []


def _development_secrets(settings: Settings) -> list[str]:
    """Return a problem if a publicly known secret is used together with a real outside party.

    This does not depend on ``SHOP_ENV``.
    """
    if not (parties := real_parties(settings)):
        return []
    known = {
        "SECRET_KEY": settings.secret_key == DEVELOPMENT_SECRET,
        "SECRET_KEY_FALLBACKS": DEVELOPMENT_SECRET in settings.secret_key_fallbacks,
        "SANDBOX_BANK_KEY": settings.uses_sandbox_bank
        and settings.bank_key == DEVELOPMENT_BANK_KEY,
        "SANDBOX_PROVIDER_KEY": settings.uses_sandbox_provider
        and settings.provider_key == DEVELOPMENT_PROVIDER_KEY,
        "SANDBOX_NOTIFICATION_SECRET": settings.uses_any_sandbox
        and settings.notification_secret == DEVELOPMENT_NOTIFICATION_SECRET,
    }
    names = ", ".join(name for name, is_known in known.items() if is_known)
    if not names:
        return []
    return [f"{names} must be set to secrets of your own, since {parties[0]} is real"]


def real_parties(settings: Settings) -> list[str]:
    """Return the outside parties that are not a stand-in on this machine, by their variable."""
    real = {
        "the bank of STRIPE_API_KEY": not settings.uses_sandbox_bank,
        "the provider of GRAPH_CLIENT_ID": not settings.uses_sandbox_provider,
        "the mail server of SMTP_URL": settings.smtp_url and not is_local(settings.smtp_url),
    }
    return [name for name, is_real in real.items() if is_real]


def _mail_problems(settings: Settings) -> list[str]:
    """Return the problems that would prevent e-mails from being encrypted and sent."""
    problems = []
    if settings.smtp_url and not _is_mail_server(settings.smtp_url):
        problems.append("SMTP_URL must be smtp://, smtp+starttls:// or smtps://host[:port]")
    if not all(_is_encryption_key(key) for key in settings.mail_encryption_keys):
        problems.append(
            "MAIL_ENCRYPTION_KEYS must be 32 bytes in URL-safe base64 each, with gcm: before them"
        )
    if "@" not in settings.mail_from:
        problems.append("MAIL_FROM must be an address, or a name and an address in <>")
    return problems


def _is_mail_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in SMTP_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_encryption_key(key: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(key.removeprefix("gcm:"))) == 32
    except ValueError:
        return False


def _missing_in_production(settings: Settings, given: Collection[str]) -> list[str]:
    problems = _seller_problems(settings, given) + unencrypted(settings)
    if not settings.smtp_url:
        problems.append("SMTP_URL must name the mail server: customers wait for their e-mails")
    if "TRUSTED_PROXIES" not in given:
        problems.append("TRUSTED_PROXIES must be set: the number of proxies in front, 0 if none")
    if settings.secret_key == DEVELOPMENT_SECRET or len(settings.secret_key) < 32:
        problems.append("SECRET_KEY must be set to a secret of at least 32 characters")
    if any(key == DEVELOPMENT_SECRET or len(key) < 32 for key in settings.secret_key_fallbacks):
        problems.append("SECRET_KEY_FALLBACKS must be secrets of at least 32 characters each")
    if not settings.mail_encryption_keys:
        problems.append("MAIL_ENCRYPTION_KEYS must hold at least one key")
    if not _is_site(settings.public_url):
        problems.append("PUBLIC_URL must be the shop's https:// address, without a path")
    if not settings.stripe_api_key or not settings.stripe_webhook_secret:
        problems.append("STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET must be set")
    if not all((settings.graph_tenant_id, settings.graph_client_id, settings.graph_client_secret)):
        problems.append("GRAPH_TENANT_ID, GRAPH_CLIENT_ID and GRAPH_CLIENT_SECRET must be set")
    if not _is_hashing_strong_enough(settings.argon2_memory_kib, settings.argon2_passes):
        problems.append(
            "ARGON2_MEMORY_KIB and ARGON2_PASSES must be at least 7168 and 5, or an equal cost"
        )
    if not settings.rate_limits:
        problems.append("RATE_LIMITS cannot be off")
    return problems


def _is_site(url: str) -> bool:
    """Return whether a URL is that of a whole site: all links begin with it."""
    try:
        parts = urlsplit(url)
        is_host = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
        return is_host and url == f"https://{parts.netloc}"
    except ValueError:
        return False


def _seller_problems(settings: Settings, given: Collection[str]) -> list[str]:
    if not settings.seller.mediator_url.startswith(("https://", "http://")):
        return ["SELLER_MEDIATOR_URL must be the https:// address of the mediator's pages"]
    if not (names := made_up_mentions(settings, given)):
        return []
    return [f"{', '.join(names)} must be set to your company's: the seller is still made up"]


def made_up_mentions(settings: Settings, given: Collection[str]) -> list[str]:
    """Return the variables of the invoices' legal mentions that are missing or the example's."""
    mentions = {f"SELLER_{name.upper()}": name for name in MADE_UP_SELLER}
    return [
        variable
        for variable, name in mentions.items()
        if variable not in given
        or (name in UNIQUE_MENTIONS and getattr(settings.seller, name) == MADE_UP_SELLER[name])
    ]


def _is_hashing_strong_enough(memory_kib: int, passes: int) -> bool:
    """Return whether hashing meets OWASP's minimum: 7 MiB and 5 passes, or an equal cost."""
    return memory_kib >= 7168 and memory_kib * passes >= 7168 * 5
