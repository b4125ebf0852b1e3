"""The second step of members of staff: what opens a session, and all that does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from flask import Flask
from structlog.testing import capture_logs

from models import Account, Challenge, Role, StaffAccount, StaffPasskey, StaffSession, StaffSignIn
from shop.customers.sign_in import SignInRefused
from shop.customers.two_factor import passkeys as customers_passkeys
from shop.errors import Refusal
from shop.operations import worker
from shop.security import one_time_codes, passkeys, rate_limits
from shop.security.one_time_codes import WrongCode
from shop.security.passkeys import PasskeyRefused
from shop.staff import accounts, factors, sign_in
from shop.staff import passkeys as staff_passkeys
from shop.staff.sign_in import SignInExpired
from tests.support import cast, patience, racing, staff
from tests.support.devices import BASE, Device
from tests.support.staff import HERE


@pytest.fixture
def member(app: Flask) -> StaffAccount:
    """A member of staff with an application."""
    return staff.member(Role.SUPPORT)


@pytest.fixture
def device(member: StaffAccount) -> Device:
    """A device with a passkey of the member."""
    return staff.passkey_of(member)


def begin(member: StaffAccount) -> str:
    return sign_in.begin_sign_in(member.login, cast.PASSWORD, HERE)


def ask(begun: str) -> tuple[dict[str, Any], str]:
    """Return the options for the browser's device, and the challenge in its cookie."""
    found = sign_in.find_pending(begun)
    assert found is not None
    ceremony = sign_in.begin_passkey(found, BASE)
    return json.loads(ceremony.options), ceremony.challenge


def finish(begun: str, answer: str, challenge: str) -> str:
    return sign_in.finish_by_passkey(begun, answer, challenge, BASE, HERE)


def enter(member: StaffAccount, device: Device, **changed: object) -> str:
    """Sign in by a passkey, its options changed on the way to the device."""
    begun = begin(member)
    options, challenge = ask(begun)
    return finish(begun, device.get(options | changed), challenge)


# --- What opens a session ----------------------------------------------------------------------


def test_a_passkey_opens_a_session_and_is_remembered(member: StaffAccount, device: Device) -> None:
    begun = begin(member)
    options, challenge = ask(begun)
    assert options["userVerification"] == "required"
    assert options["rpId"] == "localhost"
    assert [each["id"] for each in options["allowCredentials"]] == [
        StaffPasskey.get().credential_id
    ]
    assert not StaffSession.select().exists()
    with capture_logs() as said:
        assert finish(begun, device.get(options), challenge)
    assert StaffSession.get().staff == member
    assert StaffPasskey.get().sign_count == device.count == 1
    assert StaffPasskey.get().used_at is not None
    assert said == [
        {"event": "staff_signed_in", "log_level": "info", "staff": member.id, "means": "passkey"}
    ]
    assert not StaffSignIn.select().exists()
    assert not Challenge.select().exists()


def test_a_code_opens_a_session_where_there_is_a_passkey_too(
    member: StaffAccount, device: Device
) -> None:
    with capture_logs() as said:
        assert staff.session_of(member)
    assert said[-1] | {"means": "totp"} == said[-1]


def test_a_device_that_does_not_count_opens_many(member: StaffAccount) -> None:
    device = staff.passkey_of(member, Device(counts=False))
    assert enter(member, device)
    assert enter(member, device)
    assert StaffSession.select().count() == 2


def test_any_of_several_passkeys_opens_one(member: StaffAccount, device: Device) -> None:
    second = staff.passkey_of(member, name="Key in the safe")
    assert enter(member, second)
    assert enter(member, device)


# --- What does not -----------------------------------------------------------------------------


def refused(member: StaffAccount, act: Callable[[], object]) -> list[Any]:
    """Assert that a passkey is refused, which is logged, and changes nothing; return the log."""
    before = StaffPasskey.select().order_by(StaffPasskey.id).tuples()[:]
    with capture_logs() as said, pytest.raises(PasskeyRefused):
        act()
    failure = {"event": "staff_sign_in_failed", "staff": member.id, "means": "passkey"}
    assert said[-1] | failure == said[-1]
    assert not StaffSession.select().exists()
    assert StaffPasskey.select().order_by(StaffPasskey.id).tuples()[:] == before
    return list(said)


def test_an_answer_for_another_origin_is_refused(member: StaffAccount, device: Device) -> None:
    for origin in ("http://localhost.evil.example", "https://localhost", "http://localhost:81"):
        device.origin = origin
        refused(member, lambda: enter(member, device))


def test_an_answer_for_another_site_is_refused(member: StaffAccount, device: Device) -> None:
    refused(member, lambda: enter(member, device, rpId="evil.example"))


