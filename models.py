"""The tables the storefront and the manager share: what is on record, and which moves are legal.

Rules that one row or a pair of rows can hold are constraints here; models answer questions
about themselves, and the modules of `shop` make things happen.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, cast

from peewee import (
    SQL,
    AutoField,
    BigAutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    Check,
    CompositeKey,
    DatabaseProxy,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    PostgresqlDatabase,
    TextField,
)

database = DatabaseProxy()


class MomentField(DateTimeField):
    """A moment: aware UTC in Python, naive UTC in the database."""

    def db_value(self, value: datetime | None) -> Any:
        """Store ``value`` as naive UTC; refuse a naive one, whose zone is anybody's guess."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return super().db_value(value.astimezone(UTC).replace(tzinfo=None))

    def python_value(self, value: Any) -> datetime | None:
        """Read a stored moment back as aware UTC."""
        moment = super().python_value(value)
        return moment.replace(tzinfo=UTC) if moment is not None else None


class JSONField(TextField):
    """A small JSON document in a text column, the same on both databases."""

    def db_value(self, value: Any) -> Any:
        """Write compact JSON with keys in order, so equal values are equal texts."""
        if value is None:
            return None
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    def python_value(self, value: Any) -> Any:
        """Read JSON back."""
        return None if value is None else json.loads(value)


def one_of(column: str, words: type[StrEnum]) -> Any:
    """A CHECK that ``column`` holds one of the words of an enumeration."""
    listed = ", ".join(f"'{word}'" for word in words)
    return Check(f"{column} IN ({listed})")


class Table(Model):
    """What all tables have in common."""

    class Meta:
        database = database
        legacy_table_names = False
        only_save_dirty = True


def lock(row: Any) -> Any:
    """Read ``row`` anew and keep it from others until the transaction ends.

    On SQLite a writing transaction has the whole database to itself already.
    """
    query = type(row).select().where(type(row).id == row.id)
    if isinstance(database.obj, PostgresqlDatabase):
        query = query.for_update()
    return query.get()


# --- Customers -------------------------------------------------------------------------------


class VatStatus(StrEnum):
    """What is known of a customer's VAT number."""

    NONE = "none"
    UNCONFIRMED = "unconfirmed"  # not asked yet, or the registry is silent
    CONFIRMED = "confirmed"
    UNKNOWN = "unknown"  # the registry does not know it


class Account(Table):
    """A customer, known by a nic-handle."""

    id = AutoField()
    nic_handle = CharField(max_length=20, unique=True)
    email = CharField(max_length=254, index=True)
    password_hash = CharField(max_length=255)
    first_name = CharField(max_length=255)
    last_name = CharField(max_length=255)
    company = CharField(max_length=255, default="")
    siren = CharField(max_length=9, default="")
    vat_number = CharField(max_length=20, default="")
    vat_status = CharField(max_length=16, default=VatStatus.NONE)
    street = CharField(max_length=255)
    postcode = CharField(max_length=16, default="")
    city = CharField(max_length=255)
    country = CharField(max_length=2)
    language = CharField(max_length=2, default="fr")
    created_at = MomentField()

    class Meta:
        constraints = [
            one_of("vat_status", VatStatus),
            Check("language IN ('fr', 'en')"),
            Check("(vat_status = 'none') = (vat_number = '')"),
        ]

    @property
    def full_name(self) -> str:
        """First and last name, as letters address the customer."""
        return f"{self.first_name} {self.last_name}"

    @property
    def is_business(self) -> bool:
        """Whether a company orders: it may reverse-charge, and cannot withdraw like a consumer."""
        return bool(self.company)


class Session(Table):
    """One signed-in browser; ending the row ends the session, wherever its cookie is."""

    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    account = ForeignKeyField(Account, backref="sessions", on_delete="CASCADE")
    created_at = MomentField()
    seen_at = MomentField()
    expires_at = MomentField()
    ended_at = MomentField(null=True)
    address = CharField(max_length=45)
    browser = CharField(max_length=255, default="")
    confirmed_at = MomentField(null=True)
    """When the customer last proved in this session who they are."""


class OneTimeLink(Table):
    """A link sent by letter that works once: what it is for, and until when."""

    account_id: int  # what peewee adds beside the field

    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    account = ForeignKeyField(Account, backref="links", on_delete="CASCADE")
    purpose = CharField(max_length=32)
    created_at = MomentField()
    expires_at = MomentField()
    used_at = MomentField(null=True)


class RateCount(Table):
    """How often something was tried in a window of time (sign-in, registration, reset)."""

    key = CharField(max_length=255, primary_key=True)
    count = IntegerField()
    expires_at = MomentField(index=True)


# --- The account's security ------------------------------------------------------------------


class Authenticator(Table):
    """An application that shows codes (TOTP); ``secret`` is encrypted (`shop.vault`).

    It counts once ``confirmed_at`` says that a first code was right. ``last_step`` is the time
    step of the last code taken: no code works twice.
    """

    id = AutoField()
    account = ForeignKeyField(Account, unique=True, backref="authenticators", on_delete="CASCADE")
    secret = TextField()
    last_step = BigIntegerField(default=0)
    created_at = MomentField()
    confirmed_at = MomentField(null=True)

    class Meta:
        constraints = [Check("last_step >= 0")]


class RecoveryCode(Table):
    """A code that replaces the second factor once, for when that is lost; kept as a digest."""

    id = AutoField()
    account = ForeignKeyField(Account, backref="recovery_codes", on_delete="CASCADE")
    code_digest = CharField(max_length=64)
    created_at = MomentField()
    used_at = MomentField(null=True)

    class Meta:
        indexes = ((("account", "code_digest"), True),)


class Passkey(Table):
    """A key on a customer's device (WebAuthn): its public half, and how often it was used."""

    id = AutoField()
    account = ForeignKeyField(Account, backref="passkeys", on_delete="CASCADE")
    credential_id = CharField(max_length=1400, unique=True)
    user_handle = CharField(max_length=64)
    public_key = TextField()
    sign_count = BigIntegerField(default=0)
    name = CharField(max_length=64)
    created_at = MomentField()
    used_at = MomentField(null=True)

    class Meta:
        constraints = [Check("sign_count >= 0"), Check("name <> ''")]


class Challenge(Table):
    """What a passkey was asked to sign: known as a digest, good once and for a short time."""

    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    expires_at = MomentField(index=True)


class AccountEvent(Table):
    """Something that happened to an account, and from where.

    ``account`` is empty for a sign-in under a name that nobody has, so that failing costs the
    same whether the account exists or not.
    """

    id = BigAutoField()
    account = ForeignKeyField(Account, null=True, backref="events", on_delete="CASCADE")
    kind = CharField(max_length=48)
    note = CharField(max_length=255, default="")
    address = CharField(max_length=45, default="")
    browser = CharField(max_length=255, default="")
    at = MomentField(index=True)

    class Meta:
        constraints = [Check("kind <> ''")]
        indexes = ((("account", "id"), False),)


class ExportStatus(StrEnum):
    """Where a download of all data stands."""

    REQUESTED = "requested"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


EXPORT_MOVES: dict[str, set[str]] = {
    ExportStatus.REQUESTED: {ExportStatus.READY, ExportStatus.FAILED},
    ExportStatus.READY: {ExportStatus.EXPIRED},
    ExportStatus.FAILED: set(),
    ExportStatus.EXPIRED: set(),
}


