"""Measurements: complete order journeys, and pages of large groups (`bench.seats`)."""
