"""Workers killed at any moment (SIGKILL)."""
