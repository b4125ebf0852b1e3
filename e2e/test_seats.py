"""A licence group in a browser: seats, the Office portal, additions."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from e2e import by_http
from e2e.journey import Journey
from e2e.live import LiveShop
from tests.support import patience

Check = Callable[[], None]


@pytest.fixture
def group(page: Page, journey: Journey, shop: LiveShop) -> str:
    """The URL of a newly installed group of two licences, open in the browser."""
    return by_http.open_group(page, shop.new_customer(journey.language, licences=2))


def row(page: Page, number: int = 1) -> Locator:
    return page.locator(f"#seat-{number}")


def open_act(page: Page, journey: Journey, french: str, english: str, number: int = 1) -> None:
    """Choose an act from the menu of a seat."""
    row(page, number).locator("summary").click()
    row(page, number).get_by_role("link", name=journey.say(french, english), exact=True).click()


def fill_holder(journey: Journey, first: str, last: str, login: str) -> None:
    journey.field("Prénom", "First name").fill(first)
    journey.field("Nom", "Last name").fill(last)
    journey.field("Login", "Login").fill(login)
    journey.button("Valider", "Confirm").click()


def press_longer_than_a_check(page: Page, journey: Journey) -> None:
    """Fill in a login that is refused, and release "Confirm" only after the refusal has arrived."""
    journey.field("Nom", "Last name").fill("Dupont")
    journey.field("Login", "Login").fill("a..b")
    journey.button("Valider", "Confirm").hover()
    with page.expect_response(re.compile("/fields/login$")) as check:
        page.mouse.down()
    check.value.finished()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    page.mouse.up()


def expect_status(page: Page, journey: Journey, french: str, english: str, number: int = 1) -> None:
    """Wait for a seat's status; without JavaScript, reload the page."""
    shown = row(page, number).locator(".badge")
    words = journey.say(french, english)
    expect(shown).to_be_visible()
    if not journey.has_script():
        by_http.look_again_until(page, lambda: shown.inner_text().strip() == words)
    expect(shown).to_have_text(words)


def credentials(page: Page, journey: Journey) -> tuple[str, str]:
    """Return the e-mail address and password in the newest e-mail."""
    page.goto("/manager/account/emails")
    page.locator("main tbody tr").first.get_by_role("link").first.click()
    page.get_by_text(journey.say("L’e-mail en texte", "The email as text")).click()
    text = page.locator("main").inner_text()
    address = re.search(r"[\w.'-]+@o365-\S+", text)
    password = re.search(
        journey.say(r"Mot de passe[^\n:]*:\s*(\S+)", r"[Pp]assword[^\n:]*:\s*(\S+)"), text
    )
    assert address, text
    assert password, text
    return address.group(), password.group(1)


def sign_in_at_portal(page: Page, journey: Journey, address: str, password: str) -> None:
    page.locator("input[name=address]").fill(address)
    page.locator("input[name=password]").fill(password)
    page.locator("form button[type=submit]").first.click()


def test_a_licence_becomes_a_persons_and_opens_the_office_portal_until_it_is_released(
    page: Page, journey: Journey, shop: LiveShop, group: str, check_accessibility: Check
) -> None:
    portal = f"{shop.sandbox_url}/portal/sign-in?lang={journey.language}"
    install = journey.button("Installer", "Install")
    check_accessibility()
    expect(row(page)).to_contain_text("configureme")
    open_act(page, journey, "Configurer", "Configure")
    expect(journey.button("Valider", "Confirm")).to_be_visible()
    check_accessibility()
    fill_holder(journey, "Zoé", "Lefèvre", "zoe.lefevre")
    expect(page.locator("#messages")).to_contain_text(
        journey.say("Zoé Lefèvre : la licence", "Zoé Lefèvre: the licence")
    )
    check_accessibility()
    expect_status(page, journey, "Créé", "Created")
    expect(row(page)).to_contain_text("zoe.lefevre@")
    check_accessibility()

    address, password = credentials(page, journey)
    assert address.startswith("zoe.lefevre@")
    check_accessibility()
    page.goto(portal)
    sign_in_at_portal(page, journey, address, password)
    expect(install).to_be_visible()
    for application in ("Excel", "Word", "PowerPoint", "Outlook"):
        expect(page.locator("main")).to_contain_text(application)
    check_accessibility()
    with page.expect_download() as program:
        install.click()
    assert program.value.suggested_filename == "OfficeSetup.cmd"
    check_accessibility()
    journey.link("Téléphone et tablette", "Phone and tablet").first.click()
    expect(page.locator("main")).to_contain_text("Android")
    check_accessibility()

    page.goto(group)
    open_act(page, journey, "Modifier", "Edit")
    expect(journey.field("Prénom", "First name")).to_have_value("Zoé")
    journey.field("Login", "Login").fill("zoe")
    journey.button("Valider", "Confirm").click()
    expect(row(page)).to_contain_text("zoe@")
    expect_status(page, journey, "Créé", "Created")
    open_act(page, journey, "Changer le mot de passe", "Change password")
    check_accessibility()
    page.locator("input[name=password]").fill("Nouveau-42x")
    journey.button("Valider", "Confirm").click()
    # Until the dialog has gone, the row has the status from before.
    expect(page.locator("input[name=password]")).to_have_count(0)
    expect_status(page, journey, "Créé", "Created")
    address = address.replace("zoe.lefevre@", "zoe@")
    page.context.clear_cookies(domain="127.0.0.1")
    page.goto(portal)
    sign_in_at_portal(page, journey, address, password)
    expect(install).to_have_count(0)
    sign_in_at_portal(page, journey, address, "Nouveau-42x")
    expect(install).to_be_visible()

    page.goto(group)
    open_act(page, journey, "Libérer la licence", "Release licence")
    check_accessibility()
    journey.button("Libérer la licence", "Release licence").click()
    expect_status(page, journey, "Non configuré", "Not configured")
    expect(row(page)).to_contain_text("configureme")
    page.context.clear_cookies(domain="127.0.0.1")
    page.goto(portal)
    sign_in_at_portal(page, journey, address, "Nouveau-42x")
    expect(install).to_have_count(0)


