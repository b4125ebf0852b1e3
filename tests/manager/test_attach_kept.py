"""Office Attach: the choice and the input survive removed mailboxes and going back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from models import Account, AttachedAccount, ExchangeService, Letter, Seat, SeatStatus
from shop.exchange import attached_licences, services
from shop.licences import seats
from shop.orders import attach
from shop.text import csv_input
from tests.support import exchange, groups
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

HERE = "/manager/exchange/exchange-atelier/attach"

Drain = Callable[[], int]


@pytest.fixture
def service(alice: Account, bank: Bank, provider: Provider) -> ExchangeService:
    """Alice's service of five mailboxes; she has a stored card."""
    exchange.with_card(alice, bank)
    return exchange.service(alice, 5)


@pytest.fixture
def inside(visitor: Visitor, alice: Account, service: ExchangeService) -> Visitor:
    """Alice, signed in."""
    visitor.log_in(alice)
    return visitor


def number(service: ExchangeService, person: int) -> int:
    return exchange.account_of(service, person).id


def login_field(service: ExchangeService, person: int) -> str:
    return f"login-{number(service, person)}"


def value_of(inside: Visitor, name: str) -> str | None:
    """Return the value of a field of the page."""
    field = re.search(rf'<input[^>]*name="{name}"[^>]*>', inside.response.text)
    value = re.search(r'value="([^"]*)"', field[0]) if field else None
    return value[1] if value else None


def test_a_mailbox_that_goes_is_dropped_from_the_choice(
    inside: Visitor, alice: Account, service: ExchangeService
) -> None:
    inside.open(HERE)
    exchange.take_over(alice, exchange.lines(3))
    assert inside.press("Suivant").status_code == 422
    assert inside.sees("désélectionnés : p04@atelier.example, p05@atelier.example.")
    assert inside.sees("3 comptes sélectionnés pour un maximum de 25")
    inside.press("Suivant")
    assert inside.address.startswith(f"{HERE}/review")
    assert inside.response.status_code == 200


def test_typed_values_survive_a_removed_mailbox(
    inside: Visitor, alice: Account, service: ExchangeService, drain: Drain
) -> None:
    inside.open(HERE)
    inside.press("Suivant")
    exchange.take_over(alice, exchange.lines(4))
    typed = {
        login_field(service, 1): "typed.login",
        f"owner-{number(service, 2)}": "yes",
    }
    assert inside.press("Valider", **typed, accepted="yes", renewal="yes").status_code == 422
    inside.press("Suivant")
    assert value_of(inside, login_field(service, 1)) == "typed.login"
    inside.press("Valider", accepted="yes", renewal="yes")
    drain()
    logins = {seat.login for seat in Seat.select()}
    assert logins == {"typed.login", "p02", "p03", "p04"}
    told = AttachedAccount.select().where(AttachedAccount.tells_owner)
    assert [row.login for row in told] == ["p02"]


def test_typed_values_survive_another_choice(inside: Visitor, service: ExchangeService) -> None:
    inside.open(HERE)
    inside.press("Suivant")
    inside.press("Modifier la sélection", **{login_field(service, 3): "typed <login>"})
    assert inside.sees("5 comptes sélectionnés pour un maximum de 25")
    inside.press("Suivant")
    assert value_of(inside, login_field(service, 3)) == "typed &lt;login&gt;"
    assert value_of(inside, login_field(service, 4)) == "p04"


def test_only_what_differs_from_the_proposal_travels(
    inside: Visitor, service: ExchangeService
) -> None:
    inside.open(HERE)
    inside.press("Suivant")
    inside.press("Modifier la sélection", **{login_field(service, 3): "other"})
    carried = re.findall(r'name="(login-\d+)"', inside.response.text)
    assert carried == [login_field(service, 3)]


def test_unknown_mailbox_numbers_are_dropped(inside: Visitor, service: ExchangeService) -> None:
    inside.open(f"{HERE}?kept=1&chosen=999999&chosen={number(service, 1)}")
    assert "999999" not in inside.response.text.split("<main")[1]
    assert inside.sees("1 compte sélectionné pour un maximum de 25")


