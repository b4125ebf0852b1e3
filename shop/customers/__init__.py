"""Accounts: registration, passwords, second factor, sessions, profile."""