class DataExport(Table):
    """All data of an account as one ZIP file, made by the worker; one at a time."""

    id = AutoField()
    account = ForeignKeyField(Account, backref="exports", on_delete="CASCADE")
    status = CharField(max_length=16, default=ExportStatus.REQUESTED)
    size = BigIntegerField(default=0)
    requested_at = MomentField()
    ready_at = MomentField(null=True)
    expires_at = MomentField(null=True)

    class Meta:
        constraints = [
            one_of("status", ExportStatus),
            Check("size >= 0"),
            Check("(status IN ('ready', 'expired')) = (ready_at IS NOT NULL)"),
            Check("(ready_at IS NULL) = (expires_at IS NULL)"),
        ]
        indexes = ((("status", "expires_at"), False),)


DataExport.add_index(
    DataExport.index(DataExport.account, unique=True, name="data_export_one_requested").where(
        SQL("status = 'requested'")
    )
)


class DataExportPart(Table):
    """A piece of a download, in the order of ``number``: no piece fills anybody's memory."""

    id = BigAutoField()
    export = ForeignKeyField(DataExport, backref="parts", on_delete="CASCADE")
    number = IntegerField()
    content = BlobField()

    class Meta:
        constraints = [Check("number >= 0")]
        indexes = ((("export", "number"), True),)


# --- What is sold ----------------------------------------------------------------------------


class Offer(Table):
    """A kind of licence; ``places_limit`` is the most a group may hold (guide: Business, 300)."""

    code = CharField(max_length=16, primary_key=True)
    name = CharField(max_length=64)
    places_limit = IntegerField(null=True)

    class Meta:
        constraints = [Check("places_limit IS NULL OR places_limit > 0")]


class Price(Table):
    """What a licence costs a month, excluding VAT, from a moment on."""

    offer_id: str  # what peewee adds beside the field

    id = AutoField()
    offer = ForeignKeyField(Offer, backref="prices")
    amount_cents = IntegerField()
    currency = CharField(max_length=3, default="EUR")
    valid_from = MomentField()

    class Meta:
        constraints = [Check("amount_cents >= 0"), Check("currency = 'EUR'")]
        indexes = ((("offer", "valid_from"), True),)


class Contract(Table):
    """One version of one contract in one language; never changed, never deleted."""

    id = AutoField()
    kind = CharField(max_length=32)
    version = IntegerField()
    language = CharField(max_length=2)
    title = CharField(max_length=255)
    body = TextField()
    digest = CharField(max_length=64)
    published_at = MomentField()

    class Meta:
        constraints = [Check("version > 0"), Check("language IN ('fr', 'en')")]
        indexes = ((("kind", "language", "version"), True),)


# --- Orders ----------------------------------------------------------------------------------


class OrderStatus(StrEnum):
    """Where an order stands."""

    AWAITING_PAYMENT = "awaiting_payment"
    PAID = "paid"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUNDED = "refunded"


ORDER_MOVES: dict[str, set[str]] = {
    OrderStatus.AWAITING_PAYMENT: {
        OrderStatus.PAID,
        OrderStatus.CANCELLED,
        OrderStatus.EXPIRED,
    },
    OrderStatus.PAID: {OrderStatus.DELIVERING},
    OrderStatus.DELIVERING: {OrderStatus.DELIVERED, OrderStatus.DELIVERY_FAILED},
    OrderStatus.DELIVERY_FAILED: {OrderStatus.DELIVERING, OrderStatus.REFUNDED},
    OrderStatus.DELIVERED: set(),
    OrderStatus.CANCELLED: set(),
    OrderStatus.EXPIRED: set(),
    OrderStatus.REFUNDED: set(),
}


class Order(Table):
    """What a customer ordered, with the prices, names and VAT it was placed with.

    ``basket`` names the basket it came from; ``basket_key`` (basket and quantities) is unique
    while the order lives, which makes "Confirm and Pay" pressed twice one order.
    ``customer`` is the buyer as printed on the purchase order. Amounts are integer cents,
    ``vat_rate`` is in basis points (2000 is 20 %).
    """

    account_id: int  # what peewee adds beside the field

    id = AutoField()
    number = CharField(max_length=16, unique=True)
    account = ForeignKeyField(Account, backref="orders")
    status = CharField(max_length=20, default=OrderStatus.AWAITING_PAYMENT)
    basket = CharField(max_length=64)
    basket_key = CharField(max_length=128, null=True)
    language = CharField(max_length=2)
    customer = JSONField()
    currency = CharField(max_length=3, default="EUR")
    net_cents = BigIntegerField()
    vat_cents = BigIntegerField()
    total_cents = BigIntegerField()
    vat_rate = IntegerField()
    vat_code = CharField(max_length=32)
    placed_at = MomentField()
    expires_at = MomentField()
    paid_at = MomentField(null=True)
    delivered_at = MomentField(null=True)
    closed_at = MomentField(null=True)

    class Meta:
        # "order" is a word of SQL itself.
        table_name = "purchase_order"
        constraints = [
            one_of("status", OrderStatus),
            Check("net_cents >= 0 AND vat_cents >= 0"),
            Check("net_cents + vat_cents = total_cents"),
            Check("language IN ('fr', 'en')"),
            Check("currency = 'EUR'"),
        ]
        indexes = (
            (("account", "basket_key"), True),
            (("account", "id"), False),
            (("status", "expires_at"), False),
        )

    @property
    def is_payable(self) -> bool:
        """Whether the customer may still pay it (a payment under way is asked for separately)."""
        return self.status == OrderStatus.AWAITING_PAYMENT

    @property
    def is_settled(self) -> bool:
        """Whether nothing will change any more without somebody asking for it."""
        return not ORDER_MOVES[self.status] or self.status == OrderStatus.DELIVERY_FAILED


class OrderLine(Table):
    """One position of an order; ``net_cents`` excludes VAT.

    Licences that join a running period cost ``days`` of its ``period_days`` days, rounded half up;
    both are empty where whole months are charged.
    """

    id = AutoField()
    order = ForeignKeyField(Order, backref="lines")
    position = IntegerField()
    offer = ForeignKeyField(Offer)
    offer_name = CharField(max_length=64)
    quantity = IntegerField()
    unit_price_cents = IntegerField()
    net_cents = BigIntegerField()
    days = IntegerField(null=True)
    period_days = IntegerField(null=True)

    class Meta:
        constraints = [
            Check("quantity > 0"),
            Check("unit_price_cents >= 0"),
            Check("(days IS NULL) = (period_days IS NULL)"),
            Check("days IS NULL OR (days BETWEEN 1 AND period_days)"),
            Check(
                "net_cents = CASE WHEN days IS NULL "
                "THEN quantity * CAST(unit_price_cents AS BIGINT) "
                "ELSE (2 * quantity * CAST(unit_price_cents AS BIGINT) * days + period_days) "
                "/ (2 * period_days) END"
            ),
        ]
        indexes = ((("order", "position"), True),)


class Acceptance(Table):
    """A contract the customer accepted with an order: which text, when, and from where."""

    id = AutoField()
    order = ForeignKeyField(Order, backref="acceptances")
    contract = ForeignKeyField(Contract)
    digest = CharField(max_length=64)
    accepted_at = MomentField()
    address = CharField(max_length=45)

    class Meta:
        indexes = ((("order", "contract"), True),)


class Event(Table):
    """Something happened: what, to what, from which state to which, by whom, when."""

    id = BigAutoField()
    subject = CharField(max_length=16)
    subject_id = IntegerField()
    name = CharField(max_length=48)
    from_status = CharField(max_length=20, default="")
    to_status = CharField(max_length=20, default="")
    by = CharField(max_length=32)
    note = CharField(max_length=255, default="")
    at = MomentField()

    class Meta:
        indexes = ((("subject", "subject_id", "id"), False),)


# --- Licence groups --------------------------------------------------------------------------


class GroupStatus(StrEnum):
    """Where a licence group stands."""

    INSTALLING = "installing"
    INSTALLED = "installed"
    INSTALL_FAILED = "install_failed"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"
    CANCELLED = "cancelled"


