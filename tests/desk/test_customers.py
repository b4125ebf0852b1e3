"""The desk's pages of customers and of today: what they show, to whom, and at what cost."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from models import Account, CustomerNote, Job, Letter, Offer, StaffAct, Viewing
from shop import clock
from shop.customers import notes
from shop.mail import licence_letters
from shop.overviews import time_line
from shop.personal_data import erasure
from tests.shop.operations.test_today import have_a_bad_day
from tests.support import queries, staff
from tests.support.belongings import Belongings
from tests.support.visitor import Visitor
from web import viewing


def pages_of(alices: Belongings) -> dict[str, str]:
    """Return the URLs of the desk's pages about alice, by what they are."""
    own = f"/desk/customers/{alices.account.nic_handle}"
    return {
        "customer": own,
        "time line": f"{own}/time-line",
        "services": f"{own}/services",
        "orders": f"{own}/orders",
        "invoices": f"{own}/invoices",
        "emails": f"{own}/emails",
        "sessions": f"{own}/sessions",
        "notes": f"{own}/notes",
        "order": f"/desk/orders/{alices.delivered.number}",
        "invoice": f"/desk/invoices/{alices.invoice.number}",
        "email": f"/desk/emails/{alices.document.letter_id}",
        "search": "/desk/search?q=lefevre&list=1",
        "search for a domain": f"/desk/search?q={alices.group.domain}&list=1",
        "nothing found": "/desk/search?q=nothing-of-the-kind",
        "today": "/desk/today",
        "new customers": "/desk/today/new_customers",
    }


RENEWALS = {"fr": "Faire les renouvellements échus", "en": "Make the renewals that are due"}
"""What the job that failed does, in plain words."""

GOODWILL = {"fr": "Geste commercial", "en": "Goodwill"}
"""The act on money that waits."""


@pytest.mark.parametrize(("role", "language"), [("support", "fr"), ("auditor", "en")])
def test_staff_read_everything_of_a_customer(
    app: Flask, alices: Belongings, role: str, language: str
) -> None:
    have_a_bad_day(alices)
    client = staff.desk_of(app, role, language=language)
    shown = {}
    for name, address in pages_of(alices).items():
        with queries.recorded() as statements:
            response = client.get(address)
        assert response.status_code == 200, address
        assert len(statements) <= 12, (address, len(statements))
        shown[name] = response.text
    licence = f"camille.dupont@{alices.group.domain}"
    order, invoice = alices.delivered.number, alices.invoice.number
    for name, words in {
        "customer": (alices.account.email, alices.group.name, order),
        "time line": (licence, order, alices.account.nic_handle),
        "services": (alices.group.domain,),
        "orders": (order, "checkout-1", "dp_1"),
        "invoices": (invoice, order, "checkout-1"),
        "emails": (alices.account.email,),
        "sessions": (alices.session.ip_address,),
        "order": (invoice, alices.group.display_name),
        "invoice": (order, "checkout-1"),
        "search": (alices.account.nic_handle,),
        "search for a domain": (alices.group.name,),
        "today": (order, invoice, RENEWALS[language], GOODWILL[language]),
        "new customers": (alices.account.email,),
    }.items():
        for word in words:
            assert word in shown[name], (name, word)
    assert client.get(f"/desk/orders/{order}.pdf").data.startswith(b"%PDF")
    assert client.get(f"/desk/invoices/{invoice}.pdf").data.startswith(b"%PDF")
    for unknown in ("customers/nobody-ovh", "orders/1", "invoices/FA1", "emails/0", "jobs/0",
                    "today/nothing"):  # fmt: skip
        assert client.get(f"/desk/{unknown}").status_code == 404, unknown
    acts = (f"customers/{alices.account.nic_handle}/viewing",) if role == "support" else ()
    for act in acts:
        assert act in shown["customer"]
    assert ('name="text"' in shown["customer"]) == (role == "support")


def test_a_search_for_one_customer_leads_to_their_page(app: Flask, alices: Belongings) -> None:
    client = staff.desk_of(app, "billing")
    for typed in (alices.invoice.number, f"camille.dupont@{alices.group.domain}", "LEFEVRE alice"):
        answer = client.get("/desk/search", query_string={"q": typed})
        assert answer.status_code == 303, typed
        assert answer.location.startswith(f"/desk/customers/{alices.account.nic_handle}")


def test_no_page_of_the_desk_tells_a_secret(app: Flask, alices: Belongings) -> None:
    licence_letters.licence_active(
        alices.account, group="G", address="marie@x.example", password="hV7-kq2Rm9wX_t4B",
        portal="http://p.example", key="1",
    )  # fmt: skip
    client = staff.desk_of(app)
    for letter in list(Letter.select().where(Letter.is_secret)):
        shown = client.get(f"/desk/emails/{letter.id}").text
        for secret in ("hV7-kq2Rm9wX_t4B", "/password/", "/termination/", alices.reset_token):
            assert secret not in shown


def test_staff_write_notes_that_stay_under_their_name(app: Flask, alices: Belongings) -> None:
    client = staff.desk_of(app, "billing")
    own = f"/desk/customers/{alices.account.nic_handle}"
    refused = client.ask("POST", f"{own}/notes", {"text": " "})
    assert refused.status_code == 422
    assert client.ask("POST", f"{own}/notes", {"text": "Called <today>"}).status_code == 303
    note = CustomerNote.get()
    assert note.by.startswith("staff:billing.")
    assert "Called &lt;today&gt;" in client.get(own).text
    auditor = staff.desk_of(app, "auditor")
    assert auditor.ask("POST", f"{own}/notes", {"text": "No"}).status_code == 403
    assert CustomerNote.select().count() == 1


