"""Keeping several processes running on one machine, and ending them together."""
