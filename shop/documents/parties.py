"""Who stands on a document: seller and buyer, as printed and never changed afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from records.accounts import Account


@dataclass(frozen=True)
class Buyer:
    """The customer as a document shows them; ``country`` is an ISO 3166 code."""

    nic_handle: str
    first_name: str
    last_name: str
    street: str
    postcode: str
    city: str
    country: str
    company: str = ""
    siren: str = ""
    vat_number: str = ""
    email: str = ""

    @property
    def name(self) -> str:
        """The company, or else the person."""
        return self.company or self.person

    @property
    def person(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def is_business(self) -> bool:
        """Whether a company buys."""
        return bool(self.company)

    @classmethod
    def of(cls, record: Mapping[str, str]) -> Buyer:
        """The buyer of a record as orders keep it; what it says beyond this is left out."""
        return cls(**{field.name: record.get(field.name, "") for field in fields(cls)})


def as_printed(account: Account) -> dict[str, str]:
    """The buyer as orders and invoices keep it, whatever the account says later (`Buyer.of`)."""
    return {field.name: getattr(account, field.name) for field in fields(Buyer)}
