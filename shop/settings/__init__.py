"""The settings of the shop, read once from environment variables."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from shop.errors import N_
from shop.settings import checks, variables
from shop.settings.defaults import (
    ACCOUNTING_CHART,
    DEVELOPMENT_BANK_KEY,
    DEVELOPMENT_NOTIFICATION_SECRET,
    DEVELOPMENT_PROVIDER_KEY,
    DEVELOPMENT_SECRET,
    MADE_UP_SELLER,
    SMTP_PORTS,
)
from shop.settings.per_process import PerProcess

__all__ = [
    "DEVELOPMENT_BANK_KEY", "DEVELOPMENT_NOTIFICATION_SECRET", "DEVELOPMENT_PROVIDER_KEY",
    "DEVELOPMENT_SECRET", "ROOT", "SMTP_PORTS", "PerProcess", "Seller", "Settings",
    "SettingsError", "current", "environment", "given",
]  # fmt: skip

FROM_FILE = "_FILE"
"""After the name of a variable: its value is the content of a file."""

ROOT = Path(__file__).resolve().parents[2]


class SettingsError(Exception):
    """The settings do not allow the shop to start; the message lists every reason."""


@dataclass(frozen=True)
class Seller:
    """The seller's legal mentions on documents, e-mails and legal pages (``SELLER_*``).

    ``director`` is responsible for what is published, ``host`` stores it (both: law 2004-575,
    article 1-1), ``mediator`` settles disputes with consumers (code de la consommation, L616-1).
    ``vat_on_debits``: the seller opted for French VAT on debits (CGI, article 269, 2, c).
    """

    name: str = MADE_UP_SELLER["name"]
    legal_form: str = MADE_UP_SELLER["legal_form"]
    siren: str = MADE_UP_SELLER["siren"]
    vat_number: str = MADE_UP_SELLER["vat_number"]
    street: str = MADE_UP_SELLER["street"]
    postcode: str = MADE_UP_SELLER["postcode"]
    city: str = MADE_UP_SELLER["city"]
    country: str = "FR"
    email: str = MADE_UP_SELLER["email"]
    phone: str = MADE_UP_SELLER["phone"]
    register: str = MADE_UP_SELLER["register"]
    director: str = MADE_UP_SELLER["director"]
    host: str = MADE_UP_SELLER["host"]
    mediator: str = MADE_UP_SELLER["mediator"]
    mediator_url: str = MADE_UP_SELLER["mediator_url"]
    payment_terms: str = ""
    late_payment_rate: str = N_("three times the French legal interest rate")
    vat_on_debits: bool = False

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Seller:
        """Return the seller of a stored `record`; fields of other releases are ignored."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in record.items() if name in known})

    def record(self) -> dict[str, Any]:
        """Return the seller as invoices store it.

        An option not taken is left out: version 1.1.0 reads no record with a field that it does
        not know.
        """
        record = asdict(self)
        if not self.vat_on_debits:
            del record["vat_on_debits"]
        return record


def _setting(
    name: str,
    default: Any,
    read: variables.Reader = variables.text,
    derive: Callable[[dict[str, Any]], Any] | None = None,
) -> Any:
    """Declare a setting that is read from the environment variable ``name``."""
    return field(default=default, metadata={"variable": variables.Variable(name, read, derive)})


PORTS = variables.count(1, 65535)


