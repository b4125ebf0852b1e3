"""Money: what a customer owes and has on balance, and the acts that change it."""

from desk.money import approvals, balances, documents

__all__ = ["approvals", "balances", "documents"]
