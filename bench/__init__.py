"""Measurements: complete journeys against a running shop."""