GROUP_MOVES: dict[str, set[str]] = {
    GroupStatus.INSTALLING: {GroupStatus.INSTALLED, GroupStatus.INSTALL_FAILED},
    GroupStatus.INSTALL_FAILED: {GroupStatus.INSTALLING, GroupStatus.CANCELLED},
    GroupStatus.INSTALLED: {GroupStatus.SUSPENDED, GroupStatus.TERMINATED},
    GroupStatus.SUSPENDED: {GroupStatus.INSTALLED, GroupStatus.TERMINATED},
    GroupStatus.TERMINATED: set(),
    GroupStatus.CANCELLED: set(),
}


class LicenceGroup(Table):
    """A group of licences of one offer (the guide also says "service").

    ``places_taken`` counts seats and the places pending orders hold; the CHECK against
    ``places_limit`` is the last word on the Business limit (guide: 300). ``seats_…`` count the
    seats in each status, kept in the transaction that changes one, so that a page of a group of
    100,000 costs what a page of 100 costs. ``last_number`` is the last seat number given out.
    """

    account_id: int  # what peewee adds beside the field
    line_id: int
    offer_id: str

    id = AutoField()
    account = ForeignKeyField(Account, backref="groups")
    line = ForeignKeyField(OrderLine, unique=True)
    offer = ForeignKeyField(Offer)
    name = CharField(max_length=64, unique=True)
    domain = CharField(max_length=128, unique=True)
    display_name = CharField(max_length=255)
    status = CharField(max_length=16, default=GroupStatus.INSTALLING)
    places_taken = IntegerField()
    places_limit = IntegerField(null=True)
    tries = IntegerField(default=1)
    error = CharField(max_length=255, default="")
    created_at = MomentField()
    installed_at = MomentField(null=True)
    last_number = IntegerField(default=0)
    seats_unconfigured = IntegerField(default=0)
    seats_activating = IntegerField(default=0)
    seats_active = IntegerField(default=0)
    seats_updating = IntegerField(default=0)
    seats_releasing = IntegerField(default=0)
    seats_error = IntegerField(default=0)

    class Meta:
        constraints = [
            one_of("status", GroupStatus),
            Check("places_taken >= 0"),
            Check("places_limit IS NULL OR places_taken <= places_limit"),
            Check("seats_unconfigured >= 0 AND seats_activating >= 0 AND seats_active >= 0"),
            Check("seats_updating >= 0 AND seats_releasing >= 0 AND seats_error >= 0"),
            Check(
                "status IN ('terminated', 'cancelled') OR seats_unconfigured + seats_activating "
                "+ seats_active + seats_updating + seats_releasing + seats_error <= places_taken"
            ),
        ]
        indexes = ((("account", "display_name"), False),)

    @property
    def seats_by_status(self) -> dict[str, int]:
        """How many seats stand in each status."""
        return {status: getattr(self, f"seats_{status}") for status in SeatStatus}

    @property
    def seats_total(self) -> int:
        """How many seats there are (places that unpaid orders hold are none yet)."""
        return sum(self.seats_by_status.values())

    @property
    def places_free(self) -> int | None:
        """How many more licences may be ordered; None where there is no limit."""
        return None if self.places_limit is None else self.places_limit - self.places_taken

    @property
    def is_settled(self) -> bool:
        """Whether its installation is behind it, one way or the other."""
        return self.status != GroupStatus.INSTALLING

    @property
    def is_open(self) -> bool:
        """Whether its licences may be changed and more of them ordered."""
        return self.status == GroupStatus.INSTALLED


class AdditionStatus(StrEnum):
    """Where licences added to an existing group stand."""

    HELD = "held"
    INSTALLING = "installing"
    INSTALLED = "installed"
    FAILED = "failed"
    FREED = "freed"


ADDITION_MOVES: dict[str, set[str]] = {
    AdditionStatus.HELD: {AdditionStatus.INSTALLING, AdditionStatus.FREED},
    AdditionStatus.INSTALLING: {AdditionStatus.INSTALLED, AdditionStatus.FAILED},
    AdditionStatus.FAILED: {AdditionStatus.INSTALLING, AdditionStatus.FREED},
    AdditionStatus.INSTALLED: set(),
    AdditionStatus.FREED: set(),
}


class Addition(Table):
    """Licences of an order line that join an existing group; one line joins one group, once.

    Its places count in the group from the moment of ordering until it is freed. They are charged
    up to ``renewal_on``. ``target`` is the number of seats the provider was asked for, and
    ``first_number`` the first of the seats made.
    """

    line_id: int  # what peewee adds beside the field
    group_id: int

    id = AutoField()
    line = ForeignKeyField(OrderLine, unique=True, backref="+")
    group = ForeignKeyField(LicenceGroup, backref="additions")
    status = CharField(max_length=16, default=AdditionStatus.HELD)
    renewal_on = DateField()
    target = IntegerField(null=True)
    first_number = IntegerField(null=True)
    tries = IntegerField(default=1)
    error = CharField(max_length=255, default="")
    created_at = MomentField()
    installed_at = MomentField(null=True)

    class Meta:
        constraints = [one_of("status", AdditionStatus), Check("tries > 0")]
        indexes = ((("group", "status"), False),)


class SeatStatus(StrEnum):
    """Where a seat stands."""

    UNCONFIGURED = "unconfigured"
    ACTIVATING = "activating"
    ACTIVE = "active"
    UPDATING = "updating"
    RELEASING = "releasing"
    ERROR = "error"


SEAT_MOVES: dict[str, set[str]] = {
    SeatStatus.UNCONFIGURED: {SeatStatus.ACTIVATING},
    SeatStatus.ACTIVATING: {SeatStatus.ACTIVE, SeatStatus.ERROR},
    SeatStatus.ACTIVE: {SeatStatus.UPDATING, SeatStatus.RELEASING},
    SeatStatus.UPDATING: {SeatStatus.ACTIVE, SeatStatus.ERROR},
    SeatStatus.RELEASING: {SeatStatus.UNCONFIGURED, SeatStatus.ERROR},
    SeatStatus.ERROR: {SeatStatus.ACTIVATING, SeatStatus.UPDATING, SeatStatus.RELEASING},
}

UNCONFIGURED_NAME = "configureme"
"""The name a seat goes by until it is somebody's (guide)."""

MOVING = (SeatStatus.ACTIVATING, SeatStatus.UPDATING, SeatStatus.RELEASING)

NAMELESS = b"\xff"
"""What sorts unconfigured seats behind everybody who has a name: no UTF-8 text begins so."""

ACTS: dict[str, tuple[str, ...]] = {
    SeatStatus.UNCONFIGURED: ("configure",),
    SeatStatus.ACTIVE: ("edit", "password", "release"),
}
"""What customers may do with a seat, by its status; nothing while the provider is at work."""

ACTS_AFTER_ERROR: dict[str, tuple[str, ...]] = {
    "activate": ("retry", "edit", "release"),
    "edit": ("retry", "edit", "release"),
    "password": ("retry", "password", "release"),
    "release": ("retry",),
}
"""The same after an error, by what went wrong."""


class SeatAct(StrEnum):
    """What is being done to a seat, or was when it went wrong."""

    NONE = ""
    ACTIVATE = "activate"
    EDIT = "edit"
    PASSWORD = "password"
    RELEASE = "release"


