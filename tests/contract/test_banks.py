"""The contract of `PaymentGateway`: one set of tests for the sandbox, Stripe and the in-process
bank of other tests.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shop.errors import PartyRejected, PartyUnavailable
from shop.payments.gateway import (
    CardChange,
    ChargeRequest,
    Checkout,
    CheckoutRequest,
    CheckoutStatus,
    Dispute,
    DisputeState,
    Payout,
    PayoutLine,
    PayoutLineKind,
    PayoutState,
    RefundState,
)
from tests.contract.banks import BankUnderTest

ACCEPTED, DECLINED = "4242424242424242", "4000000000000002"
AUTHENTICATES, DECLINED_LATER = "4000002500003155", "4000000000000341"


def request_for(bank: BankUnderTest, **wanted: object) -> CheckoutRequest:
    """Make the request with which the shop starts the payment of an order."""
    usual = CheckoutRequest(
        key="order-1",
        amount_cents=1056,
        currency="EUR",
        reference="100001",
        description="Nuage 100001",
        language="fr",
        customer_email="alice@example.com",
        return_url="https://shop.example/payment/return/signed",
        notification_url=bank.notification_url,
        store_card=False,
    )
    return replace(usual, **wanted)


def paid(bank: BankUnderTest, number: str = ACCEPTED, **wanted: object) -> Checkout:
    """Start a checkout and enter a card as the customer."""
    checkout = bank.gateway.start_checkout(request_for(bank, **wanted))
    bank.pay(checkout, number)
    return bank.gateway.find_checkout(checkout.reference)


def charge_of(bank: BankUnderTest, mandate: str, key: str = "renewal-1") -> ChargeRequest:
    """Make the request with which the shop charges a renewal."""
    return ChargeRequest(key, mandate, 880, "EUR", "F-1", "Nuage F-1", bank.notification_url)


def stored_card(bank: BankUnderTest, number: str = ACCEPTED) -> str:
    """Store a card as the customer; return its mandate."""
    mandate = paid(bank, number, store_card=True).mandate
    assert mandate is not None
    return mandate.reference


# --- Checkouts -------------------------------------------------------------------------------


def test_a_checkout_begins_open_with_a_page(bank: BankUnderTest) -> None:
    checkout = bank.gateway.start_checkout(request_for(bank))
    assert checkout.status == CheckoutStatus.OPEN
    assert (checkout.amount_cents, checkout.currency) == (1056, "EUR")
    assert checkout.url.startswith("http")
    assert checkout.mandate is None
    assert bank.gateway.find_checkout(checkout.reference) == checkout


def test_the_same_key_answers_the_same_checkout(bank: BankUnderTest) -> None:
    first, again = (bank.gateway.start_checkout(request_for(bank)) for _ in range(2))
    other = bank.gateway.start_checkout(request_for(bank, key="order-2"))
    assert first == again
    assert other.reference != first.reference


def test_the_same_key_answers_how_the_checkout_stands_now(bank: BankUnderTest) -> None:
    checkout = paid(bank)
    assert bank.gateway.start_checkout(request_for(bank)) == checkout


def test_many_calls_with_one_key_at_once_make_one_checkout(bank: BankUnderTest) -> None:
    references: list[str] = []

    def start() -> None:
        references.append(bank.gateway.start_checkout(request_for(bank)).reference)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(references) == 8
    assert len(set(references)) == 1


def test_a_key_with_other_parameters_is_rejected(bank: BankUnderTest) -> None:
    bank.gateway.start_checkout(request_for(bank))
    with pytest.raises(PartyRejected):
        bank.gateway.start_checkout(request_for(bank, amount_cents=2112))


def test_an_accepted_card_pays_exactly_once(bank: BankUnderTest) -> None:
    checkout = paid(bank)
    assert (checkout.status, checkout.amount_cents) == (CheckoutStatus.SUCCEEDED, 1056)
    assert (checkout.mandate, checkout.reason) == (None, "")
    bank.pay(checkout, ACCEPTED)
    assert bank.balance() == 1056


def test_a_declined_card_takes_nothing_and_another_may_follow(bank: BankUnderTest) -> None:
    checkout = paid(bank, DECLINED, store_card=True)
    # Some banks end the checkout, others let the customer enter another card.
    assert checkout.status in {CheckoutStatus.DECLINED, CheckoutStatus.OPEN}
    assert checkout.mandate is None
    assert bank.balance() == 0
    if checkout.status == CheckoutStatus.DECLINED:
        assert checkout.reason == "card_declined"
        checkout = bank.gateway.start_checkout(request_for(bank, key="order-1-again"))
    bank.pay(checkout, ACCEPTED)
    assert bank.gateway.find_checkout(checkout.reference).status == CheckoutStatus.SUCCEEDED
    assert bank.balance() == 1056


def test_a_card_with_strong_authentication_pays_when_confirmed(bank: BankUnderTest) -> None:
    assert paid(bank, AUTHENTICATES).status == CheckoutStatus.SUCCEEDED
    assert bank.balance() == 1056


def test_a_card_whose_holder_refuses_takes_nothing(bank: BankUnderTest) -> None:
    checkout = bank.gateway.start_checkout(request_for(bank))
    bank.pay(checkout, AUTHENTICATES, confirm=False)
    refused = bank.gateway.find_checkout(checkout.reference)
    assert refused.status in {CheckoutStatus.DECLINED, CheckoutStatus.OPEN}
    assert refused.reason in {"authentication_failed", ""}
    assert bank.balance() == 0


def test_a_closed_checkout_takes_no_card_any_more(bank: BankUnderTest) -> None:
    checkout = bank.gateway.start_checkout(request_for(bank))
    assert bank.gateway.close_checkout(checkout.reference).status == CheckoutStatus.CLOSED
    bank.pay(checkout, ACCEPTED)
    assert bank.gateway.find_checkout(checkout.reference).status == CheckoutStatus.CLOSED
    assert bank.gateway.close_checkout(checkout.reference).status == CheckoutStatus.CLOSED
    assert bank.balance() == 0


def test_closing_a_paid_checkout_returns_it_as_paid(bank: BankUnderTest) -> None:
    checkout = paid(bank)
    assert bank.gateway.close_checkout(checkout.reference) == checkout


def test_an_unknown_checkout_is_rejected(bank: BankUnderTest) -> None:
    for unknown in ("cs_unknown", "cs/../x"):
        with pytest.raises(PartyRejected):
            bank.gateway.find_checkout(unknown)
        with pytest.raises(PartyRejected):
            bank.gateway.close_checkout(unknown)
        with pytest.raises(PartyRejected):
            bank.gateway.refund(unknown, 100, "refund-1")


# --- Stored cards ----------------------------------------------------------------------------


def test_a_card_is_stored_when_asked_for(bank: BankUnderTest) -> None:
    mandate = paid(bank, store_card=True).mandate
    assert mandate is not None
    assert (mandate.brand.lower(), mandate.last4) == ("visa", "4242")
    assert 1 <= mandate.expiry_month <= 12
    assert mandate.expiry_year >= 2030


def test_a_card_can_be_stored_without_paying(bank: BankUnderTest) -> None:
    checkout = paid(bank, store_card=True, amount_cents=0)
    assert (checkout.status, checkout.amount_cents) == (CheckoutStatus.SUCCEEDED, 0)
    assert checkout.currency == "EUR"
    assert checkout.mandate is not None
    assert bank.balance() == 0
    charged = bank.gateway.charge(charge_of(bank, checkout.mandate.reference))
    assert charged.status == CheckoutStatus.SUCCEEDED


def test_a_stored_card_is_charged_once_for_each_key(bank: BankUnderTest) -> None:
    mandate = stored_card(bank)
    first, again = (bank.gateway.charge(charge_of(bank, mandate)) for _ in range(2))
    assert first == again == bank.gateway.find_checkout(first.reference)
    assert (first.status, first.amount_cents) == (CheckoutStatus.SUCCEEDED, 880)
    assert bank.balance() == 1056 + 880
    bank.gateway.charge(charge_of(bank, mandate, "renewal-2"))
    assert bank.balance() == 1056 + 880 + 880


def test_a_charge_with_a_used_key_and_another_amount_is_rejected(bank: BankUnderTest) -> None:
    mandate = stored_card(bank)
    bank.gateway.charge(charge_of(bank, mandate))
    with pytest.raises(PartyRejected):
        bank.gateway.charge(replace(charge_of(bank, mandate), amount_cents=900))
    assert bank.balance() == 1056 + 880


def test_a_charge_tells_the_card_as_the_bank_has_it(bank: BankUnderTest) -> None:
    mandate = stored_card(bank)
    charged = bank.gateway.charge(charge_of(bank, mandate))
    assert charged.mandate is not None
    assert (charged.mandate.reference, charged.mandate.last4) == (mandate, "4242")


def test_a_stored_card_may_be_declined_later(bank: BankUnderTest) -> None:
    mandate = stored_card(bank, DECLINED_LATER)
    first, again = (bank.gateway.charge(charge_of(bank, mandate)) for _ in range(2))
    assert (first.status, first.reason) == (CheckoutStatus.DECLINED, "card_declined")
    assert first == again == bank.gateway.find_checkout(first.reference)
    assert bank.balance() == 1056


def test_a_revoked_card_is_not_charged(bank: BankUnderTest) -> None:
    mandate = stored_card(bank)
    for _ in range(2):
        bank.gateway.forget_mandate(mandate)
    first, again = (bank.gateway.charge(charge_of(bank, mandate)) for _ in range(2))
    assert (first.status, first.reason) == (CheckoutStatus.DECLINED, "mandate_revoked")
    assert first == again == bank.gateway.find_checkout(first.reference)
    assert bank.balance() == 1056


def test_a_charge_stays_charged_when_its_card_is_revoked(bank: BankUnderTest) -> None:
    mandate = stored_card(bank)
    charged = bank.gateway.charge(charge_of(bank, mandate))
    bank.gateway.forget_mandate(mandate)
    assert bank.gateway.charge(charge_of(bank, mandate)) == charged
    assert charged.status == CheckoutStatus.SUCCEEDED


# --- Refunds ---------------------------------------------------------------------------------


def test_a_refund_is_made_once_for_each_key(bank: BankUnderTest) -> None:
    checkout = paid(bank)
    first, again = (bank.gateway.refund(checkout.reference, 56, "refund-1") for _ in range(2))
    assert first == again
    assert first.amount_cents == 56
    assert bank.balance() == 1000
    bank.gateway.refund(checkout.reference, 1000, "refund-2")
    assert bank.balance() == 0


def test_a_charge_can_be_refunded(bank: BankUnderTest) -> None:
    charged = bank.gateway.charge(charge_of(bank, stored_card(bank)))
    bank.gateway.refund(charged.reference, 880, "refund-1")
    assert bank.balance() == 1056


def test_refunds_never_exceed_the_payment(bank: BankUnderTest) -> None:
    checkout = paid(bank)
    with pytest.raises(PartyRejected):
        bank.gateway.refund(checkout.reference, 1057, "refund-1")
    bank.gateway.refund(checkout.reference, 1000, "refund-2")
    with pytest.raises(PartyRejected):
        bank.gateway.refund(checkout.reference, 57, "refund-3")
    assert bank.balance() == 56


def test_a_used_key_with_another_amount_refunds_nothing(bank: BankUnderTest) -> None:
    checkout = paid(bank)
    bank.gateway.refund(checkout.reference, 56, "refund-1")
    with pytest.raises(PartyRejected):
        bank.gateway.refund(checkout.reference, 57, "refund-1")
    assert bank.balance() == 1000


def test_an_unpaid_checkout_is_not_refunded(bank: BankUnderTest) -> None:
    checkout = bank.gateway.start_checkout(request_for(bank))
    with pytest.raises(PartyRejected):
        bank.gateway.refund(checkout.reference, 1056, "refund-1")


def test_a_refund_is_pending_until_it_is_done(bank: BankUnderTest) -> None:
    checkout = paid(bank)
    bank.refund_slowly()
    refund = bank.gateway.refund(checkout.reference, 56, "refund-1")
    assert (refund.state, refund.checkout) == (RefundState.PENDING, checkout.reference)
    assert refund.key == "refund-1"
    assert bank.gateway.find_refund(refund.reference) == refund
    bank.settle_refund(refund.reference, fails=False)
    done = bank.gateway.find_refund(refund.reference)
    assert done == replace(refund, state=RefundState.SUCCEEDED)
    assert bank.gateway.refund(checkout.reference, 56, "refund-1") == done
    read = [
        bank.gateway.read_notification(*each) for each in bank.notifications(refund.reference, 2)
    ]
    assert done in [each.subject for each in read if each is not None]
    assert bank.balance() == 1000


@pytest.mark.parametrize("slowly", [True, False])
def test_a_refund_may_fail_pending_or_done_and_be_made_again(
    bank: BankUnderTest, slowly: bool
) -> None:
    checkout = paid(bank)
    if slowly:
        bank.refund_slowly()
    refund = bank.gateway.refund(checkout.reference, 1056, "refund-1")
    bank.settle_refund(refund.reference, fails=True)
    failed = bank.gateway.find_refund(refund.reference)
    assert failed.state == RefundState.FAILED
    assert bank.balance() == 1056
    assert bank.gateway.refund(checkout.reference, 1056, "refund-1") == failed
    assert bank.gateway.refund(checkout.reference, 1056, "refund-2").state != RefundState.FAILED


def test_an_unknown_refund_is_rejected(bank: BankUnderTest) -> None:
    with pytest.raises(PartyRejected):
        bank.gateway.find_refund("re_unknown")


# --- What happens at the bank without the shop -----------------------------------------------


def subjects(bank: BankUnderTest, reference: str, times: int = 1) -> list[object]:
    """Return what the notifications about something told, oldest first."""
    read = [bank.gateway.read_notification(*each) for each in bank.notifications(reference, times)]
    return [each.subject for each in read if each is not None]


def test_a_refund_of_the_dashboard_is_notified_without_a_key(bank: BankUnderTest) -> None:
    checkout = paid(bank)
    reference = bank.refund_of_itself(checkout.reference, 56)
    told = bank.gateway.find_refund(reference)
    assert (told.checkout, told.amount_cents, told.key) == (checkout.reference, 56, "")
    assert told in subjects(bank, reference)
    assert bank.balance() == 1000


@pytest.mark.parametrize("won", [True, False])
def test_a_dispute_is_followed_until_it_is_decided(bank: BankUnderTest, won: bool) -> None:
    charged = bank.gateway.charge(charge_of(bank, stored_card(bank)))
    reference = bank.dispute(charged.reference, 880)
    told = bank.gateway.find_dispute(reference)
    assert told == Dispute(
        reference, charged.reference, 880, DisputeState.OPEN, withdrawn_cents=880,
        reason="fraudulent",
    )  # fmt: skip
    assert told in subjects(bank, reference)
    assert bank.balance() == 1056
    bank.decide(reference, won=won)
    decided = replace(
        told,
        state=DisputeState.WON if won else DisputeState.LOST,
        withdrawn_cents=0 if won else 880,
    )
    assert bank.gateway.find_dispute(reference) == decided
    assert decided in subjects(bank, reference, 2)
    assert bank.balance() == 1056 + (880 if won else 0)


def test_the_dispute_of_a_checkout_names_it(bank: BankUnderTest) -> None:
    checkout = paid(bank)
    found = bank.gateway.find_dispute(bank.dispute(checkout.reference, 1056))
    assert found.checkout == checkout.reference


def test_an_unknown_dispute_is_rejected(bank: BankUnderTest) -> None:
    with pytest.raises(PartyRejected):
        bank.gateway.find_dispute("du_unknown")


# --- Payouts ---------------------------------------------------------------------------------


def payouts_of(bank: BankUnderTest) -> list[Payout]:
    """Return all payouts, the newest first, read part by part."""
    found, after = [], ""
    while True:
        part = bank.gateway.list_payouts(datetime(2020, 1, 1, tzinfo=UTC), after)
        found += part.rows
        if not (after := part.after):
            return found


def lines_of(bank: BankUnderTest, payout: Payout) -> dict[tuple[str, int], PayoutLine]:
    """Return the lines of a payout by their source and gross amount."""
    found: dict[tuple[str, int], PayoutLine] = {}
    after = ""
    while True:
        part = bank.gateway.list_payout_lines(payout.reference, after)
        found |= {(line.source, line.gross_cents): line for line in part.rows}
        if not (after := part.after):
            return found


def test_a_payout_says_what_it_is_made_of(bank: BankUnderTest) -> None:
    checkout = paid(bank, store_card=True)
    assert checkout.mandate is not None
    charged = bank.gateway.charge(charge_of(bank, checkout.mandate.reference))
    disputed = paid(bank, key="order-2", amount_cents=9_900)
    refund = bank.gateway.refund(checkout.reference, 56, "refund-1")
    dispute = bank.dispute(disputed.reference, 900)
    bank.pay_out()
    (payout,) = payouts_of(bank)
    assert (payout.currency, payout.state) == ("EUR", PayoutState.PENDING)
    assert payout.is_automatic
    assert payout.lists_lines
    assert payout.arrives_on >= payout.created_at.date()
    lines = lines_of(bank, payout)
    kinds = {key: (line.kind, line.fee_cents > 0) for key, line in lines.items()}
    assert kinds == {
        (checkout.reference, 1056): (PayoutLineKind.CHARGE, True),
        (charged.reference, 880): (PayoutLineKind.CHARGE, True),
        (disputed.reference, 9_900): (PayoutLineKind.CHARGE, True),
        (refund.reference, -56): (PayoutLineKind.REFUND, False),
        (dispute, -900): (PayoutLineKind.DISPUTE, True),
    }
    assert payout.amount_cents == sum(line.net_cents for line in lines.values())
    assert len({line.reference for line in lines.values()}) == 5
    assert payouts_of(bank) == [payout]
    later = payout.created_at + timedelta(days=1)
    assert bank.gateway.list_payouts(later).rows == []


def test_what_was_paid_out_is_in_no_later_payout(bank: BankUnderTest) -> None:
    paid(bank)
    bank.pay_out()
    second = paid(bank, key="order-2", amount_cents=2_000)
    bank.pay_out()
    newest, oldest = payouts_of(bank)
    assert list(lines_of(bank, newest)) == [(second.reference, 2_000)]
    assert len(lines_of(bank, oldest)) == 1


def test_the_money_of_a_failed_payout_is_in_a_later_one(bank: BankUnderTest) -> None:
    paid(bank)
    bank.pay_out()
    (payout,) = payouts_of(bank)
    bank.fail_payout(payout.reference)
    (failed,) = payouts_of(bank)
    assert (failed.state, failed.reason) == (PayoutState.FAILED, "account_closed")
    bank.pay_out()
    later = payouts_of(bank)[0]
    line = lines_of(bank, later)[payout.reference, payout.amount_cents]
    assert (line.kind, line.fee_cents) == (PayoutLineKind.PAYOUT, 0)
    assert later.amount_cents == payout.amount_cents


def test_a_refund_that_comes_back_is_a_line_of_its_own(bank: BankUnderTest) -> None:
    checkout = paid(bank)
    refund = bank.gateway.refund(checkout.reference, 56, "refund-1")
    bank.settle_refund(refund.reference, fails=True)
    bank.pay_out()
    (payout,) = payouts_of(bank)
    lines = lines_of(bank, payout)
    assert {(refund.reference, -56), (refund.reference, 56)} < set(lines)
    assert payout.amount_cents == sum(line.net_cents for line in lines.values())


def test_the_lines_of_an_unknown_payout_are_refused(bank: BankUnderTest) -> None:
    with pytest.raises(PartyRejected):
        bank.gateway.list_payout_lines("po_unknown")


# --- Changed cards ---------------------------------------------------------------------------


def test_a_card_renewed_at_the_bank_is_notified(bank: BankUnderTest) -> None:
    mandate = stored_card(bank)
    bank.renew_card(mandate)
    told = subjects(bank, mandate)[-1]
    assert isinstance(told, CardChange)
    assert told.card is not None
    assert told.reference == told.card.reference == mandate
    assert (told.card.last4, told.card.expiry_year) != ("4242", 2034)
    charged = bank.gateway.charge(charge_of(bank, mandate))
    assert charged.mandate == told.card


def test_a_card_removed_at_the_bank_is_notified(bank: BankUnderTest) -> None:
    mandate = stored_card(bank)
    bank.remove_card(mandate)
    assert subjects(bank, mandate)[-1] == CardChange(mandate, None)
    assert bank.gateway.charge(charge_of(bank, mandate)).reason == "mandate_revoked"


# --- Outages ---------------------------------------------------------------------------------


def test_a_bank_that_does_not_answer_is_unavailable(bank: BankUnderTest) -> None:
    bank.fail_next()
    with pytest.raises(PartyUnavailable):
        bank.gateway.start_checkout(request_for(bank))
    checkout = bank.gateway.start_checkout(request_for(bank))
    for ask in (bank.gateway.find_checkout, bank.gateway.close_checkout):
        bank.fail_next()
        with pytest.raises(PartyUnavailable):
            ask(checkout.reference)
    assert bank.gateway.find_checkout(checkout.reference).status == CheckoutStatus.OPEN


def test_a_lost_response_is_retried_with_the_same_key(bank: BankUnderTest) -> None:
    bank.lose_next()
    with pytest.raises(PartyUnavailable):
        bank.gateway.start_checkout(request_for(bank, store_card=True))
    checkout = paid(bank, store_card=True)
    assert checkout.mandate is not None
    for act in (
        lambda: bank.gateway.charge(charge_of(bank, checkout.mandate.reference)),
        lambda: bank.gateway.refund(checkout.reference, 1056, "refund-1"),
    ):
        bank.lose_next()
        with pytest.raises(PartyUnavailable):
            act()
        act()
    assert bank.balance() == 880


# --- Notifications ---------------------------------------------------------------------------


def test_a_notification_tells_how_the_checkout_stands(bank: BankUnderTest) -> None:
    checkout = paid(bank, store_card=True)
    for headers, body in bank.notifications(checkout.reference):
        notification = bank.gateway.read_notification(headers, body)
        assert notification is not None
        assert notification.subject == checkout
        assert notification.event


def test_a_closed_checkout_is_notified_too(bank: BankUnderTest) -> None:
    checkout = bank.gateway.start_checkout(request_for(bank))
    closed = bank.gateway.close_checkout(checkout.reference)
    headers, body = bank.notifications(checkout.reference)[-1]
    notification = bank.gateway.read_notification(headers, body)
    assert notification is not None
    assert notification.subject == closed


def test_the_names_of_headers_may_come_in_any_case(bank: BankUnderTest) -> None:
    checkout = paid(bank)
    headers, body = bank.notifications(checkout.reference)[-1]
    for spelt in (str.lower, str.upper):
        changed = {spelt(name): value for name, value in headers.items()}
        assert bank.gateway.read_notification(changed, body) is not None


def test_a_notification_without_its_signature_is_rejected(bank: BankUnderTest) -> None:
    checkout = paid(bank)
    delivery = bank.notifications(checkout.reference)[-1]
    assert bank.gateway.read_notification(*delivery) is not None
    with pytest.raises(PartyRejected):
        bank.gateway.read_notification(*bank.without_signature(delivery))


def test_a_changed_notification_is_rejected(bank: BankUnderTest) -> None:
    checkout = paid(bank)
    headers, body = bank.notifications(checkout.reference)[-1]
    for changed in (body + b" ", b"", body[:-1] + b"\xff"):
        with pytest.raises(PartyRejected):
            bank.gateway.read_notification(headers, changed)
