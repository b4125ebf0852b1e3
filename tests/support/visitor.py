"""A visitor without JavaScript, who uses the visible texts of pages."""

from __future__ import annotations

from urllib.parse import urlencode, urljoin, urlsplit
from xml.etree.ElementTree import Element

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models import Account
from shop.customers.activity_log import UNKNOWN
from shop.customers.two_factor import recovery_codes
from tests.support import cast, pages

MOST_REDIRECTS = 10
LOG_IN = ("Se connecter", "Log in")
CONFIRM = ("Valider", "Confirm")


class Visitor:
    """A visitor who opens pages, follows links and presses buttons by their visible names.

    ``response`` is the last answer, ``address`` its URL. A redirect to another site is not
    followed.
    """

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.address = "/"
        self.response = TestResponse([], "200 OK", {}, None)

    def open(self, address: str) -> TestResponse:
        """Open a URL of the shop."""
        self.address = urljoin(self.address, address)
        return self._arrive(self.client.get(self.address))

    def log_in(self, account: Account, password: str = cast.PASSWORD) -> TestResponse:
        """Sign in to the customer area, in either language."""
        self.open("/login")
        self._press_one_of(LOG_IN, nic_handle=account.nic_handle, password=password)
        if self.address.startswith("/login/second-step"):
            self._press_one_of(CONFIRM, code=recovery_codes.create_codes(account, UNKNOWN)[0])
        return self.response

    def _press_one_of(self, names: tuple[str, ...], **values: object) -> TestResponse:
        return self.press(next(name for name in names if self.offers(name)), **values)

    def offers(self, name: str) -> bool:
        """Return whether the page has a button of that name."""
        return any(_text(button) == name for button in self._page().iter("button"))

    def follow(self, name: str) -> TestResponse:
        """Follow the link of that name."""
        links = [
            link
            for link in self._page().iter("a")
            if name in {_text(link), link.get("aria-label", "")}
        ]
        assert links, f"no link {name!r} at {self.address}"
        return self.open(links[0].get("href", ""))

    def press(self, name: str, /, **values: object) -> TestResponse:
        """Submit the form with a button of that name, its fields (by name) set to ``values``.

        A checkbox is ticked with True and left out with False; several of one name are a list.
        """
        form, button = self._form_with(name)
        data = _filled(self._controls_of(form), values)
        if button.get("name"):
            data[button.get("name", "")] = button.get("value", "")
        target = urljoin(self.address, button.get("formaction") or form.get("action", ""))
        if form.get("method", "get").lower() == "post":
            self.address = target
            return self._arrive(self.client.post(target, data=data))
        self.address = f"{target.partition('?')[0]}?{urlencode(data, doseq=True)}"
        return self._arrive(self.client.get(self.address))

    def find(self, tag: str | None = None, **attributes: str) -> Element | None:
        """Return the first element of the page with these attributes."""
        for element in self._page().iter(tag):
            if all(element.get(name) == value for name, value in attributes.items()):
                return element
        return None

    def sees(self, text: str) -> bool:
        """Return whether the page contains ``text`` (any white space counts as one space)."""
        return " ".join(text.split()) in _text(self._page())

    def _arrive(self, response: TestResponse) -> TestResponse:
        for _ in range(MOST_REDIRECTS):
            host = urlsplit(response.location or "").netloc
            if not response.location or host not in {"", urlsplit(response.request.url).netloc}:
                self.response = response
                return response
            self.address = urljoin(self.address, response.location)
            response = self.client.get(self.address)
        raise AssertionError(f"redirected for ever at {self.address}")

    def _page(self) -> Element:
        return pages.read_page(self.response.text)[0]

    def _form_with(self, name: str) -> tuple[Element, Element]:
        for form in self._page().iter("form"):
            for button in form.iter("button"):
                if _text(button) == name:
                    return form, button
        raise AssertionError(f"no button {name!r} in a form at {self.address}")

    def _controls_of(self, form: Element) -> list[Element]:
        """Return the controls of a form: those in it, and those that name it elsewhere."""
        name = form.get("id", "")
        elsewhere = [each for each in self._page().iter() if name and each.get("form") == name]
        return [*form.iter(), *elsewhere]


def _text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _filled(controls: list[Element], values: dict[str, object]) -> dict[str, object]:
    """Return what a browser would send: the values of the page, and those the visitor set."""
    data: dict[str, object] = {}
    fields: dict[str, Element] = {}
    for field in controls:
        name = field.get("name", "")
        if field.tag not in {"input", "select", "textarea"} or field.get("disabled") is not None:
            continue
        fields[name] = field
        if (preset := _preset(field)) is not None:
            # Fields with the same name are all sent, except radio buttons.
            there = data.get(name)
            data[name] = preset if there is None else [*_as_list(there), preset]
    unknown = set(values) - set(fields)
    assert not unknown, f"no fields {unknown}; there are {set(fields)}"
    for name, value in values.items():
        data.pop(name, None)
        if value is not False:
            data[name] = fields[name].get("value", "on") if value is True else value
    return data


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _preset(field: Element) -> str | None:
    if field.tag == "textarea":
        return field.text or ""
    if field.tag == "select":
        options = list(field.iter("option"))
        chosen = [option for option in options if option.get("selected") is not None] or options
        return (chosen[0].get("value") or _text(chosen[0])) if chosen else None
    if field.get("type") in {"checkbox", "radio"} and field.get("checked") is None:
        return None
    return field.get("value", "on" if field.get("type") in {"checkbox", "radio"} else "")
