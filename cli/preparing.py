"""What all commands have in common: the sandbox's clock, and a sentence for what keeps them from
starting, from using the database, or from keeping what they are given."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import click
from peewee import PeeweeException

from models import database
from shop import clock
from shop.operations import database_state
from shop.operations.database_state import DatabaseUnusable
from shop.parsing.numbers_and_json import LARGEST
from shop.parsing.plain_texts import is_plain
from shop.sandbox_link import test_points
from shop.settings import SettingsError

MOST_YEARS = 1000
"""How far away a day may lie that a command is given; computing with others leaves the calendar."""


def prepare(command: click.Command) -> None:
    """Have ``command``, and the commands of a group, follow the sandbox's clock, and end with a
    sentence instead of a traceback."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            prepare(each)
    elif command.callback is not None:
        command.callback = _explained(command.callback)


def _explained(callback: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(callback)
    def run(*args: Any, **values: Any) -> Any:
        try:
            _follow_clock()
            _check(values)
            return callback(*args, **values)
        except DatabaseUnusable as unusable:
            raise click.ClickException(str(unusable)) from unusable
        except PeeweeException as error:
            if not (sentence := database_state.explain(error) or _schema_fault()):
                raise
            raise click.ClickException(sentence) from error

    return run


def _check(values: dict[str, Any]) -> None:
    """Raise `click.ClickException` for what no column, document or calendar can hold."""
    for name, given in values.items():
        for value in given if isinstance(given, tuple) else (given,):
            if isinstance(value, str) and not is_plain(value):
                raise click.ClickException(
                    f"{name.upper()} holds a control character, or one that is not UTF-8."
                )
            if isinstance(value, int) and abs(value) > LARGEST:
                raise click.ClickException(f"{name.upper()} is too large.")
            if isinstance(value, date) and abs(value.year - clock.today().year) > MOST_YEARS:
                raise click.ClickException(
                    f"{name.upper()} lies more than {MOST_YEARS} years away."
                )


def _follow_clock() -> None:
    """Run the command at the sandbox's time.

    A database that has no clock yet, or cannot be read, is the command's to judge: some create it,
    some restore it, and some say what is wrong with it.
    """
    try:
        test_points.follow_clock()
    except PeeweeException as error:
        database.close()
        if not (database_state.explain(error) or _schema_fault()):
            raise


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