def test_mistakes_are_said_at_their_field_and_what_was_typed_stays(
    page: Page, journey: Journey, group: str, script: bool, check_accessibility: Check
) -> None:
    open_act(page, journey, "Configurer", "Configure")
    if script:
        press_longer_than_a_check(page, journey)
    else:
        fill_holder(journey, "", "Dupont", "a..b")
    expect(page.locator(".error-summary")).to_contain_text("Login")
    expect(journey.field("Nom", "Last name")).to_have_value("Dupont")
    check_accessibility()
    for login, french, english in (
        ("ab", "3 à 20", "3 to 20"),
        (".abc", "point", "dot"),
        ("zoé lefèvre", "sans accent", "without accents"),
    ):
        fill_holder(journey, "Zoé", "Lefèvre", login)
        expect(page.locator(".error-summary")).to_contain_text(journey.say(french, english))
        if script:
            # The check of the field alone says the same; the answer to the form takes the focus.
            expect(page.locator(".error-summary")).to_be_focused()
        expect(page.locator(".field-error:not(:empty)").first).to_be_visible()
        expect(journey.field("Prénom", "First name")).to_have_value("Zoé")
    if script:
        journey.field("Login", "Login").fill("zoe")
        journey.field("Login", "Login").press("Tab")
        expect(page.locator(".error-summary")).to_have_count(0)


@pytest.mark.only(script=True)
def test_what_is_typed_while_an_answer_is_awaited_stays_when_it_is_a_refusal(
    page: Page, journey: Journey, group: str
) -> None:
    login = journey.field("Login", "Login")
    held: list[Route] = []
    open_act(page, journey, "Configurer", "Configure")
    expect(login).to_be_visible()
    page.route(re.compile("/seats/1/configuration$"), lambda route: held.append(route))
    fill_holder(journey, "Zoé", "Lefèvre", "ab")
    patience.wait_until(lambda: bool(held), lambda: 0, between=lambda: page.wait_for_timeout(50))
    login.fill("zoe")
    held.pop().continue_()
    expect(page.locator("button[aria-busy=true]")).to_have_count(0)
    expect(login).to_have_value("zoe")
    expect(login).to_be_focused()
    expect(page.locator(".error-summary")).to_have_count(0)
    page.unroute_all()
    journey.button("Valider", "Confirm").click()
    expect(row(page)).to_contain_text("zoe@")


def test_add_user_opens_a_free_licence_then_an_order_for_the_group(
    page: Page, journey: Journey, group: str, check_accessibility: Check
) -> None:
    for number in (1, 2):
        journey.button("Ajouter un utilisateur", "Add user").click()
        fill_holder(journey, "Camille", "Dupont", f"camille{number}")
        expect_status(page, journey, "Créé", "Created", number)
        page.goto(group)
    journey.button("Ajouter un utilisateur", "Add user").click()
    expect(page).to_have_url(re.compile("/manager/order/office"))
    expect(page.locator("main")).to_contain_text(journey.say("298 sur 300", "298 of 300"))
    check_accessibility()
    journey.field("Nombre de licences", "Number of licences").fill("3")
    journey.button("Poursuivre", "Continue").click()
    expect(page.locator("main")).to_contain_text(journey.say("renouvellement", "renewal"))
    check_accessibility()
    journey.field(
        "J’ai lu et j’accepte les contrats", "I have read and accept the contracts"
    ).check()
    journey.button("Générer le bon de commande", "Generate the purchase order").click()
    expect(page).to_have_url(re.compile(r"/manager/account/orders/\d+$"))
    expect(page.locator("main")).to_contain_text(journey.say("Au prorata", "Pro rata"))
    check_accessibility()
    journey.pay(by_card=None)
    journey.expect_delivered()
    page.goto(group)
    expect(page.locator(".table-seats tbody tr")).to_have_count(5)


