"""What Oscar's database holds at the beginning, and what its customers know of it."""

from __future__ import annotations

PRODUCTS = {
    "business": ("Office 365 Business", "8.80"),
    "pro_plus": ("Office 365 Pro Plus", "12.90"),
}
"""Title and price of each product."""

ACCOUNTS = 4000
"""Customers with an account and an address; as many journeys can be made with one database."""

PASSWORD = "lilas-mesure-59800"

ADDRESS = {
    "first_name": "Camille",
    "last_name": "Mesure",
    "line1": "12 rue des Lilas",
    "line4": "Lille",
    "postcode": "59800",
}


def email_of(number: int) -> str:
    """Return the e-mail address of the customer with this number."""
    return f"customer-{number}@example.com"
