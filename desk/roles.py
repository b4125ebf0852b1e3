"""Who may open what at the desk: one table of all its endpoints.

An endpoint that is missing here is refused to everybody.
"""

from __future__ import annotations

from models import Role

ALL = frozenset(Role)
"""Every member of staff: pages that only show something."""

SUPPORT = frozenset({Role.SUPPORT, Role.ADMINISTRATOR})
"""Acts on customers, their e-mails and their licences."""

BILLING = frozenset({Role.BILLING, Role.ADMINISTRATOR})
"""Acts on money, prices, exports."""

ACCOUNTANTS = frozenset({Role.BILLING, Role.ADMINISTRATOR, Role.AUDITOR})
"""The accountant's corner: files and figures, no acts."""
NOTE_WRITERS = SUPPORT | BILLING
"""All but auditors, who change nothing."""

ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})

READERS_OF_STAFF = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})

OPEN = {
    "entrance", "sign_in", "second_step", "take_code", "passkey_options", "take_passkey",
    "invitation", "invitation_application", "invitation_qr", "accept_by_application",
    "invitation_passkey", "invitation_passkey_options", "accept_by_passkey",
}  # fmt: skip
"""The pages of the desk for who has not signed in to it."""

ROLES: dict[str, frozenset[Role]] = {
    # A member's own account.
    "own_account": ALL,
    "change_language": ALL,
    "end_other_sessions": ALL,
    "new_password": ALL,
    "change_password": ALL,
    "confirmation": ALL,
    "confirm": ALL,
    "new_application": ALL,
    "application_qr": ALL,
    "add_application": ALL,
    "remove_application": ALL,
    "new_passkey": ALL,
    "new_passkey_options": ALL,
    "add_passkey": ALL,
    "remove_passkey": ALL,
    "sign_out": ALL,
    # Money.
    "waiting_acts": ALL,
    "find_money": ALL,
    "money_document": ALL,
    "customer_money": ALL,
    "money_form": BILLING,
    "take_money_form": BILLING,
    "goodwill": BILLING,
    "take_goodwill": BILLING,
    "pay_out": BILLING,
    "take_pay_out": BILLING,
    "decide_act": BILLING,
    "take_decision": BILLING,
    "bank_lines": ACCOUNTANTS,
    "upload_statement": BILLING,
    "bank_line_act": BILLING,
    "take_bank_line_act": BILLING,
    # The accountant's corner.
    "accounting": ACCOUNTANTS,
    "fec_file": ACCOUNTANTS,
    "vat_figures": ACCOUNTANTS,
    "vat_documents": ACCOUNTANTS,
    "vat_documents_file": ACCOUNTANTS,
    "payouts_list": ACCOUNTANTS,
    "payouts_file": ACCOUNTANTS,
    "payments_held": ACCOUNTANTS,
    "payout": ACCOUNTANTS,
    "payout_file": ACCOUNTANTS,
    "payout_line": BILLING,
    "explain_payout_line": BILLING,
    # What is published.
    "offer_list": ALL,
    "offer_page": ALL,
    "new_offer": ADMINISTRATORS,
    "add_offer": ADMINISTRATORS,
    "offer_description": ADMINISTRATORS,
    "describe_offer": ADMINISTRATORS,
    "offer_sale": ADMINISTRATORS,
    "sell_offer": ADMINISTRATORS,
    "offer_undoing": ADMINISTRATORS,
    "undo_offer_change": ADMINISTRATORS,
    "price_list": ALL,
    "new_price": BILLING,
    "set_price": BILLING,
    "price_taking_back": BILLING,
    "take_price_back": BILLING,
    "announcements": ALL,
    "new_announcement": ADMINISTRATORS,
    "publish_announcement": ADMINISTRATORS,
    "announcement_taking_back": ADMINISTRATORS,
    "take_announcement_back": ADMINISTRATORS,
    "contract_versions_list": ALL,
    "contract_difference": ALL,
    "new_contract_version": ADMINISTRATORS,
    "publish_contract_version": ADMINISTRATORS,
    # Personal data.
    "data": ALL,
    "erasure": ADMINISTRATORS,
    "erase_customer": ADMINISTRATORS,
    "order_evidence": ALL,
    "evidence_file": ALL,
    # Acts for customers.
    "customer_acts": ALL,
    "customer_act": SUPPORT,
    "take_customer_act": SUPPORT,
    "service_act": SUPPORT,
    "take_service_act": SUPPORT,
    "order_act": SUPPORT | BILLING,
    "take_order_act": SUPPORT | BILLING,
    "email_act": SUPPORT,
    "take_email_act": SUPPORT,
    # Customers, and what awaits staff.
    "today": ALL,
    "cases_of": ALL,
    "job": ALL,
    "retry_job": ADMINISTRATORS,
    "take_retry_job": ADMINISTRATORS,
    "search": ALL,
    "customer": ALL,
    "customer_time_line": ALL,
    "customer_services": ALL,
    "customer_orders": ALL,
    "customer_invoices": ALL,
    "customer_emails": ALL,
    "customer_sessions": ALL,
    "customer_notes": ALL,
    "email": ALL,
    "order": ALL,
    "order_pdf": ALL,
    "invoice": ALL,
    "invoice_pdf": ALL,
    "write_note": NOTE_WRITERS,
    "see_as": SUPPORT,
    "start_viewing": SUPPORT,
    # Members of staff.
    "staff_accounts": READERS_OF_STAFF,
    "staff_account": READERS_OF_STAFF,
    "new_staff_account": ADMINISTRATORS,
    "add_staff_account": ADMINISTRATORS,
    "staff_act": ADMINISTRATORS,
    "take_staff_act": ADMINISTRATORS,
    "staff_email": READERS_OF_STAFF,
    "staff_email_act": ADMINISTRATORS,
    "take_staff_email_act": ADMINISTRATORS,
}


def may(role: str, endpoint: str) -> bool:
    """Return whether a role opens an endpoint, with or without the blueprint's name."""
    return role in ROLES.get(endpoint.removeprefix("desk."), frozenset())
