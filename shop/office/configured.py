"""Which provider runs Office: the one the settings name, behind one interface."""

from __future__ import annotations

from shop import settings
from shop.office.protocol import OfficeProvider

_provider: OfficeProvider | None = None


def provider() -> OfficeProvider:
    """The provider of this process."""
    global _provider
    if _provider is None:
        _provider = _configured(settings.current())
    return _provider


def use(replacement: OfficeProvider | None) -> None:
    """Get Office from another provider from now on; None goes back to the configured one."""
    global _provider
    _provider = replacement


def _configured(configured: settings.Settings) -> OfficeProvider:
    if configured.uses_sandbox_provider:
        from shop.office.sandbox import SandboxProvider

        return SandboxProvider(configured.sandbox_url, configured.provider_key)
    from shop.office.graph import GraphProvider

    return GraphProvider(
        configured.graph_tenant_id,
        configured.graph_client_id,
        configured.graph_client_secret,
        usage_location=configured.seller.country,
    )
