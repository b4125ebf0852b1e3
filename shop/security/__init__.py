"""Encryption at rest and rate limits."""
