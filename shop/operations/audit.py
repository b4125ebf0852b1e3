"""An audit of the whole database: all that was paid is delivered or refunded, once, and recorded.

Each rule is a sentence and the query that finds the rows that break it. The fault driver
(``tests/faults``) asks for the same rules as ``flask audit``, with no time left for work under way.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from peewee import PostgresqlDatabase

from records.base import database
from records.batches import in_batches
from records.disputes import DisputeStatus
from records.events import Event
from records.groups import Addition, AdditionStatus, GroupStatus, LicenceGroup
from records.invoices import InvoiceKind, InvoiceStatus
from records.jobs import Job, JobStatus
from records.letters import Letter, LetterKind, LetterStatus
from records.orders import UNDELIVERED, OrderStatus
from records.payment_methods import PaymentMethod
from records.payments import PaymentStatus
from records.refunds import RefundStatus
from records.seat_states import MOVING, SeatStatus
from records.seats import Seat
from records.terminations import GIVEN_BACK, GiveBack, TerminationStatus
from shop import clock
from shop.accounting import revenue_proof
from shop.errors import PartyRejected, PartyUnavailable
from shop.invoicing import ledger_proof
from shop.jobs import queue
from shop.office.configured import provider
from shop.office.protocol import Holdings, LicenceCounter
from shop.payments.payables import DELIVERY_PROMISE


def _listed(*states: StrEnum) -> str:
    return ", ".join(f"'{state}'" for state in states)


_MISCOUNTED = (
    "g.seats_? <> (SELECT count(*) FROM seat s WHERE s.group_id = g.id AND s.status = '?')"
)

_USED = "seats_activating + seats_active + seats_updating"
_FIGURES = {
    "total": f"{_USED} + seats_unconfigured + seats_error + seats_releasing",
    "used": _USED, "free": "seats_unconfigured", "in_error": "seats_error",
}  # fmt: skip
"""The figures of a customer's licences, and what they are of a group."""

_STATES = {
    "AdditionStatus": AdditionStatus,
    "DisputeStatus": DisputeStatus,
    "GroupStatus": GroupStatus,
    "InvoiceKind": InvoiceKind,
    "InvoiceStatus": InvoiceStatus,
    "JobStatus": JobStatus,
    "LetterStatus": LetterStatus,
    "OrderStatus": OrderStatus,
    "PaymentStatus": PaymentStatus,
    "SeatStatus": SeatStatus,
    "TerminationStatus": TerminationStatus,
    "UNDELIVERED": _listed(*UNDELIVERED),
    "PAID": _listed(*UNDELIVERED, OrderStatus.DELIVERED),
    "UNPAID": _listed(OrderStatus.AWAITING_PAYMENT, OrderStatus.CANCELLED, OrderStatus.EXPIRED),
    "TAKEN": _listed(
        PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_DUE, PaymentStatus.REFUNDED,
        PaymentStatus.LOST,
    ),
    # Days at the customer's bank, or on the operator's list of transfers.
    # Or the bank decides a dispute of the payment first.
    "IN_OTHER_HANDS": f"f.status = '{RefundStatus.PENDING}' "
    f"OR (f.status = '{RefundStatus.ASKED}' AND f.method = '{PaymentMethod.MANUAL}')",
    "ALIVE": _listed(GroupStatus.INSTALLED, GroupStatus.SUSPENDED),
    "WAS_INSTALLED": _listed(
        GroupStatus.INSTALLED, GroupStatus.SUSPENDED, GroupStatus.TERMINATED
    ),
    "MOVING": _listed(*MOVING),
    "GIVEN_BACK": _listed(*GIVEN_BACK),
    "COUNTED_FIGURES": ", ".join(f"sum({name}) {name}" for name in _FIGURES),
    "FIGURES_OF_GROUPS": ", ".join(f"sum({of_it}) {name}" for name, of_it in _FIGURES.items()),
    "FIGURES_DIFFER": " OR ".join(
        f"coalesce(c.{name}, 0) <> coalesce(g.{name}, 0)" for name in _FIGURES
    ),
    "MISCOUNTED": " OR ".join(_MISCOUNTED.replace("?", status) for status in SeatStatus),
}  # fmt: skip
"""The values of the braces in the queries below: a query that names an unknown state fails."""

