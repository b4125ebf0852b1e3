"""Delivery of a paid order as installed licence groups, by idempotent jobs."""

from __future__ import annotations

from datetime import timedelta

import structlog
from peewee import ModelSelect

from records.accounts import Account
from records.base import database, lock
from records.catalogue import Offer
from records.groups import AdditionStatus, GroupStatus, LicenceGroup
from records.orders import Order, OrderLine, OrderStatus
from records.payments import Payment, PaymentStatus
from shop import clock, jobs, mail, settings, transitions
from shop.delivery import additions, progress
from shop.errors import N_, PartyRejected, Refusal
from shop.exchange import seating
from shop.jobs import kinds
from shop.licences import group_keys, reservations
from shop.licences.groups import groups_of
from shop.licences.seats import search_keys, seat_states
from shop.office.configured import provider
from shop.office.polling import settled, settled_operation
from shop.pricing.lines import lines_of
from shop.sql.prepared import prepared
from shop.subscriptions import period_billing, subscriptions

log = structlog.get_logger()

BEING_REFUNDED = N_("This order is being refunded.")


# --- The order -------------------------------------------------------------------------------


@kinds.deliver_order.handler(attempts=20, priority=jobs.Priority.PAID)
def deliver_order(order: int) -> None:
    """Begin the delivery of a paid order.

    Each line creates a new group (guide), or adds licences to an existing one.
    """
    with jobs.last_transaction():
        row = lock(Order(id=order))
        if row.status != OrderStatus.PAID:
            return
        transitions.move(row, OrderStatus.DELIVERING, by="shop")
        added = {addition.line_id: addition for addition in reservations.for_order(row)}
        for line in lines_of(row):
            if line.id in added:
                additions.begin_addition(added[line.id], by="shop")
            else:
                _begin_installation(_new_group(row, line))


def _new_group(order: Order, line: OrderLine) -> LicenceGroup:
    offer, attach = line.offer, seating.attach_of_line(line)
    name = f"o365-{order.number}-{line.position}"
    # A limit that was lowered since the order takes nothing from it.
    limit = offer.places_limit and max(offer.places_limit, line.quantity)
    group = LicenceGroup(
        account=order.account,
        line=line,
        offer=offer,
        name=name,
        domain=f"{name}.{settings.current().office_domain}",
        display_name=attach.service.name if attach else f"{line.offer_name} {order.number}",
        places_taken=line.quantity,
        places_limit=limit,
        last_number=line.quantity,
        created_at=clock.now(),
    )
    group.folded = search_keys.fold_names(group)
    group.save(force_insert=True)
    group_keys.create(group)
    return group


def _begin_installation(group: LicenceGroup) -> None:
    key = f"install_group:{group.id}:{group.tries}"
    install_group.using(key=key).later(group=group.id)


@kinds.check_delivery.handler(attempts=20)
def check_delivery(order: int) -> None:
    """Log and record a paid order that is not delivered in the promised time (guide: 4 h)."""
    row = Order.get_by_id(order)
    if row.is_undelivered:
        log.error("delivery_late", order=row.number, status=row.status)
        transitions.record(row, "delivery_late", by="shop")


def retry_delivery(order: Order, by: str) -> None:
    """Retry a failed delivery with new idempotency keys.

    Raises `Refusal` unless the delivery has failed, the order is not being refunded and
    everything in it can still be delivered.
    """
    with database.atomic():
        order = lock(order)
        if order.status != OrderStatus.DELIVERY_FAILED:
            raise Refusal(N_("Only a delivery that failed can be tried again."))
        if order.is_withdrawn or refund_is_under_way(order):
            raise Refusal(BEING_REFUNDED)
        if not reservations.can_be_kept(order):
            raise Refusal(
                N_("The period these licences were paid for is over: this order is refunded.")
            )
        transitions.move(order, OrderStatus.DELIVERING, by=by)
        for group in groups_of(order):
            if group.status == GroupStatus.INSTALL_FAILED:
                transitions.move(
                    group, GroupStatus.INSTALLING, by=by, tries=group.tries + 1, error=""
                )
                _begin_installation(group)
        for addition in reservations.for_order(order):
            if addition.status == AdditionStatus.FAILED:
                additions.begin_addition(addition, by=by)
        progress.finish_if_complete(order)


