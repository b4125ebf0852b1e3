"""The queue of jobs, and the settings made by the sandbox's controls."""

from __future__ import annotations

from enum import StrEnum

from peewee import SQL, BigAutoField, BigIntegerField, CharField, Check, IntegerField

from records.base import JSONField, MomentField, Table, one_of

CARRY_OUT_WITHDRAWAL = "carry_out_withdrawal"
"""The kind of the job that carries a withdrawal out; the proof of the ledger asks for it."""


class JobStatus(StrEnum):
    """The status of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(Table):
    """A job, written in the transaction of its cause; the unique ``key`` makes enqueuing
    idempotent.

    ``run_at`` is in the shop's time, ``lease_until`` in real time; ``lease`` is the random number
    of the last lease, by which a worker knows whether it is still its own. ``dispatched_at``
    belongs to the previous release, whose workers send a message for a job in which it is missing.
    """

    id = BigAutoField()
    kind = CharField(max_length=48)
    key = CharField(max_length=160, unique=True)
    payload = JSONField()
    status = CharField(max_length=16, default=JobStatus.QUEUED)
    attempts = IntegerField(default=0)
    priority = IntegerField(default=0)
    run_at = MomentField()
    lease = BigIntegerField(default=0)
    lease_until = MomentField(null=True)
    dispatched_at = MomentField(null=True)
    error = CharField(max_length=512, default="")
    created_at = MomentField()

    class Meta:
        constraints = [one_of("status", JobStatus), Check("attempts >= 0")]
        indexes = ((("status", "run_at"), False),)

    @property
    def is_queued(self) -> bool:
        """Whether it waits to be run."""
        return self.status == JobStatus.QUEUED


Job.add_index(
    Job.index(Job.priority, Job.run_at, Job.id, name="job_waiting").where(SQL("status = 'queued'"))
)


WORK_ON_LICENCES = (
    "status IN ('queued', 'running') "
    "AND kind IN ('activate_seat', 'update_seat', 'set_seat_password', 'release_seat')"
)
"""The condition of an index, which queries repeat word for word."""

Job.add_index(
    Job.index(Job.status, Job.kind, Job.created_at, name="job_on_licence").where(
        SQL(WORK_ON_LICENCES)
    )
)


class SandboxSwitch(Table):
    """A setting made by the sandbox's controls: the clock's offset, or a pause at a test point."""

    name = CharField(max_length=64, primary_key=True)
    value = CharField(max_length=64)