RULES = {
    "the order {} is paid, and neither delivered nor refunded": (
        "SELECT o.number FROM purchase_order o "
        "WHERE o.status IN ({UNDELIVERED}) AND o.paid_at <= {since}"
    ),
    "the order {} counts as paid, without a payment": (
        "SELECT o.number FROM purchase_order o WHERE o.status IN ({PAID}) AND o.total_cents > 0 "
        "AND NOT EXISTS (SELECT 1 FROM payment p "
        "WHERE p.order_id = o.id AND p.status IN ({TAKEN}))"
    ),
    "the order {} is closed unpaid, and its money was kept": (
        "SELECT o.number FROM purchase_order o JOIN payment p ON p.order_id = o.id "
        "WHERE o.status IN ({UNPAID}) AND p.status = '{PaymentStatus.SUCCEEDED}'"
    ),
    "the money of the order {} was taken more than once": (
        "SELECT o.number FROM purchase_order o JOIN payment p ON p.order_id = o.id "
        "WHERE p.status = '{PaymentStatus.SUCCEEDED}' GROUP BY o.number HAVING count(*) > 1"
    ),
    "the refund of payment {} is not confirmed": (
        "SELECT p.id FROM payment p WHERE p.status = '{PaymentStatus.REFUND_DUE}' "
        "AND p.settled_at <= {since} AND NOT EXISTS (SELECT 1 FROM refund f "
        "WHERE f.payment_id = p.id AND f.credit_note_id IS NULL AND ({IN_OTHER_HANDS})) "
        "AND NOT EXISTS (SELECT 1 FROM dispute d WHERE d.payment_id = p.id "
        "AND d.status = '{DisputeStatus.OPEN}' AND d.withdrawn_cents > 0)"
    ),
    "the refund of credit note {} is not confirmed": (
        "SELECT i.number FROM invoice i WHERE i.kind = '{InvoiceKind.CREDIT_NOTE}' "
        "AND i.status = '{InvoiceStatus.DUE}' AND i.issued_at <= {since} "
        "AND NOT EXISTS (SELECT 1 FROM refund f "
        "WHERE f.credit_note_id = i.id AND ({IN_OTHER_HANDS})) "
        "AND NOT EXISTS (SELECT 1 FROM refund f JOIN dispute d ON d.payment_id = f.payment_id "
        "WHERE f.credit_note_id = i.id AND d.status = '{DisputeStatus.OPEN}' "
        "AND d.withdrawn_cents > 0)"
    ),
    "payment {} is in process and does not end": (
        "SELECT p.id FROM payment p WHERE p.status = '{PaymentStatus.PROCESSING}' "
        "AND p.created_at <= {since}"
    ),
    "an order line of the delivered order {} was not delivered": (
        "SELECT o.number FROM purchase_order o JOIN order_line l ON l.order_id = o.id "
        "WHERE o.status = '{OrderStatus.DELIVERED}' "
        "AND NOT EXISTS (SELECT 1 FROM licence_group g "
        "WHERE g.line_id = l.id AND g.status IN ({WAS_INSTALLED})) "
        "AND NOT EXISTS (SELECT 1 FROM addition a "
        "WHERE a.line_id = l.id AND a.status = '{AdditionStatus.INSTALLED}')"
    ),
    "an order line of the order {} was delivered twice": (
        "SELECT o.number FROM purchase_order o JOIN order_line l ON l.order_id = o.id "
        "JOIN licence_group g ON g.line_id = l.id JOIN addition a ON a.line_id = l.id"
    ),
    "the group {} was installed without being paid": (
        "SELECT g.name FROM licence_group g JOIN order_line l ON l.id = g.line_id "
        "JOIN purchase_order o ON o.id = l.order_id "
        "WHERE g.status IN ({WAS_INSTALLED}) AND o.status IN ({UNPAID})"
    ),
    "licences were added to the group {} without being paid": (
        "SELECT g.name FROM addition a JOIN licence_group g ON g.id = a.group_id "
        "JOIN order_line l ON l.id = a.line_id JOIN purchase_order o ON o.id = l.order_id "
        "WHERE a.status = '{AdditionStatus.INSTALLED}' AND o.status IN ({UNPAID})"
    ),
    "the group {} has not the licences that were ordered and not given back": (
        "SELECT g.name FROM licence_group g JOIN order_line l ON l.id = g.line_id "
        "WHERE g.status IN ({ALIVE}) AND (SELECT count(*) FROM seat s WHERE s.group_id = g.id) "
        "<> l.quantity + (SELECT coalesce(sum(m.quantity), 0) FROM addition a "
        "JOIN order_line m ON m.id = a.line_id "
        "WHERE a.group_id = g.id AND a.status = '{AdditionStatus.INSTALLED}') "
        "- (SELECT count(*) FROM give_back b WHERE b.group_id = g.id "
        "AND b.status = '{TerminationStatus.DONE}') "
        "AND NOT EXISTS (SELECT 1 FROM addition a WHERE a.group_id = g.id "
        "AND a.status = '{AdditionStatus.INSTALLING}' AND a.first_number IS NOT NULL)"
    ),
    "the group {} counts its licences wrongly": (
        "SELECT g.name FROM licence_group g WHERE {MISCOUNTED}"
    ),
    "the licences of the customer {} are counted wrongly": (
        "SELECT a.nic_handle FROM account a "
        "LEFT JOIN (SELECT account_id, {COUNTED_FIGURES} FROM licence_count GROUP BY account_id) c "
        "ON c.account_id = a.id "
        "LEFT JOIN (SELECT account_id, {FIGURES_OF_GROUPS} FROM licence_group "
        "WHERE status IN ({ALIVE}) GROUP BY account_id) g ON g.account_id = a.id "
        "WHERE {FIGURES_DIFFER}"
    ),
    "the group {} counts its idle licences wrongly": (
        "SELECT g.name FROM licence_group g WHERE g.seats_idle <> "
        "(SELECT count(*) FROM seat s WHERE s.group_id = g.id AND s.is_idle)"
    ),
    "a licence of the group {} counts as idle, and is not in use or is given back": (
        "SELECT DISTINCT g.name FROM licence_group g JOIN seat s ON s.group_id = g.id "
        "WHERE s.is_idle AND (s.status <> '{SeatStatus.ACTIVE}' OR EXISTS "
        "(SELECT 1 FROM give_back b WHERE b.seat_id = s.id AND b.status IN ({GIVEN_BACK})))"
    ),
    "the usage of the group {} differs from its active licences": (
        "SELECT g.name FROM licence_group g WHERE "
        "(SELECT coalesce(sum(e.change), 0) FROM seat_event e WHERE e.group_id = g.id) "
        "<> (SELECT count(*) FROM seat s WHERE s.group_id = g.id AND s.reference <> '' "
        "AND s.status <> '{SeatStatus.ENDED}')"
    ),
    "the group {} has ended, and one of its licences has not": (
        "SELECT DISTINCT g.name FROM licence_group g JOIN seat s ON s.group_id = g.id "
        "WHERE g.status IN ('{GroupStatus.TERMINATED}', '{GroupStatus.CANCELLED}') "
        "AND s.status <> '{SeatStatus.ENDED}'"
    ),
    "a licence of the group {} has ended, and the group has not": (
        "SELECT DISTINCT g.name FROM licence_group g JOIN seat s ON s.group_id = g.id "
        "WHERE g.status IN ({ALIVE}) AND s.status = '{SeatStatus.ENDED}'"
    ),
    "the provider does not finish its work on a licence of the group {}": (
        "SELECT DISTINCT g.name FROM licence_group g JOIN seat s ON s.group_id = g.id "
        "WHERE s.status IN ({MOVING}) AND NOT EXISTS (SELECT 1 FROM event e "
        "WHERE e.subject = 'seat' AND e.subject_id = s.id AND e.at > {since})"
    ),
    "the payment of the order {} was not confirmed by e-mail": (
        "SELECT o.number FROM purchase_order o JOIN payment p ON p.order_id = o.id "
        "WHERE o.status IN ({PAID}) AND p.status = '{PaymentStatus.SUCCEEDED}' "
        "AND NOT EXISTS (SELECT 1 FROM letter t WHERE t.key = 'payment_received:' || o.id)"
    ),
    "the installation of the group {} was not reported by e-mail": (
        "SELECT g.name FROM licence_group g JOIN order_line l ON l.id = g.line_id "
        "JOIN purchase_order o ON o.id = l.order_id "
        "WHERE g.status IN ({WAS_INSTALLED}) AND o.withdrawn_at IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM letter t "
        "WHERE t.key IN ('service_installed:' || g.id, 'attach_installed:' || g.id))"
    ),
    "licences added to the group {} were not reported by e-mail": (
        "SELECT g.name FROM addition a JOIN licence_group g ON g.id = a.group_id "
        "JOIN order_line l ON l.id = a.line_id JOIN purchase_order o ON o.id = l.order_id "
        "WHERE a.status = '{AdditionStatus.INSTALLED}' AND o.withdrawn_at IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM letter t "
        "WHERE t.key = 'licences_added:' || a.id)"
    ),
    "e-mail {} waits to be sent": (
        "SELECT t.id FROM letter t WHERE t.status = '{LetterStatus.QUEUED}' "
        "AND t.created_at <= {since}"
    ),
    "job {} is due and is not run": (
        "SELECT j.id FROM job j WHERE j.status = '{JobStatus.QUEUED}' AND j.run_at <= {since}"
    ),
    "job {} is held by a worker that is gone": (
        "SELECT j.id FROM job j WHERE j.status = '{JobStatus.RUNNING}' "
        "AND j.lease_until <= {since_real}"
    ),
}
"""Each fault, and the query that finds the numbers or names of the rows that have it."""


