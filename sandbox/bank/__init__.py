"""The sandbox bank: accepts test cards, keeps a ledger, sends notifications to the shop."""

from __future__ import annotations

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from sandbox.bank.models import TABLES
from sandbox.settings import SandboxSettings

__all__ = ["TABLES", "add_to"]


def add_to(app: Flask, settings: SandboxSettings, csrf: CSRFProtect) -> None:
    """Register the bank: its API for merchants and its pages for customers."""
    from sandbox.bank import api, pages

    interface = api.blueprint(settings.bank_key)
    csrf.exempt(interface)
    app.register_blueprint(interface)
    app.register_blueprint(pages.pages)
