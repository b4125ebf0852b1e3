"""What members of staff do for a customer: with a reason, confirmed, once, and on record."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from models import (
    Account,
    AccountEvent,
    GroupStatus,
    Letter,
    LetterStatus,
    LicenceGroup,
    Order,
    OrderStatus,
    Role,
    Session,
    StaffAct,
    VatStatus,
)
from shop import clock, customer_care, mail, transitions
from shop.customer_care import Asked
from shop.customers import holds, sessions, two_factor
from shop.errors import Conflict, Refusal
from shop.money_acts import goodwill, perform
from shop.orders import orders
from shop.payments import card_setups
from shop.vat import registry
from shop.vat.registry import Answer, Consultation
from tests.support import purchases, staff
from tests.support.belongings import Belongings
from tests.support.client import browser
from tests.support.visitor import Visitor

WHY = "Demande par téléphone"


def asked(key: str = "a form") -> Asked:
    return Asked(key, WHY, "staff:lea")


def last_event(account: Account) -> AccountEvent:
    newest = AccountEvent.select().where(AccountEvent.account == account)
    return newest.order_by(AccountEvent.id.desc()).get()


def again(account: Account) -> Account:
    return Account.get_by_id(account.id)


# --- By the pages of the desk ----------------------------------------------------------------


def test_every_act_on_what_alice_owns_is_found_and_done(app: Flask, alices: Belongings) -> None:
    """The journey of a day: each act from the customer's page, its reason on record."""
    client = browser(app)
    member = staff.sign_in(client, Role.SUPPORT, email="lea@nuage.example")
    who, group = alices.account, alices.group
    Letter.update(status=LetterStatus.FAILED).where(Letter.account == who).execute()
    letter = Letter.select().where(Letter.account == who).first()
    here = f"/desk/customers/{who.nic_handle}/acts"
    shown = client.get(here).text
    done: tuple[tuple[str, dict[str, str], str], ...] = (
        (f"/desk/emails/{letter.id}/again", {}, "staff_sent_email"),
        (f"{here}/email-address", {"email": "alice@neuf.example"}, "staff_gave_email"),
        (f"{here}/no-email-address", {}, "staff_took_email_back"),
        (f"{here}/second-factor", {}, "second_factor_reset"),
        (f"/desk/services/{group.name}/acts/suspend", {}, "staff_suspended_service"),
        (f"/desk/services/{group.name}/acts/resume", {}, "staff_resumed_service"),
        (f"/desk/services/{group.name}/acts/end", {}, "staff_ended_service"),
        (f"/desk/orders/{alices.unpaid.number}/acts/extend", {}, "staff_extended_order"),
        (f"/desk/orders/{alices.unpaid.number}/acts/cancel", {}, "staff_cancelled_order"),
        (f"{here}/block", {}, "account_blocked"),
        (f"{here}/unblock", {}, "account_unblocked"),
    )
    late = {"resume", "unblock", "no-email-address"}
    for address, form, kind in done:
        if address.rpartition("/")[2] not in late:
            assert f'href="{address}"' in shown, address
        response = staff.confirm(client, address, reason=WHY, **form)
        assert response.location == here, f"{address}: {response.status}"
        act = StaffAct.select().order_by(StaffAct.id.desc()).get()
        assert (act.kind, act.by, act.reason) == (kind, member.actor, WHY)
        assert act.account_id == who.id
        lines = AccountEvent.select().where(AccountEvent.account == who, AccountEvent.kind == kind)
        assert any(WHY in line.note for line in lines), kind
    assert LicenceGroup.get_by_id(group.id).status in {GroupStatus.TERMINATED, "ending"}
    assert Order.get_by_id(alices.unpaid.id).status == OrderStatus.CANCELLED


def test_an_auditor_reads_what_could_be_done_and_sees_no_button(
    app: Flask, alices: Belongings
) -> None:
    here = f"/desk/customers/{alices.account.nic_handle}/acts"
    text = staff.desk_of(app, Role.AUDITOR).get(here).text
    assert alices.unpaid.number in text
    assert not re.search(r'href="/desk/[^"]*/(acts/[^"]+|again)"', text)