def test_licences_are_ordered_for_the_group_from_the_menu(
    page: Page, journey: Journey, group: str, check_accessibility: Check
) -> None:
    page.goto("/manager/web")
    if page.get_by_text("Menu", exact=True).is_visible():
        page.get_by_text("Menu", exact=True).click()
    page.get_by_role("navigation").get_by_role("link", name="O365", exact=True).last.click()
    check_accessibility()
    for offer in (
        journey.field("Licences Office Pro Plus", "Office Pro Plus licences"),
        journey.field("Licences Office Business", "Office Business licences"),
    ):
        offer.check()
        expect(offer).to_be_checked()
    journey.field("Nombre de licences", "Number of licences").fill("3")
    groups = journey.field("Groupe de licences", "Licence group")
    ours = groups.locator("option", has_text="Office 365 Business").first
    groups.select_option(ours.get_attribute("value"))
    journey.button("Poursuivre", "Continue").click()
    expect(page.locator("main")).to_contain_text(journey.say("renouvellement", "renewal"))
    check_accessibility()


@pytest.mark.only(script=True, size="desktop")
def test_the_cog_menu_and_its_dialogs_answer_to_the_keyboard(
    page: Page, journey: Journey, group: str
) -> None:
    cog = row(page).locator("summary")
    cog.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    configure = row(page).get_by_role(
        "link", name=journey.say("Configurer", "Configure"), exact=True
    )
    expect(configure).to_be_focused()
    page.keyboard.press("Enter")
    expect(journey.field("Prénom", "First name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).not_to_be_visible()
    expect(cog).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(journey.field("Prénom", "First name")).to_be_focused()
    page.keyboard.type("Ana")
    page.keyboard.press("Tab")
    page.keyboard.type("Silva")
    page.keyboard.press("Tab")
    page.keyboard.type("ana.silva")
    page.keyboard.press("Enter")
    expect(page.locator("#dialog")).not_to_be_visible()
    expect(cog).to_be_focused()
    expect_status(page, journey, "Créé", "Created")
    expect(cog).to_be_focused()


@pytest.mark.only(script=True)
def test_two_people_configure_one_licence_and_the_second_is_told(
    page: Page, journey: Journey, group: str, check_accessibility: Check
) -> None:
    other = page.context.new_page()
    other.goto(f"{group}/seats/1/configuration")
    open_act(page, journey, "Configurer", "Configure")
    fill_holder(journey, "Ana", "Silva", "ana.silva")
    expect_status(page, journey, "Créé", "Created")
    fill_holder(Journey(other, journey.language), "Bob", "Martin", "bob.martin")
    expect(other.locator("main")).to_contain_text("Ana Silva")
    expect(other.locator("main .alert-error")).to_contain_text(
        journey.say("modifiée entre-temps", "changed meanwhile")
    )
    other.close()


def test_an_error_says_what_happened_and_is_tried_again(
    page: Page, journey: Journey, group: str, sandbox: LiveShop, check_accessibility: Check
) -> None:
    sandbox.switch(provider_refusals=1, provider_refusal_reason="The directory is full.")
    open_act(page, journey, "Configurer", "Configure")
    fill_holder(journey, "Ana", "Silva", "ana.silva")
    expect_status(page, journey, "Erreur", "Error")
    # The provider's messages are English and do not appear on French pages.
    said = journey.say("Le fournisseur a refusé.", "The directory is full.")
    expect(row(page)).to_contain_text(said)
    check_accessibility()
    retry = row(page).get_by_role("button", name=journey.say("Réessayer", "Retry"))
    retry.click()
    expect(retry).to_have_count(0)
    expect_status(page, journey, "Créé", "Created")


def test_a_group_is_searched_filtered_renamed_and_described(
    page: Page, journey: Journey, group: str, script: bool, check_accessibility: Check
) -> None:
    open_act(page, journey, "Configurer", "Configure")
    fill_holder(journey, "Zoé", "Lefèvre", "zoe")
    expect_status(page, journey, "Créé", "Created")
    search = page.locator("main").get_by_role("searchbox")
    search.fill("lefev")
    search.press("Enter")
    expect(page.locator(".table-seats tbody tr")).to_have_count(1)
    search.fill("nobody")
    search.press("Enter")
    expect(page.locator("#seats")).to_contain_text(
        journey.say("Aucune licence ne correspond", "No licence matches")
    )
    check_accessibility()
    page.goto(group)
    page.get_by_label(journey.say("Statut", "Status"), exact=True).select_option("unconfigured")
    if not script:
        journey.button("Rechercher", "Search").click()
    expect(page.locator(".table-seats tbody tr")).to_have_count(1)
    page.goto(group)
    journey.link("Modifier le nom du groupe", "Change the name of the group").click()
    name = journey.field("Nom du groupe", "Name of the group")
    if script:
        expect(name).to_be_focused()
    name.fill("Siège de Lille")
    journey.button("Enregistrer", "Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Siège de Lille")
    check_accessibility()
    journey.link("Informations Générales", "General information").click()
    expect(page.locator("main")).to_contain_text(journey.say("2 sur 300", "2 of 300"))
    check_accessibility()
    page.goto("/manager/web")
    expect(page.locator("main")).to_contain_text(
        journey.say("1 licence à configurer", "1 licence to configure")
    )
    check_accessibility()
    page.goto("/manager/groups")
    check_accessibility()


def test_several_licences_are_selected_and_released_at_once(
    page: Page, journey: Journey, group: str, script: bool, check_accessibility: Check
) -> None:
    for number, (first, last, login) in enumerate(
        [("Zoé", "Lefèvre", "zoe"), ("Ana", "Silva", "ana.silva")], 1
    ):
        open_act(page, journey, "Configurer", "Configure", number)
        fill_holder(journey, first, last, login)
        expect_status(page, journey, "Créé", "Created", number)
    select_page = page.get_by_label(
        journey.say("Tout sélectionner sur cette page", "Select all on this page")
    )
    select_page.check()
    if script:
        expect(row(page).get_by_role("checkbox")).to_be_checked()
        expect(page.locator("#selected")).to_have_text(
            journey.say("2\u00a0licences sélectionnées", "2 licences selected")
        )
    check_accessibility()
    journey.button("Libérer", "Release").click()
    expect(page.locator("main")).to_contain_text(
        journey.say("2\u00a0licences sont concernées.", "2 licences are concerned.")
    )
    check_accessibility()
    journey.button("Libérer 2\u00a0licences", "Release 2 licences").click()
    done = page.get_by_text(journey.say("C’est terminé.", "This is done."))
    if not script:
        by_http.look_again_until(page, lambda: done.count() == 1)
    expect(done).to_be_visible()
    expect(page.locator("main")).to_contain_text("2 / 2")
    check_accessibility()
    journey.link("Vers les licences", "To the licences").click()
    expect(row(page, 1)).to_contain_text("configureme")
    expect(row(page, 2)).to_contain_text("configureme")


def test_the_holder_of_a_licence_reads_its_password_once(
    page: Page, journey: Journey, group: str, script: bool, check_accessibility: Check
) -> None:
    open_act(page, journey, "Configurer", "Configure")
    journey.field(
        "À la personne, par un lien qui l’affiche une seule fois",
        "The person, by a link that shows it once",
    ).check()
    journey.field("Adresse e-mail de la personne", "The person’s email address").fill(
        "zoe@home.example"
    )
    check_accessibility()
    fill_holder(journey, "Zoé", "Lefèvre", "zoe")
    expect_status(page, journey, "Créé", "Created")
    expect(row(page)).to_contain_text(
        journey.say("Mot de passe pas encore lu", "Password not read yet")
    )
    page.goto("/manager/account/emails")
    page.locator("main tbody tr").first.get_by_role("link").first.click()
    page.get_by_text(journey.say("L’e-mail en texte", "The email as text")).click()
    link = re.search(r"/(?:fr|en)/licence/[\w-]{43}", page.locator("main").inner_text())
    assert link
    page.goto(link.group())
    check_accessibility()
    journey.button("Afficher le mot de passe", "Show the password").click()
    password = page.locator(".copyable-value").last
    expect(password).to_have_text(re.compile(r"\S{16}"))
    check_accessibility()
    address, shown = page.locator(".copyable-value").all_inner_texts()
    assert address.startswith("zoe@")
    journey.link("Ouvrir le portail Office", "Open the Office portal").click()
    sign_in_at_portal(page, journey, address, shown)
    expect(journey.button("Installer", "Install")).to_be_visible()