@dataclass(frozen=True)
class Settings:
    """The settings of one process. Times are seconds, sizes are counts.

    They are read in the order of the fields: a default may be derived from earlier settings.
    """

    production: bool = _setting("SHOP_ENV", False, variables.environment)
    host: str = _setting("HOST", "127.0.0.1")
    port: int = _setting("PORT", 5000, PORTS)
    sandbox_port: int = _setting(
        "SANDBOX_PORT", 5001, PORTS, lambda known: _next_port(known["port"])
    )
    database_url: str = _setting(
        "DATABASE_URL", "", derive=lambda _: f"sqlite:///{Path.cwd() / 'var' / 'shop.db'}"
    )
    secret_key: str = _setting("SECRET_KEY", DEVELOPMENT_SECRET)
    secret_key_fallbacks: tuple[str, ...] = _setting("SECRET_KEY_FALLBACKS", (), variables.keys)
    smtp_url: str = _setting("SMTP_URL", "")
    redis_url: str = _setting("REDIS_URL", "")
    shop_name: str = _setting("SHOP_NAME", "Nuage")
    public_url: str = _setting("PUBLIC_URL", "", variables.url, lambda known: _public_url(**known))
    sandbox_url: str = _setting(
        "SANDBOX_URL", "", variables.url, lambda known: _sandbox_url(**known)
    )
    sandbox_latency: float = _setting("SANDBOX_LATENCY", 2.0, variables.number(0, 86400))
    sandbox_faults: float = _setting("SANDBOX_FAULTS", 0.0, variables.number(0, 1))
    seller: Seller = field(default_factory=Seller)
    mail_encryption_keys: tuple[str, ...] = _setting(
        "MAIL_ENCRYPTION_KEYS", (), variables.keys, lambda known: _development_keys(**known)
    )
    mail_from: str = _setting(
        "MAIL_FROM", "", derive=lambda known: "{0.name} <{0.email}>".format(known["seller"])
    )
    trusted_proxies: int = _setting("TRUSTED_PROXIES", 0, variables.count(0, 10))
    desk_networks: tuple[str, ...] = _setting("DESK_NETWORKS", (), variables.networks)
    web_processes: int = _setting("WEB_PROCESSES", 2, variables.count(1, 64))
    stop_notice: float = _setting("STOP_NOTICE", 0.5, variables.number(0, 40))
    party_calls: int = _setting("PARTY_CALLS", 6, variables.count(1, 64))
    desk_approval_cents: int = _setting(
        "DESK_APPROVAL_CENTS", 100_000, variables.count(0, 100_000_000_000)
    )
    accounting_chart: tuple[tuple[str, str], ...] = _setting(
        "ACCOUNTING_CHART", (), variables.chart(ACCOUNTING_CHART), lambda _: ACCOUNTING_CHART
    )
    accounting_payouts_from: str = _setting("ACCOUNTING_PAYOUTS_FROM", "", variables.day)
    payout_late_days: int = _setting("PAYOUT_LATE_DAYS", 14, variables.count(1, 92))
    bank_key: str = _setting("SANDBOX_BANK_KEY", DEVELOPMENT_BANK_KEY)
    provider_key: str = _setting("SANDBOX_PROVIDER_KEY", DEVELOPMENT_PROVIDER_KEY)
    notification_secret: str = _setting(
        "SANDBOX_NOTIFICATION_SECRET", DEVELOPMENT_NOTIFICATION_SECRET
    )
    stripe_api_key: str = _setting("STRIPE_API_KEY", "")
    stripe_webhook_secret: str = _setting("STRIPE_WEBHOOK_SECRET", "")
    graph_tenant_id: str = _setting("GRAPH_TENANT_ID", "")
    graph_client_id: str = _setting("GRAPH_CLIENT_ID", "")
    graph_client_secret: str = _setting("GRAPH_CLIENT_SECRET", "")
    portal_url: str = _setting("PORTAL_URL", "")
    office_domain: str = _setting("OFFICE_DOMAIN", "o365.example", variables.domain)
    argon2_memory_kib: int = _setting("ARGON2_MEMORY_KIB", 19456, variables.count(8, 4194304))
    argon2_passes: int = _setting("ARGON2_PASSES", 2, variables.count(1, 100))
    rate_limits: bool = _setting("RATE_LIMITS", True, variables.switch)
    job_lease: float = _setting("JOB_LEASE", 20.0, variables.number(1, 3600))

    @property
    def secret_keys(self) -> list[str]:
        """All keys whose signatures are valid, oldest first: the last one signs (itsdangerous)."""
        return [*reversed(self.secret_key_fallbacks), self.secret_key]

    @property
    def uses_sandbox_bank(self) -> bool:
        """Whether cards are taken by the sandbox bank rather than by Stripe."""
        return not self.stripe_api_key

    @property
    def uses_sandbox_provider(self) -> bool:
        """Whether Office comes from the sandbox provider rather than from Microsoft Graph."""
        return not self.graph_client_id

    @property
    def uses_any_sandbox(self) -> bool:
        """Whether the bank or the Office provider is the sandbox's; never in production."""
        return not self.production and (self.uses_sandbox_bank or self.uses_sandbox_provider)

    @property
    def uses_sandbox(self) -> bool:
        """Whether the sandbox's clock and switches control this shop."""
        return not self.production and self.uses_sandbox_bank and self.uses_sandbox_provider

    @property
    def portal_sign_in_url(self) -> str:
        """The URL at which users sign in to install Office."""
        if self.portal_url:
            return self.portal_url
        if self.uses_sandbox_provider:
            return f"{self.sandbox_url}/portal"
        return "https://portal.office.com"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from ``environ`` (the process's own by default).

        Raise `SettingsError` for a value that cannot be read, and in production
        (``SHOP_ENV=production``) for a missing or default secret.
        """
        return _read(os.environ if environ is None else environ)


def environment() -> dict[str, Any]:
    """Return the names of all environment variables that are read, with their defaults.

    A default that is derived from other settings is None.
    """
    declared = [(each, each.metadata.get("variable")) for each in fields(Settings)]
    found = {
        variable.name: None if variable.derive else each.default
        for each, variable in declared
        if variable
    }
    return found | {_seller_variable(each.name): each.default for each in fields(Seller)}


def given(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that are set, with their values.

    A value may also be the content of the file that ``NAME_FILE`` names, as stores of secrets
    write it. Raise `SettingsError` for a file that cannot be read.
    """
    env = os.environ if environ is None else environ
    found: dict[str, str] = {}
    problems: list[str] = []
    for name in environment():
        path, value = env.get(f"{name}{FROM_FILE}", "").strip(), env.get(name, "")
        if path and value.strip():
            problems.append(f"{name} and {name}{FROM_FILE} cannot both be set")
        if path:
            try:
                value = Path(path).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"{name}{FROM_FILE} cannot be read: {type(error).__name__}")
        if value.strip():
            found[name] = value
    if problems:
        raise SettingsError(_explained(problems))
    return found


