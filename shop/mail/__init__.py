"""E-mails to customers and to members of staff: one function for each kind; sent by the worker.

Every e-mail is stored as a `Letter` (shown in "Emails reçus") or a `StaffLetter` (shown at the
desk), in its reader's language, as text and HTML, in the transaction of its cause; the unique key
makes this idempotent.
"""

from __future__ import annotations

from records.letters import TO_STRANGERS, TO_UNPROVED
from shop.mail.account_letters import (
    account_closed,
    account_created,
    account_ending,
    announcement,
    contract_change,
    email_changed,
    email_confirmation,
    email_proof,
    export_ready,
    password_changed,
    password_reset,
    second_factor_changed,
)
from shop.mail.archive import (
    attachments_of,
    content_of,
    find_attachment,
    find_letter,
    html_of,
    is_shown,
    letters_for_page,
    letters_of,
    newest_found,
    search_letters,
    text_of,
)
from shop.mail.composing import compose
from shop.mail.credentials import facts_of, is_outdated
from shop.mail.licence_letters import (
    attach_installed,
    licence_active,
    licence_for_owner,
    licence_link,
    licence_released,
    licences_added,
    passwords_ready,
    seat_password_changed,
    service_installed,
)
from shop.mail.order_letters import (
    attach_ordered,
    card_expiring,
    card_removed,
    card_withdrawn,
    credit_note_issued,
    credit_note_refunded,
    delivery_failed,
    dispute_lost,
    goodwill_granted,
    invoice_issued,
    invoice_paid,
    invoice_payment_refunded,
    order_cancelled,
    order_expired,
    order_placed,
    part_payment_received,
    payment_disputed,
    payment_received,
    payment_refunded,
    refund_failed,
    refunded_by_bank,
    rest_refunded,
)
from shop.mail.sending import (
    failure_reason,
    release_letters,
    send_again,
    send_again_to_staff,
    send_letter,
    send_staff_letter,
)
from shop.mail.service_letters import (
    free_period_ending,
    give_back_undone,
    licences_given_back,
    payment_failed,
    price_change,
    renewal_coming,
    service_resumed,
    service_resumed_by_us,
    service_suspended,
    service_suspended_by_us,
    service_terminated,
    termination_link,
    termination_notice,
    termination_scheduled,
    termination_undone,
    withdrawal_received,
)
from shop.mail.staff_letters import (
    find_letter_to_staff,
    letters_to_staff,
    staff_account_changed,
    staff_invitation,
    unsent_to_staff,
)
