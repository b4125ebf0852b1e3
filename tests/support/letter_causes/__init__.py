"""A cause for every kind of e-mail that the shop writes, in modules by what they are about."""

from __future__ import annotations

from collections.abc import Callable

from models import Account, StaffAccount
from tests.support.letter_causes import accounts, licences, money, orders, services, staff
from tests.support.parties import Bank, Provider

Cause = Callable[[Account, Bank, Provider], None]
CAUSES: dict[str, Cause] = {
    cause.__name__: cause
    for cause in (
        accounts.account_created, accounts.email_proof, accounts.password_reset,
        accounts.password_changed, accounts.contract_change, accounts.account_closed,
        accounts.account_ending, accounts.announcement, accounts.email_confirmation,
        accounts.email_changed, accounts.second_factor_changed, accounts.export_ready,
        orders.order_placed, orders.order_cancelled, orders.order_expired,
        orders.payment_received, orders.payment_refunded, orders.delivery_failed,
        orders.rest_refunded, orders.attach_ordered,
        money.invoice_issued, money.invoice_paid, money.goodwill_granted,
        money.part_payment_received, money.invoice_payment_refunded, money.credit_note_issued,
        money.credit_note_refunded, money.refund_failed, money.refunded_by_bank,
        money.payment_disputed, money.dispute_lost, money.card_removed, money.card_withdrawn,
        money.card_expiring,
        licences.service_installed, licences.licences_added, licences.licence_active,
        licences.seat_password_changed, licences.licence_released, licences.attach_installed,
        licences.licence_for_owner, licences.licence_link, licences.passwords_ready,
        services.renewal_coming, services.payment_failed, services.service_suspended,
        services.service_resumed, services.service_suspended_by_us,
        services.service_resumed_by_us, services.termination_notice, services.termination_link,
        services.termination_scheduled, services.termination_undone, services.service_terminated,
        services.withdrawal_received, services.licences_given_back, services.give_back_undone,
        services.price_change, services.free_period_ending,
    )
}  # fmt: skip
"""What causes each kind of e-mail."""

STAFF_CAUSES: dict[str, Callable[[StaffAccount], None]] = {
    cause.__name__: cause for cause in (staff.staff_invitation, staff.staff_account_changed)
}
"""What causes each kind of e-mail to a member of staff."""
