"""Licences that nobody uses, in the customer area: named with their price, and given back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from models import Account, LicenceGroup, Seat
from shop import mail
from shop.jobs import queue
from shop.licences.seats import idle
from shop.subscriptions import give_backs, renewal_notices, terminations
from tests.support import groups, letters, running
from tests.support.groups import CAMILLE, ZOE
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

Drain = Callable[[], int]


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    """A group of three licences: Camille never signed in, Zoé did, one is not configured."""
    made = running.delivered(alice, bank, quantity=3)
    camille, zoe = groups.configured(made, 1, CAMILLE), groups.configured(made, 2, ZOE)
    running.move_on(idle.GRACE)
    told = {camille.reference: None, zoe.reference: camille.active_since}
    idle.record_sign_ins(made, [camille, zoe], told)
    return groups.fresh(made)


@pytest.fixture
def inside(visitor: Visitor, alice: Account, group: LicenceGroup) -> Visitor:
    visitor.log_in(alice)
    return visitor


def here(group: LicenceGroup, more: str = "") -> str:
    return f"/manager/groups/{group.name}{more}"


def test_the_home_names_what_nobody_uses_with_its_price(
    inside: Visitor, group: LicenceGroup
) -> None:
    inside.open("/manager/web")
    assert inside.sees("1 licence à configurer")
    assert inside.sees("1 personne ne s’est jamais connectée")
    assert inside.sees(f"{group.display_name} · 8,80 € HT / mois")
    inside.follow("1 personne ne s’est jamais connectée")
    assert inside.sees("Camille Dupont")


def test_the_groups_page_says_what_it_costs_and_leads_to_the_list(
    inside: Visitor, group: LicenceGroup
) -> None:
    inside.open(here(group))
    assert inside.sees("2 licences de ce groupe ne sont utilisées par personne.")
    assert inside.sees("17,60 € HT / mois")
    inside.follow("Voir lesquelles, et que faire")
    assert inside.sees("1 licence n’est pas configurée")
    assert inside.sees(f"camille.dupont@{group.domain}")
    assert not inside.sees("Zoé")
    inside.follow("Les rendre")
    assert inside.sees("Rendre des licences")


def test_a_licence_is_released_and_given_back_after_a_confirmation(
    inside: Visitor, group: LicenceGroup, drain: Drain
) -> None:
    inside.open(here(group, "/unused"))
    inside.follow("Libérer et rendre Camille Dupont")
    assert inside.sees("Libérer cette licence et la rendre")
    assert groups.seat_of(group).status == "active"
    inside.press("Libérer et rendre")
    assert inside.sees("La licence 1 est retirée à Camille Dupont")
    drain()
    assert groups.seat_of(group).status == "unconfigured"
    assert [row.number for row in give_backs.for_group(group)] == [1]
    inside.open(here(group, "/unused"))
    assert not inside.sees("Camille Dupont")
    assert inside.sees("1 licence de ce groupe n’est utilisée par personne.")


def test_a_licence_changed_meanwhile_is_neither_released_nor_given_back(
    inside: Visitor, group: LicenceGroup
) -> None:
    inside.open(here(group, "/seats/1/return"))
    Seat.update(version=Seat.version + 1).where(Seat.group == group).execute()
    inside.press("Libérer et rendre")
    assert inside.response.status_code == 409
    assert inside.sees("Rien n’a été fait ni envoyé")
    assert groups.seat_of(group).status == "active"
    assert give_backs.for_group(group) == []


def test_a_licence_without_a_holder_has_nobody_to_release(
    inside: Visitor, group: LicenceGroup
) -> None:
    assert inside.open(here(group, "/seats/3/return")).status_code == 409
    assert inside.sees("Libérer et rendre Camille Dupont")


def test_what_is_unknown_is_said_to_be_unknown(inside: Visitor, group: LicenceGroup) -> None:
    idle.forget(group)
    inside.open(here(group, "/unused"))
    assert inside.sees("On ne sait pas de tout le monde s’il se connecte")
    assert not inside.sees("Camille Dupont")
    inside.open("/manager/web")
    assert not inside.sees("ne s’est jamais connectée")


def test_what_does_not_renew_costs_nothing(inside: Visitor, group: LicenceGroup) -> None:
    terminations.request_termination(group, by="alice")
    inside.open("/manager/web")
    assert not inside.sees("ne s’est jamais connectée")
    inside.open(here(group, "/unused"))
    assert not inside.sees("HT / mois")
    assert not inside.sees("Libérer et rendre")


def test_the_reminder_of_the_renewal_names_the_price_of_what_nobody_uses(
    alice: Account, group: LicenceGroup
) -> None:
    running.to_renewal(group)
    renews_on = running.subscription_of(group).renews_on
    assert renews_on is not None
    renewal_notices.announce_all(renews_on - timedelta(days=7))
    queue.drain()
    text = " ".join(mail.text_of(letters.the(alice, "renewal_coming")).split())
    assert "1 personne a une licence depuis plus de 30 jours" in text
    assert "Ce que personne n’utilise coûte 17,60 € HT par mois." in text
    assert f"/manager/groups/{group.name}/unused" in text