class Seat(Table):
    """One paid licence of a group; ``number`` counts from 1 within the group.

    ``version`` counts what customers asked of it: a form of an older version is refused.
    ``reference`` names the account at the provider while the licence is consumed, and
    ``creation_key`` the last call that may have made one. ``secret`` is a sealed password on its
    way to the provider and into a letter. ``by_…`` are what the list of seats is sorted by.
    """

    group_id: int  # what peewee adds beside the field

    id = AutoField()
    group = ForeignKeyField(LicenceGroup, backref="seats", index=False)
    line = ForeignKeyField(OrderLine, null=True)
    number = IntegerField()
    status = CharField(max_length=16, default=SeatStatus.UNCONFIGURED)
    first_name = CharField(max_length=255, default="")
    last_name = CharField(max_length=255, default="")
    login = CharField(max_length=20, null=True)
    login_key = CharField(max_length=20, null=True)
    version = IntegerField(default=1)
    act = CharField(max_length=16, default=SeatAct.NONE)
    reference = CharField(max_length=128, default="")
    creation_key = CharField(max_length=64, default="")
    secret = TextField(default="")
    error = CharField(max_length=255, default="")
    error_code = CharField(max_length=32, default="")
    by_first = BlobField(default=NAMELESS)
    by_last = BlobField(default=NAMELESS)
    by_login = BlobField(default=NAMELESS)

    class Meta:
        constraints = [
            one_of("status", SeatStatus),
            one_of("act", SeatAct),
            Check("number > 0"),
            Check("(status = 'unconfigured') = (login_key IS NULL)"),
            Check("(login IS NULL) = (login_key IS NULL)"),
            Check("(act = '') = (status IN ('unconfigured', 'active'))"),
            Check("status <> 'active' OR (reference <> '' AND secret = '')"),
            Check("status <> 'unconfigured' OR (reference = '' AND secret = '')"),
        ]
        indexes = (
            (("group", "number"), True),
            (("group", "login_key"), True),
            (("group", "by_first", "number"), False),
            (("group", "by_last", "number"), False),
            (("group", "by_login", "number"), False),
            (("group", "status", "number"), False),
            (("group", "status", "by_first", "number"), False),
            (("group", "status", "by_last", "number"), False),
            (("group", "status", "by_login", "number"), False),
        )

    @property
    def is_moving(self) -> bool:
        """Whether the provider is at work on it."""
        return self.status in MOVING

    @property
    def is_configured(self) -> bool:
        """Whether it is, or is becoming, somebody's."""
        return self.status != SeatStatus.UNCONFIGURED

    @property
    def full_name(self) -> str:
        """First and last name of its holder."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def shown_login(self) -> str:
        """The login, or what stands for it until there is one (guide)."""
        return str(self.login or UNCONFIGURED_NAME)

    def may(self, act: str) -> bool:
        """Whether ``act`` may be begun as it stands."""
        if self.status == SeatStatus.ERROR:
            return act in ACTS_AFTER_ERROR[self.act]
        return act in ACTS.get(self.status, ())


class SeatKey(Table):
    """What a seat is found by: the beginnings of its names and address, as `shop.seats` folds them.

    Keys are bytes, because bytes are compared alike on every database; a search is one range of
    them. ``status`` repeats the seat's, so that a filtered search reads nothing it does not show.
    """

    group = ForeignKeyField(LicenceGroup, backref="+", index=False)
    seat = ForeignKeyField(Seat, backref="+", on_delete="CASCADE")
    status = CharField(max_length=16)
    key = BlobField()

    class Meta:
        primary_key = CompositeKey("group", "key", "seat")
        indexes = ((("group", "status", "key", "seat"), False),)


class SeatEvent(Table):
    """A licence began to be consumed (+1) or ended (-1): never changed, never deleted.

    Written in the transaction of the change it tells; usage is counted from here.
    """

    id = BigAutoField()
    group = ForeignKeyField(LicenceGroup, backref="+", index=False)
    seat = ForeignKeyField(Seat, backref="+", null=True, on_delete="SET NULL")
    at = MomentField()
    change = IntegerField()

    class Meta:
        constraints = [Check("change IN (-1, 1)")]
        indexes = ((("group", "at", "id"), False),)


class UsageDay(Table):
    """What a day of the shop (Europe/Paris) saw of a group's licences: the most at one time, and
    how many at its end. A day without a row is like the end of the one before.

    Kept up to date in the transaction of each `SeatEvent`, from which it can be counted anew.
    """

    id = BigAutoField()
    group = ForeignKeyField(LicenceGroup, backref="+", index=False)
    day = DateField()
    peak = IntegerField()
    closing = IntegerField()

    class Meta:
        constraints = [Check("closing >= 0"), Check("peak >= closing")]
        indexes = ((("group", "day"), True),)


class ImportStatus(StrEnum):
    """Where a file of people stands."""

    PREVIEW = "preview"
    RUNNING = "running"
    DONE = "done"
    ABANDONED = "abandoned"


IMPORT_MOVES: dict[str, set[str]] = {
    ImportStatus.PREVIEW: {ImportStatus.RUNNING, ImportStatus.ABANDONED},
    ImportStatus.RUNNING: {ImportStatus.DONE},
    ImportStatus.DONE: set(),
    ImportStatus.ABANDONED: set(),
}


class SeatImport(Table):
    """A CSV file of people to configure seats for: looked at first, then run in the background."""

    id = AutoField()
    group = ForeignKeyField(LicenceGroup, backref="+")
    filename = CharField(max_length=255)
    status = CharField(max_length=16, default=ImportStatus.PREVIEW)
    lines_total = IntegerField()
    lines_good = IntegerField()
    lines_done = IntegerField(default=0)
    lines_refused = IntegerField(default=0)
    created_at = MomentField()
    finished_at = MomentField(null=True)

    class Meta:
        constraints = [
            one_of("status", ImportStatus),
            Check("lines_good BETWEEN 0 AND lines_total"),
            Check("lines_done BETWEEN 0 AND lines_good"),
            Check("lines_refused BETWEEN 0 AND lines_done"),
        ]


class SeatImportLine(Table):
    """One line of such a file; ``problem`` is a sentence of the catalogue, ``details`` fill it.

    ``seat`` is the one configured by it, at ``version``.
    """

    seat_import_id: int  # what peewee adds beside the field
    seat_id: int | None

    seat_import = ForeignKeyField(SeatImport, backref="lines", on_delete="CASCADE", index=False)
    number = IntegerField()
    first_name = CharField(max_length=255)
    last_name = CharField(max_length=255)
    login = CharField(max_length=255)
    problem = CharField(max_length=255, default="")
    details = JSONField(default=dict)
    is_done = BooleanField(default=False)
    seat = ForeignKeyField(Seat, backref="+", null=True, on_delete="SET NULL")
    version = IntegerField(null=True)

    class Meta:
        primary_key = CompositeKey("seat_import", "number")


# --- Letters ---------------------------------------------------------------------------------


class LetterStatus(StrEnum):
    """Where a letter stands: ``stored`` is the end where no SMTP server is configured."""

    QUEUED = "queued"
    STORED = "stored"
    SENT = "sent"
    FAILED = "failed"


LETTER_MOVES: dict[str, set[str]] = {
    LetterStatus.QUEUED: {LetterStatus.STORED, LetterStatus.SENT, LetterStatus.FAILED},
    LetterStatus.STORED: {LetterStatus.QUEUED},
    LetterStatus.FAILED: {LetterStatus.QUEUED},
    LetterStatus.SENT: {LetterStatus.QUEUED},
}


class Letter(Table):
    """An e-mail the customer received, as sent. ``key`` lets each cause write one letter.

    ``text`` and ``html`` are encrypted where ``is_secret``; read them through `shop.mail`.
    """

    id = AutoField()
    account = ForeignKeyField(Account, backref="letters")
    kind = CharField(max_length=32)
    key = CharField(max_length=128, unique=True)
    language = CharField(max_length=2)
    recipient = CharField(max_length=254)
    subject = CharField(max_length=255)
    text = TextField()
    html = TextField()
    is_secret = BooleanField(default=False)
    status = CharField(max_length=16, default=LetterStatus.QUEUED)
    error = CharField(max_length=255, default="")
    created_at = MomentField()
    sent_at = MomentField(null=True)

    class Meta:
        constraints = [one_of("status", LetterStatus), Check("language IN ('fr', 'en')")]
        indexes = ((("account", "id"), False),)


class Attachment(Table):
    """A document that goes with a letter; its content is made by the worker, once."""

    id = AutoField()
    letter = ForeignKeyField(Letter, backref="attachments", on_delete="CASCADE")
    document = CharField(max_length=32)
    subject_id = IntegerField()
    filename = CharField(max_length=128)
    content = BlobField(null=True)

    class Meta:
        indexes = ((("letter", "filename"), True),)


# --- Invoices --------------------------------------------------------------------------------


class InvoiceKind(StrEnum):
    """What a document claims: an amount, or less of one."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class InvoiceStatus(StrEnum):
    """Where an invoice stands: ``unpaid`` is due and could not be charged in time.

    Of a credit note, ``due`` says that the money is on its way back.
    """

    DUE = "due"
    UNPAID = "unpaid"
    PAID = "paid"
    REFUNDED = "refunded"


