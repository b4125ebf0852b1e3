"""Work that must follow: queued with its cause, run by a worker, retried, never lost."""

from shop.jobs.queue import Later, Priority
from shop.jobs.tasks import Request, Task, handles, without_handler

__all__ = ["Later", "Priority", "Request", "Task", "handles", "without_handler"]
