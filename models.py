"""The tables that storefront, manager and desk share: the data, and the legal moves of each state.

Rules that concern one row or a pair of rows are constraints in the database; models answer
questions about themselves, and the modules of `shop` make changes. The tables are defined in
`records`, by subject; blueprints and tests import them from here, `shop` from `records`.
"""

from __future__ import annotations

from typing import cast

from records.account_credits import AccountCredit, CreditKind, CreditUse
from records.accounts import Account, OneTimeLink, RateCount, Session, VatStatus
from records.bank_lines import BankLine, BankLineStatus
from records.base import JSONField, MomentField, Table, database, lock, one_of
from records.card_setups import CardSetup, CardSetupStatus
from records.cards import Card
from records.catalogue import (
    MOST_PLACES,
    CatalogueVersion,
    ChangeKind,
    Contract,
    ContractFile,
    Offer,
    OfferChange,
    Price,
    Product,
)
from records.customer_search import AccountKey
from records.disputes import Dispute, DisputeStatus
from records.durations import DurationCount
from records.events import Event
from records.exchange import (
    MOST_ATTACHED,
    Attach,
    AttachedAccount,
    ExchangeAccount,
    ExchangeService,
    MailboxKind,
    MailboxStatus,
)
from records.exports import DataExport, DataExportPart, ExportStatus
from records.groups import (
    GROUPS_OVER,
    Addition,
    AdditionStatus,
    GroupKey,
    GroupStatus,
    LicenceCount,
    LicenceGroup,
)
from records.handovers import Handover
from records.imports import ImportAct, ImportStatus, SeatImport, SeatImportLine, SendTo
from records.invoices import (
    PAYABLE,
    Invoice,
    InvoiceFile,
    InvoiceKind,
    InvoiceLine,
    InvoiceSeries,
    InvoiceStatus,
    MovedLoss,
    MovedPayment,
)
from records.jobs import Job, JobStatus, SandboxSwitch
from records.languages import Language
from records.ledger import EntryKind, LedgerEntry
from records.letters import Attachment, Letter, LetterStatus, StaffLetter
from records.licence_stock import LicenceStock
from records.missing_glyphs import MissingGlyph
from records.money_acts import MoneyAct, MoneyActKind, MoneyActStatus
from records.notes import CustomerNote
from records.notices import Notice, NoticeKind
from records.orders import Acceptance, Order, OrderLine, OrderStatus
from records.payments import UNSETTLED, Payment, PaymentStatus
from records.payouts import LineKind, LineProblem, Payout, PayoutLine, PayoutStatus
from records.refunds import Refund, RefundStatus
from records.revenue import RevenueSum, ServiceSum
from records.seat_states import (
    ACTS,
    ACTS_AFTER_ERROR,
    MOVING,
    NAMELESS,
    UNCONFIGURED_NAME,
    SeatAct,
    SeatStatus,
)
from records.seats import Seat, SeatEvent, SeatKey, UsageDay
from records.security import (
    AccountEvent,
    Authenticator,
    Challenge,
    KnownOrigin,
    OriginKind,
    Passkey,
    RecoveryCode,
)
from records.staff import (
    Role,
    StaffAccount,
    StaffAct,
    StaffInvitation,
    StaffPasskey,
    StaffSession,
    StaffSignIn,
)
from records.subscriptions import (
    ContractAnnouncement,
    PriceAnnouncement,
    Reminder,
    Renewal,
    Subscription,
    SubscriptionStatus,
)
from records.terminations import (
    GiveBack,
    Termination,
    TerminationStatus,
)
from records.vat import PlaceProof, ProofKind, VatAnswer, VatCheck
from records.viewings import Viewing


def all_tables() -> list[type[Table]]:
    """Return every table, parents before their children."""
    return cast("list[type[Table]]", [
        Account, Session, OneTimeLink, RateCount, Authenticator, RecoveryCode, Passkey, Challenge,
        KnownOrigin, AccountEvent, AccountKey, CustomerNote, Viewing,
        DataExport, DataExportPart,
        CatalogueVersion, Offer, OfferChange, Price, Contract, ContractFile,
        Card, Order, OrderLine, Acceptance, Event, LicenceGroup, GroupKey, LicenceCount,
        Addition, Seat, SeatKey, SeatEvent, UsageDay, SeatImport, SeatImportLine, Handover, Letter,
        Attachment, InvoiceSeries, Invoice, InvoiceLine, InvoiceFile, MovedPayment, MovedLoss,
        Payment, Refund, Dispute,
        AccountCredit, CreditUse, MoneyAct, BankLine, Payout, PayoutLine,
        LedgerEntry,
        ExchangeService, ExchangeAccount, Attach, AttachedAccount, CardSetup,
        Subscription, Renewal, Reminder, Termination, GiveBack, PriceAnnouncement,
        ContractAnnouncement, RevenueSum, ServiceSum,
        VatCheck, PlaceProof, MissingGlyph, LicenceStock, Notice, Job, SandboxSwitch, DurationCount,
        StaffAccount, StaffSession, StaffSignIn, StaffPasskey, StaffInvitation, StaffAct,
        StaffLetter,
    ])  # fmt: skip