def test_a_refusal_is_shown_at_its_field_and_nothing_is_recorded(
    app: Flask, alice: Account
) -> None:
    client = staff.desk_of(app, Role.SUPPORT)
    here = f"/desk/customers/{alice.nic_handle}/acts"
    response = staff.confirm(client, f"{here}/email-address", email=alice.email)
    assert response.status_code == 422
    assert "C’est déjà l’adresse du client." in response.text
    assert staff.confirm(client, f"{here}/unblock").status_code == 409
    assert not StaffAct.select().exists()


@pytest.mark.parametrize(
    "address",
    [
        "/desk/customers/zz99999-ovh/acts", "/desk/services/none/acts/suspend",
        "/desk/orders/1/acts/cancel", "/desk/emails/99999999/again",
    ],
)  # fmt: skip
def test_what_does_not_exist_is_not_found(app: Flask, address: str) -> None:
    assert staff.desk_of(app).get(address).status_code == 404


# --- A customer who is locked out --------------------------------------------------------------


def test_a_new_address_is_proved_the_old_one_told_and_money_held(
    app: Flask, alice: Account, drain: Callable[[], int]
) -> None:
    session = sessions.start_session(alice, sessions.UNKNOWN)
    customer_care.give_email_address(alice, "Alice@Neuf.example", asked())
    letter = Letter.get(Letter.kind == "email_confirmation")
    assert letter.recipient == "alice@neuf.example"
    assert again(alice).email == "alice@atelier.example"
    link = re.search(r"http://localhost(/fr/email-address/[\w-]+)", mail.text_of(letter))[1]
    visitor = Visitor(browser(app))
    visitor.open(link)
    assert "alice@neuf.example" in visitor.response.text
    visitor.press("Confirmer cette adresse")
    assert again(alice).email == "alice@neuf.example"
    assert Letter.get(Letter.kind == "email_changed").recipient == "alice@atelier.example"
    assert sessions.find_session(session) is None
    assert visitor.client.get(link).status_code == 410
    assert last_event(alice).kind == "money_held"


def test_a_link_taken_back_no_longer_works(app: Flask, alice: Account) -> None:
    customer_care.give_email_address(alice, "alice@neuf.example", asked())
    link = re.search(r"/fr/email-address/[\w-]+", mail.text_of(Letter.get(
        Letter.kind == "email_confirmation")))[0]  # fmt: skip
    customer_care.take_email_address_back(alice, asked("another"))
    assert browser(app).get(link).status_code == 410
    with pytest.raises(Refusal):
        customer_care.take_email_address_back(alice, asked("a third"))
    assert StaffAct.select().count() == 2


def test_without_a_second_step_there_is_nothing_to_reset(app: Flask, alice: Account) -> None:
    with pytest.raises(Refusal):
        customer_care.reset_second_factor(alice, asked())
    holds.check_not_held(alice)
    client = staff.desk_of(app, Role.SUPPORT)
    for page in ("", "/acts"):
        shown = client.get(f"/desk/customers/{alice.nic_handle}{page}").text
        assert "/acts/block" in shown
        assert "/acts/second-factor" not in shown


def test_for_72_hours_nothing_is_ordered_no_card_kept_and_no_money_given(
    app: Flask, alice: Account, clock
) -> None:
    holds.hold_money(alice)
    for costs in (
        lambda: purchases.place(alice, purchases.basket(business=1)),
        lambda: card_setups.register_card(
            alice, back_to="cards", typed={}, base_url="http://localhost", by=alice.nic_handle
        ),
        lambda: perform(goodwill(alice, 500), WHY, by="staff:lea", key="k"),
    ):
        with pytest.raises(holds.MoneyHeld):
            costs()
    clock.shift(72 * 3600 + 1)
    assert purchases.place(alice, purchases.basket(business=1))


# --- Blocked -----------------------------------------------------------------------------------


