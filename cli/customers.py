"""Customers' accounts and letters looked after."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from cli.operator import OPERATOR, customer
from models import Letter, LetterStatus
from shop import mail, second_factor

customers = AppGroup("accounts", help="Look after customers' accounts.")
letters = AppGroup("letters", help="Look after letters.")


@customers.command("reset-second-factor")
@click.argument("nic_handle")
def reset_second_factor(nic_handle: str) -> None:
    """Forget the second factors of a customer who lost them all; a letter tells them so."""
    account = customer(nic_handle)
    if second_factor.switch_off(account):
        click.echo(f"{nic_handle} logs in with the password alone from now on.")
    else:
        click.echo(f"{nic_handle} has no second step.")


@letters.command("reseal")
def reseal_letters() -> None:
    """Encrypt secret letters with the newest of MAIL_ENCRYPTION_KEYS; older keys may then go."""
    click.echo(f"{mail.reseal()} letter(s) encrypted with the newest key.")


@letters.command("retry")
def retry_letters() -> None:
    """Send the letters again that could not be sent."""
    failed = Letter.select().where(Letter.status == LetterStatus.FAILED).order_by(Letter.id)
    again = sum(mail.send_again(letter, by=OPERATOR) for letter in failed)
    click.echo(f"{again} letter(s) queued again.")
