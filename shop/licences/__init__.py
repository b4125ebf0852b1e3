"""Licence groups, their places, seats and usage."""
