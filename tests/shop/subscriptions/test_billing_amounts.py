"""Known amounts: calculated by hand, each with its reasoning, and compared with the invoices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import pytest

from models import Account, Invoice, database
from shop import clock, vat
from shop.clock import day_of
from shop.documents import factur_x
from shop.documents.from_invoices import document_of
from shop.invoicing import invoices
from shop.invoicing.invoices import Draft
from shop.pricing import periods
from shop.pricing.lines import Position, positions_of
from shop.pricing.money import Line, Share
from shop.pricing.periods import Period
from shop.vat import PlaceOfSupply
from tests.support.schematron import broken_rules

B, P = ("business", 880), ("pro_plus", 1290)
"""The two offers at 8.80 and 12.90 EUR a month."""

Licences = tuple[tuple[int, tuple[str, int]], ...]
Amounts = tuple[int, int, int]

LILLE = PlaceOfSupply("FR", "59800")
REUNION = PlaceOfSupply("FR", "97400")


@dataclass(frozen=True)
class Known:
    """Licences of a service delivered at one moment and charged at another, both in Paris.

    On the first day of a month of the service all of it is charged; on a later day, the days that
    are left, that day included. ``period`` is charged, ``share`` is its days and the month's;
    amounts are cents.
    """

    why: str
    delivered: str
    charged: str
    licences: Licences
    period: tuple[str, str]
    share: tuple[int, int] | None
    net: int
    vat: int
    total: int
    place: PlaceOfSupply = LILLE


def whole(
    why: str,
    delivered: str,
    until: str,
    licences: Licences,
    amounts: Amounts,
    place: PlaceOfSupply = LILLE,
) -> Known:
    """Return a case for the first month of a service."""
    return Known(why, delivered, delivered, licences, (delivered, until), None, *amounts, place)


def november(why: str, licences: Licences, amounts: Amounts, place: PlaceOfSupply = LILLE) -> Known:
    """Return a case for the month from 5 November, where the month does not matter."""
    return whole(why, "2026-11-05", "2026-12-05", licences, amounts, place)


def part(
    why: str,
    delivered: str,
    charged: str,
    until: str,
    share: tuple[int, int],
    licences: Licences,
    amounts: Amounts,
) -> Known:
    """Return a case for licences added in a running month, in Lille."""
    return Known(why, delivered, charged, licences, (charged[:10], until), share, *amounts)


TABLE = [
    # --- Whole months: quantity times price, whatever the month's length.
    november("8.80; 20 % of it is 1.76", ((1, B),), (880, 176, 1056)),
    november(
        "25 × 8.80 = 220.00 and 10 × 12.90 = 129.00; 20 % of 349.00 is 69.80",
        ((25, B), (10, P)), (34900, 6980, 41880),
    ),
    november(
        "the largest there are: 5 000 × 12.90 = 64 500.00, and 12 900.00 of VAT",
        ((5000, P),), (6_450_000, 1_290_000, 7_740_000),
    ),
    whole(
        "31 January plus a month is 28 February: 28 days cost what 31 cost, 3 × 8.80 and 5.28",
        "2026-01-31", "2026-02-28", ((3, B),), (2640, 528, 3168),
    ),
    Known(
        "the month after goes back to the 31st: 28 February to 31 March",
        "2026-01-31", "2026-02-28", ((3, B),), ("2026-02-28", "2026-03-31"), None,
        2640, 528, 3168,
    ),
    Known(
        "and April has 30 days: 31 March to 30 April",
        "2026-01-31", "2026-03-31", ((3, B),), ("2026-03-31", "2026-04-30"), None,
        2640, 528, 3168,
    ),
    whole(
        "2028 is a leap year: 31 January to 29 February",
        "2028-01-31", "2028-02-29", ((1, P),), (1290, 258, 1548),
    ),
    Known(
        "delivered on a leap day; a year later February has no 29th, so it is the 28th",
        "2028-02-29", "2029-02-28", ((1, P),), ("2029-02-28", "2029-03-29"), None,
        1290, 258, 1548,
    ),
    whole(
        "over New Year",
        "2026-12-31", "2027-01-31", ((2, B),), (1760, 352, 2112),
    ),
    # --- Pro rata: days left, that day included, of the days of the month.
    part(
        "23 November to 4 December: 8 + 4 = 12 of 30 days; 129.00 × 12/30 = 51.60; VAT 10.32",
        "2026-11-05", "2026-11-23 10:00", "2026-12-05", (12, 30),
        ((10, P),), (5160, 1032, 6192),
    ),
    part(
        "on the day of the delivery nothing has passed: 30 of 30 days are the whole month",
        "2026-11-05", "2026-11-05 23:59", "2026-12-05", (30, 30),
        ((2, B),), (1760, 352, 2112),
    ),
    part(
        "the last day is 1 of 30: 8.80 / 30 = 0.2933, rounded 0.29; VAT 0.058, rounded 0.06",
        "2026-11-05", "2026-12-04 23:59", "2026-12-05", (1, 30),
        ((1, B),), (29, 6, 35),
    ),
    part(
        "7 of 28 days: 12.90 / 4 = 3.225, half up 3.23; VAT 0.646, rounded 0.65",
        "2026-02-01", "2026-02-22 10:00", "2026-03-01", (7, 28),
        ((1, P),), (323, 65, 388),
    ),
    part(
        "3 of them are rounded once, not three times: 38.70 / 4 = 9.675, half up 9.68, not 9.69",
        "2026-02-01", "2026-02-22 10:00", "2026-03-01", (7, 28),
        ((3, P),), (968, 194, 1162),
    ),
    part(
        "two lines are rounded one by one: 3.225 is 3.23 and 7/28 of 8.80 is 2.20; VAT of 5.43 "
        "is 1.086, rounded 1.09",
        "2026-02-01", "2026-02-22 10:00", "2026-03-01", (7, 28),
        ((1, P), (1, B)), (543, 109, 652),
    ),
    part(
        "15 February to 28 of a leap year's 29: anchor 31, so until 29 February, 14 of 29 days; "
        "4 × 8.80 × 14/29 = 16.9931, rounded 16.99; VAT 3.398, rounded 3.40",
        "2028-01-31", "2028-02-15 10:00", "2028-02-29", (14, 29),
        ((4, B),), (1699, 340, 2039),
    ),
    part(
        "30 March is the last day of 28 February to 31 March: 1 of 31; 4 × 12.90 / 31 = 1.6645, "
        "rounded 1.66; VAT 0.332, rounded 0.33",
        "2026-01-31", "2026-03-30 10:00", "2026-03-31", (1, 31),
        ((4, P),), (166, 33, 199),
    ),
    part(
        "clocks go forward on 29 March: half past midnight of the 30th in Paris is still the 29th "
        "in UTC, and 30 of 31 days are left; 8.80 × 30/31 = 8.5161, rounded 8.52; VAT 1.704",
        "2026-03-29 00:30", "2026-03-30 00:30", "2026-04-29", (30, 31),
        ((1, B),), (852, 170, 1022),
    ),
    part(
        "clocks go back on 25 October: its 25 hours are one day; 24 of 31 days from there to 18 "
        "November; 2 × 8.80 × 24/31 = 13.6258, rounded 13.63; VAT 2.726, rounded 2.73",
        "2026-10-18", "2026-10-25 23:30", "2026-11-18", (24, 31),
        ((2, B),), (1363, 273, 1636),
    ),
    part(
        "1 January 2027, a day after the delivery: 30 of 31; 12.90 × 30/31 = 12.4839; VAT 2.496",
        "2026-12-31", "2027-01-01 00:00", "2027-01-31", (30, 31),
        ((1, P),), (1248, 250, 1498),
    ),
    # --- VAT: of the sum, at the rate of where the customer is, halves up.
    november("Corsica is mainland France: 20 %", ((1, B),), (880, 176, 1056),
             PlaceOfSupply("FR", "20000")),
    november("Monaco is, for VAT, France: 20 % of 17.60 is 3.52", ((2, B),), (1760, 352, 2112),
             PlaceOfSupply("MC", "98000")),
    november("Réunion: 8.5 % of 8.80 is 0.748, rounded 0.75", ((1, B),), (880, 75, 955), REUNION),
    november("8.5 % of 129.00 is 10.965, half up 10.97", ((10, P),), (12900, 1097, 13997), REUNION),
    november(
        "of the sum, not by line: 8.5 % of 26.40 is 2.244, rounded 2.24; three times 0.75 is 2.25",
        ((1, B), (1, B), (1, B)), (2640, 224, 2864), PlaceOfSupply("GP", "97110"),
    ),
    november("Martinique like Réunion: 8.5 % of 12.90 is 1.0965, rounded 1.10",
             ((1, P),), (1290, 110, 1400), PlaceOfSupply("MQ", "97200")),
    november("no VAT in Guyane", ((5, B),), (4400, 0, 4400), PlaceOfSupply("FR", "97300")),
    november("none in Mayotte", ((1, P),), (1290, 0, 1290), PlaceOfSupply("YT", "97600")),
    november("Germany: 19 % of 61.60 is 11.704, rounded 11.70",
             ((7, B),), (6160, 1170, 7330), PlaceOfSupply("DE", "10117")),
    november(
        "a German business with a confirmed number owes the VAT itself",
        ((7, B),), (6160, 0, 6160), PlaceOfSupply("DE", "10117", "DE136695976", True),
    ),
    november(
        "until its number is confirmed it pays like a consumer",
        ((7, B),), (6160, 1170, 7330), PlaceOfSupply("DE", "10117", "DE136695976"),
    ),
    november(
        "a confirmed German number does not help where the customer is in Ireland: 23 % of 8.80 "
        "is 2.024",
        ((1, B),), (880, 202, 1082), PlaceOfSupply("IE", "D02 XY45", "DE136695976", True),
    ),
    november("Finland: 25.5 % of 12.90 is 3.2895, rounded 3.29",
             ((1, P),), (1290, 329, 1619), PlaceOfSupply("FI", "00100")),
    november("Denmark: 25 % of 12.90 is 3.225, half up 3.23",
             ((1, P),), (1290, 323, 1613), PlaceOfSupply("DK", "1050")),
    november("Hungary has the highest: 27 % of 12.90 is 3.483",
             ((1, P),), (1290, 348, 1638), PlaceOfSupply("HU", "1011")),
    november("Luxembourg the lowest: 17 % of 8.80 is 1.496",
             ((1, B),), (880, 150, 1030), PlaceOfSupply("LU", "1009")),
    november("the Canary Islands are outside the VAT area", ((1, B),), (880, 0, 880),
             PlaceOfSupply("ES", "35001")),
    november("so are Switzerland and the rest of the world", ((1, B),), (880, 0, 880),
             PlaceOfSupply("CH", "1201")),
]  # fmt: skip


def moment(written: str) -> datetime:
    """Return a moment in Paris: noon where only a day is given."""
    day, _, hour = written.partition(" ")
    return datetime.fromisoformat(f"{day} {hour or '12:00'}").replace(tzinfo=clock.PARIS)


def charged_period(known: Known) -> tuple[Period, Share | None]:
    """Return the period charged, and its share of the month unless it is all of it."""
    delivered, charged = moment(known.delivered), moment(known.charged)
    month = periods.period_of(day_of(charged), periods.anchor_of(delivered))
    if known.share is None:
        return month, None
    return Period(day_of(charged), month.end), periods.share_left(month, charged)


def issued(account: Account, known: Known) -> Invoice:
    """Issue and return the invoice of a case."""
    period, share = charged_period(known)
    names = ("nic_handle", "first_name", "last_name", "street", "city", "email")
    buyer = {name: getattr(account, name) for name in names}
    buyer |= {name: getattr(known.place, name) for name in ("country", "postcode", "vat_number")}
    lines = [Line(code, code, number, cents, share) for number, (code, cents) in known.licences]
    draft = Draft(
        account=account,
        language="fr",
        customer=buyer,
        treatment=vat.treatment_of(known.place, date(2026, 11, 5)),
        positions=tuple(Position(line, period, "o365-1") for line in lines),
        due_on=clock.today(),
    )
    with database.atomic():
        return invoices.issue(draft)


@pytest.mark.every_case
@pytest.mark.parametrize("known", TABLE, ids=lambda known: known.why[:60])
def test_what_is_invoiced_is_what_was_worked_out_by_hand(alice: Account, known: Known) -> None:
    invoice = Invoice.get_by_id(issued(alice, known).id)
    amounts = (invoice.net_cents, invoice.vat_cents, invoice.total_cents)
    assert amounts == (known.net, known.vat, known.total)
    for position in positions_of(invoice):
        assert (str(position.period.start), str(position.period.end)) == known.period
        share = position.line.share
        assert (share and (share.days, share.of)) == known.share
    # The document computes the amounts again from the stored lines, and fails if they differ.
    document = document_of(invoice)
    assert document.totals.total_cents == known.total
    assert broken_rules(factur_x.xml_of(document), "en16931") == set()


def test_the_table_tells_of_months_days_and_places() -> None:
    assert len(TABLE) >= 25
    assert sum(known.share is not None for known in TABLE) >= 10
    assert len({known.place for known in TABLE}) >= 15
