"""The configured Office provider: the one named in the settings."""

from __future__ import annotations

from shop.office.protocol import OfficeProvider
from shop.settings import PerProcess, Settings

provider = PerProcess[OfficeProvider]()
"""The provider of this process."""


def provider_for(settings: Settings) -> OfficeProvider:
    """Return the provider named in the settings."""
    if settings.uses_sandbox_provider:
        from shop.office.sandbox import SandboxProvider

        return SandboxProvider(settings.sandbox_url, settings.provider_key)
    from shop.office.graph import GraphProvider

    return GraphProvider(
        settings.graph_tenant_id,
        settings.graph_client_id,
        settings.graph_client_secret,
        usage_location=settings.seller.country,
    )
