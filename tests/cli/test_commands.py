"""What all commands have in common: the sandbox's clock, and the words that they know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import click
import pytest
from flask import Flask

import cli
import models
from models import Account, OrderStatus, Price
from shop import clock
from shop.invoicing import account_credits
from shop.sandbox_link import test_points
from tests.support import running


class Followed(Exception):
    """The clock was set, and the command itself not begun yet."""


class Watch(test_points.Production):
    """Ends each command when it sets the clock."""

    def follow_clock(self) -> None:
        """Say that it was asked for."""
        raise Followed


def commands(found: click.Command) -> Iterator[click.Command]:
    """Yield a command, or all commands of a group."""
    if isinstance(found, click.Group):
        for each in found.commands.values():
            yield from commands(each)
    else:
        yield found


def test_every_command_sets_the_sandboxs_clock_before_anything_else(app: Flask) -> None:
    known = [each for command in cli.COMMANDS for each in commands(command)]
    assert len(known) > 30
    with test_points.controls.using(Watch()):
        for command in known:
            assert command.callback is not None
            with pytest.raises(Followed):
                command.callback()


def test_a_command_sees_the_day_to_which_the_sandbox_moved_on(app: Flask) -> None:
    running.move_on(timedelta(days=61))
    clock.move_on(timedelta(0))
    soon = str(clock.today() + timedelta(days=30))
    said = app.test_cli_runner().invoke(args=["prices", "set", "business", "990", "--from", soon])
    assert "a day to come" in said.output
    assert not Price.select().where(Price.amount_cents == 990).exists()


def test_a_database_without_a_clock_has_real_time(
    app: Flask, make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    running.move_on(timedelta(days=61))
    clock.move_on(timedelta(0))
    empty = make_app(DATABASE_URL=f"sqlite:///{tmp_path}/empty.db")
    said = empty.test_cli_runner().invoke(args=["check-database"])
    assert "is empty" in said.output
    assert clock.now() - clock.real_now() < timedelta(minutes=1)
    models.database.close()


@pytest.mark.parametrize("day", ["9999-12-31", "0026-11-30"])
@pytest.mark.parametrize("asked", [["billing", "preview"], ["billing", "run", "--until"]])
def test_a_day_of_another_age_is_no_argument(app: Flask, asked: list[str], day: str) -> None:
    refused = app.test_cli_runner().invoke(args=[*asked, day])
    assert refused.exit_code == 1
    assert "lies more than 1000 years away" in refused.output


@pytest.mark.parametrize("reason", ["a\x02b", "a\x0bb", "a\udcffb"])
def test_what_no_document_can_show_is_no_argument(app: Flask, alice: Account, reason: str) -> None:
    run = app.test_cli_runner().invoke
    refused = run(args=["billing", "goodwill", alice.nic_handle, "500", reason])
    assert refused.exit_code == 1
    assert "REASON holds a control character" in refused.output
    assert account_credits.available_of(alice) == 0
    assert "NUMBERS is too large" in run(args=["jobs", "retry", "1", "9" * 30]).output


def test_commands_name_the_statuses_and_offers_that_they_know(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    unknown = run(args=["orders", "list", "--status", "paied"])
    assert unknown.exit_code == 2
    assert all(status in unknown.output for status in OrderStatus)
    assert run(args=["orders", "list", "--status", "paid"]).output == "No orders.\n"
    missing = run(args=["prices", "set", "none", "990", "--from", "2999-01-01"])
    assert missing.exit_code == 2
    assert "business, pro_plus" in missing.output
