"""Members of staff are invited and changed by administrators, each act with its reason."""

from __future__ import annotations

import re

import pytest
from flask import Flask, url_for

from desk.menu import menu_of
from desk.words import ACT_WORDS
from models import Account, Role, StaffAccount, StaffAct, StaffLetter, StaffSession
from shop import mail
from shop.security import one_time_codes
from shop.staff import accounts
from tests.support import letters, staff
from tests.support.client import browser
from tests.support.visitor import Visitor

NEW = {"email": "Léa.Moreau@nuage.example", "role": "support"}


def test_an_administrator_invites_a_member_who_sets_up_their_account(app: Flask) -> None:
    admin = staff.desk_of(app, email="dominique@nuage.example")
    response = staff.confirm(admin, "/desk/staff/new", **NEW)
    assert response.location == "/desk/staff"
    shown = admin.get("/desk/staff").text
    link = re.search(r"http://localhost(/desk/invitation/[\w-]+)", shown)[1]
    assert link not in admin.get("/desk/staff").text, "shown once"
    member = accounts.find_member("lea.moreau")
    visitor = Visitor(browser(app))
    visitor.open(link)
    assert visitor.client.get(f"{link}.svg").status_code == 200
    visitor.follow("Configurer une application")
    secret = accounts.secret_of(member)
    typed = {"password": "Correct-Horse-7", "password_confirmation": "Correct-Horse-7"}
    visitor.press("Valider", **typed, code="000000")
    assert visitor.response.status_code == 422
    visitor.press("Valider", **typed, code=one_time_codes.code_of(secret, -1))
    assert visitor.address == "/desk"
    assert visitor.client.get(link).status_code == 404, "it works once"
    visitor.press("Se connecter", login="lea.moreau", password="Correct-Horse-7")
    visitor.press("Valider", code=one_time_codes.code_of(secret))
    with app.test_request_context():
        assert visitor.address == url_for(menu_of("support")[0].endpoint)
    act = StaffAct.get()
    assert (act.by, act.kind, act.subject) == ("staff:dominique", "staff_added", NEW["email"])
    assert act.reason == "Asked by telephone"


def test_an_act_needs_a_reason_and_its_confirmation(app: Flask) -> None:
    admin = staff.desk_of(app)
    answer = admin.ask("POST", "/desk/staff/new", NEW | {"key": "k", "confirmed": "yes"})
    assert answer.status_code == 422
    assert "Indiquez le motif." in answer.text
    answer = admin.ask("POST", "/desk/staff/new", NEW | {"key": "k", "reason": "Embauche"})
    assert answer.status_code == 200
    assert "Embauche" in answer.text
    assert StaffAccount.select().count() == 1
    assert not StaffAct.select().exists()


def test_two_clicks_are_one_act(app: Flask) -> None:
    admin = staff.desk_of(app)
    member = staff.member(Role.SUPPORT)
    form = {"reason": "Parti", "key": "one-form", "confirmed": "yes"}
    for _ in range(2):
        response = admin.ask("POST", f"/desk/staff/{member.login}/disable", form)
        assert response.location == f"/desk/staff/{member.login}"
    assert StaffAct.select().count() == 1
    again = NEW | form | {"key": "another-form"}
    assert admin.ask("POST", "/desk/staff/new", again).status_code == 303
    assert admin.ask("POST", "/desk/staff/new", again).status_code == 303
    assert StaffAccount.select().count() == 3


def test_changes_of_a_member_are_made_and_undone(app: Flask) -> None:
    admin = staff.desk_of(app)
    client = browser(app)
    member = staff.sign_in(client, Role.SUPPORT)
    page = f"/desk/staff/{member.login}"
    staff.confirm(admin, f"{page}/role", role="auditor")
    assert client.get("/desk/staff").status_code == 200, "an auditor reads it"
    staff.confirm(admin, f"{page}/disable")
    assert client.get("/desk/staff").status_code == 303
    assert "Désactivé" in admin.get(page).text
    staff.confirm(admin, f"{page}/enable")
    staff.confirm(admin, f"{page}/reset")
    assert "/desk/invitation/" in admin.get(page).text
    assert accounts.find_member(member.login).is_invited
    assert f"{page}/reset" not in admin.get(page).text
    assert {act.kind for act in StaffAct.select()} < set(ACT_WORDS)
    assert StaffAct.select().count() == 4