INVOICE_MOVES: dict[str, set[str]] = {
    InvoiceStatus.DUE: {InvoiceStatus.PAID, InvoiceStatus.UNPAID, InvoiceStatus.REFUNDED},
    InvoiceStatus.UNPAID: {InvoiceStatus.PAID, InvoiceStatus.REFUNDED},
    InvoiceStatus.PAID: {InvoiceStatus.REFUNDED},
    InvoiceStatus.REFUNDED: set(),
}

PAYABLE = (InvoiceStatus.DUE, InvoiceStatus.UNPAID)


class InvoiceSeries(Table):
    """The last number given out in a series (``FA2026``): no number is left out."""

    name = CharField(max_length=16, primary_key=True)
    last = IntegerField(default=0)

    class Meta:
        constraints = [Check("last >= 0")]


class Invoice(Table):
    """An invoice, or a credit note for one: what it says never changes (a trigger guards it).

    ``order`` is the order it is for; ``group`` and ``period_start`` say which month a renewal
    pays. ``corrects`` is the invoice a credit note takes back. ``customer`` and ``seller`` are
    the parties as printed. Amounts are integer cents, positive on credit notes too; ``vat_rate``
    is in basis points. What follows events: ``status``, ``paid_at``, the ``method`` it was paid by
    (that of `Payment`), and ``credited_cents``, what credit notes took back of it.
    """

    account_id: int  # what peewee adds beside the field
    order_id: int | None
    group_id: int | None
    corrects_id: int | None

    id = AutoField()
    number = CharField(max_length=20, unique=True)
    kind = CharField(max_length=16, default=InvoiceKind.INVOICE)
    account = ForeignKeyField(Account, backref="invoices", index=False)
    order = ForeignKeyField(Order, backref="invoices", null=True)
    group = ForeignKeyField(LicenceGroup, backref="invoices", null=True, index=False)
    period_start = DateField(null=True)
    corrects = ForeignKeyField("self", backref="credit_notes", null=True)
    reason = CharField(max_length=255, default="")
    status = CharField(max_length=16, default=InvoiceStatus.DUE)
    language = CharField(max_length=2)
    customer = JSONField()
    seller = JSONField()
    currency = CharField(max_length=3, default="EUR")
    net_cents = BigIntegerField()
    vat_cents = BigIntegerField()
    total_cents = BigIntegerField()
    vat_rate = IntegerField()
    vat_code = CharField(max_length=32)
    issued_at = MomentField()
    issued_on = DateField()
    due_on = DateField()
    credited_cents = BigIntegerField(default=0)
    paid_at = MomentField(null=True)
    method = CharField(max_length=16, default="")

    class Meta:
        constraints = [
            one_of("kind", InvoiceKind),
            one_of("status", InvoiceStatus),
            Check("net_cents >= 0 AND vat_cents >= 0"),
            Check("net_cents + vat_cents = total_cents"),
            Check("language IN ('fr', 'en')"),
            Check("currency = 'EUR'"),
            Check("due_on >= issued_on"),
            Check("credited_cents BETWEEN 0 AND total_cents"),
            Check("(corrects_id IS NOT NULL) = (kind = 'credit_note')"),
            Check("period_start IS NULL OR group_id IS NOT NULL"),
            Check("status <> 'paid' OR paid_at IS NOT NULL"),
        ]
        indexes = (
            (("account", "issued_on", "id"), False),
            (("group", "id"), False),
        )

    @property
    def is_credit_note(self) -> bool:
        """Whether it takes back an invoice."""
        return self.kind == InvoiceKind.CREDIT_NOTE

    @property
    def is_payable(self) -> bool:
        """Whether money is still owed for it."""
        return self.status in PAYABLE and not self.is_credit_note

    @property
    def balance_cents(self) -> int:
        """What is still owed for it: nothing, or all that was not credited."""
        return self.total_cents - self.credited_cents if self.is_payable else 0


Invoice.add_index(
    Invoice.index(Invoice.order, unique=True, name="invoice_one_of_order").where(
        SQL("kind = 'invoice'")
    )
)
Invoice.add_index(
    Invoice.index(
        Invoice.group, Invoice.period_start, unique=True, name="invoice_one_of_period"
    ).where(SQL("kind = 'invoice' AND period_start IS NOT NULL"))
)


class InvoiceLine(Table):
    """One position of an invoice and the days it is charged for; ``net_cents`` excludes VAT.

    ``period_end`` is the day after the last one. ``days`` of ``period_days`` as on order lines.
    """

    id = AutoField()
    invoice = ForeignKeyField(Invoice, backref="lines", index=False)
    position = IntegerField()
    offer_code = CharField(max_length=16)
    offer_name = CharField(max_length=64)
    service = CharField(max_length=255, default="")
    quantity = IntegerField()
    unit_price_cents = IntegerField()
    net_cents = BigIntegerField()
    days = IntegerField(null=True)
    period_days = IntegerField(null=True)
    period_start = DateField()
    period_end = DateField()

    class Meta:
        constraints = [
            Check("quantity > 0"),
            Check("unit_price_cents >= 0"),
            Check("period_start < period_end"),
            Check("(days IS NULL) = (period_days IS NULL)"),
            Check("days IS NULL OR (days BETWEEN 1 AND period_days)"),
            Check(
                "net_cents = CASE WHEN days IS NULL "
                "THEN quantity * CAST(unit_price_cents AS BIGINT) "
                "ELSE (2 * quantity * CAST(unit_price_cents AS BIGINT) * days + period_days) "
                "/ (2 * period_days) END"
            ),
        ]
        indexes = ((("invoice", "position"), True),)


class InvoiceFile(Table):
    """The PDF of an invoice (Factur-X), made once and kept for ever; ``digest`` is its SHA-256."""

    invoice = ForeignKeyField(Invoice, backref="file", primary_key=True)
    content = BlobField()
    digest = CharField(max_length=64)
    made_at = MomentField()


# --- Payments --------------------------------------------------------------------------------


class PaymentStatus(StrEnum):
    """Where a payment stands."""

    OPEN = "open"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CLOSED = "closed"
    REFUND_DUE = "refund_due"
    REFUNDED = "refunded"


