"""Work that must follow: queued with its cause, run by a worker, retried, never lost."""
