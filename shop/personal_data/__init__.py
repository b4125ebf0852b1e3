"""How long personal data are kept, and how they are deleted: of licence holders, of accounts, of
e-mails with a secret, and of invoices.

Rows stay where numbers depend on them (usage, ledger, numbering); what tells of a person is taken
out of them. `KEPT` says what stays, and why.
"""

from __future__ import annotations

from shop.errors import N_

KEPT: tuple[tuple[str, str], ...] = (
    (
        N_("Invoices and credit notes, with the name and address on them"),
        N_("for ten years from the end of the year: the law says so (Code de commerce, L123-22)"),
    ),
    (
        N_("What proves the VAT on them: VAT number, postcode, network address of the order"),
        N_("as long as the invoices (implementing regulation (EU) 282/2011)"),
    ),
    (
        N_("Amounts, dates and numbers of orders, payments and refunds"),
        N_("as long as the invoices, without the name"),
    ),
    (
        N_("How many licences were in use on which day"),
        N_("without the names of their holders"),
    ),
)
"""What stays of an account after its erasure, and why (``msgid``)."""
