"""The operator's commands: ``flask --app app …``."""

from __future__ import annotations

from flask import Flask

from cli.billing import billing, price_list
from cli.customers import customers, letters, secrets
from cli.exchange import exchange
from cli.jobs import jobs
from cli.orders import orders
from cli.setup import demo_data, migrate, worker

GROUPS = (orders, billing, price_list, letters, secrets, customers, exchange, jobs, demo_data)


def init_app(app: Flask) -> None:
    """Make the commands known to ``flask``."""
    for command in (*GROUPS, migrate, worker):
        app.cli.add_command(command)
