"""Serving on one machine: supervision of processes, and buffering of requests."""
