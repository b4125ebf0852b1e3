"""Shared by the operator's commands: the actor's name, finding customers, showing refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from models import Account
from shop.errors import Refusal

OPERATOR = "operator"
"""The actor recorded in the history for the actions of commands."""


def find_customer(nic_handle: str) -> Account:
    """Return the customer with a nic-handle. Raises `click.ClickException` if there is none."""
    account: Account | None = Account.get_or_none(Account.nic_handle == nic_handle)
    if account is None:
        raise click.ClickException(f"There is no customer {nic_handle}.")
    return account


@contextmanager
def refusals_shown() -> Iterator[None]:
    """Show a `Refusal` of the shop as the error of the command."""
    try:
        yield
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
