"""The application factory: settings, extensions, blueprints, error pages and commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, request
from flask_compress import Compress
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

import cli
import models
from cli import preparing
from desk import access as desk_access
from desk import desk
from manager import manager
from shop.customers import sessions
from shop.operations import composition
from shop.settings import Settings
from storefront import storefront
from web import (
    access_log,
    auth,
    context_objects,
    cookies,
    error_pages,
    form_origins,
    headers,
    help_links,
    hosts,
    input_filter,
    languages,
    logs,
    offers,
    proxies,
    search_engines,
    urls,
    viewing,
    work_limits,
)
from web.arguments import BoundedJson
from web.assets import Assets
from web.machines.monitoring import monitoring
from web.machines.webhooks import webhooks
from web.page_templates import PageEnvironment
from web.shared_pages import SharedPages


class Shop(Flask):
    """Flask with views that are plain functions."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function. Flask would ask at each call whether it is a coroutine's."""
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """Create the application from ``settings``, by default those of the environment.

    Raises `shop.settings.SettingsError` if the settings do not allow it to start.
    """
    with preparing.settings_explained():
        settings = settings or Settings.from_environment()
    context_objects.read_directly()
    app = Shop(__name__)
    app.jinja_environment = PageEnvironment
    app.json = BoundedJson(app)
    app.session_interface = cookies.Sessions()
    app.config.update(_flask_settings(settings))
    app.extensions["settings"] = settings
    logs.set_up(settings)
    composition.set_up(settings)
    _connect_web(app, settings)
    cli.init_app(app)
    return app


def _flask_settings(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": settings.secret_key,
        "SECRET_KEY_FALLBACKS": list(settings.secret_key_fallbacks),
        "WTF_CSRF_SECRET_KEY": settings.secret_keys,
        "SESSION_COOKIE_NAME": cookies.name_of("shop_session", production=settings.production),
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.public_url.startswith("https://"),
        "PERMANENT_SESSION_LIFETIME": sessions.LONGEST,
        "SESSION_REFRESH_EACH_REQUEST": False,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,  # `form_origins` does it, for browsers without Referer too.
        "MAX_CONTENT_LENGTH": 4 * 1024 * 1024,
        "TEMPLATES_AUTO_RELOAD": False,
    }


def _connect_web(app: Flask, settings: Settings) -> None:
    access_log.init_app(app)
    hosts.init_app(app, settings)
    _open_database_for_requests(app)
    proxies.init_app(app, settings)
    input_filter.init_app(app)
    work_limits.init_app(app)
    error_pages.init_app(app)
    languages.init_app(app)
    offers.init_app(app)
    search_engines.init_app(app, settings)
    auth.init_app(app)
    viewing.init_app(app)
    headers.init_app(app, settings)
    # Before CSRF: without a sign-in to the desk, its forms do not exist either.
    desk_access.init_app(app)
    csrf = form_origins.FormProtection(app, production=settings.production)
    csrf.exempt(webhooks)
    Compress(app)
    assets = Assets(settings)
    app.extensions["assets"] = assets
    page_urls = app.extensions["page_urls"] = urls.PageUrls(app)
    # Globals, because components are imported without the page's context.
    app.jinja_env.globals |= {
        "url_for": page_urls,
        "asset": assets.url,
        "has_asset": assets.has,
        "public_url": lambda: settings.public_url,
    }
    help_links.init_app(app, page_urls)
    for blueprint in (webhooks, monitoring, storefront, manager, viewing.viewing, desk):
        app.register_blueprint(blueprint)
    if settings.uses_sandbox:
        _register_sandbox_controls(app, csrf)

    @app.context_processor
    def _names() -> dict[str, Any]:
        return {
            "shop_name": settings.shop_name,
            "settings": settings,
        }

    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=str(app.static_folder),
        prefix="static/",
        max_age=3600,
        allow_all_origins=False,
        add_headers_function=headers.on_files(settings),
    )
    pages = SharedPages(app, settings, assets)
    app.extensions["shared_pages"] = pages
    app.wsgi_app = pages  # type: ignore[method-assign]
    if settings.trusted_proxies:
        # Each proxy adds to X-Forwarded-For; of scheme and host the nearest one says how it is.
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_port=1, x_host=1)  # type: ignore[method-assign]


def _register_sandbox_controls(app: Flask, csrf: form_origins.FormProtection) -> None:
    """Register the routes by which the sandbox moves the clock; not imported in production."""
    from web.machines.sandbox_controls import sandbox_controls

    csrf.exempt(sandbox_controls)
    app.register_blueprint(sandbox_controls)


NEED_NO_DATABASE = {
    "static", "monitoring.healthz", "monitoring.readyz", "webhooks.doctor",
    "storefront.robots_txt", "storefront.sitemap", "storefront.manifest", "storefront.favicon",
    "storefront.touch_icon", "storefront.change_password", "storefront.security_txt",
}  # fmt: skip


def _open_database_for_requests(app: Flask) -> None:
    @app.before_request
    def _open() -> None:
        if request.endpoint in NEED_NO_DATABASE:
            return
        models.database.connect(reuse_if_open=True)
        auth.follow_clock()

    @app.teardown_request
    def _close(_: BaseException | None) -> None:
        if not models.database.is_closed():
            models.database.close()