def _explained(problems: list[str]) -> str:
    return "The shop cannot start:\n- " + "\n- ".join(problems)


def _read(environ: Mapping[str, str]) -> Settings:
    env = given(environ)
    problems: list[str] = []
    known: dict[str, Any] = {}
    for each in fields(Settings):
        if each.name == "seller":
            known["seller"] = _seller(env, problems)
            continue
        try:
            known[each.name] = _value(each, env, known)
        except variables.InvalidSetting as invalid:
            problems.append(str(invalid))
            known[each.name] = _value(each, {}, known)
    settings = Settings(**known)
    problems += checks.problems_of(settings, env)
    if problems:
        raise SettingsError(_explained(problems))
    return settings


def _value(setting: Field[Any], env: Mapping[str, str], known: dict[str, Any]) -> Any:
    """Read the value of a setting; its default where the variable is missing or blank."""
    variable: variables.Variable = setting.metadata["variable"]
    if raw := env.get(variable.name, "").strip():
        value = variable.read(variable.name, raw)
        if value not in ("", ()):
            return value
    return variable.derive(known) if variable.derive else setting.default


def _seller(env: Mapping[str, str], problems: list[str]) -> Seller:
    texts = {each.name: env.get(_seller_variable(each.name), "").strip() for each in fields(Seller)}
    given: dict[str, Any] = {name: text for name, text in texts.items() if text}
    if option := given.pop("vat_on_debits", ""):
        try:
            given["vat_on_debits"] = variables.option(_seller_variable("vat_on_debits"), option)
        except variables.InvalidSetting as invalid:
            problems.append(str(invalid))
    return replace(Seller(), **given)


def _seller_variable(field_name: str) -> str:
    return f"SELLER_{field_name.upper()}"


def _public_url(*, host: str, port: int, **_: Any) -> str:
    return f"http://{_browser_host(host)}:{port}"


def _sandbox_url(*, host: str, sandbox_port: int, **_: Any) -> str:
    # Another host name makes the sandbox a different *site* to the browser, as a real bank is:
    # another port alone would be the same site, and leave SameSite cookies untested.
    visible = _browser_host(host)
    loopback = "[::1]" if ":" in host else "127.0.0.1"
    return f"http://{loopback if visible == 'localhost' else visible}:{sandbox_port}"


def _browser_host(host: str) -> str:
    """Return the host name with which a browser on this machine reaches a server on ``host``."""
    if host in {"127.0.0.1", "0.0.0.0", "::", "::1"}:
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _next_port(port: int) -> int:
    """Return the port above another one, or the port below it if there is none above."""
    return port + 1 if port < 65535 else port - 1


def _development_keys(
    *, production: bool, secret_key: str, secret_key_fallbacks: tuple[str, ...], **_: Any
) -> tuple[str, ...]:
    secrets = () if production else (secret_key, *secret_key_fallbacks)
    former = tuple(map(_derived_key, secrets))
    return tuple(f"gcm:{key}" for key in former) + former


def _derived_key(secret: str) -> str:
    """Derive an e-mail encryption key for development, so that none must be configured."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"mail:" + secret.encode()).digest()).decode()


current = PerProcess(Settings)
"""The settings of this process."""
