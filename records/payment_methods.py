"""How money moves between a customer and the shop."""

from __future__ import annotations

from enum import StrEnum


class PaymentMethod(StrEnum):
    """By the bank, from or to a card, or by a transfer that the operator records."""

    CARD = "card"
    MANUAL = "manual"