PAYMENT_MOVES: dict[str, set[str]] = {
    PaymentStatus.OPEN: {
        PaymentStatus.PROCESSING,
        PaymentStatus.SUCCEEDED,
        PaymentStatus.DECLINED,
        PaymentStatus.CLOSED,
        PaymentStatus.REFUND_DUE,
    },
    PaymentStatus.PROCESSING: {
        PaymentStatus.SUCCEEDED,
        PaymentStatus.DECLINED,
        PaymentStatus.CLOSED,
        PaymentStatus.REFUND_DUE,
    },
    PaymentStatus.SUCCEEDED: {PaymentStatus.REFUND_DUE},
    PaymentStatus.REFUND_DUE: {PaymentStatus.REFUNDED},
    # A bank may still take the money of a checkout that looked over: then it counts, or goes back.
    PaymentStatus.DECLINED: {PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_DUE},
    PaymentStatus.CLOSED: {PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_DUE},
    PaymentStatus.REFUNDED: set(),
}

UNSETTLED = (PaymentStatus.OPEN, PaymentStatus.PROCESSING)


class Card(Table):
    """A card the customer let us keep for renewals: the bank's mandate, and what may be shown."""

    account_id: int  # what peewee adds beside the field

    id = AutoField()
    account = ForeignKeyField(Account, backref="cards")
    mandate = CharField(max_length=128, unique=True)
    brand = CharField(max_length=32)
    last4 = CharField(max_length=4)
    expiry_month = IntegerField()
    expiry_year = IntegerField()
    consented_at = MomentField()
    removed_at = MomentField(null=True)

    class Meta:
        constraints = [Check("expiry_month BETWEEN 1 AND 12")]


class Payment(Table):
    """One attempt to pay an order, or an invoice that no order paid for (a renewal's).

    At most one is unsettled and one has succeeded at a time, of each.

    ``amount_cents`` was asked for and ``taken_cents`` is what the bank says it took; they differ
    only when something is wrong, and then all that was taken goes back.
    ``key`` is the idempotency key of every call to the gateway for it; ``method`` is ``card``
    or ``manual`` (marked paid by the operator). ``card`` is the stored card it is charged to
    while the customer is away; empty where the customer pays at the bank's page.
    """

    order_id: int | None  # what peewee adds beside the field
    invoice_id: int | None
    card_id: int | None

    id = AutoField()
    order = ForeignKeyField(Order, backref="payments", null=True)
    invoice = ForeignKeyField(Invoice, backref="payments", null=True)
    card = ForeignKeyField(Card, backref="payments", null=True)
    status = CharField(max_length=16, default=PaymentStatus.OPEN)
    method = CharField(max_length=16, default="card")
    key = CharField(max_length=64, unique=True)
    amount_cents = BigIntegerField()
    taken_cents = BigIntegerField(null=True)
    currency = CharField(max_length=3, default="EUR")
    store_card = BooleanField(default=False)
    checkout = CharField(max_length=128, null=True, unique=True)
    checkout_url = CharField(max_length=1024, default="")
    reason = CharField(max_length=64, default="")
    refund = CharField(max_length=128, default="")
    created_at = MomentField()
    settled_at = MomentField(null=True)

    class Meta:
        constraints = [
            one_of("status", PaymentStatus),
            Check("method IN ('card', 'manual')"),
            Check("amount_cents >= 0"),
            Check("(order_id IS NULL) <> (invoice_id IS NULL)"),
        ]

    @property
    def refund_cents(self) -> int:
        """What goes back when it is refunded: all that was taken."""
        return self.amount_cents if self.taken_cents is None else self.taken_cents

    @property
    def is_unsettled(self) -> bool:
        """Whether its outcome is still open at the bank."""
        return self.status in UNSETTLED


Payment.add_index(
    Payment.index(Payment.order, unique=True, name="payment_one_unsettled").where(
        SQL("status IN ('open', 'processing')")
    )
)
Payment.add_index(
    Payment.index(Payment.order, unique=True, name="payment_one_succeeded").where(
        SQL("status = 'succeeded'")
    )
)
Payment.add_index(
    Payment.index(Payment.invoice, unique=True, name="payment_one_unsettled_of_invoice").where(
        SQL("status IN ('open', 'processing')")
    )
)
Payment.add_index(
    Payment.index(Payment.invoice, unique=True, name="payment_one_succeeded_of_invoice").where(
        SQL("status = 'succeeded'")
    )
)


# --- The ledger ------------------------------------------------------------------------------


class EntryKind(StrEnum):
    """What moved an account's balance."""

    CHARGED = "charged"
    CREDITED = "credited"
    PAID = "paid"
    REFUNDED = "refunded"


class LedgerEntry(Table):
    """What changed what a customer owes, in cents: charged and refunded add, the others take off.

    Each document and each movement of money stands here once. ``invoice`` is the document: what
    was charged or paid, or the credit note. It is empty where money came before its invoice, or
    for nothing and went back.
    """

    account_id: int  # what peewee adds beside the field
    invoice_id: int | None
    payment_id: int | None

    id = BigAutoField()
    account = ForeignKeyField(Account, backref="ledger")
    kind = CharField(max_length=16)
    invoice = ForeignKeyField(Invoice, backref="ledger", null=True)
    payment = ForeignKeyField(Payment, backref="ledger", null=True)
    cents = BigIntegerField()
    at = MomentField()

    class Meta:
        constraints = [
            one_of("kind", EntryKind),
            Check("CASE WHEN kind IN ('charged', 'refunded') THEN cents >= 0 ELSE cents <= 0 END"),
            Check("kind NOT IN ('charged', 'credited') OR invoice_id IS NOT NULL"),
            Check("kind NOT IN ('paid', 'refunded') OR payment_id IS NOT NULL"),
        ]


LedgerEntry.add_index(
    LedgerEntry.index(
        LedgerEntry.invoice, LedgerEntry.kind, unique=True, name="ledger_entry_one_of_document"
    ).where(SQL("kind <> 'paid' AND invoice_id IS NOT NULL"))
)
LedgerEntry.add_index(
    LedgerEntry.index(LedgerEntry.payment, unique=True, name="ledger_entry_one_payment").where(
        SQL("kind = 'paid'")
    )
)
LedgerEntry.add_index(
    LedgerEntry.index(LedgerEntry.payment, unique=True, name="ledger_entry_one_way_back").where(
        SQL("kind = 'refunded' AND invoice_id IS NULL")
    )
)


# --- Exchange --------------------------------------------------------------------------------


class ExchangeService(Table):
    """A customer's Exchange service: a set of mailboxes that some source tells us of.

    ``hidden_at`` says that the customer wants to see no more of Office Attach's banner.
    """

    is_used: bool  # whether Office Attach was, where that is asked for along with it

    id = AutoField()
    account = ForeignKeyField(Account, backref="exchange_services")
    name = CharField(max_length=64, unique=True)
    domain = CharField(max_length=253)
    created_at = MomentField()
    hidden_at = MomentField(null=True)

    class Meta:
        constraints = [Check("name <> ''"), Check("domain <> ''")]


class MailboxKind(StrEnum):
    """Whose a mailbox is: somebody's, or several people's."""

    PERSON = "person"
    SHARED = "shared"


class MailboxStatus(StrEnum):
    """Whether a mailbox is still there."""

    ACTIVE = "active"
    GONE = "gone"


