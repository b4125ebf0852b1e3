"""The tables of the first release: customers, offers, contracts, orders, payments, groups, letters, jobs."""

from peewee import (
    SQL, AutoField, BigAutoField, BigIntegerField, BlobField, BooleanField, CharField, Check,
    DateTimeField, ForeignKeyField, IntegerField, Model, TextField,
)  # fmt: skip


class Account(Model):
    id = AutoField()
    nic_handle = CharField(max_length=20, unique=True)
    email = CharField(max_length=254, index=True)
    password_hash = CharField(max_length=255)
    first_name = CharField(max_length=255)
    last_name = CharField(max_length=255)
    company = CharField(max_length=255)
    siren = CharField(max_length=9)
    vat_number = CharField(max_length=20)
    vat_status = CharField(max_length=16)
    street = CharField(max_length=255)
    postcode = CharField(max_length=16)
    city = CharField(max_length=255)
    country = CharField(max_length=2)
    language = CharField(max_length=2)
    created_at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "account"
        constraints = [
            Check("vat_status IN ('none', 'unconfirmed', 'confirmed', 'unknown')"),
            Check("language IN ('fr', 'en')"),
            Check("(vat_status = 'none') = (vat_number = '')"),
        ]


class Session(Model):
    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    account = ForeignKeyField(Account, on_delete="CASCADE", backref="+")
    created_at = DateTimeField()
    seen_at = DateTimeField()
    expires_at = DateTimeField()
    ended_at = DateTimeField(null=True)
    address = CharField(max_length=45)
    browser = CharField(max_length=255)

    class Meta:
        legacy_table_names = False
        table_name = "session"


class OneTimeLink(Model):
    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    account = ForeignKeyField(Account, on_delete="CASCADE", backref="+")
    purpose = CharField(max_length=32)
    created_at = DateTimeField()
    expires_at = DateTimeField()
    used_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "one_time_link"


class RateCount(Model):
    key = CharField(max_length=255, primary_key=True)
    count = IntegerField()
    expires_at = DateTimeField(index=True)

    class Meta:
        legacy_table_names = False
        table_name = "rate_count"


class Offer(Model):
    code = CharField(max_length=16, primary_key=True)
    name = CharField(max_length=64)
    places_limit = IntegerField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "offer"
        constraints = [
            Check("places_limit IS NULL OR places_limit > 0"),
        ]


class Price(Model):
    id = AutoField()
    offer = ForeignKeyField(Offer, backref="+")
    amount_cents = IntegerField()
    currency = CharField(max_length=3)
    valid_from = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "price"
        constraints = [
            Check("amount_cents >= 0"),
            Check("currency = 'EUR'"),
        ]
        indexes = ((("offer", "valid_from"), True),)


class Contract(Model):
    id = AutoField()
    kind = CharField(max_length=32)
    version = IntegerField()
    language = CharField(max_length=2)
    title = CharField(max_length=255)
    body = TextField()
    digest = CharField(max_length=64)
    published_at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "contract"
        constraints = [
            Check("version > 0"),
            Check("language IN ('fr', 'en')"),
        ]
        indexes = ((("kind", "language", "version"), True),)


