"""Profile, e-mail address, language, password, sessions, and the activity log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from models import Account, AccountEvent, Letter, OneTimeLink, Session, VatStatus
from records.accounts import LinkPurpose
from shop.customers import (
    activity_log,
    one_time_links,
    password_changes,
    profile,
    sessions,
    sign_in,
)
from shop.customers.activity_log import UNKNOWN, Origin
from shop.customers.profile import Details
from shop.jobs import queue
from shop.mail import archive
from shop.vat import registry as vat_registry
from shop.vat.registry import Answer, Consultation
from tests.support import belongings, cast, purchases
from tests.support.client import CheckingClient
from tests.support.visitor import Visitor

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Registry:
    """A registry with configured answers, which records its calls."""

    def __init__(self) -> None:
        self.answer = Answer.CONFIRMED
        self.asked: list[str] = []

    def check(self, number: str) -> Consultation:
        self.asked.append(number)
        return Consultation(self.answer)


@pytest.fixture
def registry(app: Flask):
    told = Registry()
    with vat_registry.registry.using(told):
        yield told


@pytest.fixture
def inside(visitor: Visitor, alice: Account) -> Visitor:
    """Alice, signed in."""
    visitor.log_in(alice)
    return visitor


def now(account: Account) -> Account:
    return Account.get_by_id(account.id)


def kinds(account: Account) -> list[str]:
    return [event.kind for event in activity_log.events_of_account(account)]


# --- Name and address ------------------------------------------------------------------------


def test_a_new_address_is_kept_and_shown(inside: Visitor, alice: Account) -> None:
    inside.open("/manager/account")
    inside.follow("Modifier")
    inside.press("Enregistrer", street="3 rue Neuve", postcode="59 000", city="Lille")
    assert inside.sees("Vos coordonnées sont enregistrées.")
    assert inside.sees("3 rue Neuve")
    assert now(alice).postcode == "59000"
    assert kinds(alice)[0] == "profile_changed"
    assert kinds(alice).count("profile_changed") == 1


def test_an_unchanged_value_records_no_event(inside: Visitor, alice: Account) -> None:
    inside.open("/manager/account/profile")
    inside.press("Enregistrer")
    assert inside.sees("Rien n’a été modifié.")
    assert "profile_changed" not in kinds(alice)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"first_name": ""}, "Indiquez votre prénom."),
        ({"postcode": "123"}, "Un code postal français compte cinq chiffres."),
        ({"company": "Atelier"}, "SIREN"),
        ({"vat_number": "FR44732829320"}, "société"),
        ({"country": "XX"}, ""),
        ({"city": "x" * 300}, "255"),
    ],
)
def test_what_registration_refuses_is_refused_here(
    inside: Visitor, alice: Account, values: dict[str, str], sentence: str
) -> None:
    inside.open("/manager/account/profile")
    inside.press("Enregistrer", **values)
    assert inside.response.status_code == 422
    assert inside.sees(sentence)
    assert now(alice).city == "Lille"


def test_a_new_vat_number_is_asked_about(
    inside: Visitor, alice: Account, registry: Registry, drain: Callable[[], int]
) -> None:
    inside.open("/manager/account/profile")
    inside.press("Enregistrer", company="Atelier", vat_number="FR44732829320")
    assert now(alice).vat_status == VatStatus.UNCONFIRMED
    assert now(alice).siren == "732829320"
    assert inside.sees("En cours de vérification")
    drain()
    assert now(alice).vat_status == VatStatus.CONFIRMED
    assert registry.asked == ["FR44732829320"]


def test_the_same_number_is_asked_about_again_after_it_was_gone(
    alice: Account, registry: Registry, drain: Callable[[], int]
) -> None:
    place = {
        name: getattr(alice, name)
        for name in ("first_name", "last_name", "street", "postcode", "city", "country")
    }
    with_number = Details(**place, company="Atelier", siren="732829320", vat_number="FR44732829320")
    profile.change_details(alice, with_number, UNKNOWN)
    drain()
    profile.change_details(alice, Details(**place), UNKNOWN)
    assert now(alice).vat_status == VatStatus.NONE
    registry.answer = Answer.UNKNOWN
    profile.change_details(alice, with_number, UNKNOWN)
    assert now(alice).vat_status == VatStatus.UNCONFIRMED
    drain()
    assert now(alice).vat_status == VatStatus.UNKNOWN
    assert len(registry.asked) == 2


def test_another_country_resets_what_is_known(
    alice: Account, registry: Registry, drain: Callable[[], int]
) -> None:
    details = Details(
        "Alice",
        "Lefèvre",
        "1 rue",
        "98000",
        "Monaco",
        "MC",
        "Atelier",
        "732829320",
        "FR44732829320",
    )
    profile.change_details(alice, details, UNKNOWN)
    drain()
    assert now(alice).vat_status == VatStatus.CONFIRMED
    moved = Details(**vars(details) | {"country": "FR", "postcode": "59000", "city": "Lille"})
    profile.change_details(alice, moved, UNKNOWN)
    assert now(alice).vat_status == VatStatus.UNCONFIRMED


def test_two_tabs_change_different_things(alice: Account) -> None:
    one, other = now(alice), now(alice)
    same = {name: getattr(alice, name) for name in Details.__dataclass_fields__}
    profile.change_details(one, Details(**same | {"city": "Paris"}), UNKNOWN)
    profile.change_details(other, Details(**same | {"street": "9 quai"}), UNKNOWN)
    assert (now(alice).city, now(alice).street) == ("Paris", "9 quai")


def test_a_field_is_checked_on_its_own(inside: Visitor) -> None:
    response = inside.client.post(
        "/manager/account/profile/fields/postcode",
        data={"postcode": "12", "country": "FR"},
        headers={
            "HX-Request": "true", "HX-Request-Type": "partial",
            "X-CSRFToken": inside.client.csrf_token(),
        },
    )  # fmt: skip
    assert "Un code postal français compte cinq chiffres." in response.text


# --- E-mail address and language ---------------------------------------------------------------


def test_a_new_email_address_is_told_to_the_old_one(inside: Visitor, alice: Account) -> None:
    password_changes.request_reset(alice.nic_handle, "203.0.113.9", "http://localhost")
    queue.drain()
    assert OneTimeLink.select().where(OneTimeLink.used_at.is_null()).exists()
    inside.open("/manager/account/email-address")
    inside.press("Changer l’adresse e-mail", email="NEW@atelier.example")
    assert inside.sees("Nous avons envoyé un lien")
    assert now(alice).email == "alice@atelier.example"
    assert Letter.get(Letter.kind == "email_confirmation").recipient == "new@atelier.example"
    inside.open(f"/manager/account/email-address/{address_token(alice)}")
    assert now(alice).email == "alice@atelier.example"
    inside.press("Confirmer cette adresse")
    assert now(alice).email == "new@atelier.example"
    letter = Letter.get(Letter.kind == "email_changed")
    assert letter.recipient == "alice@atelier.example"
    assert not OneTimeLink.select().where(OneTimeLink.used_at.is_null()).exists()
    assert kinds(alice)[0] == "email_changed"


def address_token(account: Account) -> str:
    return belongings.token_of(account, "email_confirmation")


def test_a_link_to_a_new_address_works_once_for_its_customer_and_for_a_day(
    inside: Visitor, alice: Account, bob: Account, clock: time_machine.Traveller
) -> None:
    def ask(email: str) -> str:
        profile.request_email_change(alice, email, purchases.BASE, UNKNOWN)
        return address_token(alice)

    first, second = ask("one@atelier.example"), ask("two@atelier.example")
    assert profile.find_new_email(alice, first) is None, "a later request replaces an earlier one"
    assert profile.find_new_email(bob, second) is None
    forged = second[:20] + ask("three@atelier.example")[20:]
    assert profile.find_new_email(alice, forged) is None
    last = ask("four@atelier.example")
    found = profile.find_new_email(alice, last)
    assert found
    assert profile.confirm_email(*found, UNKNOWN)
    assert not profile.confirm_email(*found, UNKNOWN)
    assert now(alice).email == "four@atelier.example"
    late = ask("five@atelier.example")
    clock.shift(timedelta(days=1, seconds=1))
    assert profile.find_new_email(alice, late) is None


def test_a_link_without_an_address_confirms_none(inside: Visitor, alice: Account) -> None:
    token = one_time_links.new_link(alice, LinkPurpose.NEW_EMAIL, timedelta(hours=1))
    address = f"/manager/account/email-address/{token}"
    assert inside.client.get(address).status_code == 404
    assert profile.find_new_email(alice, token) is None


def test_changing_it_asks_for_the_password_after_a_while(
    inside: Visitor, alice: Account, clock: time_machine.Traveller
) -> None:
    inside.log_in(alice)
    inside.open("/manager/account/email-address")
    clock.shift(timedelta(minutes=20))
    inside.press("Changer l’adresse e-mail", email="new@atelier.example")
    assert inside.sees("Confirmez que c’est bien vous")
    assert now(alice).email == "alice@atelier.example"
    assert inside.press("Valider", password="wrong").status_code == 422
    inside.press("Valider", password=cast.PASSWORD)
    assert inside.address == "/manager/account/email-address"
    assert inside.find("input", name="email", value="new@atelier.example") is not None
    inside.press("Changer l’adresse e-mail")
    assert Letter.get(Letter.kind == "email_confirmation").recipient == "new@atelier.example"
    inside.open("/manager/account/email-address")
    assert inside.find("input", name="email", value="") is not None


@pytest.mark.parametrize("typed", ["bob@MÜNCHEN.example", "bob@xn--mnchen-3ya.example"])
def test_the_same_address_in_another_spelling_is_not_a_new_one(typed: str, alice: Account) -> None:
    profile.change_email(alice, "bob@münchen.example", UNKNOWN)
    assert not profile.request_email_change(alice, typed, purchases.BASE, UNKNOWN)
    assert not profile.change_email(alice, typed, UNKNOWN)
    profile.change_email(alice, "jose\u0301@atelier.example", UNKNOWN)
    assert now(alice).email == "josé@atelier.example"


def test_another_language_is_spoken_at_once(inside: Visitor, alice: Account) -> None:
    inside.open("/manager/account")
    inside.press("English")
    assert inside.sees("My account")
    assert now(alice).language == "en"
    response = inside.client.ask("POST", "/manager/account/language", form={"language": "tlh"})
    assert response.status_code == 422


# --- The password ----------------------------------------------------------------------------


def test_a_new_password_ends_other_sessions(inside: Visitor, app: Flask, alice: Account) -> None:
    other = Visitor(app.test_client())
    other.log_in(alice)
    assert other.client.get("/manager/account").status_code == 200
    inside.open("/manager/account/password")
    inside.press(
        "Changer mon mot de passe",
        current_password=cast.PASSWORD,
        password="Another-Horse-8",
        password_confirmation="Another-Horse-8",
    )
    assert inside.sees("Votre mot de passe est changé.")
    assert inside.client.get("/manager/account").status_code == 200
    assert other.client.get("/manager/account").status_code == 303
    assert sign_in.sign_in(alice.nic_handle, "Another-Horse-8", "203.0.113.1") == alice
    assert Letter.select().where(Letter.kind == "password_changed").count() == 1


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"current_password": "wrong"}, "Ce n’est pas votre mot de passe actuel."),
        ({"password": "short", "password_confirmation": "short"}, "au moins 8 caractères"),
        ({"password_confirmation": "other"}, "ne sont pas identiques"),
    ],
)
def test_a_bad_change_of_password_changes_nothing(
    inside: Visitor, alice: Account, values: dict[str, str], sentence: str
) -> None:
    typed = {
        "current_password": cast.PASSWORD,
        "password": "Another-Horse-8",
        "password_confirmation": "Another-Horse-8",
    }
    inside.open("/manager/account/password")
    inside.press("Changer mon mot de passe", **typed | values)
    assert inside.response.status_code == 422
    assert inside.sees(sentence)
    assert now(alice).password_hash == alice.password_hash


# --- Sessions --------------------------------------------------------------------------------


def test_an_ended_session_is_really_over(inside: Visitor, app: Flask, alice: Account) -> None:
    other = app.test_client()
    token = sessions.start_session(alice, Origin("203.0.113.77", FIREFOX))
    with other.session_transaction() as cookie:
        cookie["_user_id"] = token
        cookie["_fresh"] = True
    assert other.get("/manager/account").status_code == 200
    inside.open("/manager/account/sessions")
    assert inside.sees("Firefox, Linux")
    row = sessions.find_session(token)
    inside.client.ask("POST", f"/manager/account/sessions/{row.id}/ending")
    assert other.get("/manager/account").status_code == 303
    assert inside.client.get("/manager/account").status_code == 200
    assert kinds(alice)[0] == "session_ended"


def test_all_others_end_at_once(inside: Visitor, alice: Account) -> None:
    for _ in range(30):
        sessions.start_session(alice, Origin("203.0.113.77", FIREFOX))
    inside.open("/manager/account/sessions?page=2")
    inside.press("Fermer toutes les autres")
    assert sessions.active_sessions(alice).count() == 1
    assert inside.client.get("/manager/account").status_code == 200


def test_ending_sessions_asks_for_the_password_after_a_while(
    visitor: Visitor, alice: Account, clock: time_machine.Traveller
) -> None:
    visitor.log_in(alice)
    token = sessions.start_session(alice, Origin("203.0.113.77", FIREFOX))
    clock.shift(timedelta(minutes=16))
    row = sessions.find_session(token)
    for path in (f"{row.id}", "others"):
        response = visitor.client.ask("POST", f"/manager/account/sessions/{path}/ending")
        assert response.location.startswith("/manager/account/confirmation")
    assert sessions.find_session(token) is not None
    visitor.open("/manager/account/confirmation")
    visitor.press("Valider", password=cast.PASSWORD)
    visitor.client.ask("POST", "/manager/account/sessions/others/ending")
    assert sessions.find_session(token) is None


def test_other_sessions_can_be_ended_where_factors_are_changed(
    inside: Visitor, alice: Account
) -> None:
    inside.open("/manager/account/security")
    assert not inside.offers("Fermer toutes les autres")
    token = sessions.start_session(alice, Origin("203.0.113.77", FIREFOX))
    inside.open("/manager/account/security")
    inside.press("Fermer toutes les autres")
    assert sessions.find_session(token) is None


def test_ending_ones_own_session_is_a_logout(inside: Visitor, alice: Account) -> None:
    row = Session.get(Session.ended_at.is_null())
    inside.client.ask("POST", f"/manager/account/sessions/{row.id}/ending")
    assert inside.client.get("/manager/account").status_code == 303


def test_charlie_cannot_end_alices_session(
    visitor: Visitor, alice: Account, charlie: Account
) -> None:
    token = sessions.start_session(alice, UNKNOWN)
    visitor.log_in(charlie)
    row = sessions.find_session(token)
    response = visitor.client.ask("POST", f"/manager/account/sessions/{row.id}/ending")
    assert response.status_code == 404
    visitor.client.ask("POST", "/manager/account/sessions/others/ending")
    assert sessions.find_session(token) is not None


# --- The log ---------------------------------------------------------------------------------


def test_the_log_says_what_happened_and_from_where(inside: Visitor, alice: Account) -> None:
    with pytest.raises(sign_in.SignInRefused):
        sign_in.sign_in(alice.nic_handle, "wrong", "198.51.100.7", FIREFOX)
    inside.open("/manager/account/activity")
    assert inside.sees("Échec de connexion : mot de passe incorrect")
    assert inside.sees("198.51.100.7")
    assert inside.sees("Firefox, Linux")
    assert inside.sees("avec le mot de passe")


def test_the_log_comes_in_pages(inside: Visitor, alice: Account) -> None:
    for _ in range(45):
        activity_log.record(alice, "signed_in", UNKNOWN, "password")
    inside.open("/manager/account/activity?page=3")
    assert inside.response.status_code == 200
    inside.open("/manager/account/activity?page=999")
    assert inside.response.status_code == 200


def test_a_failed_sign_in_costs_the_same_whether_the_account_exists(
    client: CheckingClient, alice: Account
) -> None:
    def statements(nic_handle: str) -> list[str]:
        client.get("/login")
        client.ask("POST", "/login", form={"nic_handle": nic_handle, "password": "wrong"})
        return [statement.split(" ")[0] for statement in client.statements]

    assert statements(alice.nic_handle) == statements("zz99999-ovh")


def test_the_log_forgets_after_a_year(alice: Account, clock: time_machine.Traveller) -> None:
    activity_log.record(alice, "signed_in", UNKNOWN, "password")
    clock.shift(timedelta(days=366))
    assert activity_log.delete_old() == 1
    assert not AccountEvent.select().exists()


def test_an_empty_log_says_so(inside: Visitor, alice: Account) -> None:
    AccountEvent.delete().execute()
    inside.open("/manager/account/activity")
    assert inside.sees("Rien ne s’est encore passé")


# --- Emails reçus ------------------------------------------------------------------------------


def test_a_letter_sent_again_goes_where_letters_go_now(
    inside: Visitor, alice: Account, drain: Callable[[], int]
) -> None:
    drain()
    profile.change_email(alice, "new@atelier.example", UNKNOWN)
    drain()
    letter = Letter.get(Letter.kind == "account_created")
    inside.open(f"/manager/account/emails/{letter.id}")
    inside.press("Renvoyer")
    assert Letter.get(Letter.kind == "account_created").recipient == "new@atelier.example"
    assert Letter.get(Letter.kind == "email_changed").recipient == "alice@atelier.example"


def test_sending_again_has_an_end(
    make_app: Callable[..., Flask], alice: Account, drain: Callable[[], int]
) -> None:
    visitor = Visitor(make_app(RATE_LIMITS="on").test_client())
    visitor.log_in(alice)
    letter = Letter.get(Letter.kind == "account_created")
    for _ in range(31):
        drain()
        visitor.open(f"/manager/account/emails/{letter.id}")
        visitor.press("Renvoyer")
    assert visitor.sees("Trop de tentatives.")
    assert Letter.get_by_id(letter.id).status != "queued"


def test_they_are_found_from_my_account_too(inside: Visitor) -> None:
    inside.follow("Mon compte")
    for _ in range(2):
        tabs = inside.response.text.split('class="tabs"')[1].split("</nav>")[0]
        assert "Emails reçus" in tabs
        inside.follow("Emails reçus")


def test_letters_are_found_by_their_subject_in_pages(inside: Visitor, alice: Account) -> None:
    for _ in range(25):
        password_changes.change_password(alice, cast.PASSWORD, keep_session="")
    visitor = inside
    visitor.log_in(alice)
    visitor.open("/manager/account/emails?q=mot+de+passe&page=2")
    assert visitor.response.text.count("<tr role") == 1 + 5
    visitor.open("/manager/account/emails?q=mot%25passe")
    assert visitor.sees("Aucun e-mail")


def test_older_letters_are_searched_when_asked(
    inside: Visitor, monkeypatch: pytest.MonkeyPatch, alice: Account
) -> None:
    monkeypatch.setattr(archive, "SEARCH_LIMIT", 1)
    password_changes.change_password(alice, cast.PASSWORD, keep_session="")
    inside.log_in(alice)
    inside.open("/manager/account/emails?q=client")
    assert inside.sees("Aucun e-mail")
    inside.follow("Chercher dans les e-mails plus anciens")
    assert Letter.get(Letter.kind == "account_created").subject in inside.response.text
    assert inside.client.get("/manager/account/emails?q=a&before=-9").status_code == 200
    assert inside.client.get(f"/manager/account/emails?q=a&before={10**30}").status_code == 200