@pytest.mark.parametrize(
    ("act", "more"), [("disable", {}), ("reset", {}), ("role", {"role": "auditor"})]
)
def test_a_member_who_may_no_longer_see_as_a_customer_sees_nothing_more(
    app: Flask, alice: Account, act: str, more: dict[str, str]
) -> None:
    clients = [browser(app) for _ in range(2)]
    members = [staff.sign_in(client, Role.SUPPORT) for client in clients]
    for client in clients:
        staff.confirm(client, f"/desk/customers/{alice.nic_handle}/viewing")
        assert client.get("/manager/services").status_code == 200
    staff.confirm(staff.desk_of(app), f"/desk/staff/{members[0].login}/{act}", **more)
    assert clients[0].get("/manager/services").status_code == 303
    assert clients[1].get("/manager/services").status_code == 200, "the colleague goes on"


def test_another_email_address_is_told_to_both(app: Flask) -> None:
    admin = staff.desk_of(app)
    member = staff.member(Role.SUPPORT, email="lea.moreau@nuage.example")
    address = f"/desk/staff/{member.login}/email-address"
    assert address in admin.get(f"/desk/staff/{member.login}").text
    taken = staff.member(Role.SUPPORT).email
    for typed, status in (("no address", 422), (taken, 409), ("", 422)):
        assert staff.confirm(admin, address, email=typed).status_code == status
    assert not StaffAct.select().exists()
    assert staff.confirm(admin, address, email="Lea.Garnier@nuage.example").status_code == 303
    renamed = accounts.find_member("lea.garnier@nuage.example")
    assert renamed == member
    assert renamed.login == member.login
    own = StaffLetter.select().where(StaffLetter.staff == member).order_by(StaffLetter.id)
    *_, before, after = own
    assert [before.recipient, after.recipient] == [member.email, renamed.email]
    assert "Votre adresse e-mail a été changée" in letters.plain(mail.text_of(before))
    assert StaffAct.get().kind == "staff_email"


def test_who_has_not_set_the_account_up_is_invited_at_another_address(app: Flask) -> None:
    admin = staff.desk_of(app)
    member, mistaken = accounts.add("lea@stranger.example", Role.BILLING)
    address = f"/desk/staff/{member.login}/email-address"
    assert "Le lien déjà envoyé ne fonctionne plus" in admin.get(address).text
    assert staff.confirm(admin, address, email="lea@nuage.example").status_code == 303
    assert browser(app).get(f"/desk/invitation/{mistaken}").status_code == 404
    invited = letters.to_staff(member, "staff_invitation")
    assert invited.recipient == "lea@nuage.example"
    link = re.search(r"http://localhost(/desk/invitation/[\w-]+)", mail.text_of(invited))[1]
    assert browser(app).get(link).status_code == 200


def test_a_member_whose_link_is_lost_is_invited_again(app: Flask) -> None:
    admin = staff.desk_of(app)
    member, lost = accounts.add("lea@nuage.example", Role.SUPPORT)
    page = f"/desk/staff/{member.login}"
    assert f"{page}/invitation" in admin.get(page).text
    assert staff.confirm(admin, f"{page}/invitation").location == page
    assert accounts.find_invitation(lost) is None
    link = re.search(r"http://localhost/desk/invitation/([\w-]+)", admin.get(page).text)
    assert accounts.find_invitation(link[1]).staff == member
    letter = letters.to_staff(member, "staff_invitation")
    assert "Vous êtes invité au bureau" in letters.plain(mail.text_of(letter))
    assert StaffAct.get().kind == "staff_invited"