def find_faults(patience: timedelta = DELIVERY_PROMISE) -> Iterator[str]:
    """Check the whole database; yield a sentence for each fault, those of the books last.

    Work that has been under way for longer than ``patience`` is a fault.
    """
    since, real = clock.now() - patience, clock.real_now() - patience
    for sentence, query in RULES.items():
        yield from _broken(sentence, query, since, real)
    yield from _unwritten_credentials()
    yield from _failed_jobs()
    yield from ledger_proof.find_faults()
    yield from revenue_proof.find_faults()


def _broken(sentence: str, query: str, since: datetime, real: datetime) -> Iterator[str]:
    moments = [
        Job.run_at.db_value(since if name == "{since}" else real)
        for name in ("{since}", "{since_real}")
        if name in query
    ]
    mark = "%s" if isinstance(database.obj, PostgresqlDatabase) else "?"
    sql = query.format_map({**_STATES, "since": mark, "since_real": mark}) + " ORDER BY 1"
    for (name,) in database.execute_sql(sql, moments).fetchall():
        yield sentence.format(name)


def _unwritten_credentials() -> Iterator[str]:
    """Find active licences without an e-mail that holds their password, or the choice of none."""
    letters: Any = (
        Letter.select(Letter.key).where(Letter.kind == LetterKind.LICENCE_ACTIVE).tuples()
    )
    written = {int(row[0].split(":")[1]) for row in letters}
    told: Any = Event.select(Event.subject_id).where(
        Event.subject == Seat.event_subject,
        Event.name.in_(["seat_link_sent", "seat_told_nobody", "seat_password_kept"]),
    )
    chosen = {row[0] for row in told.tuples()}
    active = Seat.select(Seat, LicenceGroup).join(LicenceGroup)
    for seat in in_batches(active.where(Seat.status == SeatStatus.ACTIVE), Seat.id):
        if seat.id not in written | chosen:
            yield (
                f"licence {seat.number} of the group {seat.group.name} is active, "
                "and its credentials were never written"
            )


