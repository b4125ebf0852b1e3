"""The controls: the sandbox's clock, its switches, and its calls to the shop."""

from __future__ import annotations

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from sandbox.settings import SandboxSettings

__all__ = ["add_to"]


def add_to(app: Flask, settings: SandboxSettings, csrf: CSRFProtect) -> None:
    """Register the controls: their JSON API and the page at the sandbox's root."""
    from sandbox.controls import api, desk

    csrf.exempt(api.controls)
    app.register_blueprint(api.controls)
    app.register_blueprint(desk.desk)
