"""Creates tables, a catalogue of two products, and accounts: ``python -m … [accounts]``.

On PostgreSQL everything lies in a schema of its own, which is created from scratch.
"""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.oscar.project.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from oscar.core.compat import get_user_model  # noqa: E402
from oscar.core.loading import get_model  # noqa: E402

from bench.oscar.accounts import ADDRESS, PASSWORD, PRODUCTS, email_of  # noqa: E402

BATCH = 500


def main(accounts: int) -> None:
    """Fill an empty database; ``accounts`` customers get the numbers from 0."""
    if connection.vendor == "postgresql":
        _create_schema()
    call_command("migrate", run_syncdb=True, verbosity=0)
    with transaction.atomic():
        country = _catalogue()
        _accounts(accounts, country)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _create_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {settings.SCHEMA} CASCADE")
        cursor.execute(f"CREATE SCHEMA {settings.SCHEMA}")


def _catalogue() -> object:
    """Create the products, which are always in stock, and the country; return the country."""
    kind = get_model("catalogue", "ProductClass").objects.create(
        name="Licence", requires_shipping=True, track_stock=False
    )
    partner = get_model("partner", "Partner").objects.create(name="Microsoft")
    category = get_model("catalogue", "Category").add_root(name="Licences")
    for code, (title, price) in PRODUCTS.items():
        product = get_model("catalogue", "Product").objects.create(
            product_class=kind, title=title, upc=code, description=f"<p>{title}</p>"
        )
        get_model("catalogue", "ProductCategory").objects.create(product=product, category=category)
        get_model("partner", "StockRecord").objects.create(
            product=product, partner=partner, partner_sku=code, price=price, price_currency="EUR"
        )
    return get_model("address", "Country").objects.create(
        iso_3166_1_a2="FR",
        iso_3166_1_a3="FRA",
        iso_3166_1_numeric="250",
        printable_name="France",
        name="France",
        is_shipping_country=True,
    )


def _accounts(number: int, country: object) -> None:
    """Create customers with an address; they have one password and one hash of it."""
    model, address = get_user_model(), get_model("address", "UserAddress")
    hashed = make_password(PASSWORD)
    users = model.objects.bulk_create(
        (
            model(username=f"customer-{each}", email=email_of(each), password=hashed)
            for each in range(number)
        ),
        BATCH,
    )
    addresses = [
        address(user=user, country=country, is_default_for_shipping=True, **ADDRESS)
        for user in users
    ]
    for each in addresses:
        each.hash = each.generate_hash()
    address.objects.bulk_create(addresses, BATCH)


if __name__ == "__main__":
    main(int(sys.argv[1]))