def _failed_jobs() -> Iterator[str]:
    failed = (Job.status == JobStatus.FAILED) & Job.kind.not_in(queue.kinds_given_up())
    for job in Job.select().where(failed).order_by(Job.id):
        yield f"job {job.id} ({job.kind}) has failed for good: {job.error}"


# --- The provider ----------------------------------------------------------------------------


class CannotBeAsked(Exception):
    """The provider does not tell how many licences a group has there, or did not answer."""


def find_faults_at_provider() -> Iterator[str]:
    """Compare each group with the provider; yield a sentence for each difference.

    Groups on which work is under way are left out. Raise `CannotBeAsked`.
    """
    asked = provider()
    if not isinstance(asked, LicenceCounter):
        raise CannotBeAsked("The provider does not tell how many licences a group has.")
    known = _listed_statuses()
    for group in in_batches(LicenceGroup.select().where(known), LicenceGroup.id):
        if not _is_under_way(group):
            try:
                held = asked.count_licences(group.domain)
            except (PartyUnavailable, PartyRejected) as error:
                raise CannotBeAsked(f"The provider did not answer: {error}.") from error
            yield from _differences(group, held)


def _listed_statuses() -> Any:
    return LicenceGroup.status.in_(
        [GroupStatus.INSTALLED, GroupStatus.SUSPENDED, GroupStatus.TERMINATED]
    )


def _is_under_way(group: LicenceGroup) -> bool:
    """Whether the group is being enlarged, reduced or deleted, or one of its seats changed."""
    installing = Addition.status.in_([AdditionStatus.INSTALLING, AdditionStatus.FAILED])
    ending = GiveBack.status == TerminationStatus.ENDING
    deleting = Job.key == f"delete_tenant:{group.id}"
    moving = Seat.status.in_([*MOVING, SeatStatus.ERROR])
    queries = (
        Addition.select().where(Addition.group == group, installing),
        GiveBack.select().where(GiveBack.group == group, ending),
        Seat.select().where(Seat.group == group, moving),
        Job.select().where(deleting, Job.status.in_([JobStatus.QUEUED, JobStatus.RUNNING])),
    )
    return any(query.exists() for query in queries)


def _differences(group: LicenceGroup, held: Holdings | None) -> Iterator[str]:
    if group.is_over:
        if held is not None:
            yield f"the group {group.name} has ended, and the provider still has it"
        return
    if held is None:
        yield f"the provider does not know the group {group.name}"
        return
    if held.licences != group.seats_total:
        yield (
            f"the group {group.name} has {group.seats_total} licences, "
            f"and {held.licences} at the provider"
        )
    if held.people != group.seats_active:
        yield (
            f"the group {group.name} has {group.seats_active} active licences, "
            f"and {held.people} people at the provider"
        )
