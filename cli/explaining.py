"""Commands that say in a sentence why they cannot start, or cannot use the database."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from peewee import PeeweeException

from shop.operations import database_state
from shop.operations.database_state import DatabaseUnusable
from shop.settings import SettingsError


def explain_failures(command: click.Command) -> None:
    """Have ``command``, and the commands of a group, end with a sentence instead of a traceback."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            explain_failures(each)
    elif command.callback is not None:
        command.callback = _explained(command.callback)


def _explained(callback: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(callback)
    def run(*args: Any, **values: Any) -> Any:
        try:
            return callback(*args, **values)
        except DatabaseUnusable as unusable:
            raise click.ClickException(str(unusable)) from unusable
        except PeeweeException as error:
            if not (sentence := database_state.explain(error) or _schema_fault()):
                raise
            raise click.ClickException(sentence) from error

    return run


def _schema_fault() -> str:
    """Return what is wrong with the schema; "" where nothing is."""
    try:
        database_state.check_usable()
    except DatabaseUnusable as unusable:
        return str(unusable)
    return ""


@contextmanager
def settings_explained() -> Iterator[None]:
    """Within a command, end it with the sentences of `SettingsError`."""
    try:
        yield
    except SettingsError as error:
        if click.get_current_context(silent=True) is None:
            raise
        raise click.ClickException(str(error)) from error
