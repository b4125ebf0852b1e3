"""Which question of the help each screen is about; the header of every page links to it."""

from __future__ import annotations

from flask import Flask, request

from web.urls import PageUrls

TOPICS = {
    "storefront.offer": "which-offer",
    "storefront.quantities": "new-group",
    "storefront.summary": "new-group",
    "storefront.identification": "nic-handle",
    "storefront.new_account": "nic-handle",
    "storefront.order_contracts": "new-group",
    "storefront.purchase_order": "how-long",
    "storefront.payment_return": "contact-about-order",
    "storefront.password_forgotten": "sign-in",
    "storefront.second_step": "sign-in",
    "manager.login": "sign-in",
    "manager.second_step": "sign-in",
    "manager.groups": "activate",
    "manager.group": "activate",
    "manager.group_information": "install",
    "manager.add_user": "add-user",
    "manager.configure_seat": "activate",
    "manager.seat_password": "credentials",
    "manager.release_seat": "release",
    "manager.import_seats": "import-file",
    "manager.seat_import": "import-file",
    "manager.usage": "usage",
    "manager.emails": "credentials",
    "manager.email": "install",
    "manager.order_office": "add-licences",
    "manager.order_contracts": "add-licences",
    "manager.orders": "contact-about-order",
    "manager.order": "contact-about-order",
    "manager.bills": "billing",
    "manager.bill": "billing",
    "manager.cards": "billing",
    "manager.services": "stop",
    "manager.service": "unpaid",
    "manager.give_back": "stop",
    "manager.review_give_back": "stop",
    "manager.terminate": "stop",
    "manager.withdrawal": "stop",
    "manager.exchange_services": "attach",
    "manager.exchange_service": "attach",
    "manager.exchange_accounts": "outlook",
    "manager.attach_accounts": "attach",
    "manager.review_attach": "attach-price",
}
"""The topic of an endpoint's page, of ``storefront/texts/help.<language>.md``."""


def init_app(app: Flask, url_for: PageUrls) -> None:
    """Let templates ask for the URL of the help, at the question that the page shown is about."""

    def help_url(language: str) -> str:
        topic = TOPICS.get(request.endpoint or "", "")
        return url_for("storefront.help", lang=language) + (topic and f"#{topic}")

    app.jinja_env.globals["help_url"] = help_url
