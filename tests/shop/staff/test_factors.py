"""Members of staff add and remove second factors, and always keep one."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from threading import Barrier
from types import SimpleNamespace

import pytest
from flask import Flask
from peewee import IntegrityError
from structlog.testing import capture_logs

from models import Role, StaffAccount, StaffPasskey
from shop.errors import Conflict, Refusal
from shop.security import one_time_codes
from shop.security.one_time_codes import WrongCode
from shop.security.passkeys import MAX_PASSKEYS, PasskeyRefused
from shop.staff import accounts, factors, sessions
from tests.support import cast, patience, racing, staff
from tests.support.devices import BASE, Device


@pytest.fixture
def member(app: Flask) -> StaffAccount:
    """A member of staff with an application."""
    return staff.member(Role.AUDITOR)


def again(member: StaffAccount) -> StaffAccount:
    return StaffAccount.get_by_id(member.id)


def add(member: StaffAccount, device: Device, **changed: object) -> None:
    """Add a passkey, its options changed on the way to the device."""
    ceremony = factors.begin_passkey(member, BASE)
    answer = device.create(json.loads(ceremony.options) | changed)
    factors.add_passkey(member, answer, ceremony.challenge, "Laptop", BASE)


# --- Passkeys ----------------------------------------------------------------------------------


def test_a_passkey_is_added_and_logged(member: StaffAccount) -> None:
    with capture_logs() as said:
        add(member, Device())
    assert said[-1] | {"event": "staff_changed", "kind": "passkey_added"} == said[-1]
    key = StaffPasskey.get()
    assert (key.staff, key.name, key.sign_count, key.used_at) == (member, "Laptop", 0, None)


def test_the_device_is_told_nothing_personal_and_what_it_has_already(member: StaffAccount) -> None:
    add(member, Device())
    asked = json.loads(factors.begin_passkey(member, BASE).options)
    assert asked["user"]["name"] == member.login
    assert member.login not in asked["user"]["id"]
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert [each["id"] for each in asked["excludeCredentials"]] == [
        StaffPasskey.get().credential_id
    ]
    other = json.loads(factors.begin_passkey(staff.member(), BASE).options)
    assert other["user"]["id"] != asked["user"]["id"]


@pytest.mark.parametrize(
    ("device", "changed"),
    [
        (Device(origin="https://evil.example"), {}),
        (Device(), {"rp": {"id": "evil.example"}}),
        (Device(), {"challenge": "AAAA"}),
        (Device(checks_owner=False), {}),
    ],
    ids=["origin", "site", "challenge", "unverified user"],
)
def test_a_passkey_is_refused_by(
    member: StaffAccount, device: Device, changed: dict[str, object]
) -> None:
    with pytest.raises(PasskeyRefused):
        add(member, device, **changed)
    assert not StaffPasskey.select().exists()


def test_an_answer_adds_one_passkey_to_its_member(member: StaffAccount) -> None:
    ceremony = factors.begin_passkey(member, BASE)
    answer = Device().create(json.loads(ceremony.options))
    with pytest.raises(PasskeyRefused):
        factors.add_passkey(staff.member(), answer, ceremony.challenge, "x", BASE)
    factors.add_passkey(member, answer, ceremony.challenge, "x", BASE)
    with pytest.raises(PasskeyRefused):
        factors.add_passkey(member, answer, ceremony.challenge, "x", BASE)
    assert StaffPasskey.select().count() == 1


def test_a_credential_has_one_owner(member: StaffAccount) -> None:
    device = Device()
    add(member, device)
    for other in (member, staff.member()):
        with pytest.raises(PasskeyRefused):
            add(other, device)
    row = StaffPasskey.select().dicts().get() | {"id": None}
    with pytest.raises(IntegrityError):
        StaffPasskey.create(**row)


def test_a_member_has_ten_at_most(member: StaffAccount) -> None:
    ceremony = factors.begin_passkey(member, BASE)
    late = Device().create(json.loads(ceremony.options))
    for _ in range(MAX_PASSKEYS):
        add(member, Device())
    with pytest.raises(Refusal):
        factors.begin_passkey(member, BASE)
    with pytest.raises(Refusal):
        factors.add_passkey(member, late, ceremony.challenge, "x", BASE)
    assert StaffPasskey.select().count() == MAX_PASSKEYS


# --- The application ---------------------------------------------------------------------------


def change_password(member: StaffAccount) -> None:
    """Give a member another password in a new session."""
    found = sessions.find_staff_session(sessions.start_session(again(member), staff.HERE))
    assert found is not None
    accounts.change_password(found, "Correct-Horse-7", "Correct-Horse-7")


def test_another_password_voids_the_secret_of_an_application_not_in_use_alone(
    member: StaffAccount,
) -> None:
    secret = accounts.secret_of(member)
    change_password(member)
    assert accounts.secret_of(again(member)) == secret
    add(again(member), Device())
    assert factors.remove_authenticator(again(member))
    shown = factors.begin_authenticator(again(member))
    change_password(member)
    assert factors.begin_authenticator(again(member)) != shown


def test_an_application_is_set_up_beside_a_passkey(member: StaffAccount) -> None:
    add(member, Device())
    old = staff.code_of(member)
    assert factors.remove_authenticator(member)
    assert not factors.remove_authenticator(again(member))
    member = again(member)
    assert member.secret == ""
    secret = factors.begin_authenticator(member)
    assert factors.begin_authenticator(again(member)) == secret
    with pytest.raises(WrongCode):
        factors.add_authenticator(member, old)
    assert not again(member).authenticator_at
    code = one_time_codes.code_of(secret)
    factors.add_authenticator(member, code)
    for attempt in (
        lambda: factors.add_authenticator(member, code),
        lambda: factors.begin_authenticator(again(member)),
    ):
        with pytest.raises(Conflict):
            attempt()


def test_the_code_of_the_set_up_opens_no_session(member: StaffAccount) -> None:
    add(member, Device())
    factors.remove_authenticator(member)
    code = one_time_codes.code_of(factors.begin_authenticator(again(member)))
    factors.add_authenticator(again(member), code)
    with pytest.raises(WrongCode):
        staff.session_of(again(member))


def test_no_application_without_a_secret_is_stored(member: StaffAccount) -> None:
    with pytest.raises(IntegrityError):
        StaffAccount.update(secret="").where(StaffAccount.id == member.id).execute()


# --- One stays ---------------------------------------------------------------------------------


def test_the_last_factor_stays(member: StaffAccount) -> None:
    with pytest.raises(Conflict):
        factors.remove_authenticator(member)
    add(member, Device())
    assert factors.remove_authenticator(member)
    with pytest.raises(Conflict):
        factors.remove_passkey(again(member), StaffPasskey.get())
    add(again(member), Device())
    first, second = StaffPasskey.select().order_by(StaffPasskey.id)
    assert factors.remove_passkey(again(member), first)
    assert not factors.remove_passkey(again(member), first)
    with pytest.raises(Conflict):
        factors.remove_passkey(again(member), second)


def test_a_colleagues_passkey_stays(member: StaffAccount) -> None:
    add(member, Device())
    colleague = staff.member()
    staff.passkey_of(colleague)
    theirs = StaffPasskey.get(StaffPasskey.staff == colleague)
    assert not factors.remove_passkey(member, theirs)
    assert StaffPasskey.select().count() == 2


def race_removals(member: StaffAccount) -> list[object]:
    """Remove both factors at once, each in its own browser."""
    add(member, Device())
    key = StaffPasskey.get()
    acts = [
        lambda: factors.remove_authenticator(member),
        lambda: factors.remove_passkey(member, key),
    ]
    return racing.race(lambda: acts.pop()(), 2)


def left(member: StaffAccount) -> int:
    found = factors.factors_of(again(member))
    return len(found.passkeys) + bool(found.authenticator_at)


def test_of_two_removals_at_once_one_is_refused(member: StaffAccount) -> None:
    outcomes = race_removals(member)
    assert outcomes.count(True) == 1, outcomes
    assert sum(isinstance(each, Conflict) for each in outcomes) == 1
    assert left(member) == 1


def test_control_without_the_lock_none_is_left(
    member: StaffAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    barrier, check = Barrier(2), factors._check_another_stays

    def meet(found: factors.Factors) -> None:
        barrier.wait(timeout=patience.STUCK)
        check(found)

    monkeypatch.setattr(factors, "lock_unchanged", again)
    monkeypatch.setattr(factors, "database", SimpleNamespace(atomic=nullcontext))
    monkeypatch.setattr(factors, "_check_another_stays", meet)
    assert race_removals(member) == [True, True]
    assert left(member) == 0


@pytest.mark.parametrize("change", [accounts.disable, accounts.reset])
def test_nothing_is_added_after_the_member_was_disabled_or_reset(
    member: StaffAccount, change: Callable[[StaffAccount], object]
) -> None:
    ceremony = factors.begin_passkey(member, BASE)
    answer = Device().create(json.loads(ceremony.options))
    change(member)
    with pytest.raises(Conflict):
        factors.add_passkey(member, answer, ceremony.challenge, "x", BASE)
    assert not StaffPasskey.select().exists()


# --- Invitations -------------------------------------------------------------------------------


def test_a_reset_voids_both_factors(member: StaffAccount) -> None:
    add(member, Device())
    accounts.reset(member)
    member = again(member)
    assert member.is_invited
    assert left(member) == 0


def race_acceptances() -> list[object]:
    """Accept one invitation by an application and by two passkeys at once."""
    _, token = accounts.add("lea@nuage.example", Role.SUPPORT)
    found = accounts.find_invitation(token)
    assert found is not None
    code = one_time_codes.code_of(accounts.secret_of(found.staff))
    acts: list[Callable[[], bool]] = [
        lambda: accounts.accept(found, cast.PASSWORD, cast.PASSWORD, code)
    ]
    for _ in range(2):
        ceremony = accounts.begin_passkey(found, BASE)
        answer = (Device().create(json.loads(ceremony.options)), ceremony.challenge)
        acts.append(
            lambda answer=answer: accounts.accept_by_passkey(
                found, cast.PASSWORD, "Laptop", answer, BASE
            )
        )
    return racing.race(lambda: acts.pop()(), 3)


def test_an_invitation_is_accepted_once_in_one_way(app: Flask) -> None:
    assert sorted(map(str, race_acceptances())) == ["False", "False", "True"]
    member = StaffAccount.get()
    assert left(member) == 1
    assert bool(member.secret) is bool(member.authenticator_at)
