"""Shared by the operator's commands: the actor's name, finding customers, showing refusals, and
files that hold customers' data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

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


@contextmanager
def private_file(path: Path, mode: str) -> Iterator[IO[bytes]]:
    """Open a file to write, which only its owner may read if it is new.

    Show why it cannot be written as the error of the command.
    """
    try:
        with open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            yield file
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from error
