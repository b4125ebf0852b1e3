"""Exchange services: import, lists of mailboxes, and Office Attach."""