# --- Checked when a field is left --------------------------------------------------------------


def check(inside: Visitor, field: str, **typed: str) -> str:
    """Return the answer to htmx for a field that loses focus."""
    client = inside.client
    answer = client.post(
        f"{HERE}/review/fields/{field}",
        data={"csrf_token": client.csrf_token(), **typed},
        headers={"HX-Request": "true", "HX-Request-Type": "partial"},
    )
    assert answer.status_code == 200
    return answer.text


def test_a_login_is_checked_when_its_field_is_left(
    inside: Visitor, service: ExchangeService
) -> None:
    inside.open(f"{HERE}/review")
    first, second = (login_field(service, person) for person in (1, 2))
    assert "aria-invalid" not in check(inside, first, **{first: "fine", second: "p02"})
    assert "Un login compte de 3 à 20\u00a0caractères." in check(inside, first, **{first: "x"})
    for field, rival in ((first, "p02"), (second, "p01")):
        part = check(inside, field, **{first: "Same", second: "same"})
        assert f"{rival}@atelier.example a déjà ce login" in part
        assert 'value="' + ("Same" if field == first else "same") in part
        assert part.count("<input") == 1


@pytest.mark.parametrize("field", ["login-999999", "login-", "login", "password-1", "login-x"])
def test_no_other_field_is_checked(inside: Visitor, service: ExchangeService, field: str) -> None:
    token = {"csrf_token": inside.client.csrf_token()}
    assert inside.client.ask("POST", f"{HERE}/review/fields/{field}", token).status_code == 404


# --- Users of licences -------------------------------------------------------------------------


def shown(service: ExchangeService) -> set[str]:
    """Return the e-mail addresses of the mailboxes shown with a licence."""
    accounts = list(services.active_accounts(service))
    licences = attached_licences.licences_of(accounts)
    return {account.address.partition("@")[0] for account in accounts if account.id in licences}


def test_another_login_or_name_is_still_the_same_persons(
    service: ExchangeService, drain: Drain
) -> None:
    group = exchange.attached(service, 3)
    for person, holder in (
        (1, seats.Person("First 01", "Married", "p01.married")),
        (2, seats.Person("Marie", "Curie", "p02")),
        (3, seats.Person("Somebody", "Else", "somebody.else")),
    ):
        seat = groups.seat_of(group, person)
        seats.edit(seat, seat.version, holder, by="alice")
    drain()
    assert shown(service) == {"p01", "p02"}


def test_a_released_licence_is_its_mailboxes_no_more(
    service: ExchangeService, drain: Drain
) -> None:
    group = exchange.attached(service, 1)
    seat = groups.seat_of(group)
    seats.release(seat, seat.version, by="alice")
    drain()
    assert AttachedAccount.get().seat is None
    groups.configured(group, 1, seats.Person("Somebody", "Else", "p01"))
    assert shown(service) == set()


def test_an_owner_is_told_though_the_first_login_was_refused(
    service: ExchangeService, provider: Provider, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = provider.create_user

    def taken(*asked: Any) -> Any:
        provider.failing, provider.code = "Somebody else has it.", "address_taken"
        return create(*asked)

    with monkeypatch.context() as patched:
        patched.setattr(provider, "create_user", taken)
        group = exchange.attached(service, 1, tells_owner=True)
    seat = groups.seat_of(group)
    assert seat.status == SeatStatus.ERROR
    provider.failing = provider.code = ""
    corrected = seats.Person("First 01", "Last 01", "p01.other")
    seats.edit(seat, seat.version, corrected, by="alice")
    drain()
    letters = list(Letter.select().where(Letter.kind == "licence_for_owner"))
    assert [letter.recipient for letter in letters] == ["p01@atelier.example"]


# --- The file ----------------------------------------------------------------------------------


def test_a_heading_is_not_read_as_a_mailbox(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_input, "MOST_LINES", 3)
    exchange.take_over(alice, ["email,first_name,last_name", *exchange.lines(3)])
    assert len(attach.preselected_mailboxes(ExchangeService.get())) == 3
