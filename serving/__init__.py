"""Supervision of several processes on one machine."""
