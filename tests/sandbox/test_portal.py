"""The portal: sign-in, the licence's page, and the five devices of each kind."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from sandbox.office import setup_program, sign_in
from sandbox.office.licences import PRODUCTS
from sandbox.office.models import Attempt, Device, PortalSession
from tests.support.visitor import Visitor

DOMAIN = "acme.o365.example"
PASSWORD = "Secret-pass-1"


@pytest.fixture
def person(office):
    """Return a function that creates a licensed user; it returns the reference."""

    def make(login="alice", offer="business", domain=DOMAIN, language="fr"):
        office("POST", "/tenants", {"domain": domain, "offer": offer, "seats": 5})
        body = {
            "address": f"{login}@{domain}",
            "first_name": login.title(),
            "last_name": "Martin",
            "language": language,
            "password": PASSWORD,
        }
        return office("POST", f"/tenants/{domain}/users", body).json["result"]["user"]

    return make


def sign_in_at_portal(visitor, address=f"alice@{DOMAIN}", password=PASSWORD, button="Se connecter"):
    """Sign in at the portal."""
    visitor.open("/portal/sign-in")
    return visitor.press(button, address=address, password=password)


@pytest.fixture
def alice(person, visitor):
    """Create a user with a Business licence and sign in."""
    reference = person()
    sign_in_at_portal(visitor)
    return reference


# --- Sign-in -------------------------------------------------------------------------------------


def test_the_credentials_of_the_licence_open_the_portal(visitor, alice):
    assert visitor.address == "/portal"
    assert visitor.sees("Bonjour Alice")
    assert visitor.sees("Office 365 Business")


def test_the_address_is_compared_without_case(visitor, person):
    person()
    sign_in_at_portal(visitor, address=f" ALICE@{DOMAIN.upper()} ")
    assert visitor.sees("Bonjour Alice")


@pytest.mark.parametrize(
    ("address", "password"),
    [(f"alice@{DOMAIN}", "wrong"), (f"nobody@{DOMAIN}", PASSWORD), ("nonsense", PASSWORD)],
)
def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(
    visitor, person, address, password
):
    person()
    answer = sign_in_at_portal(visitor, address, password)
    assert answer.status_code == 422
    assert visitor.sees("Cette adresse et ce mot de passe ne correspondent pas")
    assert f'value="{address}"' in answer.text
    assert password not in answer.text


def test_an_unknown_address_takes_a_password_check_too(visitor, person, monkeypatch):
    person()
    checks = []
    monkeypatch.setattr(sign_in.passwords, "verify_password", lambda *given: checks.append(given))
    sign_in_at_portal(visitor, password="wrong")
    sign_in_at_portal(visitor, "nobody@else.example", "wrong")
    assert len(checks) == 2
    assert checks[0][0].split("$")[3] == checks[1][0].split("$")[3], (
        "both hashes have the same cost"
    )


def test_an_empty_form_does_not_count_as_an_attempt(visitor, person):
    person()
    assert sign_in_at_portal(visitor, "", "").status_code == 422
    assert visitor.sees("Saisissez votre adresse et votre mot de passe")
    assert Attempt.select().count() == 0


def test_too_many_attempts_are_stopped_even_with_the_right_password(visitor, person, clock):
    person()
    for _ in range(sign_in.MAX_FOR_ADDRESS):
        sign_in_at_portal(visitor, password="wrong")
    assert sign_in_at_portal(visitor).status_code == 429
    assert visitor.sees("Trop de tentatives")
    clock.shift(sign_in.WINDOW + 1)
    sign_in_at_portal(visitor)
    assert visitor.sees("Bonjour Alice")
    assert Attempt.select().count() == 0


def test_attempts_from_one_ip_address_are_counted_over_all_users(visitor, person, monkeypatch):
    monkeypatch.setattr(sign_in, "MAX_FROM_IP_ADDRESS", 3)
    person()
    for number in range(3):
        sign_in_at_portal(visitor, f"nobody{number}@{DOMAIN}", "wrong")
    assert sign_in_at_portal(visitor).status_code == 429


def test_a_changed_password_works_at_once_and_ends_the_session(visitor, office, alice):
    path = f"/tenants/{DOMAIN}/users/{alice}/password"
    office("PUT", path, {"password": "Another-pass-2"})
    visitor.open("/portal")
    assert visitor.sees("Votre session est terminée")
    assert sign_in_at_portal(visitor).status_code == 422
    sign_in_at_portal(visitor, password="Another-pass-2")
    assert visitor.sees("Bonjour Alice")


def test_a_released_licence_ends_the_session_and_blocks_sign_in(visitor, office, alice):
    office("DELETE", f"/tenants/{DOMAIN}/users/{alice}")
    visitor.open("/portal/mobile")
    assert visitor.address == "/portal/sign-in"
    assert visitor.sees("Votre session est terminée")
    assert sign_in_at_portal(visitor).status_code == 422


def test_a_release_ends_the_session_when_it_is_due(visitor, office, alice, switch, move_on):
    switch(provider_latency=60)
    office("DELETE", f"/tenants/{DOMAIN}/users/{alice}")
    visitor.open("/portal")
    assert visitor.sees("Bonjour Alice")
    move_on(61)
    visitor.open("/portal")
    assert visitor.address == "/portal/sign-in"


def test_a_new_user_can_sign_in_as_soon_as_the_operation_is_due(
    visitor, person, switch, move_on, office
):
    office("POST", "/tenants", {"domain": DOMAIN, "offer": "business", "seats": 5})
    switch(provider_latency=60)
    with pytest.raises(KeyError):
        person()
    assert sign_in_at_portal(visitor).status_code == 422
    move_on(61)
    sign_in_at_portal(visitor)
    assert visitor.sees("Bonjour Alice")


def test_a_suspended_tenants_people_are_told_why(visitor, office, alice):
    office("PUT", f"/tenants/{DOMAIN}/suspension", {"reason": "unpaid"})
    assert visitor.open("/portal").status_code == 403
    assert visitor.sees("Raison : le renouvellement n’a pas été payé")
    visitor.press("Se déconnecter")
    assert sign_in_at_portal(visitor).status_code == 403
    assert visitor.sees("Accès suspendu")
    assert sign_in_at_portal(visitor, password="wrong").status_code == 422, (
        "a wrong password does not reveal the suspension"
    )
    office("DELETE", f"/tenants/{DOMAIN}/suspension")
    sign_in_at_portal(visitor)
    assert visitor.sees("Bonjour Alice")


def test_any_other_reason_is_shown_as_the_reseller_gave_it(visitor, office, alice):
    office("PUT", f"/tenants/{DOMAIN}/suspension", {"reason": "100 % <b>fermé</b>"})
    visitor.open("/portal")
    assert visitor.sees("Raison : 100 % <b>fermé</b>")


def test_signing_out_ends_the_session(client, visitor, alice):
    with client.session_transaction() as cookie:
        token = cookie["portal"]
    visitor.press("Se déconnecter")
    assert PortalSession.select().count() == 0
    with client.session_transaction() as cookie:
        cookie["portal"] = token
    assert visitor.open("/portal").request.path == "/portal/sign-in"


def test_the_cookie_is_protected_from_scripts_and_other_sites(client, person):
    person()
    cookie = client.get("/portal/sign-in").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    answer = client.post("/portal/sign-in", data={"address": "x", "password": "y"})
    assert answer.status_code == 400, "a form needs its CSRF token"


def test_every_page_of_the_portal_requires_sign_in(sandbox_app, client):
    public = {"portal.sign_in_page", "portal.submit_sign_in", "portal.sign_out"}
    rules = [
        rule for rule in sandbox_app.url_map.iter_rules() if rule.endpoint.startswith("portal.")
    ]
    seen = 0
    for rule in rules:
        if rule.endpoint in public or "GET" not in rule.methods:
            continue
        path = rule.rule.replace("<int:number>", "1").replace("<kind>", "ipad")
        assert client.get(path).location == "/portal/sign-in", rule
        seen += 1
    assert seen >= 5


def test_the_portal_speaks_the_persons_language_unless_one_was_chosen(visitor, person):
    person(language="en")
    sign_in_at_portal(visitor)
    assert visitor.sees("Hello, Alice")
    visitor.follow("Français")
    assert visitor.sees("Bonjour Alice")
    visitor.press("Se déconnecter")
    sign_in_at_portal(visitor)
    assert visitor.sees("Bonjour Alice")


# --- The licence ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offer", "on_pc", "on_mac"),
    [
        (
            "business",
            "Excel, Word, PowerPoint, Outlook, OneNote, Publisher",
            "Excel, Word, PowerPoint, Outlook",
        ),
        (
            "pro_plus",
            "Excel, Word, PowerPoint, Outlook, Access, Power BI",
            "Excel, Word, PowerPoint, Outlook",
        ),
    ],
)
def test_a_licence_has_the_applications_of_the_guide(offer, on_pc, on_mac):
    product = PRODUCTS[offer]
    assert ", ".join(app.name for app in product.apps) == on_pc
    assert ", ".join(app.name for app in product.mac_apps) == on_mac


def test_the_home_shows_what_a_mac_does_not_have(visitor, alice):
    page = visitor.response.text
    mac = page[page.index("Sur Mac") : page.index("Appareils installés")]
    for name in ("OneNote", "Publisher"):
        assert f">{name}<" not in mac
        assert f">{name}<" in page
    assert visitor.sees("Absents de la version macOS : OneNote, Publisher.")


# --- Computers -----------------------------------------------------------------------------------


def configuration_in(program: bytes) -> ET.Element:
    """Return the configuration.xml that the program writes in cmd.exe."""
    writes = ">> configuration.xml echo "
    lines = [line for line in program.decode().split("\r\n") if line.startswith(writes)]
    return ET.fromstring(re.sub(r"\^(.)", r"\1", "".join(lines).replace(writes, "")))


def test_install_gives_the_program_for_the_right_product_and_language(client, visitor, alice):
    visitor.press("Installer", language="de-de", name="PC du bureau")
    assert visitor.sees("Office pour PC du bureau")
    assert visitor.sees("PC et Mac : 1 sur 5")
    assert visitor.sees("Office 365 Business, langue Deutsch (Deutschland).")
    assert visitor.response.headers["Refresh"].startswith("0; url=")
    file = client.get(visitor.response.headers["Refresh"].split("url=")[1])
    assert file.headers["Content-Disposition"] == 'attachment; filename="OfficeSetup.cmd"'
    root = configuration_in(file.data)
    assert root.tag == "Configuration"
    assert root.find("Add/Product").get("ID") == "O365BusinessRetail"
    assert root.find("Add/Product/Language").get("ID") == "de-de"
    device = Device.get()
    assert (device.category, device.platform, device.name) == (
        "computer",
        "windows",
        "PC du bureau",
    )


def test_pro_plus_installs_pro_plus(client, visitor, person):
    person(offer="pro_plus")
    sign_in_at_portal(visitor)
    visitor.press("Installer")
    file = client.get(visitor.response.headers["Refresh"].split("url=")[1])
    assert configuration_in(file.data).find("Add/Product").get("ID") == "O365ProPlusRetail"


def test_the_program_speaks_the_language_of_the_page(client, visitor, alice):
    visitor.press("Installer", language="de-de")
    address = visitor.response.headers["Refresh"].split("url=")[1]
    french = client.get(address).data
    visitor.follow("English")
    english = client.get(address).data
    assert "programme d’installation d’Office 365 Business" in french.decode()
    assert "Microsoft’s setup for Office 365 Business is being fetched." in english.decode()
    assert french.replace(b"\r\n", b"").count(b"\n") == 0


def test_special_characters_of_cmd_exe_are_escaped(sandbox_app):
    product = replace(PRODUCTS["business"], name="50 % & <more> | (less)")
    with sandbox_app.test_request_context():
        program = setup_program.setup_program(product, "en-us", "alice@example.com").decode()
    assert "50 %% ^& ^<more^> ^| ^(less^)" in program


@pytest.mark.parametrize("offer", PRODUCTS)
def test_the_file_excludes_exactly_what_the_licence_does_not_contain(offer):
    product = PRODUCTS[offer]
    root = ET.fromstring(setup_program.deployment_file(product, "en-us"))
    excluded = {app.get("ID") for app in root.findall("Add/Product/ExcludeApp")}
    desktop = {"Access", "Excel", "OneNote", "Outlook", "PowerPoint", "Publisher", "Word"}
    assert desktop - excluded == {app.name for app in product.apps} & desktop
    assert root.find("Updates").get("Enabled") == "TRUE"
    assert root.find("Display").get("AcceptEULA") == "FALSE"


def test_the_language_of_the_page_is_proposed(visitor, alice):
    visitor.press("Installer")
    assert Device.get().language == "fr-fr"
    visitor.follow("English")
    visitor.follow("My Office")
    visitor.press("Install")
    assert [device.language for device in Device.select()] == ["fr-fr", "en-us"]


def test_a_mac_gets_instructions_instead_of_a_file_for_windows(client, visitor, alice):
    visitor.press("Installer", platform="macos")
    assert visitor.sees("Office pour Mac 1")
    assert "Refresh" not in visitor.response.headers
    assert client.get(f"/portal/installations/{Device.get().id}/OfficeSetup.cmd").status_code == 404


def test_a_mac_is_proposed_to_a_mac(sandbox_app, person):
    person()
    client = sandbox_app.test_client()
    client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0)"
    visitor = Visitor(client)
    sign_in_at_portal(visitor)
    visitor.press("Installer")
    assert Device.get().platform == "macos"


def test_pressing_install_twice_records_one_installation(client, visitor, alice):
    page = visitor.response.text
    visitor.press("Installer", name="Portable")
    hidden = {
        name: page.split(f'name="{name}" value="')[1].split('"')[0]
        for name in ("csrf_token", "form")
    }
    data = {**hidden, "platform": "windows", "language": "fr-fr", "name": "Portable"}
    again = client.post("/portal/installations", data=data)
    assert again.location == f"/portal/installations/{Device.get().id}?start=1"
    other = client.post("/portal/installations", data=data | {"name": "Another"})
    assert other.location != again.location
    assert Device.select().count() == 2


def test_a_very_long_name_is_refused_and_kept(visitor, alice):
    answer = visitor.press("Installer", name="x" * 61, language="es-es", platform="macos")
    assert answer.status_code == 422
    assert visitor.sees("Donnez à l’appareil un nom de 60 caractères au plus")
    assert "x" * 61 in answer.text
    assert re.search(r'value="es-es"\s+selected', answer.text)
    assert Device.select().count() == 0


def test_a_form_opened_as_a_page_leads_home(visitor, alice):
    visitor.press("Installer", name="x" * 61)
    visitor.follow("English")
    assert visitor.sees("Hello, Alice")


def fill_computers(visitor):
    for _ in range(5):
        visitor.open("/portal")
        visitor.press("Installer")
    visitor.open("/portal")


def test_the_sixth_computer_is_refused_with_the_list_of_those_installed(visitor, alice):
    fill_computers(visitor)
    answer = visitor.press("Installer", name="Le sixième", language="it-it")
    assert answer.status_code == 422
    assert visitor.sees("Les 5 places sont prises : PC et Mac")
    for number in range(1, 6):
        assert visitor.sees(f"PC {number}")
    assert 'value="Le sixième"' in answer.text
    assert re.search(r'value="it-it"\s+selected', answer.text)
    visitor.press("Déconnecter cet appareil")
    visitor.press("Installer", name="Le sixième")
    assert visitor.sees("Office pour Le sixième")
    assert Device.select().where(Device.slot.is_null(False)).count() == 5


def test_each_kind_of_device_has_its_own_five_places(visitor, alice):
    fill_computers(visitor)
    visitor.follow("Téléphone et tablette")
    visitor.follow("iPad iPadOS")
    visitor.press("Noter l’installation")
    assert visitor.sees("L’installation sur iPad 1 est notée")


@pytest.mark.parametrize(
    ("kind", "heading", "category", "platform"),
    [
        ("iphone", "Office sur un iPhone", "phone", "ios"),
        ("ipad", "Office sur un iPad", "tablet", "ipados"),
        ("android-phone", "Office sur un téléphone Android", "phone", "android"),
        ("android-tablet", "Office sur une tablette Android", "tablet", "android"),
    ],
)
def test_each_platform_has_its_instructions_and_is_noted(
    visitor, alice, kind, heading, category, platform
):
    visitor.open(f"/portal/mobile/{kind}")
    assert visitor.sees(heading)
    assert visitor.sees("Google Play" if platform == "android" else "l’App Store")
    assert visitor.sees(f"alice@{DOMAIN}")
    visitor.press("Noter l’installation", name="Le mien")
    device = Device.get()
    assert (device.category, device.platform, device.name) == (category, platform, "Le mien")


def test_the_sixth_tablet_is_refused_whatever_its_system(visitor, alice):
    for number in range(5):
        visitor.open(f"/portal/mobile/{'ipad' if number % 2 else 'android-tablet'}")
        visitor.press("Noter l’installation")
    visitor.open("/portal/mobile/ipad")
    assert visitor.press("Noter l’installation").status_code == 422
    assert visitor.sees("Les 5 places sont prises : Tablettes")
    visitor.press("Déconnecter cet appareil")
    assert visitor.address == "/portal/mobile/ipad"
    visitor.press("Noter l’installation")
    assert visitor.sees("est notée")


def test_an_unknown_kind_of_device_is_not_found(visitor, alice):
    assert visitor.open("/portal/mobile/toaster").status_code == 404


def test_devices_of_others_are_out_of_reach(sandbox_app, visitor, alice, person):
    visitor.press("Installer")
    device = Device.get()
    person("bob")
    bob = Visitor(sandbox_app.test_client())
    sign_in_at_portal(bob, f"bob@{DOMAIN}")
    assert bob.open(f"/portal/installations/{device.id}").status_code == 404
    assert bob.open(f"/portal/installations/{device.id}/OfficeSetup.cmd").status_code == 404
    bob.open("/portal/mobile/ipad")
    token = bob.response.text.split('name="csrf_token" value="')[1].split('"')[0]
    bob.client.post(f"/portal/devices/{device.id}/removal", data={"csrf_token": token})
    assert Device.get().slot == 1


def test_a_signed_out_device_gives_no_file_any_more(client, visitor, alice):
    visitor.press("Installer")
    path = f"/portal/installations/{Device.get().id}"
    visitor.open("/portal")
    visitor.press("Déconnecter cet appareil")
    assert client.get(path).status_code == 404
    assert client.get(f"{path}/OfficeSetup.cmd").status_code == 404
