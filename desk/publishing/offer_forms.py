"""The forms of offers, and what their columns are called."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from desk.acts import ActForm
from models import MOST_PLACES, Offer, Product
from shop.publishing import offers
from shop.publishing.offers import Details, Sale
from web.customer_forms import TOO_LONG
from web.forms import choices, stripped

PLAIN = {"autocomplete": "off"}
NUMBER = PLAIN | {"inputmode": "numeric"}

PRODUCTS = {
    Product.BUSINESS: _l(
        "Apps for business (at most %(most)d licences in a group)",
        most=MOST_PLACES[Product.BUSINESS],
    ),
    Product.PRO_PLUS: _l("Apps for enterprise (no limit)"),
}

FIELDS = {
    "name": _l("Name"), "name_fr": _l("French name"), "applications": _l("Applications"),
    "places_limit": _l("Licences in a group, at most"), "position": _l("Place on pages"),
    "on_sale_from": _l("On sale from the day"),
    "on_sale_until": _l("No longer on sale from the day"),
}  # fmt: skip
"""What the columns of an offer that change are called."""


class DetailsForm(ActForm):
    """What an offer says of itself."""

    name = StringField(
        FIELDS["name"],
        [InputRequired(_l("Enter the name.")), Length(max=offers.LONGEST_NAME, message=TOO_LONG)],
        filters=[stripped], render_kw=PLAIN,
    )  # fmt: skip
    name_fr = StringField(
        FIELDS["name_fr"], [Length(max=offers.LONGEST_NAME, message=TOO_LONG)],
        filters=[stripped], render_kw=PLAIN, description=_l("Only where it differs."),
    )  # fmt: skip
    applications = StringField(
        FIELDS["applications"], [InputRequired(_l("Enter the applications."))],
        filters=[stripped], render_kw=PLAIN,
        description=_l("Separated by commas, in the order in which the offer’s page lists them."),
    )  # fmt: skip
    places_limit = StringField(
        FIELDS["places_limit"], filters=[stripped], render_kw=NUMBER,
        description=_l("Empty where there is no limit."),
    )  # fmt: skip
    position = StringField(
        FIELDS["position"], [InputRequired(_l("Enter the place on pages."))],
        filters=[stripped], render_kw=NUMBER,
        description=_l("1 comes first."),
    )  # fmt: skip

    def details(self, product: str) -> Details:
        """Return what was filled in. Raise `Refusal` at its field for what is not valid."""
        return Details(
            name=self.name.data or "",
            name_fr=self.name_fr.data or "",
            applications=offers.read_applications(self.applications.data or ""),
            places_limit=offers.read_limit(self.places_limit.data or "", product),
            position=offers.read_position(self.position.data or ""),
        )

    def draft(self, code: str, product: str) -> Offer:
        """Return the offer as it will be. Raise as `details`, and if another one has its name."""
        details = self.details(product)
        offers.check_details(code, details)
        return Offer(code=code, **asdict(details))


class NewOfferForm(DetailsForm):
    """A new offer: its code and the provider's product never change."""

    code = StringField(
        _l("Code"), [InputRequired(_l("Enter the code."))], filters=[stripped], render_kw=PLAIN,
        description=_l("In URLs and accounts, as in business or pro_plus. It never changes."),
    )  # fmt: skip
    product = SelectField(_l("Product of the provider"), choices=lambda: choices(PRODUCTS.items()))

    def shown(self) -> list[Any]:
        """Return the fields, those that never change first."""
        fields = super().shown()
        first = [self.code, self.product]
        return [*first, *(field for field in fields if field not in first)]


class SaleForm(ActForm):
    """The days of a sale."""

    on_sale_from = DateField(
        FIELDS["on_sale_from"],
        [InputRequired(_l("Enter the first day of the sale."))],
        description=_l("It needs a price for this day."),
    )
    on_sale_until = DateField(
        FIELDS["on_sale_until"], [Optional()],
        description=_l("Empty while no end is known; today ends the sale at once."),
    )  # fmt: skip

    def sale(self) -> Sale:
        """Return the days that were filled in."""
        return Sale(self.on_sale_from.data, self.on_sale_until.data)