class ExchangeAccount(Table):
    """A mailbox of an Exchange service, as its source last told; one that is gone is kept.

    ``folded`` is what it is found by and ``by_…`` what it is sorted by (`shop.seats.keys`).
    """

    id = AutoField()
    service = ForeignKeyField(ExchangeService, backref="accounts", index=False)
    address = CharField(max_length=254)
    first_name = CharField(max_length=255, default="")
    last_name = CharField(max_length=255, default="")
    kind = CharField(max_length=16)
    size_gb = IntegerField(null=True)
    status = CharField(max_length=16, default=MailboxStatus.ACTIVE)
    folded = TextField()
    by_address = BlobField()
    by_name = BlobField()

    class Meta:
        constraints = [
            one_of("kind", MailboxKind),
            one_of("status", MailboxStatus),
            Check("(kind = 'shared') = (first_name = '' AND last_name = '')"),
            Check("size_gb IS NULL OR size_gb > 0"),
        ]
        indexes = (
            (("service", "address"), True),
            (("service", "by_address"), False),
            (("service", "by_name"), False),
        )

    @property
    def full_name(self) -> str:
        """First and last name of whose it is; empty for a shared mailbox."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def is_active(self) -> bool:
        """Whether it is still there."""
        return self.status == MailboxStatus.ACTIVE


MOST_ATTACHED = 25
"""The most licences Office Attach activates in one go (guide)."""


class Attach(Table):
    """Office Attach used: once for each Exchange service, for at most 25 licences (guide).

    ``unit_price_cents`` is the price a month, excluding VAT, that was shown for the time after
    the free month, and ``renewal_accepted_at`` when the automatic renewal was accepted.
    """

    service_id: int  # what peewee adds beside the field
    order_id: int

    id = AutoField()
    service = ForeignKeyField(ExchangeService, unique=True, backref="attaches")
    order = ForeignKeyField(Order, unique=True, backref="+")
    licences = IntegerField()
    unit_price_cents = IntegerField()
    renewal_accepted_at = MomentField()

    class Meta:
        constraints = [
            Check("licences BETWEEN 1 AND 25"),
            Check("unit_price_cents >= 0"),
        ]


class AttachedAccount(Table):
    """A mailbox whose holder gets a licence: under which names and login, and seat ``number``.

    ``seat`` is there once the group is; ``tells_owner`` sends the credentials to the mailbox, too.
    """

    attach_id: int  # what peewee adds beside the field
    account_id: int
    seat_id: int | None

    id = AutoField()
    attach = ForeignKeyField(Attach, backref="accounts", index=False)
    account = ForeignKeyField(ExchangeAccount, unique=True, backref="+")
    number = IntegerField()
    first_name = CharField(max_length=255)
    last_name = CharField(max_length=255)
    login = CharField(max_length=20)
    login_key = CharField(max_length=20)
    tells_owner = BooleanField(default=False)
    seat = ForeignKeyField(Seat, null=True, unique=True, backref="+", on_delete="SET NULL")

    class Meta:
        constraints = [Check("number BETWEEN 1 AND 25")]
        indexes = (
            (("attach", "number"), True),
            (("attach", "login_key"), True),
        )


# --- Cards registered without a payment ------------------------------------------------------


class CardSetupStatus(StrEnum):
    """Where the registration of a card stands at the bank."""

    OPEN = "open"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CLOSED = "closed"


CARD_SETUP_MOVES: dict[str, set[str]] = {
    CardSetupStatus.OPEN: {
        CardSetupStatus.PROCESSING,
        CardSetupStatus.SUCCEEDED,
        CardSetupStatus.DECLINED,
        CardSetupStatus.CLOSED,
    },
    CardSetupStatus.PROCESSING: {
        CardSetupStatus.SUCCEEDED,
        CardSetupStatus.DECLINED,
        CardSetupStatus.CLOSED,
    },
    # As with payments, a bank may change its mind for the better.
    CardSetupStatus.DECLINED: {CardSetupStatus.SUCCEEDED},
    CardSetupStatus.CLOSED: {CardSetupStatus.SUCCEEDED},
    CardSetupStatus.SUCCEEDED: set(),
}


class CardSetup(Table):
    """A card being registered at the bank, which charges nothing for it.

    ``back_to`` is the page of ours the customer came from and goes back to, and ``typed`` what
    they had filled in there. ``key`` is the idempotency key of the call to the bank.
    """

    id = AutoField()
    account = ForeignKeyField(Account, backref="card_setups")
    status = CharField(max_length=16, default=CardSetupStatus.OPEN)
    key = CharField(max_length=64, unique=True)
    checkout = CharField(max_length=128, null=True, unique=True)
    checkout_url = CharField(max_length=1024, default="")
    back_to = CharField(max_length=1024)
    typed = JSONField(default=dict)
    reason = CharField(max_length=64, default="")
    created_at = MomentField()
    settled_at = MomentField(null=True)

    class Meta:
        constraints = [one_of("status", CardSetupStatus)]

    @property
    def is_unsettled(self) -> bool:
        """Whether its outcome is still open at the bank."""
        return self.status in {CardSetupStatus.OPEN, CardSetupStatus.PROCESSING}


# --- Subscriptions ---------------------------------------------------------------------------


class SubscriptionStatus(StrEnum):
    """Where the subscription of a group stands."""

    ACTIVE = "active"
    PAST_DUE = "past_due"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


SUBSCRIPTION_MOVES: dict[str, set[str]] = {
    SubscriptionStatus.ACTIVE: {SubscriptionStatus.PAST_DUE, SubscriptionStatus.TERMINATED},
    SubscriptionStatus.PAST_DUE: {
        SubscriptionStatus.ACTIVE,
        SubscriptionStatus.SUSPENDED,
        SubscriptionStatus.TERMINATED,
    },
    SubscriptionStatus.SUSPENDED: {SubscriptionStatus.ACTIVE, SubscriptionStatus.TERMINATED},
    SubscriptionStatus.TERMINATED: set(),
}


class Subscription(Table):
    """The month after month of a licence group: which period is running, and how it is paid.

    ``anchor`` is the day of the month it renews on (`shop.billing.periods`), ``period_…`` the
    period that was charged last, and ``renews_on`` when the next one is: empty while nothing is,
    because it is suspended or over. ``price`` is what a licence costs since the last renewal;
    ``free_until`` ends a first period that costs nothing. ``card`` is the one chosen for it; the
    account's newest stands in. ``suspensions`` counts them: each has its own calls to the provider.
    """

    group_id: int  # what peewee adds beside the field
    account_id: int
    price_id: int
    card_id: int | None

    id = AutoField()
    group = ForeignKeyField(LicenceGroup, unique=True, backref="subscriptions")
    account = ForeignKeyField(Account, backref="subscriptions")
    status = CharField(max_length=16, default=SubscriptionStatus.ACTIVE)
    anchor = IntegerField()
    started_at = MomentField()
    period_start = DateField()
    period_end = DateField()
    renews_on = DateField(null=True)
    free_until = DateField(null=True)
    price = ForeignKeyField(Price, backref="+")
    card = ForeignKeyField(Card, null=True, backref="+")
    suspensions = IntegerField(default=0)
    suspended_at = MomentField(null=True)
    ended_at = MomentField(null=True)

    class Meta:
        constraints = [
            one_of("status", SubscriptionStatus),
            Check("anchor BETWEEN 1 AND 31"),
            Check("period_end > period_start"),
            Check("(renews_on IS NULL) = (status IN ('suspended', 'terminated'))"),
            Check("renews_on IS NULL OR renews_on = period_end"),
            Check("(suspended_at IS NULL) OR (status IN ('suspended', 'terminated'))"),
            Check("(ended_at IS NULL) = (status <> 'terminated')"),
        ]
        indexes = ((("renews_on", "id"), False),)

    @property
    def is_over(self) -> bool:
        """Whether nothing will be charged for it any more."""
        return self.status == SubscriptionStatus.TERMINATED


class Renewal(Table):
    """A period of a group charged: once, whoever asks and how often (design: unique).

    ``days`` of ``period_days`` days are charged where a suspension ended within the period. A
    renewal paid ahead is there before its period: ``opened_at`` says when that began, and
    ``supplement`` charges for the licences that joined in between.
    """

    group_id: int  # what peewee adds beside the field
    price_id: int
    invoice_id: int | None

    id = AutoField()
    group = ForeignKeyField(LicenceGroup, backref="renewals", index=False)
    period_start = DateField()
    period_end = DateField()
    quantity = IntegerField()
    price = ForeignKeyField(Price, backref="+")
    days = IntegerField(null=True)
    period_days = IntegerField(null=True)
    invoice = ForeignKeyField(Invoice, null=True, unique=True, backref="renewals")
    supplement = ForeignKeyField(Invoice, null=True, unique=True, backref="+")
    made_at = MomentField()
    opened_at = MomentField(null=True)

    class Meta:
        constraints = [
            Check("period_end > period_start"),
            Check("quantity > 0"),
            Check("(days IS NULL) = (period_days IS NULL)"),
            Check("days IS NULL OR (days BETWEEN 1 AND period_days)"),
        ]
        indexes = ((("group", "period_start"), True),)


class Reminder(Table):
    """A stage of asking for an unpaid invoice, reached once (lesson: unique).

    Stage 0 is the first attempt to charge it, 1 to 3 those after 3, 7 and 14 days, 4 the notice
    that the service ends. ``payment`` is the attempt, if there was a card; ``failed_at`` says
    that it failed, and ``reason`` why: the bank's machine word, or ``no_card``.
    """

    payment_id: int | None  # what peewee adds beside the field

    id = AutoField()
    invoice = ForeignKeyField(Invoice, backref="reminders", index=False)
    stage = IntegerField()
    payment = ForeignKeyField(Payment, null=True, backref="+")
    reason = CharField(max_length=64, default="")
    at = MomentField()
    failed_at = MomentField(null=True)

    class Meta:
        constraints = [Check("stage BETWEEN 0 AND 4")]
        indexes = ((("invoice", "stage"), True),)


class TerminationStatus(StrEnum):
    """Where the end of a group, or of one of its licences, stands."""

    ASKED = "asked"  # waits for the one-time link
    SCHEDULED = "scheduled"
    UNDONE = "undone"
    ENDING = "ending"  # the provider is at work
    DONE = "done"


TERMINATION_MOVES: dict[str, set[str]] = {
    TerminationStatus.ASKED: {TerminationStatus.SCHEDULED, TerminationStatus.UNDONE},
    TerminationStatus.SCHEDULED: {TerminationStatus.UNDONE, TerminationStatus.DONE},
    TerminationStatus.UNDONE: set(),
    TerminationStatus.DONE: set(),
}

GIVE_BACK_MOVES: dict[str, set[str]] = {
    TerminationStatus.SCHEDULED: {
        TerminationStatus.UNDONE,
        TerminationStatus.ENDING,
        TerminationStatus.DONE,
    },
    TerminationStatus.ENDING: {TerminationStatus.DONE},
    TerminationStatus.UNDONE: set(),
    TerminationStatus.DONE: set(),
}


class Termination(Table):
    """A whole group that ends: why, when it was asked for, and on which day.

    ``ends_on`` is empty until it is scheduled; that day's renewal does not happen.
    """

    group_id: int  # what peewee adds beside the field
    link_id: int | None

    id = AutoField()
    group = ForeignKeyField(LicenceGroup, backref="terminations")
    status = CharField(max_length=16, default=TerminationStatus.SCHEDULED)
    cause = CharField(max_length=16)
    ends_on = DateField(null=True)
    link = ForeignKeyField(OneTimeLink, null=True, unique=True, backref="+", on_delete="SET NULL")
    asked_at = MomentField()
    closed_at = MomentField(null=True)

    class Meta:
        constraints = [
            Check("status IN ('asked', 'scheduled', 'undone', 'done')"),
            Check("cause IN ('customer', 'unpaid', 'withdrawal', 'operator')"),
            Check("status NOT IN ('scheduled', 'done') OR ends_on IS NOT NULL"),
            Check("(closed_at IS NULL) = (status IN ('asked', 'scheduled'))"),
        ]

    @property
    def day(self) -> date:
        """The day of one that is scheduled."""
        assert self.ends_on is not None, "the database asks for it"
        return self.ends_on


Termination.add_index(
    Termination.index(Termination.group, unique=True, name="termination_one_alive").where(
        SQL("status IN ('asked', 'scheduled')")
    )
)


class GiveBack(Table):
    """One licence given back: from ``ends_on`` it is neither charged nor there.

    ``number`` stays when the seat is gone.
    """

    seat_id: int | None  # what peewee adds beside the field

    id = AutoField()
    group = ForeignKeyField(LicenceGroup, backref="give_backs", index=False)
    seat = ForeignKeyField(Seat, null=True, backref="+", on_delete="SET NULL")
    number = IntegerField()
    status = CharField(max_length=16, default=TerminationStatus.SCHEDULED)
    ends_on = DateField()
    asked_at = MomentField()
    closed_at = MomentField(null=True)

    class Meta:
        constraints = [
            Check("status IN ('scheduled', 'undone', 'ending', 'done')"),
            Check("(closed_at IS NULL) = (status IN ('scheduled', 'ending'))"),
        ]
        indexes = ((("group", "status", "ends_on"), False),)


GiveBack.add_index(
    GiveBack.index(GiveBack.seat, unique=True, name="give_back_one_alive").where(
        SQL("status IN ('scheduled', 'ending')")
    )
)


class PriceAnnouncement(Table):
    """A subscription's customer was told of a price, and from which renewal on it applies."""

    id = AutoField()
    subscription = ForeignKeyField(Subscription, backref="announcements", index=False)
    price = ForeignKeyField(Price, backref="+")
    applies_on = DateField()
    announced_at = MomentField()

    class Meta:
        indexes = ((("subscription", "price"), True),)


