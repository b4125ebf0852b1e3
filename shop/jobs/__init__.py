"""Background jobs: queued in the transaction that causes them, run by workers, retried."""

from shop.jobs.priorities import Priority
from shop.jobs.queue import Later, last_transaction
from shop.jobs.tasks import Request, Task, handles, without_handler

__all__ = ["Later", "Priority", "Request", "Task", "handles", "last_transaction", "without_handler"]