def test_an_answer_to_another_challenge_is_refused(member: StaffAccount, device: Device) -> None:
    begun = begin(member)
    options, _ = ask(begun)
    _, other = ask(begun)
    refused(member, lambda: finish(begun, device.get(options), other))
    refused(member, lambda: finish(begun, device.get(options | {"challenge": "AAAA"}), ""))


def test_a_challenge_of_another_sign_in_is_refused(member: StaffAccount, device: Device) -> None:
    one, other = begin(member), begin(member)
    options, challenge = ask(one)
    refused(member, lambda: finish(other, device.get(options), challenge))


def test_a_challenge_of_the_customers_sign_in_is_refused(
    member: StaffAccount, device: Device
) -> None:
    ceremony = customers_passkeys.begin_authentication(BASE)
    answer = device.get(json.loads(ceremony.options))
    refused(member, lambda: finish(begin(member), answer, ceremony.challenge))


def test_a_challenge_to_add_a_passkey_is_refused(member: StaffAccount, device: Device) -> None:
    ceremony = factors.begin_passkey(member, BASE)
    options = json.loads(ceremony.options)
    answer = device.get({"rpId": "localhost", "challenge": options["challenge"]})
    refused(member, lambda: finish(begin(member), answer, ceremony.challenge))


def test_a_device_that_does_not_verify_its_user_is_refused(
    member: StaffAccount, device: Device
) -> None:
    device.checks_owner = False
    refused(member, lambda: enter(member, device))


def test_a_passkey_of_a_colleague_is_refused(member: StaffAccount, device: Device) -> None:
    colleague = staff.passkey_of(staff.member(Role.BILLING))
    refused(member, lambda: enter(member, colleague))


def test_a_passkey_of_a_customer_is_refused(
    member: StaffAccount, device: Device, alice: Account
) -> None:
    theirs = Device()
    ceremony = customers_passkeys.begin_registration(alice, BASE)
    answer = theirs.create(json.loads(ceremony.options))
    customers_passkeys.finish_registration(alice, answer, ceremony.challenge, "x", BASE, HERE)
    refused(member, lambda: enter(member, theirs))


def test_a_passkey_of_the_staff_is_none_of_a_customer(device: Device) -> None:
    ceremony = customers_passkeys.begin_authentication(BASE)
    answer = device.get(json.loads(ceremony.options))
    with pytest.raises(PasskeyRefused):
        customers_passkeys.finish_authentication(answer, ceremony.challenge, BASE)


def test_a_passkey_with_another_user_handle_is_refused(
    member: StaffAccount, device: Device
) -> None:
    device.handle = "AAAA"
    refused(member, lambda: enter(member, device))


def test_a_signature_of_another_key_is_refused(member: StaffAccount, device: Device) -> None:
    impostor = Device(credential_id=device.credential_id, handle=device.handle)
    refused(member, lambda: enter(member, impostor))


@pytest.mark.parametrize("answer", ["", "{}", "[]", "null", '{"response": {}}', "x" * 30_000])
def test_a_malformed_answer_is_refused(member: StaffAccount, device: Device, answer: str) -> None:
    begun = begin(member)
    refused(member, lambda: finish(begun, answer, ask(begun)[1]))


def test_a_copied_device_is_noticed_by_its_counter(member: StaffAccount, device: Device) -> None:
    assert enter(member, device)
    StaffSession.delete().execute()
    for count in (-1, 0):  # Counted up by the answer: 0, and 1 as stored.
        device.count = count
        said = refused(member, lambda: enter(member, device))
        event = {"event": "passkey_counter_refused", "staff": member.id, "count": count + 1}
        assert [each for each in said if each | event == each]
    assert StaffPasskey.get().sign_count == 1
    device.count = 1
    assert enter(member, device), "the device that goes on is accepted"


def test_an_answer_works_once(member: StaffAccount) -> None:
    device = staff.passkey_of(member, Device(counts=False))
    begun = begin(member)
    options, challenge = ask(begun)
    answer = device.get(options)
    assert finish(begun, answer, challenge)
    with pytest.raises(SignInExpired):
        finish(begun, answer, challenge)
    with pytest.raises(PasskeyRefused):
        finish(begin(member), answer, challenge)
    assert StaffSession.select().count() == 1


def test_an_answer_comes_too_late(
    member: StaffAccount, device: Device, clock: time_machine.Traveller
) -> None:
    begun = begin(member)
    options, challenge = ask(begun)
    clock.shift(timedelta(minutes=6))
    refused(member, lambda: finish(begun, device.get(options), challenge))
    clock.shift(timedelta(minutes=5))
    with pytest.raises(SignInExpired):
        finish(begun, device.get(options), challenge)
    worker.delete_expired()
    assert not StaffSignIn.select().exists()
    assert not Challenge.select().exists()


def test_a_code_does_not_open_what_has_passkeys_alone(member: StaffAccount, device: Device) -> None:
    code = staff.code_of(member)
    factors.remove_authenticator(member)
    with pytest.raises(WrongCode):
        sign_in.finish_by_code(begin(member), code, HERE)