# --- Work ------------------------------------------------------------------------------------


class JobStatus(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(Table):
    """Work that must follow, written with its cause. ``key`` lets each cause ask once.

    ``run_at`` is the shop's time; ``lease_until`` and ``dispatched_at`` are real time.
    """

    id = BigAutoField()
    kind = CharField(max_length=48)
    key = CharField(max_length=160, unique=True)
    payload = JSONField()
    status = CharField(max_length=16, default=JobStatus.QUEUED)
    attempts = IntegerField(default=0)
    run_at = MomentField()
    lease_until = MomentField(null=True)
    dispatched_at = MomentField(null=True)
    error = CharField(max_length=512, default="")
    created_at = MomentField()

    class Meta:
        constraints = [one_of("status", JobStatus), Check("attempts >= 0")]
        indexes = ((("status", "run_at"), False),)


class SandboxSwitch(Table):
    """What the sandbox's controls told this shop: the clock moved on, a pause at a point."""

    name = CharField(max_length=64, primary_key=True)
    value = CharField(max_length=64)


def all_tables() -> list[type[Table]]:
    """Every table, parents before their children."""
    return cast("list[type[Table]]", [
        Account, Session, OneTimeLink, RateCount, Authenticator, RecoveryCode, Passkey, Challenge,
        AccountEvent, DataExport, DataExportPart, Offer, Price, Contract, Order, OrderLine,
        Acceptance, Event, LicenceGroup, Addition, Seat, SeatKey, SeatEvent,
        UsageDay, SeatImport, SeatImportLine, Letter, Attachment,
        InvoiceSeries, Invoice, InvoiceLine, InvoiceFile, Card, Payment, LedgerEntry,
        ExchangeService, ExchangeAccount, Attach, AttachedAccount, CardSetup,
        Subscription, Renewal, Reminder, Termination, GiveBack, PriceAnnouncement,
        Job, SandboxSwitch,
    ])  # fmt: skip
