"""The controls: the sandbox's clock, its switches, and what it asks of the shop."""

from __future__ import annotations

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from sandbox.settings import SandboxSettings

__all__ = ["add_to"]


def add_to(app: Flask, settings: SandboxSettings, csrf: CSRFProtect) -> None:
    """Open the controls: their JSON interface and the page at the sandbox's root."""
    from sandbox.controls import api, desk

    csrf.exempt(api.controls)
    app.register_blueprint(api.controls)
    app.register_blueprint(desk.desk)
