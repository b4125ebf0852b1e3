"""Commands for members of staff, who sign in at /desk."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from cli.operator import refusals_shown
from models import Language, Role, StaffAccount
from shop import settings
from shop.staff import accounts

staff = AppGroup("staff", help="Manage members of staff, who sign in at /desk.")

ROLES = click.Choice([role.value for role in Role])
by_role = click.option("--role", type=ROLES, required=True)


def _find(name: str) -> StaffAccount:
    found = accounts.find_member(name)
    if found is None:
        raise click.ClickException(f"There is no member of staff {name}.")
    return found


def _say_invitation(member: StaffAccount, token: str) -> None:
    url = f"{settings.current().public_url}/desk/invitation/{token}"
    click.echo(
        f"{member.login} sets up password and second factor by this link, within three days:"
    )
    click.echo(url)


@staff.command("add")
@click.argument("email")
@by_role
@click.option(
    "--language",
    type=click.Choice([each.value for each in Language]),
    default=Language.FRENCH.value,
)
def add(email: str, role: str, language: str) -> None:
    """Add a member of staff, and show the link by which they set up their account."""
    with refusals_shown():
        _say_invitation(*accounts.add(email, Role(role), language))


@staff.command("list")
def show() -> None:
    """List the members of staff."""
    for member in accounts.everyone():
        state = "disabled" if member.disabled_at else "invited" if member.is_invited else "active"
        click.echo(f"{member.login:26} {member.role:13} {state:8} {member.email}")


@staff.command("set-role")
@click.argument("name")
@by_role
def set_role(name: str, role: str) -> None:
    """Give a member of staff, by login or e-mail address, another role."""
    member = _find(name)
    with refusals_shown():
        accounts.set_role(member, Role(role))
    click.echo(f"{member.login} is {role} from now on.")


@staff.command("set-email")
@click.argument("name")
@click.argument("email")
def set_email(name: str, email: str) -> None:
    """Give a member of staff another e-mail address, and tell both addresses; the login stays."""
    member = _find(name)
    with refusals_shown():
        accounts.set_email(member, email)
    click.echo(f"{member.login} has another e-mail address from now on.")


@staff.command("disable")
@click.argument("name")
def disable(name: str) -> None:
    """Keep a member of staff from signing in, and end their sessions."""
    member = _find(name)
    with refusals_shown():
        accounts.disable(member)
    click.echo(f"{member.login} is disabled.")


@staff.command("enable")
@click.argument("name")
def enable(name: str) -> None:
    """Let a disabled member of staff sign in again."""
    member = _find(name)
    changed = accounts.enable(member)
    click.echo(f"{member.login} {'can sign in again' if changed else 'is not disabled'}.")


@staff.command("reset")
@click.argument("name")
def reset(name: str) -> None:
    """Void password and second factors of a member of staff; show a link to set up new ones."""
    member = _find(name)
    _say_invitation(member, accounts.reset(member))
