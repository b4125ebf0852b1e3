"""The contract step of every kind of order: texts to read, a checkbox, one order.

`components/_contract_step.html` is its page, `components/_contract_list.html` the list of texts.
"""

from __future__ import annotations

from typing import Any

from flask import request

from models import Order
from shop.errors import N_, Refusal
from shop.orders import contracts, placing
from shop.orders.placing import Confirmation, OrderKind
from web import auth
from web.arguments import number_of

NOT_TICKED = N_("Read the contracts and tick the box: without your agreement, no order.")


def shown(language: str) -> dict[str, Any]:
    """Return what the template needs: the contracts in force and their digests."""
    texts = contracts.current_contracts(language)
    return {"contracts": texts, "digests": ",".join(contract.digest for contract in texts)}


def check_ticked() -> None:
    """Raise `Refusal` at ``accepted`` unless the checkbox was ticked."""
    if request.form.get("accepted") != "yes":
        raise Refusal(NOT_TICKED, "accepted")


def confirmation(language: str) -> Confirmation:
    """Return what the customer saw and accepted, as the form says, and from which IP address."""
    return Confirmation(
        total_cents=number_of(request.form, "total_cents", -1),
        contract_digests=tuple(request.form.get("digests", "").split(",")),
        ip_address=auth.ip_address(),
        language=language,
    )


def place(ordered: OrderKind, language: str) -> Order:
    """Place the order if the checkbox was ticked. Raises `Refusal` like `placing.place`."""
    check_ticked()
    return placing.place(ordered, confirmation(language))