class Order(Model):
    id = AutoField()
    number = CharField(max_length=16, unique=True)
    account = ForeignKeyField(Account, backref="+")
    status = CharField(max_length=20)
    basket = CharField(max_length=64)
    basket_key = CharField(max_length=128, null=True)
    language = CharField(max_length=2)
    customer = TextField()
    currency = CharField(max_length=3)
    net_cents = BigIntegerField()
    vat_cents = BigIntegerField()
    total_cents = BigIntegerField()
    vat_rate = IntegerField()
    vat_code = CharField(max_length=32)
    placed_at = DateTimeField()
    expires_at = DateTimeField()
    paid_at = DateTimeField(null=True)
    delivered_at = DateTimeField(null=True)
    closed_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "purchase_order"
        constraints = [
            Check(
                "status IN ('awaiting_payment', 'paid', 'delivering', 'delivered', 'delivery_failed', 'cancelled', 'expired', 'refunded')"
            ),
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


class OrderLine(Model):
    id = AutoField()
    order = ForeignKeyField(Order, backref="+")
    position = IntegerField()
    offer = ForeignKeyField(Offer, backref="+")
    offer_name = CharField(max_length=64)
    quantity = IntegerField()
    unit_price_cents = IntegerField()
    net_cents = BigIntegerField()

    class Meta:
        legacy_table_names = False
        table_name = "order_line"
        constraints = [
            Check("quantity > 0"),
            Check("unit_price_cents >= 0"),
            Check("net_cents = quantity * CAST(unit_price_cents AS BIGINT)"),
        ]
        indexes = ((("order", "position"), True),)


class Acceptance(Model):
    id = AutoField()
    order = ForeignKeyField(Order, backref="+")
    contract = ForeignKeyField(Contract, backref="+")
    digest = CharField(max_length=64)
    accepted_at = DateTimeField()
    address = CharField(max_length=45)

    class Meta:
        legacy_table_names = False
        table_name = "acceptance"
        indexes = ((("order", "contract"), True),)


class Event(Model):
    id = BigAutoField()
    subject = CharField(max_length=16)
    subject_id = IntegerField()
    name = CharField(max_length=48)
    from_status = CharField(max_length=20)
    to_status = CharField(max_length=20)
    by = CharField(max_length=32)
    note = CharField(max_length=255)
    at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "event"
        indexes = ((("subject", "subject_id", "id"), False),)


class Payment(Model):
    id = AutoField()
    order = ForeignKeyField(Order, backref="+")
    status = CharField(max_length=16)
    method = CharField(max_length=16)
    key = CharField(max_length=64, unique=True)
    amount_cents = BigIntegerField()
    taken_cents = BigIntegerField(null=True)
    currency = CharField(max_length=3)
    store_card = BooleanField()
    checkout = CharField(max_length=128, null=True, unique=True)
    checkout_url = CharField(max_length=1024)
    reason = CharField(max_length=64)
    refund = CharField(max_length=128)
    created_at = DateTimeField()
    settled_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "payment"
        constraints = [
            Check(
                "status IN ('open', 'processing', 'succeeded', 'declined', 'closed', 'refund_due', 'refunded')"
            ),
            Check("method IN ('card', 'manual')"),
            Check("amount_cents >= 0"),
        ]


class Card(Model):
    id = AutoField()
    account = ForeignKeyField(Account, backref="+")
    mandate = CharField(max_length=128, unique=True)
    brand = CharField(max_length=32)
    last4 = CharField(max_length=4)
    expiry_month = IntegerField()
    expiry_year = IntegerField()
    consented_at = DateTimeField()
    removed_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "card"
        constraints = [
            Check("expiry_month BETWEEN 1 AND 12"),
        ]


class LicenceGroup(Model):
    id = AutoField()
    account = ForeignKeyField(Account, backref="+")
    line = ForeignKeyField(OrderLine, backref="+", unique=True)
    offer = ForeignKeyField(Offer, backref="+")
    name = CharField(max_length=64, unique=True)
    domain = CharField(max_length=128, unique=True)
    display_name = CharField(max_length=255)
    status = CharField(max_length=16)
    places_taken = IntegerField()
    places_limit = IntegerField(null=True)
    tries = IntegerField()
    error = CharField(max_length=255)
    created_at = DateTimeField()
    installed_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "licence_group"
        constraints = [
            Check(
                "status IN ('installing', 'installed', 'install_failed', 'suspended', 'terminated', 'cancelled')"
            ),
            Check("places_taken >= 0"),
            Check("places_limit IS NULL OR places_taken <= places_limit"),
        ]
        indexes = ((("account", "display_name"), False),)


class Seat(Model):
    id = AutoField()
    group = ForeignKeyField(LicenceGroup, backref="+")
    line = ForeignKeyField(OrderLine, backref="+", null=True)
    number = IntegerField()
    status = CharField(max_length=16)
    first_name = CharField(max_length=255)
    last_name = CharField(max_length=255)
    login = CharField(max_length=20, null=True)
    login_key = CharField(max_length=20, null=True)
    version = IntegerField()

    class Meta:
        legacy_table_names = False
        table_name = "seat"
        constraints = [
            Check(
                "status IN ('unconfigured', 'activating', 'active', 'updating', 'releasing', 'error')"
            ),
            Check("number > 0"),
            Check("(status = 'unconfigured') = (login_key IS NULL)"),
            Check("(login IS NULL) = (login_key IS NULL)"),
        ]
        indexes = (
            (("group", "number"), True),
            (("group", "login_key"), True),
            (("group", "status"), False),
        )


class Letter(Model):
    id = AutoField()
    account = ForeignKeyField(Account, backref="+")
    kind = CharField(max_length=32)
    key = CharField(max_length=128, unique=True)
    language = CharField(max_length=2)
    recipient = CharField(max_length=254)
    subject = CharField(max_length=255)
    text = TextField()
    html = TextField()
    is_secret = BooleanField()
    status = CharField(max_length=16)
    error = CharField(max_length=255)
    created_at = DateTimeField()
    sent_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "letter"
        constraints = [
            Check("status IN ('queued', 'stored', 'sent', 'failed')"),
            Check("language IN ('fr', 'en')"),
        ]
        indexes = ((("account", "id"), False),)


class Attachment(Model):
    id = AutoField()
    letter = ForeignKeyField(Letter, on_delete="CASCADE", backref="+")
    document = CharField(max_length=32)
    subject_id = IntegerField()
    filename = CharField(max_length=128)
    content = BlobField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "attachment"
        indexes = ((("letter", "filename"), True),)


class Job(Model):
    id = BigAutoField()
    kind = CharField(max_length=48)
    key = CharField(max_length=160, unique=True)
    payload = TextField()
    status = CharField(max_length=16)
    attempts = IntegerField()
    run_at = DateTimeField()
    lease_until = DateTimeField(null=True)
    dispatched_at = DateTimeField(null=True)
    error = CharField(max_length=512)
    created_at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "job"
        constraints = [
            Check("status IN ('queued', 'running', 'done', 'failed')"),
            Check("attempts >= 0"),
        ]
        indexes = ((("status", "run_at"), False),)


class SandboxSwitch(Model):
    name = CharField(max_length=64, primary_key=True)
    value = CharField(max_length=64)

    class Meta:
        legacy_table_names = False
        table_name = "sandbox_switch"


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

TABLES = [
    Account,
    Session,
    OneTimeLink,
    RateCount,
    Offer,
    Price,
    Contract,
    Order,
    OrderLine,
    Acceptance,
    Event,
    Payment,
    Card,
    LicenceGroup,
    Seat,
    Letter,
    Attachment,
    Job,
    SandboxSwitch,
]


def up(migrator, db):
    """Create every table, with its constraints and indexes."""
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)


def down(migrator, db):
    """Drop every table."""
    with db.bind_ctx(TABLES):
        db.drop_tables(TABLES)