def refund_is_under_way(order: Order) -> bool:
    """Whether the whole payment of an order is being given back."""
    due = (Payment.order == order) & (Payment.status == PaymentStatus.REFUND_DUE)
    return Payment.select().where(due).exists()


def is_under_way(order: Order) -> bool:
    """Whether one of the order's groups or additions is still being installed."""
    return any(group.status == GroupStatus.INSTALLING for group in groups_of(order)) or any(
        addition.status == AdditionStatus.INSTALLING for addition in reservations.for_order(order)
    )


# --- A group ---------------------------------------------------------------------------------


def _give_up(group: int, reason: str) -> None:
    row = LicenceGroup.get_by_id(group)
    with database.atomic():
        order = lock(row.line.order)
        if not transitions.move(
            row, GroupStatus.INSTALL_FAILED, by="provider", note=reason, error=reason[:255]
        ):
            return
        progress.mark_failed(order, reason)
    log.error("installation_failed", group=row.name, order=order.number, reason=reason)


@jobs.handles("install_group", attempts=12, give_up=_give_up, priority=jobs.Priority.PAID)
def install_group(group: int) -> None:
    """Install a group at the provider, create its unconfigured seats and e-mail the customer."""
    row = _with_order.get(group)
    if row.status != GroupStatus.INSTALLING:
        return
    key = f"install-{row.name}-{row.tries}"
    try:
        # Asked again, it answers how far it is: what is asked for never changes.
        asked = provider().create_tenant(
            key, row.domain, row.offer.provider_product, row.line.quantity
        )
        settled(asked, since=row.line.order.paid_at)
    except PartyRejected as refusal:
        _give_up(group, str(refusal))
        return
    whole = row.line.quantity // seat_states.AT_ONCE * seat_states.AT_ONCE
    seat_states.create_seats(row, row.line, 1, whole)
    _complete(row, whole)


@prepared
def _with_order(group_id: int) -> ModelSelect[LicenceGroup]:
    return (
        LicenceGroup.select(LicenceGroup, Account, Offer, OrderLine, Order)
        .join(Account)
        .switch(LicenceGroup)
        .join(Offer)
        .switch(LicenceGroup)
        .join(OrderLine)
        .join(Order)
        .where(LicenceGroup.id == group_id)
    )


def _complete(group: LicenceGroup, seats: int) -> None:
    """Complete a group that has its first ``seats`` seats, with the few others."""
    with jobs.last_transaction():
        order = lock(group.line.order)
        seat_states.create_seats(group, group.line, seats + 1, group.line.quantity - seats)
        if not transitions.move(
            group, GroupStatus.INSTALLED, by="provider", installed_at=clock.now()
        ):
            return
        subscriptions.start_delivered(group, order)
        attach = seating.attach_of_line(group.line)
        if order.is_withdrawn:
            pass  # it ends as soon as the delivery does
        elif attach:
            seating.assign_seats(group, attach, by=group.account.nic_handle)
            mail.attach_installed(group)
        else:
            mail.service_installed(group)
        progress.finish_if_complete(order)


# --- Removal ---------------------------------------------------------------------------------


def give_up_undelivered(order: Order, by: str) -> None:
    """Close what was not delivered of an order, in the caller's transaction.

    What was delivered stays. Renewals that charged for licences which were never delivered are
    credited.
    """
    for addition in reservations.for_order(order):
        if addition.status == AdditionStatus.FAILED:
            period_billing.credit_undelivered(addition, by=by)
    reservations.release_places(order, by)
    for group in groups_of(order):
        if group.status == GroupStatus.INSTALL_FAILED:
            transitions.move(group, GroupStatus.CANCELLED, by=by, places_taken=0)


@kinds.delete_tenant.handler(attempts=50, first_delay=timedelta(seconds=5))
def delete_tenant(group: int) -> None:
    """Delete a terminated group at the provider."""
    row = LicenceGroup.get_by_id(group)
    key = f"delete-{row.name}"
    settled_operation(key, lambda: provider().delete_tenant(key, row.domain), since=clock.now())