@pytest.mark.parametrize("change", [accounts.disable, accounts.reset])
def test_nothing_goes_on_after_the_member_was_disabled_or_reset(
    member: StaffAccount, device: Device, change: Callable[[StaffAccount], object]
) -> None:
    begun = begin(member)
    options, challenge = ask(begun)
    answer, code = device.get(options), staff.code_of(member)
    change(member)
    with pytest.raises(SignInExpired):
        finish(begun, answer, challenge)
    with pytest.raises(SignInExpired):
        sign_in.finish_by_code(begun, code, HERE)
    with pytest.raises(SignInRefused):
        begin(member)
    assert not StaffSession.select().exists()


def test_a_reset_between_the_check_and_the_session_wins(
    member: StaffAccount, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = staff_passkeys.verify_authentication

    def reset_after(*given: Any) -> object:
        verified = verify(*given)
        accounts.reset(member)
        return verified

    monkeypatch.setattr(staff_passkeys, "verify_authentication", reset_after)
    with pytest.raises(SignInExpired):
        enter(member, device)
    assert not StaffSession.select().exists()


def test_attempts_of_both_kinds_are_counted_together(
    make_app: Callable[..., Flask], member: StaffAccount
) -> None:
    with make_app(RATE_LIMITS="on").app_context():
        device = staff.passkey_of(member, Device(counts=False))
        device.checks_owner = False
        for _ in range(3):
            with pytest.raises(PasskeyRefused):
                enter(member, device)
        for _ in range(2):
            with pytest.raises(WrongCode):
                sign_in.finish_by_code(begin(member), "000000", HERE)
        device.checks_owner = True
        with pytest.raises(rate_limits.RateLimited):
            enter(member, device)


# --- At once -----------------------------------------------------------------------------------


def sessions_of(outcomes: list[Any]) -> int:
    """Return how many of the outcomes are sessions; the others are refusals."""
    assert all(isinstance(each, str | Refusal) for each in outcomes), outcomes
    opened = sum(isinstance(each, str) for each in outcomes)
    assert StaffSession.select().count() == opened
    return opened


def race_an_answer(member: StaffAccount) -> int:
    device = staff.passkey_of(member, Device(counts=False))
    begun = begin(member)
    options, challenge = ask(begun)
    answer = device.get(options)
    return sessions_of(racing.race(lambda: finish(begun, answer, challenge), 6))


def test_an_answer_sent_many_times_at_once_opens_one_session(member: StaffAccount) -> None:
    assert race_an_answer(member) == 1


def test_each_guard_against_double_submission_is_enough(
    member: StaffAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without_the_challenge:
        without_the_challenge.setattr(passkeys, "_use_up", lambda *_: None)
        assert race_an_answer(member) == 1
    StaffSession.delete().execute()
    monkeypatch.setattr(sign_in, "_use", lambda found: found.staff)
    assert race_an_answer(member) == 1


def test_control_without_both_guards_it_opens_many(
    member: StaffAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passkeys, "_use_up", lambda *_: None)
    monkeypatch.setattr(sign_in, "_use", lambda found: found.staff)
    assert race_an_answer(member) == 6


def race_copies(member: StaffAccount) -> int:
    """Sign in by the device and by copies of it at once, all with the same counter."""
    device = staff.passkey_of(member)
    waiting = []
    for _ in range(4):
        begun = begin(member)
        options, challenge = ask(begun)
        device.count = 0
        waiting.append((begun, device.get(options), challenge))
    return sessions_of(racing.race(lambda: finish(*waiting.pop()), 4))


def test_of_a_device_and_its_copies_one_enters(member: StaffAccount) -> None:
    assert race_copies(member) == 1


def test_control_without_the_counter_all_copies_enter(
    member: StaffAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passkeys, "record_use", lambda *_, **__: None)
    assert race_copies(member) == 4


def race_a_code(member: StaffAccount) -> int:
    code, begun = staff.code_of(member), [begin(member) for _ in range(4)]
    return sessions_of(racing.race(lambda: sign_in.finish_by_code(begun.pop(), code, HERE), 4))


def test_a_code_typed_in_many_browsers_at_once_opens_one_session(member: StaffAccount) -> None:
    assert race_a_code(member) == 1


def test_control_without_the_lock_a_code_opens_many(
    member: StaffAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    barrier, step_of = Barrier(4), one_time_codes.step_of

    def meet(secret: str, code: str) -> int | None:
        barrier.wait(timeout=patience.STUCK)
        return step_of(secret, code)

    monkeypatch.setattr(sign_in, "lock", lambda row: type(row).get_by_id(row.id))
    monkeypatch.setattr(sign_in, "database", SimpleNamespace(atomic=nullcontext))
    monkeypatch.setattr(one_time_codes, "step_of", meet)
    assert race_a_code(member) == 4
