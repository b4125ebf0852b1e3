"""The sandbox's settings, read once from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


class SandboxSettingsError(Exception):
    """The environment holds a value that is not valid."""


@dataclass(frozen=True)
class SandboxSettings:
    """The settings of a sandbox. Times are in seconds."""

    host: str = "127.0.0.1"
    port: int = 5001
    url: str = "http://127.0.0.1:5001"
    shop_url: str = "http://localhost:5000"
    shop_name: str = "Nuage"
    database: str = "var/sandbox.db"
    latency: float = 2.0
    faults: float = 0.0
    bank_key: str = "sandbox-bank-key"
    provider_key: str = "sandbox-provider-key"
    notification_secret: str = "sandbox-notification-secret"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> SandboxSettings:
        """Read the settings from ``environ`` (the process's own by default).

        Raises `SandboxSettingsError` for a value that cannot be read.
        """
        return _read(os.environ if environ is None else environ)


def _read(env: Mapping[str, str]) -> SandboxSettings:
    default = SandboxSettings()

    def text(name: str, otherwise: str) -> str:
        return env.get(name, "").strip() or otherwise

    host = text("HOST", default.host)
    shop_port = int(_number(env, "PORT", 5000, 1, 65535))
    next_port = shop_port + 1 if shop_port < 65535 else shop_port - 1
    port = int(_number(env, "SANDBOX_PORT", next_port, 1, 65535))
    is_here = host in {"127.0.0.1", "0.0.0.0", "::", "::1"}
    bracketed = f"[{host}]" if ":" in host else host
    # The sandbox has another host name than the shop, so that browsers see another site.
    loopback = "[::1]" if ":" in host else "127.0.0.1"
    visible, other = ("localhost", loopback) if is_here else (bracketed, bracketed)
    return SandboxSettings(
        host=host,
        port=port,
        url=text("SANDBOX_URL", f"http://{other}:{port}").rstrip("/"),
        shop_url=text("PUBLIC_URL", f"http://{visible}:{shop_port}").rstrip("/"),
        shop_name=text("SHOP_NAME", default.shop_name),
        database=text("SANDBOX_DATABASE", default.database),
        latency=_number(env, "SANDBOX_LATENCY", default.latency, 0, 86400),
        faults=_number(env, "SANDBOX_FAULTS", default.faults, 0, 1),
        bank_key=text("SANDBOX_BANK_KEY", default.bank_key),
        provider_key=text("SANDBOX_PROVIDER_KEY", default.provider_key),
        notification_secret=text("SANDBOX_NOTIFICATION_SECRET", default.notification_secret),
    )


def _number(env: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    raw = env.get(name, "").strip()
    try:
        value = float(raw) if raw else default
    except ValueError:
        raise SandboxSettingsError(f"{name} is not a number: {raw!r}") from None
    if not low <= value <= high:
        raise SandboxSettingsError(f"{name} must lie between {low:g} and {high:g}: {raw}")
    return value
