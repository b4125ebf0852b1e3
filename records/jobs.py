"""Work to be done, and what the sandbox's controls said."""

from __future__ import annotations

from enum import StrEnum

from peewee import BigAutoField, CharField, Check, IntegerField

from records.base import JSONField, MomentField, Table, one_of


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
    priority = IntegerField(default=0)
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
