"""What causes the e-mails about licences (`shop.mail.licence_letters`)."""

from __future__ import annotations

from models import Account, LicenceGroup
from shop import clock, mail
from shop.jobs import queue
from shop.licences.seats import import_preview
from tests.support import groups, purchases
from tests.support.letter_causes import orders
from tests.support.letters import ADDRESS, GROUP, PASSWORD, PORTAL
from tests.support.parties import Bank, Provider


def service_installed(account: Account, bank: Bank, provider: Provider) -> None:
    """An order is delivered."""
    orders.payment_received(account, bank, provider)
    queue.drain()


def licences_added(account: Account, bank: Bank, provider: Provider) -> None:
    """Licences are ordered for an existing group."""
    service_installed(account, bank, provider)
    group = LicenceGroup.select().where(LicenceGroup.account == account).get()
    purchases.pay(groups.add(group, 2), bank)
    queue.drain()


def licence_active(account: Account, bank: Bank, provider: Provider) -> None:
    """A licence is activated."""
    mail.licence_active(
        account, group=GROUP, address=ADDRESS, password=PASSWORD, portal=PORTAL, key="1"
    )


def seat_password_changed(account: Account, bank: Bank, provider: Provider) -> None:
    """A licence's password is changed."""
    mail.seat_password_changed(
        account, group=GROUP, address=ADDRESS, password=PASSWORD, portal=PORTAL, key="1"
    )


def licence_released(account: Account, bank: Bank, provider: Provider) -> None:
    """A licence is released."""
    mail.licence_released(account, group=GROUP, address=ADDRESS, key="1")


def attach_installed(account: Account, bank: Bank, provider: Provider) -> None:
    """The group of Office Attach is installed."""
    orders.attach_ordered(account, bank, provider)
    queue.drain()


def licence_for_owner(account: Account, bank: Bank, provider: Provider) -> None:
    """A licence is activated with an e-mail to its user."""
    mail.licence_for_owner(
        account, recipient="marie@atelier.example", owner="Marie Dupont", group=GROUP,
        address=ADDRESS, password=PASSWORD, portal=PORTAL, key="1",
    )  # fmt: skip


def licence_link(account: Account, bank: Bank, provider: Provider) -> None:
    """A licence is activated, and its holder gets a link to the password."""
    mail.licence_link(
        account, recipient="marie@atelier.example", address=ADDRESS, token="t" * 43,
        until=clock.now(), key="1:1:1",
    )  # fmt: skip


def passwords_ready(account: Account, bank: Bank, provider: Provider) -> None:
    """Licences are configured from a file, and their passwords are ready."""
    group = groups.installed(account, bank)
    made = import_preview.prepare_import(groups.fresh(group), "people.csv", b"Zoe,Moreau,zoe\n")
    import_preview.start_import(made, by=account.nic_handle)
    queue.drain()
