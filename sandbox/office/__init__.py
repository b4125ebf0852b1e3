"""The sandbox Office provider: tenants, users, their devices, and the users' portal."""

from __future__ import annotations

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from sandbox.office.models import TABLES
from sandbox.settings import SandboxSettings

__all__ = ["TABLES", "add_to"]


def add_to(app: Flask, settings: SandboxSettings, csrf: CSRFProtect) -> None:
    """Register the provider: its API for resellers and its portal for users."""
    from sandbox.office import api, portal

    interface = api.blueprint(settings.provider_key)
    csrf.exempt(interface)
    app.register_blueprint(interface)
    app.register_blueprint(portal.portal)
