"""Acts on many seats at once, of a CSV file of people or of a selection: the act and its lines."""

from __future__ import annotations

from enum import StrEnum

from peewee import (
    AutoField,
    BooleanField,
    CharField,
    Check,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
)

from records.base import JSONField, MomentField, StateMachine, Table, one_of
from records.groups import LicenceGroup
from records.seats import Seat


class ImportStatus(StrEnum):
    """The status of an import."""

    PREVIEW = "preview"
    RUNNING = "running"
    DONE = "done"
    ABANDONED = "abandoned"


class ImportAct(StrEnum):
    """What is done with the lines: people of a file are configured, the rest is of a selection."""

    CONFIGURE = "configure"
    RELEASE = "release"
    PASSWORD = "password"
    GIVE_BACK = "give_back"


class SendTo(StrEnum):
    """Who gets the passwords that the lines make: the customer gets one file of them all."""

    ME = "me"
    PERSON = "person"
    NOBODY = "nobody"


IMPORT_MOVES: dict[str, set[str]] = {
    ImportStatus.PREVIEW: {ImportStatus.RUNNING, ImportStatus.ABANDONED},
    ImportStatus.RUNNING: {ImportStatus.DONE},
    ImportStatus.DONE: set(),
    ImportStatus.ABANDONED: set(),
}


class SeatImport(StateMachine):
    """An act on many seats: a preview first, then run in the background.

    Each line is a person of a CSV file to configure a seat for, or one of the seats selected.
    """

    event_subject = "import"
    moves = IMPORT_MOVES

    group_id: int  # added by Peewee; declared for mypy

    id = AutoField()
    group = ForeignKeyField(LicenceGroup, backref="+", index=False)
    act = CharField(max_length=16, default=ImportAct.CONFIGURE)
    send_to = CharField(max_length=8, default=SendTo.ME)
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
            one_of("act", ImportAct),
            one_of("send_to", SendTo),
            Check("lines_good BETWEEN 0 AND lines_total"),
            Check("lines_done BETWEEN 0 AND lines_good"),
            Check("lines_refused BETWEEN 0 AND lines_done"),
        ]
        indexes = (
            (("group", "id"), False),
            (("group", "act", "id"), False),
            (("group", "status", "id"), False),
        )

    @property
    def is_preview(self) -> bool:
        """Whether this is a preview that the customer can start or abandon."""
        return self.status == ImportStatus.PREVIEW

    @property
    def is_abandoned(self) -> bool:
        """Whether the customer abandoned it before starting it."""
        return self.status == ImportStatus.ABANDONED

    @property
    def is_running(self) -> bool:
        """Whether lines are being processed."""
        return self.status == ImportStatus.RUNNING

    @property
    def makes_passwords(self) -> bool:
        """Whether each line makes a password."""
        return self.act in {ImportAct.CONFIGURE, ImportAct.PASSWORD}

    @property
    def is_of_file(self) -> bool:
        """Whether the lines come from a file; otherwise from a selection of seats."""
        return self.act == ImportAct.CONFIGURE


class SeatImportLine(Table):
    """One line of an import. ``problem`` is a message of the catalogue, ``details`` its values.

    ``seat`` is the seat that the line configured, and ``version`` the seat's version after that.
    A selected seat has both from the beginning, with the version that the customer saw; ``number``
    is its number then. ``recipient`` is an e-mail address of the person, if the file has one.
    """

    seat_import_id: int  # added by Peewee; declared for mypy
    seat_id: int | None

    seat_import = ForeignKeyField(SeatImport, backref="lines", on_delete="CASCADE", index=False)
    number = IntegerField()
    first_name = CharField(max_length=255)
    last_name = CharField(max_length=255)
    login = CharField(max_length=255)
    recipient = CharField(max_length=254, default="")
    problem = CharField(max_length=255, default="")
    details = JSONField(default=dict)
    is_done = BooleanField(default=False)
    seat = ForeignKeyField(Seat, backref="+", null=True, on_delete="SET NULL")
    version = IntegerField(null=True)

    class Meta:
        primary_key = CompositeKey("seat_import", "number")