def test_a_note_sent_twice_is_written_once(app: Flask, alices: Belongings) -> None:
    client = staff.desk_of(app, "billing")
    own = f"/desk/customers/{alices.account.nic_handle}"
    for _ in range(2):
        [key] = re.findall(r'name="key" value="([^"]+)"', client.get(own).text)
        for _ in range(2):
            answer = client.ask("POST", f"{own}/notes", {"text": "Called.", "key": key})
            assert answer.status_code == 303
    assert CustomerNote.select().count() == 2
    client.ask("POST", f"{own}/notes", {"text": "Called back.", "key": key})
    assert CustomerNote.select().count() == 3, "a form that the browser went back to"


def test_all_notes_can_be_read(app: Flask, alices: Belongings) -> None:
    for number in range(30):
        notes.write_note(alices.account, f"Note {number};", by="staff:sam")
    client = staff.desk_of(app, "auditor")
    visitor = Visitor(client)
    visitor.open(f"/desk/customers/{alices.account.nic_handle}")
    assert visitor.sees("Note 29;")
    assert not visitor.sees("Note 9;")  # the time line has ten
    visitor.follow("Toutes les notes")
    pages = [visitor.response.text]
    visitor.follow("Plus anciens")
    pages.append(visitor.response.text)
    assert all("".join(pages).count(f"Note {number};") == 1 for number in range(30))
    assert "Plus anciens" not in pages[-1]


def test_support_sees_as_the_customer_with_a_reason_and_nobody_else_does(
    app: Flask, alices: Belongings
) -> None:
    client = staff.desk_of(app, "support")
    own = f"/desk/customers/{alices.account.nic_handle}"
    assert staff.confirm(client, f"{own}/viewing", reason=" ").status_code == 422
    assert not Viewing.select().exists()
    assert staff.confirm(client, f"{own}/viewing").location == "/manager/web"
    assert client.get_cookie(viewing.COOKIE) is not None
    seen = Viewing.get()
    assert (seen.account, seen.reason) == (alices.account, "Asked by telephone")
    assert alices.group.display_name in client.get("/manager/groups").text
    # The desk stays the desk.
    assert client.get(own).status_code == 200
    newest = time_line.of_account(alices.account, size=1).entries[0]
    assert newest.by == seen.by
    assert client.ask("POST", "/viewing/end").location == own
    assert client.get("/manager/groups").status_code == 303
    assert staff.confirm(client, f"{own}/viewing").location == "/manager/web"
    assert client.ask("POST", "/desk/sign-out").status_code == 303
    assert client.get("/manager/groups").status_code == 303
    assert not Viewing.select().where(Viewing.ended_at.is_null()).exists()
    for role in ("auditor", "billing"):
        assert staff.desk_of(app, role).get(f"{own}/viewing").status_code == 403


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (300, ""),
        (200, "maintenant 200\u00a0: des licences peuvent être ajoutées"),
        (3, "maintenant 3\u00a0: le groupe garde ses licences"),
        (None, "n’a plus de limite"),
    ],
)
def test_a_limit_of_an_offer_that_changed_is_beside_that_of_the_group(
    app: Flask, alices: Belongings, limit: int | None, said: str
) -> None:
    Offer.update(places_limit=limit).where(Offer.code == "business").execute()
    client = staff.desk_of(app, "support")
    for page in ("", "/services"):
        shown = client.get(f"/desk/customers/{alices.account.nic_handle}{page}").text
        assert "3 / 300" in shown
        assert said in shown
        assert ("maintenant" in shown or "n’a plus de limite" in shown) == bool(said)


@pytest.mark.one_database
def test_a_page_that_does_not_exist_or_is_not_open_leads_back_to_the_desk(app: Flask) -> None:
    client = staff.desk_of(app, "support")
    for address, said in (("customers/nobody-ovh", "n’y est plus"), ("staff", "Votre rôle")):
        shown = client.get(f"/desk/{address}").text
        assert said in shown
        assert 'href="/desk"' in shown
        assert "Espace client" not in shown


def test_an_administrator_has_a_failed_job_tried_again(app: Flask, alices: Belongings) -> None:
    have_a_bad_day(alices)
    client, job = staff.desk_of(app), Job.get(Job.key == "failed")
    address = f"/desk/jobs/{job.id}"
    assert f"{address}/attempts" in client.get(address).text
    assert staff.confirm(client, f"{address}/attempts").location == address
    assert Job.get_by_id(job.id).status == "queued"
    assert StaffAct.get(StaffAct.kind == "retry_job").subject == str(job.id)
    assert f"{address}/attempts" not in client.get(address).text


def test_who_was_erased_is_named_by_their_nic_handle(app: Flask, alice: Account) -> None:
    assert erasure.erase(alice, "Asked", by="staff:dora")
    now = clock.now()
    Job.create(
        kind="billing_run", key="failed", status="failed", payload={"account": alice.id},
        run_at=now, created_at=now,
    )  # fmt: skip
    client = staff.desk_of(app, "support")
    link = f'<a href="/desk/customers/{alice.nic_handle}">{alice.nic_handle}</a>'
    assert link in client.get("/desk/today").text
    assert f"<h1>{alice.nic_handle}</h1>" in client.get(f"/desk/customers/{alice.nic_handle}").text
