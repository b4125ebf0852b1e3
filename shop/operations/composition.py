"""The composition root of a process (web server, worker or command): its settings, and the outside
parties created from them."""

from __future__ import annotations

from shop import database, jobs, mail
from shop import settings as shop_settings
from shop.customers import data_export, password_changes, passwords
from shop.delivery import additions, installation, passwords_of_files, seat_jobs
from shop.invoicing import order_invoices
from shop.licences.seats import import_job, selection_job
from shop.office import configured, stock
from shop.orders import orders, withdrawals
from shop.orders.contracts import announcements
from shop.payments import (
    card_setups,
    cards,
    disputes,
    gateways,
    outcomes,
    payments,
    payouts,
    refunds,
)
from shop.personal_data import retention
from shop.pricing import catalogue, catalogue_version
from shop.publishing import notices
from shop.sandbox_link import test_points
from shop.security import proxies, rate_limits, signing
from shop.settings import Settings
from shop.subscriptions import (
    dunning,
    ending,
    give_back_selections,
    give_backs,
    previews,
    renewal_notices,
    renewals,
    sign_ins,
    suspension,
    vat_checks,
)
from shop.vat import confirmation, registry

HANDLERS = (
    additions, announcements, card_setups, cards, confirmation, data_export, disputes, dunning,
    ending, give_back_selections, give_backs, import_job, installation, mail, notices,
    order_invoices, orders, outcomes, password_changes, passwords_of_files, payments, payouts,
    previews, refunds, renewal_notices, renewals, retention, seat_jobs, selection_job, sign_ins,
    stock, suspension, vat_checks, withdrawals,
)  # fmt: skip
"""Every module with job handlers: web servers queue the jobs, workers run them."""


def set_up(settings: Settings) -> None:
    """Configure this process by ``settings``: database, queue, rate limits and outside parties."""
    if forgotten := list(jobs.without_handler()):
        raise RuntimeError(f"HANDLERS lacks the module of {', '.join(forgotten)}")
    signing.use_sha256()
    shop_settings.current.set_factory(lambda: settings)
    database.bind(settings.database_url)
    catalogue.kept.set_factory(catalogue.keep_offers)
    catalogue_version.kept.set_factory(catalogue_version.keep_moments)
    rate_limits.limiter.set_factory(lambda: rate_limits.limiter_for(settings))
    proxies.throttle.set_factory(proxies.once_a_minute)
    passwords.hashing.set_factory(
        lambda: passwords.Hashing(settings.argon2_memory_kib, settings.argon2_passes)
    )
    registry.registry.set_factory(lambda: registry.registry_for(settings))
    gateways.gateway.set_factory(lambda: gateways.gateway_for(settings))
    configured.provider.set_factory(lambda: configured.provider_for(settings))
    renewals.queued.set_factory(set)
    test_points.controls.set_factory(lambda: _controls(settings))


def _controls(settings: Settings) -> test_points.Controls:
    if not settings.uses_sandbox:
        return test_points.Production()
    from shop.sandbox_link.switches import Switches

    return Switches()
