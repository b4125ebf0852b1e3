"""Bank statements: read, matched by the numbers they name, and each line recorded once."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import Any

import pytest
from flask import Flask

from models import Account, BankLine, Invoice, InvoiceStatus, Payment, Role
from shop import money_acts
from shop.errors import Conflict, Refusal
from shop.jobs import queue
from shop.money_acts import statement_files, statements
from shop.money_acts.statement_files import Transfer, read_statement
from tests.support import billing, purchases, racing, staff
from tests.support.billing import fresh
from tests.support.client import CheckingClient

pytestmark = pytest.mark.usefixtures("provider")

SPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"

ENTRY = """
<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>{status}</Cd></Sts>
<BookgDt><Dt>2026-11-20</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef>
<NtryDtls>{details}</NtryDtls></Ntry>
"""

DETAILS = """
<TxDtls>{amount}<RltdPties><Dbtr><Pty><Nm>Alice Lefèvre</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls>
"""


def entry(
    amount: str, text: str, reference: str = "R1", *, side: str = "CRDT", status: str = "BOOK",
    currency: str = "EUR", details: str = "",
) -> str:  # fmt: skip
    """Return an entry of a CAMT.053 statement."""
    return ENTRY.format(
        amount=amount, side=side, status=status, currency=currency, reference=reference,
        details=details or DETAILS.format(amount="", text=text),
    )  # fmt: skip


def camt(*entries: str) -> bytes:
    """Return a CAMT.053 statement."""
    listed = "".join(entries)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{SPACE}"><BkToCstmrStmt>'
        f"<Stmt><Id>1</Id>{listed}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


# --- Files -------------------------------------------------------------------------------------


def test_a_camt_statement_lists_what_was_received() -> None:
    batch = "".join(
        DETAILS.format(amount=f'<Amt Ccy="EUR">{cents}</Amt>', text=text)
        for cents, text in (("1.10", "un"), ("2.20", "deux"))
    )
    found = read_statement(
        camt(
            entry("105.60", "FACTURE FA2026-000002"),
            entry("9.99", "rien", side="DBIT"),
            entry("9.99", "rien", status="PDNG"),
            entry("9.99", "rien", currency="USD"),
            entry("3.30", "", "R2", details=batch),
        )
    )
    day, name = date(2026, 11, 20), "Alice Lefèvre"
    assert found == [
        Transfer(day, 10_560, "R1", name, "FACTURE FA2026-000002"),
        Transfer(day, 110, "R2", name, "un"),
        Transfer(day, 220, "R2", name, "deux"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        'Date;Libellé;Montant\n20/11/2026;VIR Alice;"1 105,60"\n21/11/2026;Frais;-5,00\n',
        "Booking date,Amount,Description\n2026-11-20,1105.60,VIR Alice\n2026-11-21,0,x\n",
        "Date\tCrédit\tLibellé\n20.11.2026\t1.105,60\tVIR Alice\n",
    ],
)
def test_csv_statements_are_read_as_banks_write_them(content: str) -> None:
    expected = [Transfer(date(2026, 11, 20), 110_560, text="VIR Alice")]
    assert read_statement(content.encode("cp1252")) == expected


@pytest.mark.parametrize(
    "content",
    [
        b"<Document/>",
        b"<Document",
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + camt()[38:],
        b"name;login\nAlice;alice\n",
        b"Date;Montant\nhier;10\n",
        b"Date;Montant\n20/11/2026;dix\n",
        camt(entry("1e99", "x")),
        camt(entry("NaN", "x")),
        camt(entry("1e999999", "x")),
        b"Date;Montant\n20/11/2026;1e5\n",
    ],
)
def test_what_is_no_statement_is_refused(content: bytes) -> None:
    with pytest.raises(Refusal):
        read_statement(content)


def test_an_entry_is_searched_as_often_however_many_transfers_it_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    search, searched = statement_files._path, []

    def noted(element: Any, path: str) -> list[Any]:
        searched.append(element.tag.rpartition("}")[2])
        return search(element, path)

    def searches(transfers: int) -> int:
        part = DETAILS.format(amount='<Amt Ccy="EUR">1.10</Amt>', text="un")
        searched.clear()
        assert len(read_statement(camt(entry("1.00", "", details=part * transfers)))) == transfers
        return searched.count("Ntry")

    monkeypatch.setattr(statement_files, "_path", noted)
    assert searches(2) == searches(50)


def test_no_more_is_read_of_a_statement_than_it_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_files, "MOST_LINES", 1)
    with pytest.raises(Refusal, match="at most 1"):
        read_statement(camt(entry("1.00", "a"), entry("1.00", "b"), entry("no amount", "c")))


def test_a_statement_is_not_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_files, "MOST_LINES", 1)
    with pytest.raises(Refusal, match="at most 1"):
        read_statement(camt(entry("1.00", "a"), entry("1.00", "b")))


def test_numbers_are_found_however_they_are_written() -> None:
    text = "fact fa2026 000002 et FA2026000003, commande 123456789 tel 0123456789"
    assert statements.numbers_in(text) == ["FA2026-000002", "FA2026-000003", "123456789"]


# --- At the desk -------------------------------------------------------------------------------


def upload(desk: CheckingClient, content: bytes) -> str:
    answer = desk.ask(
        "POST", "/desk/money/statements", {"file": (BytesIO(content), "statement.xml")}
    )
    assert answer.status_code == 303, answer.text
    return desk.get("/desk/money/statements").text


def test_a_statement_pays_an_order_an_invoice_and_a_part(app: Flask, alice: Account) -> None:
    order = purchases.place(alice)
    whole, part = billing.due(alice), billing.due(alice)
    desk = staff.desk_of(app, Role.BILLING)
    content = camt(
        entry(f"{order.total_cents / 100:.2f}", f"commande {order.number}"),
        entry("105.60", whole.number.replace("-", " ")),
        entry("40.00", part.number),
        entry("7.00", "loyer"),
    )
    shown = upload(desk, content)
    assert shown.count("Le montant concorde") == 2
    assert "4\u00a0virements nouveaux" in shown
    assert "0\u00a0virements nouveaux, 4\u00a0déjà connus" in upload(desk, content)
    lines = list(BankLine.select().order_by(BankLine.id))
    for line in lines[:3]:
        address = f"/desk/money/statements/{line.id}/record"
        named = staff.confirm(desk, address, number=statements.numbers_in(line.text)[0])
        assert named.location == "/desk/money/statements"
        again = desk.ask("POST", address, {"key": "k", "reason": "x", "number": whole.number,
                                           "confirmed": "yes"})  # fmt: skip
        assert again.status_code == 409
    staff.confirm(desk, f"/desk/money/statements/{lines[3].id}/ignore", reason="Loyer")
    assert "Aucun virement en attente" in desk.get("/desk/money/statements").text
    queue.drain()
    assert Payment.get(Payment.order == order).reference == "R1"
    assert fresh(whole).status == InvoiceStatus.PAID
    assert fresh(part).balance_cents == 6_560
    assert [BankLine.get_by_id(line.id).payer for line in lines] == [""] * 4
    billing.assert_balanced()


@pytest.mark.one_database
def test_a_file_that_is_none_is_refused_at_its_field(app: Flask) -> None:
    desk = staff.desk_of(app, Role.BILLING, language="en")
    answer = desk.ask("POST", "/desk/money/statements", {"file": (BytesIO(b"x"), "a.csv")})
    assert answer.status_code == 422
    assert "neither a CAMT.053 statement" in answer.text
    assert desk.ask("POST", "/desk/money/statements").status_code == 422
    auditor = staff.desk_of(app, Role.AUDITOR)
    assert "Lire le relevé" not in auditor.get("/desk/money/statements").text


def test_two_members_at_once_record_a_line_once(alice: Account) -> None:
    invoice = billing.due(alice)
    statements.keep(camt(entry("40.00", invoice.number)), by="staff:camille")
    line = BankLine.get()

    def record() -> object:
        wanted = statements.recording(BankLine.get_by_id(line.id), invoice.number)
        key = f"form-{racing.threading.get_ident()}"
        return money_acts.perform(wanted, "Virement", by="staff:camille", key=key)

    outcomes = racing.race(record, 3)
    assert sum(isinstance(each, Conflict) for each in outcomes) == 2, outcomes
    assert fresh(invoice).balance_cents == 6_560
    with pytest.raises(Conflict):
        statements.ignore(BankLine.get_by_id(line.id), "x", by="staff:sacha")
    assert Invoice.select().count() == 1
    billing.assert_balanced()
