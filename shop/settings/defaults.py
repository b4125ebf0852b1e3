"""The defaults for development, which production refuses, and the ports of SMTP."""

DEVELOPMENT_SECRET = "development-secret-not-for-production"
DEVELOPMENT_BANK_KEY = "sandbox-bank-key"
DEVELOPMENT_PROVIDER_KEY = "sandbox-provider-key"
DEVELOPMENT_NOTIFICATION_SECRET = "sandbox-notification-secret"

MADE_UP_SELLER = {
    "name": "Nuage & Cie",
    "legal_form": "SAS au capital de 100 000 €",
    "siren": "732829320",
    "vat_number": "FR44732829320",
    "street": "2 rue du Faubourg",
    "postcode": "59100",
    "city": "Roubaix",
    "email": "facturation@example.com",
    "phone": "+33 3 99 00 12 34",
    "register": "RCS Lille Métropole",
    "director": "Camille Martin",
    "host": "Nuage & Cie, 2 rue du Faubourg, 59100 Roubaix, +33 3 99 00 12 34",
    "mediator": "Médiation des services en ligne, 1 place de l’Exemple, 75000 Paris",
    "mediator_url": "https://mediation.example/",
}
"""The fictitious seller of development environments, by the names of `Seller`'s fields."""

ACCOUNTING_CHART = (
    ("customers", "411000"),
    ("bank", "512000"),
    ("cards", "511500"),
    ("bank_fees", "627800"),
    ("goodwill", "658000"),
    ("vat", "445710"),
    ("vat_oss", "445712"),
    ("sales", "706000"),
    ("sales_untaxed", "706100"),
    ("sales_oss", "706200"),
    ("sales_reverse_charge", "706300"),
    ("sales_outside", "706400"),
)
"""The accounts of the general plan that entries are booked on, by their role."""

SMTP_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
"""The URL schemes of mail servers, and the default port of each."""
