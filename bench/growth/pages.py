"""The pages whose cost must not grow: what is asked for of a customer, of the desk, of the shop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.growth.rows import Customer
from models import (
    Addition,
    Event,
    Handover,
    ImportAct,
    Invoice,
    Letter,
    LicenceGroup,
    Order,
    OrderLine,
    Payout,
    SeatImport,
    Subscription,
)
from shop.accounting.reporting_periods import days_of_month
from shop.operations.today_sections import SECTIONS

SEATS = {
    "seats": "",
    "seats, page 50": "?page=50",
    "seats, middle page": "?page={middle}&beside=after-{half}",
    "seats, last page": "?page={last}",
    "seats, 100 rows": "?rows=100",
    "seats by last name, middle": "?sort=-last&page={middle}&beside=after-{half}",
    "seats by last name, back": "?sort=-last&page={middle}&beside=before-{half}",
    "seats, middle page by its number": "?page={middle}",
    "seats, search": "?q=person",
    "seats, search for a name": "?q=lefevre",
    "seats, search without a match": "?q=zzz",
    "seats, filter": "?status=active",
    "seats, filter, middle": "?status=active&page={middle}&beside=after-{half}",
    "seats, filter without a match": "?status=error",
    "seats, search and filter": "?q=person&status=active",
}

GROUP = {
    **{name: f"/manager/groups/{{group}}{query}" for name, query in SEATS.items()},
    "group's information": "/manager/groups/{group}/information",
    "group's name": "/manager/groups/{group}/name",
    "history": "/manager/groups/{group}/history",
    "history of people": "/manager/groups/{group}/history?kind=people",
    "history of the service": "/manager/groups/{group}/history?kind=service",
    "history of a licence": "/manager/groups/{group}/history?licence=7",
    "history, last page": "/manager/groups/{group}/history?before={first_event}",
    "unused licences": "/manager/groups/{group}/unused",
    "unused licences, last page": "/manager/groups/{group}/unused?after={last_seat}",
    "usage": "/manager/groups/{group}/usage",
    "files of people": "/manager/groups/{group}/imports",
    "a file of people": "/manager/groups/{group}/imports/{file}",
    "a selection": "/manager/groups/{group}/selections/{selection}",
    "add a user": "/manager/groups/{group}/seats/new",
    "configure a seat": "/manager/groups/{group}/seats/{free}/configuration",
    "change a holder": "/manager/groups/{group}/seats/8/holder",
    "change a password": "/manager/groups/{group}/seats/8/password",
    "release a seat": "/manager/groups/{group}/seats/8/release",
    "return a seat": "/manager/groups/{group}/seats/8/return",
    "send a link again": "/manager/groups/{group}/seats/6/link",
    "a large service": "/manager/services/{group}",
    "licences to give back": "/manager/services/{group}/licences",
    "licences to give back, search": "/manager/services/{group}/licences?q=lefevre",
    "terminate": "/manager/services/{group}/termination",
}

CUSTOMER = {
    "home": "/manager/web",
    "groups": "/manager/groups",
    "groups, last page": "/manager/groups?page={full}",
    "groups, far": "/manager/groups?after={far_group}",
    "groups, search": "/manager/groups?q=o365",
    "groups, search without a match": "/manager/groups?q=zzz",
    "services": "/manager/services",
    "services, last page": "/manager/services?page={full}",
    "services, far": "/manager/services?after={far_service}",
    "a service": "/manager/services/{added_group}",
    "a group of many orders": "/manager/groups/{added_group}/information",
    "orders": "/manager/account/orders",
    "orders, page 50": "/manager/account/orders?page=50",
    "orders, last page": "/manager/account/orders?page={many}",
    "orders, far": "/manager/account/orders?before={first_order}",
    "an order": "/manager/account/orders/{order}",
    "an order's state": "/manager/account/orders/{order}/status",
    "withdraw from an order": "/manager/account/orders/{order}/withdrawal",
    "bills": "/manager/account/bills",
    "bills, last page": "/manager/account/bills?page={many}",
    "bills, far": "/manager/account/bills?before={far_invoice}",
    "bills of a period": "/manager/account/bills?from=2020-01-01&to=2100-01-01",
    "bills of no period": "/manager/account/bills?from=2020-01-01&to=2020-02-01",
    "a bill": "/manager/account/bills/{invoice}",
    "e-mails": "/manager/account/emails",
    "e-mails, last page": "/manager/account/emails?page={many}",
    "e-mails, far": "/manager/account/emails?before={first_letter}",
    "e-mails, search": "/manager/account/emails?q=commande",
    "e-mails, search without a match": "/manager/account/emails?q=zzz",
    "e-mails, search among the oldest": "/manager/account/emails?q=commande&before={first_letter}",
    "an e-mail": "/manager/account/emails/{letter}",
    "search: a name": "/manager/search?q=lefevre",
    "search: an address": "/manager/search?q=person7@{domain}",
    "search: a number": "/manager/search?q=1",
    "search: a year": "/manager/search?q=FA2026",
    "search: a service": "/manager/search?q=o365",
    "search: no match": "/manager/search?q=zzz",
    "suggestions": "/manager/search/suggestions?q=lefevre",
    "my account": "/manager/account",
    "activity": "/manager/account/activity",
    "activity, last page": "/manager/account/activity?page={many}",
    "sessions": "/manager/account/sessions",
    "cards": "/manager/account/cards",
    "security": "/manager/account/security",
    "my data": "/manager/account/data",
    "close the account": "/manager/account/closing",
    "order: for which group": "/manager/order/office",
    "order: licences for a group": "/manager/order/office?offer=business&group={added_group}",
}

EXCHANGE = {
    "Exchange": "/manager/exchange",
    "an Exchange service": "/manager/exchange/{exchange}",
    "mailboxes": "/manager/exchange/{exchange}/accounts",
    "mailboxes, search": "/manager/exchange/{exchange}/accounts?q=p07",
    "Office Attach": "/manager/exchange/{exchange}/attach",
}

PART = "part: "
"""What the names of parts begin with, which are requested as htmx does."""

PARTS = {
    f"{PART}seats": "/manager/groups/{group}",
    f"{PART}seats, search": "/manager/groups/{group}?q=lefevre",
    f"{PART}history": "/manager/groups/{group}/history",
    f"{PART}a file of people": "/manager/groups/{group}/imports/{file}",
    f"{PART}a selection": "/manager/groups/{group}/selections/{selection}",
    f"{PART}groups": "/manager/groups",
    f"{PART}services": "/manager/services",
    f"{PART}bills": "/manager/account/bills",
    f"{PART}a bill's state": "/manager/account/bills/{invoice}/status",
    f"{PART}an order's state": "/manager/account/orders/{order}/status",
    f"{PART}my data": "/manager/account/data",
    f"{PART}an Exchange service": "/manager/exchange/{exchange}",
}

OF_A_MONTH = "?code={vat_code}&rate={vat_rate}&from={first_day}&to={last_day}"

STAFF = {
    "desk: customer": "/desk/customers/{nic}",
    "desk: time line": "/desk/customers/{nic}/time-line",
    "desk: time line, its end": "/desk/customers/{nic}/time-line?older={first_event}-9-9-9",
    "desk: services": "/desk/customers/{nic}/services",
    "desk: services, last page": "/desk/customers/{nic}/services?before={first_group}",
    "desk: orders": "/desk/customers/{nic}/orders",
    "desk: orders, last page": "/desk/customers/{nic}/orders?before={first_order}",
    "desk: invoices": "/desk/customers/{nic}/invoices",
    "desk: e-mails": "/desk/customers/{nic}/emails",
    "desk: e-mails, last page": "/desk/customers/{nic}/emails?before={first_letter}",
    "desk: sessions": "/desk/customers/{nic}/sessions",
    "desk: notes": "/desk/customers/{nic}/notes",
    "desk: acts for a customer": "/desk/customers/{nic}/acts",
    "desk: see as": "/desk/customers/{nic}/viewing",
    "desk: erasure": "/desk/customers/{nic}/erasure",
    "desk: order": "/desk/orders/{order}",
    "desk: evidence": "/desk/orders/{order}/evidence",
    "desk: invoice": "/desk/invoices/{invoice}",
    "desk: e-mail": "/desk/emails/{letter}",
    "desk: money of a customer": "/desk/money/customers/{nic}",
    "desk: money of a document": "/desk/money/documents/{invoice}",
    "desk: search for a name": "/desk/search?list=1&q=martin",
    "desk: search for a nic-handle": "/desk/search?list=1&q={nic}",
    "desk: search for a licence": "/desk/search?list=1&q=person7@{domain}",
    "desk: search for an order": "/desk/search?list=1&q={order}",
    "desk: search for an invoice": "/desk/search?list=1&q={invoice}",
    "desk: search without a match": "/desk/search?list=1&q=zzz",
    "desk: today": "/desk/today",
    **{f"desk: today, {name}": f"/desk/today/{name}" for name in SECTIONS},
    "desk: acts on money": "/desk/money",
    "desk: find money": "/desk/money/find?number={order}",
    "desk: statements": "/desk/money/statements",
    "desk: accounting": "/desk/accounting",
    "desk: payouts": "/desk/accounting/payouts",
    "desk: payouts, last page": "/desk/accounting/payouts?before=2100-01-01.2",
    "desk: payout": "/desk/accounting/payouts/{payout}",
    "desk: payments not paid out": "/desk/accounting/payments-held",
    "desk: VAT of a month": "/desk/accounting/vat?month={month}",
    "desk: documents of a month": f"/desk/accounting/vat/documents{OF_A_MONTH}",
    "desk: documents of a month, CSV": f"/desk/accounting/vat/documents.csv{OF_A_MONTH}",
    "desk: FEC of a month": "/desk/accounting/fec?from={first_day}&to={last_day}",
    "desk: payout, CSV": "/desk/accounting/payouts/{payout}.csv",
    "desk: personal data": "/desk/data",
    "desk: offers": "/desk/offers",
    "desk: prices": "/desk/prices",
    "desk: announcements": "/desk/announcements",
    "desk: contracts": "/desk/contracts",
    "desk: staff": "/desk/staff",
}

MACHINES = {"ready": "/readyz", "health": "/healthz", "metrics": "/metrics"}

ALL: dict[str, Mapping[str, str]] = {
    "customer": {**GROUP, **CUSTOMER, **EXCHANGE, **PARTS}, "staff": STAFF, "nobody": MACHINES,
}  # fmt: skip
"""The addresses of pages by who asks for them, and by what they show."""


def names_of(customer: Customer, size: int) -> dict[str, Any]:
    """Return the values that stand in the addresses of a customer with ``size`` orders."""
    account, group = customer.account, customer.group
    of = lambda table: table.select().where(table.account == account)  # noqa: E731
    order = of(Order).order_by(Order.id).offset(25).first()
    invoice = of(Invoice).order_by(Invoice.id).offset(5).first()
    imports = SeatImport.select().where(SeatImport.group == group).order_by(SeatImport.id)
    added = LicenceGroup.select().join(Addition, on=(Addition.group == LicenceGroup.id)).join(
        OrderLine, on=(Addition.line == OrderLine.id)
    ).join(Order).where(Order.account == account).first()  # fmt: skip
    far = (
        of(Subscription)
        .join(LicenceGroup)
        .order_by(LicenceGroup.display_name.desc())
        .offset(25)
        .first()
    )
    by_name = of(LicenceGroup).order_by(LicenceGroup.display_name.desc())
    first_day, last_day = days_of_month(invoice.issued_on)
    events = Event.select().where(Event.group_id == group.id).order_by(Event.id)
    return {
        "nic": account.nic_handle, "group": group.name, "domain": group.domain,
        "full": min(of(Subscription).count() // 20, 50), "exchange": f"exchange-{account.id}",
        "half": size // 2 - 1, "middle": size // 40, "last": size // 20, "many": size // 20,
        "last_seat": size - 5,
        "order": order.number, "invoice": invoice.number,
        "vat_code": invoice.vat_code, "vat_rate": invoice.vat_rate,
        "month": f"{first_day:%Y-%m}", "first_day": first_day, "last_day": last_day,
        "letter": of(Letter).order_by(Letter.id).first().id,
        "first_letter": of(Letter).order_by(Letter.id).offset(25).first().id,
        "far_invoice": of(Invoice).order_by(Invoice.id).offset(25).first().id,
        "far_group": by_name.offset(25).first().id,
        "far_service": far.id,
        "first_order": order.id, "first_group": of(LicenceGroup).order_by(LicenceGroup.id)[1].id,
        "first_event": events.offset(5).first().id,
        "file": imports.where(SeatImport.act == ImportAct.CONFIGURE).first().id,
        "selection": imports.where(SeatImport.act == ImportAct.PASSWORD).first().id,
        "free": 7, "added_group": added.name, "payout": Payout.select().first().id,
        "handovers": Handover.select().count(),
    }  # fmt: skip
