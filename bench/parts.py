"""The parts of the table of figures: each measures the shop beside its floor, in alternate rounds.

Sources of what is required and aimed at: the figures that the shop's owners set for two cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from urllib.parse import urljoin, urlsplit

from bench import billing, documents, floors, growth, load, oscar
from bench.client import Browser
from bench.customer import Customer
from bench.figures import LESS, MORE, Aim, Figure, ratio
from bench.floors import Floor
from bench.floors import journey as bare_journey
from bench.journeys import Run, measure
from bench.oscar import Oscar
from bench.oscar.measuring import measure as measure_oscar
from bench.places import Place
from bench.shop import CHEAP_PASSWORDS, Shop, temporary_shop
from bench.stopwatch import Stopwatch

CUSTOMERS = 8
LIMIT = 300.0


@dataclass(frozen=True)
class Effort:
    """How much is measured: rounds, journeys and seconds in each, and rows of large customers."""

    rounds: int = 3
    journeys: int = 32
    seconds: float = 1.5
    idle_seconds: float = 20.0
    renewals: int = 400
    large: int = growth.LARGE


Part = Callable[[Place, Effort], Iterator[Figure]]


@contextmanager
def _both(place: Place, settings: dict[str, str]) -> Iterator[tuple[Shop, Floor]]:
    """Serve the shop and the floors, each on an empty database of this kind."""
    with (
        place.new_database() as ours,
        place.new_database() as theirs,
        temporary_shop({"DATABASE_URL": ours, **settings}) as shop,
        floors.serving({"FLOOR_DATABASE": _for_peewee(theirs)}) as floor,
    ):
        yield shop, floor


def _for_peewee(url: str) -> str:
    """Return the URL as Peewee names its pool of connections to PostgreSQL, as any shop has one."""
    return url.replace("postgresql://", "psycopg3+pool://")


# --- Journeys --------------------------------------------------------------------------------


def journeys(place: Place, effort: Effort) -> Iterator[Figure]:
    """Complete orders, passwords as cheap as possible, beside the bare journey."""
    with _both(place, CHEAP_PASSWORDS) as (shop, floor):
        _journeys_of(shop, CUSTOMERS)
        requests = _journeys_of(shop, CUSTOMERS).requests
        runs, bare = [], []
        for _ in range(effort.rounds):
            runs.append(_journeys_of(shop, effort.journeys))
            bare.append(_bare(floor, effort.journeys, requests["known"]))
    costs = [run.processor_of("web") * 1000 for run in bare]
    rates = [run.rate for run in bare]
    for service, aim in (("web", Aim(LESS, 60, 25)), ("worker", Aim(LESS, 70, 30))):
        values = [run.processor_of(service) * 1000 for run in runs]
        yield Figure(f"journey, CPU of {service}", "ms", values, aim, place.name, costs)
    yield Figure("journeys a second, cheap passwords", "", [run.rate for run in runs], Aim(MORE),
                 place.name, rates)  # fmt: skip
    yield Figure("requests of a known customer", "", [requests["known"]], Aim(LESS, 12, 10),
                 place.name, is_ratio=True)  # fmt: skip
    own = [run.own / run.journeys * 1000 for run in runs]
    yield Figure("journey, CPU of the customer", "ms", own, Aim(LESS), place.name, costs)


def _journeys_of(shop: Shop, number: int, *, are_busy: bool = False) -> Run:
    return measure(shop, CUSTOMERS, number, LIMIT, Stopwatch(), are_busy=are_busy)


def _bare(floor: Floor, journeys: int, requests: int) -> Run:
    # One bare journey costs so little that the clock's ticks would show.
    return bare_journey.measure(floor, CUSTOMERS, journeys * 4, requests)


def beside_oscar(place: Place, effort: Effort) -> Iterator[Figure]:
    """Complete orders at the usual cost of passwords, beside those at django-oscar."""
    if not oscar.installed():
        print(f"oscar on {place.name} is left out: {oscar.HOW_TO_INSTALL}")
        return
    ours, busy, theirs = [], [], []
    with _shop_and_oscar(place) as (shop, other):
        _journeys_of(shop, CUSTOMERS)
        measure_oscar(other, CUSTOMERS, range(CUSTOMERS))
        for number in range(effort.rounds):
            ours.append(_journeys_of(shop, effort.journeys))
            busy.append(_journeys_of(shop, effort.journeys * 2, are_busy=True))
            first = CUSTOMERS + number * effort.journeys
            theirs.append(measure_oscar(other, CUSTOMERS, range(first, first + effort.journeys)))
    rates = [(run.rate, least.rate) for run, least in zip(ours, theirs, strict=True)]
    yield Figure("journeys a second, OWASP's Argon2", "", [rate for rate, _ in rates], Aim(MORE),
                 place.name, [least for _, least in rates])  # fmt: skip
    yield Figure("journeys a second : django-oscar", "×", ratio(rates), Aim(MORE, 3, 8),
                 place.name, is_ratio=True)  # fmt: skip
    busy_rates = [(run.rate, least.rate) for run, least in zip(busy, theirs, strict=True)]
    yield Figure("… while others wait for the provider", "×", ratio(busy_rates), Aim(MORE),
                 place.name, is_ratio=True)  # fmt: skip
    costs = [(run.processor_of("web") + run.processor_of("worker")) * 1000 for run in ours]
    yield Figure("journey, CPU of web and worker", "ms", costs, Aim(LESS), place.name,
                 [run.processor_of("web") * 1000 for run in theirs])  # fmt: skip


@contextmanager
def _shop_and_oscar(place: Place) -> Iterator[tuple[Shop, Oscar]]:
    with (
        place.new_database() as ours,
        place.new_database() as theirs,
        temporary_shop({"DATABASE_URL": ours}) as shop,
        oscar.serving(theirs) as other,
    ):
        yield shop, other


# --- Pages -----------------------------------------------------------------------------------

PUBLIC = {"home page": "/fr/", "offer page": "/fr/office-365-business"}
ORDER = {"order page": "/fr/order?offer=business"}
MANAGER = {
    "manager's home": "/manager/groups",
    "services": "/manager/services",
    "orders": "/manager/account/orders",
    "bills": "/manager/account/bills",
    "e-mails": "/manager/account/emails",
}


@dataclass(frozen=True)
class Asked:
    """A page that is asked for: its name, address and cookies, and what is required of it."""

    name: str
    path: str
    cookies: dict[str, str]
    floor: str
    aim: Aim


def pages(place: Place, effort: Effort) -> Iterator[Figure]:
    """Pages a second, beside a constant page of the same size, and Jinja with five reads."""
    with _both(place, CHEAP_PASSWORDS) as (shop, floor):
        for page in _asked(shop):
            rates = _beside(shop, floor, page, effort)
            ours, least = ([rate[which] for rate in rates] for which in (0, 1))
            yield Figure(f"{page.name}, a second", "", ours, Aim(MORE), place.name, least)
            yield Figure(f"{page.name} : {page.floor}", "×", ratio(rates), page.aim, place.name,
                         is_ratio=True)  # fmt: skip


def _asked(shop: Shop) -> Iterator[Asked]:
    customer = Customer(shop.url, Stopwatch(), shop.new_account())
    customer.order()
    chooser = Customer(shop.url, Stopwatch())
    summary = {"summary": chooser.choose()}
    for name, path in PUBLIC.items():
        yield Asked(name, path, {}, "constant", Aim(MORE, 0.6, 0.8))
    for paths, cookies in (
        (ORDER, dict[str, str]()), (summary, chooser.cookies), (MANAGER, customer.cookies),
    ):  # fmt: skip
        for name, path in paths.items():
            yield Asked(name, path, cookies, "reads", Aim(MORE, 0.6, 1))


def _size(shop: Shop, path: str, headers: dict[str, str]) -> int:
    with Browser(shop.url) as browser:
        page = browser.get(path, headers)
    if page.status != 200 or urlsplit(page.url).path != urlsplit(path).path:
        raise RuntimeError(f"{path} led to {page.status} at {page.url}")
    return len(page.text.encode())


def _beside(shop: Shop, floor: Floor, page: Asked, effort: Effort) -> list[tuple[float, float]]:
    size, rates = _size(shop, page.path, page.cookies), []
    beside = f"{floor.url}/{page.floor}?bytes={size}"
    for _ in range(effort.rounds):
        ours = load.served(urljoin(shop.url, page.path), page.cookies, effort.seconds)
        least = load.served(beside, {}, effort.seconds)
        rates.append((ours.rate, least.rate))
    return rates


# --- The rest --------------------------------------------------------------------------------


def renewals(place: Place, effort: Effort) -> Iterator[Figure]:
    """Renewals by one process."""
    rates = []
    for _ in range(effort.rounds):
        with place.new_database() as url:
            result = billing.measure_in_subprocess(
                effort.renewals, url if place.name != "SQLite" else ""
            )
        rates.append(effort.renewals / result["seconds"])
    yield Figure("renewals a second", "", rates, Aim(MORE, 150, 300), place.name)


def large_customers(place: Place, effort: Effort) -> Iterator[Figure]:
    """Pages of a customer with a thousand times the seats and orders."""
    measured = list(growth.measure(place, effort.large))
    ratios = [each.ratio for each in measured]
    yield Figure(f"pages, {effort.large:,} : 1,000", "×", [median(ratios)], Aim(LESS, 1.3, 1.1),
                 place.name, is_ratio=True)  # fmt: skip
    worst = max(measured, key=lambda each: each.ratio)
    yield Figure(f"the worst of them ({worst.page})", "×", [worst.ratio], Aim(LESS, 1.3, 1.1),
                 place.name, is_ratio=True)  # fmt: skip


def idle(place: Place, effort: Effort) -> Iterator[Figure]:
    """CPU of all processes of ``make run`` while nobody does anything."""
    with place.new_database() as url, temporary_shop({"DATABASE_URL": url}) as shop:
        time.sleep(effort.idle_seconds / 4)
        shares = []
        for _ in range(effort.rounds):
            used, began = sum(shop.processor_seconds().values()), time.perf_counter()
            time.sleep(effort.idle_seconds)
            spent = sum(shop.processor_seconds().values()) - used
            shares.append(spent / (time.perf_counter() - began) * 100)
    yield Figure("idle, of a core", "%", shares, Aim(LESS, 1, 0.5), place.name, is_ratio=True)


def papers(place: Place, effort: Effort) -> Iterator[Figure]:
    """An invoice in this process; no database is asked, so once is enough."""
    if place.name == "SQLite":
        spent = [documents.invoice_milliseconds() for _ in range(effort.rounds)]
        yield Figure("one invoice, PDF/A-3 with Factur-X, CPU", "ms", spent, Aim(LESS, 25, 12))


PARTS: dict[str, Part] = {
    "journeys": journeys,
    "oscar": beside_oscar,
    "pages": pages,
    "renewals": renewals,
    "growth": large_customers,
    "papers": papers,
    "idle": idle,
}
