"""What a licence contains: its applications on each platform, and how they are installed."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.languages import N_


@dataclass(frozen=True)
class App:
    """An Office application; ``colour`` is the CSS class of its tile."""

    name: str
    colour: str
    purpose: str
    on_mac: bool = True
    on_mobile: bool = True


EXCEL = App("Excel", "excel", N_("Spreadsheets"))
WORD = App("Word", "word", N_("Documents"))
POWERPOINT = App("PowerPoint", "powerpoint", N_("Presentations"))
OUTLOOK = App("Outlook", "outlook", N_("Mail and calendar"))
ONENOTE = App("OneNote", "onenote", N_("Notes"), on_mac=False)
PUBLISHER = App("Publisher", "publisher", N_("Publications"), on_mac=False, on_mobile=False)
ACCESS = App("Access", "access", N_("Databases"), on_mac=False, on_mobile=False)
POWER_BI = App("Power BI", "powerbi", N_("Data analysis"), on_mac=False)


@dataclass(frozen=True)
class Product:
    """An offer as the Office Deployment Tool knows it.

    ``excluded`` are the applications of Microsoft's package that the licence does not include.
    """

    name: str
    product_id: str
    apps: tuple[App, ...]
    excluded: tuple[str, ...]

    @property
    def mac_apps(self) -> tuple[App, ...]:
        """The applications on macOS (the shop's guide: fewer than on Windows)."""
        return tuple(app for app in self.apps if app.on_mac)

    @property
    def missing_on_mac(self) -> tuple[App, ...]:
        """The applications that exist on Windows only."""
        return tuple(app for app in self.apps if not app.on_mac)

    @property
    def mobile_apps(self) -> tuple[App, ...]:
        """The applications on tablets and phones."""
        return tuple(app for app in self.apps if app.on_mobile)


PRODUCTS = {
    "business": Product(
        "Office 365 Business",
        "O365BusinessRetail",
        (EXCEL, WORD, POWERPOINT, OUTLOOK, ONENOTE, PUBLISHER),
        ("Access", "Groove", "Lync", "Teams"),
    ),
    "pro_plus": Product(
        "Office 365 Pro Plus",
        "O365ProPlusRetail",
        (EXCEL, WORD, POWERPOINT, OUTLOOK, ACCESS, POWER_BI),
        ("Groove", "Lync", "OneNote", "Publisher", "Teams"),
    ),
}

INSTALL_LANGUAGES = {
    "fr-fr": "Français (France)",
    "en-us": "English (United States)",
    "en-gb": "English (United Kingdom)",
    "de-de": "Deutsch (Deutschland)",
    "es-es": "Español (España)",
    "it-it": "Italiano (Italia)",
    "nl-nl": "Nederlands (Nederland)",
    "pl-pl": "Polski (Polska)",
    "pt-pt": "Português (Portugal)",
}
