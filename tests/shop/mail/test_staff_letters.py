"""E-mails to members of staff: what changes their account is told to them, and to nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from models import (
    Letter,
    LetterStatus,
    Role,
    StaffAccount,
    StaffInvitation,
    StaffLetter,
    StaffSession,
)
from shop import clock, mail
from shop.errors import Conflict
from shop.jobs import queue
from shop.mail.staff_letters import ChangedBy
from shop.operations import key_rotation
from shop.personal_data import retention
from shop.security import encryption, one_time_codes
from shop.staff import accounts, factors, passkeys, sessions
from tests.support import cast, letters, staff
from tests.support.mailbox import Mailbox

MakeApp = Callable[..., Flask]
Act = Callable[[StaffAccount], object]

ASKED = ChangedBy("staff:dominique", "Changement de service")


@pytest.fixture
def member(app: Flask) -> StaffAccount:
    """Provide a member of support, who reads French."""
    return staff.member(Role.SUPPORT)


def told(member: StaffAccount) -> list[StaffLetter]:
    """Return the e-mails to a member after the invitation and the one of its use."""
    own = StaffLetter.select().where(StaffLetter.staff == member).order_by(StaffLetter.id)
    return list(own)[2:]


def said(letter: StaffLetter) -> str:
    return letters.plain(mail.text_of(letter))


def _session(member: StaffAccount) -> StaffSession:
    found = sessions.find_staff_session(staff.session_of(member))
    assert found is not None
    return found


def _change_password(member: StaffAccount) -> None:
    accounts.change_password(_session(member), "Un-autre-mot-9", "Un-autre-mot-9")


def _remove_application(member: StaffAccount) -> None:
    staff.passkey_of(member)
    assert factors.remove_authenticator(member)


def _replace_application(member: StaffAccount) -> None:
    _remove_application(member)
    member = StaffAccount.get_by_id(member.id)
    code = one_time_codes.code_of(factors.begin_authenticator(member))
    factors.add_authenticator(member, code)


def _remove_passkey(member: StaffAccount) -> None:
    staff.passkey_of(member)
    assert factors.remove_passkey(member, passkeys.passkeys_of(member)[0])


def _disable_and_enable(member: StaffAccount) -> None:
    accounts.disable(member, ASKED)
    accounts.enable(member, ASKED)


CHANGES: dict[str, tuple[Act, str]] = {
    "role": (lambda who: accounts.set_role(who, Role.BILLING, ASKED), "Votre rôle a été changé"),
    "disabled": (lambda who: accounts.disable(who, ASKED), "Votre compte a été désactivé"),
    "enabled": (_disable_and_enable, "Votre compte a été réactivé"),
    "reset": (lambda who: accounts.reset(who, ASKED), "Votre mot de passe, votre application et"),
    "passkey": (staff.passkey_of, "Une clé d’accès a été ajoutée"),
    "no passkey": (_remove_passkey, "Une clé d’accès a été supprimée"),
    "application": (_replace_application, "Une application d’authentification a été ajoutée"),
    "no application": (_remove_application, "L’application d’authentification a été supprimée"),
    "password": (_change_password, "Le mot de passe a été changé"),
}
BY_ANOTHER = {"role", "disabled", "enabled", "reset"}


@pytest.mark.parametrize("change", CHANGES)
def test_a_member_is_told_what_changed_and_who_changed_it(
    change: str, member: StaffAccount
) -> None:
    act, sentence = CHANGES[change]
    act(member)
    letter = told(member)[-1]
    assert sentence in said(letter)
    assert sentence in letters.seen(mail.html_of(letter))
    assert (letter.recipient, letter.language) == (member.email, "fr")
    is_named = "Modifié par : dominique" in said(letter)
    assert is_named is (change in BY_ANOTHER)
    assert ("Motif : Changement de service" in said(letter)) is is_named
    assert not Letter.select().exists()


def test_a_reason_is_a_text_and_no_markup(member: StaffAccount) -> None:
    accounts.set_role(member, Role.BILLING, ChangedBy("staff:dominique", "<b>&amp; {{ 7 * 7 }}"))
    letter = told(member)[-1]
    assert "<b>&amp; {{ 7 * 7 }}" in said(letter)
    assert "&lt;b&gt;&amp;amp; {{ 7 * 7 }}" in mail.html_of(letter)


def test_a_member_is_told_in_their_language(app: Flask) -> None:
    member = staff.member(Role.SUPPORT, "en")
    accounts.set_role(member, Role.BILLING, ASKED)
    letter = told(member)[-1]
    assert "Your role was changed" in said(letter)
    assert "Role: Billing" in said(letter)
    assert letter.language == "en"


def test_what_the_operator_changed_names_nobody(member: StaffAccount) -> None:
    accounts.set_role(member, Role.BILLING)
    assert "Modifié par : l’exploitant" in said(told(member)[-1])


def test_what_is_so_already_is_not_told(member: StaffAccount) -> None:
    accounts.set_role(member, Role.SUPPORT, ASKED)
    accounts.enable(member, ASKED)
    assert told(member) == []
    accounts.disable(member, ASKED)
    accounts.disable(member, ASKED)
    assert len(told(member)) == 1


def test_a_change_that_is_undone_by_an_error_is_not_told(member: StaffAccount) -> None:
    staff.member(Role.ADMINISTRATOR)
    last = StaffAccount.get(StaffAccount.role == Role.ADMINISTRATOR)
    before = StaffLetter.select().count()
    with pytest.raises(accounts.Conflict):
        accounts.set_role(last, Role.SUPPORT, ASKED)
    assert StaffLetter.select().count() == before


# --- The invitation --------------------------------------------------------------------------


def _invite() -> tuple[StaffAccount, str, StaffLetter]:
    member, token = accounts.add("lea@nuage.example", Role.BILLING, "fr", ASKED)
    return member, token, letters.to_staff(member, "staff_invitation")


def test_the_invitation_reaches_the_member_and_is_stored_encrypted(app: Flask) -> None:
    _, token, letter = _invite()
    assert letter.recipient == "lea@nuage.example"
    assert token not in letter.text + letter.html + letter.subject
    link = f"http://localhost/desk/invitation/{token}"
    assert link in mail.text_of(letter)
    assert link in letters.links(mail.html_of(letter))
    assert accounts.find_invitation(token) is not None


def test_who_accepted_an_invitation_is_told_to_its_member(app: Flask) -> None:
    member, token, _ = _invite()
    invitation = accounts.find_invitation(token)
    assert invitation is not None
    code = one_time_codes.code_of(accounts.secret_of(invitation.staff))
    assert accounts.accept(invitation, cast.PASSWORD, cast.PASSWORD, code)
    letter = letters.to_staff(member, "staff_account_changed")
    assert "Le compte a été configuré par le lien de l’invitation" in said(letter)


def test_the_secret_of_an_invitation_is_emptied_after_90_days(app: Flask) -> None:
    *_, letter = _invite()
    queue.drain()
    StaffLetter.update(created_at=clock.now() - timedelta(days=91)).execute()
    retention.run_retention()
    row = StaffLetter.get_by_id(letter.id)
    assert (row.text, row.html, row.is_secret) == ("", "", False)
    assert row.emptied_at is not None


def test_a_new_key_seals_the_invitation_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token, letter = _invite()
    before = letter.text
    assert key_rotation.reseal_all()[0] > 0
    after = StaffLetter.get_by_id(letter.id)
    assert after.text != before
    assert token in encryption.unseal(after.text)


# --- Sending ---------------------------------------------------------------------------------


def test_it_is_sent_to_the_member_once(make_app: MakeApp, mailbox: Mailbox) -> None:
    make_app(SMTP_URL=mailbox.url)
    _, token, letter = _invite()
    queue.drain()
    queue.drain()
    assert mailbox.recipients == [["lea@nuage.example"]]
    assert token in mailbox.letters[0].get_body(("plain",)).get_content()
    assert StaffLetter.get_by_id(letter.id).status == LetterStatus.SENT


def test_without_a_mail_server_it_is_kept(app: Flask) -> None:
    *_, letter = _invite()
    queue.drain()
    assert StaffLetter.get_by_id(letter.id).status == LetterStatus.STORED


def test_a_mailbox_that_does_not_exist_is_shown_at_the_desk(
    make_app: MakeApp, mailbox: Mailbox
) -> None:
    app = make_app(SMTP_URL=mailbox.url)
    mailbox.unknown = "550 5.1.1 No such user"
    member, *_ = _invite()
    queue.drain()
    assert StaffInvitation.select().where(StaffInvitation.staff == member).exists()
    shown = staff.desk_of(app).get(f"/desk/staff/{member.login}").text
    assert "Configurez votre compte au bureau de" in shown
    assert "Non envoyé" in shown


# --- E-mails that could not be sent --------------------------------------------------------------


def lacked() -> list[str]:
    """Return the kinds of the e-mails that members lack."""
    return [str(letter.kind) for letter in mail.unsent_to_staff()]


def test_an_unsent_email_awaits_somebody_until_it_is_sent(member: StaffAccount) -> None:
    accounts.set_role(member, Role.BILLING, ASKED)
    [letter] = told(member)
    assert lacked() == []
    letters.fail_to_staff(letter)
    assert lacked() == ["staff_account_changed"]
    mail.send_again_to_staff(StaffLetter.get_by_id(letter.id), by="staff:dominique")
    assert lacked() == []
    assert StaffLetter.get_by_id(letter.id).status == LetterStatus.QUEUED
    with pytest.raises(Conflict):
        mail.send_again_to_staff(StaffLetter.get_by_id(letter.id), by="staff:dominique")


def test_nobody_lacks_an_email_to_a_former_address_or_a_disabled_account(
    member: StaffAccount,
) -> None:
    accounts.set_email(member, "mia@nuage.example", ASKED)
    former, present = told(member)
    letters.fail_to_staff(former, present)
    assert [letter.recipient for letter in mail.unsent_to_staff()] == ["mia@nuage.example"]
    with pytest.raises(Conflict):
        mail.send_again_to_staff(StaffLetter.get_by_id(former.id), by="staff:dominique")
    accounts.disable(member, ASKED)
    assert lacked() == []


def test_an_unsent_invitation_awaits_another_one_or_its_use(app: Flask) -> None:
    member, token = accounts.add("mia@nuage.example", Role.SUPPORT)
    [first] = StaffLetter.select()
    letters.fail_to_staff(first)
    assert lacked() == ["staff_invitation"]
    with pytest.raises(Conflict):
        mail.send_again_to_staff(StaffLetter.get_by_id(first.id), by="staff:dominique")
    token = accounts.reset(member, ASKED)
    assert lacked() == []
    letters.fail_to_staff(StaffLetter.get(StaffLetter.id > first.id))
    assert lacked() == ["staff_invitation"]
    invitation = accounts.find_invitation(token)
    assert invitation is not None
    code = one_time_codes.code_of(accounts.secret_of(invitation.staff))
    assert accounts.accept(invitation, cast.PASSWORD, cast.PASSWORD, code)
    assert lacked() == []
