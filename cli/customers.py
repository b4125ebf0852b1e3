"""Customers' accounts and letters looked after."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from cli.operator import OPERATOR, customer
from models import Letter, LetterStatus
from shop import mail
from shop.customers import two_factor
from shop.operations import key_rotation

customers = AppGroup("accounts", help="Look after customers' accounts.")
letters = AppGroup("letters", help="Look after letters.")
secrets = AppGroup("secrets", help="Look after what is kept encrypted.")


@customers.command("reset-second-factor")
@click.argument("nic_handle")
def reset_second_factor(nic_handle: str) -> None:
    """Forget the second factors of a customer who lost them all; a letter tells them so."""
    account = customer(nic_handle)
    if two_factor.switch_off(account):
        click.echo(f"{nic_handle} logs in with the password alone from now on.")
    else:
        click.echo(f"{nic_handle} has no second step.")


@secrets.command("reseal")
def reseal_secrets() -> None:
    """Encrypt all that is secret with the newest of MAIL_ENCRYPTION_KEYS; older keys may then go.

    That is: passwords in letters, in licences under way, and authenticator applications.
    """
    click.echo(f"{key_rotation.reseal_all()} secret(s) encrypted with the newest key.")


@letters.command("retry")
def retry_letters() -> None:
    """Send the letters again that could not be sent."""
    failed = Letter.select().where(Letter.status == LetterStatus.FAILED).order_by(Letter.id)
    again = sum(mail.send_again(letter, by=OPERATOR) for letter in failed)
    click.echo(f"{again} letter(s) queued again.")
