"""The Office provider's port, and the parties behind it."""