def test_a_blocked_customer_is_told_the_reason_and_orders_nothing(
    app: Flask, alice: Account
) -> None:
    visitor = Visitor(browser(app))
    visitor.log_in(alice)
    customer_care.block(alice, Asked("k", "Carte volée.", "staff:lea"))
    assert visitor.client.get("/manager/web").status_code == 303
    assert not Session.select().where(Session.ended_at.is_null()).exists()
    visitor.log_in(alice)
    assert visitor.response.status_code == 403
    assert "Ce compte est bloqué\u00a0: Carte volée. Écrivez" in visitor.response.text
    with pytest.raises(sessions.AccountBlocked):
        purchases.place(alice, purchases.basket(business=1))
    customer_care.unblock(alice, asked("back"))
    assert again(alice).blocked_reason is None
    visitor.log_in(alice)
    assert visitor.address == "/manager/web"


# --- VAT ---------------------------------------------------------------------------------------


class Vies:
    """A registry that confirms every number."""

    def check(self, number: str) -> Consultation:
        return Consultation(Answer.CONFIRMED)


def test_a_vat_number_is_set_and_vies_asked(
    app: Flask, alice: Account, drain: Callable[[], int]
) -> None:
    with pytest.raises(Refusal) as refused:
        customer_care.set_vat_number(alice, "FR40303265045", asked())
    assert refused.value.field == "vat_number"
    Account.update(company="Atelier").where(Account.id == alice.id).execute()
    company = again(alice)
    with pytest.raises(Refusal):
        customer_care.set_vat_number(company, "FR123", asked())
    for key in ("one", "one", "two"):
        customer_care.set_vat_number(company, "40 303 265 045", asked(key))
        assert again(alice).vat_status == VatStatus.UNCONFIRMED
        assert again(alice).vat_number == "FR40303265045"
    with registry.registry.using(Vies()):
        drain()
    assert again(alice).vat_status == VatStatus.CONFIRMED
    assert StaffAct.select().count() == 2
    customer_care.set_vat_number(again(alice), "", asked("none"))
    assert again(alice).vat_status == VatStatus.NONE


# --- Once --------------------------------------------------------------------------------------


def test_the_same_form_does_nothing_twice(app: Flask, alices: Belongings) -> None:
    who, group = alices.account, alices.group
    for _ in range(2):
        customer_care.suspend(group, asked("suspend"))
        customer_care.block(who, asked("block"))
        customer_care.cancel(Order.get_by_id(alices.unpaid.id), asked("cancel"))
        customer_care.reset_second_factor(who, asked("reset"))
    assert not two_factor.is_on(who)
    assert StaffAct.select().count() == 4
    with pytest.raises(Conflict):
        customer_care.suspend(group, asked("another form"))
    assert StaffAct.select().count() == 4, "a refused act is not on record"


# --- Orders ------------------------------------------------------------------------------------


def test_an_extended_order_expires_later(app: Flask, alice: Account, clock) -> None:
    order = purchases.place(alice, purchases.basket(business=1))
    clock.shift(13 * 86400)
    customer_care.extend(order, asked())
    clock.shift(2 * 86400)
    with pytest.raises(orders.jobs.Later):
        orders.expire_order(order.id)
    assert Order.get_by_id(order.id).status == OrderStatus.AWAITING_PAYMENT
    clock.shift(13 * 86400)
    orders.expire_order(order.id)
    assert Order.get_by_id(order.id).status == OrderStatus.EXPIRED
    with pytest.raises(Refusal):
        customer_care.extend(order, asked("late"))


def test_a_failed_delivery_is_tried_again(app: Flask, alices: Belongings) -> None:
    order = Order.get_by_id(alices.unpaid.id)
    with pytest.raises(Refusal):
        customer_care.retry_delivery(order, asked())
    Order.update(status=OrderStatus.DELIVERY_FAILED, paid_at=clock.now()).where(
        Order.id == order.id
    ).execute()
    customer_care.retry_delivery(order, asked())
    moved = transitions.history(Order.get_by_id(order.id))
    assert any(event.by == "staff:lea" for event in moved)