def test_an_email_that_was_not_sent_is_found_on_today_and_sent_again(app: Flask) -> None:
    admin, member = staff.desk_of(app), staff.member(Role.SUPPORT, "fr", "lea@nuage.example")
    accounts.set_role(member, Role.BILLING)
    letter = letters.to_staff(member, "staff_account_changed")
    letters.fail_to_staff(letter)
    address = f"/desk/staff/emails/{letter.id}"
    for role in (Role.ADMINISTRATOR, Role.AUDITOR):
        shown = staff.desk_of(app, role).get("/desk/today").text
        assert "Emails à l’équipe non envoyés" in shown
        assert f'href="{address}"' in shown
        assert "lea · 550" in shown
    for role in (Role.SUPPORT, Role.BILLING):
        colleague = staff.desk_of(app, role)
        assert address not in colleague.get("/desk/today").text
        assert colleague.get("/desk/today/failed_staff_letters").status_code == 404
        assert colleague.get(address).status_code == 403
    assert address in admin.get(f"/desk/staff/{member.login}").text
    assert f"{address}/again" in admin.get(address).text
    assert f"{address}/again" not in staff.desk_of(app, Role.AUDITOR).get(address).text
    assert staff.confirm(admin, f"{address}/again").location == address
    assert StaffLetter.get_by_id(letter.id).status == "queued"
    assert address not in admin.get("/desk/today").text
    assert StaffAct.get().kind == "staff_email_again"
    assert staff.confirm(admin, f"{address}/again").status_code == 409


def test_an_invitation_that_was_not_sent_leads_to_a_new_one_and_tells_no_secret(
    app: Flask,
) -> None:
    admin = staff.desk_of(app)
    member, token = accounts.add("lea@nuage.example", Role.SUPPORT)
    letter = letters.to_staff(member, "staff_invitation")
    letters.fail_to_staff(letter)
    shown = admin.get(f"/desk/staff/emails/{letter.id}").text
    assert token not in shown
    assert f"/desk/staff/emails/{letter.id}/again" not in shown
    again = f"/desk/staff/{member.login}/invitation"
    assert again in shown
    staff.confirm(admin, again)
    assert f"emails/{letter.id}" not in admin.get("/desk/today").text


def test_who_has_joined_is_reset_and_not_invited_again(app: Flask) -> None:
    admin, member = staff.desk_of(app), staff.member(Role.SUPPORT)
    page = f"/desk/staff/{member.login}"
    assert f"{page}/invitation" not in admin.get(page).text
    assert admin.get(f"{page}/invitation").status_code == 404
    form = {"reason": "Perdu", "key": "a-form", "confirmed": "yes"}
    assert admin.ask("POST", f"{page}/invitation", form).status_code == 404
    assert not accounts.find_member(member.login).is_invited


def test_the_last_administrator_stays(app: Flask) -> None:
    client = browser(app)
    admin = staff.sign_in(client)
    invited, _ = accounts.add("lea@nuage.example", Role.ADMINISTRATOR)
    for name, more in (("disable", {}), ("role", {"role": "support"})):
        response = staff.confirm(client, f"/desk/staff/{admin.login}/{name}", **more)
        assert response.status_code == 409
        assert "dernier administrateur" in response.text
    assert accounts.find_member(admin.login).role == Role.ADMINISTRATOR
    assert not StaffAct.select().exists()
    assert staff.confirm(client, f"/desk/staff/{invited.login}/disable").status_code == 303


def test_a_role_without_an_act_sees_no_button(app: Flask) -> None:
    member = staff.member(Role.SUPPORT)
    for role, seen in ((Role.AUDITOR, False), (Role.ADMINISTRATOR, True)):
        text = staff.desk_of(app, role).get(f"/desk/staff/{member.login}").text
        assert ("/disable" in text) is seen


def test_a_member_ends_their_other_sessions_and_chooses_a_language(app: Flask) -> None:
    client = browser(app)
    member = staff.sign_in(client, Role.BILLING)
    StaffSession.create(
        token_digest="another", staff=member, created_at=member.created_at,
        seen_at=member.created_at, expires_at=StaffSession.get().expires_at, ip_address="192.0.2.1",
    )  # fmt: skip
    assert "192.0.2.1" in client.get("/desk/account").text
    client.ask("POST", "/desk/account/sessions/end")
    assert "192.0.2.1" not in client.get("/desk/account").text
    form = {"language": "en", "next": "https://evil.example/desk/"}
    assert client.ask("POST", "/desk/language", form).location == "/desk/account"
    assert 'lang="en"' in client.get("/desk/account").text
