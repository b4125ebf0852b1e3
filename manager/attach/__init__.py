"""Office Attach: licences for the mailboxes of an Exchange service (guide)."""

from manager.attach import choose, review

__all__ = ["choose", "review"]
