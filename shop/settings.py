"""Everything the shop is told from outside, read once from the environment."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from shop.errors import N_

ROOT = Path(__file__).resolve().parent.parent

DEVELOPMENT_SECRET = "development-secret-not-for-production"
DEVELOPMENT_BANK_KEY = "sandbox-bank-key"
DEVELOPMENT_PROVIDER_KEY = "sandbox-provider-key"
DEVELOPMENT_NOTIFICATION_SECRET = "sandbox-notification-secret"


SMTP_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
"""The ways to reach a mail server, and the port of each where the address names none."""


class SettingsError(Exception):
    """The environment does not describe a shop that may start; the message names every reason."""


@dataclass(frozen=True)
class Seller:
    """Who sells: the legal mentions of every purchase order and invoice (``SELLER_*``)."""

    name: str = "Nuage & Cie"
    legal_form: str = "SAS au capital de 100 000 €"
    siren: str = "732829320"
    vat_number: str = "FR44732829320"
    street: str = "2 rue du Faubourg"
    postcode: str = "59100"
    city: str = "Roubaix"
    country: str = "FR"
    email: str = "facturation@example.com"
    payment_terms: str = ""
    late_payment_rate: str = N_("three times the French legal interest rate")


@dataclass(frozen=True)
class Settings:
    """The settings of one process. Times are seconds, sizes are counts."""

    production: bool = False
    host: str = "127.0.0.1"
    port: int = 5000
    sandbox_port: int = 5001
    database_url: str = ""
    secret_key: str = DEVELOPMENT_SECRET
    smtp_url: str = ""
    redis_url: str = ""
    shop_name: str = "Nuage"
    public_url: str = ""
    sandbox_url: str = ""
    sandbox_latency: float = 2.0
    sandbox_faults: float = 0.0
    seller: Seller = field(default_factory=Seller)
    mail_encryption_keys: tuple[str, ...] = ()
    mail_from: str = ""
    trusted_proxies: int = 0
    web_processes: int = 2
    bank_key: str = DEVELOPMENT_BANK_KEY
    provider_key: str = DEVELOPMENT_PROVIDER_KEY
    notification_secret: str = DEVELOPMENT_NOTIFICATION_SECRET
    stripe_api_key: str = ""
    stripe_webhook_secret: str = ""
    graph_tenant_id: str = ""
    graph_client_id: str = ""
    graph_client_secret: str = ""
    portal_url: str = ""
    office_domain: str = "o365.example"
    argon2_memory_kib: int = 19456
    argon2_passes: int = 2
    rate_limits: bool = True
    job_lease: float = 20.0

    @property
    def uses_sandbox_bank(self) -> bool:
        """Whether cards are taken by the sandbox bank rather than by Stripe."""
        return not self.stripe_api_key

    @property
    def uses_sandbox_provider(self) -> bool:
        """Whether Office comes from the sandbox provider rather than from Microsoft Graph."""
        return not self.graph_client_id

    @property
    def uses_sandbox(self) -> bool:
        """Whether the sandbox's clock and switches may reach this shop."""
        return not self.production and self.uses_sandbox_bank and self.uses_sandbox_provider

    @property
    def portal_address(self) -> str:
        """Where people sign in to install Office."""
        if self.portal_url:
            return self.portal_url
        if self.uses_sandbox_provider:
            return f"{self.sandbox_url}/portal"
        return "https://portal.office.com"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from ``environ`` (the process's own by default).

        Raises `SettingsError` for a value that cannot be read, and in production
        (``SHOP_ENV=production``) for a missing or default secret.
        """
        return _read(os.environ if environ is None else environ)


def _read(env: Mapping[str, str]) -> Settings:
    problems: list[str] = []

    def text(name: str, default: str = "") -> str:
        return env.get(name, "").strip() or default

    def number(name: str, default: float, low: float, high: float) -> float:
        raw = text(name)
        if not raw:
            return default
        try:
            value = float(raw)
        except ValueError:
            problems.append(f"{name} is not a number: {raw!r}")
            return default
        if not low <= value <= high:
            problems.append(f"{name} must lie between {low:g} and {high:g}: {raw}")
            return default
        return value

    environment = text("SHOP_ENV", "development")
    if environment not in {"development", "production"}:
        problems.append(f"SHOP_ENV is 'development' or 'production', not {environment!r}")
    production = environment == "production"
    host = text("HOST", "127.0.0.1")
    port = int(number("PORT", 5000, 1, 65535))
    sandbox_port = int(number("SANDBOX_PORT", port + 1, 1, 65535))
    visible_host = "localhost" if host in {"127.0.0.1", "0.0.0.0", "::", "::1"} else host
    # Another name of the same machine makes the sandbox another *site* to the browser, as a
    # real bank is: ports alone would leave SameSite cookies untested.
    sandbox_host = "127.0.0.1" if visible_host == "localhost" else visible_host
    seller = Seller(
        **{
            key: text(f"SELLER_{key.upper()}", str(default))
            for key, default in vars(Seller()).items()
        }
    )
    secret_key = text("SECRET_KEY", DEVELOPMENT_SECRET)
    settings = Settings(
        production=production,
        host=host,
        port=port,
        sandbox_port=sandbox_port,
        database_url=text("DATABASE_URL", f"sqlite:///{Path.cwd() / 'var' / 'shop.db'}"),
        secret_key=secret_key,
        smtp_url=text("SMTP_URL"),
        redis_url=text("REDIS_URL"),
        shop_name=text("SHOP_NAME", "Nuage"),
        public_url=text("PUBLIC_URL", f"http://{visible_host}:{port}").rstrip("/"),
        sandbox_url=text("SANDBOX_URL", f"http://{sandbox_host}:{sandbox_port}").rstrip("/"),
        sandbox_latency=number("SANDBOX_LATENCY", 2.0, 0, 86400),
        sandbox_faults=number("SANDBOX_FAULTS", 0.0, 0, 1),
        seller=seller,
        mail_encryption_keys=tuple(text("MAIL_ENCRYPTION_KEYS").replace(",", " ").split())
        or (() if production else (_derived_key(secret_key),)),
        mail_from=text("MAIL_FROM", f"{seller.name} <{seller.email}>"),
        trusted_proxies=int(number("TRUSTED_PROXIES", 0, 0, 10)),
        web_processes=int(number("WEB_PROCESSES", 2, 1, 64)),
        bank_key=text("SANDBOX_BANK_KEY", DEVELOPMENT_BANK_KEY),
        provider_key=text("SANDBOX_PROVIDER_KEY", DEVELOPMENT_PROVIDER_KEY),
        notification_secret=text("SANDBOX_NOTIFICATION_SECRET", DEVELOPMENT_NOTIFICATION_SECRET),
        stripe_api_key=text("STRIPE_API_KEY"),
        stripe_webhook_secret=text("STRIPE_WEBHOOK_SECRET"),
        graph_tenant_id=text("GRAPH_TENANT_ID"),
        graph_client_id=text("GRAPH_CLIENT_ID"),
        graph_client_secret=text("GRAPH_CLIENT_SECRET"),
        portal_url=text("PORTAL_URL"),
        office_domain=text("OFFICE_DOMAIN", "o365.example").lower().strip("."),
        argon2_memory_kib=int(number("ARGON2_MEMORY_KIB", 19456, 8, 4194304)),
        argon2_passes=int(number("ARGON2_PASSES", 2, 1, 100)),
        job_lease=number("JOB_LEASE", 20.0, 1, 3600),
        rate_limits=text("RATE_LIMITS", "on") != "off",
    )
    problems += _mail_problems(settings)
    if production:
        problems += _missing_in_production(settings)
    if problems:
        raise SettingsError("The shop cannot start:\n- " + "\n- ".join(problems))
    return settings


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


def _derived_key(secret: str) -> str:
    """A mail key for development, so that a fresh machine needs no key of its own."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"mail:" + secret.encode()).digest()).decode()


T = TypeVar("T")


class PerProcess(Generic[T]):
    """What a process has one of: its settings, or a party made from them.

    Calling it gives the one of this process, made when it is first asked for. `set_up` in
    `shop.operations.composition` says how; setting up again with other settings makes another.
    """

    def __init__(self, make: Callable[[], T] | None = None) -> None:
        self._make = make
        self._made: T | None = None
        self._stand_in: T | None = None
        self._lock = threading.Lock()

    def __call__(self) -> T:
        """The one of this process."""
        if self._stand_in is not None:
            return self._stand_in
        made = self._made
        return self._make_once() if made is None else made

    def _make_once(self) -> T:
        with self._lock:
            if self._made is None:
                if self._make is None:
                    raise RuntimeError("set_up() comes first")
                self._made = self._make()
            return self._made

    def made_by(self, make: Callable[[], T]) -> None:
        """Have it made so from now on; the one made before is forgotten."""
        with self._lock:
            self._make, self._made = make, None

    @contextmanager
    def using(self, stand_in: T) -> Iterator[T]:
        """Put another one in its place for a while, whatever is set up meanwhile (for tests)."""
        before, self._stand_in = self._stand_in, stand_in
        try:
            yield stand_in
        finally:
            self._stand_in = before


current = PerProcess(Settings)
"""The settings of this process."""
