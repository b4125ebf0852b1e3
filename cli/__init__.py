"""The operator's commands: ``flask --app app …``."""

from __future__ import annotations

from flask import Flask

from cli.accounting import accounting
from cli.audit import audit
from cli.backups import backup, restore
from cli.billing import billing, price_list
from cli.customers import customers, letters, secrets
from cli.doctor import doctor, version
from cli.exchange import exchange
from cli.jobs import jobs
from cli.orders import orders
from cli.papers import papers
from cli.preparing import prepare
from cli.retention import retention
from cli.services import services
from cli.setup import check_database, demo_data, migrate, worker
from cli.staff import staff
from cli.vat import vat

GROUPS = (
    orders, services, billing, price_list, letters, secrets, customers, exchange, jobs, demo_data,
    vat, papers, accounting, staff,
)  # fmt: skip
COMMANDS = (
    *GROUPS,
    migrate,
    check_database,
    worker,
    audit,
    retention,
    backup,
    restore,
    doctor,
    version,
)

for each in COMMANDS:
    prepare(each)


def init_app(app: Flask) -> None:
    """Register the commands with ``flask``."""
    for command in COMMANDS:
        app.cli.add_command(command)
