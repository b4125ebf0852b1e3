"""The buyer on a document, stored with the order or invoice and not changed afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from records.accounts import Account


@dataclass(frozen=True)
class Buyer:
    """The customer as printed on a document; ``country`` is an ISO 3166 code."""

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
        """Whether the buyer is a company."""
        return bool(self.company)

    @classmethod
    def of(cls, record: Mapping[str, str]) -> Buyer:
        """Return the buyer of a stored record (see `buyer_record`); other fields are ignored."""
        return cls(**{field.name: record.get(field.name, "") for field in fields(cls)})


def buyer_record(account: Account) -> dict[str, str]:
    """Return the buyer as orders and invoices store it; read with `Buyer.of`."""
    return {field.name: getattr(account, field.name) for field in fields(Buyer)}
