"""Payments of orders and invoices, their outcome, and refunds."""
