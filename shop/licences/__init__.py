"""Licence groups: reserved places, seats and usage."""
