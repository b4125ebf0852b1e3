"""A naive model of billing: a list of documents, a queue, and dates counted day by day.

It shares no code with the shop, so that one error cannot be in both.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
MOST = 300
WAITS = [timedelta(days=3), timedelta(days=4), timedelta(days=7)]


def paris_day(moment: datetime) -> date:
    return moment.astimezone(PARIS).date()


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=PARIS).astimezone(UTC)


def next_anniversary(day: date, anchor: int) -> date:
    """Return the first day after ``day`` with number ``anchor``, or the last of a shorter month."""
    while True:
        day += timedelta(days=1)
        if day.day == min(anchor, monthrange(day.year, day.month)[1]):
            return day


def last_anniversary(day: date, anchor: int) -> date:
    while day.day != min(anchor, monthrange(day.year, day.month)[1]):
        day -= timedelta(days=1)
    return day


def half_up(amount: Fraction) -> int:
    return int(amount + Fraction(1, 2))


def is_asked_for(net: int) -> bool:
    """Return whether an amount, with its 20 % VAT, reaches the minimum that banks charge."""
    return net + half_up(Fraction(net, 5)) >= 50


@dataclass(eq=False)
class Document:
    """An invoice or a credit note of one line."""

    kind: str
    issued_on: date
    net: int
    quantity: int
    start: date
    end: date
    is_owed: bool = False
    returned: int = 0  # the licences of it that were credited
    replaced_by: Document | None = None
    covered: int = 0  # the cents of it that the balance of the account pays

    @property
    def total(self) -> int:
        return self.net + half_up(Fraction(self.net, 5))

    @property
    def said(self) -> tuple[object, ...]:
        return (self.kind, self.issued_on, self.net, self.quantity, self.start, self.end)


@dataclass
class Ahead:
    """A renewal invoiced before its day."""

    document: Document
    cents: int
    is_paid: bool = False


@dataclass
class Naive:
    """One group of one customer."""

    begun: datetime
    quantity: int
    prices: list[tuple[datetime, int]]
    card: str = "good"
    status: str = "active"
    documents: list[Document] = field(default_factory=list)
    given: list[date] = field(default_factory=list)
    announced: list[tuple[date, int]] = field(default_factory=list)
    told: set[datetime] = field(default_factory=set)
    ends_on: date | None = None
    ends_by: str = ""
    ahead: Ahead | None = None
    suspensions: int = 0
    queue: list[tuple[datetime, int, str, object]] = field(default_factory=list)
    asked: int = 0
    pot: int = 0  # what the balance of the account holds for the next invoices

    def __post_init__(self) -> None:
        day = paris_day(self.begun)
        self.anchor = day.day
        self.period_start, self.period_end = day, next_anniversary(day, self.anchor)
        self.cents = self.listed(self.begun)
        net = self.quantity * self.cents
        self.write("invoice", self.begun, net, self.quantity, day, self.period_end)

    # --- Small things ------------------------------------------------------------------------

    def write(
        self, kind: str, now: datetime, net: int, quantity: int, start: date, end: date
    ) -> Document:
        document = Document(kind, paris_day(now), net, quantity, start, end)
        self.documents.append(document)
        return document

    def bill(self, now: datetime, net: int, quantity: int, start: date, end: date) -> Document:
        """Write an invoice of a period; the balance pays it, or leaves what a bank charges."""
        document = self.write("invoice", now, net, quantity, start, end)
        used = min(self.pot, document.total)
        if 0 < document.total - used < 50:
            used = max(0, document.total - 50)
        document.covered, self.pot = used, self.pot - used
        return document

    def listed(self, at: datetime) -> int:
        return max((since, cents) for since, cents in self.prices if since <= at)[1]

    def price_on(self, day: date) -> int:
        in_time = [cents for applies_on, cents in self.announced if applies_on <= day]
        return in_time[-1] if in_time else self.cents

    def subscribed(self, day: date) -> int:
        return self.quantity - len([ends for ends in self.given if ends <= day])

    def ask(self, at: datetime, what: str, about: object = None) -> None:
        self.asked += 1
        self.queue.append((at, self.asked, what, about))

    @property
    def is_open(self) -> bool:
        return self.status in ("active", "past_due")

    @property
    def owed(self) -> list[Document]:
        return [document for document in self.documents if document.is_owed]

    def next_end(self, now: datetime) -> date:
        if self.ahead and self.ahead.is_paid:
            return self.ahead.document.end
        if self.is_open:
            return self.period_end
        return next_anniversary(max(paris_day(now), self.period_start), self.anchor)

    # --- Time --------------------------------------------------------------------------------

    def tick(self, now: datetime) -> None:
        while self.is_open and self.period_end <= paris_day(now):
            if self.ends_on and self.ends_on <= self.period_end:
                self.end()
            else:
                self.renew(now)
        self.work(now)
        self.announce(now)

    def work(self, now: datetime) -> None:
        while due := sorted(each[:2] for each in self.queue if each[0] <= now):
            entry = next(each for each in self.queue if each[:2] == due[0])
            self.queue.remove(entry)
            _, _, what, about = entry
            if what == "end":
                if self.status != "ended" and self.ends_on and self.ends_on <= paris_day(now):
                    self.end()
            elif what == "notice":
                self.notice(now, about)
            else:
                self.collect(now, *about)

    def end(self) -> None:
        self.status, self.ends_on = "ended", None

    def renew(self, now: datetime) -> None:
        start, end = self.period_end, next_anniversary(self.period_end, self.anchor)
        due = []
        if self.ahead:
            self.cents = self.ahead.cents
            if not self.ahead.is_paid:
                due.append(self.ahead.document)
            more = self.subscribed(start) - self.ahead.document.quantity
            if more > 0:
                due.append(self.bill(now, more * self.cents, more, start, end))
            self.ahead = None
        else:
            self.cents, number = self.price_on(start), self.subscribed(start)
            due.append(self.bill(now, number * self.cents, number, start, end))
        self.owe(now, *due)
        self.period_start, self.period_end = start, end

    def owe(self, now: datetime, *due: Document) -> None:
        for document in due:
            if document.covered == document.total:
                continue
            document.is_owed = True
            self.ask(now, "collect", (document, 0))

    def collect(self, now: datetime, document: Document, stage: int) -> None:
        if not document.is_owed:
            return
        if self.card == "good":
            self.paid(now, document)
            return
        if self.status == "active":
            self.status = "past_due"
        if stage < 3:
            self.ask(now + WAITS[stage], "collect", (document, stage + 1))
        elif self.status == "past_due":
            self.status = "suspended"
            self.suspensions += 1
            self.ask(now + timedelta(days=60), "notice", self.suspensions)

    def notice(self, now: datetime, suspension: object) -> None:
        is_open = self.owed and not self.ends_on
        if self.status == "suspended" and self.suspensions == suspension and is_open:
            self.ends_on = paris_day(now + timedelta(days=15)) + timedelta(days=1)
            self.ends_by = "unpaid"
            self.ask(midnight(self.ends_on), "end")

    def paid(self, now: datetime, document: Document) -> None:
        document.is_owed = False
        if self.owed:
            return
        if self.status == "past_due":
            self.status = "active"
        elif self.status == "suspended":
            self.resume(now)

    def resume(self, now: datetime) -> None:
        today = paris_day(now)
        if self.ends_on and self.ends_by == "unpaid":
            self.ends_on = None
        if self.ends_on and self.ends_on <= today:
            self.end()
            return
        if today >= self.period_end and self.ends_on:
            return  # nothing more is charged to a customer who asked for the end
        self.status = "active"
        if today < self.period_end:
            return
        first = last_anniversary(today, self.anchor)
        end = next_anniversary(today, self.anchor)
        share = Fraction((end - today).days, (end - first).days)
        self.cents, number = self.price_on(today), self.subscribed(today)
        net = half_up(number * self.cents * share)
        if is_asked_for(net):
            self.owe(now, self.bill(now, net, number, today, end))
        self.period_start, self.period_end = today, end

    def announce(self, now: datetime) -> None:
        if not self.is_open:
            return
        day = self.period_end
        while midnight(day) < now + timedelta(days=30):
            day = next_anniversary(day, self.anchor)
        since, cents = max((since, cents) for since, cents in self.prices if since <= midnight(day))
        if since not in self.told:
            self.told.add(since)
            self.announced.append((day, cents))

    # --- The customer ------------------------------------------------------------------------

    def add(self, now: datetime, number: int) -> bool:
        if not self.is_open or self.subscribed(paris_day(now)) + number > MOST:
            return False
        today, first = paris_day(now), last_anniversary(paris_day(now), self.anchor)
        end = next_anniversary(today, self.anchor)
        share = Fraction((end - today).days, (end - first).days)
        net = half_up(number * self.listed(now) * share)
        if not is_asked_for(net):
            return False
        self.write("invoice", now, net, number, today, end)
        self.quantity += number
        return True

    def deliver(self, now: datetime, number: int, cents: int) -> None:
        """Deliver licences that were paid for earlier in the same period."""
        today, first = paris_day(now), last_anniversary(paris_day(now), self.anchor)
        end = next_anniversary(today, self.anchor)
        share = Fraction((end - today).days, (end - first).days)
        self.write("invoice", now, half_up(number * cents * share), number, today, end)
        self.quantity += number

    def withdraw(self, now: datetime, number: int, added: Document) -> bool:
        """Withdraw from licences added: their order, and each renewal since, give them back."""
        if self.status == "ended":
            return False
        self.take_back_ahead(now)
        since = self.documents[self.documents.index(added) + 1 :]
        for document in since:
            if document.kind == "invoice" and document.start >= added.end:
                self.credit_part(now, document, number)
        self.credit_part(now, added, number)
        self.quantity -= number
        return True

    def credit_part(self, now: datetime, of: Document, number: int) -> None:
        part = number * of.net // of.quantity
        self.write("credit_note", now, part, number, of.start, of.end)
        of.returned += number
        if not of.is_owed:
            of.covered = 0  # what the balance had paid of it goes back there first

    def give_back(self, now: datetime, number: int) -> bool:
        ends = self.next_end(now)
        if not self.is_open or self.subscribed(ends) <= number:
            return False
        self.take_back_ahead(now)
        self.given += [ends] * number
        return True

    def take_back_ahead(self, now: datetime) -> None:
        if self.ahead and not self.ahead.is_paid:
            of = self.ahead.document
            self.write("credit_note", now, of.net, of.quantity, of.start, of.end)
            self.ahead = None

    def keep(self, now: datetime) -> int:
        if self.status == "ended":
            return 0
        latest = now + timedelta(hours=24)
        kept = [ends for ends in self.given if midnight(ends) >= latest]
        self.given = [ends for ends in self.given if ends not in kept]
        return len(kept)

    def terminate(self, now: datetime) -> bool:
        if self.status == "ended" or self.ends_on:
            return False
        self.take_back_ahead(now)
        self.ends_on, self.ends_by = self.next_end(now), "customer"
        self.ask(midnight(self.ends_on), "end")
        return True

    def go_on(self, now: datetime) -> bool:
        of_theirs = self.status != "ended" and self.ends_on and self.ends_by == "customer"
        if not of_theirs or midnight(self.ends_on) < now + timedelta(hours=24):
            return False
        self.ends_on = None
        if self.status == "suspended" and not self.owed:
            self.resume(now)
        return True

    def correct(self, now: datetime, number: int) -> bool:
        """Issue a document again, and credit the wrong one, unless a part of it is paid."""
        old = self.documents[number]
        is_ahead = self.ahead is not None and self.ahead.document is old and not self.ahead.is_paid
        if old.covered and (old.is_owed or is_ahead):
            return False
        left = old.quantity - old.returned
        net = left * old.net // old.quantity if left else 0
        new = self.write("invoice", now, net, left, old.start, old.end)
        self.write("credit_note", now, net, left, old.start, old.end)
        old.replaced_by = new
        new.covered = old.covered
        if self.ahead is not None and self.ahead.document is old:
            self.ahead.document = new
        if old.is_owed:
            old.is_owed, new.is_owed = False, True
            if self.status != "suspended":
                self.ask(now, "collect", (new, 0))
        return True

    def lose(self, now: datetime, number: int) -> None:
        """Let the payment of a document be taken back: it, or its correction, is owed again."""
        document = self.documents[number]
        while document.replaced_by is not None:
            document = document.replaced_by
        document.is_owed = True
        if self.status == "active":
            self.status = "past_due"
        self.ask(now + WAITS[0], "collect", (document, 1))

    def pay(self, now: datetime) -> bool:
        if not self.owed:
            return False
        self.paid(now, self.owed[0])
        return True

    def pay_ahead(self, now: datetime, *, now_paid: bool) -> bool:
        start = self.period_end
        if not self.is_open or self.owed or (self.ahead and self.ahead.is_paid):
            return False
        if self.ahead is None:
            if self.ends_on and self.ends_on <= start:
                return False
            cents, number = self.price_on(start), self.subscribed(start)
            end = next_anniversary(start, self.anchor)
            document = self.bill(now, number * cents, number, start, end)
            self.ahead = Ahead(document, cents)
        self.ahead.is_paid = now_paid
        return True
